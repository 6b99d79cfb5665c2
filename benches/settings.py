"""What each choice of the training settings is worth: recall of simulated countries with one of them changed.

    python benches/settings.py --seeds 1,2,3,4,5
    python benches/settings.py --scenarios steady,break --keep build/cases

Each seed makes a country of the demo's size; the `any` booster is trained on what its customs examined before the split
and ranks ALL shipments of the later weeks. Recall is the share of truly hazardous shipments among the 5 % of each day
that score highest; AUC is of the same truth; differences to the defaults are paired within a country, with 95 %
t-intervals over countries.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from ablation import CAPACITY, selected
from categoricals import RAW, Size, case_of
from harness import counts, head, parser, save, show, t_interval
from sklearn.metrics import roc_auc_score

from riskscore import config, features, models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from categoricals import Case

CHOICES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "no random splits": {"random_splits": False},
    "every feature in every tree": {"feature_share": 1.0},
    "l2 1": {"l2": 1.0},
    "l2 10": {"l2": 10.0},
    "300 trees": {"trees": 300},
    "7 leaves": {"leaves": 7},
    "no weights in fitting": {"max_weight": 1.0},
    "weights up to 5": {"max_weight": 5.0},
    "weights up to 50": {"max_weight": 50.0},
    "half-life of 12 weeks": {"half_life_days": 84.0},
}
"""The defaults of config.Model, and what is changed in each of the others."""

NO_SIGNS = "no monotone signs"
EARLY_ONLY = "fitted on the first 80 % of days"


def run(case: tuple[str, int], *, size: Size, keep: Path | None) -> dict[str, tuple[float, float]]:
    """Recall and AUC per choice in one country."""
    scenario, seed = case
    country = case_of(seed, scenario, size, keep)
    signs = features.monotone()
    found = {name: _figures(country, config.Model(**changed), signs) for name, changed in CHOICES.items()}
    found[NO_SIGNS] = _figures(country, config.Model(), {})
    found[EARLY_ONLY] = _figures(_early_days(country, 0.8), config.Model(), signs)
    return found


def _early_days(case: Case, share: float) -> Case:
    """The country without the labels of its last examined days: what a model not fitted anew on them knows."""
    facts, days = case.facts, case.early()["day"]
    newer = ~facts["late"] & (facts["day"] > days.quantile(share))
    return type(case)(case.frame[~newer], facts[~newer])


def _figures(case: Case, settings: config.Model, monotone: dict[str, int]) -> tuple[float, float]:
    early, late = case.early(), case.late()
    frame = case.frame.drop(columns=list(RAW))
    trained = models.train(
        frame.loc[early.index],
        early[["any", "weight", "uncorrected"]],
        early["day"].to_numpy(),
        settings,
        categorical=[feature.name for feature in features.catalogue() if feature.categorical],
        monotone=monotone,
    )
    scores = models.Model(trained).predict(frame.loc[late.index])["any"].to_numpy()
    hazardous = late["hazardous"].to_numpy(dtype=bool)
    chosen = selected(scores, late["day"].to_numpy(), CAPACITY)
    return float(chosen[hazardous].mean()), float(roc_auc_score(hazardous, scores))


def table(found: Sequence[dict[str, tuple[float, float]]]) -> list[list[str]]:
    """Per choice: recall, its difference to the defaults, and AUC."""
    rows = []
    for name in found[0]:
        recall, auc = (t_interval([country[name][at] for country in found]) for at in (0, 1))
        paired = t_interval([country[name][0] - country["defaults"][0] for country in found])
        gain = (
            "" if name == "defaults" else f"{100 * paired[0]:+.1f} ({100 * paired[1]:+.1f} to {100 * paired[2]:+.1f})"
        )
        rows.append([name, f"{recall[0]:.1%}", gain, f"{auc[0]:.3f}"])
    return rows


def main() -> int:
    """Run with the seeds and scenarios named on the command line."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=counts, default="1,2,3,4,5", help="one country each")
    options.add_argument("--scenarios", default="steady", help="steady, break, stealth")
    options.add_argument("--keep", type=Path, default=None, help="folder in which made countries are kept")
    options.add_argument("--workers", type=int, default=2, help="countries at a time")
    given = options.parse_args()
    cases = list(product(given.scenarios.split(","), given.seeds))
    head(f"settings: {len(cases)} countries, {given.scenarios}")
    with ProcessPoolExecutor(given.workers) as pool:
        found = list(pool.map(partial(run, size=Size(), keep=given.keep), cases))
    rows = table(found)
    show("With one setting changed", ("changed", "recall at 5 %", "points gained", "AUC"), rows)
    save("settings", {"cases": cases, "found": pd.DataFrame(found).to_dict("records")})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
