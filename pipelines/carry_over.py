"""Must-exams of earlier days that found no slot and are still to be held, as known on a morning."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from riskscore.selection.carry_over import Carried

if TYPE_CHECKING:
    from collections.abc import Iterable

    from riskscore.ledger import Ledger, Run


def waiting_must_exams(ledger: Ledger, day: date, position: int, days: int) -> tuple[Carried, ...]:
    """Must-exams that the runs of the last `days` before `day` could not give, and that nobody has dealt with since.

    Dealt with is: held on a later day as carried over, examined by any exam or decided about as far as is known on the
    morning of `day`, or deleted.

    Args:
        ledger: with the runs.
        day: the morning.
        position: ledger position of the run; what came later is not seen.
        days: for how many days a must-exam waits; 0 = nothing is carried over.
    """
    recent = [run for run in _latest(ledger.runs(), position) if day - timedelta(days=days) <= run.run_date < day]
    unmet = {one.shipment_id: one for run in recent for one in _unmet(run)}
    held = {one["shipment_id"] for run in recent for one in run.record.get("carried_over", ())}
    left = set(unmet) - held
    dealt_with = _dealt_with(ledger, day, position) if left else set()
    return tuple(sorted(unmet[name] for name in left - dealt_with))


def _latest(runs: Iterable[Run], position: int) -> list[Run]:
    """The latest run of each day up to `position`."""
    return list({run.run_date: run for run in sorted(runs, key=lambda run: run.seq) if run.seq <= position}.values())


def _unmet(run: Run) -> list[Carried]:
    return [
        Carried(run.run_date, one["shipment_id"], one["port"], one["rule_id"], one["exam"])
        for one in run.record["must_exam_unmet"]
        if one["given"] is None
    ]


def _dealt_with(ledger: Ledger, day: date, position: int) -> set[str]:
    rows = ledger.connection.execute(
        """
        SELECT shipment_id FROM outcomes_log WHERE seq <= $position AND known_day < $day
        UNION SELECT shipment_id FROM reviews_log WHERE seq <= $position AND known_day < $day
        UNION SELECT shipment_id FROM shipments_log WHERE seq <= $position AND action = 'deleted'
            AND (filed_day IS NULL OR filed_day < $day)""",
        {"position": position, "day": day},
    ).fetchall()
    return {name for (name,) in rows}
