"""Exact path-dependent TreeSHAP, compiled: many rows against one tree at a time.

Import this module only when there is enough to explain: numba takes seconds to compile it, in every process. Its
cache on disk is not used, for it is read by unpickling.

Without numba's `fastmath`, which would let the compiler assume that no number is NaN.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.models.forest import Forest

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

ROWS = 32
"""Rows side by side in the innermost loops, which the compiler turns into vector instructions: 8 rows are half as
fast, 64 no faster. A constant, so that a row's bits do not depend on the rows beside it."""

_ZERO, _NAN = 1, 2
_TINY = 1e-35
"""LightGBM's zero (kZeroThreshold)."""

_CHUNK = 32 * ROWS
"""Rows of a task: their matrix and contributions fit in a cache."""


def contributions(forest: Forest, matrix: Floats, threads: int = 1) -> Floats:
    """What each feature adds to each row's log-odds, as `Booster.predict(..., pred_contrib=True)` gives it.

    Args:
        forest: the booster's trees.
        matrix: rows x features as the booster reads them, NaN = null.
        threads: rows are spread over so many; the same bits for any number, and for any rows beside them.

    Returns:
        rows x (features + 1); the last column is what a row of which nothing is known gets. A row sums to its
        log-odds.
    """
    chunks = [matrix[begin : begin + _CHUNK] for begin in range(0, len(matrix), _CHUNK)]
    with ThreadPoolExecutor(max(1, threads)) as pool:
        parts = list(pool.map(lambda rows: _explained(forest, rows), chunks))
    return np.concatenate([np.zeros((0, matrix.shape[1] + 1)), *parts])


def _explained(forest: Forest, rows: Floats) -> Floats:
    padded = -(-len(rows) // ROWS) * ROWS
    values = np.zeros((rows.shape[1], padded))
    values[:, : len(rows)] = rows.T
    total = np.zeros((rows.shape[1] + 1, padded))
    for tree in forest.trees:
        _add(*tree, values, total)
    total[-1] = forest.expected
    return np.ascontiguousarray(total[:, : len(rows)].T)


@numba.njit(nogil=True)
def _add(  # noqa: PLR0913, PLR0917 - the fields of a Tree: as one tuple they take three times as long to compile
    parents: Ints,
    above: Ints,
    is_left: Bools,
    columns: Ints,
    leaves: Floats,
    ratios: Floats,
    weights: Floats,
    features: Ints,
    thresholds: Floats,
    decisions: Ints,
    first_words: Ints,
    last_words: Ints,
    words: Ints,
    values: Floats,
    total: Floats,
) -> None:
    """Add one tree's contributions to `total` (features x rows)."""
    nodes, points = ratios.shape[1:]
    goes_left = np.empty((len(features), ROWS), np.bool_)
    passes = np.ones((nodes, ROWS), np.bool_)
    sums = np.empty((nodes, points, ROWS))
    for begin in range(0, values.shape[1], ROWS):
        for split in range(len(features)):
            given = values[features[split], begin : begin + ROWS]
            if decisions[split] & 1:
                _look_up(words[first_words[split] : last_words[split]], given, goes_left[split])
            else:
                _compare(thresholds[split], decisions[split], given, goes_left[split])
        for point in range(points):
            for row in range(ROWS):
                sums[0, point, row] = 1.0
        _descend(parents, above, is_left, ratios, goes_left, passes, sums)
        _weigh(leaves, sums)
        _ascend(parents, above, columns, weights, passes, sums, total[:, begin : begin + ROWS])


@numba.njit(nogil=True)
def _compare(threshold: float, decision: int, values: Floats, left: Bools) -> None:
    """Which of the rows go left at a split of numbers, by LightGBM's rules."""
    null_left, null = decision & 2 != 0, decision >> 2
    zero_left = null_left if null == _ZERO else threshold >= 0
    nan_left = null_left if null == _NAN else zero_left
    for row in range(ROWS):
        value = values[row]
        known = zero_left if abs(value) <= _TINY else value <= threshold
        left[row] = nan_left if np.isnan(value) else known


@numba.njit(nogil=True)
def _look_up(words: Ints, codes: Floats, left: Bools) -> None:
    """Which codes are in a bit set; null and what is no code are not."""
    for row in range(ROWS):
        left[row] = False
        if -1 < codes[row] < 32 * len(words):
            code = int(codes[row])
            left[row] = words[code // 32] >> code % 32 & 1 != 0


@numba.njit(nogil=True)
def _descend(
    parents: Ints, above: Ints, is_left: Bools, ratios: Floats, goes_left: Bools, passes: Bools, product: Floats
) -> None:
    """The product over the path down to each node, at every quadrature point."""
    for node in range(1, len(parents)):
        parent, first, side = parents[node], above[node], is_left[node]
        for row in range(ROWS):
            passes[node, row] = passes[first, row] and goes_left[parent, row] == side
        for point in range(ratios.shape[2]):
            passed, fails, failed = ratios[0, node, point], ratios[1, node, point], ratios[2, node, point]
            for row in range(ROWS):
                ratio = passed if passes[node, row] else (fails if passes[first, row] else failed)
                product[node, point, row] = product[parent, point, row] * ratio


@numba.njit(nogil=True)
def _weigh(leaves: Floats, sums: Floats) -> None:
    """Leaves by their value, and splits by 0. In loops: array expressions take twice as long to compile."""
    for node in range(len(leaves)):
        for point in range(sums.shape[1]):
            for row in range(ROWS):
                sums[node, point, row] *= leaves[node]


@numba.njit(nogil=True)
def _ascend(
    parents: Ints, above: Ints, columns: Ints, weights: Floats, passes: Bools, below: Floats, total: Floats
) -> None:
    """Sum the leaves below each edge, and add to its feature what they count for it."""
    counted = np.empty(ROWS)
    for node in range(len(parents) - 1, 0, -1):
        parent, first = parents[node], above[node]
        for row in range(ROWS):
            counted[row] = 0.0
        for point in range(weights.shape[2]):
            passed, fails = weights[0, node, point], weights[1, node, point]
            for row in range(ROWS):
                part = below[node, point, row]
                below[parent, point, row] += part
                weight = passed if passes[node, row] else (fails if passes[first, row] else 0.0)
                counted[row] += weight * part
        for row in range(ROWS):
            total[columns[node], row] += counted[row]
