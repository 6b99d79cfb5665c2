"""A snapshot is the state at a log position, kept so that a morning need not fold years: delete it at will."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.history.kinds import KINDS
from riskscore.history.state import KindState, State

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

_FORMAT = 2
# The newest serves tomorrow; the one before serves a morning that is scored again.
_KEPT = 2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state, the last day folded into it, and the log position it was folded at."""

    through: date
    position: int
    state: State


def latest_snapshot(
    folder: Path, connection: duckdb.DuckDBPyConnection, *, before: date, position: int
) -> Snapshot | None:
    """The newest usable snapshot in `folder` (see `is_usable`), or None.

    One that cannot be read is passed over: it is only a cache.
    """
    for path in sorted(folder.glob("through=*"), reverse=True):
        try:
            snapshot = _described(path)
            if snapshot and is_usable(snapshot, connection, before=before, position=position):
                return Snapshot(snapshot.through, snapshot.position, _read(path))
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
            continue
    return None


def is_usable(snapshot: Snapshot, connection: duckdb.DuckDBPyConnection, *, before: date, position: int) -> bool:
    """Whether a fold for the morning of `before` at a ledger position may start from `snapshot`.

    It may when the snapshot ends on an earlier day, was taken at or before `position`, and no row appended in
    between dates a fact into the days already folded.
    """
    if snapshot.through >= before or snapshot.position > position:
        return False
    query = """
        SELECT EXISTS (SELECT 1 FROM shipments_log WHERE seq > $taken AND seq <= $position AND history_day <= $through)
            OR EXISTS (SELECT 1 FROM outcomes_log WHERE seq > $taken AND seq <= $position AND known_day <= $through)"""
    params = {"taken": snapshot.position, "position": position, "through": snapshot.through}
    [(overtaken,)] = connection.execute(query, params).fetchall()
    return not overtaken


def save_snapshot(folder: Path, snapshot: Snapshot) -> Path:
    """Write a snapshot atomically, replacing one of the same day, and drop all but the newest few."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"through={snapshot.through.isoformat()}"
    partial = folder / f".{final.name}.{os.getpid()}"
    for left_by_a_crash in folder.glob(".through=*"):
        shutil.rmtree(left_by_a_crash, ignore_errors=True)
    partial.mkdir()
    for kind in KINDS:
        table = _as_table(snapshot.state.keys[kind.name], snapshot.state.kinds[kind.name])
        pq.write_table(table, partial / f"{kind.name}.parquet", write_page_checksum=True)
    meta = {
        "format": _FORMAT,
        "kinds": _kinds(),
        "through": snapshot.through.isoformat(),
        "position": snapshot.position,
    }
    (partial / "meta.json").write_text(json.dumps(meta))
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    for old in sorted(folder.glob("through=*"))[:-_KEPT]:
        shutil.rmtree(old)
    return final


def _kinds() -> list[list[str]]:
    return [[kind.name, *kind.columns] for kind in KINDS]


def _described(path: Path) -> Snapshot | None:
    """What a folder says of its snapshot, its state still unread; None when another version wrote it."""
    meta = json.loads((path / "meta.json").read_text())
    if (meta["format"], meta["kinds"]) != (_FORMAT, _kinds()):
        return None
    return Snapshot(date.fromisoformat(meta["through"]), meta["position"], State({}, {}))


def _as_table(keys: pa.Table, state: KindState) -> pa.Table:
    columns = {f"key_{name}": keys[name] for name in keys.column_names}
    for name in ("counts", "decayed", "values"):
        array = getattr(state, name)
        if name != "values" or state.peers:
            flat = pa.array(array.reshape(-1))
            columns[name] = pa.FixedSizeListArray.from_arrays(flat, int(np.prod(array.shape[1:])))
    return pa.table({**columns, "first_day": state.first_day, "last_day": state.last_day})


def _read(path: Path) -> State:
    state = State({}, {})
    for kind in KINDS:
        table = pq.ParquetFile(path / f"{kind.name}.parquet", page_checksum_verification=True).read()
        keyed = [name for name in table.column_names if name.startswith("key_")]
        names = [f"key_{name}" for name in kind.columns] or keyed
        state.keys[kind.name] = table.select(names).rename_columns([name.removeprefix("key_") for name in names])
        blank = KindState.empty(table.num_rows, peers=kind.peers)
        for name in ("counts", "decayed", "values"):
            if name != "values" or kind.peers:
                flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
                getattr(blank, name)[:] = flat.reshape(getattr(blank, name).shape)
        blank.first_day[:] = table["first_day"].to_numpy()
        blank.last_day[:] = table["last_day"].to_numpy()
        state.kinds[kind.name] = blank
    return state
