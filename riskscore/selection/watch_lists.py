"""Watch-lists: dated lists of identifiers in the workspace, watch_lists/NAME.csv, that must-exam rules refer to.

A list is a CSV file in UTF-8 with the columns value, reason, owner, valid_from, expires. Every entry says who put it
there and why; both days are inclusive, blank = open. A file with any fault is refused as a whole: half a watch-list
would look like a whole one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections import defaultdict
from dataclasses import astuple, dataclass, fields
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.tables import MAX_TEXT_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from riskscore.config import Condition, MustExam

MAX_SHOWN = 5
"""Faults named in one error: enough to see what kind they are of, short enough for one line."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OPEN = (date.min, date.max)


@dataclass(frozen=True, slots=True)
class Entry:
    """One identifier on a list.

    Attributes:
        value: the identifier, as somebody wrote it.
        reason: why it is on the list.
        owner: who put it there, such as an agency.
        valid_from: first day it counts; None = always has.
        expires: last day it counts, inclusive; None = no end.
    """

    value: str
    reason: str
    owner: str
    valid_from: date | None = None
    expires: date | None = None

    def in_force(self, day: date) -> bool:
        """Whether the entry counts on `day`."""
        return (self.valid_from or date.min) <= day <= (self.expires or date.max)


COLUMNS = tuple(field.name for field in fields(Entry))
"""Columns of the file; the last two may be blank."""


@dataclass(frozen=True)
class WatchList:
    """A watch-list.

    Attributes:
        name: of the file, without its ending.
        entries: sorted; a value may stand there again for another period.
    """

    name: str
    entries: tuple[Entry, ...]

    @cached_property
    def content(self) -> str:
        """The list as CSV, entries sorted: what to keep, so that `parse` gives the same list another day."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(["" if value is None else str(value) for value in astuple(entry)] for entry in self.entries)
        return file.getvalue()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `content`: it does not depend on the order of lines, quoting or line ends of the file."""
        return hashlib.sha256(self.content.encode()).hexdigest()

    def in_force(self, day: date) -> tuple[Entry, ...]:
        """The entries that count on `day`, sorted; no two of the same value."""
        return tuple(entry for entry in self.entries if entry.in_force(day))

    def as_record(self, day: date) -> dict[str, object]:
        """What a run record says of the list: name, digest, entries, and how many of them count on `day`."""
        entries, in_force = len(self.entries), len(self.in_force(day))
        return {"name": self.name, "digest": self.digest, "entries": entries, "in_force": in_force}


def named_lists(rules: Sequence[MustExam], day: date) -> tuple[str, ...]:
    """The lists that rules in force on `day` refer to, sorted."""
    conditions = (part for rule in rules if rule.in_force(day) for part in rule.where)
    return tuple(sorted({name for condition in conditions for name in _named(condition)}))


def read_watch_lists(folder: Path, names: Iterable[str]) -> dict[str, WatchList]:
    """Read lists of a workspace.

    Args:
        folder: watch_lists of the workspace; it need not exist when there are no names.
        names: lists to read.

    Raises:
        ConfigError: a list is absent or faulty; the file and the lines are named.
    """
    return {name: _read(folder / f"{name}.csv", name) for name in names}


def parse(name: str, text: str, where: str = "") -> WatchList:
    r"""The list that a CSV text holds.

    Args:
        name: name of the list.
        text: the content of the file.
        where: the file, for errors; empty = NAME.csv.

    Raises:
        ConfigError: columns missing, unknown or repeated; a blank value, reason or owner; control characters; no day
            where a day is due; a period that ends before it begins; a value listed twice for one day.

    >>> holds = parse("holds", "value,reason,owner,valid_from,expires\nIMP-1,import alert 16-81,FDA,2026-01-05,\n")
    >>> [entry.value for entry in holds.in_force(date(2026, 1, 5))], holds.in_force(date(2026, 1, 4))
    (['IMP-1'], ())
    """
    where = where or f"{name}.csv"
    try:
        lines = list(_lines(text))
    except csv.Error as error:
        raise ConfigError(f"not readable as CSV: {error}", where=where) from None
    _require_columns(lines[0][1] if lines else [], where)
    read = [(at, _entry(dict(zip(lines[0][1], cells, strict=False)), len(cells))) for at, cells in lines[1:]]
    faults = [f"line {at}: {found}" for at, found in read if isinstance(found, str)]
    entries = [(at, found) for at, found in read if isinstance(found, Entry)]
    _refuse([*faults, *_repeated(entries)], where)
    return WatchList(name, tuple(sorted((entry for _, entry in entries), key=_order)))


