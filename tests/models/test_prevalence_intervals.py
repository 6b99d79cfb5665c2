"""Intervals of rare weighted counts: against exact mid-P bounds by summation, and what holds whatever the weights."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from riskscore.models.estimates import Estimate
from riskscore.models.prevalence_intervals import difference, missed, next_weight, share

WEIGHTS = st.lists(st.floats(1.0, 400.0), max_size=12).map(np.array)


def mid_p(found, trials, chance):
    """P(fewer finds) + half P(as many), by summation: what the mid-P bounds make 2.5 % and 97.5 %."""
    return stats.binom.cdf(found, trials, chance) - stats.binom.pmf(found, trials, chance) / 2


@pytest.mark.parametrize(("found", "trials"), [(1, 40), (3, 40), (17, 200), (39, 40)])
def test_a_plain_share_has_the_exact_mid_p_bounds(found, trials):
    made = share(found, trials)

    assert mid_p(found, trials, made.low) == pytest.approx(0.975, abs=1e-6)
    assert mid_p(found, trials, made.high) == pytest.approx(0.025, abs=1e-6)


def test_no_find_and_nothing_but_finds_are_bounded_on_one_side():
    none, every = share(0, 50), share(50, 50)

    assert none.low == 0.0
    assert mid_p(0, 50, none.high) == pytest.approx(0.025, abs=1e-6)
    assert every.high == 1.0
    assert mid_p(50, 50, every.low) == pytest.approx(0.975, abs=1e-6)


def test_no_trial_tells_nothing():
    made = share(0, 0)

    assert not made.defined
    assert math.isnan(made.high)


@pytest.mark.parametrize("found", [0, 1, 4, 25])
def test_equal_small_chances_give_the_exact_interval_of_the_sample(found):
    # 400 exams of 400,000 shipments: one in a thousand, so that what was seen hardly counts.
    low, high = missed(np.full(found, 1000.0), 1000.0, 400_000.0 - 400)
    exact = share(found, 400)

    # What was seen itself is a thousandth of it all.
    assert low == pytest.approx(400_000 * exact.low, rel=0.01, abs=1)
    assert high == pytest.approx(400_000 * exact.high, rel=0.01)


def test_finds_that_were_certain_leave_nothing_to_be_missed_of_their_own():
    assert missed(np.ones(9), 30.0, 1000.0) == missed(np.zeros(0), 30.0, 1000.0)


def test_nothing_unseen_is_nothing_missed():
    assert missed(np.array([3.0]), 20.0, 0.0) == (0.0, 0.0)


@given(weights=WEIGHTS, one_more=st.floats(1.5, 400.0), unseen=st.floats(1.0, 1e6))
def test_bounds_lie_in_order_within_what_is_unseen(weights, one_more, unseen):
    low, high = missed(weights, one_more, unseen)

    assert 0.0 <= low <= high <= unseen


@settings(max_examples=50)
@given(weights=WEIGHTS, more=st.floats(2.0, 400.0), one_more=st.floats(1.5, 400.0))
def test_another_find_raises_the_upper_bound(weights, more, one_more):
    before, after = (missed(found, one_more, 1e7)[1] for found in (weights, np.append(weights, more)))

    assert after > before


@settings(max_examples=50)
@given(weights=WEIGHTS, one_more=st.floats(1.5, 400.0))
def test_a_higher_level_is_wider(weights, one_more):
    narrow, wide = (missed(weights, one_more, 1e6, level) for level in (0.8, 0.99))

    assert wide[0] <= narrow[0]
    assert wide[1] > narrow[1]


def test_rows_count_by_their_weight_in_the_weight_of_one_more():
    assert next_weight(np.array([10.0, 10.0, 40.0])) == 30.0
    assert next_weight(np.zeros(0)) == 1.0


def test_a_difference_is_as_sure_as_both_its_parts():
    made = difference(Estimate(0.30, 0.20, 0.42, 50, 15), Estimate(0.10, 0.04, 0.18, 60, 6))

    assert made.value == pytest.approx(0.2)
    assert made.low == pytest.approx(0.2 - math.hypot(0.10, 0.08))
    assert made.high == pytest.approx(0.2 + math.hypot(0.12, 0.06))
    assert (made.rows, made.positives) == (110, 21)


def test_a_difference_from_the_unknown_is_unknown():
    made = difference(Estimate(0.3, 0.2, 0.4, 50, 15), share(0, 0))

    assert not made.defined
    assert math.isnan(made.high)
