"""Forced labour: UFLPA priority sectors and withhold release orders, by goods, origin and day.

Tables: uflpa_sectors.csv (sectors by date), uflpa_headings.csv (tariff numbers a sector suggests: a working assumption
from memory, incomplete), programmes_timeline.csv (the presumption) and withhold_release_orders.csv, which is packaged
EMPTY: no public list was read. Without rows every question about orders is answered by null, never by "none"; a user's
own file of the same columns answers it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from riskscore.errors import ConfigError
from riskscore.reference.asof import as_days, as_text, by_code, by_day, numbers
from riskscore.reference.facts import Fact, cell_list, changes, fact, joined, prefixes
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.timeline import event
from riskscore.reference.validity import in_range, is_country, is_goods

if TYPE_CHECKING:
    from riskscore.reference.asof import Days, Floats, Keys, Objects
    from riskscore.reference.facts import Row

_PRESUMPTION = "UFLPA presumption"


@dataclass(frozen=True, slots=True)
class Sector:
    """A priority sector that a tariff number points to.

    Attributes:
        name: in the words of uflpa_sectors.csv.
        stage: direct (the sector's own goods), upstream (its inputs) or downstream (goods made of it).
    """

    name: str
    stage: str


@dataclass(frozen=True, slots=True)
class Order:
    """A withhold release order or finding; an empty scope does not limit it."""

    number: str
    origins: tuple[str, ...]
    hts: tuple[str, ...]
    manufacturer_id: str
    goods: str


def priority_sector(hts: Keys, days: Days, *, tables: Tables = PACKAGED) -> Objects:
    """The priority sector that the goods point to on the day: the name of the first of `sectors`.

    Args:
        hts: tariff number, 4 to 10 digits as text; null is unclassified.
        days: the days to answer for.
        tables: reference tables in use (uflpa_sectors.csv, uflpa_headings.csv).

    Returns:
        Name of the sector, always of low confidence; None where no sector in force suggests itself, or goods or day
        are unknown (`in_priority_sector` tells these apart).

    >>> priority_sector("7606113060", [date(2024, 7, 8), date(2024, 7, 9)])
    array([None, 'Aluminum'], dtype=object)
    """
    return by_day(lambda code, day: _first(code, day, tables), _changes(tables), hts, days=days)


def in_priority_sector(hts: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether the goods point to a priority sector in force on the day.

    Args:
        hts: tariff number, 4 to 10 digits as text.
        days: the days to answer for.
        tables: reference tables in use (uflpa_sectors.csv, uflpa_headings.csv).

    Returns:
        1 yes, 0 the table suggests none; NaN where goods or day are unknown.

    >>> in_priority_sector(["5208523085", "9503000073", "9801001098"], date(2023, 1, 1))
    array([ 1.,  0., nan])
    """
    return numbers(by_day(lambda code, day: _suggests(code, day, tables), _changes(tables), hts, days=days))


def sectors(hts: str, day: date, *, tables: Tables = PACKAGED) -> tuple[Fact[Sector], ...]:
    """The priority sectors in force on `day` that the goods point to, the longest tariff prefix first.

    >>> [(f.value.name, f.value.stage, f.conf) for f in sectors("2710121500", date(2026, 1, 1))]
    []
    >>> [(f.value.name, f.value.stage, f.conf) for f in sectors("8507600020", date(2026, 1, 1))]
    [('Lithium', 'downstream', 'S; M')]
    """
    if not is_goods(hts):
        return ()
    found = [(low, f) for low, high, f in _headings(tables) if in_range(hts, low, high) and f.covers(day)]
    return tuple(f for _, f in sorted(found, key=lambda pair: -len(pair[0])))


def sectors_on(day: date, *, tables: Tables = PACKAGED) -> tuple[Fact[str], ...]:
    """All priority sectors in force on `day`.

    >>> [len(sectors_on(date(year, 12, 31))) for year in (2021, 2022, 2024, 2025)]
    [0, 4, 7, 12]
    """
    return tuple(f for f in _sector_facts(tables).values() if f.covers(day))


def presumption(days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether the rebuttable presumption of the UFLPA stood on the day: 1 yes, 0 no, NaN for a null day.

    Raises:
        ConfigError: programmes_timeline.csv has no event "UFLPA presumption".

    >>> presumption([date(2022, 6, 20), date(2022, 6, 21)])
    array([0., 1.])
    """
    began = event(_PRESUMPTION, tables=tables)
    return numbers(by_day(began.covers, changes([began]), days=days))


def withhold_release(origin: Keys, hts: Keys, manufacturer: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether a withhold release order or finding covers the goods on the day.

    An order covers goods that meet all of its scopes: origins, tariff prefixes, manufacturer.

    Args:
        origin: country of origin, ISO 3166 alpha-2; null is unknown.
        hts: tariff number, 4 to 10 digits as text; null is unknown.
        manufacturer: manufacturer identification; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (withhold_release_orders.csv: packaged with the few orders that name
            an origin and goods; those against single firms need the firms' numbers, which are not public).

    Returns:
        1 an order covers them, 0 none does; NaN where an unknown decides it, or the table is empty.

    >>> withhold_release("TM", "5201001400", None, [date(2018, 5, 17), date(2018, 5, 18)])
    array([0., 1.])
    """
    shapes = [as_text(column).shape for column in (origin, hts, manufacturer)]
    shape = np.broadcast_shapes(as_days(days).shape, *shapes)
    if not orders(tables):
        return np.full(shape, np.nan)
    met = [_met(order, origin, hts, manufacturer, days) for order in orders(tables)]
    return np.array(np.broadcast_to(_any(met), shape))


@lru_cache(maxsize=16)
def orders(tables: Tables = PACKAGED) -> tuple[Fact[Order], ...]:
    """Every withhold release order and finding of the table, with the days it stood.

    Raises:
        ConfigError: an order without any scope.

    >>> [order.value.number for order in orders()]
    ['Turkmenistan cotton', 'Zimbabwe rough diamonds', 'DR Congo artisanal gold']
    """
    return tuple(fact(_order(row), row) for row in tables.rows("withhold_release_orders"))


def _met(order: Fact[Order], origin: Keys, hts: Keys, manufacturer: Keys, days: Days) -> Floats:
    scope = order.value
    parts = [numbers(by_day(order.covers, changes([order]), days=days))]
    if scope.origins:
        parts.append(numbers(by_code(lambda c: c in scope.origins if is_country(c) else None, origin)))
    if scope.hts:
        parts.append(numbers(by_code(lambda code: _under(code, scope.hts), hts)))
    if scope.manufacturer_id:
        parts.append(numbers(by_code(lambda code: code == scope.manufacturer_id, manufacturer)))
    return _all(parts)


def _under(hts: str, prefixes: tuple[str, ...]) -> bool | None:
    """Whether goods fall under one of the prefixes; null when the number is none, or too coarse to tell."""
    if not is_goods(hts):
        return None
    if any(hts.startswith(prefix) for prefix in prefixes):
        return True
    return None if any(prefix.startswith(hts) for prefix in prefixes) else False


def _all(parts: list[Floats]) -> Floats:
    """Three-valued "and": a no decides, then an unknown."""
    parts = list(np.broadcast_arrays(*parts))
    return np.where(np.fmin.reduce(parts) == 0, 0.0, np.minimum.reduce(parts))


def _any(parts: list[Floats]) -> Floats:
    """Three-valued "or": a yes decides, then an unknown."""
    parts = list(np.broadcast_arrays(*parts))
    return np.where(np.fmax.reduce(parts) == 1, 1.0, np.maximum.reduce(parts))


def _order(row: Row) -> Order:
    order = Order(
        row["order"], cell_list(row["origins"]), cell_list(row["hts"]), row["manufacturer_id"].strip(), row["goods"]
    )
    if not (order.origins or order.hts or order.manufacturer_id):
        fix = "name its origins, hts or manufacturer_id"
        raise ConfigError(f"order {order.number!r} has no scope", where="withhold_release_orders.csv", fix=fix)
    return order


def _first(hts: str, day: date, tables: Tables) -> str | None:
    found = sectors(hts, day, tables=tables)
    return found[0].value.name if found else None


def _suggests(hts: str, day: date, tables: Tables) -> bool | None:
    return bool(sectors(hts, day, tables=tables)) if is_goods(hts) else None


@lru_cache(maxsize=16)
def _sector_facts(tables: Tables) -> dict[str, Fact[str]]:
    """Sectors by name; `superseded` is the day on which a sector stopped being a priority."""
    found = {}
    for row in tables.rows("uflpa_sectors"):
        period = fact(row["sector"], row, "priority_from", "superseded")
        until = period.until - timedelta(days=1) if period.until else None
        found[row["sector"]] = replace(period, until=until)
    return found


@lru_cache(maxsize=16)
def _headings(tables: Tables) -> tuple[tuple[str, str, Fact[Sector]], ...]:
    """Tariff prefixes, low and high, with the sector they suggest; sectors without headings suggest nothing."""
    known, found = _sector_facts(tables), []
    for row in tables.rows("uflpa_headings"):
        if row["sector"] not in known:
            fix = "name it as in uflpa_sectors.csv"
            raise ConfigError(f"unknown sector {row['sector']!r}", where="uflpa_headings.csv", fix=fix)
        sector = Sector(row["sector"], row["stage"])
        period = joined(sector, known[row["sector"]], fact(None, row, "", ""))
        found.append((*prefixes("uflpa_headings", row), period))
    return tuple(found)


@lru_cache(maxsize=16)
def _changes(tables: Tables) -> tuple[date, ...]:
    return changes(_sector_facts(tables).values())
