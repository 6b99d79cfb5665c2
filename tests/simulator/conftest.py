"""Worlds shared by the simulator's tests: simulated once, read by many."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from riskscore import simulator
from riskscore.frames import as_frame


@dataclass(frozen=True)
class Seen:
    """A world and everything in it, read once."""

    world: simulator.SimulatedWorld
    rows: pa.Table
    truth: pd.DataFrame
    traders: pd.DataFrame
    outcomes: pd.DataFrame

    def live(self) -> pd.DataFrame:
        """The latest version filed in time of every sound shipment that was not deleted, computed the slow way."""
        sound = frame(self.rows.filter(pc.is_in(self.rows["shipment_id"], pa.array(self.truth.shipment_id))))
        sound = sound[sound["filed_at"].isna() | (sound["filed_at"] < sound["arrival_date"])]
        latest = sound.sort_values(["shipment_id", "version"]).drop_duplicates("shipment_id", keep="last")
        return latest[latest["action"] != "deleted"].reset_index(drop=True)


def frame(table: pa.Table) -> pd.DataFrame:
    """A frame whose times are naive UTC, to be held against dates."""
    made = as_frame(table)
    zoned = [name for name in made if isinstance(made[name].dtype, pd.DatetimeTZDtype)]
    return made.assign(**{name: made[name].dt.tz_convert(None) for name in zoned})


def see(world: simulator.SimulatedWorld) -> Seen:
    return Seen(
        world,
        rows=ds.dataset(world.manifests, format="parquet", partitioning=None).to_table(),
        truth=simulator.truth(world),
        traders=pq.read_table(world.traders).to_pandas(),
        outcomes=pq.read_table(world.outcomes).to_pandas(),
    )


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Seen:
    """Six weeks of a hundred shipments a day: about 4,200."""
    out = tmp_path_factory.mktemp("small") / "world"
    return see(simulator.simulate(out, weeks=6, per_day=100, seed=3))


@pytest.fixture(scope="session")
def country(tmp_path_factory) -> Seen:
    """Ten weeks of three hundred a day, 21,000 shipments: enough to see rates."""
    out = tmp_path_factory.mktemp("country") / "world"
    return see(simulator.simulate(out, weeks=10, per_day=300, seed=1))
