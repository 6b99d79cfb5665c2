"""Prevalence from a random design: unbiased over all samples of a small one, and what missing results may not do."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.models.prevalence import Exams, Population, assisted, prevalence

NAN = math.nan
TRUTH = np.array([1, 1, 0, 1, 0, 0, 0, 0])
"""A port of eight shipments: the first two are certain to be examined, two of the others are drawn."""
CHANCE = np.array([1, 1, *[2 / 6] * 6])
EIGHT = Population(certain=2, by_chance=6, predicted=2.0)


def exams(chance, found, scores=None, held_up=None):
    chance, found = np.array(chance, float), np.array(found, float)
    scores = np.full(len(found), NAN) if scores is None else np.array(scores, float)
    return Exams(chance, found, scores, np.ones(len(found)) if held_up is None else np.array(held_up, float))


def samples():
    """Every way to draw two of the six."""
    for pair in itertools.combinations(range(2, 8), 2):
        yield [0, 1, *pair]


@pytest.mark.parametrize("estimator", [prevalence, assisted])
def test_both_estimators_are_unbiased_over_every_sample(estimator):
    scores = np.array([0.9, 0.1, 0.3, 0.3, 0.2, 0.1, 0.05, 0.05])
    made = [estimator(exams(CHANCE[rows], TRUTH[rows], scores[rows]), EIGHT).value for rows in samples()]

    if estimator is prevalence:
        assert np.mean(made) == pytest.approx(TRUTH.mean())
    else:
        # No sample may say less than it found, which lifts a few of them.
        assert np.mean(made) == pytest.approx(TRUTH.mean(), abs=0.01)


def test_certain_exams_are_known_exactly():
    made = prevalence(exams([1, 1, 1, 1], [1, 0, 0, 1]), Population(certain=4, by_chance=0))

    assert (made.value, made.low, made.high) == (0.5, 0.5, 0.5)


def test_what_was_found_is_the_least_there_is():
    made = prevalence(exams([1, 1, 1, 0.5, 0.5], [1, 1, 1, 0, 0]), Population(certain=3, by_chance=4))

    assert made.low == pytest.approx(3 / 7)
    assert made.high > 3 / 7


def test_an_unrecorded_result_is_missing_and_never_clear():
    population = Population(certain=2, by_chance=40)
    half = prevalence(exams([1, 1, *[0.1] * 4], [1, NAN, 1, 0, NAN, NAN]), population)

    # One certain exam of two and two random ones of four tell: what told stands for all of its stratum.
    assert half.value == pytest.approx((2 + 20) / 42)
    assert (half.rows, half.positives) == (3, 2)


def test_results_that_are_rarely_known_yet_stand_for_those_still_to_come():
    population = Population(certain=0, by_chance=60)
    slow_finds = prevalence(exams([0.1] * 3, [1, 0, 0], held_up=[2, 1, 1]), population)

    assert slow_finds.value == pytest.approx(2 / 4)


@pytest.mark.parametrize(
    ("found", "population"),
    [([1, NAN], Population(1, 10)), ([NAN, 0], Population(1, 10)), ([NAN, NAN], Population(1, 10))],
)
def test_a_stratum_nobody_speaks_for_makes_it_unmeasurable_but_not_empty(found, population):
    made = prevalence(exams([1, 0.1], found), population)

    assert not made.defined
    assert math.isnan(made.high)
    assert made.low == pytest.approx(np.nansum(found) / 11)


def test_no_shipment_reached_is_no_figure():
    assert not prevalence(exams([], []), Population(0, 0)).defined


def test_no_find_has_an_upper_bound_like_the_rule_of_three():
    made = prevalence(exams([0.01] * 100, [0] * 100), Population(certain=0, by_chance=10_000))

    assert (made.value, made.low) == (0.0, 0.0)
    assert made.high == pytest.approx(0.03, rel=0.05)


def test_true_scores_leave_no_error_to_correct():
    truth = np.array([1.0, 0, 0, 1, 0, 0, 0, 0])
    rows = [0, 1, 2, 4]
    made = assisted(exams(CHANCE[rows], truth[rows], truth[rows]), Population(2, 6, predicted=2.0))

    # The only drawn clears tell nothing of the find outside: the scores do.
    assert made.value == pytest.approx(2 / 8)


def test_scores_that_promise_too_much_do_not_carry_the_estimate_away():
    chance, found = [0.1] * 50, [1] + [0] * 49
    plain = prevalence(exams(chance, found), Population(0, 500))
    boasting = assisted(exams(chance, found, [0.4] * 50), Population(0, 500, predicted=200.0))

    assert boasting.value == pytest.approx(plain.value)
    assert boasting.low <= plain.low
    assert boasting.high >= plain.high


def test_without_a_score_for_everybody_there_is_no_assistance():
    assert not assisted(exams([0.5, 0.5], [1, 0], [0.1, NAN]), Population(0, 4, predicted=1.0)).defined
    assert not assisted(exams([0.5, 0.5], [1, 0], [0.1, 0.1]), Population(0, 4)).defined


@given(
    rows=st.lists(st.tuples(st.floats(0.005, 1.0), st.sampled_from([0.0, 1.0, NAN]), st.floats(0, 1)), max_size=25),
    certain=st.integers(0, 40),
    by_chance=st.integers(0, 4000),
)
def test_shares_stay_in_order_and_row_order_does_not_matter(rows, certain, by_chance):
    columns = [np.array(column, float) for column in zip(*rows, strict=True)] or [np.zeros(0)] * 3
    population = Population(certain + int((columns[0] >= 1).sum()), by_chance + len(rows), predicted=1.0)
    for estimator in (prevalence, assisted):
        made = estimator(exams(*columns), population)
        back = estimator(exams(*(column[::-1] for column in columns)), population)
        if made.defined:
            assert 0 <= made.low <= made.value <= made.high <= 1
            assert (back.value, back.low, back.high) == pytest.approx((made.value, made.low, made.high))
