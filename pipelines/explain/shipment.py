"""One shipment in full, as of the run that decided about it: its features rebuilt, its score taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.errors import RunError
from riskscore.frames import as_frame
from riskscore.ledger import live_on
from riskscore.models.labels import ANY
from riskscore.pipelines.disputes import disputed, won_by_challenger
from riskscore.pipelines.explain.clearing import clearing, port_cuts
from riskscore.pipelines.explain.reasons import driving_hazards, explain
from riskscore.pipelines.explain.record import as_records, record_of
from riskscore.pipelines.model_store import load_model
from riskscore.pipelines.past import Past
from riskscore.selection.trial import SIDES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from riskscore.features import FeatureBuilder
    from riskscore.ledger import Ledger, Run
    from riskscore.models import Model
    from riskscore.pipelines.explain.clearing import Clearing
    from riskscore.pipelines.explain.record import TraderRecord
    from riskscore.selection.reasons import Reason
    from riskscore.selection.trial import Side
    from riskscore.workspace import Workspace

_CUT_BY = ["shipment_id", "port", "arm", "risk_score"]
_SAME = 1e-9
"""Two risk scores closer than this are the same: another machine's exponential function may differ in its last bit."""


@dataclass(frozen=True, slots=True)
class ShipmentExplained:
    """Everything there is to say about one shipment of one run.

    Attributes:
        run: the recorded run.
        recommendation: the shipment's row of the recommendations table, by column.
        shipment: its row of the shipments table as it stood that morning, by column.
        version: the model whose score won the slot: on a day with a trial the challenger's, where it won the toss; else
            the champion's, which is the published one.
        scores: what that model said of it: any, and each hazard it has a model of.
        hazard: the hazard whose score is taken apart, or `any`: the one that drives the exam, or the likeliest.
        explained: the booster that was asked: `hazard`, or `any` where the model has none of it.
        concepts: every concept that moves that score, strongest first.
        cut: the highest risk score, of the same model, that it passed over at the port that day; None = it was not
            examined for its rank, or nothing was passed over.
        clearing: what would take the risk score under the cut.
        record: the traders' records as they stood that morning.
    """

    run: Run
    recommendation: dict[str, Any]
    shipment: dict[str, Any]
    version: str
    scores: dict[str, float]
    hazard: str
    explained: str
    concepts: list[Reason]
    cut: float | None
    clearing: list[Clearing]
    record: TraderRecord

    @property
    def by_challenger(self) -> bool:
        """The challenger of a trial asked for it and won the toss: the published scores are not the ones explained."""
        return bool(self.version != self.recommendation["model_version"])

    @property
    def is_random(self) -> bool:
        """It was drawn, not chosen for its risk: the score is context, and no reason for the exam."""
        return self.recommendation["arm"] in {"random_floor", "novelty"}


def explain_shipment(
    workspace: Workspace,
    shipment_id: str,
    day: date | None = None,
    *,
    builders: Sequence[FeatureBuilder] | None = None,
) -> ShipmentExplained:
    """Explain a shipment as of its run, with that run's model and the facts known at its ledger position.

    Args:
        workspace: where it was scored.
        shipment_id: the shipment.
        day: the run date; None = the last on which it was scored.
        builders: the feature builders the model was trained with; None = riskscore's own.

    Raises:
        RunError: it was not scored, or not on that day; what is rebuilt gives another score than was recorded.
        ModelError: the recorded model cannot be loaded, or was trained with other features.
    """
    with workspace.ledger(read_only=True) as ledger:
        run, table = _found(ledger, shipment_id, day)
        row = table.filter(pc.equal(table["shipment_id"], shipment_id)).to_pylist()[0]
        champion = load_model(workspace, ledger, row["model_version"])
        won = won_by_challenger(run).get(shipment_id)
        asking = load_model(workspace, ledger, won) if won else champion
        past = Past(workspace, ledger, builders)
        standing = as_frame(live_on(ledger.connection, run.run_date, run.position), index="shipment_id")
        live = standing[standing["action"] != "deleted"]
        one = live.loc[[shipment_id]]
        history = past.of_morning(one, run.run_date, run.position, crowd=live)
        built = past.build(one, history)
        record = record_of(ledger.connection, one, history, run)
        port = _port(run, table, row["port"], "challenger" if won else "champion")
        if won:
            there = live[live["port"] == row["port"]]
            every = past.build(there, past.of_morning(there, run.run_date, run.position, crowd=live))
            port = port.assign(risk_score=asking.model.predict(_read_by(asking.model, every), workspace.threads)["any"])
    _require_same(champion.model.predict(built, workspace.threads), row, run)
    cut = _cut(port) if row["arm"] == "risk" else None
    return ShipmentExplained(
        run, row, as_records(one.reset_index())[0], asking.version,
        **_apart(asking.model, _read_by(asking.model, built), row["exam_type"], cut, past.builders, workspace.threads),
        cut=cut, record=record,
    )  # fmt: skip


