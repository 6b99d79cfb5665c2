"""What each group of features is worth: recall at capacity with all of them, and without one group at a time.

    python benches/ablation.py --seeds 1,2,3,4,5
    python benches/ablation.py --markdown

Each seed makes a country in which a census examines a share of the past fully, so that there are labels enough to
learn every planted effect (riskscore/simulator/planted.py plants one for each group). History is replayed once,
features are built once; then the `any` booster is trained on what was known before the split, with all features and
without each group, and ranks ALL shipments of the later weeks, examined or not. Recall is the share of the truly
hazardous shipments that is among the 5 % of each day that score highest, ties by expectation. Losses are paired within
a seed; intervals are 95 % t-intervals over seeds.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
from harness import counts, head, parser, save, scratch, show, t_interval

from riskscore import config, features, models, simulator
from riskscore.frames import as_frame, epoch_days
from riskscore.ledger import read_mornings
from riskscore.pipelines.ingest import FEEDS, ingest
from riskscore.pipelines.past import Past
from riskscore.pipelines.train import read_labelled
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from riskscore.simulator import SimulatedWorld

    Floats = NDArray[np.float64]

CAPACITY = 0.05
"""Share of each day's shipments that can be examined."""

SETTINGS = config.Model(holdout_share=0.1)
"""As the product's, but most labels are fitted on: the late weeks serve as the evaluation here."""

TESTED_SHARE = 0.3
"""Share of the weeks, the last ones, that are ranked and never learned from."""


@dataclass(frozen=True)
class Size:
    """A country's size, and the share of its past that the census examines."""

    weeks: int
    per_day: int
    census: float

    @property
    def tested_weeks(self) -> int:
        """Weeks after the split."""
        return max(1, round(self.weeks * TESTED_SHARE))


@dataclass(frozen=True)
class Case:
    """One country, ready to train on: features of all rows, labels of the early ones, truth of the late ones."""

    frame: pd.DataFrame
    days: NDArray[np.int64]
    labels: pd.DataFrame
    late: pd.DataFrame
    split: date


def run(seed: int, size: Size) -> dict[str, Any]:
    """Figures of one country: shipments, hazardous, and per model its recall overall and of each planted effect."""
    with scratch() as folder:
        case = _prepare(folder, seed, size)
    groups = list(dict.fromkeys(feature.concept for feature in features.catalogue()))
    models_without: list[str | None] = [None, *groups]
    recall = {group or "full": _recall(case, group) for group in models_without}
    late = case.late
    return {
        "seed": seed,
        "labelled": len(case.labels),
        "ranked": len(late),
        "hazardous": int(late["any"].sum()),
        "planted": {group: int((late["planted"] == group).sum()) for group in groups},
        "recall": recall,
    }


def _prepare(folder: Path, seed: int, size: Size) -> Case:
    world = simulator.simulate(folder / "world", weeks=size.weeks, per_day=size.per_day, seed=seed, census=size.census)
    split = world.last_day + timedelta(days=1 - 7 * size.tested_weeks)
    workspace = _filled(folder / "workspace", world)
    with workspace.ledger(read_only=True) as ledger:
        position = ledger.position
        early, labels = read_labelled(workspace, ledger, split, position)
        truth = simulator.truth(world).set_index("shipment_id")
        asked = pa.array(truth.index[pd.to_datetime(truth["arrival_date"]).dt.date >= split], pa.string())
        end = world.last_day + timedelta(days=1)
        late = as_frame(read_mornings(ledger.connection, asked, end, position), index="shipment_id")
        shipments = pd.concat([early, late])
        frame = features.build(shipments, Past(workspace, ledger).of_replay(shipments, end, position))
    return Case(frame, epoch_days(shipments["arrival_date"]), labels, _late(truth, late), split)


def _filled(root: Path, world: SimulatedWorld) -> Workspace:
    """A workspace that knows everything the country knows."""
    workspace = Workspace.create(root)
    files = {"shipments": world.manifests, "traders": world.traders, "outcomes": world.outcomes}
    files["post_entry"] = world.post_entry
    for feed, table in FEEDS.items():
        if table in files:  # reviews are decisions, which a country does not file
            ingest(workspace, feed, [files[table]])
    return workspace


def _late(truth: pd.DataFrame, shipments: pd.DataFrame) -> pd.DataFrame:
    """Truth and day of the ranked shipments: any, planted, arrival_date."""
    return truth.loc[shipments.index, ["any", "planted", "arrival_date"]]


