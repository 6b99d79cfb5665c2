"""The random design of one port: ranked exams first, then a random draw among all others, with exact chances.

x random exams are meant for the day, say 1.3. Randomised rounding makes it one, or two with chance 0.3 (Cox 1987,
J. Am. Stat. Assoc. 82: 520). For each of the two the exams of the ranking are allocated within the room that is left:
must-exams, then the most value. Who is left over is drawn by `riskscore.selection.floor`. Both roundings are worked
out, so everyone's chance is known exactly, and nobody's is zero (Horvitz and Thompson 1952). A port that can examine
everyone does, and nothing is random.

A second model may dispute ranked slots (riskscore.selection.trial): some shipments then come through the ranking with
chance 1/2. The losers of the tosses are a stratum of their own in the random draw, for their number is certain while
the other strata would change with each toss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from riskscore.selection import floor, trial
from riskscore.selection.allocation import allocate
from riskscore.selection.capacity import DECIMALS

if TYPE_CHECKING:
    import numpy.typing as npt

    from riskscore.selection.allocation import Allocation
    from riskscore.selection.lottery import Lottery
    from riskscore.selection.room import Room

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

Arm = Literal["must_exam", "risk", "random_floor", "novelty", "none"]

ARM_ORDER: tuple[Arm, ...] = ("must_exam", "risk", "random_floor", "novelty", "none")
"""Order in which a port's exams are worked, and the rest after them."""

_MUST, _RISK, _FLOOR, _NOVELTY, _NONE = range(5)

MIN_FLOOR = 0.05
"""Least expected floor exams of a port that cannot examine everything: one random exam in 20 days. It
keeps every inclusion probability clear of zero however small floor_share is (promise 5)."""


@dataclass(frozen=True, slots=True)
class RandomPart:
    """How much of a port's room is drawn by lot, and how.

    Attributes:
        floor_share: share of the exams that the floor is meant to be; at least MIN_FLOOR exams.
        proportional: see riskscore.selection.floor.Shares.
        novelty_share: share of the exams drawn for novelty.
        exam: position of the exam of a random pick.
    """

    floor_share: float
    proportional: float
    novelty_share: float
    exam: int


@dataclass(frozen=True)
class Port:
    """What there is to choose from at one port: arrays with one entry per live shipment, n, in any order.

    Attributes:
        shipment_ids: unique identifiers.
        values: (n, exams) worth of each exam, as riskscore.selection.values makes it.
        must: position of the exam that a shipment must get, -1 = none.
        room: exams that the port can hold.
        random: the random part.
        stratum: number of the shipment's stratum, 0 or above.
        novelty: weight in the novelty part, 0 = nothing new.
        rival_values: worth of each exam by the model on trial; None = no trial. Only where the slots alone bind: a won
            toss must not break the limit of an exam.
    """

    shipment_ids: npt.NDArray[np.object_]
    values: Floats
    must: Ints
    room: Room
    random: RandomPart
    stratum: Ints
    novelty: Floats
    rival_values: Floats | None = None

    def __len__(self) -> int:
        return len(self.shipment_ids)

    @cached_property
    def possible(self) -> int:
        """The most exams there is room for: by slots, limits and minutes; at most n."""
        return self.room.tightened(len(self)).slots

    def meant(self) -> float:
        """Random exams meant for the day, x; 0 when all can be examined or none."""
        if not self.possible:
            return 0.0
        novelty = self._share(self.random.novelty_share) * bool(self.novelty.any())
        return round(min(self._floor() + novelty, self._room_for_random()), DECIMALS)

    def _room_for_random(self) -> int:
        """Exams of a random pick that there is room for."""
        only = [limit * (position == self.random.exam) for position, limit in enumerate(self.room.exams)]
        return replace(self.room, exams=tuple(only)).tightened(len(self)).slots

    def shares(self) -> floor.Shares:
        """How the random exams are meant."""
        novelty = self._share(self.random.novelty_share)
        return floor.Shares(self.random.proportional, novelty / (self._floor() + novelty))

    def _floor(self) -> float:
        """Exams that the floor is meant to be."""
        return max(self._share(self.random.floor_share), MIN_FLOOR)

    def _share(self, share: float) -> float:
        """That share of the exams; of the minutes, where the exam of a random pick is long and minutes bind."""
        if self.room.minutes is None:
            return share * self.possible
        return share * min(self.possible, self.room.minutes / self.room.minutes_of[self.random.exam])


