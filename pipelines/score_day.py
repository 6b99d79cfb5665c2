"""The daily job, for one arrival day: what is known this morning, in; exam recommendations, out.

`score_day` reads top to bottom as the day goes: append what the files say, see what stands this morning, fold
history up to it, build features, score, select, and keep it all in one transaction. Parquet is published after it.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from riskscore import features, selection
from riskscore._version import VERSION
from riskscore.config import Config
from riskscore.errors import RunError
from riskscore.frames import as_frame
from riskscore.ledger import Run, live_on
from riskscore.pipelines.intake import Intake, take_in
from riskscore.pipelines.recommendations import as_published
from riskscore.publication import encode
from riskscore.tables import SHIPMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from riskscore.ledger import Ledger, Transaction
    from riskscore.pipelines.intake import Source
    from riskscore.pipelines.model_store import LoadedModel
    from riskscore.pipelines.past import Past
    from riskscore.selection import SelectionResult
    from riskscore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of the day's files: read is the sum of the others, always.

    Attributes:
        read: rows in the files.
        scored: versions that were scored: live this morning, and new to the ledger.
        quarantined: rows refused, with reasons in out/quarantine.
        superseded: versions overtaken by a later one known this morning.
        deleted: deletions in force this morning.
        duplicate: rows that the ledger or the files hold already.
        deferred: rows of another arrival day, filed after this morning's cut-off, or arriving on a day that was
            scored already and is not refreshed: kept for later.
    """

    read: int
    scored: int
    quarantined: int
    superseded: int
    deleted: int
    duplicate: int
    deferred: int


@dataclass(frozen=True, slots=True)
class DayResult:
    """A scored day.

    Attributes:
        run: as recorded in the ledger.
        counts: what became of the rows of this command's files.
        recommendations: the published table.
        replayed: the day had been scored: its recorded run was computed again and came out the same.
    """

    run: Run
    counts: Counts
    recommendations: pa.Table
    replayed: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a run is made of, beside the log: fixed by the request, or by the run that is replayed."""

    day: date
    position: int
    config: Config
    model: LoadedModel
    cutoff: datetime


@dataclass(slots=True)
class _Clock:
    """Seconds per stage, for the run record only."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begin, 3)


def score_day(
    workspace: Workspace,
    ledger: Ledger,
    past: Past,
    model: LoadedModel,
    sources: Sequence[Source],
    day: date,
    *,
    refresh: bool = False,
) -> DayResult:
    """Score one arrival day in one transaction, without publishing it (see projection.project).

    A day that was scored before is computed again at its recorded ledger position, with its recorded
    configuration and the given model, which must be the recorded one; what the files add is kept and waits for
    `refresh`.

    Raises:
        RunError: nothing stands on that morning, or a replay differs from what was recorded.
    """
    clock = _Clock()
    recorded = None if refresh else ledger.run_of(day)
    with ledger.transaction(f"score {day}") as transaction:
        with clock.stage("append"):
            intake = take_in(transaction, sources, SHIPMENTS, workspace.config.zone)
        plan = _plan(workspace, transaction, model, day, recorded)
        with clock.stage("read morning"):
            standing = as_frame(live_on(ledger.connection, day, plan.position), index="shipment_id")
        live = standing[standing["action"] != "deleted"]
        if live.empty:
            raise RunError(f"no live shipment arrives on {day.isoformat()} as known that morning")
        with clock.stage("fold history"):
            history = past.of_morning(live, day, plan.position)
        with clock.stage("build features"):
            frame = features.build(live, history)
        with clock.stage("score"):
            scores = model.model.predict(frame, workspace.threads)
        with clock.stage("select"):
            chosen = _select(plan, live, frame, scores)
        centers = history.statuses["importer"]["center"]
        run_id = _run_id(plan, live)
        table = as_published(live, scores, chosen, centers, _stamp(plan, run_id))
        sha256 = hashlib.sha256(encode(table)).hexdigest()
        counts = _count(intake, standing, day, scored_again=recorded is not None)
        if recorded is not None:
            _require_same(recorded, run_id, sha256)
            transaction.keep_only_if_appended(intake.count("new") + intake.count("superseded") + intake.quarantined)
            return DayResult(recorded, counts, table, replayed=True)
        record = _record(plan, run_id, sha256, sources, intake, counts, chosen, clock)
        run = Run(transaction.seq, day, run_id, plan.position, sha256, record)
        transaction.record_run(run, table)
    return DayResult(run, counts, table, replayed=False)


