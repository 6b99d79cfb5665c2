"""Paired figures: they recover what is true of a population that only a few exams were made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.models import paired
from tests.models.later import country, shifted

ROWS = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.9]), st.integers(1, 50)), min_size=1, max_size=30)


@given(ROWS, st.floats(0.01, 1.0))
def test_a_capacity_is_filled_exactly_by_the_highest_scores(rows, share):
    scores, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    part = paired.taken(scores, weights, share)
    assert (part * weights).sum() == pytest.approx(share * weights.sum())
    assert ((part >= 0) & (part <= 1)).all()
    for score in set(scores):
        assert len(set(part[scores == score])) == 1
        if part[scores == score][0] < 1:
            assert (part[scores < score] == 0).all()


def test_hit_rates_are_those_of_the_whole_population():
    whole = country(sees=(0.5, 1.0))
    found = [paired.hit_rates(whole.examined(seed), 0.1) for seed in range(12)]
    for name in ("champion", "candidate"):
        values = [getattr(each, name) for each in found]
        truth = whole.hit_rate(getattr(whole, name), 0.1)
        assert np.mean(values) == pytest.approx(truth, abs=3 * np.std(values) / np.sqrt(len(values)) + 0.003)


def test_without_weights_they_are_not():
    whole = country(sees=(0.5, 1.0))
    rows = whole.examined()
    plain = paired.hit_rates(replace(rows, weights=np.ones(len(rows))), 0.1)
    assert plain.champion > 1.2 * whole.hit_rate(whole.champion, 0.1)


@pytest.mark.slow
def test_the_interval_covers_the_true_difference():
    held = 0
    for seed in range(60):
        whole = country(seed, size=8000, sees=(0.6, 0.8))
        truth = whole.hit_rate(whole.candidate, 0.1) - whole.hit_rate(whole.champion, 0.1)
        found = paired.hit_rates(whole.examined(seed, floor=0.05), 0.1)
        held += found.low <= truth <= found.high
    # Percentile intervals of few days are known to be short; docs/adr/0012 says what that means for the gate.
    assert held >= 48


def test_equal_models_do_not_differ():
    rows = country(sees=(0.5, 0.5)).examined()
    rows = replace(rows, candidate=rows.champion)
    for figures in (paired.hit_rates(rows, 0.05), paired.log_losses(rows), paired.burdens(rows, 0.05)):
        assert (figures.difference, figures.low, figures.high) == (0, 0, 0)


def test_the_order_of_rows_does_not_matter():
    rows = country(size=5000).examined()
    order = np.random.default_rng(0).permutation(len(rows))
    turned = replace(
        rows,
        segments={},
        **{name: getattr(rows, name)[order] for name in
           ("days", "labels", "weights", "chances", "drawn", "champion", "candidate")},
    )  # fmt: skip
    for figure in (paired.log_losses, lambda r: paired.hit_rates(r, 0.05)):
        assert figure(rows).low == pytest.approx(figure(turned).low, rel=1e-12)


def test_days_are_resampled_whole():
    """One bad day decides everything: an interval over rows would be narrow, one over days reaches 0."""
    days = np.repeat(np.arange(10), 100)
    bad = (days == 3).astype(float)
    found = paired.paired(days, (bad * 0, np.ones(1000)), (bad, np.ones(1000)))
    assert found.low == 0
    assert found.high > 0.25


@settings(max_examples=20)
@given(st.floats(0.0, 1.0))
def test_a_figure_without_a_denominator_is_not_defined(score):
    rows = country(size=300).examined()
    rows = replace(rows, candidate=np.full(len(rows), score))
    nobody = np.zeros(len(rows), dtype=bool)
    assert np.isnan(paired.hit_rates(rows, 0.05, nobody).difference)
    assert np.isnan(paired.burdens(rows, 0.05, nobody).low)


def test_no_rows():
    nothing = np.zeros(0)
    assert np.isnan(paired.paired(np.zeros(0, dtype=np.int64), (nothing, nothing), (nothing, nothing)).difference)


# Calibration --------------------------------------------------------------------------------------------------


def test_true_probabilities_look_calibrated():
    found = [paired.calibrated(country(seed).examined(seed)) for seed in range(8)]
    assert sum(each.ratio_low <= each.ratio <= each.ratio_high for each in found) >= 7
    assert sum(each.error <= each.error_by_chance for each in found) >= 7


@pytest.mark.parametrize("by", [-0.9, 0.9])
def test_shifted_odds_do_not(by):
    rows = country(2, size=60_000).examined(2)
    found = paired.calibrated(replace(rows, candidate=shifted(rows.candidate, by)))
    assert not found.ratio_low <= found.ratio <= found.ratio_high
    assert (found.ratio > 1) == (by > 0)
    assert found.error > found.error_by_chance


def test_exams_of_unknown_chance_say_nothing_of_calibration():
    rows = country().examined()
    unknown = replace(rows, chances=np.full(len(rows), np.nan))
    assert paired.calibrated(unknown).rows == 0
    assert np.isnan(paired.calibrated(unknown).ratio)
