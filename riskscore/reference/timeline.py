"""Events in the life of the programmes: programmes_timeline.csv."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference.facts import Fact, fact
from riskscore.reference.loading import PACKAGED, Tables

if TYPE_CHECKING:
    from datetime import date


def event(name: str, *, tables: Tables = PACKAGED) -> Fact[str]:
    """The event called `name`: what happened, and since when it holds.

    Raises:
        ConfigError: the table has no such event.

    >>> event("UFLPA presumption").since
    datetime.date(2022, 6, 21)
    """
    for row in tables.rows("programmes_timeline"):
        if row["event"] == name:
            return fact(row["detail"], row, "date", "")
    raise ConfigError(f"no event {name!r}", where="programmes_timeline.csv")


def events_until(day: date, *, tables: Tables = PACKAGED) -> dict[str, Fact[str]]:
    """All dated events up to and including `day`, by name, in the order of the table.

    >>> from datetime import date
    >>> list(events_until(date(2006, 12, 31)))
    ['CTPAT launched', 'SAFE Port Act']
    """
    found = {row["event"]: event(row["event"], tables=tables) for row in tables.rows("programmes_timeline")}
    return {name: f for name, f in found.items() if f.since is not None and f.since <= day}
