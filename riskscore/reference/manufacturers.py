"""Manufacturer identification codes (MID): how one is built from name and address, and whether one is plausible.

Rules: 19 CFR Part 102 Appendix, as in mid_rules.csv: country (for Canada the province), 3 letters of each of the first
two words of the name, up to 4 digits of the largest number of the address, 3 letters of the city. A MID is not issued
by anybody, so two manufacturers may share one, and one may have several.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from riskscore.reference.asof import by_code, numbers
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import is_country

if TYPE_CHECKING:
    from collections.abc import Mapping

    from riskscore.reference.asof import Floats, Keys, Objects

_SMALL_WORDS = frozenset({"A", "AN", "AND", "OF", "THE"})
_NAME_AND_PLACE = re.compile(r"([A-Z0-9]{1,6}?)(\d{0,4})([A-Z]{1,3})")
_MID = re.compile(r"[A-Z]{2}[A-Z0-9]{2,13}")


def build(country: str, name: str, address: str, city: str, *, province: str = "", tables: Tables = PACKAGED) -> str:
    """The MID of a manufacturer.

    Args:
        country: country of origin, ISO 3166 alpha-2.
        name: name of the manufacturer.
        address: the address line with the street or box number, without the city line.
        city: city; digits in it are ignored.
        province: postal code of the province, for Canada; without it the MID begins with CA, which is not valid.
        tables: reference tables in use (mid_rules.csv: province codes).

    Returns:
        Up to 15 capital letters and digits.

    >>> build("US", "DHL Express", "236 Wendell Ford Blvd Ste 1304", "Erlanger KY")
    'USDHLEXP1304ERL'
    >>> build("CA", "Maple of the North", "1 Main St", "Toronto", province="ON")
    'XOMAPNOR1TOR'
    """
    start = provinces(tables).get(province, country) if country == "CA" else country
    return f"{start}{name_part(name)}{number_part(address)}{city_part(city)}"


def name_part(name: str) -> str:
    """The letters a name gives: 3 of each of its first two words; initials that stand together are one word.

    >>> [name_part(name) for name in ("Amalgamated Plastics Corp.", "Bergstrom", "A B C Company", "Dr. S.A. Smith")]
    ['AMAPLA', 'BER', 'ABCCOM', 'DRSA']
    """
    return "".join(word[:3] for word in _words(name)[:2])


def number_part(address: str) -> str:
    """The first 4 digits of the largest number of an address line; commas and hyphens inside a number are ignored.

    >>> [number_part(line) for line in ("236 Wendell Ford Blvd Suite 1000", "11455 Main St", "12-34-56 Alaska Road")]
    ['1000', '1145', '1234']
    """
    runs = re.findall(r"\d+", re.sub(r"(?<=\d)[,-](?=\d)", "", address))
    return max(runs, key=int, default="")[:4]


def city_part(city: str) -> str:
    """The first 3 letters of a city; small words, digits and punctuation are ignored.

    >>> [city_part(city) for city in ("St Louis", "18-Mile High", "The Hague")]
    ['STL', 'MIL', 'HAG']
    """
    words = re.sub(r"[^A-Z ]", "", _ascii(city)).split()
    return "".join([word for word in words if word not in _SMALL_WORDS] or words)[:3]


def plausible(mid: Keys, *, tables: Tables = PACKAGED) -> Floats:
    """Whether each MID could have been built by the rules.

    At most 15 capital letters and digits, beginning with a country (for Canada a province, never CA) and ending in
    letters of a city.

    Args:
        mid: manufacturer identification codes; null = not stated.
        tables: reference tables in use (mid_rules.csv: province codes).

    Returns:
        1 yes, 0 no; NaN for a null.

    >>> plausible(["USDHLEXP1304ERL", "XOMAPNOR1TOR", "CAMAPNOR1TOR", "CN123", None])
    array([ 1.,  1.,  0.,  0., nan])
    """
    return numbers(by_code(lambda code: _is_plausible(code, tables), mid))


def origin(mid: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The country of origin a MID begins with; province codes give CA.

    Args:
        mid: manufacturer identification codes; null = not stated.
        tables: reference tables in use (mid_rules.csv: province codes).

    Returns:
        ISO 3166 alpha-2; None for a null or a MID that is not plausible.

    >>> origin(["CNNINHEN88NIN", "XQABC1MON", "??"])
    array(['CN', 'CA', None], dtype=object)
    """
    return by_code(lambda code: _origin(code, tables) if _is_plausible(code, tables) else None, mid)


def names(mid: Keys, name: Keys) -> Floats:
    """Whether a MID carries the letters that the manufacturer's name gives: 1 yes, 0 no, NaN where either is null.

    A no is a contradiction only where the MID is meant for that name: a trading company's name gives other letters.

    >>> names("USDHLEXP1304ERL", ["DHL Express", "FedEx", None])
    array([ 1.,  0., nan])
    """
    return numbers(by_code(_carries, mid, name))


@lru_cache(maxsize=16)
def provinces(tables: Tables = PACKAGED) -> Mapping[str, str]:
    """The MID codes of the Canadian provinces, by postal code.

    >>> provinces()["ON"], len(provinces())
    ('XO', 13)
    """
    cells = [row["rule"] for row in tables.rows("mid_rules") if row["step"] == "CA"]
    pairs = [pair for cell in cells for pair in re.findall(r"\b([A-Z]{2}) (X[A-Z])\b", cell)]
    return MappingProxyType(dict(pairs))


def _words(name: str) -> list[str]:
    """The words of a name that count. A hyphen joins; initials are joined first: the A of "A B C" is no article."""
    letters = " ".join(re.sub(r"[^A-Z0-9 ]", "", _ascii(name).replace(".", " ")).split())
    joined = re.sub(r"\b([A-Z]) (?=[A-Z]\b)", r"\1", letters)
    return [word for word in joined.split() if word not in _SMALL_WORDS]


def _ascii(text: str) -> str:
    """Capital letters without accents; what has no such form is left out."""
    return unicodedata.normalize("NFKD", text.upper()).encode("ascii", "ignore").decode()


def _is_plausible(mid: str, tables: Tables) -> bool:
    if _MID.fullmatch(mid) is None or _origin(mid, tables) is None:
        return False
    return _NAME_AND_PLACE.fullmatch(mid[2:]) is not None and mid[-1].isalpha()


def _origin(mid: str, tables: Tables) -> str | None:
    if mid[:2] in provinces(tables).values():
        return "CA"
    return mid[:2] if is_country(mid[:2]) and mid[:2] != "CA" else None


def _carries(mid: str, name: str) -> bool | None:
    letters = name_part(name)
    return mid[2:].startswith(letters) if letters else None
