"""From scores to exams: value and CPU-seconds of the allocation, against an integer program and two greedy rules.

    python benches/allocation.py --rows 100000,1000000 --milp-ports 3
    python benches/allocation.py --rows 100000 --ports 1

A synthetic day: shipments spread over ports by chance, risk of any hazard Beta(0.4, 8), a mix of hazards of their own
(Dirichlet), worth by expected finds. Each port has slots for a share of its arrivals and holds the exams document, nii,
tailgate and intensive, three of them fewer times than it has slots. Methods, each on the same worths:

- allocate: ours, timed from the scores on; all ports;
- allocate, minutes: the same with inspector minutes for two thirds of what it then uses: fractional, gap reported;
- rank then fill: by risk, each shipment the best exam that is not full;
- value greedy: pairs of shipment and exam by worth, each taken while shipment and exam are free;
- integer program: HiGHS on every pair of the first ports, gap 0, nothing left out; value and time against ours there.

Seconds are CPU-seconds of the whole process, so that other programs on the machine do not count; the solver is loaded
beforehand; what that takes is printed first.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from harness import counts, head, parser, save, show

from riskscore import reference
from riskscore.config import Selection
from riskscore.selection.allocation import Room, allocate
from riskscore.selection.assignment import worth
from riskscore.selection.room import counted
from riskscore.selection.values import exam_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

HELD = {"document": 1.0, "nii": 0.3, "tailgate": 0.4, "intensive": 0.15}
"""Exams of each kind that a port can hold, as a share of its slots; no other exam is held."""

MINUTES = {"document": 30.0, "nii": 20.0, "tailgate": 45.0, "intensive": 120.0}
OTHER_MINUTES = 60.0
KINDS = len(reference.exams())


@dataclass(frozen=True)
class Day:
    """A day's scores, the rows of each port, and their tickets."""

    scores: pd.DataFrame
    ports: list[Ints]
    tickets: NDArray[np.uint64]
    rooms: list[Room]

    @classmethod
    def of(cls, rows: int, ports: int, slots_share: float, seed: int) -> Day:
        """Draw one."""
        rng = np.random.default_rng(seed)
        risk, hazards = rng.beta(0.4, 8, rows), list(reference.learned_hazards())
        mix = rng.dirichlet(np.full(len(hazards), 0.3), rows) * risk[:, None]
        port = rng.integers(0, ports, rows)
        order = np.argsort(port, kind="stable")
        each = np.split(order, np.searchsorted(port[order], np.arange(1, ports)))
        rooms = [_room(int(np.ceil(slots_share * len(own)))) for own in each]
        scores = pd.DataFrame(mix, columns=hazards).assign(any=risk)
        return cls(scores, each, rng.integers(0, 2**64, rows, dtype=np.uint64), rooms)


def _room(slots: int) -> Room:
    exams = tuple(int(HELD.get(exam, 0.0) * slots) for exam in reference.exams())
    return Room(slots, exams, None, tuple(MINUTES.get(exam, OTHER_MINUTES) for exam in reference.exams()))


def ours(values: Floats, room: Room, tickets: NDArray[np.uint64]) -> tuple[Ints, float, str]:
    """Exams, gap and method of `allocate`."""
    nobody = np.full(len(values), -1)
    found = allocate(values, nobody, nobody, room, tickets)
    return found.exam, found.gap, found.method


def rank_then_fill(values: Floats, room: Room, risk: Floats) -> Ints:
    """By risk, the best exam that is not full."""
    exam, left = np.full(len(values), -1), list(room.exams)
    for row in np.argsort(-risk, kind="stable")[: room.slots]:
        open_exams = [kind for kind in range(KINDS) if left[kind]]
        exam[row] = max(open_exams, key=values[row].__getitem__)
        left[exam[row]] -= 1
    return exam


def value_greedy(values: Floats, room: Room) -> Ints:
    """Pairs by worth, each taken while shipment and exam are free."""
    exam, left, slots = np.full(len(values), -1), list(room.exams), room.slots
    for pair in np.argsort(-values, axis=None, kind="stable"):
        row, kind = divmod(int(pair), KINDS)
        if exam[row] < 0 and left[kind]:
            exam[row] = kind
            left[kind] -= 1
            slots -= 1
        if not slots:
            break
    return exam


