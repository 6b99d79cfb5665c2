"""Native categoricals against numbers made of them: codes as they are, and smoothed target encodings.

    python benches/categoricals.py --seeds 1,2,3,4,5
    python benches/categoricals.py --scenarios steady,break --keep build/cases

Each seed makes a country whose past was examined as its customs did: by rules, and at random. The `any` booster is
trained on what was known before the split, once per way of giving it the same columns, and forecasts ALL shipments of
the later weeks, examined or not. Recall is the share of truly hazardous shipments among the 5 % of each day that score
highest; AUC is of the same truth; log loss is of what a full exam of every shipment would have found. Differences are
paired within a country; intervals are 95 % t-intervals over countries.

A target encoding of a row is (sum of weighted labels of its category + strength x base) / (sum of weights + strength),
over labels that were known before the row arrived, base being the weighted share of positives among them (and 2 % to
begin with): it is made point in time, and no row's own label is in it.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from ablation import CAPACITY, selected
from ablation import _filled as filled
from harness import counts, head, parser, save, scratch, show, t_interval
from sklearn.metrics import log_loss, roc_auc_score

from riskscore import config, features, simulator
from riskscore.frames import as_frame, epoch_days
from riskscore.ledger import outcomes_known, read_mornings
from riskscore.models import boosting, tuning
from riskscore.pipelines.past import Past
from riskscore.pipelines.train import read_labelled

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from riskscore.simulator import Scenario, SimulatedWorld

    Floats = NDArray[np.float64]
    Days = NDArray[np.int64]

CATEGORICAL = [feature.name for feature in features.catalogue() if feature.categorical]
"""The catalogue's categorical features: eleven, of 2 to some 50 codes."""

SETTINGS = config.Model()
"""The product's defaults."""

RAW = ("port", "origin_country", "heading")
"""Columns of more codes, to see whether they would earn a place; heading is the first four digits of `hts`."""

BASE = 0.02
"""Share of positives before anything is known; `strength` labels of it."""

STRENGTHS = (20.0, 200.0)
"""Pseudo-labels at the base rate that a category's own labels are held against."""


@dataclass(frozen=True)
class Size:
    """A country's size; the last `tested_weeks` are forecast and never learned from."""

    weeks: int = 26
    per_day: int = 400
    tested_weeks: int = 4


@dataclass(frozen=True)
class Case:
    """One country, ready to train on.

    Attributes:
        frame: features of the labelled early shipments and of all late ones; `port`, `origin_country` and `heading`
            beside them, as codes.
        facts: by shipment of `frame`: day, late (bool), known (day the label became known), any (label, early rows),
            weight, uncorrected, hazardous (bool, late rows: the truth), found (bool, late rows: what a full exam
            would have found).
    """

    frame: pd.DataFrame
    facts: pd.DataFrame

    def early(self) -> pd.DataFrame:
        """Facts of the labelled rows."""
        return self.facts[~self.facts["late"]]

    def late(self) -> pd.DataFrame:
        """Facts of the rows that are forecast."""
        return self.facts[self.facts["late"]]


def case_of(seed: int, scenario: Scenario, size: Size, keep: Path | None = None) -> Case:
    """The country of `seed`, made, or read from the folder `keep` where an earlier run left it."""
    if keep is None:
        with scratch() as folder:
            return _made(folder, seed, scenario, size)
    home = keep / f"{scenario}-{seed}-{size.weeks}-{size.per_day}-{size.tested_weeks}"
    if not home.exists():
        with scratch() as folder:
            case = _made(folder, seed, scenario, size)
        home.mkdir(parents=True)
        case.frame.to_parquet(home / "frame.parquet")
        case.facts.to_parquet(home / "facts.parquet")
    return Case(pd.read_parquet(home / "frame.parquet"), pd.read_parquet(home / "facts.parquet"))


def _made(folder: Path, seed: int, scenario: Scenario, size: Size) -> Case:
    world = simulator.simulate(folder / "world", weeks=size.weeks, per_day=size.per_day, seed=seed, scenario=scenario)
    split = world.last_day + timedelta(days=1 - 7 * size.tested_weeks)
    end = world.last_day + timedelta(days=1)
    workspace = filled(folder / "workspace", world)
    truth = simulator.truth(world).set_index("shipment_id")
    with workspace.ledger(read_only=True) as ledger:
        position = ledger.position
        early, labels = read_labelled(workspace, ledger, split, position)
        known = as_frame(outcomes_known(ledger.connection, split, position)).groupby("shipment_id")["known_at"].max()
        asked = pa.array(truth.index[pd.to_datetime(truth["arrival_date"]).dt.date >= split], pa.string())
        late = as_frame(read_mornings(ledger.connection, asked, end, position), index="shipment_id")
        shipments = pd.concat([early, late])
        frame = features.build(shipments, Past(workspace, ledger).of_replay(shipments, end, position))
    facts = pd.DataFrame({"day": epoch_days(shipments["arrival_date"]), "late": False}, index=frame.index)
    facts.loc[late.index, "late"] = True
    facts["known"] = (pd.to_datetime(known.reindex(frame.index)) - pd.Timestamp(0)).dt.days
    facts = facts.join(labels[["any", "weight", "uncorrected"]]).join(_truth(world, truth, late))
    return Case(frame.join(_codes(shipments)), facts)


