"""Must-exams of earlier days that found no slot and are still to be held, as known on a morning."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from riskscore.ledger.schema import VERSION_ORDER
from riskscore.selection.carry_over import Carried

if TYPE_CHECKING:
    from riskscore.ledger import Ledger, Run


def waiting_must_exams(ledger: Ledger, day: date, position: int, days: int) -> tuple[Carried, ...]:
    """Must-exams that the runs of the last `days` before `day` could not give, and that nobody has dealt with since.

    Dealt with is: held on a later day as carried over, examined by any exam, decided otherwise by an analyst, deleted,
    or due to arrive on `day` or later, as far as is known on that morning.

    Args:
        ledger: with the runs.
        day: the morning.
        position: ledger position of the run; what came later is not seen.
        days: for how many days a must-exam waits; 0 = nothing is carried over.
    """
    recent = [run for run in ledger.runs(position, day - timedelta(days=days)) if run.run_date < day]
    unmet = {one.shipment_id: one for run in recent for one in _unmet(run)}
    held = {one["shipment_id"] for run in recent for one in run.record.get("carried_over", ())}
    left = set(unmet) - held
    dealt_with = _dealt_with(ledger, day, position, sorted(left)) if left else set()
    return tuple(sorted(unmet[name] for name in left - dealt_with))


def _unmet(run: Run) -> list[Carried]:
    return [
        Carried(run.run_date, one["shipment_id"], one["port"], one["rule_id"], one["exam"])
        for one in run.record["must_exam_unmet"]
        if one["given"] is None
    ]


def _dealt_with(ledger: Ledger, day: date, position: int, names: list[str]) -> set[str]:
    given = {"position": position, "day": day, "names": names}
    rows = ledger.connection.execute(_DEALT_WITH, given).fetchall()
    return {name for (name,) in rows}


# Whose arrival moved to today or later is ordered anew by the rules of that day. An analyst who agrees with a release
# for want of a slot has not dealt with it.
_DEALT_WITH = f"""
    SELECT shipment_id FROM outcomes_log
    WHERE seq <= $position AND known_day < $day AND list_contains($names, shipment_id)
    UNION SELECT shipment_id FROM (
        SELECT shipment_id, decision FROM reviews_log
        WHERE seq <= $position AND known_day < $day AND list_contains($names, shipment_id)
        QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY known_at DESC, seq DESC, row_digest) = 1)
    WHERE decision <> 'accept'
    UNION SELECT shipment_id FROM (
        SELECT shipment_id, action, arrival_date FROM shipments_log
        WHERE seq <= $position AND (filed_day IS NULL OR filed_day < $day) AND list_contains($names, shipment_id)
        QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY {VERSION_ORDER} DESC) = 1)
    WHERE action = 'deleted' OR arrival_date >= $day"""
