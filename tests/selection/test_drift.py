"""Drift of the random floor's finds away from their scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from riskscore.selection.drift import LEVEL, drifted, tail


def exact_tail(scores, found):
    """Chance of at least `found` finds of exams with these scores, by convolution."""
    chances = np.ones(1)
    for score in scores:
        chances = np.convolve(chances, [1 - score, score])
    return chances[found:].sum()


@pytest.mark.parametrize(("found", "expected"), [(1, 0.3), (4, 1.7), (12, 5.0), (3, 8.0)])
def test_the_tail_is_poissons(found, expected):
    assert tail(found, expected) == pytest.approx(stats.poisson.sf(found - 1, expected))


@given(scores=st.lists(st.floats(0, 1), min_size=2, max_size=40), data=st.data())
def test_it_never_overstates_the_evidence_of_an_excess(scores, data):
    found = data.draw(st.integers(0, len(scores)))

    if found >= sum(scores) + 1:
        assert tail(found, sum(scores)) >= exact_tail(scores, found) - 1e-9


def test_false_alarms_stay_below_their_level():
    rng = np.random.default_rng(3)
    scores = rng.uniform(0, 0.2, 60)
    found = (rng.random((4000, 60)) < scores).sum(axis=1)

    assert np.mean([drifted(int(n), scores.sum()) for n in found]) <= LEVEL


def test_hazards_three_times_as_many_as_foretold_are_seen_at_once():
    rng = np.random.default_rng(4)
    found = rng.poisson(12.0, 500)

    assert np.mean([drifted(int(n), 4.0) for n in found]) > 0.7


def test_fewer_finds_than_foretold_are_no_drift():
    assert not drifted(0, 30.0)


def test_one_find_that_nobody_foretold_is_not_enough_and_two_are():
    assert not drifted(1, 0.0)
    assert drifted(2, 0.0)
