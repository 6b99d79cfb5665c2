"""Forced labour beyond the declared origin: third countries that work up a sector's inputs, and places of a region.

Tables: uflpa_third_countries.csv (by sector, from published figures on stopped shipments and from memory) and
uflpa_regions.csv (postal codes, place names and the city letters of a MID). CBP warns of postal codes of the Xinjiang
Uyghur Autonomous Region since 2023-03-18 and publishes no list of them. A yes is a reason to ask; a no is none not to.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from riskscore.errors import ConfigError
from riskscore.reference import forced_labour
from riskscore.reference.asof import as_text, by_code, by_day, numbers
from riskscore.reference.facts import cell_list, read_day
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import is_country, is_goods

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from riskscore.reference.asof import Days, Floats, Keys, Objects

_KINDS = ("postal", "place", "mid_city")
_POSTAL, _PLACE = 1, 2


class _Regions(NamedTuple):
    """What gives a region away: patterns of places and postal codes, city letters of a MID, and the countries."""

    place: re.Pattern[str]
    postal: re.Pattern[str]
    cities: frozenset[str]
    countries: frozenset[str]


def upstream_exposure(hts: Keys, origin: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether goods of a priority sector in force come from a third country that works up the sector's inputs.

    Args:
        hts: tariff number, 4 to 10 digits as text; null is unclassified.
        origin: country of origin, ISO 3166 alpha-2; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (uflpa_third_countries.csv, uflpa_sectors.csv, uflpa_headings.csv).

    Returns:
        1 yes, 0 the tables suggest none; NaN where goods, origin or day are unknown.

    >>> from datetime import date
    >>> upstream_exposure("6109100012", ["VN", "CN", "FR", None], date(2023, 1, 1))
    array([ 1.,  0.,  0., nan])
    """
    names = by_day(lambda code, day: _names(code, day, tables), _changes(tables), hts, days=days)
    return numbers(by_code(lambda cell, code: _upstream(cell, code, tables), names, origin))


def suggested(hts: Keys, days: Days, *, tables: Tables = PACKAGED) -> Objects:
    """The priority sectors that the goods point to on the day, with the stage at which they belong to each.

    Args:
        hts: tariff number, 4 to 10 digits as text; null is unclassified.
        days: the days to answer for.
        tables: reference tables in use (uflpa_sectors.csv, uflpa_headings.csv).

    Returns:
        Tuples of forced_labour.Sector, the longest tariff prefix first; () where no sector in force suggests itself,
        None where goods or day are unknown.

    >>> from datetime import date
    >>> [[(s.name, s.stage) for s in found] for found in suggested(["2606000060", "9503000073"], date(2024, 7, 9))]
    [[('Aluminum', 'upstream')], []]
    """
    return by_day(lambda code, day: _sectors(code, day, tables), _changes(tables), hts, days=days)


def address_in_region(address: Keys, country: Keys, *, tables: Tables = PACKAGED) -> Floats:
    """Whether an address names a place of a region, or has one of its postal codes in its country.

    Args:
        address: addresses; null = not stated.
        country: the country the address is taken to be in, ISO 3166 alpha-2; null or another country than the
            region's leaves the postal codes out: other countries have six digits too.
        tables: reference tables in use (uflpa_regions.csv: place, postal).

    Returns:
        1 yes, 0 no; NaN for a null address.

    >>> address_in_region(
    ...     ["1 Road, 844801 Zepu", "1 Road, 844801 Gaya", "1 Rd, Urumqi", None], ["CN", "IN", None, "CN"]
    ... )
    array([ 1.,  0.,  1., nan])
    """
    regions = _regions(tables)
    named = numbers(by_code(lambda text: _named_by(text, regions), address))
    at_home = np.isin(as_text(country), list(regions.countries))
    return np.where(np.isnan(named), np.nan, (named == _PLACE) | ((named == _POSTAL) & at_home))


