"""What became of the exams that were ordered, as far as it was known on the morning of the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from riskscore import models, reference
from riskscore.frames import as_frame
from riskscore.ledger import outcomes_known
from riskscore.ledger.schema import VERSION_ORDER, hash_of, rows_of
from riskscore.ledger.waits import waits_of
from riskscore.models.delays import correct_delays
from riskscore.models.labels import targets, weight_column
from riskscore.pipelines.backtest.rows import slow_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from riskscore.ledger import Ledger
    from riskscore.ledger.in_force import InForce
    from riskscore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Results:
    """Results of exams.

    Attributes:
        ordered: exams ordered by the runs in force, indexed by shipment_id, by run date: run_date, port, arm,
            exam_type, `carried` (a must-exam that found no slot on its run date and was held on a later day), `result`
            (found | clear | pending | waived | none).
        told: indexed by shipment_id, shipments with a result that tells: per target `found_<target>` (1.0 | 0.0 | NaN)
            and `held_up_<target>` (see `prevalence.Exams`); `amount_usd` found.
        left_out: shipments that leave every figure of performance: bill deleted, cargo never arrived, scored after
            release (GAO-15-294).
        slow_days: days within which 95 % of the finds became known.
    """

    ordered: pd.DataFrame
    told: pd.DataFrame
    left_out: frozenset[str]
    slow_days: int


def read_results(
    workspace: Workspace,
    ledger: Ledger,
    runs: Sequence[InForce],
    through: date,
    position: int,
    gone: Iterable[str] = (),
) -> Results:
    """The exams that `runs` ordered, and what was known of them on the morning after `through`.

    A result that was in the ledger before its run is not that of the exam which the run ordered, and is not counted.
    `gone` are shipments that are to be left out beside those that outcomes and deletions name.
    """
    as_of = through + timedelta(days=1)
    outcomes = as_frame(outcomes_known(ledger.connection, as_of, position))
    excluded = outcomes.loc[outcomes["result"].isin(reference.EXCLUDED), "shipment_id"]
    ordered, earlier = _ordered(ledger, runs)
    ours = outcomes[~outcomes["shipment_id"].isin(earlier)]
    ordered["result"] = _states(ordered.index, ours)
    left_out = frozenset(excluded) | frozenset(gone) | _deleted(ledger, as_of, position)
    return Results(ordered, _told(workspace, ours, as_of), left_out, slow_days(outcomes))


def _ordered(ledger: Ledger, runs: Sequence[InForce]) -> tuple[pd.DataFrame, list[str]]:
    """Exams ordered by the runs, and the shipments among them whose outcome was in the ledger before."""
    asked = pa.table({"run_id": [run.run_id for run in runs], "seq": [run.seq for run in runs],
                      "run_date": pa.array([run.run_date for run in runs], pa.date32())})  # fmt: skip
    ledger.connection.register("in_force", asked)
    try:
        query = f"""
            WITH first_words AS (SELECT shipment_id, min(seq) AS heard FROM outcomes_log GROUP BY shipment_id),
            those AS (SELECT runs.* FROM runs JOIN in_force USING (run_id)),
            orders AS (
                SELECT shipment_id, run_date, port, arm, exam_type, false AS carried, in_force.seq
                FROM recommendations JOIN in_force USING (run_id) WHERE recommendation = 'examine'
                UNION ALL SELECT shipment_id, since, port, 'must_exam', exam, true, seq
                FROM {waits_of("those")} WHERE state = 'held')
            SELECT shipment_id, run_date, port, arm, exam_type, carried, coalesce(heard <= seq, false) AS earlier
            FROM orders LEFT JOIN first_words USING (shipment_id)
            QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY run_date DESC, carried) = 1
            ORDER BY run_date, shipment_id"""
        found = as_frame(ledger.connection.sql(query).to_arrow_table(), index="shipment_id")
    finally:
        ledger.connection.unregister("in_force")
    return found.drop(columns="earlier"), found.index[found["earlier"]].tolist()


def _states(shipments: pd.Index, outcomes: pd.DataFrame) -> pd.Series[str]:
    """The state of each exam by the most telling of its rows."""
    waived = [result for result in reference.UNLABELLED if result.startswith("waived")]
    state = pd.Series("none", index=shipments, dtype="str")
    for name, results in (
        ("waived", waived), ("pending", reference.PENDING), ("clear", reference.CLEAR), ("found", reference.POSITIVE)
    ):  # fmt: skip
        said = outcomes.loc[outcomes["result"].isin(results), "shipment_id"]
        state[shipments.isin(said)] = name
    return state


def _told(workspace: Workspace, outcomes: pd.DataFrame, as_of: date) -> pd.DataFrame:
    labels = models.label(outcomes)
    config = workspace.config
    settled = correct_delays(labels, outcomes, as_of, config.model.settled_after_days, config.zone)
    before = labels.reindex(settled.index)
    made = {}
    for target in targets():
        made[f"found_{target}"] = settled[target]
        made[f"held_up_{target}"] = settled[weight_column(target)] / before[weight_column(target)]
    amount = outcomes["amount_usd"].where(outcomes["result"].isin(reference.POSITIVE), 0.0).fillna(0.0)
    made["amount_usd"] = amount.groupby(outcomes["shipment_id"]).sum().reindex(settled.index).astype(np.float64)
    return pd.DataFrame(made, index=settled.index)


def _deleted(ledger: Ledger, as_of: date, position: int) -> frozenset[str]:
    """Shipments whose latest version known before `as_of` is a deletion."""
    known = "(filed_day < $as_of OR (filed_day IS NULL AND arrival_date < $as_of))"
    query = f"""
        WITH suspects AS MATERIALIZED (
            SELECT DISTINCT shipment_id, {hash_of("shipment_id")} AS shipment_hash FROM shipments_log
            WHERE action = 'deleted' AND seq <= $position AND {known})
        SELECT shipment_id FROM {rows_of("suspects")} WHERE seq <= $position AND {known}
        GROUP BY shipment_id HAVING max_by(action, {VERSION_ORDER}) = 'deleted'"""
    rows = ledger.connection.execute(query, {"as_of": as_of, "position": position}).fetchall()
    return frozenset(shipment for (shipment,) in rows)
