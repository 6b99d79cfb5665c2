from __future__ import annotations

from itertools import combinations
from math import comb

import lightgbm as lgb
import numpy as np
import pytest

from riskscore.models import forest, treeshap
from tests.models import forests


def made(booster, matrix, threads=1):
    return treeshap.contributions(forest.read(booster.model_to_string()), matrix, threads)


@pytest.mark.parametrize("name", forests.MODELS)
def test_as_the_boosters_own(name):
    booster = forests.booster(name, 20)
    matrix = forests.strange(forests.rows(300, seed=1))
    expected = booster.predict(matrix, pred_contrib=True)
    np.testing.assert_allclose(made(booster, matrix), expected, rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nulls", "zero is null", "deep"])
def test_as_the_boosters_own_on_ten_thousand_rows(name):
    booster = forests.booster(name, 150)
    matrix = forests.strange(forests.rows(10_000, seed=1))
    expected = booster.predict(matrix, pred_contrib=True)
    np.testing.assert_allclose(made(booster, matrix), expected, rtol=0, atol=1e-9)


def test_as_shapley_values_by_their_definition():
    """All coalitions, one tree at a time: an oracle that shares nothing with LightGBM's or ours but the text."""
    booster = forests.booster("small", 3)
    matrix = forests.strange(forests.rows(4, seed=2))
    found = made(booster, matrix)
    for row, contributions in zip(matrix, found, strict=True):
        np.testing.assert_allclose(contributions[:-1], shapley(booster, row), rtol=0, atol=1e-12)


def shapley(booster, row):
    total = np.zeros(len(row))
    for tree in booster.dump_model()["tree_info"]:
        root = tree["tree_structure"]
        used = sorted(features_of(root))
        for feature in used:
            others = [other for other in used if other != feature]
            for size in range(len(others) + 1):
                weight = 1 / (len(used) * comb(len(others), size))
                for known in map(set, combinations(others, size)):
                    total[feature] += weight * (value(root, row, known | {feature}) - value(root, row, known))
    return total


def features_of(node):
    if "leaf_value" in node:
        return set()
    return {node["split_feature"]} | features_of(node["left_child"]) | features_of(node["right_child"])


def value(node, row, known):
    """Mean of the leaves that a row may reach of which only the features `known` are known."""
    if "leaf_value" in node:
        return node["leaf_value"]
    children = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        return value(children[not goes_left(node, row[node["split_feature"]])], row, known)
    counts = [child.get("internal_count", child.get("leaf_count")) for child in children]
    return sum(count * value(child, row, known) for count, child in zip(counts, children, strict=True)) / sum(counts)


def goes_left(node, number):
    if node["decision_type"] == "==":
        return not np.isnan(number) and str(int(number)) in node["threshold"].split("||")
    if np.isnan(number) and node["missing_type"] == "NaN":
        return node["default_left"]
    return np.nan_to_num(number) <= node["threshold"]


def test_rows_beside_order_and_threads_change_no_bit():
    booster = forests.booster("nulls", 10)
    matrix = forests.rows(2100, seed=3)
    whole = made(booster, matrix)
    np.testing.assert_array_equal(made(booster, matrix, threads=3), whole)
    np.testing.assert_array_equal(made(booster, matrix[::-1])[::-1], whole)
    np.testing.assert_array_equal(made(booster, matrix[7:8]), whole[7:8])


def test_sums_to_the_log_odds():
    booster = forests.booster("deep", 15)
    matrix = forests.rows(100, seed=4)
    np.testing.assert_allclose(made(booster, matrix).sum(axis=1), booster.predict(matrix, raw_score=True), atol=1e-12)


def test_constants_and_no_rows():
    matrix = forests.rows(50)
    params = {"objective": "binary", "verbosity": -1, "min_data_in_leaf": 1000}
    constant = lgb.train(params, lgb.Dataset(matrix, np.arange(50) % 5 == 0), 3)
    np.testing.assert_allclose(made(constant, matrix), constant.predict(matrix, pred_contrib=True), atol=1e-12)
    assert made(forests.booster("nulls", 2), matrix[:0]).shape == (0, 13)
