"""Estimates from examined shipments: a figure, its 95 % interval, and how many rows and positives stand behind it.

Examined shipments are no fair sample: targeting chose most of them. Each stands for 1 / (its chance of an exam)
shipments of the population (Horvitz and Thompson 1952); means divide by the sum of the weights (Hajek 1971), so that
results which were never recorded do not count as clean. Weights of 1 everywhere give plain counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.models.evaluation import wilson

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DRAWS = 200
"""Resamples of a bootstrap: enough for the second digit of a bound, cheap enough for every figure."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure.

    Attributes:
        value: NaN = not defined, never 0 for want of data.
        low: lower end of the 95 % interval; NaN = not known.
        high: upper end; NaN = not known, as the harm of a hazard that was never found.
        rows: rows the figure rests on.
        positives: those of them with a finding.
    """

    value: float
    low: float
    high: float
    rows: int
    positives: int

    @property
    def defined(self) -> bool:
        """Whether there is a value at all."""
        return not math.isnan(self.value)


UNDEFINED = Estimate(math.nan, math.nan, math.nan, 0, 0)
"""No rows to speak of."""


def weighted_share(labels: Floats, weights: Floats, certain: NDArray[np.bool_], total: float | None = None) -> Estimate:
    """Weighted share of positives, with an interval that holds when a few heavy rows carry the estimate.

    Rows examined with certainty and rows examined by chance are two strata. The first speak for themselves; the others
    for all the rest, `total` minus the first (post-stratification). Each stratum has a Wilson interval at its effective
    number of rows, and the two are joined by the method of variance estimates recovery (Zou and Donner 2008).

    Args:
        labels: 1.0 or 0.0, no NaN.
        weights: rows stood for, 0 or more; rows of weight 0 are not counted.
        certain: rows that were examined with certainty.
        total: shipments that the rows stand for together; None = the sum of the weights.

    Returns:
        Undefined without rows, and where nothing speaks for the rest.

    >>> weighted_share(np.array([1.0, 0.0, 0.0]), np.array([1.0, 1.0, 8.0]), np.array([True, True, False])).value
    0.1
    >>> weighted_share(np.array([1.0]), np.array([1.0]), np.array([True]), total=10).value
    nan
    """
    held = weights > 0
    labels, weights, certain = labels[held], weights[held], certain[held]
    rows, positives = len(labels), int(labels.sum())
    sizes = strata(weights, certain, total)
    if sizes is None:
        return Estimate(math.nan, math.nan, math.nan, rows, positives)
    value = below = above = 0.0
    for stratum, size in zip((certain, ~certain), sizes, strict=True):
        if size:
            part = size / sum(sizes)
            mean, low, high = _stratum(labels[stratum], weights[stratum])
            value += part * mean
            below, above = below + (part * (mean - low)) ** 2, above + (part * (high - mean)) ** 2
    low, high = max(0.0, value - math.sqrt(below)), min(1.0, value + math.sqrt(above))
    return Estimate(value, low, high, rows, positives)


def strata(weights: Floats, certain: NDArray[np.bool_], total: float | None = None) -> tuple[float, float] | None:
    """Shipments that rows examined with certainty, and the others, stand for; None where nobody speaks for some.

    Args:
        weights: above 0.
        certain: rows that were examined with certainty.
        total: shipments in all; None = the sum of the weights.
    """
    sure = float(weights[certain].sum())
    rest = float(weights[~certain].sum()) if total is None else max(0.0, total - sure)
    # Half a shipment: less is the rounding of ties.
    if rest < 0.5:
        return (sure, 0.0) if sure else None
    return (sure, rest) if not certain.all() else None


def _stratum(labels: Floats, weights: Floats) -> tuple[float, float, float]:
    mean, size = float((weights * labels).sum() / weights.sum()), effective_rows(labels, weights)
    return mean, *wilson(mean * size, size)


def effective_rows(labels: Floats, weights: Floats) -> float:
    """Rows of equal weight that would tell as much: the fewer of two counts.

    One is Kish's (1965), from the weights alone; the other comes from the variance of the weighted share (Korn and
    Graubard 1998), which sees that the heavy rows may be the varied ones.

    >>> effective_rows(np.array([1.0, 0.0]), np.array([3.0, 3.0]))
    2.0
    """
    total = weights.sum()
    kish = float(total**2 / (weights**2).sum())
    mean = (weights * labels).sum() / total
    variance = ((weights * (labels - mean)) ** 2).sum() / total**2
    return min(kish, float(mean * (1 - mean) / variance)) if variance > 0 else kish


def ratio(part: Estimate, whole: Estimate) -> Estimate:
    """Ratio of two independent shares, with the interval of Donner and Zou (2012) from the intervals of both.

    Undefined where `whole` is 0 or undefined; `rows` and `positives` are those of both together.

    >>> made = ratio(Estimate(0.2, 0.15, 0.26, 200, 40), Estimate(0.05, 0.03, 0.08, 300, 15))
    >>> round(made.value, 1), round(made.low, 1), round(made.high, 1)
    (4.0, 2.3, 7.1)
    """
    if not (part.defined and whole.defined and whole.value > 0):
        return Estimate(math.nan, math.nan, math.nan, part.rows + whole.rows, part.positives + whole.positives)
    low = _mover(part.value, part.low, whole.value, whole.high, sign=-1)
    high = _mover(part.value, part.high, whole.value, whole.low, sign=1) if whole.low > 0 else math.nan
    value = part.value / whole.value
    bounds = min(value, max(0.0, low)), max(value, high) if not math.isnan(high) else math.nan
    return Estimate(value, *bounds, part.rows + whole.rows, part.positives + whole.positives)


def _mover(a: float, a_bound: float, b: float, b_bound: float, *, sign: int) -> float:
    bottom = b_bound * (2 * b - b_bound)
    inside = max(0.0, (a * b) ** 2 - a_bound * (2 * a - a_bound) * bottom)
    # At twice the estimate the formula is 0 / 0; its limit there is the ratio of the bound to twice the estimate.
    if abs(bottom) < 1e-12:
        return a_bound * (2 * a - a_bound) / (2 * a * b) if a else 0.0
    return (a * b + sign * math.sqrt(inside)) / bottom


def bootstrap(
    statistic: Callable[[Floats], float], rows: int, *, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of a statistic under resampling of rows.

    Args:
        statistic: given how often each row was drawn (length `rows`), the figure; NaN = not defined in this draw.
        rows: number of rows.
        draws: resamples.
        seed: of the resampling.

    Returns:
        Lower and upper bound; NaN without rows, or where no draw is defined.
    """
    if not rows:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    drawn = (np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64) for _ in range(draws))
    values = [value for value in map(statistic, drawn) if not math.isnan(value)]
    if not values:
        return math.nan, math.nan
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def weighted_total(amounts: Floats, weights: Floats, certain: NDArray[np.bool_], total: float) -> Estimate:
    """Amount that `total` shipments carry, with a bootstrap interval; strata as in `weighted_share`.

    The upper end is not known where no row of the stratum that speaks for the rest carries anything.

    >>> weighted_total(np.array([100.0, 0.0]), np.array([1.0, 1.0]), np.array([True, True]), 2).value
    100.0
    """
    held = weights > 0
    amounts, weights, certain = amounts[held], weights[held], certain[held]
    rows, positives = len(amounts), int((amounts > 0).sum())
    sizes = strata(weights, certain, total)
    if sizes is None:
        return Estimate(math.nan, math.nan, math.nan, rows, positives)

    def carried(drawn: Floats) -> float:
        parts = zip((certain, ~certain), sizes, strict=True)
        return sum(size * _mean(amounts[part], (weights * drawn)[part]) for part, size in parts if size)

    low, high = bootstrap(carried, rows)
    telling = amounts[~certain] if sizes[1] else amounts
    return Estimate(carried(np.ones(rows)), low, high if (telling > 0).any() else math.nan, rows, positives)


def part_of_sum(part: Estimate, rest: Estimate) -> Estimate:
    """What share of a sum of two independent amounts one is, with an interval from those of both; NaN where both are 0.

    >>> part_of_sum(Estimate(30, 20, 40, 0, 0), Estimate(10, 5, 20, 0, 0)).value
    0.75
    """
    rows, positives = part.rows + rest.rows, part.positives + rest.positives
    if not (part.defined and rest.defined and part.value + rest.value > 0):
        return Estimate(math.nan, math.nan, math.nan, rows, positives)
    turned = rest.value == 0
    odds = ratio(rest, part) if turned else ratio(part, rest)
    low = odds.low / (1 + odds.low)
    high = 1.0 if math.isnan(odds.high) else odds.high / (1 + odds.high)
    low, high = (1 - high, 1 - low) if turned else (low, high)
    return Estimate(part.value / (part.value + rest.value), low, high, rows, positives)


def scaled(share: Estimate, size: float) -> Estimate:
    """A share of `size` shipments as a number of shipments."""
    return Estimate(share.value * size, share.low * size, share.high * size, share.rows, share.positives)


def _mean(values: Floats, weights: Floats) -> float:
    total = weights.sum()
    return float((values * weights).sum() / total) if total else math.nan
