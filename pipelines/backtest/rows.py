"""What a backtest reads: live shipments, what was known at each origin, and what is known at the end.

Features are replayed once for all origins. That is exact: a row's features are read from the state of its own morning,
made of facts known before that morning, and from the batch that arrives with it; neither asks what day it is today. An
origin only decides which rows may be trained on, and which labels were known by then (`train.read_labelled`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from riskscore import models, reference
from riskscore.errors import RunError
from riskscore.frames import as_frame
from riskscore.ledger import exam_chances, outcomes_known, read_mornings
from riskscore.ledger.views import live_on_days
from riskscore.models.delays import correct_delays
from riskscore.models.labels import targets, weight_column
from riskscore.pipelines.train import read_labelled
from riskscore.tables import DRAWN_BY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.ledger import Ledger
    from riskscore.workspace import Workspace

SLOW_QUANTILE = 0.95
"""Arrivals are mature when so large a share of finds, which take longer than clears, takes less time to be known."""

_KEY = ["arrival_date", "shipment_id"]


@dataclass(frozen=True, slots=True)
class Origin:
    """A model trained as of the morning of `day` scores the arrivals of `day` up to, not including, `until`."""

    day: date
    until: date


def origins(first: date, to: date, step_days: int) -> tuple[Origin, ...]:
    """The origins from `first`, every `step_days` days; the last window ends at `to`.

    Raises:
        RunError: nothing lies between `first` and `to`, or the step is below 1.

    >>> [origin.day.day for origin in origins(date(2026, 3, 1), date(2026, 3, 20), 14)]
    [1, 15]
    """
    if first >= to or step_days < 1:
        what = f"no days to backtest from {first.isoformat()} to {to.isoformat()} in steps of {step_days}"
        raise RunError(what, fix="--from must lie before --to, --step-days be 1 or more")
    step = timedelta(days=step_days)
    days = [first + n * step for n in range(math.ceil((to - first) / step))]
    return tuple(Origin(day, min(day + step, to)) for day in days)


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of exams before the morning of the last day.

    Attributes:
        labels: one row per labelled shipment and its morning, indexed by (arrival_date, shipment_id). Columns: per
            target `label_<target>`, the plain label; `weight_<target>`, shipments it stands for, corrected for results
            that are still to come and not clipped, which would bias the estimates: NaN where it is too early to tell,
            or the chance of an exam is not known; `certain_<target>`, an exam that sees the hazard was certain. And
            `amount_usd` found, `drawn` by a random lottery, `uncorrected`: the chance of an exam is not known.
        slow_days: days within which 95 % of the finds became known.
    """

    labels: pd.DataFrame
    slow_days: int


def findings(workspace: Workspace, ledger: Ledger, to: date, position: int) -> Findings:
    """Read what exams found, as known before the morning of `to`."""
    outcomes = as_frame(outcomes_known(ledger.connection, to, position))
    asked = pa.array(outcomes["shipment_id"].unique(), pa.string())
    chances = as_frame(exam_chances(ledger.connection, asked, to, position), index="shipment_id")
    labels = models.label(outcomes, chances=chances)
    config = workspace.config
    settled = correct_delays(labels, outcomes, to, config.model.settled_after_days, config.zone)
    asked = pa.array(labels.index, pa.string())
    arrival = as_frame(read_mornings(ledger.connection, asked, to, position), index="shipment_id")["arrival_date"]
    labels = labels.loc[labels.index.isin(arrival.index)]
    made = _by_target(labels, settled.reindex(labels.index))
    amount = outcomes["amount_usd"].where(outcomes["result"].isin(reference.POSITIVE), 0.0).fillna(0.0)
    made["amount_usd"] = amount.groupby(outcomes["shipment_id"]).sum().reindex(labels.index)
    lottery = outcomes["selected_by"].isin(DRAWN_BY)
    made["drawn"] = lottery.groupby(outcomes["shipment_id"]).any().reindex(labels.index)
    made["uncorrected"] = labels["uncorrected"]
    keys = pd.MultiIndex.from_arrays([arrival.reindex(labels.index), labels.index], names=_KEY)
    return Findings(pd.DataFrame(made).set_index(keys), slow_days(outcomes))