def as_record(lists: Mapping[str, WatchList], day: date) -> list[dict[str, object]]:
    """What a run record says of the lists in use, by name."""
    return [lists[name].as_record(day) for name in sorted(lists)]


def _named(condition: Condition) -> Iterator[str]:
    if condition.list_:
        yield condition.list_
    for part in condition.parts:
        yield from _named(part)


def _read(path: Path, name: str) -> WatchList:
    where = f"watch_lists/{path.name}"
    try:
        # Spreadsheets begin a file in UTF-8 with a byte order mark.
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        fix = f"make it, with the columns {', '.join(COLUMNS)}"
        raise ConfigError(
            f"a must-exam rule names the watch-list {name!r}, and there is none", where=where, fix=fix
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot read this watch-list ({error.strerror})", where=where) from None
    except UnicodeDecodeError:
        raise ConfigError("not readable as UTF-8", where=where, fix="save it as CSV UTF-8") from None
    return parse(name, text, where)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the line it begins on (the first is 1)."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begin = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begin, [cell.strip() for cell in cells]
        begin = reader.line_num + 1


def _require_columns(header: list[str], where: str) -> None:
    if sorted(header) != sorted(COLUMNS):
        got = ", ".join(header) or "nothing"
        raise ConfigError(f"expected the columns {', '.join(COLUMNS)}, got {got[:200]}", where=f"{where}, line 1")


def _entry(cells: dict[str, str], count: int) -> Entry | str:
    """The entry, or what is wrong with it."""
    if count != len(COLUMNS):
        return f"expected {len(COLUMNS)} cells, got {count}"
    faults = [fault for name, text in cells.items() if (fault := _fault(name, text))]
    if faults:
        return ", ".join(faults)
    days = {name: date.fromisoformat(cells[name]) if cells[name] else None for name in COLUMNS[3:]}
    entry = Entry(cells["value"], cells["reason"], cells["owner"], **days)
    begin, end = _period(entry)
    return entry if begin <= end else f"expires {end} lies before valid_from {begin}"


def _fault(name: str, text: str) -> str:
    if name in COLUMNS[3:]:
        return "" if not text or _is_day(text) else f"{name} {text[:40]!r} is no day like 2026-03-02"
    if not text:
        return f"{name} is blank"
    if len(text) > MAX_TEXT_LENGTH:
        return f"{name} is longer than {MAX_TEXT_LENGTH:,} characters"
    return f"{name} holds a control character" if any(unicodedata.category(c) == "Cc" for c in text) else ""


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _repeated(entries: Iterable[tuple[int, Entry]]) -> Iterator[str]:
    """Values that two entries list for one day: whose reason would count?"""
    by_value = defaultdict(list)
    for at, entry in entries:
        by_value[entry.value].append((*_period(entry), at))
    for value, periods in by_value.items():
        periods.sort()
        for (_, end, before), (begin, _, at) in pairwise(periods):
            if begin <= end:
                yield f"line {at}: {value[:40]!r} is listed on line {before} for the same days"


def _period(entry: Entry) -> tuple[date, date]:
    return entry.valid_from or _OPEN[0], entry.expires or _OPEN[1]


def _order(entry: Entry) -> tuple[str, date, date]:
    return entry.value, *_period(entry)


def _refuse(faults: list[str], where: str) -> None:
    if faults:
        more = f"; and {len(faults) - MAX_SHOWN:,} more" if len(faults) > MAX_SHOWN else ""
        raise ConfigError("; ".join(faults[:MAX_SHOWN]) + more, where=where, fix="mend the lines named")