def integer_program(values: Floats, room: Room) -> float:
    """Value of the optimum, with one binary for each shipment and possible exam."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import eye_array, kron, vstack

    possible = np.flatnonzero(room.exams)
    rows, kinds = len(values), len(possible)
    one = kron(eye_array(rows), np.ones((1, kinds)))
    limits = vstack([one, kron(np.ones((1, rows)), eye_array(kinds)), np.ones((1, rows * kinds))], format="csc")
    upper = np.concatenate([np.ones(rows), np.array(room.exams)[possible], [room.slots]])
    found = milp(
        -values[:, possible].ravel(),
        integrality=np.ones(rows * kinds, dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(limits, -np.inf, upper),
        options={"mip_rel_gap": 0.0},
    )
    assert found.status == 0, found.message
    return -float(found.fun)


def loading() -> float:
    """CPU-seconds that a fresh interpreter takes to import the solver, beyond NumPy."""
    taken = []
    for names in ("numpy", "numpy, scipy.optimize, scipy.sparse"):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", f"import {names}"], check=True)  # noqa: S603 - the names stand above
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return taken[1] - taken[0]


def measured(rows: int, ports: int, slots_share: float, milp_ports: int, seed: int) -> dict[str, Any]:
    """Value and CPU-seconds of each method on one day."""
    day = Day.of(rows, ports, slots_share, seed)
    begin = time.process_time()
    values = exam_values(day.scores, None, Selection(), {}).to_numpy()
    scoring = time.process_time() - begin
    risk = day.scores["any"].to_numpy()
    allocated = _over_ports(day, values, lambda own, room: ours(values[own], room, day.tickets[own]))
    short = replace(day, rooms=_short_of_minutes(day, [exam for exam, _, _ in allocated["found"]]))
    figures = {
        "allocate": allocated,
        "allocate, minutes": _over_ports(short, values, lambda own, room: ours(values[own], room, day.tickets[own])),
        "rank then fill": _over_ports(
            day, values, lambda own, room: (rank_then_fill(values[own], room, risk[own]), 0.0, "")
        ),
        "value greedy": _over_ports(day, values, lambda own, room: (value_greedy(values[own], room), 0.0, "")),
    }
    for name in ("allocate", "allocate, minutes"):
        figures[name]["cpu"] += scoring
    compared = _against_integer_program(day, values, allocated["found"], milp_ports)
    for made in figures.values():
        del made["found"]
    return {"rows": rows, "ports": ports, "worths_cpu": scoring, "methods": figures, "integer": compared}


def _over_ports(day: Day, values: Floats, method: Callable[[Ints, Room], tuple[Ints, float, str]]) -> dict[str, Any]:
    begin = time.process_time()
    found = [method(own, room) for own, room in zip(day.ports, day.rooms, strict=True)]
    cpu = time.process_time() - begin
    each = list(zip(day.ports, day.rooms, found, strict=True))
    assert all(room.holds(counted(exam, KINDS)) for _, room, (exam, _, _) in each)
    return {
        "cpu": cpu,
        "value": sum(worth(values[own], exam) for own, _, (exam, _, _) in each),
        "gap": max(gap for _, gap, _ in found),
        "ways": pd.Series([way for *_, way in found]).value_counts().to_dict(),
        "found": found,
    }


def _short_of_minutes(day: Day, exams: list[Ints]) -> list[Room]:
    return [
        replace(room, minutes=2 / 3 * room.minutes_taken(counted(exam, KINDS)))
        for room, exam in zip(day.rooms, exams, strict=True)
    ]


def _against_integer_program(
    day: Day, values: Floats, found: list[tuple[Ints, float, str]], ports: int
) -> dict[str, float]:
    totals = {"ports": 0, "cpu": 0.0, "own_cpu": 0.0, "largest_difference": 0.0}
    for own, room, (exam, _, _) in list(zip(day.ports, day.rooms, found, strict=True))[:ports]:
        begin = time.process_time()
        best = integer_program(values[own], room)
        between = time.process_time()
        ours(values[own], room, day.tickets[own])
        totals["own_cpu"] += time.process_time() - between
        totals["cpu"] += between - begin
        difference = abs(best - worth(values[own], exam)) / best
        totals["largest_difference"] = max(totals["largest_difference"], difference)
        totals["ports"] += 1
    return totals


def _print(found: list[dict[str, Any]]) -> None:
    columns = ["rows", "ports", "method", "expected finds", "of ours", "CPU s", "largest gap", "ways"]
    body = []
    for size in found:
        best = size["methods"]["allocate"]["value"]
        for name, made in size["methods"].items():
            ways = ", ".join(f"{way} {number}" for way, number in made["ways"].items() if way)
            share = "" if "minutes" in name else f"{made['value'] / best:.4f}"
            gap = f"{made['gap']:.1e}" if ways else ""
            body.append(
                [size["rows"], size["ports"], name, f"{made['value']:.2f}", share, f"{made['cpu']:.2f}", gap, ways]
            )
    show("Value and CPU-seconds, all ports", columns, body)
    columns = ["rows", "ports compared", "largest relative difference", "CPU s a port", "ours", "ratio"]
    body = []
    for made in (size["integer"] | {"rows": size["rows"]} for size in found if size["integer"]["ports"]):
        theirs, own = (made[name] / made["ports"] for name in ("cpu", "own_cpu"))
        difference = f"{made['largest_difference']:.1e}"
        body.append([made["rows"], made["ports"], difference, f"{theirs:.2f}", f"{own:.4f}", f"{theirs / own:.0f}"])
    if body:
        show("Against the integer program of every pair, gap 0", columns, body)


def main() -> int:
    """Run with the sizes named on the command line."""
    options = parser(__doc__)
    options.add_argument("--rows", type=counts, default="100000,1000000", help="shipments of the day")
    options.add_argument("--ports", type=int, default=50)
    options.add_argument("--slots-share", type=float, default=0.05, help="slots as a share of a port's arrivals")
    options.add_argument("--milp-ports", type=int, default=2, help="ports solved by the integer program as well")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    head("allocation: from scores to exams")
    print(f"loading the solver, once per process and not counted below: {loading():.2f} CPU-seconds")
    found = [measured(rows, given.ports, given.slots_share, given.milp_ports, given.seed) for rows in given.rows]
    _print(found)
    save("allocation", found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
