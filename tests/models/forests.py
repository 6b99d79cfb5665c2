"""Boosters with everything that LightGBM's texts can hold: nulls of each kind, categories, deep paths, constants."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np

MODELS = {
    "nulls": {"num_leaves": 31},
    "zero is null": {"num_leaves": 31, "zero_as_missing": True},
    "nulls are zero": {"num_leaves": 15, "use_missing": False},
    "deep": {"num_leaves": 63, "min_data_in_leaf": 2, "learning_rate": 0.3},
    "random splits": {"num_leaves": 31, "extra_trees": True, "feature_fraction": 0.5},
    "small": {"num_leaves": 7},
    "small groups of categories": {"num_leaves": 31, "max_cat_to_onehot": 64, "min_data_per_group": 5},
}
"""LightGBM's settings."""

CATEGORICAL = [0, 1]


def rows(size, seed=0, columns=12):
    """Numbers, zeros, NaN; two columns of codes, of which some were not seen in training, are fractions or negative."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, columns))
    matrix[:, 0], matrix[:, 1] = rng.integers(0, 70, size), rng.integers(0, 5, size)
    matrix[:, 2:6] = np.where(rng.random((size, 4)) < 0.3, 0.0, matrix[:, 2:6])
    matrix[:, 7] = np.round(matrix[:, 7])
    matrix[rng.random((size, columns)) < 0.15] = np.nan
    return matrix


def strange(matrix):
    """The same rows with values that training never showed."""
    made = matrix.copy()
    made[::7, 0], made[1::7, 0], made[2::7, 0], made[3::7, 1] = 3.7, -0.5, -3.0, 1e6
    made[::5, 2], made[1::5, 3], made[2::5, 4] = 1e-36, -1e-36, 1e300
    made[3::5, 5] = np.nan
    return made


def booster(name, trees, seed=0):
    """A booster on 3,000 rows whose log-odds depend on codes, numbers, zeros and nulls."""
    matrix = rows(3000, seed)
    known = np.nan_to_num(matrix)
    line = known[:, 2] + np.sin(3 * known[:, 3]) * known[:, 4] + (matrix[:, 0] % 3 == 1) + np.isnan(matrix[:, 6]) - 2
    labels = np.random.default_rng(seed).random(len(matrix)) < 1 / (1 + np.exp(-line))
    data = lgb.Dataset(matrix, labels.astype(float), categorical_feature=CATEGORICAL)
    fixed = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": seed, "deterministic": True}
    return lgb.train(fixed | MODELS[name], data, trees)
