"""The random part of a port's exams: everybody's chance to be drawn, and the draw that keeps to it.

Chances are fixed first, by two aims. The floor shows what is out there: part of it follows the numbers of shipments, so
that estimates stay sharp, part is shared alike by the strata, so that small ones are seen at all. The novelty part goes
to shipments in proportion to how new and risky they are: a bet on what moves. One systematic draw with a random start
then meets every chance exactly (Madow 1949, Ann. Math. Stat. 20: 333): its size is the sum of the chances, and the
picks of each stratum are its expected number rounded down or up, at random, day by day. Within a stratum the order is
random, so equal chances make a simple random sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shares:
    """How the random slots of a port are meant.

    Attributes:
        proportional: share of the floor that follows the numbers of shipments; the rest is shared alike by strata.
        novelty: share of the random slots that goes to novelty, where anything is new.
    """

    proportional: float
    novelty: float


@dataclass(frozen=True, slots=True)
class Chances:
    """Chance of each shipment to be drawn, of those left over: `floor` as anybody, `novelty` for being new."""

    floor: Floats
    novelty: Floats

    @property
    def either(self) -> Floats:
        """Chance to be drawn at all."""
        return self.floor + self.novelty


def chances(slots: int, stratum: Ints, members: Floats, novelty: Floats, shares: Shares) -> Chances:
    """Share `slots` random exams among the shipments that the ranking leaves over.

    Args:
        slots: random exams, at most the sum of `members`.
        stratum: stratum of each shipment, 0 or above.
        members: chance of each shipment to be left over: 1, 1/2 (one of a disputed pair is), or 0. Their sum within a
            stratum must be certain.
        novelty: weight of each shipment in the novelty part, 0 or above; 0 for a disputed one.
        shares: of the random slots.

    Returns:
        Chances given that a shipment is left over; 0 where it cannot be.

    >>> stratum, weight = np.array([0, 0, 0, 1]), np.array([0.0, 0.0, 1.0, 0.0])
    >>> found = chances(2, stratum, np.ones(4), weight, Shares(proportional=0.5, novelty=0.25))
    >>> found.floor.round(4).tolist(), found.novelty.round(4).tolist()
    ([0.3125, 0.3125, 0.3125, 0.5625], [0.0, 0.0, 0.5, 0.0])
    """
    left = members > 0
    weight = np.where(left, novelty, 0.0)
    for_novelty = slots * shares.novelty * bool(weight.any())
    sizes = np.bincount(stratum, members).astype(np.float64)
    strata = np.flatnonzero(sizes > 0)
    by_number, alike = sizes[strata] / max(sizes.sum(), 1.0), 1 / max(len(strata), 1)
    wanted = shares.proportional * by_number + (1 - shares.proportional) * alike
    per_member = np.zeros(len(sizes))
    per_member[strata] = fill(slots - for_novelty, wanted, sizes[strata]) / sizes[strata]
    floor = np.where(left, per_member[stratum], 0.0)
    new = fill(for_novelty, weight, np.where(weight > 0, 1 - floor, 0.0))
    # What novelty cannot use goes back to all: nothing is left to chance but who is drawn.
    spare = np.where(left, 1 - floor - new, 0.0)
    back = (for_novelty - new.sum()) / max(float((spare * members).sum()), 1e-300)
    return Chances(floor + spare * max(back, 0.0), new)


def fill(total: float, weights: Floats, caps: Floats) -> Floats:
    """Share `total` in proportion to `weights`, nobody getting more than their cap; the overflow goes to the others.

    >>> fill(3.0, np.array([4.0, 1.0, 1.0]), np.array([1.0, 5.0, 5.0])).tolist()
    [1.0, 1.0, 1.0]
    """
    given, open_ = np.zeros(len(weights)), weights > 0
    while open_.any():
        weight = np.where(open_, weights, 0.0)
        share = (total - given.sum()) * weight / weight.sum()
        over = open_ & (share >= caps)
        if not over.any():
            return np.asarray(given + share)
        given[over] = caps[over]
        open_ &= ~over
    return given


def draw(chance: Floats, stratum: Ints, tickets: npt.NDArray[np.uint64], start: float) -> npt.NDArray[np.bool_]:
    """Draw shipments so that each has exactly its chance, and as many as the chances add up to, a whole number.

    Args:
        chance: of each shipment, 0 to 1; 0 = not in the draw.
        stratum: its stratum.
        tickets: random numbers that order each stratum.
        start: uniform from [0, 1).

    >>> draw(np.array([0.5, 0.5, 1.0]), np.zeros(3, int), np.arange(3, dtype=np.uint64), start=0.3).tolist()
    [True, False, True]
    """
    picked = np.zeros(len(chance), dtype=bool)
    pool = np.flatnonzero(chance > 0)
    pool = pool[np.lexsort((tickets[pool], stratum[pool]))]
    if len(pool):
        ends = np.cumsum(chance[pool])
        # The sum is whole but for rounding; made so, that neither end can lose or add a pick.
        ends *= np.rint(ends[-1]) / ends[-1]
        ends[-1] = np.rint(ends[-1])
        picked[pool] = np.diff(np.ceil(ends - start), prepend=0.0) > 0
    return picked
