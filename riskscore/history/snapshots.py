"""A snapshot is the state at a log position, kept so that a morning need not fold years: delete it at will."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskscore import identity
from riskscore.history import archive, facts_sql, keys, measures
from riskscore.history.bins import BINS, QUANTITIES
from riskscore.history.kinds import KINDS
from riskscore.history.windows import epoch_day
from riskscore.reference import PACKAGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import duckdb

    from riskscore.history.kinds import EntityKind
    from riskscore.history.state import State
    from riskscore.reference import Tables

_FORMAT = 3
_DATED = {"shipments_log": "history_day", "outcomes_log": "known_day", "post_entry_log": "known_day"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state, the last day folded into it, and the log position it was folded at."""

    through: date
    position: int
    state: State


def latest_snapshot(
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
    *,
    before: date,
    position: int,
    kinds: Sequence[EntityKind] = KINDS,
    tables: Tables = PACKAGED,
) -> Snapshot | None:
    """The newest usable snapshot of `kinds` in `folder` (see `is_usable`), or None.

    One of another ledger, made by other rules, damaged or unreadable is passed over: it is only a cache.
    """
    for path in sorted(folder.glob("through=*"), reverse=True):
        try:
            meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
            through, taken = date.fromisoformat(meta["through"]), int(meta["position"])
            if (
                meta["shape"] == shape(kinds, tables)
                and _may_serve(connection, through, taken, before=before, position=position)
                and meta["origin"] == origin(connection, taken)
            ):
                contents = _verified(path, meta["files"])
                return Snapshot(through, taken, archive.unpacked(contents, kinds, epoch_day(through)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
            continue
    return None


def is_usable(snapshot: Snapshot, connection: duckdb.DuckDBPyConnection, *, before: date, position: int) -> bool:
    """Whether a fold for the morning of `before` at a ledger position may start from `snapshot`.

    It may when the snapshot ends on an earlier day, was taken at or before `position`, and no row appended in
    between dates a fact into the days already folded.
    """
    return _may_serve(connection, snapshot.through, snapshot.position, before=before, position=position)


def save_snapshot(
    folder: Path, snapshot: Snapshot, connection: duckdb.DuckDBPyConnection, tables: Tables = PACKAGED
) -> Path:
    """Write a snapshot of the ledger behind `connection` atomically, replacing one of the same day; drop old ones.

    Of those older than the newest about one per power of two of their age in days is kept (see `kept`), so that a
    late fact costs a fold from a snapshot not much older than it, not from the beginning.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"through={snapshot.through.isoformat()}"
    partial = folder / f".{final.name}.{os.getpid()}"
    for left_by_a_crash in folder.glob(".through=*"):
        shutil.rmtree(left_by_a_crash, ignore_errors=True)
    partial.mkdir()
    files = {}
    for name, content in archive.packed(snapshot.state):
        (partial / name).write_bytes(content)
        files[name] = hashlib.sha256(content).hexdigest()
    meta = {
        "shape": shape([kind.kind for kind in snapshot.state.kinds.values()], tables),
        "origin": origin(connection, snapshot.position),
        "through": snapshot.through.isoformat(),
        "position": snapshot.position,
        "files": files,
    }
    (partial / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    _drop_old(folder)
    return final


def kept(days: list[date]) -> set[date]:
    """Which snapshots to keep: the newest, and of the others the oldest of each power of two of age in days.

    The oldest, because it is the next to be needed for the next power.

    >>> sorted(day.day for day in kept([date(2026, 3, n) for n in range(1, 10)]))
    [1, 2, 6, 8, 9]
    """
    newest = max(days, default=None)
    oldest: dict[int, date] = {}
    for day in sorted(days, reverse=True):
        oldest[(newest - day).days.bit_length() if newest else 0] = day
    return set(oldest.values())


def shape(kinds: Iterable[EntityKind] = KINDS, tables: Tables = PACKAGED) -> str:
    """Digest of all that shapes a state of `kinds`: a snapshot made under another one is of no use."""
    described: list[Any] = [
        _FORMAT,
        [[kind.name, kind.columns, kind.peers, kind.fans] for kind in kinds],
        [measures.ACCOUNTS, measures.BOOKS, measures.DECAYED, measures.ERA, BINS, QUANTITIES],
        [facts_sql.query(account, ("hts",)) for account in measures.ACCOUNTS],
        [keys.VERSION, identity.VERSION, keys.SOURCES],
        tables.digest(),
    ]
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()


def origin(connection: duckdb.DuckDBPyConnection, position: int) -> str:
    """Digest of the commands that made a ledger, up to a position: no two ledgers share them unless one is a copy."""
    query = "SELECT seq, command, version, began_at FROM commands WHERE seq <= ? ORDER BY seq"
    made = connection.execute(query, [position]).fetchall()
    drawn = connection.execute("SELECT value FROM settings WHERE key = 'identity'").fetchall()
    return hashlib.sha256(repr([drawn, made]).encode()).hexdigest()


def _may_serve(
    connection: duckdb.DuckDBPyConnection, through: date, taken: int, *, before: date, position: int
) -> bool:
    if through >= before or taken > position:
        return False
    late = " OR ".join(
        f"EXISTS (SELECT 1 FROM {log} WHERE seq > $taken AND seq <= $position AND {day} <= $through)"
        for log, day in _DATED.items()
    )
    params = {"taken": taken, "position": position, "through": through}
    [(overtaken,)] = connection.execute(f"SELECT {late}", params).fetchall()
    return not overtaken


def _verified(path: Path, files: dict[str, str]) -> dict[str, bytes]:
    """The files of a snapshot, each with the digest it was written with; ValueError otherwise."""
    contents = {name: (path / name).read_bytes() for name in files}
    for name, digest in files.items():
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise ValueError(f"{name} is not the file that was written")
    return contents


def _drop_old(folder: Path) -> None:
    there = {date.fromisoformat(path.name.removeprefix("through=")): path for path in folder.glob("through=*")}
    wanted = kept(list(there))
    for day, path in there.items():
        if day not in wanted:
            shutil.rmtree(path)
