"""The ledger as its log grows: appending a day, reading a morning, finding the versions of one day's shipments.

    python benches/ledger.py --rows 5_000_000,20_000_000,50_000_000 --day 1_000_000

One log is grown through the sizes, days ascending, the last day of each size as large as the next one that is
appended; 3 % of the rows amend shipments of the two months before. "by hash" and "by text" read the same rows: all
versions of one day's shipments, for the facts of history, found by shipment_hash (riskscore.ledger.schema.rows_of) or
by comparing every shipment_id. Each measurement runs in a process of its own; CPU seconds count all threads, and the
peak is that process's memory, its input included.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
from harness import counts, head, parser, save, scratch, show

from riskscore.ledger import Ledger, append, live_on, read_mornings
from riskscore.ledger.schema import VERSION_ORDER, hash_of, log_columns, rows_of
from riskscore.tables import ROLES, SHIPMENTS
from riskscore.validation import SQL_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_DAY = date(2024, 1, 1)
DAYS = 730
"""Days the largest log spreads over, but for its last: two years."""
LABELLED = 0.1
"""Shipments whose own morning is read again for training, as a share of the day's."""

_BATCH = 2_000_000
_TRIES = 2
_GROW = "grow"

# Bills of lading, waybills, postal items, entries and parcels, as riskscore.simulator writes them. An amendment speaks
# of the serial one to sixty days before its own.
_SERIAL = """CASE WHEN i % 33 = 32 AND i > 61 * $per_day
    THEN i - (1 + CAST(hash(i) % 60 AS BIGINT)) * $per_day - 1 ELSE i END"""
_ID = """CASE s % 5
    WHEN 0 THEN 'MAEU' || lpad(CAST(s * 3819887 % 1000000000 AS VARCHAR), 9, '0')
    WHEN 1 THEN '157-' || lpad(CAST(s * 3819887 % 100000000 AS VARCHAR), 8, '0')
    WHEN 2 THEN 'LX' || lpad(CAST(s * 3819887 % 1000000000 AS VARCHAR), 9, '0') || 'CN'
    WHEN 3 THEN 'ABC-' || lpad(CAST(s * 3819887 % 100000000 AS VARCHAR), 8, '0')
    ELSE '1Z' || lpad(CAST(s * 3819887 % 10000000000 AS VARCHAR), 10, '0') END"""


def _drawn(what: str, below: int) -> str:
    """SQL of a number from 0 to below `below`, the same for all versions of a shipment."""
    return f"CAST(hash(s, '{what}') % {below} AS BIGINT)"


def _party(role: str) -> str:
    return f"CAST(sqrt({_drawn(role, 10**12)}) // 5 AS BIGINT)"


def _one_of(what: str, *choices: str) -> str:
    return f"{list(choices)}[1 + {_drawn(what, len(choices))}]"


_COUNTRIES = ("CN", "MX", "VN", "DE", "KR", "IN")
_VALUES = {
    "shipment_id": _ID,
    "version": "CAST(s < i AS BIGINT)",
    "action": "CASE WHEN s < i THEN 'amended' ELSE 'new' END",
    "filed_at": "CAST(day AS TIMESTAMP) - INTERVAL 12 HOUR",
    "arrival_date": "CASE WHEN s < i THEN day - CAST(1 + hash(i) % 60 AS INTEGER) ELSE day END",
    "mode": "['ocean', 'air', 'truck', 'mail', 'express'][1 + s % 5]",
    "port": f"CAST(2701 + {_drawn('port', 40)} AS VARCHAR)",
    "entry_type": "CASE WHEN s % 3 = 0 THEN '01' END",
    **{f"{role}_id": f"'{role[:3]}' || {_party(role)}" for role in ROLES},
    "importer_name": f"'Importer ' || {_party('importer')} || ' Ltd'",
    "importer_address": f"{_party('importer')} % 900 || ' Harbour Road'",
    "origin_country": _one_of("origin", *_COUNTRIES),
    "export_country": _one_of("export", *_COUNTRIES),
    "hts": f"CAST(1000000000 + {_drawn('hts', 8999)} * 1000003 AS VARCHAR)",
    "description": f"'parts of goods no ' || {_drawn('text', 5000)}",
    "value_usd": f"round({_drawn('value', 10**7)} / 100 + (i - s) % 7, 2)",
    "weight_kg": f"round({_drawn('weight', 10**6)} / 100, 2)",
    "quantity": f"1.0 + {_drawn('quantity', 500)}",
    "container_ids": f"CASE WHEN s % 5 = 0 THEN 'MSKU' || lpad(CAST({_drawn('box', 10**6)} AS VARCHAR), 7, '0') END",
    "in_bond": "s % 20 = 0",
}


