from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn import metrics

from riskscore.errors import ModelError
from riskscore.models import evaluation


def arrays(size, elements):
    return npst.arrays(np.float64, size, elements=elements)


@st.composite
def cases(draw, max_size=30):
    """Probabilities with many ties, labels of both classes, weights."""
    size = draw(st.integers(2, max_size))
    scores = draw(arrays(size, st.sampled_from([0.01, 0.2, 0.2, 0.5, 0.9])))
    labels = draw(arrays(size, st.sampled_from([0.0, 1.0])))
    labels[:2] = 0.0, 1.0
    return scores, labels, draw(arrays(size, st.floats(0.5, 20)))


@given(cases())
def test_weighted_figures_equal_scikit_learn(case):
    scores, labels, weights = case
    for ours, theirs in (
        (evaluation.auc, metrics.roc_auc_score(labels, scores, sample_weight=weights)),
        (evaluation.log_loss, metrics.log_loss(labels, scores, sample_weight=weights)),
        (evaluation.brier, metrics.brier_score_loss(labels, scores, sample_weight=weights)),
    ):
        assert ours(scores, labels, weights) == pytest.approx(theirs, abs=1e-12)


@given(cases(max_size=6), st.integers(0, 7))
def test_ties_equal_enumeration(case, capacity):
    scores, labels, _ = case
    orders = itertools.permutations(range(len(scores)))
    ranked = [o for o in orders if all(scores[i] >= scores[j] for i, j in itertools.pairwise(o))]
    found = [labels[list(order[:capacity])].sum() for order in ranked]
    hits = evaluation.hits_at_capacity(scores, labels, capacity)
    assert (hits.worst, hits.best) == (min(found), max(found))
    assert hits.random == pytest.approx(np.mean(found))


@given(cases(), st.integers(1, 5))
def test_unlabelled_rows_are_dropped_and_counted(case, extra):
    scores, labels, weights = case
    more = np.append(scores, np.full(extra, 0.99)), np.append(labels, np.full(extra, np.nan))
    made = evaluation.evaluate(*more, np.append(weights, np.ones(extra)))
    assert made == evaluation.evaluate(scores, labels, weights) | {"unlabelled": extra}


@pytest.mark.parametrize("labels", [[], [math.nan], [0.0, 0.0], [1.0]])
def test_undefined_figures_are_null(labels):
    made = evaluation.evaluate(np.linspace(0.1, 0.9, len(labels)), labels)
    assert made["auc"] is None
    assert math.isnan(evaluation.lift([0.5], [0.0], 1))
    json.dumps(made, allow_nan=False)


def test_perfect_and_useless_scores():
    labels = np.repeat([1.0, 0.0], [10, 90])
    perfect = evaluation.top_at(labels, labels, 0.1)
    assert (perfect["precision_random"], perfect["recall_worst"], perfect["lift"]) == (1, 1, 10)
    constant = evaluation.top_at(np.zeros(100), labels, 0.1)
    assert (constant["hits_worst"], constant["hits_best"], constant["lift"]) == (0, 10, 1)


def test_intervals_hold_the_truth():
    """AUC of N(1, 1) against N(0, 1) is Phi(1 / sqrt 2) = 0.7602; 95 % intervals cover it 95 times in 100."""
    rng = np.random.default_rng(3)
    labels = np.repeat([1.0, 0.0], [60, 240])
    bounds = [evaluation.auc_interval(rng.normal(labels), labels, draws=100) for _ in range(100)]
    assert sum(low <= 0.7602 <= high for low, high in bounds) >= 88
    assert evaluation.bootstrap_mean([0.5] * 5) == (0.5, 0.5)


@given(st.integers(1, 50).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_inside(case):
    hits, trials = case
    low, high = evaluation.wilson(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1
    assert low < high


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.1], [1, 0], "differ in length: 1, 2"),
        ([math.nan, 0.1], [1, 0], "1 scores are NaN"),
        ([0.1, 0.2], [1, 0.5], "must be 1.0, 0.0 or NaN"),
    ],
)
def test_refused(scores, labels, message):
    with pytest.raises(ModelError, match=message):
        evaluation.auc(scores, labels)
