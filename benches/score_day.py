"""The daily job: seconds per stage, by the size of the day, after a small country has been ingested and learned.

    python benches/score_day.py --shipments 1000,10000,50000

Each size is one day of its own, scored in a copy of the same workspace: shipments of the country's last days, repeated
under new identifiers, all arriving on one morning, with the snapshot that the day before has left. Stages are those of
the run record; `read and validate` is what comes before the transaction, the last row is everything else.
"""

from __future__ import annotations

import shutil
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from harness import counts, head, parser, save, scratch, show

from riskscore import simulator
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.intake import read_sources
from riskscore.pipelines.score import score
from riskscore.pipelines.train import train
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from riskscore.simulator import SimulatedWorld

_MODEL_DAYS = 10
"""Last days of the country whose shipments are repeated."""


def prepare(folder: Path, weeks: int, per_day: int, seed: int, threads: int) -> tuple[Workspace, SimulatedWorld]:
    """A workspace with a country's whole past and a model."""
    world = simulator.simulate(folder / "world", weeks=weeks, per_day=per_day, seed=seed)
    workspace = Workspace(Workspace.create(folder / "workspace").root, threads)
    ingest(workspace, "traders", [world.traders])
    ingest(workspace, "manifest", [world.manifests])
    ingest(workspace, "outcomes", [world.outcomes])
    train(workspace)
    return workspace, world


def a_day(world: SimulatedWorld, day: date, size: int, path: Path, prefix: str = "B") -> None:
    """Write a manifest of `size` shipments that all arrive on `day` and were filed the day before."""
    last = [world.manifest(world.last_day - timedelta(days=back)) for back in range(_MODEL_DAYS)]
    rows = pa.concat_tables([pq.ParquetFile(file).read() for file in last])
    good = pc.and_(pc.equal(rows["action"], "new"), pc.is_valid(rows["shipment_id"]))
    rows = rows.filter(good)
    rows = rows.take(pa.array(np.arange(size) % rows.num_rows))
    filed = datetime(day.year, day.month, day.day) - timedelta(hours=12)  # noqa: DTZ001 - UTC, as the table has it
    fresh = {
        "shipment_id": [f"{prefix}{number:07d}" for number in range(size)],
        "version": np.zeros(size, np.int64),
        "arrival_date": [day] * size,
        "filed_at": [filed] * size,
    }
    for name, values in fresh.items():
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, name, pa.array(values).cast(rows.schema.field(name).type))
    pq.write_table(rows, path)


def run(sizes: list[int], weeks: int, per_day: int, seed: int, threads: int = 1) -> list[dict[str, Any]]:
    """Per size: shipments scored, seconds of every stage, and of the whole."""
    with scratch() as folder:
        workspace, world = prepare(folder, weeks, per_day, seed, threads)
        yesterday = world.last_day + timedelta(days=1)
        # A small day before, as on any other morning: it leaves the snapshot that today starts from.
        a_day(world, yesterday, per_day, folder / "yesterday.parquet", prefix="Y")
        score(workspace, [folder / "yesterday.parquet"], yesterday)
        return [_score(folder, workspace, world, size, yesterday + timedelta(days=1)) for size in sizes]


def _score(folder: Path, workspace: Workspace, world: SimulatedWorld, size: int, day: date) -> dict[str, Any]:
    copy = Workspace(folder / f"copy-{size}", workspace.threads)
    shutil.copytree(workspace.root, copy.root)
    manifest = folder / f"{size}.parquet"
    a_day(world, day, size, manifest)
    begin = time.perf_counter()
    read_sources([manifest], "shipments", "auto", copy.config)
    reading = time.perf_counter() - begin
    begin = time.perf_counter()
    [result] = score(copy, [manifest], day)
    total = time.perf_counter() - begin
    stages = {"read and validate": reading} | result.run.record["durations_s"]
    stages["load model, publish, rest"] = total - sum(stages.values())
    shutil.rmtree(copy.root)
    return {"shipments": size, "scored": result.counts.scored, "stages": stages, "total": total}


def _print(found: list[dict[str, Any]]) -> None:
    columns = ["stage", *(f"{f['scored']:,} shipments" for f in found)]
    stages = list(dict.fromkeys(stage for f in found for stage in f["stages"]))
    rows: list[list[object]] = [[stage, *(f"{f['stages'].get(stage, 0):.2f}" for f in found)] for stage in stages]
    rows.append(["all", *(f"{f['total']:.2f}" for f in found)])
    rows.append(["shipments a second", *(f"{f['scored'] / f['total']:,.0f}" for f in found)])
    show("Seconds per stage of a day", columns, rows)


def main() -> int:
    """Run with the sizes named on the command line."""
    options = parser(__doc__)
    options.add_argument("--shipments", type=counts, default="1000,10000,50000", help="sizes of the day")
    options.add_argument("--weeks", type=int, default=16, help="of the country ingested and learned from")
    options.add_argument("--per-day", type=int, default=300, help="its mean shipments a day")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    head(f"score_day: a day after {given.weeks} weeks of {given.per_day} shipments a day")
    found = run(given.shipments, given.weeks, given.per_day, given.seed, given.threads)
    _print(found)
    save("score_day", found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