def _truth(world: SimulatedWorld, truth: pd.DataFrame, late: pd.DataFrame) -> pd.DataFrame:
    """Of each late shipment: hazardous, and found, by an intensive exam had it had one."""
    picks = pd.DataFrame({"shipment_id": late.index.to_numpy(dtype=object), "exam_type": "intensive"})
    found = simulator.findings(world, picks)["any"].to_numpy()
    return pd.DataFrame({"hazardous": truth.loc[late.index, "any"].to_numpy(), "found": found}, index=late.index)


def _codes(shipments: pd.DataFrame) -> pd.DataFrame:
    """`RAW`, each as codes in alphabetical order."""
    columns = shipments.assign(heading=shipments["hts"].str[:4])[list(RAW)]
    codes = {name: pd.factorize(columns[name], sort=True)[0].astype(float) for name in RAW}
    return pd.DataFrame(codes, index=shipments.index).where(lambda code: code >= 0)


def encoded(codes: pd.Series, facts: pd.DataFrame, strength: float) -> Floats:
    """The target encoding of each row: see above. A null is a category like any other.

    >>> facts = pd.DataFrame({"day": [1, 2, 9, 9], "known": [5, 5, 20, None], "any": [1.0, 0.0, 1.0, None]})
    >>> facts["weight"], facts["late"] = 1.0, [False, False, False, True]
    >>> encoded(pd.Series([0.0, 1.0, 0.0, 0.0]), facts, strength=2.0).round(3).tolist()
    [0.02, 0.02, 0.507, 0.507]
    """
    known = facts["any"].notna().to_numpy()
    told = pd.DataFrame({"category": codes.fillna(-1).to_numpy(), "day": facts["known"].to_numpy()})[known]
    told["weight"] = facts["weight"].to_numpy()[known] / facts["weight"].to_numpy()[known].mean()
    told["hits"] = told["weight"] * facts["any"].to_numpy()[known]
    split = facts.loc[facts["late"], "day"].min()
    asked = pd.DataFrame({"category": codes.fillna(-1).to_numpy(), "day": facts["day"].clip(upper=split).to_numpy()})
    base_hits, base_weight = _before(told.assign(category=0), asked.assign(category=0))
    base = (base_hits + BASE * strength) / (base_weight + strength)
    hits, weight = _before(told, asked)
    return np.asarray((hits + base * strength) / (weight + strength))


def _before(told: pd.DataFrame, asked: pd.DataFrame) -> tuple[Floats, Floats]:
    """Hits and weights of the category that became known on days before each row asked about."""
    sums = told.groupby(["category", "day"])[["hits", "weight"]].sum().groupby("category").cumsum().reset_index()
    sums["day"] = sums["day"].astype(np.int64)
    rows = asked.assign(row=np.arange(len(asked)), day=asked["day"].astype(np.int64)).sort_values("day")
    sums = sums.sort_values("day")
    joined = pd.merge_asof(rows, sums, on="day", by="category", allow_exact_matches=False).sort_values("row")
    return joined["hits"].fillna(0.0).to_numpy(), joined["weight"].fillna(0.0).to_numpy()


def variants(case: Case) -> dict[str, tuple[pd.DataFrame, list[str]]]:
    """By name, the frame to train on and its native categoricals."""
    plain = case.frame.drop(columns=list(RAW))
    ways = {"native": (plain, CATEGORICAL), "codes as numbers": (plain, [])}
    for strength in STRENGTHS:
        ways[f"target, strength {strength:.0f}"] = (_replaced(plain, CATEGORICAL, case, strength), [])
    both = _replaced(plain, CATEGORICAL, case, STRENGTHS[0]).add_suffix("_te")[[f"{name}_te" for name in CATEGORICAL]]
    ways["native and target"] = (plain.join(both), CATEGORICAL)
    more = [*CATEGORICAL, *RAW]
    ways["with port, origin, heading: native"] = (case.frame, more)
    ways["with port, origin, heading: target"] = (_replaced(case.frame, more, case, STRENGTHS[0]), [])
    return ways


def _replaced(frame: pd.DataFrame, names: Sequence[str], case: Case, strength: float) -> pd.DataFrame:
    return frame.assign(**{name: encoded(frame[name], case.facts, strength) for name in names})


