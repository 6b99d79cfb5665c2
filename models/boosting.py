"""One LightGBM booster: parameters, early stopping on later days, and its text without the thread count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.config import Model as Settings

    Floats = NDArray[np.float64]

# Labels are few: small leaves would learn single shipments by heart.
_FIXED: dict[str, Any] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "min_data_in_leaf": 20,
    "min_sum_hessian_in_leaf": 0.1,
    "lambda_l2": 10.0,
    "feature_fraction": 0.8,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

# Early stopping reads the log loss of the calibration days; with fewer confirmed cases than this its minimum
# is mostly noise, and the full number of rounds, well regularised, is the safer choice.
_MIN_STOPPING_POSITIVES = 10
_PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Design:
    """How to boost: settings, positions of categorical columns, one monotone sign per column, threads."""

    settings: Settings
    categorical: tuple[int, ...]
    monotone: tuple[int, ...]
    threads: int

    def parameters(self) -> dict[str, Any]:
        """LightGBM's parameters; everything is named, so that a changed default changes nothing."""
        own = {
            "num_leaves": self.settings.leaves,
            "learning_rate": self.settings.learning_rate,
            "seed": self.settings.seed,
            "num_threads": self.threads,
        }
        signs = {"monotone_constraints": list(self.monotone)} if any(self.monotone) else {}
        return _FIXED | own | signs


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled rows: matrix rows x features, labels 0.0 or 1.0, positive weights."""

    matrix: Floats
    labels: Floats
    weights: Floats

    def dataset(self, design: Design, reference: lgb.Dataset | None = None) -> lgb.Dataset:
        """The rows as LightGBM reads them, binned like `reference`."""
        return lgb.Dataset(
            self.matrix,
            self.labels,
            weight=self.weights,
            reference=reference,
            categorical_feature=list(design.categorical),
            params=design.parameters(),
        )


@dataclass(frozen=True, slots=True)
class Boosted:
    """A fitted booster: its text, cut at the best round, and the booster parsed from that very text."""

    text: str
    booster: lgb.Booster


def boost(fitting: Sample, stopping: Sample, design: Design) -> Boosted:
    """Boost on `fitting`, stop where the weighted log loss of `stopping`, later rows, is lowest."""
    rows = fitting.dataset(design)
    stops = stopping.labels.sum() >= _MIN_STOPPING_POSITIVES and (stopping.labels == 0).any()
    booster = lgb.train(
        design.parameters(),
        rows,
        num_boost_round=design.settings.trees,
        valid_sets=[stopping.dataset(design, rows)] if stops else [],
        callbacks=[lgb.early_stopping(_PATIENCE, verbose=False)] if stops else [],
    )
    text = without_threads(booster.model_to_string(num_iteration=booster.best_iteration))
    return Boosted(text, lgb.Booster(model_str=text))


def log_odds(booster: lgb.Booster, matrix: Floats, threads: int) -> Floats:
    """Raw scores of the rows of `matrix`, before calibration; the same bits for any number of threads."""
    # LightGBM refuses a matrix without rows; a day without arrivals is no error.
    if not len(matrix):
        return np.zeros(0)
    return np.asarray(booster.predict(matrix, raw_score=True, num_threads=threads), dtype=np.float64)


def without_threads(text: str) -> str:
    """Booster text with its one machine-dependent parameter set to LightGBM's default.

    >>> without_threads("[num_threads: 2]")
    '[num_threads: 0]'
    """
    return re.sub(r"^\[num_threads: \d+\]$", "[num_threads: 0]", text, flags=re.MULTILINE)
