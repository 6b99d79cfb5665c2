"""Antidumping and countervailing duty orders: goods and origins that an order in force may cover.

Table: adcvd_orders.csv, a small choice of orders, mostly from memory, out of the hundreds in force
(adcvd.orders_in_force). The written scope of an order decides, not its tariff numbers, and single producers are
excluded: so a yes says that the entry type should be asked for, not that duty is due, and a no that this table has no
such order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from riskscore.errors import ConfigError
from riskscore.reference.asof import by_code, by_day, numbers
from riskscore.reference.facts import Fact, cell_list, changes, fact, prefixes
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import in_range, is_country, is_goods

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from riskscore.reference.asof import Days, Floats, Keys, Objects
    from riskscore.reference.facts import Row


@dataclass(frozen=True, slots=True)
class Order:
    """The goods of an order by tariff prefixes `low` to `high`, and the origins it names."""

    product: str
    low: str
    high: str
    origins: tuple[str, ...]


class Coverage(NamedTuple):
    """Whether an order covers goods of their origin, and whether one does so of other origins only."""

    here: Floats
    elsewhere: Floats


def covers(hts: Keys, origin: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether an order in force on the day names the goods and their origin.

    Args:
        hts: tariff number, 4 to 10 digits as text; null is unclassified.
        origin: country of origin, ISO 3166 alpha-2; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (adcvd_orders.csv).

    Returns:
        1 yes, 0 no order of the table does; NaN where goods, origin or day are unknown, or the tariff number is too
        coarse to tell.

    >>> from datetime import date
    >>> covers(["9404210013", "9404210013", "9404"], ["VN", "DE", "VN"], date(2024, 1, 1))
    array([ 1.,  0., nan])
    """
    return coverage(hts, origin, days, tables=tables).here


def covers_elsewhere(hts: Keys, origin: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether an order in force names the goods from other origins, and none from this one: a reason to rename it.

    Args:
        hts: tariff number, 4 to 10 digits as text; null is unclassified.
        origin: country of origin, ISO 3166 alpha-2; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (adcvd_orders.csv).

    Returns:
        1 yes, 0 no; NaN as in `covers`.

    >>> from datetime import date
    >>> covers_elsewhere(["6907211011", "6907211011", "9503000073"], ["IN", "CN", "CN"], date(2024, 1, 1))
    array([1., 0., 0.])
    """
    return coverage(hts, origin, days, tables=tables).elsewhere


def coverage(hts: Keys, origin: Keys, days: Days, *, tables: Tables = PACKAGED) -> Coverage:
    """What `covers` and `covers_elsewhere` answer, at the price of one."""
    named = named_origins(hts, days, tables=tables)
    return Coverage(numbers(by_code(_covers, named, origin)), numbers(by_code(_elsewhere, named, origin)))


def named_origins(hts: Keys, days: Days, *, tables: Tables = PACKAGED) -> Objects:
    """The origins that orders in force on the day name for the goods.

    Args:
        hts: tariff number, 4 to 10 digits as text; null is unclassified.
        days: the days to answer for.
        tables: reference tables in use (adcvd_orders.csv).

    Returns:
        ISO codes in alphabetical order, separated by ';', "" for goods under no order; None where goods or day are
        unknown, or the tariff number is too coarse to tell.

    >>> from datetime import date
    >>> named_origins(["6810990080", "9503000073", "6810"], date(2024, 1, 1))
    array(['CN;IN;TR', '', None], dtype=object)
    """
    return by_day(lambda code, day: _named(code, day, tables), _changes(tables), hts, days=days)


def candidates(hts: str, day: date, *, tables: Tables = PACKAGED) -> tuple[Fact[Order], ...]:
    """The orders in force on `day` whose tariff prefixes the goods fall under, in the order of the table.

    >>> from datetime import date
    >>> [(f.value.product, f.value.origins) for f in candidates("4011101010", date(2020, 1, 1))]
    [('passenger vehicle and light truck tires', ('CN',))]
    """
    found = [f for f in orders(tables) if f.covers(day) and in_range(hts, f.value.low, f.value.high)]
    return tuple(found) if is_goods(hts) else ()


@lru_cache(maxsize=16)
def orders(tables: Tables = PACKAGED) -> tuple[Fact[Order], ...]:
    """Every order of the table, with the days it was in force.

    Raises:
        ConfigError: an order without origins, or with a range of tariff numbers that is none.
    """
    return tuple(fact(_order(row), row) for row in tables.rows("adcvd_orders"))


def _covers(named: str, origin: str) -> bool | None:
    return origin in named.split(";") if is_country(origin) else None


def _elsewhere(named: str, origin: str) -> bool | None:
    return bool(named) and origin not in named.split(";") if is_country(origin) else None


@lru_cache(maxsize=1 << 16)
def _named(hts: str, day: date, tables: Tables) -> str | None:
    # Days come as the first of their span (by_day), so what one morning asked the next finds answered.
    if not is_goods(hts):
        return None
    near = [f for f in _of_chapter(tables).get(hts[:2], ()) if f.covers(day) and _over(hts, f.value)]
    coarse = any(len(hts) < len(f.value.low) for f in near)
    return None if coarse else ";".join(sorted({origin for f in near for origin in f.value.origins}))


def _over(hts: str, order: Order) -> bool:
    """Whether goods fall under an order, as far as the shorter of number and prefix goes."""
    digits = min(len(hts), len(order.low))
    return order.low[:digits] <= hts[:digits] <= order.high[:digits]


@lru_cache(maxsize=16)
def _of_chapter(tables: Tables) -> Mapping[str, tuple[Fact[Order], ...]]:
    """The orders by the chapters that their prefixes touch: most goods are under none."""
    found: dict[str, tuple[Fact[Order], ...]] = {}
    for f in orders(tables):
        for chapter in range(int(f.value.low[:2]), int(f.value.high[:2]) + 1):
            key = f"{chapter:02d}"
            found[key] = (*found.get(key, ()), f)
    return MappingProxyType(found)


def _order(row: Row) -> Order:
    origins = cell_list(row["origins"])
    if not origins or not all(is_country(origin) for origin in origins):
        fix = "write ISO codes separated by ';'"
        raise ConfigError(f"origins {row['origins']!r} are none", where=f"adcvd_orders.csv, {row['product']}", fix=fix)
    return Order(row["product"], *prefixes("adcvd_orders", row), origins)


@lru_cache(maxsize=16)
def _changes(tables: Tables) -> tuple[date, ...]:
    return changes(orders(tables))
