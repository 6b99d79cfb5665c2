"""The daily job, for one arrival day: what is known this morning, in; exam recommendations, out.

`score_day` reads top to bottom as the day goes: append what the files say, see what stands this morning, fold
history up to it, build features, score, select, explain the selected, and keep it all in one transaction. Parquet is
published after it.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import ValidationError

from riskscore._version import VERSION
from riskscore.config import Config
from riskscore.errors import RunError
from riskscore.frames import as_frame
from riskscore.ledger import Run, live_on
from riskscore.pipelines.carry_over import taken_over
from riskscore.pipelines.drift import Drift, recent_drift, widened
from riskscore.pipelines.explain import with_reasons
from riskscore.pipelines.intake import Intake, take_in
from riskscore.pipelines.recommendations import as_published, choose, exam_slots
from riskscore.pipelines.rule_lists import watch_lists_of
from riskscore.pipelines.trial import Trial, rival_scores
from riskscore.publication import encode
from riskscore.selection import watch_lists
from riskscore.tables import SHIPMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from riskscore.ledger import Ledger, Transaction
    from riskscore.pipelines.carry_over import TakenOver
    from riskscore.pipelines.intake import Source
    from riskscore.pipelines.model_store import LoadedModel
    from riskscore.pipelines.past import Past
    from riskscore.selection import SelectionResult
    from riskscore.selection.watch_lists import WatchList
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
    reference_digest: str
    trial: Trial
    lists: Mapping[str, WatchList] = field(default_factory=dict)


@dataclass(slots=True)
class _Clock:
    """Seconds per stage, for the run record only."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begin, 3)


@dataclass(frozen=True, slots=True)
class _Morning:
    """What a morning's computation gives, before anything is kept."""

    standing: pd.DataFrame
    drift: Drift
    over: TakenOver
    chosen: SelectionResult
    table: pa.Table
    run_id: str
    sha256: str
    size: int


def score_day(  # noqa: PLR0913 - what a morning is made of
    workspace: Workspace,
    ledger: Ledger,
    past: Past,
    model: LoadedModel,
    sources: Sequence[Source],
    day: date,
    trial: Trial | None = None,
    *,
    refresh: bool = False,
) -> DayResult:
    """Score one arrival day in one transaction, without publishing it (see projection.project).

    A day that was scored before is computed again at its recorded ledger position, with its recorded
    configuration and the given models, which must be the recorded ones; what the files add is kept and waits for
    `refresh`. With a challenger in `trial`, ranked slots on which it and the model disagree are tossed for.

    Raises:
        RunError: nothing stands on that morning, or a replay differs from what was recorded.
    """
    clock = _Clock()
    recorded = None if refresh else ledger.run_of(day)
    with ledger.transaction(f"score {day}") as transaction:
        with clock.stage("append"):
            intake = take_in(transaction, sources, SHIPMENTS, workspace.config.zone)
        plan = _plan(workspace, ledger, transaction, (model, trial or Trial()), day, recorded)
        morning = _compute(plan, ledger, past, workspace.threads, clock)
        counts = _count(intake, morning.standing, day, scored_again=recorded is not None)
        if recorded is not None:
            _require_same(recorded, morning)
            transaction.keep_only_if_appended(counts.deferred + intake.newly_quarantined)
            return DayResult(recorded, counts, morning.table, replayed=True)
        record = _record(plan, morning, sources, intake, counts, clock)
        run = Run(transaction.seq, day, morning.run_id, plan.position, morning.sha256, record)
        transaction.record_run(run, morning.table)
        for used in plan.lists.values():
            transaction.keep_watch_list(used.digest, used.content)
    return DayResult(run, counts, morning.table, replayed=False)


def _compute(plan: _Plan, ledger: Ledger, past: Past, threads: int, clock: _Clock) -> _Morning:
    """The day, from what stands this morning to the table that will be published."""
    with clock.stage("read morning"):
        standing = as_frame(live_on(ledger.connection, plan.day, plan.position), index="shipment_id")
    live = standing[standing["action"] != "deleted"]
    with clock.stage("fold history"):
        history = past.of_morning(live, plan.day, plan.position)
    with clock.stage("build features"):
        frame = past.build(live, history)
    with clock.stage("score"):
        scores = plan.model.model.predict(frame, threads)
        rival = rival_scores(plan.trial.challenger, frame, live["value_usd"], threads)
    severity = plan.model.model.trained.severity
    with clock.stage("select"):
        drift = recent_drift(ledger.connection, plan.day, plan.position)
        over = taken_over(ledger, plan.day, plan.position, plan.config.capacity.carry_over_days)
        chosen = choose(
            widened(plan.config, drift), live, frame, scores, plan.day, rival,
            severity=severity, lists=plan.lists, waiting=over.waiting,
        )  # fmt: skip
    with clock.stage("explain"):
        challenger = plan.trial.challenger
        models = (plan.model.model, challenger.model if challenger else None)
        chosen = with_reasons(chosen, frame, models, past.builders, threads)
    with clock.stage("put together"):
        run_id = _run_id(plan, live)
        centers = history.statuses["importer"]["center"]
        table = as_published(live, scores, chosen, centers, _stamp(plan, run_id), severity)
        content = encode(table)
    return _Morning(standing, drift, over, chosen, table, run_id, hashlib.sha256(content).hexdigest(), len(content))


