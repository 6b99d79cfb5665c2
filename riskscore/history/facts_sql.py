"""The queries behind riskscore.history.facts: one per account, each telling the days in ($after, $through].

All read the log up to $position and no day after $through. What is looked up across the whole log is the hash of the
shipment alone (riskscore.ledger.schema); texts and amounts are read where there is something to tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskscore import reference
from riskscore.history.measures import ACCOUNTS
from riskscore.ledger.schema import VERSION_ORDER, hash_of, rows_of
from riskscore.tables import OUTCOMES, POST_ENTRY

if TYPE_CHECKING:
    from collections.abc import Sequence

_SO_FAR = "seq <= $position AND history_day <= $through"
_IN_WINDOW = f"{_SO_FAR} AND history_day > $after"
_AMOUNTS = ("value_cents", "weight_g", "amendments")


def query(account: str, columns: Sequence[str]) -> str:
    """SQL of the facts of `account`, in no order.

    Args:
        account: a key of riskscore.history.measures.ACCOUNTS.
        columns: text columns of shipments to read with each fact.

    Returns:
        A query of day, side and weight_day (see riskscore.history.facts.Entries), arrival (days since 1970-01-01),
        `columns`, the measures of the account, and for traffic the quantity.
    """
    return _traffic(columns) if account == "traffic" else _words(account, columns)


def _epoch(day: str) -> str:
    return f"datediff('day', DATE '1970-01-01', {day})"


def _shipment(columns: Sequence[str], row: str = "") -> str:
    """What every fact says of the version it is booked under, taken from `row`."""
    prefix = f"{row}." if row else ""
    return ", ".join([f"{_epoch(f'{prefix}arrival_date')} AS arrival", *(f"{prefix}{name}" for name in columns)])


def _versions(columns: Sequence[str]) -> str:
    names = ("shipment_id", "history_day", "action", "arrival_date", *columns)
    return ", ".join(
        [
            *dict.fromkeys(names),
            f"{VERSION_ORDER} AS version_order",
            "CAST(version > 0 AS BIGINT) AS amendments",
            "coalesce(CAST(round(value_usd * 100) AS BIGINT), 0) AS value_cents",
            "coalesce(CAST(round(weight_kg * 1000) AS BIGINT), 0) AS weight_g",
            "quantity",
        ]
    )


# What stood at the end of each day: one row per shipment and day on which that changed, until the next such day.
_STANDING = """
standing AS (
    SELECT *, row_number() OVER by_day AS n, lead(history_day) OVER by_day AS until FROM (
        FROM versions
        QUALIFY version_order = max(version_order) OVER (PARTITION BY shipment_id ORDER BY history_day))
    WINDOW by_day AS (PARTITION BY shipment_id ORDER BY history_day))"""


def _traffic(columns: Sequence[str]) -> str:
    filed = (
        f"{_epoch('history_day')} AS day, 0 AS side, day AS weight_day, {_shipment(columns)}, "
        f"1 AS shipments, {', '.join(_AMOUNTS)}, 0 AS deletions, quantity"
    )
    return f"""
WITH several AS MATERIALIZED (
    SELECT shipment_hash FROM shipments_log
    WHERE {_SO_FAR} AND shipment_hash IN (SELECT shipment_hash FROM shipments_log WHERE {_IN_WINDOW})
    GROUP BY shipment_hash HAVING count(*) > 1),
alone AS (
    SELECT {_versions(columns)} FROM shipments_log WHERE {_IN_WINDOW} AND shipment_hash NOT IN (FROM several)),
-- Materialised, so that no plan reads wider columns first (riskscore.ledger.schema.rows_of).
candidates AS MATERIALIZED (SELECT rowid AS candidate FROM shipments_log WHERE shipment_hash IN (FROM several)),
versions AS (
    SELECT {_versions(columns)} FROM shipments_log WHERE rowid IN (FROM candidates) AND {_SO_FAR}),
{_STANDING}
SELECT {filed} FROM alone WHERE action <> 'deleted'
UNION ALL
SELECT {filed} FROM standing WHERE action <> 'deleted' AND history_day > $after
UNION ALL
SELECT {_epoch("later.history_day")}, 1, {_epoch("overtaken.history_day")}, {_shipment(columns, "overtaken")}, 1,
    {", ".join(f"overtaken.{name}" for name in _AMOUNTS)}, CAST(later.action = 'deleted' AS BIGINT), overtaken.quantity
