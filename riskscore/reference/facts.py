"""A dated fact with its evidence, and how the cells of the tables are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from riskscore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")
Row = Mapping[str, str]
"""One row of a table: the text of each cell by its column."""

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value with the days it holds and the evidence for it.

    Attributes:
        value: what holds.
        since: first day; None = as far back as the table speaks.
        until: last day, inclusive; None = still holds.
        conf: S (seen in a public document), M (from memory), or a note of the table; parts are joined by "; ".
        source: where it was seen.

    >>> Fact(800, None, date(2025, 8, 28), "S (Mar 2016); M (day)", "19 CFR 10.151").low_confidence
    True
    """

    value: T
    since: date | None
    until: date | None
    conf: str
    source: str

    @property
    def low_confidence(self) -> bool:
        """Whether any part of the fact was not seen in a public document."""
        return any(part != "S" for part in self.conf.split("; "))

    @property
    def unverified(self) -> bool:
        """Whether the fact is too uncertain to answer with: a candidate only."""
        return "unverified" in self.conf.split("; ")

    def covers(self, day: date) -> bool:
        """Whether the fact holds on `day`, first and last day included.

        >>> Fact("FTA", date(2009, 2, 1), None, "M", "").covers(date(2009, 1, 31))
        False
        """
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


def read_day(text: str) -> date | None:
    """A date cell: a month without a day is its first day, a year its first; blank is None.

    Raises:
        ValueError: the cell is no date.

    >>> read_day("2016-03-10"), read_day("2016-03"), read_day("")
    (datetime.date(2016, 3, 10), datetime.date(2016, 3, 1), None)
    """
    if not text:
        return None
    match = _DATE.fullmatch(text)
    if match is None:
        message = f"expected YYYY-MM-DD, YYYY-MM or YYYY, got {text!r}"
        raise ValueError(message)
    year, month, day = (int(part or 1) for part in match.groups())
    return date(year, month, day)


def fact(value: T, row: Row, since: str = "effective_from", until: str = "effective_to") -> Fact[T]:
    """The fact that `row` states about `value`; the names of its date columns, "" for a table without one.

    >>> fact(800, {"effective_from": "2016-03", "effective_to": "", "conf": "S", "source": "TFTEA"}).since
    datetime.date(2016, 3, 1)
    """
    return Fact(value, read_day(row.get(since, "")), read_day(row.get(until, "")), row["conf"], row.get("source", ""))


def joined(value: T, *parts: Fact[Any]) -> Fact[T]:
    """A fact that follows from several: it holds where all of them do, and is as sure as the least sure.

    >>> member = Fact("DE", date(1958, 1, 1), None, "M", "treaty")
    >>> joined("AEO", member, Fact("EU", date(2012, 5, 1), None, "S", "CBP"))
    Fact(value='AEO', since=datetime.date(2012, 5, 1), until=None, conf='M; S', source='treaty; CBP')
    """
    since = max((part.since for part in parts if part.since), default=None)
    until = min((part.until for part in parts if part.until), default=None)
    return Fact(value, since, until, _distinct(p.conf for p in parts), _distinct(p.source for p in parts))


def _distinct(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def changes(facts: Iterable[Fact[T]]) -> tuple[date, ...]:
    """The days on which one of `facts` begins or has just ended, ascending: between them nothing changes.

    >>> changes([Fact(800, date(2016, 3, 10), date(2025, 8, 28), "S", "")])
    (datetime.date(2016, 3, 10), datetime.date(2025, 8, 29))
    """
    days = {day for f in facts for day in (f.since, f.until and f.until + timedelta(days=1)) if day}
    return tuple(sorted(days))


def cell_list(text: str) -> tuple[str, ...]:
    """The entries of a cell, which are separated by ';'.

    >>> cell_list("CN; HK"), cell_list("")
    (('CN', 'HK'), ())
    """
    return tuple(part.strip() for part in text.split(";") if part.strip())


def number(table: str, row: Row, column: str) -> float:
    """A number cell.

    Raises:
        ConfigError: the cell is no number.

    >>> number("de_minimis", {"threshold_usd": "800"}, "threshold_usd")
    800.0
    """
    try:
        return float(row[column])
    except ValueError:
        raise ConfigError(f"expected a number, got {row[column]!r}", where=f"{table}.csv, {column}") from None


def prefixes(table: str, row: Row) -> tuple[str, str]:
    """The range of tariff prefixes in the cells hts_from and hts_to, which have the same length.

    Raises:
        ConfigError: they are no such range.

    >>> prefixes("center_hts", {"hts_from": "8517", "hts_to": "8529"})
    ('8517', '8529')
    """
    low, high = row["hts_from"], row["hts_to"]
    if not (low.isdigit() and high.isdigit() and len(low) == len(high) and low <= high):
        raise ConfigError(f"expected tariff prefixes of equal length, got {low!r} to {high!r}", where=f"{table}.csv")
    return low, high
