"""The trees of a booster's text as arrays, with what exact Shapley values need of each node precomputed.

Nodes stand in the order root, other splits, leaves. In LightGBM's text a split comes before its children, so one loop
forwards meets every parent before its children, and one backwards the other way round.

What a feature contributes at a leaf (path-dependent TreeSHAP: Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9) is
the leaf's value x (o - z) x the integral over t from 0 to 1 of the product over the path's other features j of
t o_j + (1 - t) z_j. z is the share of training rows that the path's splits on the feature keep; o is 1 where the row
passes them all, else 0. Gauss-Legendre quadrature with n points is exact for polynomials up to degree 2n - 1, so half
as many points as the longest path has features give the exact value.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class Tree(NamedTuple):
    """One tree: k nodes, the first s of them splits; n quadrature points.

    A node other than the root also stands for the edge that leads to it. The tables have three rows, by what a row
    of the matrix makes of the splits on the edge's feature down to here: it passes them all, it fails here first, it
    failed further up.
    """

    parents: Ints
    """k: the node above; the root is its own."""
    above: Ints
    """k: the nearest node above whose edge is of the same feature; the root where there is none."""
    is_left: NDArray[np.bool_]
    """k."""
    columns: Ints
    """k: the feature of the edge."""
    values: Floats
    """k: log-odds of a leaf, 0 of a split."""
    ratios: Floats
    """3 x k x n: the factor by which the edge changes its path's product."""
    weights: Floats
    """3 x k x n: what the leaves below count for the edge's feature."""
    features: Ints
    """s: the column that the split reads."""
    thresholds: Floats
    """s: numbers up to it go left."""
    decisions: Ints
    """s: LightGBM's decision_type: bit 0 = categorical, bit 1 = nulls go left, bits 2 and 3 = what is null."""
    first_words: Ints
    """s: where the bit set of a categorical split begins in `words`."""
    last_words: Ints
    """s: where it ends."""
    words: Ints
    """Bit sets of the codes that go left, 32 bits each."""


class Forest(NamedTuple):
    """The trees of a booster that have a split, and the mean log-odds of its training rows."""

    trees: tuple[Tree, ...]
    expected: float

    @property
    def leaves(self) -> int:
        """Leaves of all trees: what explaining one row costs."""
        return sum(len(tree.values) - len(tree.features) for tree in self.trees)


def read(text: str) -> Forest:
    """The trees of a booster's text, which must be sound (`riskscore.models.booster_text`): nothing is checked here."""
    trees, expected = [], 0.0
    for section in text[: text.index("\nend of trees")].split("\nTree=")[1:]:
        entries = dict(line.split("=", 1) for line in section.splitlines()[1:] if line)
        leaves = _floats(entries, "leaf_value")
        if len(leaves) == 1:
            expected += float(leaves[0])
            continue
        rows = _ints(entries, "leaf_count")
        expected += float((leaves * rows).sum() / rows.sum())
        trees.append(_tree(entries, leaves))
    return Forest(tuple(trees), expected)


def _tree(entries: Mapping[str, str], leaves: Floats) -> Tree:
    features = _ints(entries, "split_feature")
    parents, is_left = _edges(entries, len(features))
    columns = features[parents]
    above, points = _above(parents, columns)
    ratios, weights = _tables(_kept(entries, parents, above), above, points)
    first, last = _bit_sets(entries)
    return Tree(
        parents, above, is_left, columns, np.concatenate([np.zeros(len(features)), leaves]), ratios, weights,
        features, _floats(entries, "threshold"), _ints(entries, "decision_type"), first, last,
        _ints(entries, "cat_threshold"),
    )  # fmt: skip


def _edges(entries: Mapping[str, str], splits: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Parent of each node, and whether it is the left child; LightGBM writes a leaf as ~index."""
    parents, is_left = np.zeros(2 * splits + 1, np.int64), np.zeros(2 * splits + 1, np.bool_)
    for name in ("left_child", "right_child"):
        child = _ints(entries, name)
        node = np.where(child < 0, splits + ~child, child)
        parents[node], is_left[node] = np.arange(splits), name == "left_child"
    return parents, is_left


def _above(parents: Ints, columns: Ints) -> tuple[Ints, int]:
    """The nearest edge above of the same feature, and how many points the longest path asks for."""
    above, different = [0] * len(parents), [0] * len(parents)
    up, column = parents.tolist(), columns.tolist()
    for node in range(1, len(up)):
        at = up[node]
        while at and column[at] != column[node]:
            at = up[at]
        above[node], different[node] = at, different[up[node]] + (at == 0)
    return np.array(above), (max(different) + 1) // 2


def _kept(entries: Mapping[str, str], parents: Ints, above: Ints) -> Floats:
    """Share of the training rows that the path's splits on the edge's feature keep, down to each node."""
    rows = np.concatenate([_floats(entries, "internal_count"), _floats(entries, "leaf_count")])
    share = _over(rows, rows[parents])
    for node in range(1, len(share)):
        share[node] *= share[above[node]]
    return share


def _tables(kept: Floats, above: Ints, points: int) -> tuple[Floats, Floats]:
    """Ratios and weights of every edge, see `Tree`; a feature not met before is one that kept everything."""
    t, mass = _quadrature(points)
    z, y = kept[:, None], kept[above][:, None]
    passes, fails = t + (1 - t) * z, (1 - t) * z
    passed, failed = t + (1 - t) * y, (1 - t) * y
    ratios = np.stack([passes / passed, fails / passed, _over(fails, failed)])
    before = (1 - y) / passed
    lost = np.broadcast_to(-1 / (1 - t), passes.shape)
    return ratios, mass * np.stack([(1 - z) / passes - before, lost - before, np.zeros_like(passes)])


@cache
def _quadrature(points: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre points between 0 and 1, and their weights."""
    places, masses = np.polynomial.legendre.leggauss(points)
    return (places + 1) / 2, masses / 2


def _over(upper: Floats, lower: Floats) -> Floats:
    """Upper / lower; 0 where no training row was left."""
    return np.divide(upper, lower, out=np.zeros(np.broadcast_shapes(upper.shape, lower.shape)), where=lower > 0)


def _bit_sets(entries: Mapping[str, str]) -> tuple[Ints, Ints]:
    """Where each split's bit set begins and ends; a categorical split's threshold is the number of its set."""
    categorical = _ints(entries, "decision_type") & 1
    number = np.where(categorical, np.nan_to_num(_floats(entries, "threshold"), posinf=0.0), 0).astype(np.int64)
    bounds = _ints(entries, "cat_boundaries") if "cat_boundaries" in entries else np.zeros(2, np.int64)
    return bounds[number * categorical], bounds[number * categorical + 1]


def _floats(entries: Mapping[str, str], name: str) -> Floats:
    return np.array(entries.get(name, "").split(), dtype=np.float64)


def _ints(entries: Mapping[str, str], name: str) -> Ints:
    return np.array(entries.get(name, "").split(), dtype=np.int64)
