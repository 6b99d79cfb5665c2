"""Bounds for a hit rate that is looked at every day: they hold at every look together."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.models.prevalence_intervals import share
from riskscore.models.prevalence_sequence import confidence_sequence


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_few_runs_are_ever_outside(rate):
    rng = np.random.default_rng(7)
    looks = np.arange(1, 61)
    found = rng.binomial(5, rate, (200, 60)).cumsum(axis=1)
    bands = {(n, at): confidence_sequence(n, 5 * at) for at in looks.tolist() for n in set(found[:, at - 1].tolist())}
    held = [all(bands[n, at].low <= rate <= bands[n, at].high for at, n in enumerate(run, 1)) for run in found.tolist()]

    assert np.mean(held) >= 0.95


def test_the_mean_of_changing_chances_is_held_too():
    rng = np.random.default_rng(8)
    chances = np.tile([0.0, 0.02, 0.2], 100)
    means = chances.cumsum() / np.arange(1, 301)
    outside = 0
    for _ in range(100):
        found = (rng.random(300) < chances).cumsum().tolist()
        looks = [(confidence_sequence(found[at], at + 1), means[at]) for at in range(9, 300, 10)]
        outside += any(not band.low <= mean <= band.high for band, mean in looks)

    assert outside <= 0.05 * 100


@given(exams=st.integers(1, 3000), data=st.data())
def test_it_holds_the_share_and_is_wider_than_one_look(exams, data):
    found = data.draw(st.integers(0, exams))
    made, once = confidence_sequence(found, exams), share(found, exams)

    assert 0 <= made.low <= made.value <= made.high <= 1
    if found < exams / 10:
        assert made.low <= once.low + 1e-12
        assert made.high > once.high


def test_more_exams_make_it_narrower():
    widths = [(made := confidence_sequence(n // 50, n)).high - made.low for n in (50, 200, 1000, 5000)]

    assert widths == sorted(widths, reverse=True)


def test_a_stricter_level_is_wider():
    assert confidence_sequence(8, 300, 0.99).high > confidence_sequence(8, 300, 0.9).high


def test_before_the_first_exam_nothing_is_known():
    made = confidence_sequence(0, 0)

    assert not made.defined
    assert math.isnan(made.low)