def rows_query() -> str:
    """SQL of the accepted rows numbered $first to $end: $per_day a day, those from $cut on arriving on the last day."""
    columns = ", ".join(f"{_VALUES.get(c.name, f'NULL::{SQL_TYPES[c.type]}')} AS {c.name}" for c in SHIPMENTS.columns)
    day = f"DATE '{FIRST_DAY}' + CAST(least(i, $cut) // $per_day AS INTEGER)"
    return f"""SELECT i - $first AS _row, {columns}
        FROM (SELECT *, {_SERIAL} AS s, {day} AS day FROM (SELECT range AS i FROM range($first, $end)))"""


def grow(path: Path, first: int, end: int, day: int, per_day: int) -> None:
    """Append rows `first` to `end` by plain SQL, the last `day` of them on one day."""
    cut = end - day
    extra = f"""seq: i // {day} + 1, row_digest: sha256(shipment_id || version), filed_day: CAST(filed_at AS DATE),
        history_day: greatest(arrival_date, CAST(filed_at AS DATE)), shipment_hash: {hash_of("shipment_id")}"""
    names = ", ".join(log_columns(SHIPMENTS))
    with Ledger(path) as ledger:
        for start in range(first, end, _BATCH):
            params = {"first": start, "end": min(start + _BATCH, end), "cut": cut, "per_day": per_day}
            ledger.connection.execute(
                f"""INSERT INTO shipments_log BY NAME SELECT {names} FROM (
                    SELECT *, {extra} FROM (SELECT *, _row + $first AS i FROM ({rows_query()})))
                ORDER BY history_day, shipment_hash""",
                params,
            )
        ledger.connection.execute("CHECKPOINT")


# What is measured: each takes the open ledger, and the rows of a day and of the log; it gives the work to time.


