"""Small, seeded, valid rows of the tables, and workspaces to put them in.

A test names only the columns it is about. What it leaves out is drawn from the column's declaration in
riskscore.tables, reproducibly; keys, actions and times it leaves out are the plainest there are: a first filing in
time, a result known on the day of the exam, a status known since long.
"""

from __future__ import annotations

import random
import re
import string
import tempfile
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskscore.ledger import Appended, Ledger, append
from riskscore.tables import OUTCOMES, POST_ENTRY, REVIEWS, SHIPMENTS, TRADERS
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from riskscore.tables import Column, Table

Row = dict[str, Any]

DAY = date(2026, 3, 2)
"""The day things happen on when a test does not say."""

ARROW_TYPES = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "bool": pa.bool_(),
}
HOSTILE = (
    "x" * 10_000,
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\u202egnp.exe\u202c \u200b\ufeff",
    "'; DROP TABLE shipments_log; --",
    "NaN",
    "nan",
    "None",
    "inf",
    "-1",
    "1e9",
    "%s%n{0}\\",
    "\U0001f4e6" * 50,
    "\u0301\u0301combining",
    "\u0663\u0664\u0665\u0666\u0667\u0668",
    "²³",
    ";;;",
    "part\u00a0goods",
    "___U1234567",
    "ÄBCU1234567",
    "ABCU\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
    "Stra\u00dfe \u0130stanbul \ufb01ne \u212aelvin \u00d8re",
    "\u0645\u0635\u0646\u0639 \u4e0a\u6d77\u5de5\u5382",
    " ; ,, ;--;a-b c",
)
"""Texts that break programs: long, formulas, markup, direction marks, SQL, null by name, numbers that are none, letters
that change when their case does, other scripts."""

_NULL_SHARE = 0.2
_REPEATED = re.compile(r"(\\d|\[A-Z\])\{(\d+)(?:,(\d+))?\}")


def noon(day: date, days: int = 0) -> datetime:
    """12:00 UTC, `days` after `day`."""
    return datetime.combine(day + timedelta(days), time(12))


def shipments(*named: Mapping[str, Any], seed: int = 0) -> list[Row]:
    """One shipments row per mapping; unnamed: S0, S1, ..., first version, arriving on DAY, filed the day before."""

    def plain(number: int) -> Row:
        return {"shipment_id": f"S{number}", "version": 0, "action": "new", "arrival_date": DAY}

    return _rows(SHIPMENTS, named, seed, plain, lambda row: noon(row["arrival_date"], -1))


def outcomes(*named: Mapping[str, Any], seed: int = 0) -> list[Row]:
    """One outcomes row per mapping; unnamed: a document exam of S0 on DAY, clear, known at noon of the exam day."""

    def plain(_: int) -> Row:
        exam = {"shipment_id": "S0", "exam_type": "document", "exam_date": DAY, "result": "released_no_discrepancy"}
        return exam | {"hazard": None, "waiver_code": None, "waiver_text": None}

    return _rows(OUTCOMES, named, seed, plain, lambda row: noon(row["exam_date"]))


def traders(*named: Mapping[str, Any], seed: int = 0) -> list[Row]:
    """One traders row per mapping; unnamed: T0, T1, ..., a status that holds and is known since a year before DAY."""

    def plain(number: int) -> Row:
        return {"trader_id": f"T{number}", "valid_from": DAY - timedelta(365), "valid_to": None}

    return _rows(TRADERS, named, seed, plain, lambda row: noon(row["valid_from"]))


def post_entry(*named: Mapping[str, Any], seed: int = 0) -> list[Row]:
    """One post_entry row per mapping; unnamed: a CF-28 about S0 on DAY, open, known at noon of the event day."""

    def plain(_: int) -> Row:
        return {"shipment_id": "S0", "event": "cf28", "event_date": DAY, "status": "open"}

    return _rows(POST_ENTRY, named, seed, plain, lambda row: noon(row["event_date"]))


def reviews(*named: Mapping[str, Any], seed: int = 0) -> list[Row]:
    """One reviews row per mapping; unnamed: Ada agreed at noon of DAY to what that day's run recommends for S0."""

    def plain(_: int) -> Row:
        agreed = {"shipment_id": "S0", "run_date": DAY, "decision": "accept", "code": "agreed", "decided_by": "Ada"}
        return agreed | {"text": None, "exam_type": None, "run_id": None}

    return _rows(REVIEWS, named, seed, plain, lambda row: noon(row["run_date"]))