def _plan(
    workspace: Workspace,
    ledger: Ledger,
    transaction: Transaction,
    models: tuple[LoadedModel, Trial],
    day: date,
    recorded: Run | None,
) -> _Plan:
    if recorded is None:
        config, position = workspace.config, transaction.seq
    else:
        config, position = _recorded_config(recorded), recorded.position
    cutoff = datetime(day.year, day.month, day.day, tzinfo=config.zone).astimezone(UTC)
    lists = watch_lists_of(workspace, ledger, config, day, recorded)
    return _Plan(day, position, config, models[0], cutoff, workspace.tables.digest(), models[1], lists)


def _recorded_config(recorded: Run) -> Config:
    try:
        return Config.model_validate(recorded.record["config"])
    except ValidationError:
        raise RunError(
            f"the configuration recorded with {recorded.run_date.isoformat()} is not one that this version can read",
            fix="--refresh publishes a new run and keeps the old",
        ) from None


def _run_id(plan: _Plan, live: pd.DataFrame) -> str:
    """Digest of what the run depends on: rows in canonical order, configuration, lists, facts, models, cut-off."""
    digest = hashlib.sha256()
    given = [plan.config.digest(), plan.reference_digest, plan.model.version, plan.model.digest]
    challenger = plan.trial.challenger
    rival = [challenger.version, challenger.digest] if challenger else []
    lists = [f"{name} {plan.lists[name].digest}" for name in sorted(plan.lists)]
    parts = [*given, plan.cutoff.isoformat(), str(plan.position), *rival, *lists]
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
    arrival, filed, today = pd.to_datetime(fresh["arrival_date"]), pd.to_datetime(fresh["filed_day"]), pd.Timestamp(day)
    in_time = (arrival == today) & (filed.isna() | (filed < today))
    stands = in_time & fresh["row_digest"].isin(standing["row_digest"])
    deletes = stands & fresh["row_digest"].isin(standing.loc[standing["action"] == "deleted", "row_digest"])
    deleted, scored = int(deletes.sum()), int((stands & ~deletes).sum())
    superseded = int((in_time & ~stands).sum())
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


def _require_same(recorded: Run, morning: _Morning) -> None:
    if (recorded.run_id, recorded.parquet_sha256) != (morning.run_id, morning.sha256):
        raise RunError(
            f"replaying {recorded.run_date.isoformat()} gave other recommendations than were recorded",
            where=f"run {recorded.run_id[:12]}, now {morning.run_id[:12]}",
            fix="the program, a library or a reference table changed; --refresh publishes a new run and keeps the old",
        )


def _record(
    plan: _Plan, morning: _Morning, sources: Sequence[Source], intake: Intake, counts: Counts, clock: _Clock
) -> dict[str, Any]:
    chosen = morning.chosen
    return {
        "run_id": morning.run_id,
        "run_date": plan.day.isoformat(),
        "cutoff": plan.cutoff.isoformat(),
        "ledger_position": plan.position,
        "inputs": [{"path": s.path, "sha256": s.sha256, "rows": s.rows} for s in sources],
        "model": plan.model.as_record(),
        "trial": plan.trial.as_record(chosen.disputed),
        "trial_not_held": plan.trial.fault,
        "feature_hash": plan.model.model.feature_hash,
        "config": plan.config.model_dump(mode="json"),
        "config_digest": plan.config.digest(),
        "reference_digest": plan.reference_digest,
        "counts": {name: getattr(counts, name) for name in Counts.__slots__},
        "findings": intake.findings,
        "drift": morning.drift.as_record(),
        "slots": chosen.slots.to_dict("index"),
        "exam_slots": exam_slots(chosen),
        "expected": {"finds": chosen.expected_finds, "harm_usd": chosen.expected_harm_usd},
        "ports_without_capacity": list(chosen.ports_without_capacity),
        "must_exam_unmet": [asdict(unmet) for unmet in chosen.unmet],
        **morning.over.as_record(chosen.carried),
        "rules": [r.as_record() for r in chosen.rule_report],
        "watch_lists": watch_lists.as_record(plan.lists, plan.day),
        "parquet_sha256": morning.sha256,
        "parquet_bytes": morning.size,
        "durations_s": clock.seconds,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "riskscore_version": VERSION,
    }
