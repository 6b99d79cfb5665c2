"""Allocation against brute force, against an integer program that knows of no shortcut, and by its properties."""

import os
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from riskscore import reference
from riskscore.config import Capacity, Exam
from riskscore.errors import RunError
from riskscore.selection import sifting
from riskscore.selection.allocation import Allocation, allocate
from riskscore.selection.programs import GAP, Limits, Pairs
from riskscore.selection.room import TOLERANCE, Room, counted

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


def brute_force(values, room):
    """Value of the best allocation without must-exams, by trying them all."""
    rows, kinds = values.shape
    worth = np.hstack([values, np.zeros((rows, 1))])
    best = 0.0
    for exam in product(range(-1, kinds), repeat=rows):
        if room.holds(counted(np.array(exam, dtype=int), kinds)):
            best = max(best, float(worth[np.arange(rows), exam].sum()))
    return best


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


@pytest.mark.parametrize("levels", [None, 200, 1])
def test_a_large_port_is_allocated_to_its_proved_optimum(levels):
    rng = np.random.default_rng(3)
    values = rng.beta(0.4, 8, (4_000, 1)) * rng.random((4_000, 4))
    if levels:
        values = np.ceil(values * levels) / levels
    found = given_exams(values, limited(400, (400, 120, 160, 60)), tickets=rng.permutation(4_000))
    assert found.gap == 0.0
    assert (found.exam >= 0).sum() == 400


def test_values_of_any_size_are_allocated_alike():
    values, room = random_instance(1)
    plain = given_exams(values, room).exam
    for factor in (2.0**-900, 2.0**-30, 2.0**40):
        assert (given_exams(values * factor, room).exam == plain).all()


def test_a_large_port_short_of_minutes_is_within_the_gap_without_branching():
    rng = np.random.default_rng(4)
    values = rng.beta(0.4, 8, (9_000, 1)) * rng.random((9_000, 4))
    room = limited(1_200, (1_200, 400, 480, 180), 31_777.7, (30.0, 20.0, 45.0, 120.0))
    found = given_exams(values, room)
    assert found.method == "rounded"
    assert 0 < found.gap <= GAP
    assert 31_000.0 < np.dot(counted(found.exam, 4), room.minutes_of) <= 31_777.7