def mid_city_in_region(mid: Keys, *, tables: Tables = PACKAGED) -> Floats:
    """Whether a MID begins with the country of a region and ends in the letters of one of its cities.

    Args:
        mid: manufacturer identification codes; null = not stated.
        tables: reference tables in use (uflpa_regions.csv: mid_city).

    Returns:
        1 yes, 0 no; NaN for a null.

    >>> mid_city_in_region(["CNXINTEX12URU", "CNNINHEN88NIN", None])
    array([ 1.,  0., nan])
    """
    regions = _regions(tables)
    return numbers(by_code(lambda m: m[:2] in regions.countries and m[-3:] in regions.cities, mid))


@lru_cache(maxsize=16)
def third_countries(tables: Tables = PACKAGED) -> Mapping[str, frozenset[str]]:
    """Third countries by priority sector.

    Raises:
        ConfigError: a sector that uflpa_sectors.csv lacks, or countries that are none.

    >>> sorted(third_countries()["Lithium"])
    ['KR', 'MY', 'VN']
    """
    known, found = {row["sector"] for row in tables.rows("uflpa_sectors")}, dict[str, frozenset[str]]()
    for row in tables.rows("uflpa_third_countries"):
        origins = cell_list(row["origins"])
        if row["sector"] not in known or not origins or not all(is_country(origin) for origin in origins):
            fix = "name the sector as in uflpa_sectors.csv, and ISO codes separated by ';'"
            what = f"sector {row['sector']!r} or origins {row['origins']!r} unknown"
            raise ConfigError(what, where="uflpa_third_countries.csv", fix=fix)
        found[row["sector"]] = found.get(row["sector"], frozenset()) | set(origins)
    return found


@lru_cache(maxsize=1 << 16)
def _sectors(hts: str, day: date, tables: Tables) -> tuple[forced_labour.Sector, ...] | None:
    # Days come as the first of their span (by_day), so what one morning asked the next finds answered.
    found = forced_labour.sectors(hts, day, tables=tables)
    return tuple(f.value for f in found) if is_goods(hts) else None


def _names(hts: str, day: date, tables: Tables) -> str | None:
    """The names of the sectors, one a line."""
    found = _sectors(hts, day, tables)
    return None if found is None else "\n".join(sector.name for sector in found)


def _upstream(sectors: str, origin: str, tables: Tables) -> bool | None:
    if not is_country(origin):
        return None
    return any(origin in third_countries(tables).get(name, ()) for name in sectors.split("\n"))


def _named_by(address: str, regions: _Regions) -> int:
    """What of an address names a region: a place decides, then a postal code."""
    words = f" {' '.join(re.findall('[a-z]+', address.lower()))} "
    if regions.place.search(words) is not None:
        return _PLACE
    return _POSTAL if regions.postal.search(address) is not None else 0


@lru_cache(maxsize=16)
def _changes(tables: Tables) -> tuple[date, ...]:
    """The days on which a sector becomes a priority or stops being one."""
    cells = [row[column] for row in tables.rows("uflpa_sectors") for column in ("priority_from", "superseded")]
    return tuple(sorted({day for day in map(read_day, cells) if day}))


@lru_cache(maxsize=16)
def _regions(tables: Tables) -> _Regions:
    texts: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for row in tables.rows("uflpa_regions"):
        if row["kind"] not in texts or not re.fullmatch("[A-Za-z0-9]+", row["text"]) or not is_country(row["country"]):
            fix = f"write a kind of {', '.join(_KINDS)}, one word or prefix of digits, and an ISO country"
            raise ConfigError(f"{row['kind']} {row['text']!r} is none", where="uflpa_regions.csv", fix=fix)
        texts[row["kind"]].append(row["text"])
    return _Regions(
        _one_of(" (?:{}) ", [text.lower() for text in texts["place"]]),
        _one_of("(?<![0-9])(?=[0-9]{{6}}(?![0-9]))(?:{})", texts["postal"]),
        frozenset(texts["mid_city"]),
        frozenset(row["country"] for row in tables.rows("uflpa_regions")),
    )


def _one_of(pattern: str, texts: list[str]) -> re.Pattern[str]:
    # A pattern without alternatives would match everything; this one matches nothing.
    return re.compile(pattern.format("|".join(texts)) if texts else "(?!)")
