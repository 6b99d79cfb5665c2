"""One small simulated country, ingested and trained once per test session; tests work on copies of its workspace."""

from __future__ import annotations

import csv
import hashlib
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskscore import simulator
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.score import score
from riskscore.pipelines.train import train
from riskscore.publication import recommendations_path
from riskscore.tables import SHIPMENTS
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from riskscore.pipelines.score_day import DayResult
    from riskscore.simulator import SimulatedWorld

SETTINGS = """
[selection]
seed = 5
[model]
trees = 20
min_positives = 4
"""


@dataclass(frozen=True)
class Country:
    """A world on disk and a workspace that knows it up to the morning of `day`, with a model trained then."""

    world: SimulatedWorld
    root: Path
    day: date

    def copy(self, to: Path, toml: str = SETTINGS) -> Workspace:
        """The trained workspace, copied to `to`, configured by `toml`."""
        shutil.copytree(self.root, to)
        (to / "riskscore.toml").write_text(toml, encoding="utf-8")
        return Workspace.open(to, threads=1)

    @property
    def manifest(self) -> Path:
        """The file of the day to score."""
        return self.world.manifest(self.day)

    def rows(self, day: date | None = None) -> list[dict[str, Any]]:
        """Rows of a day's manifest file."""
        return pq.ParquetFile(self.world.manifest(day or self.day)).read().to_pylist()


@cache
def country(base: Path) -> Country:
    """Simulate, ingest everything before the last three days, and train; `base` is the session's folder."""
    world = simulator.simulate(base / "world", weeks=8, per_day=60, seed=3)
    day = world.last_day - timedelta(2)
    past = [world.manifest(world.first_day + timedelta(n)) for n in range((day - world.first_day).days)]
    together = pa.concat_tables([pq.ParquetFile(path).read() for path in past])
    pq.write_table(together, base / "past.parquet")
    workspace = Workspace.create(base / "trained")
    (workspace.root / "riskscore.toml").write_text(SETTINGS, encoding="utf-8")
    ingest(workspace, "manifest", [base / "past.parquet"])
    ingest(workspace, "traders", [world.traders])
    ingest(workspace, "post-entry", [world.post_entry])
    # Exams of the days to score are left to the recommendations: one shipment is not examined by both.
    outcomes = pq.ParquetFile(world.outcomes).read()
    pq.write_table(outcomes.filter(pc.less(outcomes["exam_date"], pa.scalar(day))), base / "outcomes.parquet")
    ingest(workspace, "outcomes", [base / "outcomes.parquet"])
    train(workspace, day)
    return Country(world, workspace.root, day)


def run(workspace: Workspace, files: Path | list[Path], day: date | None, **options: Any) -> DayResult:
    """Score one day."""
    [result] = score(workspace, files if isinstance(files, list) else [files], day, **options)
    return result


def published(workspace: Workspace, day: date) -> Path:
    """The day's recommendations file."""
    return recommendations_path(workspace.out, day)


def sha256(path: Path) -> str:
    """Digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def position(workspace: Workspace) -> int:
    """Ledger position."""
    with workspace.ledger(read_only=True) as ledger:
        return ledger.position


def write_csv(path: Path, rows: list[dict[str, Any]], *lines: str) -> Path:
    """Rows as CSV with all shipments columns (absent = empty), then raw lines."""
    with path.open("w", newline="", encoding="utf-8") as sink:
        writer = csv.DictWriter(sink, SHIPMENTS.names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        sink.writelines(f"{line}\n" for line in lines)
    return path