def _by_target(labels: pd.DataFrame, settled: pd.DataFrame) -> dict[str, pd.Series]:
    """Label, weight and certainty per target."""
    made: dict[str, pd.Series] = {}
    for target in targets():
        weight = weight_column(target)
        told = settled[target].notna() & ~labels["uncorrected"]
        made[f"label_{target}"] = labels[target]
        made[f"weight_{target}"] = settled[weight].where(told)
        made[f"certain_{target}"] = labels[weight] <= 1.0
    return made


def slow_days(outcomes: pd.DataFrame) -> int:
    """Days within which SLOW_QUANTILE of the finds became known; of all decisions where there is no find.

    Args:
        outcomes: rows of `riskscore.tables.OUTCOMES`; reads result, exam_date and known_at.
    """
    finds = outcomes["result"].isin(reference.POSITIVE)
    decided = outcomes[finds if finds.any() else outcomes["result"].isin(reference.CLEAR)]
    days = (pd.to_datetime(decided["known_at"]) - pd.to_datetime(decided["exam_date"])).dt.total_seconds() / 86_400
    return math.ceil(days.quantile(SLOW_QUANTILE)) if len(days) else 0


@dataclass(frozen=True, slots=True)
class Rows:
    """Every shipment a backtest looks at, once per morning on which it was live.

    Attributes:
        shipments: the shipments columns, indexed by shipment_id, sorted by arrival day and id. One whose arrival was
            moved stands on each of its mornings.
        known: per origin, its labelled rows: row numbers of `shipments`, and their labels as known at the origin.
        position: ledger position they were read at.
    """

    shipments: pd.DataFrame
    known: dict[Origin, tuple[NDArray[np.intp], pd.DataFrame]]
    position: int

    @property
    def trained_on(self) -> NDArray[np.bool_]:
        """Rows that any origin may learn from."""
        flags = np.zeros(len(self.shipments), dtype=bool)
        for numbers, _ in self.known.values():
            flags[numbers] = True
        return flags

    def arriving(self, first: date, until: date) -> slice:
        """The rows of the days from `first` up to, not including, `until`."""
        days = self.shipments["arrival_date"].to_numpy()
        begin, end = np.searchsorted(days, [np.datetime64(first), np.datetime64(until)])
        return slice(int(begin), int(end))


def read_rows(workspace: Workspace, ledger: Ledger, plan: tuple[Origin, ...], position: int) -> Rows:
    """Live shipments of all windows, and the labelled ones that each origin may learn from."""
    first, until = plan[0].day, plan[-1].until
    days = [first + timedelta(days=n) for n in range((until - first).days)]
    live = as_frame(live_on_days(ledger.connection, days, position), index="shipment_id")
    labelled = {origin: read_labelled(workspace, ledger, origin.day, position) for origin in plan}
    frames = [live, *(shipments[list(live.columns)] for shipments, _ in labelled.values())]
    together = pd.concat([frame.reset_index() for frame in frames], ignore_index=True)
    together = together.drop_duplicates(_KEY).sort_values(_KEY, kind="stable").set_index("shipment_id")
    keys = _keys(together)
    known = {
        origin: (np.asarray(keys.get_indexer(_keys(shipments)), dtype=np.intp), labels.loc[shipments.index])
        for origin, (shipments, labels) in labelled.items()
    }
    return Rows(together, known, position)


def _keys(shipments: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([shipments["arrival_date"], shipments.index], names=_KEY)


def imported_before(ledger: Ledger, day: date, position: int) -> tuple[pd.Series, int]:
    """Shipments of each importer in the year before `day`, and how many days of that year the log covers.

    Counted are shipments whose filing names an arrival in that year, moved or withdrawn later or not.

    Returns:
        Counts indexed by importer_id; days from the first arrival of the year, at most 365.
    """
    query = """SELECT importer_id, count(DISTINCT shipment_hash) AS shipments, min(arrival_date) AS first
        FROM shipments_log WHERE seq <= $position AND arrival_date < $day AND arrival_date >= $begin
            AND (filed_day < $day OR filed_day IS NULL)
        GROUP BY ALL ORDER BY importer_id"""
    begin = day - timedelta(days=365)
    found = ledger.connection.execute(query, {"position": position, "day": day, "begin": begin}).df()
    if not len(found):
        return pd.Series(dtype="int64"), 0
    covered = (pd.Timestamp(day) - pd.to_datetime(found["first"]).min()).days
    return found.dropna(subset="importer_id").set_index("importer_id")["shipments"], covered
