"""What a labelled shipment weighs: the shipments it stands for, and how long ago it arrived.

Exams are not drawn evenly, so a label stands for 1 / (its chance of an exam) shipments (Horvitz and Thompson 1952). A
fit takes these weights clipped: few rare draws would else decide where trees split. Calibration and evaluation clip
them far less, because their figures speak of all shipments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def weigh(weights: Floats, days: NDArray[np.integer[Any]], clip: float, half_life_days: float) -> Floats:
    """Weights of labelled rows in a fit.

    Args:
        weights: 1 / chance of the exam, length n.
        days: arrival days, length n.
        clip: a weight counts at most this much.
        half_life_days: a row that arrived this many days before the newest counts half; 0 = all alike.

    >>> weigh(np.array([1.0, 50.0]), np.array([0, 30]), clip=10, half_life_days=30).tolist()
    [0.5, 10.0]
    """
    clipped: Floats = np.minimum(weights, clip)
    if not half_life_days or not len(days):
        return clipped
    age = (days.max() - days).astype(np.float64)
    faded: Floats = clipped * np.exp2(-age / half_life_days)
    return faded
