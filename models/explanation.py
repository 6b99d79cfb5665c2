"""What each feature adds to a shipment's score: exact Shapley values of the boosters, on the scale of probabilities.

A booster's log-odds are a sum over features and a base (Lundberg et al. 2020, path-dependent: what is not known is
averaged over the training rows that took the same path). Calibration multiplies the log-odds by its slope and shifts
them; so do the contributions here: base + contributions are the log-odds of the calibrated probability, exactly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.errors import ModelError
from riskscore.models import boosting, forest
from riskscore.models.labels import ANY
from riskscore.models.matrix import to_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from riskscore.models.scoring import Model

    Floats = NDArray[np.float64]

_WORTH_COMPILING = 15_000_000
"""Leaves x rows from which the compiled kernel pays: LightGBM's own takes about 0.2 us for each, and compiling 2 s.
Both give the same to 1e-9 (docs/adr/0022)."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """Why scores are what they are.

    Attributes:
        frame: index of the shipments, one float64 column per feature of the model: what it adds to the log-odds of
            the calibrated probability; 0 where the booster does not use it; no NaN.
        base: what a shipment of which nothing is known would get, same index; base + the row's sum = log-odds.
        targets: the booster explained, same index: the one asked for, or `any` where the model has none of it.
    """

    frame: pd.DataFrame
    base: pd.Series[float]
    targets: pd.Series[str]


def contributions(model: Model, features: pd.DataFrame, targets: pd.Series[str], threads: int = 1) -> Contributions:
    """Exact Shapley values of each shipment's score for its target; independent of row order and threads.

    Args:
        model: the model that scored.
        features: as for `Model.predict`.
        targets: hazard, or `any`, to explain per shipment, same index; null or without a booster = `any`.
        threads: threads to use; changes no bit.

    Raises:
        ModelError: as `Model.predict`, or the two speak of different shipments.
    """
    if not features.index.equals(targets.index):
        raise ModelError("features and targets speak of different shipments", where="explanation")
    names = [feature.name for feature in model.features]
    matrix = to_matrix(features, names)
    explained = targets.where(targets.isin(model.targets), ANY)
    rows = {target: np.flatnonzero(explained == target) for target in sorted(set(explained))}
    costs = sum(_leaves(model.trained.boosters[target].text) * len(own) for target, own in rows.items())
    values = np.zeros((len(matrix), len(names) + 1))
    for target, own in rows.items():
        calibrator = model.trained.boosters[target].calibrator
        values[own] = calibrator.slope * _shapley(
            model, target, matrix[own], threads, compiled=costs > _WORTH_COMPILING
        )
        values[own, -1] += calibrator.intercept
    frame = pd.DataFrame(values[:, :-1], index=features.index, columns=names)
    return Contributions(frame, pd.Series(values[:, -1], index=features.index), explained)


def probability(model: Model, features: pd.DataFrame, threads: int = 1, target: str = ANY) -> Floats:
    """Calibrated probability of one target, as `Model.predict` gives it, without asking the other boosters.

    Raises:
        ModelError: as `Model.predict`, or there is no such booster.
    """
    matrix = to_matrix(features, [feature.name for feature in model.features])
    log_odds = boosting.log_odds(model.booster(target), matrix, threads)
    return model.trained.boosters[target].calibrator(log_odds)


def by_concept(contributions: pd.DataFrame, concepts: Mapping[str, str]) -> pd.DataFrame:
    """Contributions summed over the features of each concept.

    Args:
        contributions: one column per feature.
        concepts: concept of every feature.

    Returns:
        The same index, one column per concept in the order of its first feature.

    >>> by_concept(pd.DataFrame({"a": [0.5], "b": [1.0], "c": [-0.25]}), {"a": "x", "b": "y", "c": "x"})
          x    y
    0  0.25  1.0
    """
    groups: dict[str, list[str]] = {}
    for name in contributions.columns:
        groups.setdefault(concepts[name], []).append(name)
    # Column by column in a fixed order: a sum along rows may differ in its last bit with the number of rows.
    sums = {concept: sum(contributions[name].to_numpy() for name in names) for concept, names in groups.items()}
    return pd.DataFrame(sums, index=contributions.index)


def _leaves(text: str) -> int:
    return sum(map(int, re.findall(r"^num_leaves=(\d+)$", text, flags=re.MULTILINE)))


def _shapley(model: Model, target: str, matrix: Floats, threads: int, *, compiled: bool) -> Floats:
    """Rows x (features + base), in the booster's own log-odds."""
    if compiled:
        from riskscore.models import treeshap

        return treeshap.contributions(forest.read(model.trained.boosters[target].text), matrix, threads)
    values = model.booster(target).predict(matrix, pred_contrib=True, num_threads=threads)
    return np.asarray(values, dtype=np.float64)
