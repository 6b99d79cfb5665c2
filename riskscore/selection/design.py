"""The random design of one port: ranked slots first, then a random floor, with exact inclusion probabilities.

With n live shipments and c < n slots, the expected floor is x slots. Randomised rounding makes it f =
floor(x) slots, or one more with chance frac(x) (Cox 1987, J. Am. Stat. Assoc. 82: 520). The first c - f
places of the ranking are examined; f of the n - (c - f) others follow by simple random sampling without
replacement. Everyone's chance is then known exactly, and nobody's is zero (Horvitz and Thompson 1952).
With c >= n everyone is examined and nothing is random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from riskscore.selection.capacity import DECIMALS

if TYPE_CHECKING:
    import numpy.typing as npt

    from riskscore.selection.lottery import Lottery

Arm = Literal["must_exam", "risk", "random_floor", "none"]

ARM_ORDER: tuple[Arm, ...] = ("must_exam", "risk", "random_floor", "none")
"""Order in which a port's exams are worked, and the rest after them."""

_MUST, _RISK, _FLOOR, _NONE = range(4)

MIN_FLOOR = 0.05
"""Least expected floor slots of a port that cannot examine everything: one random exam in 20 days. It
keeps every inclusion probability clear of zero however small floor_share is (promise 5)."""


@dataclass(frozen=True, slots=True)
class Design:
    """Slots of one port and the chances they give.

    Args:
        shipments: live shipments of the day, n.
        used: slots filled, c; at most n.
        floor: expected slots of the random floor, x; 0 <= x <= c.

    >>> design = Design.of(shipments=4, slots=2, floor_share=0.25)
    >>> design.floor, design.ranked(0.4), design.ranked(0.6)
    (0.5, 1, 2)
    >>> [chance.round(3).tolist() for chance in design.chances()]
    [[1.0, 0.5, 0.0, 0.0], [0.0, 0.167, 0.167, 0.167]]
    """

    shipments: int
    used: int
    floor: float

    @classmethod
    def of(cls, shipments: int, slots: int, floor_share: float) -> Design:
        """The design of a port with `slots` (which may exceed its `shipments`)."""
        if slots == 0 or slots >= shipments:
            return cls(shipments, min(shipments, slots), 0.0)
        return cls(shipments, slots, round(max(floor_share * slots, MIN_FLOOR), DECIMALS))

    def ranked(self, uniform: float) -> int:
        """Slots of the ranking when the randomised rounding drew `uniform` from [0, 1)."""
        extra = uniform < self.floor - math.floor(self.floor)
        return self.used - math.floor(self.floor) - extra

    def chances(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Chance of an exam by place in the ranking: through the ranking, and through the floor.

        Both have length n, the first place first. Their sum is the inclusion probability; it adds up to
        the slots used over all shipments.
        """
        extra = self.floor - math.floor(self.floor)
        few, many = self._chances(math.floor(self.floor)), self._chances(math.ceil(self.floor))
        return (1 - extra) * few[0] + extra * many[0], (1 - extra) * few[1] + extra * many[1]

    def _chances(self, floor: int) -> npt.NDArray[np.float64]:
        taken = np.arange(self.shipments) < self.used - floor
        others = max(self.shipments - (self.used - floor), 1)
        return np.array([taken, ~taken * (floor / others)])


@dataclass(frozen=True, slots=True)
class Draw:
    """What the design did: one entry per shipment of the port, in the order they were given."""

    arm: npt.NDArray[np.int64]
    """Position in ARM_ORDER."""
    rank: npt.NDArray[np.int64]
    """Place in the ranking, 1 = first: matched rules first, then by risk."""
    priority: npt.NDArray[np.int64]
    """Place in the day's work, 1 = first: by arm in ARM_ORDER, then by rank."""
    by_ranking: npt.NDArray[np.float64]
    """Chance of an exam through the ranking."""
    by_floor: npt.NDArray[np.float64]
    """Chance of an exam through the random floor."""


def draw(
    shipment_ids: npt.NDArray[np.object_],
    risk: npt.NDArray[np.float64],
    must: npt.NDArray[np.bool_],
    design: Design,
    lottery: Lottery,
) -> Draw:
    """Draw one port's exams.

    Args:
        shipment_ids: unique identifiers.
        risk: probability of any hazard, no NaN.
        must: whether a must-exam rule matched.
        design: the port's design; its `shipments` equals the length of the arrays.
        lottery: the port's draws. Equal risks are ordered by it, and so are the random picks.
    """
    tickets = lottery.tickets(shipment_ids)
    order = np.lexsort((tickets[:, 0], -risk, ~must))
    rank = _places(order)
    ranked = rank <= design.ranked(lottery.uniform("rounding"))
    floor = _sample(tickets[:, 1], ~ranked, design.used - int(ranked.sum()))
    arm = np.select([ranked & must, ranked, floor], [_MUST, _RISK, _FLOOR], _NONE)
    by_ranking, by_floor = (chance[rank - 1] for chance in design.chances())
    return Draw(arm, rank, _places(np.lexsort((rank, arm))), by_ranking, by_floor)


def _places(order: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    places = np.empty(len(order), dtype="int64")
    places[order] = np.arange(1, len(order) + 1)
    return places


def _sample(tickets: npt.NDArray[np.uint64], eligible: npt.NDArray[np.bool_], size: int) -> npt.NDArray[np.bool_]:
    """The `size` eligible entries with the lowest tickets: a simple random sample without replacement."""
    pool = np.flatnonzero(eligible)
    picked = np.zeros(len(tickets), dtype=bool)
    picked[pool[np.argsort(tickets[pool], kind="stable")[:size]]] = True
    return picked
