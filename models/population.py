"""What a ranking of all live shipments would find at a capacity, estimated from the examined ones.

The ranking is of everybody; labels exist for a few. At a hard capacity ties change the answer, so every figure exists
for ties that fall at random, for the worst and for the best.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from riskscore.models.estimates import Estimate, part_of_sum, ratio, scaled, weighted_share, weighted_total
from riskscore.models.evaluation import slots_of_share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

Tie = Literal["worst", "random", "best"]
TIES: tuple[Tie, ...] = ("worst", "random", "best")
"""How the last slots fall among equal scores."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Examined shipments with a label.

    Attributes:
        scores: n scores, those of the ranking.
        labels: 1.0 or 0.0.
        weights: shipments of the population that each stands for.
        certain: examined with certainty: such a row speaks for itself and its like, not for those left to chance.
        amounts: USD found; 0 where nothing was.
        drawn: picked by a lottery that knew nothing of the risk.
    """

    scores: Floats
    labels: Floats
    weights: Floats
    certain: Flags
    amounts: Floats
    drawn: Flags

    def __len__(self) -> int:
        """Number of examined shipments."""
        return len(self.labels)

    def unweighted(self) -> Sample:
        """The same rows, each for itself: what was examined, not what is out there."""
        ones = np.ones(len(self))
        return replace(self, weights=ones, certain=ones > 0)

    def take(self, rows: NDArray[np.intp] | Flags) -> Sample:
        """Some of the rows."""
        return Sample(*(getattr(self, field.name)[rows] for field in fields(self)))

    @staticmethod
    def joined(parts: list[Sample]) -> Sample:
        """The parts one after the other; at least one."""
        return Sample(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Sample)))


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a capacity cuts a ranking: `slots` go to the highest scores, `ties` compete for what `above` leave."""

    slots: int
    last: float
    above: int
    ties: int

    @staticmethod
    def of(scores: Floats, share: float) -> Cut:
        """The cut at the top `share` of `scores`.

        >>> Cut.of(np.array([0.9, 0.5, 0.5, 0.1]), 0.5)
        Cut(slots=2, last=0.5, above=1, ties=2)
        """
        slots = slots_of_share(len(scores), share)
        if not slots:
            return Cut(0, np.inf, 0, 0)
        last = float(np.partition(scores, len(scores) - slots)[len(scores) - slots])
        return Cut(slots, last, int((scores > last).sum()), int((scores == last).sum()))

    def chances(self, scores: Floats) -> Floats:
        """Chance of each score to be among the top when ties fall at random; they sum to `slots` over the ranking."""
        tied = (self.slots - self.above) / self.ties if self.ties else 0.0
        return np.where(scores > self.last, 1.0, np.where(scores == self.last, tied, 0.0))

    def members(self, sample: Sample, tie: Tie) -> Floats:
        """Part of each row that is among the top; ties go to negatives first (worst) or to positives first (best)."""
        tied = sample.scores == self.last
        mass = sample.weights * tied
        if tie == "random" or not mass.sum():
            return self.chances(sample.scores)
        first = mass * (sample.labels == (1.0 if tie == "best" else 0.0))
        preferred, left = self.ties * first.sum() / mass.sum(), float(self.slots - self.above)
        to_first = min(1.0, left / preferred) if preferred else 0.0
        rest = self.ties - preferred
        to_rest = max(0.0, left - preferred) / rest if rest > 1e-9 else 0.0
        return np.where(tied, np.where(first > 0, to_first, to_rest), self.chances(sample.scores))


def at_capacity(sample: Sample, members: Mapping[Tie, Floats], slots: float, total: float) -> dict[str, Estimate]:
    """Precision, recall and harm of the top, from examined rows and the part of each that is in the top.

    Args:
        sample: examined rows; `Sample.unweighted()` for plain counts.
        members: by tie, the part of each row in the top (`Cut.members`).
        slots: shipments in the top.
        total: shipments ranked; for plain counts, the examined ones.

    Returns:
        By tie: `precision_<tie>`, share of the top with a finding; `recall_<tie>`, share of the findings that are in
        the top; `harm_usd_<tie>`, USD found in the top. An undefined figure has the value NaN.
    """
    figures: dict[str, Estimate] = {}
    for tie, part in members.items():
        inside = sample.weights * part
        figures[f"precision_{tie}"] = weighted_share(sample.labels, inside, sample.certain, slots)
        figures[f"recall_{tie}"] = recall(sample, part, slots, total)
        figures[f"harm_usd_{tie}"] = weighted_total(sample.amounts, inside, sample.certain, slots)
    return figures


def recall(sample: Sample, part: Floats, slots: float, total: float) -> Estimate:
    """Share of all findings that are in the top.

    Where everybody was examined, a plain share of the positives. Otherwise what the rest of the ranking holds is an
    estimate too, and its uncertainty counts even where no finding was made: findings in the top over findings in the
    top plus findings outside.
    """
    if sample.weights[sample.certain].sum() > total - 0.5:
        hit = sample.labels > 0
        return weighted_share(part[hit], sample.weights[hit], sample.certain[hit])
    top = weighted_share(sample.labels, sample.weights * part, sample.certain, slots)
    rest = weighted_share(sample.labels, sample.weights * (1 - part), sample.certain, total - slots)
    made = part_of_sum(scaled(top, slots), scaled(rest, total - slots))
    return Estimate(made.value, made.low, made.high, len(sample), int(sample.labels.sum()))


def prevalence(sample: Sample, total: float | None = None) -> Estimate:
    """Weighted share of the examined rows with a finding; `total`: shipments they stand for."""
    return weighted_share(sample.labels, sample.weights, sample.certain, total)


def floor_rate(sample: Sample) -> Estimate:
    """Hit rate of exams drawn at random: what an exam finds that no targeting guides."""
    drawn = sample.take(sample.drawn)
    return weighted_share(drawn.labels, drawn.weights, drawn.certain)


def lifts(sample: Sample, part: Floats, slots: float, total: float) -> dict[str, Estimate]:
    """How many times better the top is than chance.

    Returns:
        `lift`: precision over the estimated share in the whole population; `lift_over_random_floor`: precision over
        the hit rate of exams drawn at random, which are drawn among what targeting left over.
    """
    top = weighted_share(sample.labels, sample.weights * part, sample.certain, slots)
    return {"lift": ratio(top, prevalence(sample, total)), "lift_over_random_floor": ratio(top, floor_rate(sample))}
