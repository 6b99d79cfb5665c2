"""How good a score is on days it was not fitted on: pure functions over arrays.

Everywhere: `scores` are numbers, higher = riskier, never NaN; `labels` are 1.0 positive, 0.0 negative, NaN
unlabelled (dropped and counted, never taken for negative); `weights` are positive, None = all 1. A figure
that is not defined (no positives, no rows) is NaN, and null in the dictionary of `evaluate`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SHARES = (0.01, 0.05, 0.1)
"""Shares of the shipments at which precision and recall are read: a unit examines 1 to 10 %."""

Z95 = 1.959963984540054
"""Normal quantile of a two-sided 95 % interval."""

# A probability of exactly 0 or 1 would make one row's log loss infinite.
_TINY = 1e-15


@dataclass(frozen=True, slots=True)
class Labelled:
    """Scores that have a label: three aligned float64 arrays, and the number of rows left out."""

    scores: Floats
    labels: Floats
    weights: Floats
    unlabelled: int

    @property
    def positives(self) -> int:
        """Number of positive rows."""
        return int(self.labels.sum())

    @property
    def base_rate(self) -> float:
        """Share of positives among the rows, unweighted."""
        return _ratio(self.positives, len(self.labels))


@dataclass(frozen=True, slots=True)
class Hits:
    """Positives among the `capacity` highest scores, by how ties at the last slot fall."""

    capacity: int
    worst: float
    random: float
    best: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration in the large: mean predicted probability, share observed (both weighted), their ratio."""

    predicted: float
    observed: float
    ratio: float


