"""One small country through the commands, as a unit would run them, beside the same country in memory.

simulate, init, ingest the past, and then each Monday: train on what is known, score the week's seven days with that
version, hold the exams it recommends, ingest what they found. The commands choose per port and day, rounding the slots
of each port up, with all features and a booster per hazard; memory chooses once a week from the whole country.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from harness import ROOT, head, save, scratch, show
from loop_country import Size, make
from loop_life import live
from loop_policies import TopK, Training

from riskscore import config, simulator
from riskscore.frames import as_frame

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from riskscore.simulator import Scenario, SimulatedWorld

SIZE = Size(weeks=24, per_week=7 * 150, warm_up=12)
SCENARIO: Scenario = "steady"


@dataclass(frozen=True, slots=True)
class Unit:
    """A workspace of the simulated country, worked through the command line."""

    root: Path
    world: SimulatedWorld

    def run(self, *words: str | Path) -> str:
        """Run `riskscore --workspace ... WORDS`; its output. CalledProcessError when it fails."""
        command = [sys.executable, "-m", "riskscore", "--workspace", str(self.root), *map(str, words)]
        there = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=there)  # noqa: S603 - our own
        return done.stdout

    @property
    def published(self) -> Path:
        """Where recommendations are published."""
        return self.root / "out" / "recommendations"

    def learn_past(self, before: date) -> None:
        """Ingest traders, post-entry events, and manifests and outcomes of arrivals before a day."""
        world = self.world
        self.run("init")
        self.run("ingest", "traders", world.traders)
        self.run("ingest", "post-entry", world.post_entry)
        days = (before - world.first_day).days
        self.run("ingest", "manifest", *(world.manifest(world.first_day + timedelta(at)) for at in range(days)))
        truths = pq.read_table(world.path / "truth.parquet", columns=["shipment_id", "arrival_date"])
        early = truths.filter(pc.less(truths["arrival_date"], pa.scalar(before)))["shipment_id"].combine_chunks()
        outcomes = pq.read_table(world.outcomes)
        past = self.root / "past-outcomes.parquet"
        pq.write_table(outcomes.filter(pc.is_in(outcomes["shipment_id"], early)), past)
        self.run("ingest", "outcomes", past)

    def work(self, monday: date) -> pd.DataFrame:
        """One week: train, score, examine, ingest; its recommendations."""
        said = self.run("train", "--as-of", monday.isoformat())
        found = re.search(r"model version (\S+)", said)
        assert found is not None, said
        days = [monday + timedelta(at) for at in range(7)]
        self.run("score", *map(self.world.manifest, days), "--model", found[1])
        outcomes = self.root / "exams" / f"{monday.isoformat()}.parquet"
        self.run("simulate-exams", "--world", self.world.path, "--recommendations", self.published, "--out", outcomes)
        # All exams so far are held again: the same rows as before, which ingest counts as duplicates.
        self.run("ingest", "outcomes", outcomes)
        folders = [str(self.published / f"run_date={day.isoformat()}") for day in days]
        tables = [ds.dataset(folder, partitioning=None).to_table(columns=list(_READ)) for folder in folders]
        return as_frame(pa.concat_tables(tables))


_READ = ("shipment_id", "recommendation", "exam_type")


def weekly(seed: int, size: Size = SIZE) -> list[dict[str, float]]:
    """Per scored week: shipments, exams and finds through the commands, and exams and finds in memory."""
    with scratch() as folder:
        made = [sys.executable, "-m", "riskscore", "simulate", "--out", str(folder / "world")]
        made += ["--weeks", str(size.weeks), "--per-day", str(size.per_day), "--seed", str(seed)]
        subprocess.run(made, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)})  # noqa: S603
        world = simulator.open_world(folder / "world")
        unit = Unit(folder / "workspace", world)
        unit.learn_past(world.first_day + timedelta(weeks=size.warm_up))
        rows = []
        for week in range(size.warm_up, size.weeks):
            rows.append(_counted(week, world, unit.work(world.first_day + timedelta(weeks=week))))
            print(f"week {week}: {rows[-1]['exams']} exams, {rows[-1]['finds']} finds", flush=True)
    return [row | memory for row, memory in zip(rows, _in_memory(seed, size), strict=True)]


def _counted(week: int, world: SimulatedWorld, published: pd.DataFrame) -> dict[str, float]:
    picks = published[published["recommendation"] == "examine"]
    finds = int(simulator.findings(world, picks)["any"].sum())
    return {"week": week, "shipments": len(published), "exams": len(picks), "finds": finds}


def _in_memory(seed: int, size: Size) -> list[dict[str, float]]:
    """The same country with the library's default training and floor, in memory."""
    settings = config.Model()
    policy = TopK("as the commands", Training(weights=True, half_life_days=settings.half_life_days))
    with scratch() as folder:
        country, room = make(folder, SCENARIO, seed, size)
    lived = live(country, room, policy, settings)
    exams = np.bincount(country.week, lived.examined, size.weeks)
    finds = np.bincount(country.week, lived.examined & lived.finds, size.weeks)
    weeks = range(size.warm_up, size.weeks)
    return [{"memory_exams": int(exams[week]), "memory_finds": int(finds[week])} for week in weeks]


def main(seed: int) -> int:
    """Print the weekly yield of both ways."""
    head(f"closed loop through the commands: seed {seed}, {SIZE.weeks} weeks of {SIZE.per_week} shipments")
    rows = weekly(seed)
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    columns = ["week", "shipments", "exams", "yield", "exams in memory", "yield in memory"]
    show("Weekly yield through the commands and in memory", columns, [*map(_cells, rows), ["all", *_cells(total)[1:]]])
    save("loop_cli", {"seed": seed, "weeks": rows})
    return 0


def _cells(row: dict[str, float]) -> list[object]:
    shares = [f"{row[f'{way}finds'] / max(row[f'{way}exams'], 1):.1%}" for way in ("", "memory_")]
    return [row["week"], row["shipments"], row["exams"], shares[0], row["memory_exams"], shares[1]]
