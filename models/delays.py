"""Results take time, and finds take longer than clears: corrected, so that the newest labels are not nearly all clear.

A seizure or a duty bill is known weeks after its exam, a clear within days. On any morning the exams of the last weeks
therefore show clears whose finds are still to come: a model would learn that risk has just vanished. The shares of
finds and of clears that are known within so many days are read from older exams, and every newer label stands for 1 /
its share labels, as is done for the delay of case reports in epidemiology (Lawless 1994, Canadian J. Statistics 22:15).
Where less than half of either are known yet, the label is left out: too early to tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.frames import epoch_days
from riskscore.models.labels import ANY, targets, weight_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_KNOWN = 0.5
"""Share of finds, and of clears, that must usually be known by an exam's age for its label to count."""

_ENOUGH = 20
"""With fewer old finds (or clears) of a hazard than this, the delays of `any` stand for its own."""


def correct_delays(
    labels: pd.DataFrame, outcomes: pd.DataFrame, as_of: date, settled_after_days: int, zone: tzinfo = UTC
) -> pd.DataFrame:
    """Labels as they stand for all exams of their day, whatever is still to come.

    Args:
        labels: as made by `labels.label` from `outcomes`.
        outcomes: rows of `riskscore.tables.OUTCOMES` known before the morning of `as_of`; reads shipment_id, exam_date,
            known_at, result and hazard.
        as_of: the morning.
        settled_after_days: days after an exam by which its result is usually known; what came later, such as a bulk
            load of old results, says nothing of the usual delay. Without older exams nothing is corrected.
        zone: of the workspace, whose mornings count: `known_at` is UTC, the day on which it falls there is what counts.

    Returns:
        `labels` with labels that are too early to tell set to NaN, the weights of newer ones raised, and without rows
        that are left with no label.
    """
    rows = outcomes[outcomes["shipment_id"].isin(labels.index)]
    rows = rows.assign(known_at=_local_days(rows["known_at"], zone))
    exam = _per_shipment(rows, "exam_date", "min", labels.index)
    concluded = _per_shipment(rows, "known_at", "max", labels.index) - exam
    age = _day(as_of) - exam
    made, usual = labels.copy(), None
    for target in targets():
        finds = _per_shipment(_finds(rows, target), "known_at", "min", labels.index) - exam
        label, weight = labels[target].to_numpy(), labels[weight_column(target)].to_numpy()
        own = _Delays.of(np.where(label == 1, finds, concluded), label, age, settled_after_days)
        usual = usual or own
        made[target], made[weight_column(target)] = own.with_usual(usual).correct(label, weight, age)
    return made[made[list(targets())].notna().any(axis=1)]


@dataclass(frozen=True, slots=True)
class _Delays:
    """Days from exam to result of settled exams, ascending: of finds and of clears."""

    finds: Floats
    clears: Floats

    @classmethod
    def of(cls, delay: Floats, label: Floats, age: Floats, settled_after_days: int) -> _Delays:
        """Delays of labels 1.0 and 0.0 whose exams are old enough to be settled."""
        settled = (age > settled_after_days) & (delay < settled_after_days)
        return cls(np.sort(delay[settled & (label == 1)]), np.sort(delay[settled & (label == 0)]))

    def with_usual(self, usual: _Delays) -> _Delays:
        """With the delays of `usual` where there are too few."""
        return _Delays(*(own if len(own) >= _ENOUGH else other for own, other in self._beside(usual)))

    def correct(self, label: Floats, weight: Floats, age: Floats) -> tuple[Floats, Floats]:
        """Labels and weights of exams of this age."""
        finds, clears = _share_known(self.finds, age), _share_known(self.clears, age)
        told = np.minimum(finds, clears) >= LEAST_KNOWN
        share = np.where(label == 1, finds, clears)
        return np.where(told, label, np.nan), weight / np.where(told, share, 1.0)

    def _beside(self, other: _Delays) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        return (self.finds, other.finds), (self.clears, other.clears)


def _share_known(delays: Floats, age: Floats) -> Floats:
    """Share of `delays` that are over on the morning an exam is `age` days old: its result came on an earlier day."""
    if len(delays) < _ENOUGH:
        return np.ones(len(age))
    return np.searchsorted(delays, age, side="left") / len(delays)


def _finds(rows: pd.DataFrame, target: str) -> pd.DataFrame:
    positive = rows["result"].isin(reference.POSITIVE)
    return rows[positive if target == ANY else positive & (rows["hazard"] == target)]


def _per_shipment(rows: pd.DataFrame, column: str, which: Literal["min", "max"], shipments: pd.Index) -> Floats:
    """First or last day in a column, per shipment, in days since 1970-01-01; NaN where there is none."""
    days = pd.Series(epoch_days(rows[column]), index=rows["shipment_id"], dtype="float64")
    found: Floats = days.groupby(level=0).agg(which).reindex(shipments).to_numpy()
    return found


def _local_days(instants: pd.Series, zone: tzinfo) -> pd.Series:
    """Midnight of the day, in `zone`, on which each instant (UTC) falls."""
    return pd.to_datetime(instants, utc=True).dt.tz_convert(zone).dt.tz_localize(None).dt.floor("D")


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days
