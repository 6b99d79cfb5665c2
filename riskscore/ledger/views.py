"""What was known on a morning: reading the log as of a day and a ledger position.

The cut-off of a morning D is 00:00 of D in the workspace's zone: a fact counts when its day is before D. A manifest
row without a filing time was filed in time for its own arrival. Every view orders its rows, so that it is the same
for any number of threads; but for `live_on_days`, whose reader sums up in an order of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from riskscore import reference
from riskscore.frames import epoch_days
from riskscore.ledger.schema import VERSION_ORDER, hash_of, rows_of
from riskscore.tables import OUTCOMES, SHIPMENTS, TRADERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import duckdb
    import pandas as pd

_SHIPMENT_COLUMNS = ", ".join((*SHIPMENTS.names, "row_digest"))
_EXAMINED = ", ".join(f"'{result}'" for result in (*reference.CLEAR, *reference.POSITIVE, *reference.PENDING))
_FIRST_EXAM = f"min(exam_date) FILTER (known_day < $as_of AND result IN ({_EXAMINED}))"


def live_on(connection: duckdb.DuckDBPyConnection, day: date, position: int) -> pa.Table:
    """Shipments standing on the morning of `day` and arriving on it, one row each, by shipment_id.

    Returns:
        The shipments columns and `row_digest` of the latest version known at the cut-off, deletions included
        (action = deleted): who scores leaves them out, who accounts for rows counts them.
    """
    query = f"""
        WITH arriving AS MATERIALIZED (
            SELECT shipment_id, shipment_hash FROM shipments_log WHERE seq <= $position AND arrival_date = $day),
        latest AS (
            SELECT max_by(log_row, {VERSION_ORDER}) AS log_row FROM {rows_of("arriving")}
            WHERE seq <= $position AND (filed_day < $day OR (filed_day IS NULL AND arrival_date <= $day))
            GROUP BY shipment_id)
        SELECT {_SHIPMENT_COLUMNS} FROM shipments_log
        WHERE arrival_date = $day AND rowid IN (SELECT log_row FROM latest) ORDER BY shipment_id"""
    return connection.sql(query, params={"position": position, "day": day}).to_arrow_table()


def live_on_days(
    connection: duckdb.DuckDBPyConnection, days: Sequence[date], position: int, columns: Sequence[str] = SHIPMENTS.names
) -> pa.Table:
    """The live shipments of many mornings: what `live_on` says of each of `days`, deletions left out, in no order.

    Args:
        connection: the ledger.
        days: the mornings, each once.
        position: ledger position.
        columns: shipments columns wanted.
    """
    known = "(v.filed_day < c.arrival_date OR (v.filed_day IS NULL AND v.arrival_date <= c.arrival_date))"
    query = f"""
        WITH arriving AS MATERIALIZED (
            SELECT rowid AS id, shipment_hash FROM shipments_log
            WHERE seq <= $position AND arrival_date BETWEEN $first AND $last
                AND arrival_date IN (SELECT unnest($days)) AND (filed_day < arrival_date OR filed_day IS NULL)),
        several AS MATERIALIZED (
            SELECT shipment_hash FROM shipments_log
            WHERE seq <= $position AND shipment_hash IN (SELECT shipment_hash FROM arriving)
            GROUP BY shipment_hash HAVING count(*) > 1),
        candidates AS MATERIALIZED (
            SELECT rowid AS candidate FROM shipments_log WHERE shipment_hash IN (FROM several)),
        versions AS MATERIALIZED (
            SELECT rowid AS id, shipment_id, arrival_date, filed_day, {VERSION_ORDER} AS version_order
            FROM shipments_log WHERE rowid IN (FROM candidates) AND seq <= $position),
        overtaken AS (
            SELECT c.id FROM versions c JOIN versions v ON v.shipment_id = c.shipment_id
            WHERE v.version_order > c.version_order AND {known})
        SELECT {", ".join(columns)} FROM shipments_log
        WHERE rowid IN (SELECT id FROM arriving) AND rowid NOT IN (SELECT id FROM overtaken) AND action <> 'deleted'"""
    params = {"position": position, "first": min(days), "last": max(days), "days": list(days)}
    return connection.sql(query, params=params).to_arrow_table()


def read_mornings(
    connection: duckdb.DuckDBPyConnection, shipment_ids: pa.Array, as_of: date, position: int
) -> pa.Table:
    """For each of `shipment_ids` the version that was live on the morning it arrived, by shipment_id.

    Left out: arrivals on or after `as_of`, shipments filed too late for their own morning, and bills known to be
    deleted before `as_of` (they belong in no label, GAO-15-294). A shipment whose arrival was moved counts on the
    last morning on which it was live and its own result was not known yet: later, that result is in its history. Of
    such mornings one up to its first exam comes before a later one, whose score came after the fact.
    """
    query = f"""
        WITH wanted AS MATERIALIZED (SELECT shipment_id, {hash_of("shipment_id")} AS shipment_hash FROM asked),
        versions AS MATERIALIZED (
            SELECT log_row, shipment_id, arrival_date, filed_day, action, {VERSION_ORDER} AS version_order
            FROM {rows_of("wanted")} WHERE seq <= $position),
        first_words AS (
            SELECT shipment_id, min(known_day) AS first_known, {_FIRST_EXAM} AS first_exam
            FROM outcomes_log WHERE seq <= $position GROUP BY ALL),
        mornings AS (
            SELECT DISTINCT shipment_id, arrival_date AS morning, coalesce(arrival_date > first_exam, false) AS too_late
            FROM versions LEFT JOIN first_words USING (shipment_id)
            WHERE arrival_date < $as_of AND (first_known IS NULL OR arrival_date <= first_known)),
        standing AS (
            SELECT v.*, morning, too_late FROM mornings JOIN versions v USING (shipment_id)
            WHERE filed_day < morning OR (filed_day IS NULL AND arrival_date <= morning)
            QUALIFY version_order = max(version_order) OVER (PARTITION BY shipment_id, morning)),
        latest AS (
            SELECT shipment_id, action FROM versions
            WHERE filed_day < $as_of OR (filed_day IS NULL AND arrival_date <= $as_of)
            QUALIFY version_order = max(version_order) OVER (PARTITION BY shipment_id)),
        chosen AS (
            SELECT log_row FROM standing
            WHERE arrival_date = morning AND action <> 'deleted'
                AND shipment_id NOT IN (SELECT shipment_id FROM latest WHERE action = 'deleted')
            QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY too_late, morning DESC) = 1)
        SELECT {_SHIPMENT_COLUMNS} FROM shipments_log
        WHERE rowid IN (SELECT log_row FROM chosen) ORDER BY shipment_id"""
    connection.register("asked", pa.table({"shipment_id": shipment_ids}))
    try:
        return connection.sql(query, params={"position": position, "as_of": as_of}).to_arrow_table()
    finally:
        connection.unregister("asked")


def outcomes_known(
    connection: duckdb.DuckDBPyConnection, as_of: date, position: int, shipment_ids: pa.Array | None = None
) -> pa.Table:
    """The latest word on every exam finding known before the morning of `as_of`, with the outcomes columns.

    Args:
        connection: the ledger.
        as_of: what became known on this day or later is left out.
        position: ledger position.
        shipment_ids: the shipments asked about; None = all.
    """
    asked = "" if shipment_ids is None else "AND shipment_id IN (SELECT unnest($asked::VARCHAR[]))"
    query = f"""
        SELECT {", ".join(OUTCOMES.names)} FROM outcomes_log
        WHERE seq <= $position AND known_day < $as_of {asked}
        QUALIFY row_number() OVER (
            PARTITION BY {", ".join(OUTCOMES.key)} ORDER BY known_at DESC, seq DESC, row_digest) = 1
        ORDER BY shipment_id, exam_date, exam_type, hazard"""
    named = {} if shipment_ids is None else {"asked": shipment_ids.to_pylist()}
    return connection.sql(query, params={"position": position, "as_of": as_of, **named}).to_arrow_table()


def exam_chances(connection: duckdb.DuckDBPyConnection, shipment_ids: pa.Array, as_of: date, position: int) -> pa.Table:
    """The chance of each exam that the recorded design gave those of `shipment_ids` that were scored before `as_of`.

    Returns:
        shipment_id and one column per exam of `reference.exams()`, by shipment_id: of several runs the last that was
        kept before the shipment's first outcome known by then, and of a day up to its first exam where there is one: a
        later one ordered no exam of it. One without outcome has no row, nor one whose exam was carried over from
        a day that had no slot for it: that exam was certain, and the chances of its run speak of another.
    """
    chances = ", ".join(f"exam_probabilities.{exam} AS {exam}" for exam in reference.exams())
    query = f"""
        WITH heard AS (
            SELECT shipment_id, min(seq) AS first_heard, {_FIRST_EXAM} AS first_exam FROM outcomes_log
            WHERE known_day < $as_of AND shipment_id IN (SELECT shipment_id FROM asked) GROUP BY shipment_id)
        SELECT shipment_id, {chances} FROM recommendations JOIN runs USING (run_id) JOIN heard USING (shipment_id)
        WHERE runs.seq <= $position AND runs.seq < first_heard AND run_date < $as_of AND shipment_id NOT IN (
            SELECT one->>'shipment_id' FROM (
                SELECT unnest(CAST(record::JSON->'$.carried_over' AS JSON[])) AS one FROM runs
                WHERE seq <= $position AND run_date < $as_of))
        QUALIFY row_number() OVER (
            PARTITION BY shipment_id ORDER BY coalesce(run_date > first_exam, false), run_date DESC, runs.seq DESC) = 1
        ORDER BY shipment_id"""
    connection.register("asked", pa.table({"shipment_id": shipment_ids}))
    try:
        return connection.sql(query, params={"position": position, "as_of": as_of}).to_arrow_table()
    finally:
        connection.unregister("asked")


def statuses_on(
    connection: duckdb.DuckDBPyConnection, traders: pd.Series, days: pd.Series, position: int
) -> pd.DataFrame:
    """Programme status of each trader on each morning, as it was known then.

    Args:
        connection: the ledger.
        traders: trader ids, null where no trader is stated; length n.
        days: the morning of each row, length n, same index.
        position: ledger position.

    Returns:
        n rows with the index of `traders` and the traders columns; all null for a trader without a record. Of
        several records covering the day, the one that began last; of several words on one record, the last known.
    """
    query = f"""
        WITH words AS (
            SELECT a.n, t.* FROM asked a JOIN traders_log t
                ON t.trader_id = a.trader_id AND t.valid_from <= a.day AND t.known_day < a.day
            WHERE t.seq <= $position
            QUALIFY row_number() OVER (
                PARTITION BY a.n, t.valid_from ORDER BY t.known_at DESC, t.seq DESC, t.row_digest) = 1),
        status AS (
            SELECT w.* FROM words w JOIN asked a USING (n) WHERE valid_to IS NULL OR valid_to >= a.day
            QUALIFY row_number() OVER (PARTITION BY n ORDER BY valid_from DESC) = 1)
        SELECT {", ".join(f"s.{name}" for name in TRADERS.names)}
        FROM asked a LEFT JOIN status s USING (n) ORDER BY n"""
    asked = pa.table(
        {
            "n": pa.array(range(len(traders)), pa.int64()),
            "trader_id": pa.array(traders, pa.string(), from_pandas=True),
            "day": pa.array(epoch_days(days), pa.int32()).cast(pa.date32()),
        }
    )
    connection.register("asked", asked)
    try:
        found = connection.sql(query, params={"position": position}).to_arrow_table()
    finally:
        connection.unregister("asked")
    frame: pd.DataFrame = found.to_pandas()
    return frame.set_axis(traders.index)
