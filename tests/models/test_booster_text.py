from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from riskscore.errors import ModelError
from riskscore.models.booster_text import read
from riskscore.models.trained import as_features


def boost(rows=600, trees=5, **params):
    """A booster of x, y and the code z, and its data."""
    rng = np.random.default_rng(2)
    matrix = np.column_stack([rng.normal(size=(rows, 2)), rng.integers(0, 70, rows)])
    matrix[::7, 1] = np.nan
    label = ((matrix[:, 2] % 3 == 0) | (matrix[:, 0] > 1)).astype(float)
    settings = {
        "objective": "binary",
        "num_threads": 1,
        "num_leaves": 8,
        "verbosity": -1,
        "min_data_per_group": 5,
        "cat_smooth": 1,
    }
    data = lgb.Dataset(matrix, label, categorical_feature=[2])
    return lgb.train(settings | params, data, trees).model_to_string()


FEATURES = as_features(["x", "y", "z"], ["z"])


@pytest.fixture(scope="module")
def text():
    return boost()


@pytest.mark.parametrize(
    "params",
    [{}, {"monotone_constraints": [1, -1, 0]}, {"min_data_in_leaf": 400}, {"extra_trees": True, "num_leaves": 31},
     {"max_cat_to_onehot": 100}, {"use_missing": False}, {"zero_as_missing": True}, {"scale_pos_weight": 3.0}],
)  # fmt: skip
def test_what_lightgbm_writes_is_read_as_lightgbm_reads_it(params):
    text = boost(**params)
    told = lgb.Booster(model_str=text).dump_model()

    def walk(node):
        if "split_index" not in node:
            return
        yield node
        for side in ("left_child", "right_child"):
            yield from walk(node[side])

    nodes = [
        node
        for tree in told["tree_info"]
        for node in sorted(walk(tree["tree_structure"]), key=lambda node: node["split_index"])
    ]
    splits = read(text, FEATURES)
    assert [split.column for split in splits] == [node["split_feature"] for node in nodes]
    for split, node in zip(splits, nodes, strict=True):
        if node["decision_type"] == "==":
            assert "||".join(map(str, split.codes)) == node["threshold"]
        else:
            assert split.threshold == node["threshold"]


def line(text, name, change, tree=0):
    """`text` with one array of a tree changed, and the size of that tree put right."""
    lines = text.split("\n")
    place = [n for n, content in enumerate(lines) if content.startswith(f"{name}=")][tree]
    old = lines[place]
    lines[place] = f"{name}=" + " ".join(change(old.removeprefix(f"{name}=").split(" ")))
    at = next(n for n, content in enumerate(lines) if content.startswith("tree_sizes="))
    sizes = lines[at].removeprefix("tree_sizes=").split(" ")
    sizes[tree] = str(int(sizes[tree]) + len(lines[place]) - len(old))
    lines[at] = "tree_sizes=" + " ".join(sizes)
    return "\n".join(lines)


def put(place, value):
    return lambda array: [*array[:place], value, *array[place + 1 :]]


def test_the_helper_keeps_a_text_readable(text):
    assert read(line(text, "leaf_value", put(0, "0.5")), FEATURES)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("left_child", put(0, "0"), "children of tree 0"),
        ("left_child", put(1, "99"), "children of tree 0"),
        ("right_child", put(0, "-40"), "children of tree 0"),
        ("right_child", lambda array: array[::-1], "children of tree 0"),
        ("split_feature", put(0, "3"), "split_feature of tree 0"),
        ("split_feature", put(0, "-1"), "split_feature of tree 0"),
        ("split_feature", put(0, "99999999999999999999999"), "split_feature of tree 0"),
        ("decision_type", put(0, "3"), "decision_type of tree 0"),
        ("decision_type", put(0, "12"), "decision_type of tree 0"),
        ("threshold", put(0, "1e400"), "threshold of tree 0"),
        ("threshold", put(0, "5000"), "threshold of tree 0"),
        ("threshold", put(1, "1_0"), "tree 0"),
        ("leaf_value", put(0, "nan"), "tree 0"),
        ("leaf_value", put(0, "inf"), "tree 0"),
        ("leaf_value", put(0, "1.2.3"), "booster is not a text"),
        ("leaf_value", put(0, ""), "booster is not a text"),
        ("leaf_value", lambda array: array[:-1], "leaf_value of tree 0"),
        ("leaf_count", lambda array: [*array, "1"], "leaf_count of tree 0"),
        ("internal_value", lambda array: array[1:], "internal_value of tree 0"),
        ("cat_boundaries", put(1, "0"), "cat_boundaries of tree 0"),
        ("cat_boundaries", put(-1, "900"), "cat_boundaries of tree 0"),
        ("cat_threshold", put(0, "4294967296"), "cat_boundaries of tree 0"),
        ("num_leaves", put(0, "9"), "of tree 0"),
        ("num_leaves", put(0, "0"), "of tree 0"),
        ("num_cat", put(0, "0"), "cat_boundaries of tree 0"),
        ("is_linear", put(0, "1"), "tree 0"),
    ],
)
def test_a_tree_that_is_not_one_is_refused(text, name, change, message):
    with pytest.raises(ModelError, match=f"{message}.*: any"):
        read(line(text, name, change), FEATURES, "any")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "the header"),
        (lambda text: text.replace("version=v4", "version=v3"), "the header"),
        (lambda text: text.replace("num_class=1", "num_class=2", 1), "the header"),
        (lambda text: text.replace("objective=binary", "objective=poisson", 1), "the header"),
        (lambda text: text.replace("feature_names=Column_0", "feature_names=Spalte_ä"), "the header"),
        (lambda text: text.replace("max_feature_idx=2", "max_feature_idx=3"), "made for 4 features"),
        (lambda text: text.replace("feature_names=Column_0 ", "feature_names="), "made for 3 features"),
        (lambda text: text.replace("tree_sizes=", "tree_sizes=1 "), "tree 0"),
        (lambda text: text.replace("Tree=1\n", "Tree=2\n"), "tree 1"),
        (lambda text: text[: len(text) // 2], "tree|what follows"),
        (lambda text: text.replace("end of trees", "Tree=5"), "what follows"),
        (lambda text: text.replace("end of parameters", "[x: 1"), "what follows"),
        (lambda text: text.replace("pandas_categorical:null", "pandas_categorical:[[1]]"), "what follows"),
        (lambda text: text + "\n", "what follows"),
        (lambda text: text.replace("[data: ]", "[data: \x1b]"), "what follows"),
    ],
)
def test_another_text_is_refused(text, change, message):
    with pytest.raises(ModelError, match=message):
        read(change(text), FEATURES)


def test_a_numeric_split_of_a_code_is_refused(text):
    with pytest.raises(ModelError, match="decision_type"):
        read(text, as_features(["x", "y", "z"]))
