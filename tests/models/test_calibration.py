from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from riskscore.models import calibration


def draw(size, slope, intercept, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(-2, 1.5, size)
    return z, (rng.random(size) < expit(slope * z + intercept)).astype(float)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.4, 1.0), (1.8, -1.0)])
def test_recovers_known_parameters(slope, intercept):
    z, y = draw(60_000, slope, intercept)
    made = calibration.fit(z, y, np.ones(len(z)))
    assert made.slope == pytest.approx(slope, rel=0.05)
    assert made.intercept == pytest.approx(intercept, abs=0.1)


def test_equals_logistic_regression_when_data_are_many():
    z, y = draw(20_000, 0.7, 0.3, seed=4)
    w = np.random.default_rng(5).uniform(0.5, 2, len(z))
    other = LogisticRegression(C=np.inf).fit(z[:, None], y, sample_weight=w)
    made = calibration.fit(z, y, w)
    assert made.slope == pytest.approx(other.coef_[0, 0], rel=0.01)
    assert made.intercept == pytest.approx(other.intercept_[0], abs=0.01)


@given(st.integers(0, 6), st.integers(0, 30), st.floats(-8, 8), st.floats(0.1, 20))
def test_few_cases_give_finite_numbers(positives, negatives, level, weight):
    y = np.repeat([1.0, 0.0], [positives, negatives])
    z = np.linspace(level - 3, level + 3, len(y))
    made = calibration.fit(z, y, np.full(len(y), weight))
    assert 0 <= made.slope < 5
    assert abs(made.intercept) < 40


def test_a_ranking_is_never_turned_round():
    z, y = draw(5000, -1.0, 0.0)
    made = calibration.fit(z, y, np.ones(len(z)))
    assert made.slope == 0
    assert made(z).mean() == pytest.approx(y.mean(), abs=0.001)


def test_scale_of_weights_does_not_matter():
    z, y = draw(200, 1.0, 0.0)
    one, ten = (calibration.fit(z, y, np.full(len(z), w)) for w in (1.0, 16.0))
    assert one == ten
