"""How much is out there: prevalence from the exams of a random design, with certain exams as a stratum of their own.

The estimand is what the design's exams would find, had every shipment that could get one got it: not what is there, for
exams miss things, and not what other exams would find. Shipments that no exam able to see the hazard could reach stand
outside, and are counted.

- Exams that were certain speak for themselves: where all their results are recorded, their stratum is known exactly.
- Exams by chance stand for 1 / chance shipments each (Horvitz and Thompson 1952), scaled so that those with a result
  stand for the whole stratum: a result that is not recorded, or not known yet, is taken to be missing at random
  within its stratum. It is never clear.
- The difference estimator adds up the scores of all shipments and corrects the sum by the weighted mean error on the
  examined ones (Cassel, Saerndal and Wretman 1976): the scores may be wrong without biasing it. Where risk is rare it
  gains little; where it departs from the plain estimate, the scores are not true.

Intervals: `riskscore.models.prevalence_intervals`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.models.estimates import UNDEFINED, Estimate
from riskscore.models.evaluation import Z95
from riskscore.models.prevalence_intervals import missed, next_weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Exams:
    """Exams ordered of shipments that the estimate is about, by an exam that can see the hazard or not.

    Attributes:
        chance: n chances of an exam that can see the hazard, above 0; 1 = certain.
        found: 1.0 found, 0.0 clear, NaN no result that tells: unrecorded, not known yet, not visible to the exam.
        scores: predicted probabilities of the hazard; NaN = no model.
        held_up: how many results like this one are known per result that is: 1, or more where results are still to
            come (`riskscore.models.delays`).
    """

    chance: Floats
    found: Floats
    scores: Floats
    held_up: Floats

    @property
    def told(self) -> Flags:
        """Exams with a result that tells."""
        return np.asarray(~np.isnan(self.found))


@dataclass(frozen=True, slots=True)
class Population:
    """Live shipments that an exam able to see the hazard could reach.

    Attributes:
        certain: shipments that were certain to get one.
        by_chance: the others.
        predicted: sum of the scores of both; NaN = not all of them have one.
    """

    certain: float
    by_chance: float
    predicted: float = math.nan

    @property
    def reached(self) -> float:
        """Shipments in all."""
        return self.certain + self.by_chance


def prevalence(exams: Exams, population: Population) -> Estimate:
    """Share of the reached shipments on which the design's exams would find the hazard, by Horvitz and Thompson.

    Returns:
        Value and 95 % interval, exams with a result and finds. Undefined where a stratum has shipments and no result
        speaks for it: then `low` is what was found, and `high` is not known.

    >>> exams = Exams(
    ...     np.array([1.0, 0.1, 0.1]), np.array([1.0, 0.0, 0.0]), scores=np.full(3, np.nan), held_up=np.ones(3)
    ... )
    >>> made = prevalence(exams, Population(certain=1, by_chance=20))
    >>> round(made.value, 3), round(made.low, 3), round(made.high, 3), made.rows
    (0.048, 0.048, 0.714, 3)
    """
    sample = _weighted(exams, population)
    if sample is None:
        return _unspoken(exams, population)
    weights, found = sample
    low, high = _bounds(weights, found, exams.chance[exams.told] < 1, population)
    value = float((weights * found).sum())
    return _as_share(value, low, high, found, population)


def assisted(exams: Exams, population: Population) -> Estimate:
    """The same share by the difference estimator: sum of scores plus weighted sum of the errors on examined shipments.

    Its interval is that of the finds, moved by the correction and widened by the correction's own variance as if it
    were independent, which errs on the wide side: a sample with high scores has more finds.

    Returns:
        As `prevalence`; undefined too where not every shipment has a score.
    """
    plain = prevalence(exams, population)
    sample = _weighted(exams, population)
    scores = exams.scores[exams.told]
    if sample is None or math.isnan(population.predicted) or np.isnan(scores).any():
        return Estimate(math.nan, math.nan, math.nan, plain.rows, plain.positives)
    weights, found = sample
    moved = population.predicted - float((weights * scores).sum())
    spread = Z95 * math.sqrt(float((weights * np.maximum(weights - 1, 0) * scores**2).sum()))
    total = plain.value * population.reached
    below, above = total - plain.low * population.reached, plain.high * population.reached - total
    value = min(max(total + moved, float(found.sum())), population.reached)
    low = max(float(found.sum()), value - math.hypot(below, spread))
    high = min(population.reached, value + math.hypot(above, spread))
    return _as_share(value, low, high, found, population)


def _weighted(exams: Exams, population: Population) -> tuple[Floats, Floats] | None:
    """Weights of the exams that tell, and what they found; None where a stratum has shipments and no such exam.

    Within each stratum the weights add up to its shipments.
    """
    if not population.reached:
        return None
    chance, found = exams.chance[exams.told], exams.found[exams.told]
    weights = exams.held_up[exams.told] / chance
    for stratum, size in ((chance >= 1, population.certain), (chance < 1, population.by_chance)):
        stood_for = float(weights[stratum].sum())
        if size and not stood_for:
            return None
        weights[stratum] *= size / stood_for if stood_for else 1.0
    # An exam stands for its own shipment at least.
    return np.maximum(weights, 1.0), found


def _bounds(weights: Floats, found: Floats, by_chance: Flags, population: Population) -> tuple[float, float]:
    """Interval of the number of findings: those made, and those missed."""
    speaking = weights[by_chance] if population.by_chance else weights
    unseen = max(0.0, population.reached - len(found))
    low, high = missed(weights[(found > 0) & (weights > 1)], next_weight(speaking), unseen)
    made = float(found.sum())
    return made + low, made + high


def _as_share(value: float, low: float, high: float, found: Floats, population: Population) -> Estimate:
    size = population.reached
    # Scaling may carry a value of a few heavy finds past what its stratum holds.
    value, low, high = (min(max(number, 0.0), size) / size for number in (value, min(low, value), max(high, value)))
    return Estimate(value, low, high, len(found), int(found.sum()))


def _unspoken(exams: Exams, population: Population) -> Estimate:
    if not population.reached:
        return UNDEFINED
    found = float(np.nansum(exams.found))
    return Estimate(math.nan, found / population.reached, math.nan, int(exams.told.sum()), int(found))
