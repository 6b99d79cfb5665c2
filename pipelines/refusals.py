"""Rows that are well formed and still not believed: what the clock or the ledger says against them.

Whether a row is refused here depends on when it is ingested, so it is no rule of riskscore.tables. A row that was
accepted once is accepted ever after: the clock only goes on, and runs are only added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskscore.ledger.waits import waits_of
from riskscore.reference.reviews import review_codes

if TYPE_CHECKING:
    import pyarrow as pa

    from riskscore.ledger import Transaction
    from riskscore.tables import Table

LATEST_KNOWN_DAYS = 366
"""A fact whose known time is still to come may be known at most this many days after its own day.

A result of an exam is known within weeks, and a protest may be filed for 180 days after liquidation (19 USC
1514(c)(3)). The span stands beside the clock, not instead of it: a file of old facts may bring what became known years
later, and a simulated country may lie ahead of the clock as a whole.
"""

# The day a row speaks of, in SQL and in words. A status known today may have begun years ago, so a traders row is held
# against the newest beginning in its file; every other row against its own day.
_EVENT_DAYS = {
    "shipments": ("arrival_date", "arrival_date"),
    "traders": ("max(valid_from) OVER ()", "any valid_from"),
    "outcomes": ("exam_date", "exam_date"),
    "post_entry": ("event_date", "event_date"),
    "reviews": ("run_date", "run_date"),
}


def refusals(transaction: Transaction, table: Table, accepted: pa.Table) -> dict[int, str]:
    """Why rows of `accepted` (validation's typed rows plus `_row`) are not to be kept: `_row` -> reason.

    Refused are a known time beyond what is possible (LATEST_KNOWN_DAYS; a mistyped year would move the day up to which
    everything else counts as reached), and a review that no run on record gives occasion for.
    """
    connection = transaction.connection
    connection.register("incoming", accepted)
    query, params = _ahead_query(table), {"now": transaction.now}
    found = dict(connection.execute(query, params).fetchall())
    if table.name == "reviews":
        found |= dict(connection.execute(_OCCASION_QUERY).fetchall())
    connection.unregister("incoming")
    return found


def _ahead_query(table: Table) -> str:
    event_day, words = _EVENT_DAYS[table.name]
    expected = f"{table.known}: expected at most {LATEST_KNOWN_DAYS} days after {words} while it is still to come"
    return f"""
        WITH dated AS (SELECT _row, {table.known} AS known, {event_day} AS event_day FROM incoming)
        SELECT _row, '{expected}, got ''' || known || '''' FROM dated
        WHERE known > $now AND known > event_day + INTERVAL {LATEST_KNOWN_DAYS} DAY"""


def _codes(effect: str) -> str:
    return ", ".join(f"'{each.code}'" for each in review_codes() if each.effect == effect)


# What a run of that day may be decided about it: an exam where it recommends another or none; no exam where it
# recommends one, and where a must-exam waits or is held after its wait; that it stands, always. Of several runs of the
# day one is enough, also when none is named: which of them was the latest when the analyst looked is not known.
_OCCASION_QUERY = f"""
    WITH named_runs AS MATERIALIZED (SELECT * FROM runs WHERE run_date IN (SELECT run_date FROM incoming)),
    waits AS MATERIALIZED (SELECT * FROM {waits_of("named_runs")}),
    held AS (
        SELECT i._row, i.run_date, i.shipment_id AS given, i.run_id AS named, i.code, i.exam_type AS exam, r.run_id,
            coalesce(c.shipment_id, w.shipment_id) AS listed,
            CASE WHEN listed IS NULL THEN false
                WHEN i.code IN ({_codes("exam")}) THEN
                    (c.shipment_id IS NOT NULL AND i.exam_type IS DISTINCT FROM c.exam_type)
                    OR (w.shipment_id IS NOT NULL AND i.exam_type IS DISTINCT FROM w.exam)
                WHEN i.code IN ({_codes("stands")}) THEN true
                ELSE c.recommendation IS NOT DISTINCT FROM 'examine' OR w.shipment_id IS NOT NULL END AS fits
        FROM incoming i
        LEFT JOIN named_runs r ON r.run_date = i.run_date AND r.run_id = coalesce(i.run_id, r.run_id)
        LEFT JOIN recommendations c ON c.run_id = r.run_id AND c.shipment_id = i.shipment_id
        LEFT JOIN waits w ON w.run_id = r.run_id AND w.shipment_id = i.shipment_id)
    SELECT _row, CASE
        WHEN count(run_id) = 0 AND any_value(named) IS NULL
            THEN 'run_date: expected a day that was scored, got ''' || any_value(run_date) || ''''
        WHEN count(run_id) = 0
            THEN 'run_id: expected a run of ' || any_value(run_date) || ', got ''' || any_value(named) || ''''
        WHEN count(listed) = 0
            THEN 'shipment_id: expected one that the run speaks of, got ''' || any_value(given) || ''''
        WHEN any_value(exam) IS NOT NULL
            THEN 'exam_type: expected another exam than the recommended, got ''' || any_value(exam) || ''''
        ELSE 'code: expected one for a shipment that is released anyway, got ''' || any_value(code) || '''' END
    FROM held GROUP BY _row HAVING NOT bool_or(fits)"""
