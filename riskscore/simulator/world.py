"""A simulated country on disk: what it is, opening it, reading its truth."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from riskscore.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from riskscore.simulator.settings import Scenario


@dataclass(frozen=True)
class SimulatedWorld:
    """A simulated country's folder and parameters, as world.json records them."""

    path: Path
    weeks: int
    per_day: int
    seed: int
    scenario: Scenario
    first_day: date
    last_day: date
    break_day: date | None
    """First day of the changed world; None in a steady one."""
    shipments: int
    """Shipments in truth.parquet."""

    @property
    def manifests(self) -> Path:
        """Folder of date=YYYY-MM-DD/part-0.parquet."""
        return self.path / "manifests"

    @property
    def traders(self) -> Path:
        """The traders table."""
        return self.path / "traders.parquet"

    @property
    def outcomes(self) -> Path:
        """The past's exam outcomes."""
        return self.path / "outcomes.parquet"

    @property
    def post_entry(self) -> Path:
        """What happened to entries after release."""
        return self.path / "post_entry.parquet"

    def manifest(self, day: date) -> Path:
        """The manifest file of one day."""
        return self.manifests / f"date={day.isoformat()}" / "part-0.parquet"


def write_description(world: SimulatedWorld) -> None:
    """Write world.json into the world's folder."""
    facts = {k: str(v) if isinstance(v, date) else v for k, v in asdict(world).items() if k != "path"}
    (world.path / "world.json").write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table with page checksums, so that damage is found on reading."""
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)


def open_world(path: Path) -> SimulatedWorld:
    """The simulated country in the folder `path`.

    Raises:
        InputError: there is no readable world.json.
    """
    try:
        facts: dict[str, Any] = json.loads((path / "world.json").read_text(encoding="utf-8"))
        for name in ("first_day", "last_day", "break_day"):
            facts[name] = facts[name] and date.fromisoformat(facts[name])
        return SimulatedWorld(path=path, **{f.name: facts[f.name] for f in fields(SimulatedWorld) if f.name != "path"})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("not a simulated world", where=str(path), fix="run riskscore simulate") from error


def truth(world: Path | SimulatedWorld) -> pd.DataFrame:
    """What every shipment truly carried, deleted ones included.

    Returns:
        shipment_id, arrival_date, one bool column per hazard of riskscore.reference.hazards() (those the simulator
        has not are false), any, harm_usd (of all its hazards together), planted (the concept of the features that
        can tell the hazard; null where there is no hazard, or none that one concept tells).

    Raises:
        InputError: there is no truth.parquet.
    """
    path = (world.path if isinstance(world, SimulatedWorld) else world) / "truth.parquet"
    if not path.is_file():
        raise InputError("no truth.parquet", where=str(path.parent), fix="run riskscore simulate")
    frame: pd.DataFrame = pq.read_table(path).to_pandas()
    return frame
