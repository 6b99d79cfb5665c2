"""LightGBM's text format (v4), read strictly: what is not exactly as LightGBM writes it is refused.

The digest vouches for the bytes and the canary for the golden rows. This vouches for the rows the canary does not
see: LightGBM itself checks neither the lengths of arrays nor where a child index points, so a damaged text may load,
predict some rows, and read outside its memory or go round for ever on another. It also tells the canary where the
boosters split.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from riskscore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from riskscore.models.trained import Feature

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_HEADER = re.compile(
    r"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
    r"max_feature_idx=(?P<last>\d{1,6})\nobjective=binary sigmoid:1\nfeature_names=(?P<names>[\w ]+)\n"
    r"(?:monotone_constraints=(?P<signs>[-01 ]+)\n)?feature_infos=(?P<infos>[^\n]+)\ntree_sizes=(?P<sizes>[\d ]+)\n\n",
    re.ASCII,
)
_TAIL = re.compile(
    r"end of trees\n\nfeature_importances:\n(?:Column_\d+=\d+\n)*\nparameters:\n(?:\[\w+: [ -~]*\]\n)*\n"
    r"end of parameters\n\npandas_categorical:null\n",
    re.ASCII,
)

# Arrays of a tree, in order; their lengths: one per split, or one per leaf.
_OF_SPLITS = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
_OF_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_OF_NODES = ("internal_value", "internal_weight", "internal_count")
_INTEGERS = {"split_feature", "decision_type", "left_child", "right_child", "leaf_count", "internal_count"}
# A random split may part what is known from what is null: its threshold is inf.
_FORMS = dict.fromkeys(_INTEGERS, "[-0-9 ]*") | {"threshold": "(?:inf|[-+0-9.e ])*"}
_LINES = "".join(
    rf"{name}=(?P<{name}>{_FORMS.get(name, '[-+0-9.e ]*')})\n" for name in (*_OF_SPLITS, *_OF_LEAVES, *_OF_NODES)
)
_TREE = re.compile(
    rf"Tree=(?P<number>\d+)\nnum_leaves=(?P<leaves>\d{{1,6}})\nnum_cat=(?P<sets>\d{{1,6}})\n{_LINES}"
    r"(?:cat_boundaries=(?P<bounds>[0-9 ]+)\ncat_threshold=(?P<words>[0-9 ]+)\n)?"
    r"is_linear=0\nshrinkage=[-+0-9.e]+\n\n\n"
)

# decision_type: bit 0 = categorical, bit 1 = nulls go left, bits 2 and 3 = what is null (none, zero, NaN).
# Where nulls go is never written of a categorical split.
_CATEGORICAL = 1
_DECISIONS = (0, 2, 4, 6, 8, 10, 1, 5, 9)
_WORD = 32


@dataclass(frozen=True, slots=True)
class Split:
    """One split: its column, and the threshold of a numeric one or the codes of a categorical one that go left."""

    column: int
    threshold: float
    codes: tuple[int, ...]


def read(text: str, features: Sequence[Feature], where: str = "") -> list[Split]:
    """The splits of every tree of a booster of `features`, in order.

    Args:
        text: as LightGBM writes it.
        features: what its columns are; a categorical split of a numeric column is refused, and the other way round.
        where: named in errors, such as the target.

    Raises:
        ModelError: the text is not exactly of LightGBM's form: other keys, arrays of another length, a number that
            is not finite, an index out of range, children that do not make a tree.
    """
    try:
        return [split for match in _trees(text, len(features)) for split in _splits(match, features)]
    except (ValueError, OverflowError) as error:
        what = f"the booster is not a text as LightGBM writes it: {error}"
        raise ModelError(what, where=where, fix="train again, with the LightGBM of this installation") from None


def _trees(text: str, columns: int) -> list[re.Match[str]]:
    header = _HEADER.match(text)
    if not text.isascii() or header is None:
        raise ValueError("the header")
    widths = {len(header[name].split(" ")) for name in ("names", "infos", "signs") if header[name]}
    if int(header["last"]) + 1 != columns or widths != {columns}:
        message = f"made for {int(header['last']) + 1} features, but the manifest lists {columns}"
        raise ValueError(message)
    matches, place = [], header.end()
    for number, size in enumerate(map(int, header["sizes"].split(" "))):
        match = _TREE.fullmatch(text, place, place + size)
        if match is None or int(match["number"]) != number:
            message = f"tree {number}"
            raise ValueError(message)
        matches.append(match)
        place += size
    if _TAIL.fullmatch(text, place) is None:
        raise ValueError("what follows the trees")
    return matches


def _splits(tree: re.Match[str], features: Sequence[Feature]) -> list[Split]:
    leaves = int(tree["leaves"])
    arrays = {name: _numbers(tree, name, leaves - 1) for name in (*_OF_SPLITS, *_OF_NODES)}
    for name in _OF_LEAVES:
        # A tree of one leaf, a constant, has no weights.
        _numbers(tree, name, 0 if leaves == 1 and not tree[name] and name != "leaf_value" else leaves)
    _require_tree(tree, arrays["left_child"], arrays["right_child"], leaves)
    _require(tree, "split_feature", np.isin(arrays["split_feature"], np.arange(len(features))).all())
    _require(tree, "decision_type", np.isin(arrays["decision_type"], _DECISIONS).all())
    columns, decisions = (arrays[name].astype(np.int64) for name in ("split_feature", "decision_type"))
    categorical = decisions & _CATEGORICAL == 1
    expected = np.array([feature.kind == "categorical" for feature in features])
    _require(tree, "decision_type", (expected[columns] == categorical).all())
    sets = _code_sets(tree)
    chosen = arrays["threshold"][categorical]
    _require(tree, "threshold", np.isin(chosen, np.arange(len(sets))).all())
    return [
        Split(int(column), float(threshold), sets[int(threshold)] if coded else ())
        for column, threshold, coded in zip(columns, arrays["threshold"], categorical, strict=True)
    ]


def _numbers(tree: re.Match[str], name: str, length: int) -> Floats:
    numbers = np.array(tree[name].split(" ") if tree[name] else [], dtype=np.float64)
    allowed = np.isfinite(numbers) | (np.isposinf(numbers) if name == "threshold" else False)
    _require(tree, name, len(numbers) == length and allowed.all())
    return numbers


def _require_tree(tree: re.Match[str], left: Floats, right: Floats, leaves: int) -> None:
    """Every node but the root and every leaf (~index) is the child of one node, and of an earlier one."""
    children = np.sort(np.concatenate([left, right]))
    every = np.concatenate([np.arange(-leaves, 0), np.arange(1, leaves - 1)])
    _require(tree, "children", np.array_equal(children, every[: len(children)]))
    place = np.arange(leaves - 1)
    _require(tree, "children", all(((side < 0) | (side > place)).all() for side in (left, right)))


def _code_sets(tree: re.Match[str]) -> list[tuple[int, ...]]:
    """Codes that each categorical split sends left: bit sets of 32-bit words."""
    count = int(tree["sets"])
    if not count:
        _require(tree, "cat_boundaries", tree["bounds"] is None)
        return []
    _require(tree, "cat_boundaries", tree["bounds"] is not None)
    bounds, words = (np.array(tree[name].split(" "), dtype=np.int64) for name in ("bounds", "words"))
    _require(tree, "cat_boundaries", len(bounds) == count + 1 and bounds[0] == 0 and bounds[-1] == len(words))
    _require(tree, "cat_boundaries", (np.diff(bounds) > 0).all() and (words < 2**_WORD).all())
    return [_codes(words[start:end]) for start, end in pairwise(bounds)]


def _codes(words: Ints) -> tuple[int, ...]:
    bits = np.arange(_WORD * len(words))
    return tuple(bits[words[bits // _WORD] >> bits % _WORD & 1 == 1].tolist())


def _require(tree: re.Match[str], name: str, holds: object) -> None:
    if not holds:
        message = f"{name} of tree {tree['number']}"
        raise ValueError(message)
