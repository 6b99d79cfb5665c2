"""Two models on the same later shipments: every figure of both, their difference, and how sure it is.

Only examined shipments have labels, and targeting chose most of them; each stands for 1 / (its chance of an exam)
shipments (Horvitz and Thompson 1952). A ranking of them by score, filled up to a share of that weight, says what the
same share of all shipments would find. Differences are paired, and their intervals resample whole days, because
shipments of one day have much in common (Efron and Tibshirani 1993, chapter 8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Part = tuple[Floats, Floats]

DRAWS = 4000
"""Resamples: the widest interval asked for, one of 50 at 95 % together, leaves two of them in each tail."""

BINS = 10
"""Bins of the calibration error, of about equal weight each."""

# A probability of exactly 0 or 1 would make one row's log loss infinite.
_TINY = 1e-15


@dataclass(frozen=True, slots=True)
class Later:
    """n labelled shipments that neither model has seen, scored by both.

    Attributes:
        days: arrival day, days since 1970-01-01.
        labels: 1.0 something was found, 0.0 nothing; no NaN.
        weights: shipments that each stands for, not clipped; 1 where the chance of its exam is unknown.
        chances: chance of the exam by its design, and of its result being known by now; NaN = unknown.
        drawn: the exam was drawn at random, whatever the scores.
        champion: calibrated probability of any hazard by the model in use.
        candidate: the same by the model to be judged.
        segments: by name, the shipments of a protected segment.
    """

    days: NDArray[np.int64]
    labels: Floats
    weights: Floats
    chances: Floats
    drawn: Flags
    champion: Floats
    candidate: Floats
    segments: Mapping[str, Flags]

    def __len__(self) -> int:
        """Number of shipments."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Paired:
    """A figure of champion and candidate; `difference` is candidate minus champion, `low` and `high` its interval.

    NaN = not defined: nothing to divide by.
    """

    champion: float
    candidate: float
    difference: float
    low: float
    high: float


def taken(scores: Floats, weights: Floats, share: float) -> Floats:
    """Part of each row that a capacity takes: the highest scores first, up to `share` of the weight, ties alike.

    >>> taken(np.array([0.9, 0.5, 0.5, 0.1]), np.ones(4), 0.5).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    _, group = np.unique(-scores, return_inverse=True)
    mass = np.bincount(group, weights)
    before = np.cumsum(mass) - mass
    return np.asarray(np.clip((share * mass.sum() - before) / mass, 0.0, 1.0)[group])


def paired(days: NDArray[np.int64], champion: Part, candidate: Part, level: float = 0.95, *, seed: int = 0) -> Paired:
    """Two ratios of sums over the same rows, and the interval of their difference over resampled days.

    Args:
        days: the day of each row.
        champion: what each row adds to the numerator and to the denominator.
        candidate: the same for the other model.
        level: confidence level.
        seed: of the resampling.

    >>> days, ones = np.array([1, 1, 2, 2]), np.ones(4)
    >>> found = paired(days, (np.array([0.0, 0.0, 1.0, 0.0]), ones), (np.array([1.0, 0.0, 1.0, 0.0]), ones))
    >>> found.champion, found.candidate, found.low
    (0.25, 0.5, 0.0)
    """
    _, code = np.unique(days, return_inverse=True)
    sums = np.column_stack([np.bincount(code, part) for part in (*champion, *candidate)])
    if not len(sums):
        return Paired(*[math.nan] * 5)
    first, second = _ratios(sums.sum(axis=0))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=DRAWS).astype(np.float64) @ sums
    resampled = np.subtract(*_ratios(drawn.T)[::-1])
    resampled = resampled[np.isfinite(resampled)]
    tail = 50 * (1 - level)
    low, high = np.percentile(resampled, [tail, 100 - tail]) if len(resampled) else (math.nan, math.nan)
    return Paired(float(first), float(second), float(second - first), float(low), float(high))


def _ratios(sums: Floats) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return sums[0] / sums[1], sums[2] / sums[3]


def hit_rates(rows: Later, share: float, within: Flags | None = None, level: float = 0.95) -> Paired:
    """Hit rate among the shipments that a capacity of `share` takes, of all or of those `within` a segment."""

    def part(scores: Floats) -> Part:
        chosen = taken(scores, rows.weights, share) * rows.weights * _within(rows, within)
        return chosen * rows.labels, chosen

    return paired(rows.days, part(rows.champion), part(rows.candidate), level)


def burdens(rows: Later, share: float, within: Flags | None = None, level: float = 0.95) -> Paired:
    """Share of the clear shipments (of a segment) that would be examined at a capacity of `share` for nothing."""
    clear = rows.weights * (1 - rows.labels) * _within(rows, within)
    champion, candidate = (clear * taken(scores, rows.weights, share) for scores in (rows.champion, rows.candidate))
    return paired(rows.days, (champion, clear), (candidate, clear), level)


def log_losses(rows: Later, level: float = 0.95) -> Paired:
    """Weighted mean negative log-likelihood, nats; lower is better."""

    def part(scores: Floats) -> Part:
        chance = np.clip(np.where(rows.labels == 1, scores, 1 - scores), _TINY, 1)
        return -np.log(chance) * rows.weights, rows.weights

    return paired(rows.days, part(rows.champion), part(rows.candidate), level)


def _within(rows: Later, segment: Flags | None) -> Flags:
    return np.ones(len(rows), dtype=bool) if segment is None else segment


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Whether probabilities are true in the whole population.

    Attributes:
        rows: shipments whose exam had a known chance.
        drawn: those of them that were drawn at random.
        positives: those of them in which something was found.
        ratio: mean predicted over share observed; infinite when nothing was found.
        ratio_low: 0.5 % quantile of `ratio` by chance alone, were the probabilities true.
        ratio_high: 99.5 % quantile of it.
        error: expected calibration error, the weighted mean distance of predicted and observed over `BINS` bins.
        error_by_chance: 99 % quantile of it by chance alone.
    """

    rows: int
    drawn: int
    positives: int
    ratio: float
    ratio_low: float
    ratio_high: float
    error: float
    error_by_chance: float


