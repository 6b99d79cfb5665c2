"""Reasons: how fast exact contributions are, what a day of them costs, and how stable the top concept is.

    python benches/explanation.py
    python benches/explanation.py --shapes 300x31 --rows 2000 --seeds 1 --weeks 12

Speed is rows per CPU-second of one thread on boosters of as many trees and leaves, learned from made-up rows with
nulls and categories: LightGBM's pred_contrib, shap where it is installed, and the compiled kernel, in one process.
Compiling is counted apart: once per process.

A day is selected shipments explained in words, features as many as the catalogue has, six boosters of 150 x 15.

Stability: in each simulated country the `any` booster is fitted to 10 bootstrap samples of the labelled rows, and each
explains the later shipments that the booster of all rows ranks in its top 5 %. Their top concept is the one that raises
the score most. A pair of refits that names concepts at random would agree in 1 of 14.
"""

from __future__ import annotations

import time
from itertools import combinations
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from categoricals import CATEGORICAL, RAW, SETTINGS, Size, add_countries, case_of, design_of, prepared
from harness import counts, head, parser, save, show, t_interval

from riskscore import features
from riskscore.models import boosting, forest
from riskscore.models.calibration import Calibrator
from riskscore.models.explanation import by_concept
from riskscore.models.scoring import Model
from riskscore.models.trained import TrainedBooster, TrainedModel, as_features
from riskscore.pipelines.explain import explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from categoricals import Case
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REFITS = 10
"""Bootstrap samples."""

TOP = 0.05
"""Share of the later shipments that is explained: those that would be examined."""

COLUMNS = 80
"""Columns of the made-up rows of the speed test."""

DAY = ("any", "narcotics", "ipr", "undervaluation", "agriculture", "pga_safety")
"""Targets of the day's model."""

CONCEPTS = {feature.name: feature.concept for feature in features.catalogue()}


def made_up(rows: int, columns: int, seed: int) -> tuple[Floats, Floats]:
    """Rows with nulls, zeros and codes in the first two columns, and labels that depend on some of it."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, columns))
    matrix[:, 0], matrix[:, 1] = rng.integers(0, 40, rows), rng.integers(0, 8, rows)
    matrix[:, 5] *= rng.random(rows) < 0.5
    matrix[rng.random(matrix.shape) < 0.15] = np.nan
    known = np.nan_to_num(matrix)
    line = known[:, 2] + np.sin(3 * known[:, 3]) * known[:, 4] + (matrix[:, 0] % 3 == 1) + np.isnan(matrix[:, 6]) - 3
    return matrix, (rng.random(rows) < 1 / (1 + np.exp(-line))).astype(np.float64)


def fitted(trees: int, leaves: int, columns: int = COLUMNS, seed: int = 0) -> lgb.Booster:
    """A booster of a given size."""
    matrix, labels = made_up(20_000, columns, seed)
    params = {"objective": "binary", "num_leaves": leaves, "learning_rate": 0.05, "verbosity": -1, "num_threads": 1}
    return lgb.train(params, lgb.Dataset(matrix, labels, categorical_feature=[0, 1]), trees)


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU-seconds of this process, and what came of it."""
    begin = time.process_time()
    made = work()
    return time.process_time() - begin, made


