"""The mornings of benches/history.py: a ledger of any length over the same entities, and one day on top of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from riskscore.history import KINDS, Arrivals, EntityKind, Replay, State, read_facts
from riskscore.history.keys import Coded, key_columns
from riskscore.history.snapshots import Snapshot, latest_snapshot, save_snapshot
from riskscore.history.windows import epoch_day, windows
from riskscore.ledger.schema import hash_of
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import duckdb

_NAMES = ("importer", "consignee", "shipper", "manufacturer", "carrier", "filer", "hs6", "origin", "importer_x_hs4",
          "importer_x_origin", "importer_x_port", "importer_x_filer", "shipper_x_consignee", "route")  # fmt: skip
FOURTEEN = tuple(EntityKind(kind.name, kind.columns, kind.meaning, kind.peers) for kind in KINDS if kind.name in _NAMES)
"""The kinds of the design: without the fans of kinds that are not among them."""

LAST = date(2026, 3, 1)
"""The last day of history; its facts are folded, and the next day's arrivals read."""
_DAYS = 1_095
_CHUNK = 1_000_000

_SIZES = {"importer_id": 20, "consignee_id": 3, "shipper_id": 8, "manufacturer_id": 10}
_FIXED = {"carrier_id": 80, "filer_id": 300, "origin_country": 60, "export_country": 60, "port": 300}


def make(folder: Path, history: int, day: int, seed: int) -> None:
    """A workspace whose log holds `history` rows up to the day before LAST, then LAST's and the next day's arrivals.

    The lanes are twice as many as a day's shipments and all of them are used from the start, so that a longer log
    speaks of the same entities.
    """
    workspace = Workspace.create(folder / "workspace")
    lanes, days = 2 * day, _DAYS - 1
    with workspace.ledger() as ledger:
        connection = ledger.connection
        connection.execute("INSERT INTO commands VALUES (1, 'bench', '0', TIMESTAMP '2026-01-01')")
        for begin in range(0, history, _CHUNK):
            end = min(begin + _CHUNK, history)
            first = f"DATE '{LAST}' - {days} + CAST(i * {days}::BIGINT // {history} AS INTEGER)"
            _insert(connection, begin, end, first, lanes, seed)
            _insert_late(connection, begin, end, history, days)
        for number in range(2):
            begin = history + number * day
            _insert(connection, begin, begin + day, f"DATE '{LAST}' + {number}", lanes, seed)
        connection.execute("CHECKPOINT")


