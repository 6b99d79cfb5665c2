"""Entry types: what a code means, and whether it could be used on a day. Table: entry_types.csv."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from riskscore.reference.asof import by_code, by_day, numbers
from riskscore.reference.facts import Fact, changes, fact
from riskscore.reference.loading import PACKAGED, Tables

if TYPE_CHECKING:
    from datetime import date

    from riskscore.reference.asof import Days, Floats, Keys, Objects
    from riskscore.reference.facts import Row


def valid(code: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether an entry type could be used on the day.

    Args:
        code: two digits, as text; null = not stated.
        days: the days to answer for.
        tables: reference tables in use (entry_types.csv).

    Returns:
        1 yes, 0 not yet or no more; NaN for a code that the table does not know, or a null.

    >>> from datetime import date
    >>> valid(["86", "86", "13", "99"], [date(2025, 8, 28), date(2025, 8, 29), date(2026, 6, 23), date(2026, 6, 23)])
    array([ 1.,  0.,  0., nan])
    """
    days_of_change = changes(f for found in _types(tables).values() for f in found)
    return numbers(by_day(lambda c, day: _valid(c, day, tables), days_of_change, code, days=days))


def entry_type(code: str, *, tables: Tables = PACKAGED) -> Fact[str] | None:
    """What an entry type is, with the days it could be used; None for a code that the table does not know.

    >>> entry_type("86").value, entry_type("86").until
    ('Section 321 electronic entry', datetime.date(2025, 8, 28))
    """
    found = _types(tables).get(code)
    return found[-1] if found else None


def category(code: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The category of an entry type: consumption, informal, warehouse, withdrawal, government, in-bond, ...

    Args:
        code: two digits, as text; null = not stated.
        tables: reference tables in use (entry_types.csv).

    Returns:
        Text; None for a code that the table does not know, or a null.

    >>> category(["11", "62", "99"])
    array(['informal', 'in-bond', None], dtype=object)
    """
    known = {row["code"]: row["category"] for row in tables.rows("entry_types")}
    return by_code(known.get, code)


def covers_adcvd(code: Keys, *, tables: Tables = PACKAGED) -> Floats:
    """Whether an entry type declares goods subject to antidumping or countervailing duty: 03, 07, 34, 38.

    Args:
        code: two digits, as text; null = not stated.
        tables: reference tables in use (entry_types.csv).

    Returns:
        1 yes, 0 no; NaN for a code that the table does not know, or a null.

    >>> covers_adcvd(["03", "01", "99"])
    array([ 1.,  0., nan])
    """
    known = {row["code"]: "AD/CVD" in row["description"] for row in tables.rows("entry_types")}
    return numbers(by_code(known.get, code))


def _valid(code: str, day: date, tables: Tables) -> bool | None:
    found = _types(tables).get(code)
    return any(f.covers(day) for f in found) if found else None


@lru_cache(maxsize=16)
def _types(tables: Tables) -> dict[str, tuple[Fact[str], ...]]:
    """The periods of each code, in the order of the table."""
    found: dict[str, tuple[Fact[str], ...]] = {}
    for row in tables.rows("entry_types"):
        found[row["code"]] = (*found.get(row["code"], ()), _period(row))
    return found


def _period(row: Row) -> Fact[str]:
    return fact(row["description"], row, "valid_from", "valid_to")
