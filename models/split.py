"""Which days to fit on, to calibrate on and to evaluate on.

By time, never random, over the distinct days on which labelled shipments arrived:

    |-- fit: the boosters ------------------------|-- calibrate --|-- evaluate --|
                                                  |<------ holdout_share ------->|

The earlier half of the hold-out stops the boosting and fits the calibrators, the later half is touched by
nothing but the evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Days = NDArray[np.int64]

FIX = "ingest more exam outcomes, or train at a later day, when more are known"
"""What helps when there are too few labels."""


@dataclass(frozen=True, slots=True)
class Split:
    """First day of the calibration days and of the evaluation days; earlier days are for fitting."""

    calibrate_from: int
    evaluate_from: int

    def fit(self, days: Days) -> NDArray[np.bool_]:
        """Rows to fit on."""
        return np.asarray(days < self.calibrate_from)

    def calibrate(self, days: Days) -> NDArray[np.bool_]:
        """Rows to stop and calibrate on."""
        return np.asarray((days >= self.calibrate_from) & (days < self.evaluate_from))

    def evaluate(self, days: Days) -> NDArray[np.bool_]:
        """Rows to evaluate on."""
        return np.asarray(days >= self.evaluate_from)


def temporal_split(days: Sequence[int] | Days, holdout_share: float) -> Split:
    """Split the distinct `days`: the latest `holdout_share`, at least two days, are held out, halved by time.

    Raises:
        ModelError: fewer than three distinct days: one each to fit, to calibrate and to evaluate.

    >>> temporal_split(range(100), 0.2)
    Split(calibrate_from=80, evaluate_from=90)
    """
    distinct = np.unique(np.asarray(days, dtype=np.int64))
    if len(distinct) < 3:
        raise ModelError(f"labelled shipments arrived on {len(distinct)} days, training needs at least 3", fix=FIX)
    held_out = min(max(2, round(len(distinct) * holdout_share)), len(distinct) - 1)
    return Split(int(distinct[-held_out]), int(distinct[-(held_out - held_out // 2)]))
