"""Intervals for rare findings under unequal weights: what was found is known, what was missed is estimated.

A find that had the chance p of being made stands for 1 / p: for itself, which is known, and for 1 / p - 1 others that
no exam saw. Only the second part is uncertain. Finds are few, so its interval is an exact count's, in mid-P form
(Lancaster 1961), carried over to weighted finds by matching the first two moments, as Fay and Feuer (1997, Stat. Med.
16: 791) do for standardised rates, and Fay and Kim (2017, Biom. J. 59: 1133) in mid-P form. Where the exact interval
asks for one more find, the weight of that find is the mean weight of a shipment of the population, not the largest
weight: that is Kish's effective sample size, and with equal weights the interval is that of Clopper and Pearson in
mid-P form. Measured coverage: docs/adr/0019.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from riskscore.models.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.95
"""Nominal level of every interval of the standing report."""


def next_weight(weights: Floats) -> float:
    """Weight of a find that was not made: the mean weight over the shipments that the rows stand for; 1 without rows.

    A row of weight w stands for w shipments, so rows count by their weight. The sum of the weights over it is Kish's
    effective number of rows.

    >>> import numpy as np
    >>> next_weight(np.array([10.0, 10.0, 40.0]))
    30.0
    """
    total = float(weights.sum())
    return float((weights**2).sum()) / total if total else 1.0


def missed(weights: Floats, one_more: float, unseen: float, level: float = LEVEL) -> tuple[float, float]:
    """Interval of the number of findings among shipments that no exam saw.

    Args:
        weights: of the finds: shipments each stands for, itself included; 1 or more.
        one_more: weight of a find that was not made, see `next_weight`.
        unseen: shipments that no exam saw and that the finds speak for.
        level: nominal coverage.

    Returns:
        Lower and upper bound, from 0 to `unseen`; both 0 where everything was seen.

    >>> import numpy as np
    >>> low, high = missed(np.zeros(0), 30.0, 10_000.0)
    >>> low, round(high)
    (0.0, 88)
    >>> [round(bound) for bound in missed(np.array([30.0, 30.0]), 30.0, 10_000.0)]
    [9, 192]
    """
    if unseen <= 0 or one_more <= 1:
        return 0.0, 0.0
    others, variance = float((weights - 1).sum()), float((weights * (weights - 1)).sum())
    fewer = _beta(others, variance, unseen)
    more, spread, tail = others + one_more - 1, one_more * (one_more - 1), (1 - level) / 2
    low = _quantile(fewer, _beta(more, variance + spread, unseen), tail)
    # A few finds that happen to be light must not promise that the rest are: at the upper end they vary like others.
    high = _quantile(fewer, _beta(more, max(variance, others * one_more) + spread, unseen), 1 - tail)
    return unseen * low, unseen * high


def _beta(mean: float, variance: float, size: float) -> tuple[float, float] | None:
    """Parameters of the share of `size` that a weighted count makes up; None = no count, all mass at 0.

    With equal weights these are those of Clopper and Pearson.
    """
    if mean <= 0 or variance <= 0:
        return None
    count, weight = mean**2 / variance, variance / mean
    return count, max(count * (size + weight) / mean - count, 1e-9)


def _quantile(fewer: tuple[float, float] | None, more: tuple[float, float] | None, chance: float) -> float:
    """Quantile of the even mixture of two beta distributions: the mid-P form of the exact bounds."""
    from scipy.optimize import brentq
    from scipy.special import betainc

    def excess(share: float) -> float:
        parts = [1.0 if part is None else float(betainc(*part, share)) for part in (fewer, more)]
        return sum(parts) / 2 - chance

    return 0.0 if excess(0.0) >= 0 else float(brentq(excess, 0.0, 1.0, xtol=1e-12))


def share(found: int, trials: int, level: float = LEVEL) -> Estimate:
    """A plain share with its mid-P interval; undefined without trials.

    Exams are taken as draws from what such exams find, so an interval remains even where all of them are recorded.

    >>> made = share(0, 60)
    >>> made.value, made.low, round(made.high, 3)
    (0.0, 0.0, 0.049)
    """
    if not trials:
        return Estimate(math.nan, math.nan, math.nan, 0, 0)
    fewer = (found, trials - found + 1) if found else None
    more = (found + 1, trials - found) if found < trials else (1e9, 1e-9)
    tail = (1 - level) / 2
    low, high = (_quantile(fewer, more, chance) for chance in (tail, 1 - tail))
    return Estimate(found / trials, low, 1.0 if found == trials else high, trials, found)


def difference(a: Estimate, b: Estimate) -> Estimate:
    """Difference of two independent figures, its interval from the intervals of both (Zou and Donner 2008).

    Undefined where one of them is; an end is not known where one it needs is not.

    >>> made = difference(Estimate(0.3, 0.2, 0.4, 50, 15), Estimate(0.1, 0.05, 0.2, 60, 6))
    >>> round(made.value, 2), round(made.low, 2), round(made.high, 2)
    (0.2, 0.06, 0.31)
    """
    rows, positives = a.rows + b.rows, a.positives + b.positives
    value = a.value - b.value
    low = value - math.hypot(a.value - a.low, b.high - b.value)
    high = value + math.hypot(a.high - a.value, b.value - b.low)
    return Estimate(value, low, high, rows, positives)
