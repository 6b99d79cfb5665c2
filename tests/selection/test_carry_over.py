"""Must-exams of earlier days come first, oldest first, within the room, and leave today its chance."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore import reference
from riskscore.config import Capacity, Config
from riskscore.selection import match, select
from riskscore.selection.carry_over import Carried, hold
from riskscore.selection.room import Room

DAY = date(2026, 3, 2)
KINDS = len(reference.exams())


def waiting(count, exam="nii", port="A"):
    return [Carried(DAY - timedelta(days=1 + at % 2), f"OLD{at}", port, "watch", exam) for at in range(count)]


rooms = st.integers(0, 9).flatmap(
    lambda slots: st.builds(
        Room,
        slots=st.just(slots),
        exams=st.tuples(*[st.integers(0, slots)] * KINDS),
        minutes=st.none() | st.floats(0, 600),
        minutes_of=st.just((60.0, 20.0, 30.0, 90.0, 60.0, 60.0, 60.0)),
    )
)


@given(rooms, st.lists(st.sampled_from(reference.exams()), max_size=9), st.randoms())
def test_the_room_is_kept_and_a_slot_is_left(room, exams, random):
    old = [Carried(DAY - timedelta(days=1), f"S{at}", "A", "watch", exam) for at, exam in enumerate(exams)]
    left, held = hold(room, random.sample(old, len(old)))
    counts = [sum(each.exam == exam for each in held) for exam in reference.exams()]
    assert room.holds(counts)
    assert (left.slots, left.exams) == (room.slots - len(held), room.less(counts).exams)
    assert left.open().any() or not held
    assert held == hold(room, old)[1]
    # Nobody waits who would have fitted.
    for each in set(old) - set(held):
        kind = reference.exams().index(each.exam)
        more = [count + (at == kind) for at, count in enumerate(counts)]
        assert room.refusal(counts, kind) or not room.less(more).open().any()
    alone = hold(room, old, spare=False)[1]
    counts = [sum(each.exam == exam for each in alone) for exam in reference.exams()]
    assert all(room.refusal(counts, reference.exams().index(each.exam)) for each in set(old) - set(alone))


def test_one_long_exam_of_yesterday_does_not_take_all_of_today():
    room = Room(10, (10,) * KINDS, 240.0, (60.0, 20.0, 30.0, 240.0, 60.0, 60.0, 60.0))
    assert hold(room, waiting(1, exam="intensive"))[1] == ()
    assert len(hold(room, waiting(1, exam="intensive"), spare=False)[1]) == 1


def test_what_waits_at_a_port_without_arrivals_is_held_there():
    day = pd.DataFrame({"port": "A", "any": [0.2, 0.1]}, index=["S1", "S2"])
    config = Config(capacity=Capacity(ports={"A": 1, "B": 2}))
    result = select(
        day, day[["any"]].rename(columns={"any": "ipr"}), match((), day, DAY), config, DAY,
        waiting=[*waiting(3, port="B"), *waiting(1, port="C")],
    )  # fmt: skip
    assert [each.port for each in result.carried] == ["B", "B"]


def test_the_oldest_come_first():
    _, held = hold(Room(3, (3,) * KINDS, None, (60.0,) * KINDS), waiting(6))
    assert [each.shipment_id for each in held] == ["OLD1", "OLD3"]  # two days ago, the others one


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_what_waits_takes_slots_from_today_and_never_all(slots):
    day = pd.DataFrame({"port": "A", "any": np.linspace(0.4, 0.1, 20)}, index=[f"S{at:02d}" for at in range(20)])
    hazards, config = day[["any"]].rename(columns={"any": "ipr"}), Config(capacity=Capacity(ports={"A": slots}))
    result = select(day, hazards, match((), day, DAY), config, DAY, waiting=[*waiting(3), *waiting(2, port="B")])
    assert len(result.carried) == min(3, slots - 1)
    assert {each.port for each in result.carried} <= {"A"}
    assert result.slots["used"].sum() + len(result.carried) == slots
    assert (result.frame["inclusion_probability"] > 0).all()
