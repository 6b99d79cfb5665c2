"""Which runs ordered the exams of their days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskscore.ledger.waits import waits_of

if TYPE_CHECKING:
    from datetime import date

    from riskscore.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class InForce:
    """The run that ordered the exams of a day."""

    run_date: date
    run_id: str
    seq: int
    position: int


def in_force(ledger: Ledger, through: date, position: int) -> tuple[InForce, ...]:
    """For each scored day up to `through` the run that ordered its exams, by day.

    Of several runs of a day it is the last one kept before any result of the exams ordered that day was heard: a later
    refresh ordered other exams, and could not order these.
    """
    query = f"""
        WITH of_day AS (
            SELECT *, min(seq) OVER (PARTITION BY run_date) AS first_seq FROM runs
            WHERE seq <= $position AND run_date <= $through),
        ordered AS (
            SELECT run_id, shipment_id FROM recommendations WHERE recommendation = 'examine'
            UNION ALL SELECT run_id, shipment_id FROM {waits_of("of_day")} WHERE state = 'held'),
        heard AS (
            SELECT run_date, min(o.seq) AS heard FROM of_day d
                JOIN ordered USING (run_id) JOIN outcomes_log o USING (shipment_id)
            WHERE o.seq > first_seq AND o.seq <= $position AND o.known_day <= $through
            GROUP BY run_date)
        SELECT run_date, run_id, seq, position FROM of_day LEFT JOIN heard USING (run_date)
        WHERE heard IS NULL OR seq < heard
        QUALIFY row_number() OVER (PARTITION BY run_date ORDER BY seq DESC) = 1 ORDER BY run_date"""
    rows = ledger.connection.execute(query, {"position": position, "through": through}).fetchall()
    return tuple(InForce(*row) for row in rows)
