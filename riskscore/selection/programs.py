"""The linear and the integer program of one port, as the solver takes them."""

from __future__ import annotations

import math
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from riskscore.selection.room import Room

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

GAP = 1e-3
"""Share of the bound that a rounded or branched solution may lack; what it lacks is reported."""

NODES = 20_000
"""Most nodes of branch and bound: a limit in nodes stops at the same place on every machine, seconds would not."""

_LARGEST = 14
"""Values are scaled by a power of two to at most 2**14: the solver's tolerances are absolute, 1e-9 of 1."""

_LEAST = -900
"""Least exponent of a value that is scaled up so: what is smaller by itself would overflow."""

_DUAL_TOLERANCE = 1e-9

_STDOUT = 1


@dataclass(frozen=True, slots=True)
class Pairs:
    """Shipments with an exam they may get, by row and exam.

    Attributes:
        row: row of the shipment.
        exam: position of the exam.
        value: what it is worth, at least 0.
    """

    row: Ints
    exam: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.row)

    def only(self, kept: Flags) -> Pairs:
        """The pairs that are kept."""
        return Pairs(self.row[kept], self.exam[kept], self.value[kept])


@dataclass(frozen=True, slots=True)
class Limits:
    """What exams take of what there is.

    Attributes:
        use: (limits, exams): what one exam takes of each limit: of its own number, of the slots, of the minutes.
        most: what there is of each; need not be whole.
    """

    use: Floats
    most: Floats

    @classmethod
    def of(cls, room: Room) -> Limits:
        """The limits of a room; an exam that only the slots limit has one more than these, so that it has no price.

        >>> from riskscore.selection.room import Room
        >>> Limits.of(Room(3, (3, 1), 90.0, (60.0, 20.0))).most.tolist()
        [4.0, 1.0, 3.0, 90.0]
        """
        kinds = len(room.exams)
        use = [np.eye(kinds), np.ones((1, kinds)), np.array([room.minutes_of])]
        exams = [limit + (limit >= room.slots) for limit in room.exams]
        most = [*exams, room.slots, np.inf if room.minutes is None else room.minutes]
        limited = kinds + (1 if room.minutes is None else 2)
        return cls(np.vstack(use)[:limited], np.array(most, dtype=np.float64)[:limited])

    def cost(self, prices: Floats) -> Floats:
        """What each exam costs at the limits' prices."""
        cost: Floats = (self.use * prices[:, None]).sum(axis=0)
        return cost

    def after(self, exam: Ints) -> Limits:
        """What is left once these exams are held; may be below 0."""
        taken = np.bincount(exam, minlength=self.use.shape[1])
        return Limits(self.use, self.most - (self.use * taken).sum(axis=1))


def solved(pairs: Pairs, limits: Limits) -> tuple[Floats, Floats]:
    """Share of each pair in the optimum, and the price of each limit."""
    from scipy.optimize import linprog

    matrix, upper = _matrix(pairs, limits)
    scale = _scale(pairs)
    # The simplex method ends in a vertex, where shares are whole; pruning has done what presolve would.
    found = linprog(
        -pairs.value * scale,
        A_ub=matrix,
        b_ub=upper,
        bounds=(0, 1),
        method="highs-ds",
        options={"presolve": False, "dual_feasibility_tolerance": _DUAL_TOLERANCE},
    )
    if found.x is None:
        raise RunError(f"the linear program has no answer: {found.message}", where="allocation")
    return found.x, np.maximum(-found.ineqlin.marginals[-len(limits.most) :] / scale, 0.0)


def integral(pairs: Pairs, limits: Limits, gap: float) -> tuple[Flags | None, float]:
    """The pairs taken and a bound; None: there is no solution."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    matrix, upper = _matrix(pairs, limits)
    scale = _scale(pairs)
    with _quiet():
        found = milp(
            -pairs.value * scale,
            integrality=np.ones(len(pairs), dtype=np.int64),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(matrix, -np.inf, np.maximum(upper, 0.0)),
            options={"mip_rel_gap": gap, "node_limit": NODES},
        )
    if found.x is None:
        return None, math.inf
    return found.x > 0.5, -float(found.mip_dual_bound) / scale


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the line that the solver leaves in the output although told to be silent (HiGHS.jl issue 312).

    It is written by the solver itself, past sys.stdout, so the file descriptor is turned away for the time.
    """
    if sys.__stdout__ is None:
        yield
        return
    sys.stdout.flush()
    out = os.dup(_STDOUT)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), _STDOUT)
        yield
    finally:
        os.dup2(out, _STDOUT)
        os.close(out)


def _matrix(pairs: Pairs, limits: Limits) -> tuple[Any, Floats]:
    """What the pairs take, sparse, and what there is: one row per shipment with several pairs, then the limits."""
    from scipy.sparse import coo_array, csc_array, vstack

    _, place, count = np.unique(pairs.row, return_inverse=True, return_counts=True)
    several = count > 1
    competing = np.flatnonzero(several[place])
    shared = int(several.sum())
    index = ((np.cumsum(several) - 1)[place][competing], competing)
    own = coo_array((np.ones(len(competing)), index), shape=(shared, len(pairs)))
    matrix = vstack([own, csc_array(limits.use[:, pairs.exam])], format="csc")
    return matrix, np.concatenate([np.ones(shared), limits.most])


def _scale(pairs: Pairs) -> float:
    """A unit of value in the program: a power of two, so that scaling loses nothing."""
    exponent = math.frexp(float(pairs.value.max()))[1]
    return math.ldexp(1.0, _LARGEST - max(exponent, _LEAST))
