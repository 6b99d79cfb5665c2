"""Ways to turn a booster's scores into probabilities, held against what full exams would find in the whole population.

    python benches/calibration.py --seeds 1,2,3,4
    python benches/calibration.py --scenarios break --keep build/cases

In each country (benches/categoricals.py makes them) the `any` booster learns from what was known before the split.
Calibrators are fitted as in training: on scores of the labelled rows by boosters of other days. Then ALL shipments of
the later weeks, examined or not, get a probability, held against what an intensive exam of each would have found.

ECE is the mean distance between the mean probability and the share found, over ten groups of equal size. Differences
are paired within a country; intervals are 95 % t-intervals over countries.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from categoricals import CATEGORICAL, RAW, Size, add_countries, case_of, design_of, prepared
from harness import head, parser, save, show, t_interval
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

from riskscore import config
from riskscore.models import boosting, calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from riskscore.models.tuning import Fold, Rows
    from riskscore.simulator import Scenario

    Floats = NDArray[np.float64]
    Calibrator = Callable[[Floats], Floats]

FOLDS = 4
"""Stretches of days, each scored by a booster of the others, as in models/training.py."""

GROUPS = 10
"""Groups of equal size in the ECE."""

TOP = 0.05
"""Share of the population that scores highest, looked at on its own."""


def none(_log_odds: Floats, _labels: Floats, _weights: Floats) -> Calibrator:
    """The booster's own probability."""
    return expit


def constant(_log_odds: Floats, labels: Floats, weights: Floats) -> Calibrator:
    """Everybody the same: the share of positives."""
    share = np.average(labels, weights=weights)
    return lambda scores: np.full(len(scores), share)


def isotonic(log_odds: Floats, labels: Floats, weights: Floats) -> Calibrator:
    """A step function that never falls."""
    return IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(log_odds, labels, weights).predict  # type: ignore[no-any-return]


def beta(log_odds: Floats, labels: Floats, weights: Floats, prior: float = 0.0) -> Calibrator:
    """Beta calibration (Kull, Silva Filho and Flach 2017): log-odds = a ln p - b ln(1 - p) + c, a and b at least 0.

    Args:
        log_odds: raw scores.
        labels: 1.0 or 0.0.
        weights: scaled to a mean of 1.
        prior: 1 = normal priors on a, b and c as models/calibration.py has them; 0 = maximum likelihood, as published.
    """
    terms = np.array([log_expit(log_odds), -log_expit(-log_odds), np.ones(len(log_odds))])
    weights = weights / weights.mean()
    mean, spread = np.array([1.0, 1.0, 0.0]), np.array([0.5, 0.5, 3.0])

    def loss(at: Floats) -> tuple[float, Floats]:
        line, off = at @ terms, (at - mean) / spread
        slack = weights * (expit(line) - labels)
        value = (weights * (np.logaddexp(0, line) - labels * line)).sum() + prior * (off**2).sum() / 2
        return float(value), terms @ slack + prior * off / spread

    at = minimize(loss, mean, jac=True, method="L-BFGS-B", bounds=[(0, None), (0, None), (None, None)]).x
    return lambda scores: expit(at @ np.array([log_expit(scores), -log_expit(-scores), np.ones(len(scores))]))


METHODS: dict[str, Callable[[Floats, Floats, Floats], Calibrator]] = {
    "Platt": calibration.fit,
    "beta": beta,
    "beta with a prior": partial(beta, prior=1.0),
    "isotonic": isotonic,
    "none": none,
    "constant": constant,
}

CLIPS = (500.0, 100.0, 30.0, 10.0, 1.0)
"""Clips of the weights that the calibrators are fitted with, the product's first; 1 = no weights."""


def scored(rows: Rows, fold: Fold, design: boosting.Design) -> tuple[Floats, Floats]:
    """Raw scores of the known rows, each by a booster of other days, and of the tested rows by one of all known."""
    known = fold.fitted(rows)
    raw = np.zeros(len(known))
    for part in np.array_split(np.unique(rows.days[known]), FOLDS):
        left_out = known & np.isin(rows.days, part)
        booster = boosting.boost(rows.sample(known & ~left_out, design.settings), None, design).booster
        raw[left_out] = boosting.log_odds(booster, rows.matrix[left_out], 1)
    final = boosting.boost(rows.sample(known, design.settings), None, design).booster
    return raw[known], boosting.log_odds(final, rows.matrix[fold.tested(rows)], 1)


