"""Shipments and histories written by hand: a test of a builder says what the past was, without living through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore.frames import as_frame, epoch_days
from riskscore.history.kinds import KINDS
from riskscore.history.measures import BOOKS, NEVER, decayed_of
from riskscore.history.reading import Batch, Exposure, History, Sums, Track
from riskscore.tables import SHIPMENTS
from tests.factories import DAY, accepted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from tests.factories import Row

Record = dict[Any, float]
"""What is counted by measure or (measure, half-life); `first`, `last`: days ago; fans by kind of pairs. Default: 0."""


def arrivals(*rows: Row) -> pd.DataFrame:
    """Shipments that state what the rows do and nothing else: S0, S1, ... arriving on DAY by sea."""
    plain = [{"shipment_id": f"S{n}", "arrival_date": DAY, "mode": "ocean", "port": "2704"} for n in range(len(rows))]
    stated = [default | row for default, row in zip(plain, rows, strict=True)]
    return as_frame(accepted(SHIPMENTS, stated).drop_columns(["_row"]), index="shipment_id")


def past(
    shipments: pd.DataFrame,
    tracks: Mapping[str, Sequence[Record | None]] | None = None,
    batch: Mapping[str, Sequence[tuple[float, float, float]]] | None = None,
    exposure: Mapping[str, Sequence[tuple[float, float, float, float]]] | None = None,
) -> History:
    """The past of shipments, a record for each: None = the shipment names no such entity, {} = never seen before.

    Args:
        shipments: the arrivals.
        tracks: by kind.
        batch: by kind: shipments, their value, the highest of the values.
        exposure: by name: partners, offenders, hits, exams.
    """
    absent, day = [None] * len(shipments), epoch_days(shipments["arrival_date"])
    told = tracks or {}
    return History(
        tracks={kind.name: _track(told.get(kind.name, absent), day, kind.fans) for kind in KINDS},
        peers={},
        statuses={},
        batch={kind.name: _columns(Batch, (batch or {}).get(kind.name, absent), 3) for kind in KINDS if kind.batch},
        exposure={name: _columns(Exposure, (exposure or {}).get(name, absent), 4) for name in EXPOSURES},
    )


EXPOSURES = ("importer_via_shipper", "importer_via_filer", "importer_via_place", "consignee_via_shipper",
             "shipper_via_consignee", "importer_lookalikes")  # fmt: skip


def _track(records: Sequence[Record | None], day: np.ndarray, fans: Sequence[str]) -> Track:
    known = [record or {} for record in records]

    def told(keys: Sequence[Any], dtype: type) -> np.ndarray:
        shape = len(known), len(keys)
        return np.array([[record.get(key, 0) for key in keys] for record in known], dtype).reshape(shape)

    def dated(key: str) -> np.ndarray:
        ago = [record.get(key) for record in known]
        return np.array([NEVER if days is None else at - days for days, at in zip(ago, day, strict=True)], np.int32)

    of = np.arange(len(known), dtype=np.int32)
    return Track(
        stated=np.array([record is not None for record in records], dtype=np.bool_),
        morning=day,
        first_day=dated("first"),
        last_day=dated("last"),
        last_hit_day=dated("last hit"),
        sums={name: Sums(of, told(each, np.int64), told(decayed_of(name), np.float64)) for name, each in BOOKS.items()},
        fans={pair: told([pair], np.int32).ravel() for pair in fans},
    )


def _columns(kind: type, records: Sequence[tuple[float, ...] | None], width: int) -> Any:
    rows = [(np.nan,) * width if record is None else record for record in records]
    return kind(*np.array(rows, dtype=np.float64).reshape(-1, width).T)