def prepared(case: Case, frame: pd.DataFrame) -> tuple[tuning.Rows, tuning.Fold]:
    """Early rows with a label and all late rows, theirs being what was found; and the morning that divides them."""
    facts = case.facts[case.facts["late"] | case.facts["any"].notna()].sort_values(["day", "shipment_id"])
    late = facts["late"].to_numpy()
    split = int(facts["day"][late].min())
    rows = tuning.Rows(
        frame.loc[facts.index].to_numpy(dtype=np.float64),
        np.where(late, facts["found"].eq(True), facts["any"]).astype(np.float64),
        facts["weight"].fillna(1.0).to_numpy(),
        facts["day"].to_numpy(dtype=np.int64),
        facts["known"].fillna(split).to_numpy(dtype=np.int64),
    )
    return rows, tuning.Fold(split, int(facts["day"].max()) + 1)


def design_of(frame: pd.DataFrame, categorical: Sequence[str], settings: config.Model) -> boosting.Design:
    """How to boost on the columns of `frame`."""
    columns = [at for at, name in enumerate(frame) if name in categorical]
    return boosting.Design(settings, tuple(columns), (0,) * frame.shape[1], threads=1)


def figures(
    case: Case, frame: pd.DataFrame, categorical: Sequence[str], settings: config.Model = SETTINGS
) -> dict[str, float]:
    """Recall at capacity, AUC and log loss (nats) of the forecast of the late weeks."""
    rows, fold = prepared(case, frame)
    tested = fold.tested(rows)
    scores = tuning.forecast(rows, fold, design_of(frame, categorical, settings))
    hazardous = case.late().sort_values(["day", "shipment_id"])["hazardous"].to_numpy(dtype=bool)
    chosen = selected(scores, rows.days[tested], CAPACITY)
    return {
        "recall": float(chosen[hazardous].mean()),
        "auc": float(roc_auc_score(hazardous, scores)),
        "log_loss": float(log_loss(rows.labels[tested], scores)),
    }


def run(what: tuple[int, Scenario], size: Size, keep: Path | None) -> dict[str, Any]:
    """Figures of one country, by way of giving it the columns."""
    seed, scenario = what
    case = case_of(seed, scenario, size, keep)
    ways = {name: figures(case, *way) for name, way in variants(case).items()}
    return {"seed": seed, "scenario": scenario, "labelled": len(case.early()), "ways": ways}


COLUMNS = ("columns given as", "recall at 5 %, points more", "AUC more", "log loss more, nats / 1,000")


def cells(found: Sequence[dict[str, Any]]) -> list[list[str]]:
    """One row per way; the first as it is, the others as differences from it, paired within a country."""
    first, *others = found[0]["ways"]
    scale = {"recall": 100.0, "auc": 1.0, "log_loss": 1000.0}
    as_is = [f"{scale[name] * np.mean([one['ways'][first][name] for one in found]):.4g}" for name in scale]
    rows = [[f"{first} (as it is)", *as_is]]
    for way in others:
        gained = {n: [one["ways"][way][n] - one["ways"][first][n] for one in found] for n in scale}
        rows.append([way, *(_interval([scale[n] * gain for gain in gained[n]]) for n in scale)])
    return rows


def _interval(values: Sequence[float]) -> str:
    mean, low, high = t_interval(values)
    return f"{mean:+.3g} ({low:+.3g} to {high:+.3g})"


def add_countries(options: argparse.ArgumentParser, seeds: str) -> None:
    """The options of a bench over countries: seeds, scenarios, weeks, per_day, workers and keep."""
    options.add_argument("--seeds", type=counts, default=seeds, help="one country each")
    options.add_argument("--scenarios", default="steady,break", help="each with every seed")
    options.add_argument("--weeks", type=int, default=26)
    options.add_argument("--per-day", type=int, default=400, help="mean shipments a day")
    options.add_argument("--workers", type=int, default=2, help="countries at a time")
    options.add_argument("--keep", type=Path, help="folder to keep countries in, and to find them again")


def main() -> int:
    """Run with the seeds and sizes named on the command line."""
    options = parser(__doc__)
    add_countries(options, seeds="1,2,3,4")
    given = options.parse_args()
    countries = list(product(given.seeds, given.scenarios.split(",")))
    head(f"categoricals: {len(countries)} countries of {given.weeks} weeks, {given.per_day} a day")
    with ProcessPoolExecutor(given.workers) as pool:
        job = partial(run, size=Size(given.weeks, given.per_day), keep=given.keep)
        found = list(pool.map(job, countries))
    show("The later weeks forecast, with 95 % t-intervals over countries", COLUMNS, cells(found))
    save("categoricals", found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
