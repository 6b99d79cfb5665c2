"""Which days a standing report is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from riskscore.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from riskscore.ledger import Ledger

WINDOW_DAYS = 84
"""Arrival days that estimates rest on when the caller does not say: twelve weeks, each weekday alike."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a report.

    Attributes:
        first: first scored arrival day of the estimates.
        until: their last: 95 % of the finds of its exams are known by `as_of`, unless `young`.
        through: last day of everything else: coverage, referrals, waivers, rules.
        position: ledger position.
        slow_days: days within which 95 % of the finds became known.
        young: no scored day of the window is that old, so all are taken, and the estimates will move.
    """

    first: date
    until: date
    through: date
    position: int
    slow_days: int
    young: bool

    @property
    def as_of(self) -> date:
        """The morning before which facts count as known."""
        return self.through + timedelta(days=1)


def last_word(ledger: Ledger, position: int) -> date:
    """The last day of a report when nobody says: the newest day scored, or on which a result became known.

    Raises:
        RunError: no day has been scored.
    """
    query = """SELECT (SELECT max(run_date) FROM runs WHERE seq <= $position),
        (SELECT max(known_day) FROM outcomes_log WHERE seq <= $position)"""
    [(run, known)] = ledger.connection.execute(query, {"position": position}).fetchall()
    if run is None:
        raise RunError("no day has been scored yet, so there are no exams to report on", fix="run riskscore score")
    newest: date = max(run, known) if known else run
    return newest


def span(first: date | None, through: date, position: int, slow_days: int, scored: Sequence[date]) -> Span:
    """The days of a report.

    Args:
        first: first arrival day of the estimates; None = WINDOW_DAYS before their last.
        through: last day.
        position: ledger position.
        slow_days: days within which 95 % of the finds became known.
        scored: days with a run, ascending.

    Raises:
        RunError: no day between `first` and `through` has been scored.

    >>> days = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 30)]
    >>> made = span(None, date(2026, 3, 31), 7, 20, days)
    >>> made.first.isoformat(), made.until.isoformat(), made.young
    ('2026-03-01', '2026-03-02', False)
    """
    settled = through - timedelta(days=slow_days)
    begin = first or settled - timedelta(days=WINDOW_DAYS - 1)
    inside = [day for day in scored if begin <= day <= through]
    if not inside:
        what = f"no day from {begin.isoformat()} to {through.isoformat()} has been scored"
        raise RunError(what, fix="choose other days with --from and --to")
    ripe = [day for day in inside if day <= settled]
    return Span(inside[0], (ripe or inside)[-1], through, position, slow_days, young=not ripe)
