"""Where companies are: plausible addresses by country, and how filings spell them.

A company keeps its address. Some lawfully share a building, as tenants of warehouses and office towers do. Filings
spell an address a little differently each time: abbreviations, case, punctuation.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from riskscore.simulator import lists
from riskscore.simulator.arrays import Texts, texts
from riskscore.simulator.streams import pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from riskscore.simulator.arrays import Ints

SHARED_SHARE = 0.08
"""Companies that share the building of another one of their city."""

SPELLINGS = 4
"""Ways in which one address is spelled: as registered, in capitals, abbreviated, both and without commas."""

SPELLING_WEIGHTS = (0.55, 0.2, 0.15, 0.1)

_UNIT_SHARE = 0.3
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXY"


@dataclass(frozen=True)
class Address:
    """One address; `street` has a place for the number."""

    number: int
    street: str
    unit: str
    city: str
    region: str
    """State or Canadian province; empty elsewhere."""
    postcode: str

    @property
    def line(self) -> str:
        """Street line with number and unit, without the city.

        >>> Address(88, "No {number} Renmin Road", "Room 5", "Ningbo", "", "315000").line
        'No 88 Renmin Road Room 5'
        """
        return f"{self.street.format(number=self.number)} {self.unit}".rstrip()

    def __str__(self) -> str:
        """The whole address on one line."""
        return f"{self.line}, {' '.join(filter(None, (self.city, self.region, self.postcode)))}"


def draw(rng: np.random.Generator, country: Ints, place: Texts) -> list[Address]:
    """An address per company; `country` as positions (-1 = United States, whose cities are drawn, not taken)."""
    dice = rng.random((len(country), 6))
    cities = lists.table("us_cities")
    city = pick(rng, lists.numbers("us_cities", "weight"), len(country))
    found = [
        _at_home(cities[at], rolls) if home < 0 else _abroad(int(home), town, rolls)
        for home, town, at, rolls in zip(country, place, city, dice.tolist(), strict=True)
    ]
    return _shared(rng, country, found)


def _at_home(city: dict[str, str], rolls: list[float]) -> Address:
    unit = f"Suite {100 + int(800 * rolls[3])}" if rolls[2] < _UNIT_SHARE else ""
    postcode = f"{city['zip3']}{int(100 * rolls[4]):02d}"
    return Address(
        100 + int(9800 * rolls[0]), _street("american", rolls[1]), unit, city["city"], city["state"], postcode
    )


def _abroad(home: int, town: str, rolls: list[float]) -> Address:
    like = lists.country_texts("names_like")[home]
    unit = f"Room {1 + int(1800 * rolls[3])}" if rolls[2] < _UNIT_SHARE else ""
    form = lists.country_texts("postcode")[home]
    return Address(
        1 + int(1900 * rolls[0] ** 2),
        _street(like, rolls[1]),
        unit,
        town,
        province(town),
        _postcode(form, town, rolls[4]),
    )


def _street(like: str, die: float) -> str:
    form, streets = _streets()[like]
    return form.replace("{street}", streets[int(die * len(streets))])


@cache
def _streets() -> dict[str, tuple[str, list[str]]]:
    return {row["like"]: (row["form"], row["streets"].split("|")) for row in lists.table("addresses")}


def province(town: str) -> str:
    """The Canadian province of a town; empty for any other town.

    >>> province("Toronto"), province("Ningbo")
    ('ON', '')
    """
    return next((row["province"] for row in lists.table("ca_provinces") if row["place"] == town), "")


def _postcode(form: str, town: str, die: float) -> str:
    """`form` with a digit for each # and a letter for each capital letter; the first two digits are the town's."""
    # 10 to 79: the numbers of Xinjiang (83, 84) are for those who are there.
    digits = iter(f"{10 + zlib.crc32(town.encode()) % 70}{int(die * 10**7):07d}")
    return "".join(
        next(digits) if sign == "#" else _LETTERS[int(next(digits)) * 2] if sign.isalpha() else sign for sign in form
    )


def _shared(rng: np.random.Generator, country: Ints, found: list[Address]) -> list[Address]:
    """Some companies moved into the building of another one of their city."""
    by_city: dict[tuple[int, str], list[int]] = {}
    for at, (home, address) in enumerate(zip(country, found, strict=True)):
        by_city.setdefault((int(home), address.city), []).append(at)
    tenants = np.flatnonzero(rng.random(len(found)) < SHARED_SHARE)
    result = list(found)
    units = rng.integers(1, 900, len(tenants)).tolist()
    for at, die, unit in zip(tenants.tolist(), rng.random(len(tenants)), units, strict=True):
        neighbours = by_city[int(country[at]), found[at].city]
        host = found[neighbours[int(die * len(neighbours))]]
        # An odd draw: the very same address, as agents and families have it.
        result[at] = host if unit % 2 else beside(host, unit)
    return result


def beside(address: Address, unit: int) -> Address:
    """Another unit of the same building."""
    return replace(address, unit=f"{'Suite' if len(address.region) else 'Room'} {unit}")


def far_west(address: Address, die: float) -> Address:
    """The same street in a city of Xinjiang, with a postcode of the region.

    >>> far_west(Address(9, "No {number} Keji Road", "", "Ningbo", "", "315000"), 0.99).city
    'Kashgar'
    """
    cities = lists.table("far_west")
    city = cities[int(die * len(cities))]
    return replace(address, city=city["city"], postcode=f"{city['postcode']}{int(1e6 * die) % 100:02d}")


def spelled(addresses: Sequence[Address]) -> Texts:
    """Every spelling of each address: (address, SPELLINGS).

    >>> spelled([Address(7, "{number} Main Street", "Suite 2", "Newark", "NJ", "07102")])[0].tolist()[:2]
    ['7 Main Street Suite 2, Newark NJ 07102', '7 MAIN STREET SUITE 2, NEWARK NJ 07102']
    """
    rows = []
    for address in addresses:
        full = str(address)
        short = _SHORT.sub(lambda found: _abbreviations()[found[0]], full)
        rows.append([full, full.upper(), f"{short}.", short.upper().replace(",", "")])
    return texts([text for row in rows for text in row]).reshape(len(rows), SPELLINGS)


@cache
def _abbreviations() -> dict[str, str]:
    return {row["word"]: row["short"] for row in lists.table("abbreviations")}


_SHORT = re.compile(rf"\b(?:{'|'.join(_abbreviations())})\b")
