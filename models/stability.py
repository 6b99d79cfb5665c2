"""How much a ranking moves: from one training to the next on the same shipments, and from one period to the next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from riskscore.models.estimates import DRAWS, UNDEFINED, Estimate
from riskscore.models.evaluation import wilson
from riskscore.models.population import Cut
from riskscore.models.reliability import edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# A bin that one period left empty would make the index infinite; half a shipment is the usual mend.
_HALF = 0.5


def overlap(before: Floats, after: Floats, share: float) -> Estimate:
    """Share of the top of `after` that was in the top of `before`: two models, the same shipments in the same order.

    1 = the same shipments, `share` = no more than chance. Ties fall at random. `rows` counts the slots, `positives`
    the shipments in both tops.

    >>> overlap(np.array([0.9, 0.8, 0.1, 0.2]), np.array([0.9, 0.1, 0.2, 0.8]), 0.5).value
    0.5
    """
    cut = Cut.of(after, share)
    if not cut.slots:
        return UNDEFINED
    both = float((Cut.of(before, share).chances(before) * cut.chances(after)).sum())
    low, high = wilson(both, cut.slots)
    return Estimate(both / cut.slots, low, high, cut.slots, round(both))


def population_stability(before: Floats, after: Floats) -> Estimate:
    """Population stability index of the scores of two periods, over tenths of the earlier one.

    Sum over bins of (q - p) ln(q / p), p and q the shares of the two periods (Lewis 1994). By custom below 0.1 is
    stable and above 0.25 is a shift; the interval is a bootstrap of the counts. `rows` counts both periods.

    >>> population_stability(np.arange(100.0), np.arange(100.0)).value
    0.0
    """
    if not (len(before) and len(after)):
        return UNDEFINED
    cuts = edges(before)
    counts = [np.bincount(np.digitize(scores, cuts), minlength=len(cuts) + 1) for scores in (before, after)]
    rng, value = np.random.default_rng(0), _index(*counts)
    drawn = [[rng.multinomial(c.sum(), c / c.sum()) for c in counts] for _ in range(DRAWS)]
    low, high = np.percentile([_index(*pair) for pair in drawn], [2.5, 97.5])
    return Estimate(value, min(value, float(low)), max(value, float(high)), len(before) + len(after), 0)


def _index(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    p, q = ((counts + _HALF) / (counts.sum() + _HALF * len(counts)) for counts in (before, after))
    return float(((q - p) * np.log(q / p)).sum()) if len(before) > 1 else 0.0


def auc_tolerance(positives: float, negatives: float, *, deviations: float = 3.29) -> float:
    """How far from 0.5 the AUC of scores without any information may fall: 3.29 standard errors, once in 1,000.

    The standard error is that of the Mann-Whitney statistic under no effect; NaN when one class is missing.

    >>> round(auc_tolerance(50, 950), 3)
    0.138
    """
    if positives <= 0 or negatives <= 0:
        return math.nan
    return deviations * math.sqrt((positives + negatives + 1) / (12 * positives * negatives))