def appending(ledger: Ledger, day: int, end: int) -> Callable[[], object]:
    """A day of new rows and amendments, appended and taken back."""
    per_day = max(1, end // DAYS)
    numbers = {"first": end, "end": end + day, "cut": end, "per_day": per_day}
    accepted = duckdb.connect().sql(rows_query(), params=numbers).to_arrow_table()

    def work() -> None:
        with suppress(_TakenBack), ledger.transaction("bench") as transaction:
            append(transaction, SHIPMENTS, accepted, ZoneInfo("UTC"))
            raise _TakenBack

    return work


class _TakenBack(Exception):  # noqa: N818 - no error: it ends a transaction
    pass


def morning(ledger: Ledger, _day: int, _end: int) -> Callable[[], object]:
    """live_on of the newest day."""
    newest = ledger.connection.execute("SELECT max(arrival_date) FROM shipments_log").fetchall()[0][0]
    return lambda: live_on(ledger.connection, newest, 10**9)


def mornings(ledger: Ledger, day: int, end: int) -> Callable[[], object]:
    """read_mornings of shipments from all over the log."""
    sample = f"SELECT shipment_id FROM shipments_log WHERE hash(rowid) % {end} < {int(day * LABELLED)} AND version = 0"
    ids = ledger.connection.sql(sample).to_arrow_table()["shipment_id"].combine_chunks()
    return lambda: read_mornings(ledger.connection, ids, date(2100, 1, 1), 10**9)


def versions(ledger: Ledger, _day: int, _end: int, *, by_hash: bool) -> Callable[[], object]:
    """All versions of the newest day's shipments, as the facts of history need them."""
    text = "(SELECT * FROM shipments_log WHERE shipment_id IN (SELECT shipment_id FROM touched))"
    newest = ledger.connection.execute("SELECT max(history_day) FROM shipments_log").fetchall()[0][0]
    query = f"""WITH touched AS MATERIALIZED (
            SELECT shipment_id, shipment_hash FROM shipments_log WHERE seq <= $position AND history_day >= $newest)
        SELECT shipment_id, history_day, action, {VERSION_ORDER} AS version_order, importer_id, consignee_id,
            shipper_id, hts, origin_country, port, value_usd, weight_kg FROM {rows_of("touched") if by_hash else text}
        WHERE seq <= $position"""
    params = {"position": 10**9, "newest": newest}
    return lambda: ledger.connection.sql(query, params=params).to_arrow_table()


MEASURED: dict[str, Callable[[Ledger, int, int], Callable[[], object]]] = {
    "append a day": appending,
    "live_on that day": morning,
    "its versions, by hash": partial(versions, by_hash=True),
    "its versions, by text": partial(versions, by_hash=False),
    "read_mornings": mornings,
}


def measure(path: Path, name: str, day: int, end: int) -> None:
    """Print CPU seconds of the faster of two runs, and the peak memory, as JSON."""
    with Ledger(path) as ledger:
        work = MEASURED[name](ledger, day, end)
        taken = []
        for _ in range(_TRIES):
            begin = time.process_time()
            work()
            taken.append(time.process_time() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": min(taken), "peak_mib": peak}))


def main() -> None:
    """Run the bench, or one of its measurements."""
    options = parser(__doc__)
    options.add_argument("--rows", type=counts, default=[200_000, 1_000_000], help="sizes of the log, ascending")
    options.add_argument("--day", type=int, default=50_000, help="rows of a day")
    options.add_argument("--only", nargs="*", default=list(MEASURED), help=f"of: {', '.join(MEASURED)}")
    options.add_argument("--of", type=Path, help="measure this ledger in this process (used by the bench itself)")
    given = options.parse_args()
    if given.of:
        _work(given.of, given.only[0], given.day, *given.rows)
        return
    head(f"the ledger: a day of {given.day:,} rows, the log growing")
    with scratch() as folder:
        figures = _figures(folder / "ledger.duckdb", given.rows, given.day, given.only)
    columns = ("rows in the log", "GiB", "measured", "CPU-s", "peak MiB")
    show("the ledger", columns, [[f"{f['rows']:,}", f"{f['gib']:.1f}", f["name"], f"{f['cpu']:.2f}",
                                 f"{f['peak_mib']:,.0f}"] for f in figures])  # fmt: skip
    save("ledger", figures)


def _figures(path: Path, sizes: list[int], day: int, names: list[str]) -> list[dict[str, Any]]:
    Ledger.create(path, "UTC")
    figures = []
    for first, end in zip([0, *sizes], sizes, strict=False):
        _elsewhere(path, _GROW, day, [end, first, sizes[-1]])
        for name in names:
            found = _elsewhere(path, name, day, [end])
            figures.append({"rows": end, "gib": path.stat().st_size / 2**30, "name": name} | found)
            print(f"{end:,} rows, {name}: {found['cpu']:.2f} CPU-s", flush=True)
    return figures


def _elsewhere(path: Path, name: str, day: int, rows: list[int]) -> dict[str, float]:
    """In a process of its own, even for growing: a child begins with the peak memory of its parent."""
    sizes = ",".join(map(str, rows))
    command = [sys.executable, __file__, "--of", str(path), "--only", name, "--day", str(day), "--rows", sizes]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this script
    found: dict[str, float] = json.loads(done.stdout or "{}")
    return found


def _work(path: Path, name: str, day: int, end: int, first: int = 0, largest: int = 0) -> None:
    if name == _GROW:
        grow(path, first, end, day, max(1, largest // DAYS))
    else:
        measure(path, name, day, end)


if __name__ == "__main__":
    main()
