"""Ports to allocate exams at: drawn, random or made by hand; and the whole integer program as oracle."""

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from riskscore.selection.allocation import Allocation, allocate
from riskscore.selection.room import Room

CLOSE = 1e-9
NOBODY = -1
HOUR = 60.0


def given_exams(values, room, must=None, order=None, tickets=None) -> Allocation:
    rows = len(values)
    must = np.full(rows, NOBODY) if must is None else np.asarray(must)
    order = np.arange(1, rows + 1) if order is None else np.asarray(order)
    tickets = np.arange(rows) if tickets is None else np.asarray(tickets)
    return allocate(values, must, order, room, tickets.astype(np.uint64))


def slots_only(slots, kinds=3):
    return Room(slots, (slots,) * kinds, None, (HOUR,) * kinds)


def limited(slots, exams, minutes=None, minutes_of=None):
    return Room(slots, tuple(exams), minutes, tuple(minutes_of or (HOUR,) * len(exams)))


def whole_program(values, room, gap=0.0):
    """Value of the best allocation without must-exams: one binary per pair, no row or pair left out."""
    rows, kinds = values.shape
    one = np.kron(np.eye(rows), np.ones(kinds))
    each = np.kron(np.ones(rows), np.eye(kinds))
    limits = np.vstack([one, each, np.ones(rows * kinds), np.tile(room.minutes_of, rows)])
    upper = [*np.ones(rows), *room.exams, room.slots, np.inf if room.minutes is None else room.minutes]
    found = milp(
        -values.ravel(),
        integrality=np.ones(rows * kinds),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(limits, -np.inf, upper),
        options={"mip_rel_gap": gap},
    )
    assert found.status == 0
    return -found.fun


def random_instance(seed, rows=60, kinds=4):
    rng = np.random.default_rng(seed)
    values = rng.beta(0.4, 4, (rows, 1)) * rng.random((rows, kinds)) * (rng.random((rows, kinds)) < 0.7)
    slots = int(rng.integers(1, rows // 2))
    return values, limited(slots, rng.integers(0, slots // 2 + 2, kinds))


@st.composite
def instances(draw, most_rows=9, least=-2, minutes=True, kinds=3):
    """Few levels of value, so that ties abound."""
    rows = draw(st.integers(0, most_rows))
    level = st.integers(least, 4).map(lambda number: number / 4)
    values = np.array(draw(st.lists(st.lists(level, min_size=kinds, max_size=kinds), min_size=rows, max_size=rows)))
    exams = draw(st.lists(st.integers(0, 4), min_size=kinds, max_size=kinds))
    duration = st.sampled_from([20.0, 33.4, 60.0])
    minutes_of = draw(st.lists(duration, min_size=kinds, max_size=kinds))
    most = draw(st.none() | st.floats(0, 300)) if minutes else None
    return values.reshape(rows, kinds), limited(draw(st.integers(0, 6)), exams, most, minutes_of)


@st.composite
def with_must(draw):
    values, room = draw(instances())
    rows, kinds = values.shape
    must = draw(st.lists(st.integers(-1, kinds - 1), min_size=rows, max_size=rows))
    order = draw(st.lists(st.integers(1, 3), min_size=rows, max_size=rows))
    tickets = draw(st.lists(st.integers(0, 2**64 - 1), min_size=rows, max_size=rows, unique=True))
    return (
        values,
        room,
        np.array(must, dtype="int64"),
        np.array(order, dtype="int64"),
        np.array(tickets, dtype="uint64"),
    )
