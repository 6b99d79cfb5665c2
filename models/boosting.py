"""One LightGBM booster: parameters, early stopping on later days, and its text without the thread count."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.config import Model as Settings

    Floats = NDArray[np.float64]

_FIXED: dict[str, Any] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "min_sum_hessian_in_leaf": 0.1,
    "deterministic": True,
    # The same trees as row-wise, bit by bit; histograms of the drawn features only, so about 1.7 times as fast.
    "force_col_wise": True,
    "verbosity": -1,
}

# Early stopping reads the log loss of later days; with fewer confirmed cases than this its minimum is mostly noise,
# and the full number of rounds, well regularised, is the safer choice.
_MIN_STOPPING_POSITIVES = 50
_PATIENCE = 30

# Threads wait for each other at every leaf: with fewer values (rows x features) than this per thread they cost more
# than they bring, on a busy machine 50 times more. The bits are the same for any number.
_VALUES_PER_THREAD = 3_000_000


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
            "min_data_in_leaf": self.settings.min_leaf_rows,
            "lambda_l2": self.settings.l2,
            "feature_fraction": self.settings.feature_share,
            "extra_trees": self.settings.random_splits,
            "seed": self.settings.seed,
            "num_threads": self.threads,
        }
        # The intermediate method found more than the basic one at the same cost (docs/adr/0013).
        method = {"monotone_constraints_method": "intermediate"}
        signs = {"monotone_constraints": list(self.monotone), **method} if any(self.monotone) else {}
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
    """A fitted booster: its text, cut at the best round, the booster parsed from that very text, and its rounds."""

    text: str
    booster: lgb.Booster
    rounds: int


def boost(fitting: Sample, stopping: Sample | None, design: Design, rounds: int | None = None) -> Boosted:
    """Boost on `fitting`.

    Args:
        fitting: rows to learn from.
        stopping: later rows; boosting ends where their weighted log loss is lowest, if their confirmed cases suffice
            to tell. None = boost to the end.
        design: how.
        rounds: boosting rounds; None = as many as the settings allow.
    """
    design = replace(design, threads=max(1, min(design.threads, fitting.matrix.size // _VALUES_PER_THREAD)))
    rows = fitting.dataset(design)
    stops = stopping is not None and _can_stop(stopping)
    booster = lgb.train(
        design.parameters(),
        rows,
        num_boost_round=rounds or design.settings.trees,
        valid_sets=[stopping.dataset(design, rows)] if stopping and stops else [],
        callbacks=[lgb.early_stopping(_PATIENCE, verbose=False)] if stops else [],
    )
    text = without_threads(booster.model_to_string(num_iteration=booster.best_iteration))
    parsed = lgb.Booster(model_str=text)
    return Boosted(text, parsed, parsed.num_trees())


def _can_stop(stopping: Sample) -> bool:
    return bool(stopping.labels.sum() >= _MIN_STOPPING_POSITIVES and (stopping.labels == 0).any())


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