def _insert(connection: duckdb.DuckDBPyConnection, begin: int, end: int, arrival: str, lanes: int, seed: int) -> None:
    sizes = {name: max(lanes // share, 1) for name, share in _SIZES.items()} | _FIXED
    drawn = [f"'{name[:3]}' || hash(lane, '{name}') % {size} AS {name}" for name, size in sizes.items()]
    connection.execute(f"""
        INSERT INTO shipments_log BY NAME
        SELECT *, {hash_of("shipment_id")} AS shipment_hash, arrival_date AS history_day,
            arrival_date::TIMESTAMP - INTERVAL 1 DAY AS filed_at, arrival_date - 1 AS filed_day
        FROM (
            SELECT printf('S%012d', i) AS shipment_id, 0 AS version, 'new' AS action, {arrival} AS arrival_date,
                'ocean' AS mode, {", ".join(drawn)}, printf('%06d', 100000 + hash(lane, 'hs6') % 5000) || '0000' AS hts,
                round(10 + hash(i, {seed}) % 1000000 / 100, 2) AS value_usd, 1.0 + hash(i, 'w') % 10000 AS weight_kg,
                1 AS seq, '' AS row_digest
            FROM (
                SELECT i, CASE WHEN i < {lanes} THEN i ELSE hash(i, {seed}, 'lane') % {lanes} END AS lane
                FROM range({begin}, {end}) t(i)))
        ORDER BY arrival_date""")


def _insert_late(connection: duckdb.DuckDBPyConnection, begin: int, end: int, history: int, days: int) -> None:
    """Amendments of one in 33 shipments and exams of one in 20, a few days after the arrival."""
    when = f"least(arrival_date + 1 + CAST(hash(shipment_id) % 9 AS INTEGER), DATE '{LAST}')"
    some = f"shipment_id >= printf('S%012d', {begin}) AND shipment_id < printf('S%012d', {end})"
    since = f"DATE '{LAST}' - {days} + CAST({begin} * {days}::BIGINT // {history} AS INTEGER)"
    this_part = f"FROM shipments_log WHERE history_day >= {since} AND {some}"
    connection.execute(f"""
        INSERT INTO outcomes_log BY NAME
        SELECT shipment_id, 'intensive' AS exam_type, arrival_date AS exam_date,
            CASE WHEN hash(shipment_id, 'hit') % 10 = 0 THEN 'seized' ELSE 'released_no_discrepancy' END AS result,
            CASE WHEN hash(shipment_id, 'hit') % 10 = 0 THEN 'ipr' END AS hazard, {when} AS known_day,
            known_day::TIMESTAMP AS known_at, 1 AS seq, '' AS row_digest
        {this_part} AND hash(shipment_id, 'exam') % 20 = 0 ORDER BY known_day""")
    connection.execute(f"""
        INSERT INTO shipments_log BY NAME
        SELECT * REPLACE (1 AS version, 'amended' AS action, history_day::TIMESTAMP AS filed_at,
            value_usd + 1 AS value_usd) FROM (
            SELECT * REPLACE ({when} AS history_day, {when} AS filed_day)
            {this_part} AND hash(shipment_id, 'late') % 33 = 0)
        ORDER BY history_day""")


def keep_snapshot(folder: Path, timed: AbstractContextManager[object]) -> None:
    """Fold everything up to the day before LAST."""
    workspace = Workspace(folder / "workspace", threads=2)
    before = LAST - timedelta(days=1)
    with workspace.ledger(read_only=True) as ledger, timed:
        replay = Replay(State.empty(FOURTEEN), _nobody())
        for begin, end in windows(ledger.connection, after=None, through=before, position=1):
            facts = read_facts(ledger.connection, after=begin, through=end, position=1, kinds=FOURTEEN)
            replay.fold(facts, epoch_day(end))
        save_snapshot(workspace.snapshots, Snapshot(before, 1, replay.state), ledger.connection)


def read_morning(folder: Path, timed: AbstractContextManager[object]) -> None:
    """History of the arrivals of the day after LAST, from the snapshot and LAST's facts."""
    workspace = Workspace(folder / "workspace", threads=2)
    morning = LAST + timedelta(days=1)
    with workspace.ledger(read_only=True) as ledger:
        query = "FROM shipments_log WHERE arrival_date = ?"
        shipments = ledger.connection.sql(query, params=[morning]).to_arrow_table().to_pandas()
        with timed:
            replay = Replay(_restored(workspace, ledger.connection), Arrivals.of(shipments, FOURTEEN))
            facts = read_facts(
                ledger.connection, after=LAST - timedelta(days=1), through=LAST, position=1, kinds=FOURTEEN
            )
            replay.fold(facts, epoch_day(LAST))
            replay.result()


def fold_day(folder: Path, timed: AbstractContextManager[object]) -> None:
    """LAST's facts read and folded; the snapshot is read beforehand."""
    workspace = Workspace(folder / "workspace", threads=2)
    with workspace.ledger(read_only=True) as ledger:
        replay = Replay(_restored(workspace, ledger.connection), _nobody())
        with timed:
            facts = read_facts(
                ledger.connection, after=LAST - timedelta(days=1), through=LAST, position=1, kinds=FOURTEEN
            )
            replay.fold(facts, epoch_day(LAST))


def _restored(workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> State:
    found = latest_snapshot(workspace.snapshots, connection, before=LAST, position=1, kinds=FOURTEEN)
    assert found is not None
    return found.state


def _nobody() -> Arrivals:
    nothing = Coded(np.empty(0, np.int32), pa.array([], pa.large_string()))
    bins = {quantity: np.empty(0, np.int16) for kind in FOURTEEN for quantity in kind.peers}
    return Arrivals(np.empty(0, np.int32), dict.fromkeys(key_columns(FOURTEEN), nothing), bins, np.empty(0))


TASKS = {"snapshot": keep_snapshot, "morning": read_morning, "fold": fold_day}
