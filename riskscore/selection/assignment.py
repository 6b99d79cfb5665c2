"""The best use of a port's room: which shipments get which exam, for the highest total value.

With limits on slots and on exams this is a transportation problem: its linear program has an integral optimum (the
limits are nested, so the matrix is totally unimodular: Hoffman and Kruskal 1956). Minutes break that; what the
rounded linear program then leaves open by more than `GAP` is closed by branch and bound.

Three things keep it fast, all exact:

- where the best exam of each of the most valuable shipments keeps every limit, that is the optimum: no solver;
- a shipment cannot get an exam in which a port's slots are outnumbered by shipments of higher value: one of those has
  no exam, and a swap would gain. Nor one that another exam equals in value, takes no longer and is not limited;
- the bound is priced over all shipments, pruned or not (weak duality), so that every result carries its own proof.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.selection.programs import GAP, Limits, Pairs
from riskscore.selection.room import Room, counted
from riskscore.selection.sifting import branched, relaxed, rounded

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Exams given, in the order of the rows.

    Attributes:
        exam: position of the exam; -1 = none.
        bound: no choice within the limits has a higher total value.
        method: ranking (no solver needed), lp, rounded (lp, with fractions dropped and their room filled), or milp.
    """

    exam: Ints
    bound: float
    method: str


def assign(values: Floats, room: Room) -> Assignment:
    """The exams of highest total value within the room; negative values are never taken, zeros fill what is left.

    Args:
        values: finite, one row per shipment and one column per exam. Among equal values the earlier row is taken.
        room: the port's limits.

    Raises:
        RunError: the solver stopped without an answer.

    >>> values = np.array([[0.5, 0.75], [0.25, 0.75], [0.25, 0.5]])
    >>> assign(values, Room(2, (2, 2), None, (60.0, 60.0)))
    Assignment(exam=array([ 1,  1, -1]), bound=1.5, method='ranking')
    >>> found = assign(values, Room(2, (2, 1), None, (60.0, 60.0)))
    >>> found.exam.tolist(), found.bound, found.method
    ([0, 1, -1], 1.25, 'lp')
    """
    tight = room.tightened(len(values))
    ranked = _ranking(values, tight)
    if tight.holds(counted(ranked, len(room.exams))):
        return Assignment(ranked, worth(values, ranked), "ranking")
    pairs = _candidates(values, tight)
    found = _solved(pairs, values, tight)
    return Assignment(_settled(_filled(found.exam, values, tight), values), found.bound, found.method)


def worth(values: Floats, exam: Ints) -> float:
    """Total value of the exams given, summed without rounding error: the order of rows cannot show.

    >>> worth(np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([1, -1]))
    0.2
    """
    given = np.flatnonzero(exam >= 0)
    return math.fsum(values[given, exam[given]])


def _highest(value: Floats, count: int) -> Ints:
    """Rows of the `count` highest values that are at least 0, ascending; the earlier among equals."""
    possible = np.flatnonzero(value >= 0)
    if len(possible) <= count:
        return possible
    own = value[possible]
    least = np.partition(own, len(own) - count)[len(own) - count] if count else np.inf
    above = possible[own > least]
    return np.sort(np.concatenate([above, possible[own == least][: count - len(above)]]))


def _ranking(values: Floats, room: Room) -> Ints:
    """The most valuable shipments, each with its best possible exam; may exceed the limits of exams and minutes."""
    best, top = np.full(len(values), -1), np.full(len(values), -np.inf)
    for exam in _possible(room):
        higher = values[:, exam] > top
        best[higher], top[higher] = exam, values[higher, exam]
    rows = _highest(top, room.slots)
    given = np.full(len(values), -1)
    given[rows] = best[rows]
    return given


def _possible(room: Room) -> list[int]:
    return [exam for exam, limit in enumerate(room.exams) if limit]


def _candidates(values: Floats, room: Room) -> Pairs:
    """The pairs among which an optimum is.

    One row more than there are slots is kept for each exam: some row then has no exam, so the prices leave it nothing
    to gain, nor any pruned row of less value. Without it the bound over all rows might not be tight.
    """
    kept = [_highest(_undominated(values, exam, room), room.slots + 1) for exam in _possible(room)]
    row = np.concatenate(kept)
    exam = np.repeat(_possible(room), [len(rows) for rows in kept])
    order = np.lexsort((exam, row))
    row, exam = row[order], exam[order]
    return Pairs(row, exam, values[row, exam])


def _undominated(values: Floats, exam: int, room: Room) -> Floats:
    """Values of an exam; -1 where an exam without a limit of its own is as good and takes no longer."""
    own = values[:, exam]
    for other in _possible(room):
        takes_longer = room.minutes is not None and room.minutes_of[other] > room.minutes_of[exam]
        if other == exam or room.exams[other] < room.slots or takes_longer:
            continue
        # Of two that are equal the earlier stays: they must not rule out each other.
        own = np.where(values[:, other] >= own if other < exam else values[:, other] > own, -1.0, own)
    return own


def _solved(pairs: Pairs, values: Floats, room: Room) -> Assignment:
    limits = Limits.of(room)
    found = relaxed(pairs, values, limits)
    exam = _given(pairs, rounded(pairs, limits, found), len(values))
    if found.whole:
        return Assignment(exam, found.bound, "lp")
    known = worth(values, exam)
    if found.bound - known <= GAP * found.bound:
        return Assignment(exam, found.bound, "rounded")
    taken, bound = branched(pairs, limits, found, known)
    better = exam if taken is None else _given(pairs, taken, len(values))
    # The integer solver has been seen to call a solution feasible that is not (scipy issue 24141).
    return Assignment(better if room.holds(counted(better, len(room.exams))) else exam, bound, "milp")


def _given(pairs: Pairs, taken: npt.NDArray[np.bool_], rows: int) -> Ints:
    exam = np.full(rows, -1)
    exam[pairs.row[taken]] = pairs.exam[taken]
    return exam


def _filled(exam: Ints, values: Floats, room: Room) -> Ints:
    """The exams, and those that still fit: exam by exam, the most valuable left first."""
    exam = exam.copy()
    free = np.where((exam < 0)[:, None], values, -1.0)
    for kind in sorted(_possible(room), key=lambda kind: (-free[:, kind].max(initial=-1.0), kind)):
        left = room.less(counted(exam, len(room.exams)))
        rows = _highest(np.where(exam < 0, values[:, kind], -1.0), left.tightened(len(values)).exams[kind])
        exam[rows] = kind
    return exam


def _settled(exam: Ints, values: Floats) -> Ints:
    """The exams, but among shipments of equal value in an exam the earlier have it, the later none."""
    exam, before = exam.copy(), None
    # Every swap moves an exam to an earlier row, so this ends.
    while before is None or (before != exam).any():
        before = exam.copy()
        for kind in np.unique(exam[exam >= 0]):
            _settle(exam, values[:, kind], kind)
    return exam


def _settle(exam: Ints, value: Floats, kind: int) -> None:
    taken, free = value[exam == kind], value[exam < 0]
    if not len(free) or free.max() < taken.min():
        return
    for level in np.intersect1d(taken, free):
        rows = np.flatnonzero((value == level) & ((exam == kind) | (exam < 0)))
        count = int((exam[rows] == kind).sum())
        exam[rows] = np.where(np.arange(len(rows)) < count, kind, -1)