@pytest.mark.parametrize("seed", range(3))
def test_a_large_port_solved_by_its_doubtful_rows_is_as_good_as_the_whole_program(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    values = rng.beta(0.4, 8, (9_000, 1)) * rng.random((9_000, 4)) * (rng.random((9_000, 4)) < 0.8)
    room, tickets = limited(1_200, (1_000, 300, 400, 150)), rng.permutation(9_000)
    sizes, whole = [], sifting.solved
    monkeypatch.setattr(sifting, "solved", lambda pairs, limits: sizes.append(len(pairs)) or whole(pairs, limits))
    sifted = given_exams(values, room, tickets=tickets)
    monkeypatch.setattr(sifting, "_SMALL", 10**9)
    direct = given_exams(values, room, tickets=tickets)
    assert sorted(sizes)[-2] < sizes[-1]
    assert (sifted.exam == direct.exam).all()
    assert (sifted.gap, sifted.value) == (0.0, direct.value)


@pytest.mark.parametrize("wrong", [0.0, 0.5, 0.9, 1.1, 3.0, 100.0])
@pytest.mark.parametrize("minutes", [None, 26_000.0])
def test_misleading_prices_cost_time_and_never_value(wrong, minutes, monkeypatch):
    rng = np.random.default_rng(5)
    values = rng.beta(0.4, 8, (6_000, 1)) * rng.random((6_000, 4))
    room = limited(900, (800, 300, 400, 150), minutes, (30.0, 20.0, 45.0, 120.0))
    direct_prices = []
    solved = sifting.solved
    with monkeypatch.context() as patch:
        patch.setattr(sifting, "_SMALL", 10**9)
        patch.setattr(sifting, "solved", lambda *of: direct_prices.append(solved(*of)) or direct_prices[-1])
        direct = given_exams(values, room)
    monkeypatch.setattr(sifting, "_guessed", lambda *_: direct_prices[0][1][::-1] * wrong)
    sifted = given_exams(values, room)
    assert sifted.value == pytest.approx(direct.value, rel=0 if minutes is None else GAP)
    assert sifted.bound == pytest.approx(direct.bound)
    assert sifted.gap <= (0.0 if minutes is None else GAP)


def short_of_minutes():
    """A port at which only the integer program comes within the gap."""
    values, room = random_instance(2, rows=40)
    return values, limited(room.slots, room.exams, 17.3 * room.slots, (30.0, 20.0, 45.0, 120.0))


@pytest.mark.parametrize("seed", range(25))
def test_what_branching_leaves_out_is_in_no_better_solution(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    values = rng.random((14, 3))
    room = limited(8, (8, 5, 3), 300.0, (25.0, 40.0, 90.0))
    row, exam = np.divmod(np.arange(42), 3)
    pairs, limits, best = Pairs(row, exam, values.ravel()), Limits.of(room), whole_program(values, room)
    found = sifting.relaxed(pairs, values, limits)
    # One shipment less than the rounded solution: there is something to gain, and not everything is in doubt.
    start = sifting.rounded(pairs, limits, found)
    known = float(np.sort(pairs.value[start])[1:].sum())
    lacking, whole = [], sifting.integral

    def integral(some, left, gap):
        chosen, bound = whole(some, left, gap)
        lacking.append(gap * some.value[chosen].sum())
        return chosen, bound

    monkeypatch.setattr(sifting, "integral", integral)
    taken, bound = sifting.branched(pairs, limits, found, known)
    assert bound >= best - CLOSE
    assert float(pairs.value[taken].sum()) >= best * (1 - GAP) - CLOSE
    assert lacking[0] <= GAP * best
    assert sifting.branched(pairs, limits, found, best - 1e-6)[1] >= best - CLOSE
    assert np.unique(row[taken]).size == taken.sum()
    assert np.unique(row[start]).size == start.sum()


def test_a_solution_that_breaks_a_limit_is_not_taken_from_the_solver(monkeypatch):
    values, room = short_of_minutes()
    assert given_exams(values, room).method == "milp"
    monkeypatch.setattr(sifting, "integral", lambda pairs, *_: (np.ones(len(pairs), dtype=bool), 1e9))
    found = given_exams(values, room)
    assert room.holds(counted(found.exam, 4))
    assert found.gap > GAP


def test_where_the_solver_finds_nothing_the_rounded_solution_stands(monkeypatch):
    values, room = short_of_minutes()
    monkeypatch.setattr(sifting, "integral", lambda *_: (None, np.inf))
    found = given_exams(values, room)
    assert room.holds(counted(found.exam, 4))
    assert found.bound >= whole_program(values, room) - CLOSE
    assert found.gap > GAP


def test_the_solver_leaves_nothing_in_the_output(monkeypatch, capfd):
    values, room = short_of_minutes()
    monkeypatch.setattr("scipy.optimize.milp", lambda *of, **options: os.write(1, b"stray") and milp(*of, **options))
    assert given_exams(values, room).method == "milp"
    os.write(1, b"ours\n")
    assert capfd.readouterr().out == "ours\n"


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


def test_the_bound_of_a_rounded_solution_counts_the_must_exams():
    rng = np.random.default_rng(6)
    values = rng.beta(0.4, 8, (4_000, 1)) * rng.random((4_000, 2))
    must = np.where(np.arange(4_000) < 300, 0, NOBODY)
    found = given_exams(values, limited(600, (600, 200), 25_001.5, (60.0, 20.0)), must)
    assert found.bound > found.value > values[:300, 0].sum()
    assert found.gap == pytest.approx((found.bound - found.value) / found.bound)


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


@pytest.mark.parametrize(
    "fields", [(-1, (1,), None, (HOUR,)), (1, (-1,), None, (HOUR,)), (1, (1,), -1.0, (HOUR,)), (1, (1,), None, (0.0,))]
)
def test_a_room_with_impossible_limits_is_refused(fields):
    with pytest.raises(RunError, match="at least 0 and durations above 0"):
        Room(*fields)


def test_a_room_needs_a_duration_for_every_limit():
    with pytest.raises(RunError, match="as many exam limits as durations"):
        Room(1, (1, 1), None, (HOUR,))


def test_a_port_s_own_entry_goes_before_that_of_all_ports():
    capacity = Capacity(exams={"*": {"nii": 2, "lab": 0}, "2704": {"nii": 9}}, minutes={"2704": 480.0})
    exams = {"nii": Exam(minutes=20.0)}
    own, other = (Room.of(capacity, exams, port, 5) for port in ("2704", "1001"))
    assert dict(zip(reference.exams(), own.exams, strict=True))["nii"] == 5
    assert dict(zip(reference.exams(), other.exams, strict=True)) == dict.fromkeys(reference.exams(), 5) | {
        "nii": 2,
        "lab": 0,
    }
    assert (own.minutes, other.minutes, own.minutes_of[:2]) == (480.0, None, (HOUR, 20.0))


def test_what_is_left_of_a_room():
    left = limited(5, (2, 3), 200.0, (60.0, 20.0)).less([1, 2])
    assert left == limited(2, (1, 1), 100.0, (60.0, 20.0))
