"""De minimis: up to which value a shipment entered free of duty, by origin and day.

Tables: de_minimis.csv and de_minimis_scopes.csv, which gives the origins that each `scope` names: "*" for all, or ISO
codes separated by ';'. A user's de_minimis.csv may write origins in its scope directly. A named origin wins over all
origins; of two rows of equal scope the later wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference.asof import by_day, numbers
from riskscore.reference.facts import Fact, cell_list, changes, fact, number
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import is_country

if TYPE_CHECKING:
    from datetime import date

    from riskscore.reference.asof import Days, Floats, Keys
    from riskscore.reference.facts import Row

_ALL = "*"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold in USD per person and day, the origins it holds for ("*" = all), and the authority for it."""

    usd: float
    origins: tuple[str, ...]
    authority: str


def threshold_usd(origin: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """The de minimis threshold for goods of `origin` on the day.

    Args:
        origin: country of origin, ISO 3166 alpha-2; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (de_minimis.csv, de_minimis_scopes.csv).

    Returns:
        USD per person and day; 0 = no exemption. NaN where the day is null or before the first row, and where the
        origin is unknown on a day on which it matters.

    >>> from datetime import date
    >>> threshold_usd(["CN", "DE", None], date(2025, 5, 2))
    array([  0., 800.,  nan])
    >>> threshold_usd("DE", [date(2016, 3, 9), date(2016, 3, 10), date(2025, 8, 28), date(2025, 8, 29)])
    array([200., 800., 800.,   0.])
    """
    days_of_change = changes(_thresholds(tables))
    answers = by_day(lambda code, day: _usd(code, day, tables), days_of_change, origin, days=days, nullable=True)
    return numbers(answers)


def threshold(origin: str, day: date, *, tables: Tables = PACKAGED) -> Fact[Threshold] | None:
    """The row that sets the threshold for `origin` on `day`, with its authority; None before the first row.

    >>> from datetime import date
    >>> threshold("CN", date(2025, 5, 2)).value.authority
    'EO 14195 as amended; EO 14256'
    """
    found = [f for f in _thresholds(tables) if f.covers(day) and {origin, _ALL} & set(f.value.origins)]
    return max(found, key=lambda f: (origin in f.value.origins, str(f.since)), default=None)


def _usd(origin: str | None, day: date, tables: Tables) -> float | None:
    if origin is not None and is_country(origin):
        return _value(threshold(origin, day, tables=tables))
    named = {o for f in _thresholds(tables) if f.covers(day) for o in f.value.origins}
    possible = {_value(threshold(o, day, tables=tables)) for o in {*named, _ALL}}
    return possible.pop() if len(possible) == 1 else None


def _value(found: Fact[Threshold] | None) -> float | None:
    return found.value.usd if found else None


@lru_cache(maxsize=16)
def _thresholds(tables: Tables) -> tuple[Fact[Threshold], ...]:
    scopes = {row["scope"]: cell_list(row["origins"]) for row in tables.rows("de_minimis_scopes")}
    found = []
    for row in tables.rows("de_minimis"):
        usd = number("de_minimis", row, "threshold_usd")
        found.append(fact(Threshold(usd, _origins(row, scopes), row["authority"]), row))
    return tuple(found)


def _origins(row: Row, scopes: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    origins = scopes.get(row["scope"], cell_list(row["scope"]))
    if not origins or not all(origin == _ALL or is_country(origin) for origin in origins):
        fix = "write * or ISO codes separated by ';', or add the scope to de_minimis_scopes.csv"
        raise ConfigError(f"scope {row['scope']!r} names no origins", where="de_minimis.csv", fix=fix)
    return origins