FROM standing later JOIN standing overtaken ON later.shipment_id = overtaken.shipment_id AND later.n = overtaken.n + 1
WHERE overtaken.action <> 'deleted' AND later.history_day > $after"""


def _quoted(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_POSITIVE = f"result IN ({_quoted(reference.POSITIVE)})"
_FINDINGS = f"""
    bool_or(result IN ({_quoted(reference.POSITIVE + reference.CLEAR)}))
        AND NOT bool_or(result IN ({_quoted(reference.EXCLUDED)})) AS holds,
    1 AS exams, CAST(bool_or({_POSITIVE}) AS BIGINT) AS hits,
    CAST(bool_or({_POSITIVE}) AND coalesce(bool_and(result = 'released_with_discrepancy') FILTER ({_POSITIVE}), false)
        AS BIGINT) AS minor_hits,
    CAST(bool_or(result = 'seized') AS BIGINT) AS seizures,
    coalesce(CAST(sum(CAST(round(amount_usd * 100) AS BIGINT)) FILTER ({_POSITIVE}) AS BIGINT), 0) AS recovered_cents,
    {", ".join(f"CAST(coalesce(bool_or({_POSITIVE} AND hazard = '{hazard}'), false) AS BIGINT) AS hits_{hazard}"
               for hazard in reference.hazards())}"""  # fmt: skip
_EVENTS = """
    bool_and(coalesce(status, 'open') <> 'withdrawn') AS holds,
    CAST(event = 'cf28' AS BIGINT) AS cf28, CAST(event = 'cf29' AS BIGINT) AS cf29,
    CAST(event = 'protest' AS BIGINT) AS protests, CAST(event = 'post_summary_correction' AS BIGINT) AS corrections,
    coalesce(CAST(sum(CAST(round(amount_usd * 100) AS BIGINT)) FILTER (event IN ('cf28', 'cf29')) AS BIGINT), 0)
        AS claimed_cents"""

# Per account: its log, what a fact is about, the key of a word, and what the latest words come to.
_BOOKED = {
    "findings": ("outcomes_log", ("shipment_id",), OUTCOMES.key, _FINDINGS),
    "post_entry": ("post_entry_log", POST_ENTRY.key, POST_ENTRY.key, _EVENTS),
}


def _words(account: str, columns: Sequence[str]) -> str:
    subject, measures = _BOOKED[account][1], ", ".join(ACCOUNTS[account])
    by_subject = ", ".join(subject)
    same_subject = " AND ".join(f"later.{name} = before.{name}" for name in subject)
    return f"""
WITH {_touched(account)},
versions AS MATERIALIZED (SELECT {_versions(columns)} FROM {rows_of("touched")} WHERE {_SO_FAR}),
{_STANDING},
{_verdicts(account)},
-- A fact is as old as the last word that changed it: booked anew under another version, it does not grow young.
dated AS (
    SELECT *, max(moment) FILTER (changed) OVER (PARTITION BY {by_subject} ORDER BY moment) AS fact_day FROM (
        SELECT *, verdict IS DISTINCT FROM lag(verdict) OVER (PARTITION BY {by_subject} ORDER BY moment) AS changed
        FROM verdicts)),
books AS (
    SELECT v.*, s.* EXCLUDE (shipment_id, n, until, quantity),
        CASE WHEN holds AND action <> 'deleted' THEN row(version_order, {measures}) END AS booking
    -- Not an ASOF JOIN, which takes minutes for a hundred thousand shipments.
    FROM dated v JOIN standing s ON v.shipment_id = s.shipment_id
        AND v.moment >= s.history_day AND (v.moment < s.until OR s.until IS NULL)),
booked AS (
    SELECT *, row_number() OVER (PARTITION BY {by_subject} ORDER BY moment) AS n FROM (
        FROM books QUALIFY booking IS DISTINCT FROM lag(booking) OVER (PARTITION BY {by_subject} ORDER BY moment)))
SELECT {_epoch("moment")} AS day, 0 AS side, {_epoch("fact_day")} AS weight_day, {_shipment(columns)}, {measures}
FROM booked WHERE booking IS NOT NULL AND moment > $after
UNION ALL
SELECT {_epoch("later.moment")}, 1, {_epoch("before.fact_day")}, {_shipment(columns, "before")},
    {", ".join(f"before.{name}" for name in ACCOUNTS[account])}
FROM booked later JOIN booked before ON {same_subject} AND later.n = before.n + 1
WHERE before.booking IS NOT NULL AND later.moment > $after"""


def _touched(account: str) -> str:
    """The shipments of which a window tells something: a word came, or another version of one with words."""
    log = _BOOKED[account][0]
    return f"""touched AS MATERIALIZED (
    SELECT shipment_id, {hash_of("shipment_id")} AS shipment_hash FROM (
        SELECT shipment_id FROM {log} WHERE seq <= $position AND known_day > $after AND known_day <= $through
        UNION
        SELECT shipment_id FROM shipments_log WHERE {_IN_WINDOW} AND shipment_id IN (
            SELECT shipment_id FROM {log} WHERE seq <= $position AND known_day <= $through)))"""


def _verdicts(account: str) -> str:
    """What the words on each subject came to on each day on which a word or a version came."""
    log, subject, key, verdict = _BOOKED[account]
    by_subject = ", ".join(subject)
    return f"""words AS (
    SELECT w.*, greatest(known_day, first_day) AS day
    FROM {log} w JOIN (
        SELECT shipment_id, min(history_day) AS first_day FROM versions GROUP BY shipment_id) USING (shipment_id)
    WHERE seq <= $position AND known_day <= $through),
moments AS (
    SELECT shipment_id, day FROM words
    UNION SELECT shipment_id, history_day FROM standing WHERE shipment_id IN (SELECT shipment_id FROM words)),
latest_word AS (
    SELECT w.*, m.day AS moment FROM moments m JOIN words w ON w.shipment_id = m.shipment_id AND w.day <= m.day
    QUALIFY row_number() OVER (
        PARTITION BY m.day, {", ".join(f"w.{name}" for name in key)}
        ORDER BY known_at DESC, seq DESC, row_digest) = 1),
verdicts AS (
    SELECT *, CASE WHEN holds THEN row({", ".join(ACCOUNTS[account])}) END AS verdict FROM (
        SELECT {by_subject}, moment, {verdict} FROM latest_word GROUP BY {by_subject}, moment))"""
