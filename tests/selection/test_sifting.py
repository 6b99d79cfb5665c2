"""Large ports and short minutes: the solver's shortcuts cost time at most, never value."""

import os

import numpy as np
import pytest
from scipy.optimize import milp

from riskscore.selection import sifting
from riskscore.selection.programs import GAP, Limits, Pairs
from riskscore.selection.room import counted
from tests.selection.instances import (
    CLOSE,
    NOBODY,
    given_exams,
    limited,
    random_instance,
    whole_program,
)


@pytest.mark.parametrize("levels", [None, 200, 1])
def test_a_large_port_is_allocated_to_its_proved_optimum(levels):
    rng = np.random.default_rng(3)
    values = rng.beta(0.4, 8, (4_000, 1)) * rng.random((4_000, 4))
    if levels:
        values = np.ceil(values * levels) / levels
    found = given_exams(values, limited(400, (400, 120, 160, 60)), tickets=rng.permutation(4_000))
    assert found.gap == 0.0
    assert (found.exam >= 0).sum() == 400


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


def test_the_bound_of_a_rounded_solution_counts_the_must_exams():
    rng = np.random.default_rng(6)
    values = rng.beta(0.4, 8, (4_000, 1)) * rng.random((4_000, 2))
    must = np.where(np.arange(4_000) < 300, 0, NOBODY)
    found = given_exams(values, limited(600, (600, 200), 25_001.5, (60.0, 20.0)), must)
    assert found.bound > found.value > values[:300, 0].sum()
    assert found.gap == pytest.approx((found.bound - found.value) / found.bound)