@dataclass(frozen=True, slots=True)
class Draw:
    """What the design did: one entry per shipment of the port, in the order they were given."""

    arm: Ints
    """Position in ARM_ORDER."""
    exam: Ints
    """Position of the exam given; -1 = released."""
    rank: Ints
    """Place in the ranking, 1 = first: must-exams first, then by worth."""
    rival_rank: Ints
    """Place in the challenger's ranking; the same as `rank` without a trial."""
    pair: Ints
    """Number of the disputed slot, 1 = first; 0: not disputed."""
    priority: Ints
    """Place in the day's work, 1 = first: by arm in ARM_ORDER, then by place in the ranking that asked for it."""
    by_ranking: Floats
    """Chance of an exam by the champion's ranking, agreed or by toss."""
    by_challenger: Floats
    """Chance of an exam that only the challenger's ranking asks for; 0 without a trial."""
    by_floor: Floats
    """Chance of an exam through the random floor."""
    by_novelty: Floats
    """Chance of an exam for being new."""
    exam_chances: Floats
    """(n, exams) chance of each exam; a row sums to the four chances before."""
    unmet: tuple[tuple[int, str], ...]
    """Must-exams that the ranking could not give: the row, and the limit that binds, in words."""


class _Ranking(NamedTuple):
    """What the two models' rankings ask for when so many exams are random."""

    ours: Allocation
    theirs: Allocation | None
    pair: Ints

    @property
    def chances(self) -> tuple[Floats, Floats]:
        """Chance of an exam by the champion's ranking, and by the challenger's alone."""
        ours = self.ours.exam >= 0
        theirs = ours if self.theirs is None else self.theirs.exam >= 0
        return trial.chances(ours, theirs, self.pair)

    @property
    def exam(self) -> Ints:
        """The exam that the ranking that asks for a shipment would give it."""
        theirs = self.ours if self.theirs is None else self.theirs
        return np.where(self.ours.exam >= 0, self.ours.exam, theirs.exam)


class _Way(NamedTuple):
    """One outcome of the rounding: its chance, how many exams are random, and what follows."""

    chance: float
    ranking: _Ranking
    left_over: Floats
    drawn: floor.Chances
    random_exam: int
    exams: int

    @property
    def chances(self) -> Floats:
        """(4, n): chances by the champion, the challenger alone, the floor and novelty, this outcome and all."""
        by_lot = (self.left_over * self.drawn.floor, self.left_over * self.drawn.novelty)
        return self.chance * np.array([*self.ranking.chances, *by_lot])

    @property
    def exam_chances(self) -> Floats:
        """(n, exams): chance of each exam, this outcome and all."""
        chances = (1 - self.left_over)[:, None] * (np.arange(self.exams) == self.ranking.exam[:, None])
        chances[:, self.random_exam] += self.left_over * self.drawn.either
        return np.asarray(self.chance * chances)


def draw(port: Port, lottery: Lottery) -> Draw:
    """Draw one port's exams.

    Equal worths are ordered by the lottery, and so are the random picks; the order of rows does not matter.
    """
    tickets = lottery.tickets(port.shipment_ids)
    return sample(port, plan(port, tickets), tickets, lottery)


class Plan(NamedTuple):
    """What a draw is made from: the rankings, and both outcomes of the rounding."""

    places: _Places
    ways: list[_Way]


def plan(port: Port, tickets: npt.NDArray[np.uint64]) -> Plan:
    """Everything about a port's draw that is certain; `tickets` order equal worths."""
    places = _Places.of(port, tickets)
    return Plan(places, _ways(port, places, tickets))


def sample(port: Port, plan: Plan, tickets: npt.NDArray[np.uint64], lottery: Lottery) -> Draw:
    """Draw from a plan: the rounding, the tosses, and who is drawn among those left over."""
    # One of two: the second outcome, one exam more, has the chance of the fraction.
    way = plan.ways[-1] if lottery.uniform("rounding") < plan.ways[-1].chance else plan.ways[0]
    taken = trial.toss(way.ranking.pair, way.ranking.chances, lottery)
    chance = np.where(taken, 0.0, way.drawn.either)
    picked = floor.draw(chance, _strata(port, way.ranking.pair), tickets[:, 1], lottery.uniform("floor"))
    exam = np.where(taken, way.ranking.exam, np.where(picked, port.random.exam, -1))
    arm = np.select([taken & (exam == port.must), taken, picked], [_MUST, _RISK, _FLOOR], _NONE)
    arm[_for_novelty(picked, way.drawn, tickets, lottery)] = _NOVELTY
    return _as_drawn(plan, way, arm, exam)