def labelled(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> Labelled:
    """Drop the rows without a label and count them.

    Raises:
        ModelError: the arrays differ in length, a score is NaN, or a label is neither 0, 1 nor NaN.

    >>> labelled([0.9, 0.5, 0.1], [1, float("nan"), 0]).unlabelled
    1
    """
    score, label = (np.asarray(values, dtype=np.float64) for values in (scores, labels))
    weight = np.ones(len(score)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(score) == len(label) == len(weight):
        raise ModelError(f"scores, labels and weights differ in length: {len(score)}, {len(label)}, {len(weight)}")
    if np.isnan(score).any():
        raise ModelError(f"{int(np.isnan(score).sum())} scores are NaN", fix="score every row before evaluating")
    keep = ~np.isnan(label)
    if not np.isin(label[keep], (0.0, 1.0)).all():
        raise ModelError("labels must be 1.0, 0.0 or NaN")
    return Labelled(score[keep], label[keep], weight[keep], int((~keep).sum()))


def hits_at_capacity(scores: ArrayLike, labels: ArrayLike, capacity: int) -> Hits:
    """Count positives among the `capacity` highest-scored labelled rows.

    At a hard capacity, ties change the answer: `worst` gives the tied slots to negatives first, `best` to
    positives first, `random` is the mean over all ways to break the tie.

    >>> hits_at_capacity([0.9, 0.5, 0.5, 0.5, 0.1], [1, 1, 0, 0, 0], 2)
    Hits(capacity=2, worst=1.0, random=1.3333333333333333, best=2.0)
    """
    rows = labelled(scores, labels)
    slots = min(max(capacity, 0), len(rows.scores))
    if slots == 0:
        return Hits(0, 0.0, 0.0, 0.0)
    last = np.partition(rows.scores, len(rows.scores) - slots)[len(rows.scores) - slots]
    above, tied = rows.scores > last, rows.scores == last
    sure, left, ties, hits = (
        rows.labels[above].sum(),
        slots - above.sum(),
        tied.sum(),
        rows.labels[tied].sum(),
    )
    return Hits(
        slots,
        worst=float(sure + max(0.0, left - (ties - hits))),
        random=float(sure + hits * left / ties),
        best=float(sure + min(hits, left)),
    )


def slots_of_share(rows: int, share: float) -> int:
    """Slots that a share of `rows` makes: to the nearest, at least one when there are rows.

    >>> slots_of_share(700, 0.01), slots_of_share(3, 0.01), slots_of_share(0, 0.01)
    (7, 1, 0)
    """
    return min(rows, max(1, round(rows * share)))


def lift(scores: ArrayLike, labels: ArrayLike, capacity: int) -> float:
    """Hit rate at capacity (ties at random) over the hit rate of random picks; NaN without positives.

    >>> lift([0.9, 0.5, 0.4, 0.1], [1, 0, 0, 0], 1)
    4.0
    """
    hits = hits_at_capacity(scores, labels, capacity)
    return _ratio(_ratio(hits.random, hits.capacity), labelled(scores, labels).base_rate)


def auc(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Chance that a positive outranks a negative, ties counted half; NaN when one class is missing.

    >>> auc([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0])
    0.875
    """
    rows = labelled(scores, labels, weights)
    _, group = np.unique(rows.scores, return_inverse=True)
    return _grouped_auc(group, rows.labels, rows.weights)


def auc_interval(
    scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, *, draws: int = 200, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of `auc` over rows; (NaN, NaN) when one class is missing."""
    rows = labelled(scores, labels, weights)
    if rows.positives in (0, len(rows.labels)):
        return math.nan, math.nan
    _, group = np.unique(rows.scores, return_inverse=True)
    rng, size = np.random.default_rng(seed), len(group)
    values = [
        _grouped_auc(group, rows.labels, rows.weights * np.bincount(rng.integers(0, size, size), minlength=size))
        for _ in range(draws)
    ]
    return _percentiles(values)


def _grouped_auc(group: NDArray[np.intp], labels: Floats, weights: Floats) -> float:
    positive = np.bincount(group, weights * labels)
    negative = np.bincount(group, weights * (1 - labels))
    below = np.cumsum(negative) - negative
    return _ratio((positive * (below + negative / 2)).sum(), positive.sum() * negative.sum())


def log_loss(probabilities: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Weighted mean negative log-likelihood, in nats; NaN without rows.

    >>> round(log_loss([0.5, 0.5], [1, 0]), 4)
    0.6931
    """
    rows = labelled(probabilities, labels, weights)
    chance = np.clip(np.where(rows.labels == 1, rows.scores, 1 - rows.scores), _TINY, 1)
    return _mean(-np.log(chance), rows.weights)


def brier(probabilities: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Weighted mean squared error of the probability (Brier 1950); NaN without rows.

    >>> brier([0.5, 0.0], [1, 0])
    0.125
    """
    rows = labelled(probabilities, labels, weights)
    return _mean((rows.scores - rows.labels) ** 2, rows.weights)


def calibration_in_the_large(
    probabilities: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None
) -> Calibration:
    """Mean predicted probability against the share observed, both weighted.

    >>> calibration_in_the_large([0.5, 0.1, 0.3], [1, 0, float("nan")])
    Calibration(predicted=0.3, observed=0.5, ratio=0.6)
    """
    rows = labelled(probabilities, labels, weights)
    predicted, observed = _mean(rows.scores, rows.weights), _mean(rows.labels, rows.weights)
    return Calibration(predicted, observed, _ratio(predicted, observed))


def wilson(hits: float, trials: float) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927); (NaN, NaN) without trials.

    >>> tuple(round(bound, 3) for bound in wilson(5, 10))
    (0.237, 0.763)
    """
    if trials <= 0:
        return math.nan, math.nan
    share, square = hits / trials, Z95**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = Z95 * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2)) / (1 + square / trials)
    # Rounding would put the bounds of 0 of n and n of n a hair inside the share itself.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def bootstrap_mean(values: Sequence[float], *, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean of independent figures, such as one per seed or day."""
    array = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    return _percentiles([array[rng.integers(0, len(array), len(array))].mean() for _ in range(draws)])


def evaluate(
    probabilities: ArrayLike,
    labels: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    shares: Sequence[float] = SHARES,
) -> dict[str, Any]:
    """Everything above for one target, as a dictionary that JSON can hold.

    AUC, log loss, Brier and calibration are weighted: they speak of the population the weights stand for.
    Precision and recall at the top are counts of examined rows, unweighted, with Wilson intervals for
    random ties.

    Returns:
        rows, unlabelled, positives, base_rate, auc, auc_low, auc_high, log_loss, brier, predicted, observed,
        calibration_ratio, and `top`: per share its `top_at` dictionary. Undefined figures are null.
    """
    rows = labelled(probabilities, labels, weights)
    columns = rows.scores, rows.labels, rows.weights
    calibration, (low, high) = calibration_in_the_large(*columns), auc_interval(*columns)
    figures = {
        "rows": len(rows.labels),
        "unlabelled": rows.unlabelled,
        "positives": rows.positives,
        "base_rate": rows.base_rate,
        "auc": auc(*columns),
        "auc_low": low,
        "auc_high": high,
        "log_loss": log_loss(*columns),
        "brier": brier(*columns),
        "predicted": calibration.predicted,
        "observed": calibration.observed,
        "calibration_ratio": calibration.ratio,
    }
    return _nulls(figures) | {"top": {f"{share:g}": top_at(rows.scores, rows.labels, share) for share in shares}}


def top_at(scores: ArrayLike, labels: ArrayLike, share: float) -> dict[str, float | None]:
    """Precision and recall among the top `share` of the labelled rows.

    Returns:
        slots; hits, precision and recall each as _worst, _random and _best by how ties fall; precision_low,
        precision_high, recall_low and recall_high: 95 % Wilson bounds of the random-tie figures; lift.
    """
    rows = labelled(scores, labels)
    hits = hits_at_capacity(rows.scores, rows.labels, slots_of_share(len(rows.labels), share))
    figures: dict[str, float] = {"slots": hits.capacity}
    for tie, count in (("worst", hits.worst), ("random", hits.random), ("best", hits.best)):
        figures[f"hits_{tie}"] = count
        figures[f"precision_{tie}"] = _ratio(count, hits.capacity)
        figures[f"recall_{tie}"] = _ratio(count, rows.positives)
    figures["precision_low"], figures["precision_high"] = wilson(hits.random, hits.capacity)
    figures["recall_low"], figures["recall_high"] = wilson(hits.random, rows.positives)
    figures["lift"] = _ratio(figures["precision_random"], rows.base_rate)
    return _nulls(figures)


def flatten(figures: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """A nested dictionary of figures as flat metrics, nulls left out.

    >>> flatten({"auc": 0.8, "top": {"0.05": {"lift": None, "slots": 3}}}, "any.")
    {'any.auc': 0.8, 'any.top.0.05.slots': 3.0}
    """
    flat: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        elif value is not None:
            flat[f"{prefix}{name}"] = float(value)
    return flat


def _nulls(figures: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in figures.items()}


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


def _mean(values: Floats, weights: Floats) -> float:
    return _ratio((values * weights).sum(), weights.sum())


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
