"""The day's exams of one port: must-exams first, the most urgent before the others, then the highest total value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.errors import RunError
from riskscore.selection.assignment import assign, worth
from riskscore.selection.room import Room
from riskscore.selection.sifting import PROOF

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

__all__ = ["Allocation", "Room", "allocate"]


@dataclass(frozen=True, slots=True)
class Allocation:
    """Which shipments get which exam.

    Attributes:
        exam: int64, in the order of the rows: position of the exam, -1 = none.
        value: total value of the exams given, must-exams among them.
        bound: no allocation that honours the same must-exams has a higher value.
        gap: share of the bound by which the value may fall short of the optimum: 0 = proved optimal; at most
            `programs.GAP` where minutes bind.
        method: how the ranked exams were found: ranking, lp, rounded or milp (`assignment.Assignment`).
        unmet: must-exams without room, most urgent first: row, and the limit that binds, in words.
    """

    exam: Ints
    value: float
    bound: float
    gap: float
    method: str
    unmet: tuple[tuple[int, str], ...]


def allocate(values: Floats, must: Ints, must_order: Ints, room: Room, tickets: npt.NDArray[np.uint64]) -> Allocation:
    """Give the port's exams. Independent of the order of rows; the limits of the room are never exceeded.

    A must-exam without room stays among the others: it may get another exam, by its value.

    Args:
        values: finite, (shipments, exams): what an exam of a shipment is worth (`values.exam_values`). Below 0 = not
            worth holding: such an exam is given to a must-exam only. Exams worth 0 fill slots that are left.
        must: exam ordered by a rule, -1 = none; one per shipment.
        must_order: place among the must-exams, 1 = the most urgent; read where `must` is not -1. Equal places go by
            ticket.
        room: the port's limits.
        tickets: the lottery's numbers, one per shipment: of equal values the lower ticket has the exam.

    Raises:
        RunError: the arrays or the room speak of different shipments or exams, a value is null or infinite, or `must`
            names no exam.

    >>> values = np.array([[0.1, 0.4], [0.3, 0.2], [0.3, 0.2], [0.0, 0.1]])
    >>> must, order = np.array([-1, -1, -1, 1]), np.array([0, 0, 0, 1])
    >>> room = Room(slots=2, exams=(2, 1), minutes=None, minutes_of=(60.0, 60.0))
    >>> allocate(values, must, order, room, np.array([7, 9, 5, 1], dtype=np.uint64)).exam.tolist()
    [-1, -1, 0, 1]
    """
    _check(values, must, must_order, room, tickets)
    order = _canonical(tickets, values, must, np.where(must >= 0, must_order, 0))
    exam, unmet = _must_exams(must, must_order, order, room)
    rest = order[exam[order] < 0]
    found = assign(values[rest], room.less(np.bincount(exam[exam >= 0], minlength=len(room.exams)).tolist()))
    ordered = worth(values, exam)
    exam[rest] = found.exam
    value, bound = worth(values, exam), ordered + found.bound
    gap = (bound - value) / abs(bound) if bound else 0.0
    if gap <= PROOF:
        bound, gap = value, 0.0
    return Allocation(exam, value, bound, gap, found.method, unmet)


def _canonical(tickets: npt.NDArray[np.uint64], *others: npt.NDArray[np.generic]) -> npt.NDArray[np.intp]:
    """Rows by ticket; equal tickets by what else is known of the row."""
    order = np.argsort(tickets, kind="stable")
    if (np.diff(tickets[order]) == 0).any():
        columns = [column for other in others for column in np.atleast_2d(other.T)]
        order = np.lexsort([*columns, tickets])
    return order


def _must_exams(
    must: Ints, must_order: Ints, order: npt.NDArray[np.intp], room: Room
) -> tuple[Ints, tuple[tuple[int, str], ...]]:
    """Exams of the must-exams that there is room for; the others, most urgent first, with the limit that binds."""
    exam, taken, unmet = np.full(len(must), -1), [0] * len(room.exams), []
    ordered = order[must[order] >= 0]
    for row in ordered[np.argsort(must_order[ordered], kind="stable")]:
        kind = int(must[row])
        refusal = room.refusal(taken, kind)
        if refusal:
            unmet.append((int(row), refusal))
        else:
            exam[row] = kind
            taken[kind] += 1
    return exam, tuple(unmet)


def _check(values: Floats, must: Ints, must_order: Ints, room: Room, tickets: npt.NDArray[np.uint64]) -> None:
    """Refuse what would allocate wrongly in silence."""
    shape = (len(tickets), len(room.exams))
    if values.shape != shape or not len(must) == len(must_order) == len(tickets):
        found = f"{values.shape}, {len(must)} and {len(must_order)}"
        raise RunError(f"expected {shape} values and as many must-exams and places, got {found}", where="allocation")
    if not np.isfinite(values).all():
        raise RunError("a value is null or infinite", where="allocation")
    if ((must < -1) | (must >= shape[1])).any():
        raise RunError(f"a must-exam names no exam: expected -1 to {shape[1] - 1}", where="allocation")
