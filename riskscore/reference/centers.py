"""Centers of Excellence and Expertise: which Center a commodity belongs to.

Tables: centers_of_excellence.csv (names, offices, opening) and center_hts.csv (tariff ranges). The legal list, 19 CFR
101.10, was not read: the ranges are indicative, mostly from memory, and a Center follows the importer's industry, not
each line's. So an answer is a candidate; the longest matching prefix wins, and equal ones stand side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference.asof import by_day, numbers
from riskscore.reference.facts import Fact, changes, fact, joined, prefixes
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import in_range, is_goods

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from riskscore.reference.asof import Days, Floats, Keys, Objects
    from riskscore.reference.facts import Row


@dataclass(frozen=True, slots=True)
class Center:
    """A Center: its code, its name, and the city it is managed from."""

    code: str
    name: str
    managed_from: str


@dataclass(frozen=True, slots=True)
class _Range:
    low: str
    high: str
    whole: bool
    center: Fact[str] | None


def center(hts: Keys, days: Days, *, tables: Tables = PACKAGED) -> Objects:
    """The Center that most likely handles the goods: the first of `candidates`.

    Args:
        hts: tariff number, 4 to 10 digits as text; null is unclassified.
        days: the days to answer for.
        tables: reference tables in use (center_hts.csv, centers_of_excellence.csv).

    Returns:
        Code of the Center; None where the number is null, no tariff number, or in no Center's range, where several
        share a range with equal claim, or before the Center opened.

    >>> from datetime import date
    >>> center(["8703230190", "6109100012", "9031800000", "99"], date(2024, 1, 1))
    array(['AERO', 'AFT', None, None], dtype=object)
    """
    return by_day(lambda code, day: _likeliest(code, day, tables), _changes(tables), hts, days=days)


def agrees(name: Keys, hts: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether a Center is among the candidates for the goods.

    Args:
        name: code or full name of a Center, as in traders.center.
        hts: tariff number, 4 to 10 digits as text.
        days: the days to answer for.
        tables: reference tables in use (center_hts.csv, centers_of_excellence.csv).

    Returns:
        1 yes, 0 no; NaN where Center or goods are unknown or no Center claims the goods.

    >>> from datetime import date
    >>> agrees(["ELEC", "MACH", "Base Metals", None], "8471300100", date(2024, 1, 1))
    array([ 1.,  0.,  0., nan])
    """
    return numbers(by_day(lambda c, h, d: _agrees(c, h, d, tables), _changes(tables), name, hts, days=days))


def candidates(hts: str, day: date, *, tables: Tables = PACKAGED) -> tuple[Fact[str], ...]:
    """The Centers that may handle the goods on `day`, best first: codes with their evidence.

    Only the longest matching prefixes count. A Center that has the whole range stands before one that has a part of
    it; of two equals the table's first stands first. A candidate for a part of a range is of low confidence.

    >>> from datetime import date
    >>> [(f.value, f.low_confidence) for f in candidates("8407342080", date(2024, 1, 1))]
    [('MACH', True), ('AERO', True)]
    >>> [(f.value, f.low_confidence) for f in candidates("8703230190", date(2024, 1, 1))]
    [('AERO', False)]
    """
    found = _claims(hts, day, tables)
    return tuple(r.center for r in sorted(found, key=lambda r: not r.whole) if r.center is not None)


@lru_cache(maxsize=16)
def all_centers(tables: Tables = PACKAGED) -> Mapping[str, Center]:
    """Every Center by its code.

    >>> all_centers()["AERO"]
    Center(code='AERO', name='Automotive & Aerospace', managed_from='Detroit')
    """
    rows = tables.rows("centers_of_excellence")
    return MappingProxyType({row["code"]: Center(row["code"], row["name"], row["managed_from"]) for row in rows})


def _claims(hts: str, day: date, tables: Tables) -> list[_Range]:
    if not is_goods(hts):
        return []
    found = [r for r in _ranges(tables) if in_range(hts, r.low, r.high)]
    longest = max((len(r.low) for r in found), default=0)
    return [r for r in found if len(r.low) == longest and (r.center is None or r.center.covers(day))]


def _likeliest(hts: str, day: date, tables: Tables) -> str | None:
    claims = [r for r in _claims(hts, day, tables) if r.center is not None]
    whole = [r for r in claims if r.whole]
    best = whole or claims
    return best[0].center.value if len(best) == 1 and best[0].center is not None else None


def _agrees(name: str, hts: str, day: date, tables: Tables) -> bool | None:
    asked = [c.code for c in all_centers(tables).values() if name in (c.code, c.name)]
    found = {f.value for f in candidates(hts, day, tables=tables)}
    return asked[0] in found if asked and found else None


@lru_cache(maxsize=16)
def _ranges(tables: Tables) -> tuple[_Range, ...]:
    opened = {row["code"]: fact(row["code"], row, "opened", "") for row in tables.rows("centers_of_excellence")}
    return tuple(_range(row, opened) for row in tables.rows("center_hts"))


def _range(row: Row, opened: dict[str, Fact[str]]) -> _Range:
    """A row of center_hts.csv; without a Center it says that the Center is not known."""
    code = row["center"]
    if code and code not in opened:
        raise ConfigError(f"unknown Center {code!r}", where="center_hts.csv", fix="see centers_of_excellence.csv")
    claim = joined(code, fact(None, row, "", ""), Fact(None, opened[code].since, None, "", "")) if code else None
    return _Range(*prefixes("center_hts", row), row["part"] == "no", claim)


@lru_cache(maxsize=16)
def _changes(tables: Tables) -> tuple[date, ...]:
    return changes(r.center for r in _ranges(tables) if r.center is not None)
