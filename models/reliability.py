"""Are the probabilities true? Reliability table, expected calibration error, calibration in the large.

Predictions are known for every live shipment, findings for the examined ones: predicted means are taken over all live
shipments, observed shares are weighted estimates from the examined rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.models.estimates import DRAWS, Estimate, bootstrap, weighted_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.models.population import Sample

    Floats = NDArray[np.float64]

BINS = 10
"""Bins of the reliability table, of equally many live shipments each."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Live shipments of neighbouring scores: how many, their mean prediction, and what exams say of them."""

    shipments: int
    predicted: float
    observed: Estimate


def edges(scores: Floats, bins: int = BINS) -> Floats:
    """Inner bin edges that cut `scores` into `bins` of about equal size; ties may leave fewer.

    >>> edges(np.arange(8.0), 4)
    array([2., 4., 6.])
    """
    if not len(scores):
        return np.zeros(0)
    ordered = np.sort(scores)
    inner = ordered[(np.arange(1, bins) * len(ordered)) // bins]
    return np.unique(inner[inner > ordered[0]])


def reliability(scores: Floats, sample: Sample, bins: int = BINS) -> list[Bin]:
    """The reliability table, lowest scores first.

    Args:
        scores: predicted probabilities of all live shipments.
        sample: the examined ones among them.
        bins: number of bins.
    """
    cuts = edges(scores, bins)
    everybody, examined = np.digitize(scores, cuts), np.digitize(sample.scores, cuts)
    table = []
    for number in range(len(cuts) + 1):
        inside, rows = everybody == number, sample.take(examined == number)
        if inside.any():
            observed = weighted_share(rows.labels, rows.weights, rows.certain, float(inside.sum()))
            table.append(Bin(int(inside.sum()), float(scores[inside].mean()), observed))
    return table


def calibration_error(scores: Floats, sample: Sample, bins: int = BINS) -> tuple[Estimate, float]:
    """Expected calibration error (Naeini et al. 2015) and the part of it that is noise.

    The error is the mean over live shipments of |predicted - observed| by bin. With few examined rows it is above 0
    even for perfect probabilities; the second number says by how much: its mean when findings are drawn from the
    predictions. A bin for which no examined row speaks is left out of both.

    Returns:
        The error with its bootstrap interval, and its mean under perfect calibration; NaN without rows.
    """
    cuts = edges(scores, bins)
    spread = _Spread.made(scores, sample, cuts)
    positives = int(sample.labels.sum())
    if not len(sample):
        return Estimate(math.nan, math.nan, math.nan, 0, 0), math.nan
    value = spread.error(sample.labels, sample.weights)
    low, high = bootstrap(lambda drawn: spread.error(sample.labels, sample.weights * drawn), len(sample))
    rng = np.random.default_rng(0)
    by_chance = [
        spread.error((rng.random(len(sample)) < sample.scores).astype(np.float64), sample.weights) for _ in range(DRAWS)
    ]
    return Estimate(value, min(low, value), max(high, value), len(sample), positives), float(np.mean(by_chance))


@dataclass(frozen=True, slots=True)
class _Spread:
    """Live shipments and mean prediction per bin, and the bin of each examined row."""

    shipments: Floats
    predicted: Floats
    of: NDArray[np.intp]
    certain: NDArray[np.bool_]

    @staticmethod
    def made(scores: Floats, sample: Sample, cuts: Floats) -> _Spread:
        numbers = np.digitize(scores, cuts)
        shipments = np.bincount(numbers, minlength=len(cuts) + 1).astype(np.float64)
        sums = np.bincount(numbers, scores, minlength=len(cuts) + 1)
        return _Spread(shipments, sums / np.maximum(shipments, 1), np.digitize(sample.scores, cuts), sample.certain)

    def error(self, labels: Floats, weights: Floats) -> float:
        """Mean gap over the bins that are spoken for; the strata are those of `estimates.weighted_share`."""
        sure, sure_found = self._sums(weights * self.certain, labels)
        drawn, drawn_found = self._sums(weights * ~self.certain, labels)
        rest = np.maximum(0.0, self.shipments - sure)
        seen = (drawn > 0) | (rest < 0.5)
        mean = drawn_found / np.where(drawn > 0, drawn, 1.0)
        observed = (sure_found + rest * mean) / np.maximum(sure + rest, 1e-12)
        total = self.shipments[seen].sum()
        return float((np.abs(self.predicted - observed) * self.shipments)[seen].sum() / total) if total else math.nan

    def _sums(self, weights: Floats, labels: Floats) -> tuple[Floats, Floats]:
        size = len(self.shipments)
        sums = (np.bincount(self.of, mass, size).astype(np.float64) for mass in (weights, weights * labels))
        mass, found = sums
        return mass, found


def in_the_large(predicted: float, sample: Sample, total: float) -> tuple[Estimate, Estimate]:
    """Calibration in the large: share observed, and mean prediction over it.

    Args:
        predicted: mean prediction over all live shipments.
        sample: the examined ones.
        total: number of all live shipments.

    Returns:
        The share, and the ratio predicted / observed; the ratio's interval comes from the share's, for predictions of
        everybody are known without error. NaN where nothing was found.
    """
    share = weighted_share(sample.labels, sample.weights, sample.certain, total)
    if not share.defined or not share.value:
        return share, Estimate(math.nan, math.nan, math.nan, share.rows, share.positives)
    low, high = predicted / share.high, predicted / share.low if share.low > 0 else math.nan
    return share, Estimate(predicted / share.value, low, high, share.rows, share.positives)