def _plan(workspace: Workspace, transaction: Transaction, model: LoadedModel, day: date, recorded: Run | None) -> _Plan:
    if recorded is None:
        config, position = workspace.config, transaction.seq
    else:
        config, position = Config.model_validate(recorded.record["config"]), recorded.position
    cutoff = datetime(day.year, day.month, day.day, tzinfo=config.zone).astimezone(UTC)
    return _Plan(day, position, config, model, cutoff)


def _select(plan: _Plan, live: pd.DataFrame, frame: pd.DataFrame, scores: pd.DataFrame) -> SelectionResult:
    matches = selection.match(plan.config.must_exam, live.join(frame), plan.day)
    day = live[["port"]].join(scores["any"])
    hazards = scores.drop(columns="any")
    return selection.select(day, hazards, matches, plan.config.capacity, plan.config.selection, plan.day)


def _run_id(plan: _Plan, live: pd.DataFrame) -> str:
    """Digest of what the run depends on: its rows in canonical order, configuration, model and cut-off."""
    digest = hashlib.sha256()
    parts = [plan.config.digest(), plan.model.version, plan.model.digest, plan.cutoff.isoformat(), str(plan.position)]
    for part in [*parts, *live["row_digest"].sort_index()]:
        digest.update(f"{part}\n".encode())
    return digest.hexdigest()


def _stamp(plan: _Plan, run_id: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "model_version": plan.model.version,
        "feature_hash": plan.model.model.feature_hash,
        "ledger_seq": plan.position,
        "scored_at": plan.cutoff,
    }


def _count(intake: Intake, standing: pd.DataFrame, day: date, *, scored_again: bool) -> Counts:
    """What became of each row, by what stands this morning."""
    fates = intake.fates
    fresh = fates[fates["fate"].isin(["new", "superseded"])]
    today = pd.to_datetime(fresh["arrival_date"]).dt.date == day
    stands = fresh["row_digest"].isin(standing["row_digest"]) & today
    deletes = fresh["row_digest"].isin(standing.loc[standing["action"] == "deleted", "row_digest"])
    overtaken = today & ~stands & fresh["shipment_id"].isin(standing.index) & (fresh["fate"] == "superseded")
    scored, deleted, superseded = int((stands & ~deletes).sum()), int((stands & deletes).sum()), int(overtaken.sum())
    if scored_again:
        scored = deleted = superseded = 0
    return Counts(
        read=intake.read,
        scored=scored,
        quarantined=intake.quarantined,
        superseded=superseded,
        deleted=deleted,
        duplicate=intake.count("duplicate"),
        deferred=len(fresh) - scored - deleted - superseded,
    )


def _require_same(recorded: Run, run_id: str, sha256: str) -> None:
    if (recorded.run_id, recorded.parquet_sha256) != (run_id, sha256):
        raise RunError(
            f"replaying {recorded.run_date.isoformat()} gave other recommendations than were recorded",
            where=f"run {recorded.run_id[:12]}, now {run_id[:12]}",
            fix="the program or a library changed since; --refresh publishes a new run and keeps the old",
        )


def _record(  # noqa: PLR0913, PLR0917 - the run record names everything the run was made of
    plan: _Plan,
    run_id: str,
    sha256: str,
    sources: Sequence[Source],
    intake: Intake,
    counts: Counts,
    chosen: SelectionResult,
    clock: _Clock,
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "run_date": plan.day.isoformat(),
        "cutoff": plan.cutoff.isoformat(),
        "ledger_position": plan.position,
        "inputs": [{"path": s.path, "sha256": s.sha256, "rows": s.rows} for s in sources],
        "model": {"version": plan.model.version, "digest": plan.model.digest, "as_of": plan.model.as_of.isoformat()},
        "feature_hash": plan.model.model.feature_hash,
        "config": plan.config.model_dump(mode="json"),
        "config_digest": plan.config.digest(),
        "counts": {name: getattr(counts, name) for name in Counts.__slots__},
        "findings": intake.findings,
        "slots": chosen.slots.to_dict("index"),
        "ports_without_capacity": list(chosen.ports_without_capacity),
        "must_exam_unmet": [
            {"shipment_id": u.shipment_id, "port": u.port, "rule_id": u.rule_id, "exam": u.exam, "given": u.given}
            for u in chosen.unmet
        ],
        "rules": [{"rule_id": r.rule_id, "matches": r.matches, "flag": r.flag} for r in chosen.rule_report],
        "parquet_sha256": sha256,
        "durations_s": clock.seconds,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "riskscore_version": VERSION,
    }


def as_json(run: Run) -> str:
    """The run record as the text that is published."""
    return json.dumps(run.record, indent=2, sort_keys=True)