def accepted(table: Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as validation hands them on: the declared columns, typed, and `_row`. A column not given is null."""
    rows = list(rows)
    columns = {c.name: pa.array([row.get(c.name) for row in rows], ARROW_TYPES[c.type]) for c in table.columns}
    return pa.table({"_row": pa.array(range(len(rows)), pa.int64()), **columns})


def make_workspace(root: Path, timezone: str = "UTC") -> Workspace:
    """A workspace in `root` with an empty ledger and a configuration that names its time zone only."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "riskscore.toml").write_text(f'timezone = "{timezone}"\n', encoding="utf-8")
    (root / "ledger.duckdb").write_bytes(_empty_ledger(timezone))
    return Workspace(root, threads=1)


@contextmanager
def opened(timezone: str = "UTC") -> Iterator[tuple[Workspace, Ledger]]:
    """A fresh workspace and its open ledger, gone at the end: for tests that need one per hypothesis example."""
    with tempfile.TemporaryDirectory() as root:
        workspace = make_workspace(Path(root), timezone)
        with workspace.ledger() as ledger:
            yield workspace, ledger


def append_rows(
    workspace: Workspace,
    ledger: Ledger,
    *,
    shipments: Iterable[Row] = (),
    outcomes: Iterable[Row] = (),
    traders: Iterable[Row] = (),
    post_entry: Iterable[Row] = (),
    reviews: Iterable[Row] = (),
) -> dict[str, Appended]:
    """Append rows of each table in one command; what became of them, by table."""
    given = (
        *((SHIPMENTS, shipments), (OUTCOMES, outcomes), (TRADERS, traders), (POST_ENTRY, post_entry)),
        (REVIEWS, reviews),
    )
    fates = {}
    with ledger.transaction("test") as transaction:
        for table, rows in given:
            if rows := list(rows):
                fates[table.name] = append(transaction, table, accepted(table, rows), workspace.config.zone)
    return fates


def _rows(
    table: Table,
    named: tuple[Mapping[str, Any], ...],
    seed: int,
    plain: Callable[[int], Row],
    known: Callable[[Row], datetime],
) -> list[Row]:
    unknown = {name for given in named for name in given} - set(table.names)
    assert not unknown, f"no columns of {table.name}: {sorted(unknown)}"
    generator = random.Random(f"{table.name} {seed}")  # noqa: S311 - reproducible rows, not secrets
    rows = []
    for number, given in enumerate(named):
        row = {column.name: _value(column, generator) for column in table.columns} | plain(number) | dict(given)
        rows.append(row | {table.known: known(row)} | dict(given))
    return rows


def _value(column: Column, generator: random.Random) -> Any:
    if not column.required and generator.random() < _NULL_SHARE:
        return None
    if column.choices:
        return generator.choice(column.choices)
    if column.pattern:
        return _matching(column.pattern, generator)
    draws: dict[str, Callable[[], Any]] = {
        "text": lambda: f"{column.name} {generator.randrange(5)}",
        "int": lambda: generator.randint(int(column.minimum or 0), int(column.maximum or 9)),
        "float": lambda: round(generator.uniform(column.minimum or 0, min(column.maximum or 1, 10_000)), 2),
        "date": lambda: DAY + timedelta(generator.randrange(10)),
        "timestamp": lambda: noon(DAY, generator.randrange(10)),
        "bool": lambda: generator.random() < 0.5,
    }
    return draws[column.type]()


def _matching(pattern: str, generator: random.Random) -> str:
    """A text of the form `pattern`: alternatives in brackets, or runs of digits and capitals."""
    body = pattern.removeprefix("^").removesuffix("$")
    if body.startswith("("):
        return generator.choice(body[1:-1].split("|"))

    def run(found: re.Match[str]) -> str:
        letters = string.digits if found[1] == r"\d" else string.ascii_uppercase
        return "".join(generator.choices(letters, k=generator.randint(int(found[2]), int(found[3] or found[2]))))

    return _REPEATED.sub(run, body)


@cache
def _empty_ledger(timezone: str) -> bytes:
    """Creating a ledger costs a tenth of a second; copying one costs nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.duckdb"
        Ledger.create(path, timezone)
        return path.read_bytes()
