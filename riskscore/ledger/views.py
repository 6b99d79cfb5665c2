"""What was known on a morning: reading the log as of a day and a ledger position.

The cut-off of a morning D is 00:00 of D in the workspace's zone: a fact counts when its day is before D. A manifest
row without a filing time was filed in time for its own arrival. Every view orders its rows, so that it is the same
for any number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from riskscore.frames import epoch_days
from riskscore.ledger.schema import VERSION_ORDER
from riskscore.tables import OUTCOMES, SHIPMENTS, TRADERS

if TYPE_CHECKING:
    from datetime import date

    import duckdb
    import pandas as pd

_SHIPMENT_COLUMNS = ", ".join((*SHIPMENTS.names, "row_digest"))


def live_on(connection: duckdb.DuckDBPyConnection, day: date, position: int) -> pa.Table:
    """Shipments standing on the morning of `day` and arriving on it, one row each, by shipment_id.

    Returns:
        The shipments columns and `row_digest` of the latest version known at the cut-off, deletions included
        (action = deleted): who scores leaves them out, who accounts for rows counts them.
    """
    query = f"""
        WITH arriving AS (SELECT shipment_id FROM shipments_log WHERE seq <= $position AND arrival_date = $day),
        known AS (
            SELECT * FROM shipments_log
            WHERE seq <= $position AND shipment_id IN (SELECT shipment_id FROM arriving)
                AND (filed_day < $day OR (filed_day IS NULL AND arrival_date <= $day))
            QUALIFY {VERSION_ORDER} = max({VERSION_ORDER}) OVER (PARTITION BY shipment_id))
        SELECT {_SHIPMENT_COLUMNS} FROM known WHERE arrival_date = $day ORDER BY shipment_id"""
    return connection.sql(query, params={"position": position, "day": day}).to_arrow_table()


def read_mornings(
    connection: duckdb.DuckDBPyConnection, shipment_ids: pa.Array, as_of: date, position: int
) -> pa.Table:
    """For each of `shipment_ids` the version that was live on the morning it arrived, by shipment_id.

    Left out: arrivals on or after `as_of`, shipments filed too late for their own morning, and bills known to be
    deleted before `as_of` (they belong in no label, GAO-15-294). A shipment whose arrival was moved counts on the
    last morning on which it was live and its own result was not known yet: later, that result is in its history.
    """
    query = f"""
        WITH versions AS (
            SELECT * FROM shipments_log
            WHERE seq <= $position AND shipment_id IN (SELECT shipment_id FROM asked)),
        first_words AS (
            SELECT shipment_id, min(known_day) AS first_known FROM outcomes_log WHERE seq <= $position GROUP BY ALL),
        mornings AS (
            SELECT DISTINCT shipment_id, arrival_date AS morning FROM versions LEFT JOIN first_words USING (shipment_id)
            WHERE arrival_date < $as_of AND (first_known IS NULL OR arrival_date <= first_known)),
        standing AS (
            SELECT v.*, morning FROM mornings JOIN versions v USING (shipment_id)
            WHERE filed_day < morning OR (filed_day IS NULL AND arrival_date <= morning)
            QUALIFY {VERSION_ORDER} = max({VERSION_ORDER}) OVER (PARTITION BY shipment_id, morning)),
        latest AS (
            SELECT shipment_id, action FROM versions
            WHERE filed_day < $as_of OR (filed_day IS NULL AND arrival_date <= $as_of)
            QUALIFY {VERSION_ORDER} = max({VERSION_ORDER}) OVER (PARTITION BY shipment_id))
        SELECT {_SHIPMENT_COLUMNS} FROM standing
        WHERE arrival_date = morning AND action <> 'deleted'
            AND shipment_id NOT IN (SELECT shipment_id FROM latest WHERE action = 'deleted')
        QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY morning DESC) = 1 ORDER BY shipment_id"""
    connection.register("asked", pa.table({"shipment_id": shipment_ids}))
    try:
        return connection.sql(query, params={"position": position, "as_of": as_of}).to_arrow_table()
    finally:
        connection.unregister("asked")


def outcomes_known(connection: duckdb.DuckDBPyConnection, as_of: date, position: int) -> pa.Table:
    """The latest word on every exam finding known before the morning of `as_of`, with the outcomes columns."""
    query = f"""
        SELECT {", ".join(OUTCOMES.names)} FROM outcomes_log WHERE seq <= $position AND known_day < $as_of
        QUALIFY row_number() OVER (
            PARTITION BY {", ".join(OUTCOMES.key)} ORDER BY known_at DESC, seq DESC, row_digest) = 1
        ORDER BY shipment_id, exam_date, exam_type, hazard"""
    return connection.sql(query, params={"position": position, "as_of": as_of}).to_arrow_table()


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