def _apart(
    model: Model,
    frame: pd.DataFrame,
    exam: str | None,
    cut: float | None,
    builders: Sequence[FeatureBuilder],
    threads: int,
) -> dict[str, Any]:
    """What a model says of one shipment, and why: scores, hazard, explained, concepts, clearing."""
    scores = model.predict(frame, threads)
    hazards = driving_hazards(scores, pd.Series([exam], index=frame.index, dtype="str"))
    hazard = hazards.iloc[0]
    [concepts] = explain(model, frame, hazards, threads, builders=builders, everything=True)
    limit = pd.Series([np.nan if cut is None else cut], index=frame.index)
    return {
        "scores": {str(name): float(score) for name, score in scores.iloc[0].items()},
        "hazard": hazard,
        "explained": hazard if hazard in model.targets else ANY,
        "concepts": concepts,
        "clearing": clearing(model, frame, limit, threads)[0],
    }


def _read_by(model: Model, frame: pd.DataFrame) -> pd.DataFrame:
    """The features that a model reads: a challenger need not read all that the champion does."""
    return frame[[feature.name for feature in model.features if feature.name in frame.columns]]


def _found(ledger: Ledger, shipment_id: str, day: date | None) -> tuple[Run, pa.Table]:
    """The run and the whole of its recommendations."""
    if day is not None:
        run = ledger.run_of(day)
        if run is None:
            raise RunError(f"{day.isoformat()} has not been scored", fix=f"run riskscore score FILE --date {day}")
    else:
        run = _last_run(ledger, shipment_id)
    table = ledger.recommendations_of(run.run_id)
    if not pc.any(pc.equal(table["shipment_id"], shipment_id)).as_py():
        what = f"no shipment {shipment_id!r} in the run of {run.run_date.isoformat()}"
        raise RunError(what, fix="leave --date out to take the last run that scored it")
    return run, table


def _last_run(ledger: Ledger, shipment_id: str) -> Run:
    """The latest run of the last day that scored the shipment; of a run that a later one replaced, nothing counts."""
    found = ledger.connection.execute(
        "SELECT max(run_date) FROM (SELECT * FROM runs QUALIFY seq = max(seq) OVER (PARTITION BY run_date)) "
        "JOIN recommendations USING (run_id) WHERE shipment_id = ?",
        [shipment_id],
    ).fetchall()
    last = found[0][0]
    run = None if last is None else ledger.run_of(last)
    if run is None:
        fix = "check the id; riskscore score FILE scores the shipments of a file"
        raise RunError(f"no run has scored a shipment {shipment_id!r}", fix=fix)
    return run


def _require_same(scores: pd.DataFrame, row: dict[str, Any], run: Run) -> None:
    now = float(scores["any"].iloc[0])
    if not abs(now - row["risk_score"]) <= _SAME:
        raise RunError(
            f"the risk score of {row['shipment_id']} is {now:.6f} when built again, and was recorded as "
            f"{row['risk_score']:.6f}",
            where=f"run of {run.run_date.isoformat()}",
            fix="the program, a library or a reference table changed; score the day again with --refresh",
        )


def _port(run: Run, table: pa.Table, port: str, side: Side) -> pd.DataFrame:
    """The shipments of a port as `port_cuts` reads them, arm risk where a side of the trial wanted it, won or lost."""
    day: pd.DataFrame = table.filter(pc.equal(table["port"], port)).select(_CUT_BY).to_pandas().set_index("shipment_id")
    sides = {one[wanted]: wanted for one in disputed(run) if one["port"] == port for wanted in SIDES}
    asked_by = pd.Series(sides, dtype="str").reindex(day.index)
    return day.assign(arm=day["arm"].mask(asked_by.notna(), "none").mask(asked_by == side, "risk"))


def _cut(port: pd.DataFrame) -> float | None:
    cut = float(port_cuts(port).iloc[0])
    return None if np.isnan(cut) else cut