def figures(probability: Floats, found: Floats) -> dict[str, float]:
    """ECE, log loss (nats), predicted over true, and the same among those that score highest.

    >>> made = figures(np.array([0.1] * 10 + [0.4] * 10), np.array([0.0] * 9 + [1.0] + [0.0] * 6 + [1.0] * 4))
    >>> made["ratio"].round(3)
    np.float64(1.0)
    """
    order = np.argsort(probability, kind="stable")
    groups = np.array_split(order, GROUPS)
    gaps = [abs(probability[group].mean() - found[group].mean()) * len(group) for group in groups]
    top = order[-max(1, round(TOP * len(order))) :]
    return {
        "ece": sum(gaps) / len(order),
        "log_loss": log_loss(found, np.clip(probability, 1e-9, 1 - 1e-9)),
        "ratio": probability.mean() / found.mean(),
        "top_ratio": probability[top].mean() / max(found[top].mean(), 1 / len(top)),
    }


def run(what: tuple[int, Scenario], size: Size, keep: Path | None) -> dict[str, Any]:
    """Figures of one country, by method, with and without weights in its fit."""
    seed, scenario = what
    case = case_of(seed, scenario, size, keep)
    frame = case.frame.drop(columns=list(RAW))
    rows, fold = prepared(case, frame)
    settings = config.Model()
    plain = settings.model_copy(update={"max_weight": 1.0})
    ways = _calibrated(rows, fold, design_of(frame, CATEGORICAL, settings), METHODS, "")
    ways |= _calibrated(
        rows, fold, design_of(frame, CATEGORICAL, plain), {"Platt": calibration.fit}, "; booster without"
    )
    found = rows.labels[fold.tested(rows)]
    return {"seed": seed, "scenario": scenario, "found": float(found.mean()), "ways": ways}


def _calibrated(
    rows: Rows, fold: Fold, design: boosting.Design, methods: dict[str, Any], remark: str
) -> dict[str, dict[str, float]]:
    """Figures by method and clip of the weights; only Platt is tried with every clip."""
    known, found = fold.fitted(rows), rows.labels[fold.tested(rows)]
    raw, later = scored(rows, fold, design)
    ways = {}
    for name, fit in methods.items():
        for clip in {"Platt": CLIPS, "none": CLIPS[:1]}.get(name, (CLIPS[0], CLIPS[-1])):
            probability = fit(raw, rows.labels[known], np.minimum(rows.weights[known], clip))(later)
            ways[f"{name}{_said(name, clip)}{remark}"] = figures(probability, found)
    return ways


def _said(name: str, clip: float) -> str:
    weights = f", weights to {clip:.0f}" if clip > 1 else ", no weights"
    return "" if name == "none" else weights


COLUMNS = (
    "calibrator",
    "ECE",
    "log loss, nats / 1,000",
    "log loss more than the first",
    "predicted / true",
    "in the top 5 %",
)


def cells(found: Sequence[dict[str, Any]]) -> list[list[str]]:
    """One row per way, means over countries; log loss also as a difference from the first way, country by country."""
    first = next(iter(found[0]["ways"]))
    rows = []
    for way in found[0]["ways"]:
        made = {name: [one["ways"][way][name] for one in found] for name in found[0]["ways"][way]}
        more = [1000 * (one["ways"][way]["log_loss"] - one["ways"][first]["log_loss"]) for one in found]
        rows.append(
            [
                way,
                f"{np.mean(made['ece']):.4f}",
                f"{1000 * np.mean(made['log_loss']):.1f}",
                "" if way == first else "{:+.1f} ({:+.1f} to {:+.1f})".format(*t_interval(more)),
                f"{np.mean(made['ratio']):.2f} ({min(made['ratio']):.2f} to {max(made['ratio']):.2f})",
                f"{np.mean(made['top_ratio']):.2f} ({min(made['top_ratio']):.2f} to {max(made['top_ratio']):.2f})",
            ]
        )
    return rows


def main() -> int:
    """Run with the seeds and sizes named on the command line."""
    options = parser(__doc__)
    add_countries(options, seeds="1,2,3,4")
    given = options.parse_args()
    countries = list(product(given.seeds, given.scenarios.split(",")))
    head(f"calibration: {len(countries)} countries of {given.weeks} weeks, {given.per_day} a day")
    with ProcessPoolExecutor(given.workers) as pool:
        job = partial(run, size=Size(given.weeks, given.per_day), keep=given.keep)
        found = list(pool.map(job, countries))
    for scenario in given.scenarios.split(","):
        chosen = [one for one in found if one["scenario"] == scenario]
        title = f"{scenario}: {len(chosen)} countries; ranges are of the lowest and highest country"
        show(title, COLUMNS, cells(chosen))
    save("calibration", found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
