"""The random design of one port: ranked slots first, then a random floor, with exact inclusion probabilities.

With n live shipments and c < n slots, the expected floor is x slots. Randomised rounding makes it f =
floor(x) slots, or one more with chance frac(x) (Cox 1987, J. Am. Stat. Assoc. 82: 520). The first c - f
places of the ranking are examined; f of the n - (c - f) others follow by simple random sampling without
replacement. Everyone's chance is then known exactly, and nobody's is zero (Horvitz and Thompson 1952).
With c >= n everyone is examined and nothing is random.

A second model may dispute ranked slots (riskscore.selection.trial): some shipments then come through the ranking with
chance 1/2, and the floor is drawn from all that the ranking and its tosses left over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from riskscore.selection import trial
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

    def roundings(self) -> tuple[tuple[float, int], tuple[float, int]]:
        """The two outcomes of the randomised rounding: chance, and ranked slots; the chances add up to 1."""
        extra = self.floor - math.floor(self.floor)
        return (1 - extra, self.used - math.floor(self.floor)), (extra, self.used - math.ceil(self.floor))

    def chances(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Chance of an exam by place in an undisputed ranking: through the ranking, and through the floor.

        Both have length n, the first place first. Their sum is the inclusion probability; it adds up to
        the slots used over all shipments.
        """
        places = np.arange(1, self.shipments + 1)
        by_ranking, _, by_floor = self.disputed_chances(places, places)
        return by_ranking, by_floor

    def disputed_chances(
        self, rank: npt.NDArray[np.int64], rival_rank: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Chance of an exam of each shipment when two rankings share the ranked slots.

        Args:
            rank: places in the champion's ranking, 1 = first; length n.
            rival_rank: places in the challenger's.

        Returns:
            Chances by the champion's wish (agreed or won), by the challenger's alone, and by the floor, in the order
            of the places. Their sum is the inclusion probability.
        """
        total = np.zeros((3, self.shipments))
        for weight, ranked in self.roundings():
            by_champion, by_challenger = trial.chances(rank <= ranked, rival_rank <= ranked)
            left_over = 1 - by_champion - by_challenger
            others = max(self.shipments - ranked, 1)
            total += weight * np.array([by_champion, by_challenger, left_over * ((self.used - ranked) / others)])
        return total[0], total[1], total[2]


@dataclass(frozen=True, slots=True)
class Draw:
    """What the design did: one entry per shipment of the port, in the order they were given."""

    arm: npt.NDArray[np.int64]
    """Position in ARM_ORDER."""
    rank: npt.NDArray[np.int64]
    """Place in the ranking, 1 = first: matched rules first, then by risk."""
    rival_rank: npt.NDArray[np.int64]
    """Place in the challenger's ranking; the same as `rank` without a trial."""
    pair: npt.NDArray[np.int64]
    """Number of the disputed slot, 1 = first; 0: not disputed."""
    priority: npt.NDArray[np.int64]
    """Place in the day's work, 1 = first: by arm in ARM_ORDER, then by place in the ranking that asked for it."""
    by_ranking: npt.NDArray[np.float64]
    """Chance of an exam by the champion's ranking, agreed or by toss."""
    by_challenger: npt.NDArray[np.float64]
    """Chance of an exam that only the challenger's ranking asks for; 0 without a trial."""
    by_floor: npt.NDArray[np.float64]
    """Chance of an exam through the random floor."""


def draw(
    shipment_ids: npt.NDArray[np.object_],
    risk: npt.NDArray[np.float64],
    must: npt.NDArray[np.bool_],
    design: Design,
    lottery: Lottery,
    rival_risk: npt.NDArray[np.float64] | None = None,
) -> Draw:
    """Draw one port's exams.

    Args:
        shipment_ids: unique identifiers.
        risk: probability of any hazard, no NaN.
        must: whether a must-exam rule matched.
        design: the port's design; its `shipments` equals the length of the arrays.
        lottery: the port's draws. Equal risks are ordered by it, and so are the random picks.
        rival_risk: the challenger's probability of any hazard, no NaN; None = no trial. Among must-exams the order
            is the champion's, so that a rule's exam is never in dispute.
    """
    tickets = lottery.tickets(shipment_ids)
    rank = _places(np.lexsort((tickets[:, 0], -risk, ~must)))
    rival_rank = rank
    if rival_risk is not None:
        rival_rank = _places(np.lexsort((tickets[:, 0], -np.where(must, risk, rival_risk), ~must)))
    ranked, pair = trial.toss(rank, rival_rank, design.ranked(lottery.uniform("rounding")), lottery)
    floor = _sample(tickets[:, 1], ~ranked, design.used - int(ranked.sum()))
    arm = np.select([ranked & must, ranked, floor], [_MUST, _RISK, _FLOOR], _NONE)
    asked = np.where((arm == _RISK) & (pair > 0), np.minimum(rank, rival_rank), rank)
    priority = _places(np.lexsort((rank, asked, arm)))
    return Draw(arm, rank, rival_rank, pair, priority, *design.disputed_chances(rank, rival_rank))


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
