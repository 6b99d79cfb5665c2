from __future__ import annotations

import math

import numpy as np
import pytest

from riskscore.models import evaluation, segments, stability


def test_overlap_of_equal_and_of_unrelated_rankings():
    rng = np.random.default_rng(1)
    scores, others = rng.random((2, 5000))
    same = stability.overlap(scores, 2 * scores, 0.05)
    assert (same.value, same.rows, same.positives) == (1, 250, 250)
    assert stability.overlap(scores, others, 0.05).value == pytest.approx(0.05, abs=0.04)
    assert stability.overlap(np.zeros(100), np.arange(100.0), 0.05).value == pytest.approx(0.05)
    assert not stability.overlap(np.zeros(0), np.zeros(0), 0.05).defined


def test_stability_index_by_hand():
    """Half of the later period moves from the upper to the lower half of the earlier one's scores."""
    before = np.arange(1000.0)
    after = np.where(np.arange(1000) % 2 == 0, before / 2, before)
    cuts = np.searchsorted(np.arange(100, 1000, 100), after, side="right")
    shares = np.bincount(cuts, minlength=10) / 1000
    expected = ((shares - 0.1) * np.log(shares / 0.1)).sum()
    made = stability.population_stability(before, after)
    assert made.value == pytest.approx(expected, rel=0.02)
    assert made.low <= made.value <= made.high


def test_one_score_for_all_is_stable():
    assert stability.population_stability(np.zeros(50), np.zeros(40)).value == 0
    assert not stability.population_stability(np.zeros(0), np.zeros(40)).defined


def test_scores_without_information_stay_within_the_tolerance():
    rng = np.random.default_rng(3)
    labels = np.repeat([1.0, 0.0], [20, 300])
    far = [abs(evaluation.auc(rng.random(320), labels) - 0.5) for _ in range(1000)]
    assert sum(away > stability.auc_tolerance(20, 300) for away in far) <= 5
    assert sum(away > stability.auc_tolerance(20, 300, deviations=1.96) for away in far) == pytest.approx(50, abs=25)
    assert math.isnan(stability.auc_tolerance(0, 300))


@pytest.mark.parametrize(
    ("shipments", "size"),
    [
        (math.nan, "not stated"),
        (0, "none in the year before"),
        (1, "less than monthly"),
        (11, "less than monthly"),
        (12, "monthly"),
        (51, "monthly"),
        (52, "weekly"),
        (365, "daily"),
    ],
)
def test_size_classes(shipments, size):
    assert segments.size_classes(np.array([float(shipments)]), 365).tolist() == [size]


def test_a_short_log_is_scaled_to_a_year():
    assert segments.size_classes(np.array([3.0, 1.0]), 73).tolist() == ["monthly", "less than monthly"]


def test_burden():
    group = np.arange(1000) < 200
    chosen = (np.arange(1000) % 10 == 0) & (np.arange(1000) < 400)
    made = segments.burden(chosen.astype(float), group)
    assert made["share_of_traffic"].value == 0.2
    assert made["share_of_chosen"].value == 0.5
    assert made["burden"].value == pytest.approx(2.5)
    assert made["burden"].low > 1
    assert not segments.burden(np.zeros(1000), group)["burden"].defined
