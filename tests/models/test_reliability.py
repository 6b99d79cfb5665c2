from __future__ import annotations

import math

import numpy as np
import pytest

from riskscore.models import reliability
from riskscore.models.population import Sample


def examined(rng, probability, predicted, chance=0.2):
    """A fifth of the population examined at random."""
    seen = rng.random(len(probability)) < chance
    found = (rng.random(len(probability)) < probability).astype(float)
    ones = np.ones(seen.sum())
    return Sample(predicted[seen], found[seen], ones / chance, ones < 0, ones * 0, ones > 0)


@pytest.fixture(scope="module")
def probability():
    return np.random.default_rng(1).beta(1, 12, 20_000)


def test_true_probabilities_show_as_true(probability):
    sample = examined(np.random.default_rng(2), probability, probability)
    _, ratio = reliability.in_the_large(probability.mean(), sample, len(probability))
    error, noise = reliability.calibration_error(probability, sample)
    assert ratio.low < 1 < ratio.high
    assert error.value < 3 * noise
    table = reliability.reliability(probability, sample)
    assert len(table) == reliability.BINS
    assert sum(made.shipments for made in table) == len(probability)
    assert sum(made.observed.low <= made.predicted <= made.observed.high for made in table) >= 8


def test_doubled_probabilities_show_as_doubled(probability):
    sample = examined(np.random.default_rng(2), probability, 2 * probability)
    _, ratio = reliability.in_the_large(2 * probability.mean(), sample, len(probability))
    error, noise = reliability.calibration_error(2 * probability, sample)
    assert ratio.low < 2 < ratio.high
    assert ratio.value == pytest.approx(2, rel=0.15)
    assert error.value == pytest.approx(probability.mean(), rel=0.2)
    assert error.low > noise


def test_a_bin_for_which_nobody_speaks_is_left_out(probability):
    """Only certain exams in the upper half: what the others of the upper half carry is unknown."""
    sample = examined(np.random.default_rng(3), probability, probability)
    upper = sample.scores > np.median(probability)
    chosen = sample.take(upper)
    sure = Sample(chosen.scores, chosen.labels, np.ones(len(chosen)), chosen.weights > 0, chosen.amounts, chosen.drawn)
    mixed = Sample.joined([sample.take(~upper), sure])
    table = reliability.reliability(probability, mixed)
    assert [made.observed.defined for made in table] == [True] * 5 + [False] * 5
    whole, _ = reliability.calibration_error(probability, mixed)
    lower, _ = reliability.calibration_error(probability[probability <= np.median(probability)], sample.take(~upper), 5)
    assert whole.value == pytest.approx(lower.value)


def test_nothing_examined_is_undefined(probability):
    nobody = examined(np.random.default_rng(1), probability, probability, chance=0.2).take(np.zeros(0, dtype=int))
    error, noise = reliability.calibration_error(probability, nobody)
    share, ratio = reliability.in_the_large(0.1, nobody, 100)
    assert not error.defined
    assert math.isnan(noise)
    assert not share.defined
    assert not ratio.defined


def test_tied_scores_make_fewer_bins():
    assert reliability.edges(np.zeros(50)).tolist() == []
    assert reliability.edges(np.repeat([0.1, 0.9], 50)).tolist() == [0.9]
    assert reliability.edges(np.zeros(0)).tolist() == []
