"""A simulated country cut into weeks: what everybody may know, and, apart from it, the room where exams are held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from riskscore import features, simulator
from riskscore.frames import as_frame, epoch_days
from riskscore.ledger import read_mornings
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.past import Past
from riskscore.simulator import exams, lists
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from riskscore.simulator import Scenario, SimulatedWorld

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Texts = NDArray[np.object_]

STANDING: tuple[str, ...] = (
    "wording_x_hs4_share",
    "hs_chapter",
    "description_is_vague",
    "mode_code",
    "origin_x_export_share",
    "importer_ctpat_tier",
    "importer_ctpat_lost",
    "tiered_importer_value_per_shipment_departure_hl30d",
    "tiered_importer_amendment_departure_hl30d",
    "importer_cf29_per_1000",
    "importer_lookalikes",
    "importer_first_seen_days",
    "importer_x_filer_first_seen_days",
    "importer_x_hs4_first_seen_days",
    "containers_invalid",
    "seals_missing",
    "wood_packaging_must_be_treated",
    "preference_wrong_origin",
    "consignee_same_day_shipments",
)
"""Features that no exam changes: built once for each country, from a ledger that holds no outcome at all."""

KINDS: dict[str, tuple[str, ...]] = {
    "importer": ("importer_id",),
    "consignee": ("consignee_id",),
    "shipper": ("shipper_id",),
    "manufacturer": ("manufacturer_id",),
    "filer": ("filer_id",),
    "importer_x_hs4": ("importer_id", "hs4"),
    "hs4_x_origin": ("hs4", "origin_country"),
}
"""Entities with a track record of exams, and the columns that name them."""

TRUSTED_TIER = 2
"""From this CTPAT tier on an importer counts as trusted."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much country: weeks in all, shipments a week, first weeks in which its unit examines as it used to."""

    weeks: int = 64
    per_week: int = 4_000
    warm_up: int = 12

    @property
    def per_day(self) -> int:
        """Shipments a day."""
        return round(self.per_week / 7)


@dataclass(frozen=True, slots=True)
class Country:
    """What customs may know of a country; shipments in order of arrival, then by shipment_id.

    Attributes:
        size: its size.
        seed: of the country and of every draw in it.
        monday: first day of week 0.
        break_week: first week of the changed world; None in a steady one.
        shipments: index shipment_id; arrival_date, port, legacy_score, legacy_exam, and the features STANDING as
            float64.
        week: week of each arrival.
        entities: per kind of KINDS the code of each shipment's entity, -1 = not wholly stated.
        past: outcomes of the warm-up's exams, columns of riskscore.tables.OUTCOMES.
    """

    size: Size
    seed: int
    monday: date
    break_week: int | None
    shipments: pd.DataFrame
    week: Ints
    entities: dict[str, Ints]
    past: pd.DataFrame

    def rows(self, week: int) -> slice:
        """Positions of the shipments of a week."""
        first, last = np.searchsorted(self.week, [week, week + 1])
        return slice(int(first), int(last))

    @property
    def trusted(self) -> Flags:
        """Whether each importer is in a tier that counts as trusted, as the traders table says."""
        return (self.shipments["importer_ctpat_tier"] >= TRUSTED_TIER).to_numpy()

    def first_day(self, week: int) -> date:
        """The Monday of a week: what became known before it is known to that week's choices."""
        return self.monday + timedelta(days=7 * week)


@dataclass(frozen=True, slots=True)
class ExamRoom:
    """The truth about a country's shipments, in their order, and the only way to it: to hold an exam.

    Policies and training get what `outcomes` returns; `findings` and the columns are for judging them afterwards.
    """

    seed: int
    shipments: pd.DataFrame
    hazards: Flags
    """(shipment, hazard) truly there; hazards as in riskscore.simulator.lists.HAZARDS."""
    harm_usd: Floats

    @property
    def hazardous(self) -> Flags:
        """Whether each shipment carries any hazard."""
        return np.asarray(self.hazards.any(axis=1))

    def outcomes(self, rows: Ints, exam: Texts, arm: Texts, chance: Floats) -> pd.DataFrame:
        """What the unit records of these exams, each row with the time it becomes known; lost records are not there."""
        shipments = self.shipments.iloc[rows]
        picks = pd.DataFrame(
            {
                "shipment_id": shipments.index.to_numpy(dtype=object),
                "arrival_date": shipments["arrival_date"].to_numpy(),
                "exam_type": exam,
                "selected_by": arm,
                "inclusion_probability": chance,
            }
        )
        return as_frame(exams.outcomes(self.seed, picks, self.hazards[rows], self.harm_usd[rows]))

    def findings(self, rows: Ints, exam: Texts) -> Flags:
        """Whether each exam would find anything, with the luck that `outcomes` uses, recorded or not."""
        ids = self.shipments.index.to_numpy(dtype=object)[rows]
        return np.asarray(exams.found(exams.draws(self.seed, ids, exam), self.hazards[rows], exam).any(axis=1))

    def chance_to_find(self, exam: Texts) -> Floats:
        """For each shipment the chance that its exam finds anything, luck not known."""
        missed: Floats = np.where(self.hazards, 1 - exams.sensitivities(exam), 1.0).prod(axis=1)
        return 1 - missed


