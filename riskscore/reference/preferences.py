"""Trade preference programmes: which origins could claim a special programme indicator (SPI) on a day.

Table: preference_programmes.csv, mostly from memory; `countries` holds ISO codes separated by ';', "*" for every
origin, "?" where the beneficiaries were not read. It says that a preference was in force between a programme and an
origin, not that the goods met its rules of origin. During a lapse of GSP filers still put A on the entry to keep their
claim to a refund, so 0 then is no sign of anything wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference.asof import by_code, by_day, numbers
from riskscore.reference.facts import Fact, cell_list, changes, fact
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import is_country

if TYPE_CHECKING:
    from datetime import date

    from riskscore.reference.asof import Days, Floats, Keys, Objects
    from riskscore.reference.facts import Row

_EVERY, _NOT_READ = "*", "?"


@dataclass(frozen=True, slots=True)
class Programme:
    """A preference programme: its name and the origins it serves ("*" every, "?" not read)."""

    name: str
    countries: tuple[str, ...]


def eligible(spi: Keys, origin: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether goods of `origin` could claim the programme on the day.

    Args:
        spi: special programme indicator as on the entry (shipments.preference_program); null = none claimed.
        origin: country of origin, ISO 3166 alpha-2; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (preference_programmes.csv).

    Returns:
        1 yes, 0 no: the programme was not in force for that origin; NaN where indicator, origin or day are unknown,
        or the table cannot tell (beneficiaries not read, renewal not verified).

    >>> from datetime import date
    >>> eligible(["S", "MX", "PE", "S", "ZZ"], ["MX", "MX", "PE", "CN", "MX"], date(2020, 7, 1))
    array([ 1.,  0.,  1.,  0., nan])
    """
    return numbers(by_day(lambda s, o, day: _eligible(s, o, day, tables), _changes(tables), spi, origin, days=days))


def in_force(spi: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether the programme behind an indicator was in force for any origin on the day.

    Args:
        spi: special programme indicator; null = none claimed.
        days: the days to answer for.
        tables: reference tables in use (preference_programmes.csv).

    Returns:
        1 yes, 0 no: not yet, lapsed or ended; NaN for an indicator that the table does not know, a null, or where
        only a renewal that was not verified would cover the day.

    >>> from datetime import date
    >>> in_force(["A", "S", "ZZ"], [date(2021, 1, 1), date(2021, 1, 1), date(2021, 1, 1)])
    array([ 0.,  1., nan])
    """
    return numbers(by_day(lambda s, day: _in_force(s, day, tables), _changes(tables), spi, days=days))


def programme(spi: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The name of the programme behind an indicator; None for one that the table does not know.

    >>> programme(["P+", "KR", "ZZ"])
    array(['CAFTA-DR', 'Korea FTA', None], dtype=object)
    """
    return by_code(lambda code: _name(code, tables), spi)


def candidates(origin: str, day: date, *, tables: Tables = PACKAGED) -> dict[str, Fact[Programme]]:
    """The programmes that goods of `origin` may claim on `day`, by indicator, those open to every origin included.

    >>> from datetime import date
    >>> sorted(candidates("PE", date(2010, 1, 1)))
    ['C', 'J', 'J+', 'K', 'L', 'PE']
    """
    found = {}
    for spi, facts in _programmes(tables).items():
        for f in facts:
            if f.covers(day) and {origin, _EVERY} & set(f.value.countries):
                found[spi] = f
    return found


def _eligible(spi: str, origin: str, day: date, tables: Tables) -> bool | None:
    known = _programmes(tables).get(spi)
    if known is None or not is_country(origin):
        return None
    asked = {origin, _EVERY, _NOT_READ}
    found = [f for f in known if f.covers(day) and asked & set(f.value.countries)]
    if any(not f.unverified and _NOT_READ not in f.value.countries for f in found):
        return True
    return None if found else False


def _in_force(spi: str, day: date, tables: Tables) -> bool | None:
    known = _programmes(tables).get(spi)
    if known is None:
        return None
    found = [f for f in known if f.covers(day)]
    if any(not f.unverified for f in found):
        return True
    return None if found else False


def _name(spi: str, tables: Tables) -> str | None:
    known = _programmes(tables).get(spi)
    return known[0].value.name if known else None


@lru_cache(maxsize=16)
def _programmes(tables: Tables) -> dict[str, tuple[Fact[Programme], ...]]:
    found: dict[str, tuple[Fact[Programme], ...]] = {}
    for row in tables.rows("preference_programmes"):
        found[row["spi"]] = (*found.get(row["spi"], ()), _read(row))
    return found


def _read(row: Row) -> Fact[Programme]:
    countries = cell_list(row["countries"])
    if not countries or not all(c in (_EVERY, _NOT_READ) or is_country(c) for c in countries):
        fix = "write ISO codes separated by ';', * for every origin, or ? where they are not known"
        where = f"preference_programmes.csv, {row['spi']}"
        raise ConfigError(f"countries {row['countries']!r} are none", where=where, fix=fix)
    return fact(Programme(row["programme"], countries), row)


@lru_cache(maxsize=16)
def _changes(tables: Tables) -> tuple[date, ...]:
    return changes(f for facts in _programmes(tables).values() for f in facts)
