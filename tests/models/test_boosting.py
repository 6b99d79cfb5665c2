from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from riskscore.config import Model as Settings
from riskscore.models import boosting

NOTHING = boosting.Sample(np.empty((0, 1)), np.empty(0), np.empty(0))


def design(threads=1):
    return boosting.Design(Settings(trees=30, learning_rate=0.3, random_splits=False), (), (0,), threads)


def sample(weight_of_positives=1.0, size=2000):
    rng = np.random.default_rng(6)
    labels = (rng.random(size) < 0.2).astype(float)
    return boosting.Sample(rng.normal(size=(size, 1)), labels, np.where(labels == 1, weight_of_positives, 1.0))


def test_weights_are_fitted():
    """Positives that count for 4 make a share of 0.8 / 1.6."""
    rows = sample(weight_of_positives=4.0)
    made = boosting.boost(rows, NOTHING, design())
    share = np.average(rows.labels, weights=rows.weights)
    fitted = np.average(expit(boosting.log_odds(made.booster, rows.matrix, 1)), weights=rows.weights)
    assert fitted == pytest.approx(share, abs=0.01)


def test_later_days_stop_the_boosting():
    """Noise has nothing to learn: the first rounds are the best on other rows."""
    other = boosting.Sample(sample().matrix[::-1], sample().labels, sample().weights)
    stopped = boosting.boost(sample(), other, design())
    assert stopped.booster.num_trees() < boosting.boost(sample(), NOTHING, design()).booster.num_trees() == 30


def test_too_few_cases_stop_nothing():
    few = sample(size=100)
    assert 0 < few.labels.sum() < 50
    assert boosting.boost(sample(), few, design()).rounds == 30


def test_as_many_rounds_as_asked():
    assert boosting.boost(sample(), None, design(), 7).rounds == 7


def test_text_names_no_threads():
    assert "[num_threads: 0]" in boosting.boost(sample(size=200), NOTHING, design(threads=2)).text


def test_without_rows_there_are_no_scores():
    made = boosting.boost(sample(size=200), NOTHING, design())
    assert boosting.log_odds(made.booster, NOTHING.matrix, 1).shape == (0,)
