"""Mutual recognition: which country's programme CBP recognises on a day.

Tables: mutual_recognition.csv (an arrangement holds from the day it was signed) and eu_membership.csv: a partner with
country code EU27 stands for the members of the European Union on the day, so GB until 2020-01-31 and HR from
2013-07-01. An arrangement that was not verified (Malaysia) is a candidate, never an answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from riskscore.reference.asof import by_day, numbers
from riskscore.reference.facts import Fact, cell_list, changes, fact, joined
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import is_country

if TYPE_CHECKING:
    from datetime import date

    from riskscore.reference.asof import Days, Floats, Keys, Objects
    from riskscore.reference.facts import Row

_UNION = "EU27"


def recognised(country: Keys, days: Days, *, tables: Tables = PACKAGED) -> Objects:
    """The programme of `country` that was recognised on the day.

    Args:
        country: ISO 3166 alpha-2 code of the trader's country; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (mutual_recognition.csv, eu_membership.csv).

    Returns:
        Name of the programme; None where no arrangement was in force, or country or day are unknown (`in_force`
        tells these apart).

    >>> from datetime import date
    >>> recognised(["GB", "GB", "MY"], [date(2020, 1, 31), date(2020, 2, 1), date(2026, 1, 1)])
    array(['Authorized Economic Operator', None, None], dtype=object)
    """
    return by_day(lambda code, day: _programme(code, day, tables), _changes(tables), country, days=days)


def in_force(country: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether an arrangement with `country` was in force on the day.

    Args:
        country: ISO 3166 alpha-2 code; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (mutual_recognition.csv, eu_membership.csv).

    Returns:
        1 yes, 0 no; NaN where country or day are unknown, or the arrangement was not verified.

    >>> from datetime import date
    >>> in_force(["NZ", "CN", "MY", "ZZ"], date(2024, 1, 1))
    array([ 1.,  0., nan, nan])
    """
    return numbers(by_day(lambda code, day: _holds(code, day, tables), _changes(tables), country, days=days))


def candidates(country: str, day: date, *, tables: Tables = PACKAGED) -> tuple[Fact[str], ...]:
    """Every programme of `country` that may have been recognised on `day`, the verified first, with its evidence.

    >>> from datetime import date
    >>> [(f.value, f.conf) for f in candidates("MY", date(2026, 1, 1))]
    [('AEO', 'unverified')]
    """
    found = [f for f in _arrangements(tables).get(country, ()) if f.covers(day)]
    return tuple(sorted(found, key=lambda f: f.unverified))


def _programme(country: str, day: date, tables: Tables) -> str | None:
    found = candidates(country, day, tables=tables)
    return found[0].value if found and not found[0].unverified else None


def _holds(country: str, day: date, tables: Tables) -> bool | None:
    found = candidates(country, day, tables=tables)
    return None if not is_country(country) or (found and found[0].unverified) else bool(found)


@lru_cache(maxsize=16)
def _arrangements(tables: Tables) -> dict[str, tuple[Fact[str], ...]]:
    """The arrangements of each country, the later first."""
    found: dict[str, list[Fact[str]]] = {}
    for row in tables.rows("mutual_recognition"):
        for country, part in _countries(row, tables):
            found.setdefault(country, []).append(part)
    return {c: tuple(sorted(parts, key=lambda f: str(f.since), reverse=True)) for c, parts in found.items()}


def _countries(row: Row, tables: Tables) -> list[tuple[str, Fact[str]]]:
    """The countries an arrangement binds, each with the days on which it does."""
    signed = fact(row["programme"], row, "signed", "")
    members = [(m["country"], fact(None, m, "member_from", "member_to")) for m in tables.rows("eu_membership")]
    bound = [(code, signed) for code in cell_list(row["country_codes"]) if code != _UNION]
    if _UNION in cell_list(row["country_codes"]):
        bound += [(code, joined(signed.value, signed, member)) for code, member in members]
    return bound


@lru_cache(maxsize=16)
def _changes(tables: Tables) -> tuple[date, ...]:
    return changes(part for parts in _arrangements(tables).values() for part in parts)
