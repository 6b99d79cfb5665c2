"""Agriculture: goods that can carry pests, the season where they come from, and wood packaging.

Tables: agri_goods.csv (kinds of goods by tariff prefix: a reading of the Harmonized System from memory),
hemispheres.csv (by the latitude of the capital) and wood_packaging_rules.csv (7 CFR 319.40-3, with exempt countries).
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference.asof import by_code, by_day, numbers
from riskscore.reference.facts import Fact, cell_list, changes, fact, prefixes
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import in_range, is_country, is_goods

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from riskscore.reference.asof import Days, Floats, Keys, Objects

KINDS = ("none", "animal", "plant", "wood")
"""Kinds of goods: none of the others; animals and their products; plants and theirs; wood and articles of it."""

HEMISPHERES = ("north", "south")


def goods_kind(hts: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The kind of goods, one of KINDS, by the longest tariff prefix of the table that fits.

    Args:
        hts: tariff number, 4 to 10 digits as text; null is unclassified.
        tables: reference tables in use (agri_goods.csv).

    Returns:
        Text; None where the number is null or no tariff number of goods. A number that is coarser than a prefix does
        not fall under it.

    >>> goods_kind(["0804400040", "0306170041", "9403509042", "8517130000", None])
    array(['plant', 'animal', 'wood', 'none', None], dtype=object)
    """
    return by_code(lambda code: _kind(code, tables), hts)


def hemisphere(country: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The hemisphere of a country, one of HEMISPHERES; None for a null or a country that the table does not know.

    >>> hemisphere(["CL", "MX", "ZZ", None])
    array(['south', 'north', None, None], dtype=object)
    """
    return by_code(_hemispheres(tables).get, country)


def wood_packaging_regulated(country: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether solid wood packaging from a country had to be treated and marked (ISPM 15) on the day.

    Args:
        country: the country that the packaging comes from, ISO 3166 alpha-2; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (wood_packaging_rules.csv).

    Returns:
        1 yes, 0 the country was exempt or no rule in force yet; NaN where country or day are unknown.

    >>> from datetime import date
    >>> wood_packaging_regulated(["CN", "CA", "CN"], [date(2005, 9, 16), date(2005, 9, 16), date(2005, 9, 15)])
    array([1., 0., 0.])
    """
    facts = wood_packaging_rules(tables)
    return numbers(by_day(lambda c, day: _regulated(c, day, facts), changes(facts), country, days=days))


@lru_cache(maxsize=16)
def wood_packaging_rules(tables: Tables = PACKAGED) -> tuple[Fact[tuple[str, ...]], ...]:
    """The rules on wood packaging: the countries each exempts, and the days it held.

    Raises:
        ConfigError: exempt countries that are none.

    >>> [(f.value, str(f.since)) for f in wood_packaging_rules()]
    [(('CA',), '2005-09-16')]
    """
    rows = tables.rows("wood_packaging_rules")
    return tuple(fact(_countries("wood_packaging_rules", row["exempt"]), row) for row in rows)


def _kind(hts: str, tables: Tables) -> str | None:
    if not is_goods(hts):
        return None
    found = [(len(low), kind) for low, high, kind in _kinds(tables) if in_range(hts, low, high)]
    return max(found, default=(0, "none"))[1]


def _regulated(country: str, day: date, facts: tuple[Fact[tuple[str, ...]], ...]) -> bool | None:
    return any(f.covers(day) and country not in f.value for f in facts) if is_country(country) else None


@lru_cache(maxsize=16)
def _kinds(tables: Tables) -> tuple[tuple[str, str, str], ...]:
    found = []
    for row in tables.rows("agri_goods"):
        if row["kind"] not in KINDS:
            raise ConfigError(f"unknown kind {row['kind']!r}", where="agri_goods.csv", fix=f"use {', '.join(KINDS)}")
        found.append((*prefixes("agri_goods", row), row["kind"]))
    return tuple(found)


@lru_cache(maxsize=16)
def _hemispheres(tables: Tables) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for row in tables.rows("hemispheres"):
        if row["hemisphere"] not in HEMISPHERES:
            fix = f"use {' or '.join(HEMISPHERES)}"
            raise ConfigError(f"unknown hemisphere {row['hemisphere']!r}", where="hemispheres.csv", fix=fix)
        found |= dict.fromkeys(_countries("hemispheres", row["countries"]), row["hemisphere"])
    return MappingProxyType(found)


def _countries(table: str, cell: str) -> tuple[str, ...]:
    countries = cell_list(cell)
    if not all(is_country(country) for country in countries):
        raise ConfigError(f"countries {cell!r} are none", where=f"{table}.csv", fix="write ISO codes separated by ';'")
    return countries