def speed(shape: str, rows: int) -> dict[str, Any]:
    """Rows per CPU-second of each way, and how far they are apart."""
    trees, leaves = counts(shape.replace("x", ","))
    booster = fitted(trees, leaves)
    matrix, _ = made_up(rows, COLUMNS, seed=5)
    few = matrix[: max(1, rows // 10)]  # the slow ways get fewer rows: their speed is the same for any number
    reading, trees_read = cpu(lambda: forest.read(booster.model_to_string()))
    from riskscore.models import treeshap

    compiling, _ = cpu(lambda: treeshap.contributions(trees_read, matrix[:1]))
    taken, ours = cpu(lambda: treeshap.contributions(trees_read, matrix))
    slow, expected = cpu(lambda: booster.predict(few, pred_contrib=True, num_threads=1))
    found = {
        "shape": shape,
        "pred_contrib": len(few) / slow,
        "ours": rows / taken,
        "largest_difference": float(np.abs(ours[: len(few)] - expected).max()),
        "compile_s": compiling,
        "read_s": reading,
    }
    return found | {"shap": shap_speed(booster, few)}


def shap_speed(booster: lgb.Booster, matrix: Floats) -> float | None:
    """Rows per CPU-second of shap's TreeExplainer, which asks LightGBM for these values; None: not installed."""
    try:
        import shap
    except ImportError:
        return None
    explainer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    taken, _ = cpu(lambda: explainer.shap_values(matrix, check_additivity=False))
    return len(matrix) / taken


def day(shipments: int) -> dict[str, float]:
    """CPU-seconds of a day's reasons in words; the first time with compiling, and again."""
    names = list(CONCEPTS)
    boosters = {
        target: TrainedBooster(
            boosting.without_threads(fitted(150, 15, len(names), seed).model_to_string()), Calibrator(1.0, 0.0), {}
        )
        for seed, target in enumerate(DAY)
    }
    model = Model(TrainedModel(as_features(names, names[:2]), boosters, {}))
    frame = pd.DataFrame(made_up(shipments, len(names), seed=9)[0], columns=names)
    hazards = pd.Series([DAY[at % len(DAY)] for at in range(shipments)], index=frame.index, dtype="str")
    first, _ = cpu(lambda: explain(model, frame, hazards))
    again, _ = cpu(lambda: explain(model, frame, hazards))
    return {"shipments": shipments, "first_s": first, "again_s": again}


def top_concepts(case: Case, refits: int = REFITS) -> NDArray[np.str_]:
    """Refits x shipments: the concept that raises the score most."""
    frame = case.frame.drop(columns=list(RAW))
    rows, fold = prepared(case, frame)
    design = design_of(frame, CATEGORICAL, SETTINGS)
    known, later = np.flatnonzero(fold.fitted(rows)), np.flatnonzero(fold.tested(rows))
    whole = _boosted(rows.sample(known, SETTINGS), design)
    scores = whole.predict(rows.matrix[later], raw_score=True)
    chosen = rows.matrix[later[np.argsort(-scores, kind="stable")[: max(1, int(TOP * len(later)))]]]
    rng = np.random.default_rng(0)
    return np.stack(
        [
            _top(_boosted(rows.sample(np.sort(rng.choice(known, len(known))), SETTINGS), design), chosen, list(frame))
            for _ in range(refits)
        ]
    )


def _boosted(sample: boosting.Sample, design: boosting.Design) -> lgb.Booster:
    return boosting.boost(sample, None, design).booster


def _top(booster: lgb.Booster, matrix: Floats, names: list[str]) -> NDArray[np.str_]:
    values = np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=1))[:, :-1]
    sums = by_concept(pd.DataFrame(values, columns=names), CONCEPTS)
    return sums.columns.to_numpy(dtype=str)[sums.to_numpy().argmax(axis=1)]


def stability(case: Case) -> dict[str, float]:
    """How often refits agree about the top concept."""
    tops = top_concepts(case)
    pairs = [float((tops[a] == tops[b]).mean()) for a, b in combinations(range(len(tops)), 2)]
    most = np.array([np.unique(column, return_counts=True)[1].max() for column in tops.T])
    return {
        "shipments": tops.shape[1],
        "pairs_agree": float(np.mean(pairs)),
        "same_in_most": float((most > len(tops) / 2).mean()),
        "same_in_all": float((most == len(tops)).mean()),
    }


def show_speed(found: list[dict[str, Any]]) -> None:
    """Rows per CPU-second, and the ratio to pred_contrib."""
    rows = [
        [
            each["shape"], f"{each['pred_contrib']:,.0f}", "-" if each["shap"] is None else f"{each['shap']:,.0f}",
            f"{each['ours']:,.0f}", f"{each['ours'] / each['pred_contrib']:.1f} x",
            f"{each['largest_difference']:.0e}", f"{each['compile_s']:.1f}",
        ]
        for each in found
    ]  # fmt: skip
    columns = ("trees x leaves", "pred_contrib", "shap", "ours", "ratio", "largest difference", "compiling, CPU-s")
    show("Exact contributions, rows per CPU-second", columns, rows)


def show_stability(found: list[dict[str, float]]) -> None:
    """Means over countries with 95 % t-intervals."""
    names = {
        "pairs_agree": "two refits name the same top concept",
        "same_in_most": "most of the 10 refits name the same",
        "same_in_all": "all 10 refits name the same",
    }
    rows = []
    for name, words in names.items():
        mean, low, high = t_interval([each[name] for each in found])
        rows.append([words, f"{mean:.2f} ({low:.2f} to {high:.2f})"])
    show(f"Top concept over {REFITS} bootstrap refits, share of shipments", ("", "share"), rows)


def main() -> int:
    """Run with the sizes named on the command line."""
    options = parser(__doc__)
    options.add_argument("--shapes", default="300x31,500x63", help="trees x leaves, comma-separated")
    options.add_argument("--rows", type=int, default=4000, help="rows of the speed test")
    options.add_argument("--shipments", type=int, default=5000, help="selected shipments of the day")
    add_countries(options, seeds="1,2,3")
    given = options.parse_args()
    head(f"explanation: {given.shapes}, {given.rows:,} rows")
    speeds = [speed(shape, given.rows) for shape in given.shapes.split(",")]
    show_speed(speeds)
    one_day = day(given.shipments)
    print(f"{given.shipments:,} shipments in words: {one_day['first_s']:.1f} CPU-s, again {one_day['again_s']:.1f}")
    size = Size(given.weeks, given.per_day)
    found = [
        stability(case_of(seed, scenario, size, given.keep))
        for scenario in given.scenarios.split(",")
        for seed in given.seeds
    ]
    show_stability(found)
    save("explanation", {"speed": speeds, "day": one_day, "stability": found})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
