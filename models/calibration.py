"""Platt calibration: two numbers per booster that turn its log-odds into a probability (Platt 1999).

Fitted as a maximum a posteriori estimate, so that a handful of positives gives a sensible answer: the prior
says that the booster, itself fitted by log loss, is about right (slope 1, intercept 0), and data overrule it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Standard deviations of the prior. Slopes of early-stopped boosters lie between 0 and 2; the intercept, which
# carries the base rate, moves freely.
_PRIOR_SD = np.array([0.5, 3.0])
_PRIOR_MEAN = np.array([1.0, 0.0])

_STEPS = 50
_CLOSE = 1e-10


@dataclass(frozen=True, slots=True)
class Calibrator:
    """probability = expit(slope * log-odds + intercept); slope >= 0, so the ranking never turns round."""

    slope: float
    intercept: float

    def __call__(self, log_odds: Floats) -> Floats:
        """Calibrated probabilities, same shape as `log_odds`.

        >>> Calibrator(slope=1.0, intercept=0.0)(np.array([0.0, 100.0])).tolist()
        [0.5, 1.0]
        """
        probabilities: Floats = expit(self.slope * log_odds + self.intercept)
        return probabilities


def fit(log_odds: Floats, labels: Floats, weights: Floats) -> Calibrator:
    """Fit the calibrator by Newton steps with halving; no rows give slope 1, intercept 0.

    Args:
        log_odds: raw scores of rows the booster was not fitted on.
        labels: 1.0 or 0.0 each, no NaN.
        weights: positive; scaled to a mean of 1, so that the prior is held against the count of rows.

    >>> fit(np.array([2.0, -2.0]), np.array([1.0, 0.0]), np.ones(2)).slope > 1
    True
    """
    if not len(labels):
        return Calibrator(1.0, 0.0)
    posterior = _Posterior(log_odds, labels, weights / weights.mean())
    slope, intercept = _maximise(posterior, free_slope=True)
    if slope < 0:
        slope, intercept = _maximise(posterior, free_slope=False)
    return Calibrator(float(slope), float(intercept))


@dataclass(frozen=True, slots=True)
class _Posterior:
    log_odds: Floats
    labels: Floats
    weights: Floats

    def loss(self, at: Floats) -> float:
        line = at[0] * self.log_odds + at[1]
        fitted = (self.weights * (np.logaddexp(0.0, line) - self.labels * line)).sum()
        return float(fitted + (((at - _PRIOR_MEAN) / _PRIOR_SD) ** 2).sum() / 2)

    def derivatives(self, at: Floats) -> tuple[Floats, Floats]:
        """Gradient (2) and Hessian (2 x 2) of the loss; sums, as BLAS products vary with the threads."""
        chance = expit(at[0] * self.log_odds + at[1])
        slack, curve = self.weights * (chance - self.labels), self.weights * chance * (1 - chance)
        z, precision = self.log_odds, _PRIOR_SD**-2.0
        gradient = np.array([(slack * z).sum(), slack.sum()]) + (at - _PRIOR_MEAN) * precision
        cross = (curve * z).sum()
        hessian = np.array([[(curve * z * z).sum(), cross], [cross, curve.sum()]]) + np.diag(precision)
        return gradient, hessian


def _maximise(posterior: _Posterior, *, free_slope: bool) -> Floats:
    free = slice(0 if free_slope else 1, 2)
    at = _PRIOR_MEAN.copy() if free_slope else np.zeros(2)
    for _ in range(_STEPS):
        gradient, hessian = posterior.derivatives(at)
        step = np.zeros(2)
        step[free] = np.linalg.solve(hessian[free, free], gradient[free])
        scale, here = 1.0, posterior.loss(at)
        while posterior.loss(at - scale * step) > here and scale > _CLOSE:
            scale /= 2
        at = at - scale * step
        if np.abs(step).max() < _CLOSE:
            break
    return at
