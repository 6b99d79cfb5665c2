"""AQUA Lane and Unified Cargo Processing (UCP): at which ports, from which day.

Tables: port_programmes.csv and customs_districts.csv. AQUA Lane (Advanced Qualified Unlading Approval) lets vessels of
validated CTPAT sea carriers unlade on arrival at a validated CTPAT terminal; UCP is joint inspection with Mexican
customs at the southern border. Where the sources do not name the ports, the answer is null: AQUA Lane was planned for
all remaining ports in February 2017, and UCP spread along the border from July 2016.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from riskscore.reference.asof import by_code, by_day, numbers
from riskscore.reference.facts import Fact, changes, fact
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import is_port

if TYPE_CHECKING:
    from datetime import date

    from riskscore.reference.asof import Days, Floats, Keys, Objects


def aqua_lane(port: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether a port offered AQUA Lane on the day.

    Args:
        port: Schedule D code, 4 digits as text; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (port_programmes.csv, customs_districts.csv).

    Returns:
        1 yes, 0 no; NaN where the code is no port of a known customs district, a null, or a port that the sources
        leave open (every port not named, from 2017-02).

    >>> from datetime import date
    >>> aqua_lane(["2704", "1601", "USLAX"], date(2016, 9, 15))
    array([ 1.,  0., nan])
    """
    return _offered("AQUA", port, days, tables)


def unified_cargo_processing(port: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Whether a port had Unified Cargo Processing on the day.

    Args:
        port: Schedule D code, 4 digits as text; null is unknown.
        days: the days to answer for.
        tables: reference tables in use (port_programmes.csv, customs_districts.csv).

    Returns:
        1 yes, 0 no; NaN where the code is no port of a known customs district, a null, or a port that the sources
        leave open (those of the southern border not named, from 2016-07-25).

    >>> from datetime import date
    >>> unified_cargo_processing(["2604", "2304", "2704"], date(2017, 1, 1))
    array([ 1., nan,  0.])
    """
    return _offered("UCP", port, days, tables)


def programmes(port: str, day: date, *, tables: Tables = PACKAGED) -> dict[str, Fact[str]]:
    """The programmes (AQUA, UCP) that a port had or may have had on `day`: the port's name in the source, and evidence.

    >>> from datetime import date
    >>> found = programmes("5203", date(2016, 1, 1))["AQUA"]
    >>> found.value, found.since
    ('Port Everglades, FL', datetime.date(2015, 12, 1))
    """
    found = {}
    for name in _ports(tables):
        matching = [f for f in _matching(name, port, tables) if f.covers(day)]
        if matching:
            found[name] = min(matching, key=lambda f: f.unverified)
    return found


def district(port: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The customs district of a Schedule D port, by its first two digits; None where it is none.

    >>> district(["2704", "0199", "USLAX"])
    array(['Los Angeles, CA', 'Portland, ME', None], dtype=object)
    """
    return by_code(lambda code: _district(code, tables), port)


def _offered(name: str, port: Keys, days: Days, tables: Tables) -> Floats:
    rule = lambda code, day: _had(name, code, day, tables)  # noqa: E731
    return numbers(by_day(rule, _changes(tables), port, days=days))


def _had(name: str, port: str, day: date, tables: Tables) -> bool | None:
    found = [f for f in _matching(name, port, tables) if f.covers(day)]
    if any(not f.unverified for f in found):
        return True
    return None if found or _district(port, tables) is None else False


def _district(port: str, tables: Tables) -> str | None:
    return _districts(tables).get(port[:2]) if is_port(port) else None


@lru_cache(maxsize=16)
def _districts(tables: Tables) -> dict[str, str]:
    return {row["district"]: row["name"] for row in tables.rows("customs_districts")}


def _matching(name: str, port: str, tables: Tables) -> list[Fact[str]]:
    if _district(port, tables) is None:
        return []
    found = _ports(tables).get(name, ())
    return [f for code, f in found if code == port or (code.endswith("*") and port.startswith(code[:-1]))]


@lru_cache(maxsize=16)
def _ports(tables: Tables) -> dict[str, tuple[tuple[str, Fact[str]], ...]]:
    """Ports or prefixes ("23*") of each programme."""
    found: dict[str, tuple[tuple[str, Fact[str]], ...]] = {}
    for row in tables.rows("port_programmes"):
        found[row["programme"]] = (*found.get(row["programme"], ()), (row["port"], fact(row["port_name"], row)))
    return found


@lru_cache(maxsize=16)
def _changes(tables: Tables) -> tuple[date, ...]:
    return changes(f for ports in _ports(tables).values() for _, f in ports)