def make(folder: Path, scenario: Scenario, seed: int, size: Size) -> tuple[Country, ExamRoom]:
    """Simulate a country in an empty folder and read it: what may be known, and the truth."""
    world = simulator.simulate(folder / "world", weeks=size.weeks, per_day=size.per_day, seed=seed, scenario=scenario)
    shipments, standing = _with_features(folder / "workspace", world)
    order = np.lexsort((shipments.index.to_numpy(dtype=object).astype(str), epoch_days(shipments["arrival_date"])))
    shipments, standing = shipments.iloc[order], standing.iloc[order]
    week = (epoch_days(shipments["arrival_date"]) - epoch_days(pd.Series([world.first_day]))[0]) // 7
    public = _public(world, shipments).join(standing)
    truths = simulator.truth(world).set_index("shipment_id").loc[shipments.index]
    warm = set(shipments.index[week < size.warm_up])
    past = as_frame(pq.read_table(world.outcomes))
    country = Country(
        size=size,
        seed=seed,
        monday=world.first_day,
        break_week=None if world.break_day is None else (world.break_day - world.first_day).days // 7,
        shipments=public,
        week=week.astype(np.int64),
        entities={kind: _codes(shipments, columns) for kind, columns in KINDS.items()},
        past=past[past["shipment_id"].isin(warm)].reset_index(drop=True),
    )
    flags = truths[list(lists.HAZARDS)].to_numpy(dtype=bool)
    return country, ExamRoom(seed, public[["arrival_date"]], flags, truths["harm_usd"].to_numpy())


def _with_features(root: Path, world: SimulatedWorld) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every shipment as it stood on its own morning, and its standing features."""
    workspace = Workspace.create(root)
    for feed, path in (("traders", world.traders), ("post-entry", world.post_entry), ("manifest", world.manifests)):
        ingest(workspace, feed, [path])
    with workspace.ledger(read_only=True) as ledger:
        end = world.last_day + timedelta(days=1)
        ids = pa.array(simulator.truth(world)["shipment_id"], pa.string())
        shipments = as_frame(read_mornings(ledger.connection, ids, end, ledger.position), index="shipment_id")
        needed = [builder for builder in features.BUILDERS if {one.name for one in builder.features} & {*STANDING}]
        past = Past(workspace, ledger, needed)
        frame = past.build(shipments, past.of_replay(shipments, end, ledger.position))
        return shipments, frame[list(STANDING)].astype(np.float64)


def _public(world: SimulatedWorld, shipments: pd.DataFrame) -> pd.DataFrame:
    traders = pq.read_table(world.traders).to_pandas()
    legacy = simulator.legacy_scores(shipments.reset_index(), traders).set_index("shipment_id")
    return pd.DataFrame(
        {
            "arrival_date": shipments["arrival_date"],
            "port": shipments["port"],
            "legacy_score": legacy["legacy_score"],
            "legacy_exam": legacy["exam_type"],
        },
        index=shipments.index,
    )


def _codes(shipments: pd.DataFrame, columns: tuple[str, ...]) -> Ints:
    heading = shipments["hts"].str.slice(0, 4).where(shipments["hts"].str.len() >= 4)
    named = shipments.assign(hs4=heading)[list(columns)]
    return np.asarray(named.groupby(list(columns)).ngroup().fillna(-1), dtype=np.int64)


def best_exams(room: ExamRoom) -> Texts:
    """The exam an oracle would order for each shipment."""
    flags = pd.DataFrame(room.hazards, columns=list(lists.HAZARDS))
    return simulator.best_exams(flags).to_numpy(dtype=object)