def calibrated(rows: Later, *, draws: int = 1000, seed: int = 0) -> Calibrated:
    """Calibration of the candidate, from the shipments whose exam had a known chance, weighted by its inverse.

    Not clipped: a clip would make the floor speak for fewer shipments than it stands for. What chance alone would give
    is had by drawing labels from the probabilities themselves.
    """
    known = np.isfinite(rows.chances)
    chance, labels, weights = rows.candidate[known], rows.labels[known], 1 / rows.chances[known]
    if not len(labels):
        return Calibrated(0, 0, 0, *[math.nan] * 5)
    bins = _bins(chance, weights)
    ratio, error = _misfit(chance, labels, weights, bins)
    rng = np.random.default_rng(seed)
    luck = np.array(
        [_misfit(chance, (rng.random(len(chance)) < chance).astype(np.float64), weights, bins) for _ in range(draws)]
    )
    low, high = np.quantile(luck[:, 0], [0.005, 0.995], method="nearest")
    by_chance = float(np.quantile(luck[:, 1], 0.99))
    counts = len(labels), int(rows.drawn[known].sum()), int(labels.sum())
    return Calibrated(*counts, ratio, float(low), float(high), error, by_chance)


def _bins(chance: Floats, weights: Floats) -> NDArray[np.int64]:
    order = np.argsort(chance, kind="stable")
    before = np.cumsum(weights[order]) - weights[order] / 2
    bins = np.empty(len(chance), dtype=np.int64)
    bins[order] = np.minimum(BINS - 1, (before / weights.sum() * BINS).astype(np.int64))
    return bins


def _misfit(chance: Floats, labels: Floats, weights: Floats, bins: NDArray[np.int64]) -> tuple[float, float]:
    gaps = np.bincount(bins, weights * (chance - labels), minlength=BINS)
    found = float((weights * labels).sum())
    ratio = float((weights * chance).sum()) / found if found else math.inf
    return ratio, float(np.abs(gaps).sum() / weights.sum())
