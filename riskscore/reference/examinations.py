"""Examinations: what an exam is, and what it costs the importer in days and money.

Tables: exam_types.csv and exam_codes.csv, which says which of its rows is meant by each exam of the outcomes table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference.facts import Fact, fact, joined
from riskscore.reference.loading import PACKAGED, Tables

if TYPE_CHECKING:
    from riskscore.reference.facts import Row

# "800-5000+" has no upper end; a note in brackets may follow.
_RANGE = re.compile(r"(\d+)(?:-(\d+)(\+)?)?(?: \(.*\))?")


@dataclass(frozen=True, slots=True)
class Span:
    """A range of numbers; `high` is None where it has no upper end."""

    low: float
    high: float | None


@dataclass(frozen=True, slots=True)
class Examination:
    """An exam: its name in the trade, what is done, and what it means for the importer.

    Attributes:
        name: as in exam_types.csv.
        what: what is done.
        intrusive: True, False, or None where it is partly so or varies.
        added_days: days of delay; None = not known.
        cost_usd: cost to the importer in USD; None = not known.
    """

    name: str
    what: str
    intrusive: bool | None
    added_days: Span | None
    cost_usd: Span | None


def examination(exam: str, *, tables: Tables = PACKAGED) -> Fact[Examination] | None:
    """The examination behind an exam of the outcomes table; None for one that the tables do not know.

    Raises:
        ConfigError: a range of days or cost cannot be read.

    >>> found = examination("intensive").value
    >>> found.name, found.added_days, found.cost_usd
    ('intensive / devan at CES', Span(low=5.0, high=15.0), Span(low=800.0, high=None))
    """
    rows = {row["order"]: row for row in tables.rows("exam_types")}
    for code in tables.rows("exam_codes"):
        if code["exam"] == exam and code["order"] in rows:
            row = rows[code["order"]]
            return joined(_read(row), fact(None, row, "", ""), fact(None, code, "", ""))
    return None


def _read(row: Row) -> Examination:
    intrusive = {"yes": True, "no": False}.get(row["intrusive"])
    return Examination(
        row["exam"], row["what"], intrusive, _span(row, "added_days"), _span(row, "cost_usd_to_importer")
    )


def _span(row: Row, column: str) -> Span | None:
    if not row[column]:
        return None
    match = _RANGE.fullmatch(row[column])
    if match is None:
        raise ConfigError(f"expected a range like 1-3, got {row[column]!r}", where=f"exam_types.csv, {column}")
    low, high, open_end = match.groups()
    return Span(float(low), None if open_end else float(high or low))
