"""The story: simulate a country, ingest its past, train, then live through the last days one morning at a time."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskscore import simulator
from riskscore.errors import WorkspaceError
from riskscore.frames import as_frame
from riskscore.ledger import live_on
from riskscore.pipelines.demo.comparison import PolicyResult, compare
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.oversight import oversight
from riskscore.pipelines.report import report as worklist
from riskscore.pipelines.score import score
from riskscore.pipelines.train import Trained, train
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from riskscore.pipelines.score_day import DayResult
    from riskscore.simulator import SimulatedWorld

    Report = Callable[[str, int, int], None]

WEEKS = 40
PER_DAY = 500
SCORED_DAYS = 14
"""Days lived through after training, the last ones of the country."""

_MARK = ".riskscore-demo"


@dataclass(frozen=True, slots=True)
class Story:
    """What the demo did: the model, the days, and how the policies compare on them."""

    workspace: Workspace
    world: SimulatedWorld
    trained: Trained
    days: list[DayResult]
    live: int
    hazardous: int
    comparison: list[PolicyResult]
    pages: dict[str, Path]
    """What there is to open: worklist of the last morning, and oversight."""


def run_demo(
    root: Path,
    *,
    seed: int = 1,
    threads: int = 1,
    weeks: int = WEEKS,
    per_day: int = PER_DAY,
    scored_days: int = SCORED_DAYS,
    report: Report | None = None,
) -> Story:
    """Run the whole job in a fresh workspace at `root`.

    Raises:
        WorkspaceError: `root` holds something that no demo made; an earlier demo's folder is replaced.
    """
    tell = report or _silence
    workspace = _fresh(root, threads)
    world = simulator.simulate(
        root / "world", weeks=weeks, per_day=per_day, seed=seed,
        progress=lambda done, total: tell("simulating a country", done, total),
    )  # fmt: skip
    first = world.last_day - timedelta(days=scored_days - 1)
    _ingest_past(workspace, world, first, tell)
    trained = train(workspace, first, tell)
    days = _live_through(workspace, world, first, scored_days, tell)
    tell("comparing with the truth", 0, 1)
    shipments = _shipments_of(workspace, days)
    traders = pq.read_table(world.traders).to_pandas()
    comparison = compare(world, [day.recommendations for day in days], shipments, traders)
    truths = simulator.truth(world)
    hazardous = int(truths.loc[truths["shipment_id"].isin(shipments["shipment_id"]), "any"].sum())
    tell("writing the pages", 0, 1)
    pages = {
        "worklist": worklist(workspace, days[-1].run.run_date, standing=True).folder / "worklist.html",
        "oversight": oversight(workspace).folder / "oversight.html",
    }
    return Story(workspace, world, trained, days, len(shipments), hazardous, comparison, pages)


def _silence(stage: str, done: int, total: int) -> None:
    """A progress report nobody watches."""
    del stage, done, total


def _fresh(root: Path, threads: int) -> Workspace:
    if root.exists() and any(root.iterdir()):
        if not (root / _MARK).is_file():
            raise WorkspaceError(
                "this folder is not empty and no demo made it", where=str(root), fix="choose a new one with --workspace"
            )
        shutil.rmtree(root)
    made = Workspace.create(root)
    (root / _MARK).touch()
    return Workspace(made.root, threads)


def _ingest_past(workspace: Workspace, world: SimulatedWorld, first: date, tell: Report) -> None:
    """Everything before the first scored day; of exams, those of shipments that arrived before it.

    Post-entry events are ingested whole: each carries the day on which it becomes known.
    """
    tell("ingesting the past", 0, 3)
    ingest(workspace, "traders", [world.traders])
    ingest(workspace, "post-entry", [world.post_entry])
    days = (first - world.first_day).days
    past = [world.manifest(world.first_day + timedelta(days=at)) for at in range(days)]
    tell("ingesting the past", 1, 3)
    ingest(workspace, "manifest", past)
    tell("ingesting the past", 2, 3)
    outcomes = pq.read_table(world.outcomes)
    truths = pq.read_table(world.path / "truth.parquet", columns=["shipment_id", "arrival_date"])
    before = truths.filter(pc.less(truths["arrival_date"], pa.scalar(first)))["shipment_id"]
    kept = world.path / "outcomes_before_scoring.parquet"
    pq.write_table(outcomes.filter(pc.is_in(outcomes["shipment_id"], before.combine_chunks())), kept)
    ingest(workspace, "outcomes", [kept])
    tell("ingesting the past", 3, 3)


def _live_through(
    workspace: Workspace, world: SimulatedWorld, first: date, count: int, tell: Report
) -> list[DayResult]:
    """Score each day on its own morning, hold the exams it recommends, and learn what they found when it is known."""
    days = []
    for at in range(count):
        morning = first + timedelta(days=at)
        tell(f"scoring {morning.isoformat()}", at, count)
        [day] = score(workspace, [world.manifest(morning)], morning)
        days.append(day)
        found = workspace.root / "exams" / f"{morning.isoformat()}.parquet"
        published = workspace.out / "recommendations" / f"run_date={morning.isoformat()}"
        simulator.simulate_exams(world, published, found)
        ingest(workspace, "outcomes", [found])
    tell("scoring", count, count)
    return days


def _shipments_of(workspace: Workspace, days: list[DayResult]) -> pd.DataFrame:
    """The shipments as they were scored."""
    with workspace.ledger(read_only=True) as ledger:
        tables = [live_on(ledger.connection, day.run.run_date, day.run.position) for day in days]
    live = [table.filter(pc.not_equal(table["action"], "deleted")) for table in tables]
    frame = as_frame(pa.concat_tables(live))
    return frame.assign(arrival_date=frame["arrival_date"].dt.date)
