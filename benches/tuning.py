"""By what should trials of `riskscore train --tune` be chosen? By what chose settings that ranked later weeks well.

    python benches/tuning.py --seeds 1,2 --trials 14
    python benches/tuning.py --scenarios break --keep build/cases

In each country (benches/categoricals.py makes them) the default settings and random draws from the search space are
scored as `models.tuning.tune` does, after three origins among the labelled days, by several criteria; and each
forecasts ALL shipments of the four weeks after the split, whose truth is known. Per criterion:

- rank correlation (Spearman) over the settings of a country between its score and the recall at 5 % of the later weeks;
- points of that recall gained by going over from random settings to what the criterion chooses from all;
- the same if a choice must be better after every origin (`guarded`), from random settings and from the defaults.

With --single the defaults are held against themselves with one setting changed instead.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import categoricals
import numpy as np
import optuna
from ablation import CAPACITY, selected
from categoricals import CATEGORICAL, RAW, Size, add_countries, case_of, design_of, figures, prepared
from harness import head, parser, save, show
from scipy.stats import spearmanr

from riskscore import config
from riskscore.models import evaluation, tuning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from riskscore.simulator import Scenario

    Floats = NDArray[np.float64]

ORIGINS, CLIPS, MOST_ROUNDS = 3, (1.0, 10.0, 30.0, 500.0), 300
"""As `tune` has them; clips of the weights a score is made with; and of the search space, to save time."""


def criteria(chance: Floats, labels: Floats, weights: Floats) -> dict[str, float]:
    """Scores of a forecast, higher is better."""
    made = {}
    for clip in CLIPS:
        weight = np.minimum(weights, clip)
        made[f"log loss, weights to {clip:.0f}"] = -evaluation.log_loss(chance, labels, weight)
        made[f"AUC, weights to {clip:.0f}"] = evaluation.auc(chance, labels, weight)
        made[f"recall at 5 %, weights to {clip:.0f}"] = _recall(chance, labels, weight)
    return made


def _recall(chance: Floats, labels: Floats, weights: Floats) -> float:
    """Weighted share of the positives in the weighted 5 % that score highest; the row at the edge counts in part."""
    order = np.argsort(-chance, kind="stable")
    weight, positive = weights[order], (weights * labels)[order]
    above = np.cumsum(weight) - weight
    inside = np.clip((CAPACITY * weight.sum() - above) / weight, 0, 1)
    return float((inside * positive).sum() / positive.sum())


def drawn(trials: int, weights: Floats, seed: int = 11) -> Iterator[config.Model]:
    """The defaults, then random settings from the search space of `tune`."""
    settings = config.Model()
    space = tuning.search_space(settings, weights)
    space["trees"] = optuna.distributions.IntDistribution(50, MOST_ROUNDS, log=True)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    yield settings
    for _ in range(1, trials):
        asked = study.ask(dict(space)).params
        yield settings.model_copy(update={name: tuning.rounded(value) for name, value in asked.items()})


SINGLE: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "l2 = 10": {"l2": 10.0},
    "feature_share = 0.8": {"feature_share": 0.8},
    "random_splits = false": {"random_splits": False},
    "trees = 400": {"trees": 400},
    "max_weight = 1": {"max_weight": 1.0},
    "max_weight = 100": {"max_weight": 100.0},
    "half_life_days = 84": {"half_life_days": 84.0},
}
"""Settings that differ from the defaults in one."""


def single(what: tuple[int, Scenario], size: Size, keep: Path | None) -> dict[str, Any]:
    """Figures of one country by setting."""
    seed, scenario = what
    case = case_of(seed, scenario, size, keep)
    frame = case.frame.drop(columns=list(RAW))
    settings = {name: config.Model().model_copy(update=change) for name, change in SINGLE.items()}
    ways = {name: figures(case, frame, CATEGORICAL, chosen) for name, chosen in settings.items()}
    return {"seed": seed, "scenario": scenario, "ways": ways}


def run(what: tuple[int, Scenario], trials: int, size: Size, keep: Path | None) -> dict[str, Any]:
    """Scores after each origin and recall of the later weeks, by setting, of one country."""
    seed, scenario = what
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    case = case_of(seed, scenario, size, keep)
    frame = case.frame.drop(columns=list(RAW))
    rows, final = prepared(case, frame)
    known = rows.days < final.origin
    hazardous = case.late().sort_values(["day", "shipment_id"])["hazardous"].to_numpy(dtype=bool)
    tried = []
    for settings in drawn(trials, rows.weights[known]):
        design = design_of(frame, CATEGORICAL, settings)
        scores = []
        for fold in tuning.rolling(rows.days[known], ORIGINS):
            tested = fold.tested(rows)
            scores.append(criteria(tuning.forecast(rows, fold, design), rows.labels[tested], rows.weights[tested]))
        chosen = selected(tuning.forecast(rows, final, design), rows.days[final.tested(rows)], CAPACITY)
        tried.append({"settings": settings.model_dump(), "origins": scores, "recall": float(chosen[hazardous].mean())})
    return {"seed": seed, "scenario": scenario, "trials": tried}


COLUMNS = ("criterion", "rank correlation", "points gained", "guarded", "guarded, from the defaults")


def cells(found: Sequence[dict[str, Any]]) -> list[list[str]]:
    """One row per criterion, means over countries."""
    names = found[0]["trials"][0]["origins"][0]
    rows = []
    for name in names:
        figures = np.mean([_of_country(one["trials"], name) for one in found], axis=0)
        rows.append([name, f"{figures[0]:.2f}", *(f"{figure:+.1f}" for figure in figures[1:])])
    return rows


def _of_country(trials: Sequence[dict[str, Any]], name: str) -> list[float]:
    scores = np.array([[origin[name] for origin in trial["origins"]] for trial in trials])
    recall, mean = 100 * np.array([trial["recall"] for trial in trials]), scores.mean(axis=1)
    gained = []
    for start in range(len(trials)):
        better = (scores > scores[start]).all(axis=1)
        choice = np.where(better, mean, -np.inf).argmax() if better.any() else start
        gained.append(recall[choice] - recall[start])
    return [float(spearmanr(mean, recall)[0]), recall[mean.argmax()] - recall.mean(), np.mean(gained), gained[0]]


def main() -> int:
    """Run with the seeds and sizes named on the command line."""
    options = parser(__doc__)
    add_countries(options, seeds="1,2")
    options.add_argument("--trials", type=int, default=14, help="settings per country, the defaults included")
    options.add_argument("--single", action="store_true", help="change the defaults one by one instead")
    given = options.parse_args()
    countries = list(product(given.seeds, given.scenarios.split(",")))
    head(f"tuning: {len(countries)} countries of {given.weeks} weeks, {given.per_day} a day, {given.trials} settings")
    size = Size(given.weeks, given.per_day)
    job = partial(single, size=size, keep=given.keep)
    if not given.single:
        job = partial(run, trials=given.trials, size=size, keep=given.keep)
    with ProcessPoolExecutor(given.workers) as pool:
        found = list(pool.map(job, countries))
    if given.single:
        show(
            "The defaults with one setting changed", ("settings", *categoricals.COLUMNS[1:]), categoricals.cells(found)
        )
    else:
        show("What criteria choose, judged by the recall of later weeks", COLUMNS, cells(found))
    save("tuning_single" if given.single else "tuning", found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
