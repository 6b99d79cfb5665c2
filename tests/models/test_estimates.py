from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.models import estimates
from riskscore.models.estimates import Estimate
from riskscore.models.evaluation import wilson

COUNTS = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def rows_of(hits, trials):
    labels = np.repeat([1.0, 0.0], [hits, trials - hits])
    return labels, np.ones(trials)


@given(COUNTS)
def test_plain_counts_have_wilsons_interval(counts):
    labels, weights = rows_of(*counts)
    made = estimates.weighted_share(labels, weights, weights > 0)
    assert (made.low, made.high) == pytest.approx(wilson(*counts))
    assert (made.rows, made.positives) == (counts[1], counts[0])


@given(
    st.lists(st.tuples(st.booleans(), st.floats(1, 200), st.booleans()), min_size=1, max_size=30),
    st.none() | st.floats(0.0, 10_000),
)
def test_an_interval_holds_its_share_and_stays_inside(rows, total):
    labels, weights, certain = (np.array(column) for column in zip(*rows, strict=True))
    made = estimates.weighted_share(labels.astype(float), weights.astype(float), certain, total)
    if made.defined:
        assert 0 <= made.low <= made.value + 1e-12
        assert made.value - 1e-12 <= made.high <= 1


def test_nobody_speaks_for_the_rest():
    """Ten were examined for certain, ninety by nobody: their share is not 0, nor that of the ten."""
    labels, weights = rows_of(5, 10)
    assert estimates.weighted_share(labels, weights, weights > 0, total=10).value == 0.5
    assert not estimates.weighted_share(labels, weights, weights > 0, total=100).defined
    assert not estimates.weighted_share(*rows_of(0, 0), np.zeros(0, dtype=bool)).defined


def test_effective_rows_by_hand():
    assert estimates.effective_rows(np.array([1.0, 0.0, 0.0]), np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)


def examined(rng, risk, targeted):
    """Labels, weights and certainty of exams of a population: the targeted for certain, the others one in twenty."""
    found = (rng.random(len(risk)) < risk).astype(float)
    seen = targeted | (rng.random(len(risk)) < 0.05)
    weights = np.where(targeted, 1.0, 20.0)
    return found, seen, weights


def test_intervals_of_weighted_shares_cover_the_truth():
    """Risk 20 % among the targeted tenth, 4 % elsewhere: counting examined rows alone misses the truth every time."""
    rng = np.random.default_rng(1)
    targeted = np.arange(4000) < 400
    risk = np.where(targeted, 0.2, 0.04)
    covered = naive = 0
    for _ in range(300):
        found, seen, weights = examined(rng, risk, targeted)
        made = estimates.weighted_share(found[seen], weights[seen], targeted[seen], total=4000)
        covered += made.low <= risk.mean() <= made.high
        plain = estimates.weighted_share(found[seen], np.ones(seen.sum()), np.ones(seen.sum(), dtype=bool))
        naive += plain.low <= risk.mean() <= plain.high
    assert covered >= 0.93 * 300
    assert naive <= 0.05 * 300


def test_intervals_of_ratios_cover_the_truth():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(500):
        shares = []
        for chance, size in ((0.2, 150), (0.04, 200)):
            labels = (rng.random(size) < chance).astype(float)
            shares.append(estimates.weighted_share(labels, np.ones(size), np.ones(size, dtype=bool)))
        made = estimates.ratio(*shares)
        covered += made.low <= 5 and (math.isnan(made.high) or made.high >= 5)
    assert covered >= 0.93 * 500


@given(COUNTS, COUNTS)
def test_a_ratio_stands_inside_its_interval(part, whole):
    made = estimates.ratio(*(estimates.weighted_share(*rows_of(*c), np.ones(c[1], dtype=bool)) for c in (part, whole)))
    if whole[0] == 0:
        assert not made.defined
    else:
        assert 0 <= made.low <= made.value <= made.high


@given(COUNTS, COUNTS)
def test_a_part_stands_inside_its_interval(part, rest):
    shares = [estimates.weighted_share(*rows_of(*c), np.ones(c[1], dtype=bool)) for c in (part, rest)]
    amounts = [estimates.scaled(share, size) for share, size in zip(shares, (50, 950), strict=True)]
    made = estimates.part_of_sum(*amounts)
    if part[0] + rest[0]:
        assert -1e-12 <= made.low <= made.value + 1e-12
        assert made.value - 1e-12 <= made.high <= 1
    else:
        assert not made.defined


def test_totals():
    amounts, weights = np.array([100.0, 0.0, 40.0, 0.0]), np.array([1.0, 1.0, 10.0, 10.0])
    certain = weights == 1
    made = estimates.weighted_total(amounts, weights, certain, total=22)
    assert made.value == pytest.approx(100 + 20 * 20)
    assert made.low <= made.value <= made.high
    nothing = estimates.weighted_total(np.where(certain, amounts, 0), weights, certain, total=22)
    assert (nothing.value, math.isnan(nothing.high)) == (100, True)
    assert not estimates.weighted_total(amounts[:2], weights[:2], certain[:2], total=22).defined


def test_a_bootstrap_of_nothing_is_undefined():
    assert all(math.isnan(bound) for bound in estimates.bootstrap(lambda drawn: drawn.sum(), 0))
    assert all(math.isnan(bound) for bound in estimates.bootstrap(lambda _: math.nan, 3))
    assert estimates.bootstrap(lambda drawn: drawn.sum(), 3) == (3.0, 3.0)


def test_scaled():
    assert estimates.scaled(Estimate(0.1, 0.05, 0.2, 10, 1), 200) == Estimate(20.0, 10.0, 40.0, 10, 1)
