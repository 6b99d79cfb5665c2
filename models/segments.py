"""Groups on whom exams fall: sizes of importers, and the burden of one group against its share of the traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.models.estimates import Estimate, ratio
from riskscore.models.evaluation import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIZES = ("not stated", "none in the year before", "less than monthly", "monthly", "weekly", "daily")
"""Classes of importers by shipments in the year before, smallest first after the unknown."""

SMALL = ("none in the year before", "less than monthly")
"""Importers with fewer than 12 shipments in the year before: an exam is a rare and costly event for them."""

# From how many shipments a year the classes monthly, weekly and daily begin.
_YEARLY = (12.0, 52.0, 365.0)


def size_classes(shipments: Floats, observed_days: int) -> pd.Series[str]:
    """The size class of each importer, one of SIZES.

    Args:
        shipments: shipments in the year before; NaN = no importer is stated.
        observed_days: days of that year which the log covers; counts of a shorter time are scaled to a year.

    >>> size_classes(np.array([0.0, 3.0, 40.0, np.nan]), 365).tolist()
    ['none in the year before', 'less than monthly', 'monthly', 'not stated']
    """
    yearly = shipments * (365 / max(1, min(365, observed_days)))
    codes = np.where(yearly > 0, np.searchsorted(_YEARLY, yearly, side="right") + 2, 1)
    return pd.Series(np.array(SIZES, dtype=object)[np.where(np.isnan(shipments), 0, codes)], dtype="str")


def burden(chosen: Floats, group: NDArray[np.bool_]) -> dict[str, Estimate]:
    """How much of what was chosen falls on a group, against its share of the traffic.

    Args:
        chosen: per live shipment, 1.0 chosen, 0.0 not, or the chance between.
        group: the shipments of the group.

    Returns:
        `share_of_traffic`, `share_of_chosen` and `burden`, the second over the first: 1 = as much as its traffic.
        `positives` counts the shipments of the group.
    """
    traffic, inside = _share(np.ones(len(group)), group), _share(chosen, group)
    return {"share_of_traffic": traffic, "share_of_chosen": inside, "burden": ratio(inside, traffic)}


def _share(chosen: Floats, group: NDArray[np.bool_]) -> Estimate:
    total, part = float(chosen.sum()), float(chosen[group].sum())
    low, high = wilson(part, total)
    return Estimate(part / total if total else float("nan"), low, high, round(total), round(part))
