"""CSV files, every field as text; a line that cannot be split is kept as a faulty row, and swallows no other."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pyarrow as pa

from riskscore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A quoted field may span lines (a goods description); a quote never closed must not eat the rest of the file.
MAX_LINES_PER_ROW = 20
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_csv(path: Path) -> pa.Table:
    """All rows of one UTF-8, comma-separated file with a header line.

    Returns:
        Text columns named by the header; empty fields are null. `_row` counts rows from 1; `_fault` tells why
        a row has no fields: wrong number of fields, an unclosed quote, or bytes that are no UTF-8.

    Raises:
        InputError: the file is empty, or its header is unusable (repeated or empty names, no UTF-8, no commas).
    """
    # surrogateescape keeps undecodable bytes, so that one bad byte costs one row and not the file.
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    lines = _lines(text)
    header = _header(lines, path)
    rows: list[list[str | None]] = []
    faults: list[str | None] = []
    for fields, fault in _records(lines[1:], len(header)):
        rows.append([f or None for f in fields] if fault is None else [None] * len(header))
        faults.append(fault)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    table = pa.table({name: pa.array(values, pa.string()) for name, values in zip(header, columns, strict=True)})
    table = table.append_column("_row", pa.array(range(1, len(rows) + 1), pa.int64()))
    return table.append_column("_fault", pa.array(faults, pa.string()))


def _lines(text: str) -> list[str]:
    # Not str.splitlines: it also breaks at form feeds and Unicode separators, which goods descriptions contain.
    lines = [f"{line}\n" for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "\n" else lines


def _header(lines: list[str], path: Path) -> list[str]:
    try:
        names = [name.strip() for name in next(csv.reader(lines[:1], strict=True))]
    except (StopIteration, csv.Error):
        names = []
    if not names:
        raise InputError("no header line", where=str(path))
    if any(map(_undecodable, names)):
        raise InputError("the header line is not valid UTF-8", where=str(path), fix="save the file as UTF-8")
    other = next((mark for mark in _OTHER_SEPARATORS if mark in names[0]), None) if len(names) == 1 else None
    if other:
        raise InputError(
            f"the columns are separated by {_OTHER_SEPARATORS[other]}, not by commas",
            where=str(path),
            fix="save the file with commas",
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or "" in names:
        raise InputError(f"header has {'repeated' if repeated else 'empty'} column names {repeated}", where=str(path))
    if any(name.startswith("_") for name in names):
        raise InputError("header has column names that start with an underscore", where=str(path))
    return names


def _records(lines: list[str], width: int) -> Iterator[tuple[list[str], str | None]]:
    """Each row's fields, or no fields and the fault; blank lines are no rows."""
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        fields, used = _split(lines, at, width)
        raw = lines[at].rstrip("\r\n")
        if fields is None:
            yield [], f"a quote is not closed: {_shown(raw)}"
        elif len(fields) != width:
            yield [], f"{len(fields)} fields where the header has {width}: {_shown(raw)}"
        elif any(not field.isascii() and _undecodable(field) for field in fields):
            yield [], f"not valid UTF-8: {_shown(raw)}"
        else:
            yield fields, None
        at += used


def _split(lines: list[str], at: int, width: int) -> tuple[list[str] | None, int]:
    """The fields of the row that starts at line `at` and how many lines it takes; None when its quote never closes."""
    for used in range(1, MAX_LINES_PER_ROW + 1):
        try:
            fields = next(csv.reader(["".join(lines[at : at + used])], strict=True))
        except csv.Error:
            if at + used >= len(lines):
                break
            continue
        # A wrong width over several lines means that a stray quote met the quote of a later row.
        return (fields, used) if used == 1 or len(fields) == width else (None, 1)
    return None, 1


def _undecodable(text: str) -> bool:
    return any("\udc80" <= char <= "\udcff" for char in text)


def _shown(raw: str) -> str:
    return raw.encode("utf-8", "backslashreplace").decode()