def _recall(case: Case, without: str | None) -> dict[str, float]:
    """Recall at capacity of the model without a group: of all hazardous shipments, and of each planted effect."""
    kept = [feature for feature in features.catalogue() if feature.concept != without]
    frame = case.frame[[feature.name for feature in kept]]
    early = ~frame.index.isin(case.late.index)
    trained = models.train(
        frame[early],
        case.labels[["any", "weight", "uncorrected"]],
        case.days[early],
        SETTINGS,
        categorical=[feature.name for feature in kept if feature.categorical],
        as_of=case.split,
    )
    scores = models.Model(trained).predict(frame.loc[case.late.index])["any"].to_numpy()
    chosen = selected(scores, pd.factorize(case.late["arrival_date"])[0], CAPACITY)
    hazardous = case.late["any"].to_numpy(dtype=bool)
    planted = case.late["planted"].to_numpy(dtype=object)
    found = {"all": float(chosen[hazardous].mean())}
    for group in sorted({group for group in planted if isinstance(group, str)}):
        found[group] = float(chosen[planted == group].mean())
    return found


def selected(scores: ArrayLike, day: ArrayLike, share: float) -> Floats:
    """Chance that each row is among the `share` of its day that scores highest; tied rows share what is left.

    >>> selected([3.0, 1.0, 1.0, 0.0], [0, 0, 0, 0], 0.5)
    array([1. , 0.5, 0.5, 0. ])
    """
    rows = pd.DataFrame({"day": day, "score": scores})
    tied = rows.groupby(["day", "score"]).size().rename("size").reset_index().sort_values(["day", "score"])
    above = tied[::-1].groupby("day")["size"].cumsum()[::-1] - tied["size"]
    slots = tied["day"].map(rows.groupby("day").size()) * share
    tied["chance"] = ((slots - above) / tied["size"]).clip(0, 1)
    chance: Floats = rows.merge(tied, on=["day", "score"], how="left")["chance"].to_numpy()
    return chance


def table(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per group: features, planted shipments ranked, and the paired figures over seeds with their intervals."""
    sizes = pd.Series([feature.concept for feature in features.catalogue()]).value_counts()
    return [
        {
            "group": group,
            "features": int(sizes[group]),
            "planted": sum(seed["planted"][group] for seed in found),
            "lost": _paired(found, group, "all"),
            "full": t_interval([seed["recall"]["full"].get(group, 0.0) for seed in found]),
            "without": t_interval([seed["recall"][group].get(group, 0.0) for seed in found]),
            "planted_lost": _paired(found, group, group),
        }
        for group in found[0]["planted"]
    ]


def _paired(found: Sequence[dict[str, Any]], group: str, of: str) -> tuple[float, float, float]:
    """Recall of `of` with all features less that without `group`, seed by seed."""
    return t_interval([seed["recall"]["full"].get(of, 0.0) - seed["recall"][group].get(of, 0.0) for seed in found])


COLUMNS = ("group removed", "features", "recall of all lost", "planted", "found with", "found without", "lost")


def cells(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The table as text, in points of recall."""
    return [
        [
            row["group"],
            str(row["features"]),
            _points(row["lost"]),
            str(row["planted"]),
            f"{row['full'][0]:.0%}",
            f"{row['without'][0]:.0%}",
            _points(row["planted_lost"]),
        ]
        for row in rows
    ]


def _points(figure: tuple[float, float, float]) -> str:
    mean, low, high = (100 * bound for bound in figure)
    return f"{mean:.1f} ({low:.1f} to {high:.1f})"


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The table for docs/features.md."""
    body = [COLUMNS, ["---"] * len(COLUMNS), *cells(rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in body)


def main() -> int:
    """Run with the seeds and sizes named on the command line."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=counts, default="1,2,3,4,5", help="one country each")
    options.add_argument("--weeks", type=int, default=40)
    options.add_argument("--per-day", type=int, default=400, help="mean shipments a day")
    options.add_argument("--census", type=float, default=0.5, help="share of the past examined fully")
    options.add_argument("--workers", type=int, default=2, help="countries at a time")
    options.add_argument("--markdown", action="store_true", help="print the table of docs/features.md")
    given = options.parse_args()
    size = Size(given.weeks, given.per_day, given.census)
    head(
        f"ablation: {len(given.seeds)} countries of {size.weeks} weeks, {size.per_day} a day, census {size.census:.0%}"
    )
    with ProcessPoolExecutor(given.workers) as pool:
        found = list(pool.map(partial(run, size=size), given.seeds))
    rows = table(found)
    overall = t_interval([seed["recall"]["full"]["all"] for seed in found])
    print(f"recall of all hazardous shipments with every feature: {_points(overall)} %")
    if given.markdown:
        print(markdown(rows))
    else:
        show("Points of recall lost without each group, with 95 % t-intervals over seeds", COLUMNS, cells(rows))
    save("ablation", {"size": vars(given), "seeds": found, "table": rows})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