def _ways(port: Port, places: _Places, tickets: npt.NDArray[np.uint64]) -> list[_Way]:
    """Both outcomes of the rounding; one, where all can be examined or the number is whole."""
    if port.possible >= len(port):
        everyone = _way(port, 1.0, _ranking(port, places, 0, tickets), 0)
        if not everyone.left_over.any():
            return [everyone]
    meant = port.meant()
    few, extra = math.floor(meant), meant - math.floor(meant)
    outcomes = [(1 - extra, few), (extra, few + 1)] if extra else [(1.0, few)]
    return [_way(port, chance, _ranking(port, places, random, tickets), random) for chance, random in outcomes]


def _ranking(port: Port, places: _Places, random: int, tickets: npt.NDArray[np.uint64]) -> _Ranking:
    """The exams of the ranking when `random` exams are kept for the lot."""
    kept = [random * (position == port.random.exam) for position in range(len(port.room.exams))]
    room = port.room.less(kept)
    ours = allocate(port.values, port.must, places.rank, room, tickets[:, 0])
    if port.rival_values is None:
        return _Ranking(ours, None, np.zeros(len(port), dtype="int64"))
    theirs = allocate(port.rival_values, port.must, places.rank, room, tickets[:, 0])
    pair = trial.pairs(ours.exam >= 0, theirs.exam >= 0, places.rank, places.rival_rank)
    return _Ranking(ours, theirs, pair)


def _way(port: Port, chance: float, ranking: _Ranking, random: int) -> _Way:
    left_over = 1 - np.sum(ranking.chances, axis=0)
    slots = min(random, round(float(left_over.sum())))
    novelty = np.where(ranking.pair > 0, 0.0, port.novelty)
    drawn = floor.chances(slots, _strata(port, ranking.pair), left_over, novelty, port.shares())
    return _Way(chance, ranking, left_over, drawn, port.random.exam, port.values.shape[1])


def _strata(port: Port, pair: Ints) -> Ints:
    """The disputed are a stratum of their own, after all others."""
    return np.where(pair > 0, int(port.stratum.max(initial=0)) + 1, port.stratum)


def _for_novelty(
    picked: Flags, drawn: floor.Chances, tickets: npt.NDArray[np.uint64], lottery: Lottery
) -> npt.NDArray[np.intp]:
    """The picks that count as drawn for novelty: each by the share of novelty in its chance."""
    rows = np.flatnonzero(picked)
    rows = rows[np.argsort(tickets[rows, 1], kind="stable")]
    share = drawn.novelty[rows] / drawn.either[rows]
    uniform = np.array([lottery.uniform(f"arm {number}") for number in range(len(rows))])
    return rows[uniform < share]


def _as_drawn(plan: Plan, way: _Way, arm: Ints, exam: Ints) -> Draw:
    places, ways = plan
    by_ranking, by_challenger, by_floor, by_novelty = np.sum([way.chances for way in ways], axis=0)
    pair = way.ranking.pair
    asked = np.where((arm == _RISK) & (pair > 0), np.minimum(places.rank, places.rival_rank), places.rank)
    return Draw(
        arm=arm,
        exam=exam,
        rank=places.rank,
        rival_rank=places.rival_rank,
        pair=pair,
        priority=_places(np.lexsort((places.rank, asked, arm))),
        by_ranking=by_ranking,
        by_challenger=by_challenger,
        by_floor=by_floor,
        by_novelty=by_novelty,
        exam_chances=np.sum([way.exam_chances for way in ways], axis=0),
        unmet=way.ranking.ours.unmet,
    )


class _Places(NamedTuple):
    """Places in the two rankings, 1 = first."""

    rank: Ints
    rival_rank: Ints

    @classmethod
    def of(cls, port: Port, tickets: npt.NDArray[np.uint64]) -> _Places:
        possible = port.room.open()
        values = np.where(possible, port.values, -np.inf) if possible.any() else port.values
        rank = _ranked(values, port.must, tickets)
        if port.rival_values is None:
            return cls(rank, rank)
        # Among must-exams the order is the champion's, so that a rule's exam is never in dispute.
        theirs = np.where((port.must >= 0)[:, None], values, port.rival_values)
        return cls(rank, _ranked(theirs, port.must, tickets))


def _ranked(values: Floats, must: Ints, tickets: npt.NDArray[np.uint64]) -> Ints:
    return _places(np.lexsort((tickets[:, 0], -values.max(axis=1), must < 0)))


def _places(order: npt.NDArray[np.intp]) -> Ints:
    places = np.empty(len(order), dtype="int64")
    places[order] = np.arange(1, len(order) + 1)
    return places
