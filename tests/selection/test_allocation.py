"""Allocation against brute force, against an integer program that knows of no shortcut, and by its properties."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from riskscore.errors import RunError
from riskscore.selection.allocation import allocate
from riskscore.selection.programs import GAP
from riskscore.selection.room import TOLERANCE, Room, counted
from tests.selection.instances import (
    CLOSE,
    NOBODY,
    given_exams,
    instances,
    limited,
    random_instance,
    slots_only,
    whole_program,
    with_must,
)


def brute_force(values, room):
    """Value of the best allocation without must-exams, by trying them all."""
    rows, kinds = values.shape
    worth = np.hstack([values, np.zeros((rows, 1))])
    best = 0.0
    for exam in product(range(-1, kinds), repeat=rows):
        if room.holds(counted(np.array(exam, dtype=int), kinds)):
            best = max(best, float(worth[np.arange(rows), exam].sum()))
    return best


@pytest.mark.parametrize("seed", range(20))
def test_one_slot_exams_are_as_good_as_the_integer_program(seed):
    values, room = random_instance(seed)
    found = given_exams(values, room)
    assert found.value == pytest.approx(whole_program(values, room), rel=CLOSE)
    assert (found.method in ("lp", "ranking"), found.gap) == (True, 0.0)


@pytest.mark.parametrize("seed", range(20))
def test_where_slots_alone_bind_no_solver_is_needed(seed):
    values, room = random_instance(seed)
    room = slots_only(room.slots, 4)
    found = given_exams(values, room)
    assert (found.method, found.gap) == ("ranking", 0.0)
    assert found.value == pytest.approx(whole_program(values, room), rel=CLOSE)


@pytest.mark.parametrize("seed", range(8))
def test_minutes_are_within_the_stated_gap_of_the_integer_program(seed):
    values, room = random_instance(seed, rows=40)
    room = limited(room.slots, room.exams, 17.3 * room.slots, (30.0, 20.0, 45.0, 120.0))
    found, best = given_exams(values, room), whole_program(values, room)
    assert found.value >= best * (1 - found.gap) - CLOSE
    assert found.bound >= best - CLOSE
    assert found.gap <= GAP


# Two alike, of which one is pruned: the bound must hold for it too, and be tight.
@example((np.array([[0.25, -0.25], [0.25, -0.25], [0.5, 0.5]]), limited(2, (1, 1))))
@given(instances(most_rows=5))
def test_tiny_ports_against_all_that_could_be_done(instance):
    values, room = instance
    found, best = given_exams(values, room), brute_force(values, room)
    assert best * (1 - GAP) - CLOSE <= found.value <= best + CLOSE
    assert found.bound >= best - CLOSE
    assert found.gap <= GAP
    assert room.minutes is not None or found.value == pytest.approx(best, abs=CLOSE)


@given(with_must())
def test_no_limit_is_ever_exceeded_and_the_figures_are_its_own(instance):
    values, room, must, order, tickets = instance
    found = given_exams(values, room, must, order, tickets)
    taken = counted(found.exam, len(room.exams))
    assert sum(taken) <= room.slots
    assert all(count <= limit for count, limit in zip(taken, room.exams, strict=True))
    assert room.minutes is None or np.dot(taken, room.minutes_of) <= room.minutes + TOLERANCE
    given_to = np.flatnonzero(found.exam >= 0)
    assert found.value == pytest.approx(values[given_to, found.exam[given_to]].sum(), abs=CLOSE)
    assert found.bound >= found.value
    assert (values[given_to, found.exam[given_to]] >= 0)[must[given_to] == NOBODY].all()


@given(with_must())
def test_must_exams_come_first_the_most_urgent_before_the_others(instance):
    values, room, must, order, tickets = instance
    found = given_exams(values, room, must, order, tickets)
    taken, unmet = [0] * len(room.exams), []
    for row in sorted(np.flatnonzero(must >= 0), key=lambda row: (order[row], tickets[row])):
        more = [count + (kind == must[row]) for kind, count in enumerate(taken)]
        if room.holds(more):
            taken = more
            assert found.exam[row] == must[row]
        else:
            unmet.append(row)
    assert [row for row, _ in found.unmet] == unmet
    assert all(why for _, why in found.unmet)


@given(with_must(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(instance, random):
    values, room, must, order, tickets = instance
    straight = given_exams(values, room, must, order, tickets)
    mixed = np.array(random.sample(range(len(values)), len(values)), dtype=int)
    other = given_exams(values[mixed], room, must[mixed], order[mixed], tickets[mixed])
    assert (straight.exam[mixed] == other.exam).all()
    assert (straight.value, straight.bound, straight.gap, straight.method) == (
        other.value,
        other.bound,
        other.gap,
        other.method,
    )
    assert straight.unmet == tuple((int(mixed[row]), why) for row, why in other.unmet)


@given(instances(), st.integers(0, 3), st.integers(0, 3), st.floats(0, 200))
def test_more_room_never_lowers_the_value(instance, slots, exam, minutes):
    values, room = instance
    exams = [limit + (kind == exam) for kind, limit in enumerate(room.exams)]
    more = None if room.minutes is None else room.minutes + minutes
    wider = Room(room.slots + slots, tuple(exams), more, room.minutes_of)
    before, after = given_exams(values, room), given_exams(values, wider)
    assert after.value >= before.value * (1 - after.gap) - CLOSE


@given(instances(least=0, minutes=False))
def test_exams_worth_nothing_fill_slots(instance):
    values, room = instance
    found = given_exams(values, room)
    assert (found.exam >= 0).sum() == min(len(values), room.slots, sum(room.exams))


@given(instances(most_rows=12))
def test_of_equal_shipments_the_lower_ticket_is_examined(instance):
    values, room = instance
    assume(len(values))
    values = values[np.arange(12) % len(values)]
    found = given_exams(values, room)
    for row in np.unique(values, axis=0):
        examined = found.exam[(values == row).all(axis=1)] >= 0
        assert (np.diff(examined.astype(int)) <= 0).all()


def test_exams_worth_nothing_go_by_ticket_where_another_exam_is_full():
    values = np.array([[0.0, 0.9], [0.0, 0.8], [0.0, 0.1], [0.0, 0.0], [0.0, 0.2], [0.0, 0.3]])
    found = given_exams(values, limited(4, (4, 2)), tickets=[6, 5, 1, 2, 4, 3])
    assert found.exam.tolist() == [1, 1, 0, 0, NOBODY, NOBODY]


def test_equal_tickets_do_not_let_the_order_of_rows_decide():
    values, must = np.array([[0.5, 0.0], [0.0, 0.5], [0.25, 0.25]]), np.array([NOBODY, NOBODY, 1])
    room = limited(2, (1, 1))
    straight = given_exams(values, room, must, [1, 1, 1], [7, 7, 7])
    turned = given_exams(values[::-1], room, must[::-1], [1, 1, 1], [7, 7, 7])
    assert straight.exam.tolist() == turned.exam[::-1].tolist()


@pytest.mark.parametrize("rows", [[[0.5, 0.0], [0.0, 0.5]], [[0.5, 0.25], [0.5, 0.0]]])
def test_neither_do_they_between_equal_values(rows):
    straight = given_exams(np.array(rows), slots_only(1, 2), tickets=[7, 7])
    turned = given_exams(np.array(rows[::-1]), slots_only(1, 2), tickets=[7, 7])
    assert straight.exam.tolist() == turned.exam[::-1].tolist()


@pytest.mark.parametrize(
    ("room", "must", "expected"),
    [
        (slots_only(0), [1, NOBODY], "no exam slots at this port"),
        (limited(5, (5, 0, 5)), [1, NOBODY], "nii: no slots at this port"),
        (limited(5, (5, 1, 5)), [1, 1], "nii: 1 of 1 slots taken at this port by more urgent must-exams"),
        (slots_only(1), [0, 1], "nii: 1 of 1 slots of all exams taken at this port by more urgent must-exams"),
        (
            limited(5, (5, 5, 5), 100.0, (80.0, 20.5, 1.0)),
            [0, 1],
            "nii: takes 20.5 minutes, 20 of 100 left at this port by more urgent must-exams",
        ),
    ],
)
def test_a_must_exam_without_room_is_named_with_the_limit_that_binds(room, must, expected):
    row = max(np.flatnonzero(np.array(must) >= 0))
    found = given_exams(np.zeros((2, 3)), room, must)
    assert found.unmet == ((row, expected),)


def test_a_must_exam_that_cannot_be_held_does_not_stop_a_shorter_one():
    room = limited(3, (3, 3), 50.0, (60.0, 20.0))
    found = given_exams(np.zeros((3, 2)), room, must=[0, 1, 1])
    assert found.exam.tolist() == [1, 1, NOBODY] or found.exam.tolist() == [NOBODY, 1, 1]
    assert [row for row, _ in found.unmet] == [0]


def test_a_must_exam_without_room_may_still_get_another_exam_by_its_value():
    found = given_exams(np.array([[0.9, 0.5], [0.1, 0.1]]), limited(1, (0, 1)), must=[0, NOBODY])
    assert (found.exam.tolist(), found.unmet) == ([1, NOBODY], ((0, "document: no slots at this port"),))


def test_a_must_exam_is_given_whatever_it_is_worth():
    found = given_exams(np.array([[-5.0, 9.0], [1.0, 1.0]]), slots_only(1, 2), must=[0, NOBODY])
    assert (found.exam.tolist(), found.value, found.bound) == ([0, NOBODY], -5.0, -5.0)


def test_values_of_any_size_are_allocated_alike():
    values, room = random_instance(1)
    plain = given_exams(values, room).exam
    for factor in (2.0**-900, 2.0**-30, 2.0**40):
        assert (given_exams(values * factor, room).exam == plain).all()


def test_an_exam_that_takes_longer_does_not_rule_out_a_shorter_one():
    # Document is not limited, as good as nii, and longer; only with nii is there time for tailgate.
    values = np.array([[0.0, 0.0, 0.5], [0.3, 0.3, 0.0], [0.3, 0.3, 0.0], [0.3, 0.3, 0.0]])
    found = given_exams(values, limited(3, (3, 3, 1), 200.0, (60.0, 20.0, 150.0)))
    assert (found.exam.tolist(), found.value, found.gap) == ([2, 1, 1, NOBODY], pytest.approx(1.1), 0.0)


def test_equal_exams_do_not_rule_out_each_other():
    values = np.array([[0.9, 0.9, 1.0], [0.1, 0.1, 0.9]])
    found = given_exams(values, limited(2, (2, 2, 1)))
    assert (found.exam.tolist(), found.gap) == ([0, 2], 0.0)


@given(with_must())
def test_value_and_bound_are_those_of_the_must_exams_and_of_the_best_of_the_rest(instance):
    values, room, must, order, tickets = instance
    found = given_exams(values, room, must, order, tickets)
    unmet = [row for row, _ in found.unmet]
    met = np.setdiff1d(np.flatnonzero(must >= 0), unmet)
    rest = np.setdiff1d(np.arange(len(values)), met)
    other = given_exams(values[rest], room.less(counted(must[met], len(room.exams))), tickets=tickets[rest])
    ordered = values[met, must[met]].sum()
    assert found.value == pytest.approx(ordered + other.value, abs=CLOSE)
    assert found.bound == pytest.approx(ordered + other.bound, abs=CLOSE)


def test_values_next_to_nothing_break_no_limit():
    values, room = random_instance(1)
    found = given_exams(np.ceil(values * 4) * 2.0**-1060, room)
    assert room.holds(counted(found.exam, 4))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"values": np.full((2, 3), np.nan)}, "a value is null or infinite"),
        ({"values": np.full((2, 3), np.inf)}, "a value is null or infinite"),
        ({"values": np.zeros((2, 2))}, r"expected \(2, 3\) values"),
        ({"must": np.array([0])}, r"got \(2, 3\), 1 and 2"),
        ({"must": np.array([0, 3])}, "expected -1 to 2"),
        ({"must": np.array([0, -2])}, "expected -1 to 2"),
    ],
)
def test_what_would_allocate_wrongly_is_refused(changed, message):
    must, tickets = np.full(2, NOBODY), np.arange(2, dtype="uint64")
    arguments = {"values": np.zeros((2, 3)), "must": must, "must_order": must, "room": slots_only(1)}
    with pytest.raises(RunError, match=message):
        allocate(**arguments | changed, tickets=tickets)
