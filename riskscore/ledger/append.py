"""Appending validated rows: what is new, what is known already, what contradicts, what has been overtaken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from riskscore.ledger.schema import VERSION_ORDER, log_name

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import duckdb

    from riskscore.ledger.store import Transaction
    from riskscore.tables import Table

# What null means in these columns (riskscore.tables) is made plain before anything compares versions.
_SHIPMENT_DEFAULTS = """SELECT * REPLACE (coalesce(version, 0) AS version, coalesce(action, 'new') AS action),
    greatest(arrival_date, coalesce(filed_day, arrival_date)) AS history_day FROM incoming"""
CONFLICT = "conflicts with another row of the same {key} and {known}"


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of each validated row.

    Attributes:
        fates: one row per input row: `_row`, `fate` (new | superseded | duplicate | conflict), and for shipments
            `shipment_id`, `arrival_date`, `filed_day`, `row_digest`. superseded = appended, but a later version is
            known already.
    """

    fates: pd.DataFrame
    conflict_reason: str

    def count(self, fate: str) -> int:
        """Number of rows with that fate."""
        return int((self.fates["fate"] == fate).sum())


def append(transaction: Transaction, table: Table, accepted: pa.Table, zone: ZoneInfo) -> Appended:
    """Append `accepted` (validation's typed rows plus `_row`) to the log of `table`.

    Identical rows again are duplicates, in this file or in the ledger. Rows of one key and known time that differ
    are all conflicts and none is kept, unless the ledger already holds one of them. The outcome does not depend on
    the order of the rows.
    """
    connection = transaction.connection
    connection.register("incoming", _dated(transaction, table, accepted, zone))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE staged AS {_staged_query(table)}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fates AS {_fates_query(table)}")
    connection.unregister("incoming")
    kept = "SELECT * FROM staged JOIN fates USING (_row) WHERE fate = 'new'"
    days = ("filed_day", "history_day") if table.name == "shipments" else ("known_day",)
    columns = ", ".join((*table.names, "seq", "row_digest", *days))
    connection.execute(f"INSERT INTO {log_name(table)} BY NAME SELECT {columns} FROM ({kept}) ORDER BY row_digest")
    fates = connection.sql(_report_query(table)).to_arrow_table().to_pandas()
    reason = CONFLICT.format(key=" + ".join(table.key), known=table.known)
    return Appended(fates, reason)


def _dated(transaction: Transaction, table: Table, accepted: pa.Table, zone: ZoneInfo) -> pa.Table:
    """`accepted` with the day its known time falls on, in the workspace's zone, and that time filled in."""
    # Kept beside the filled-in time: a row without a known time is the same row when it is ingested again.
    given = accepted[table.known].cast(pa.timestamp("us"))
    if table.name == "shipments":
        return accepted.append_column("filed_day", _days(given, zone)).append_column("given_known", given)
    filled = given.fill_null(pa.scalar(transaction.now, pa.timestamp("us")))
    at = accepted.schema.get_field_index(table.known)
    dated = accepted.set_column(at, table.known, filled)
    return dated.append_column("known_day", _days(filled, zone)).append_column("given_known", given)


def _days(times: pa.ChunkedArray, zone: ZoneInfo) -> pa.Array:
    local = pd.Series(times.to_pandas()).dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    return pa.array(local.to_numpy().astype("datetime64[D]").astype("datetime64[s]"), mask=np.isnat(local)).cast(
        pa.date32()
    )


def _staged_query(table: Table) -> str:
    content = [name for name in table.names if name != table.known]
    texts = ", ".join(f"coalesce(CAST({name} AS VARCHAR), chr(30))" for name in (*content, "given_known"))
    return f"""SELECT *, sha256(concat_ws(chr(31), {texts})) AS row_digest,
        concat_ws(chr(31), {_key(table)}) AS fact_key, (SELECT max(seq) FROM commands) AS seq
        FROM ({_SHIPMENT_DEFAULTS if table.name == "shipments" else "FROM incoming"})"""


def _key(table: Table) -> str:
    return ", ".join(f"coalesce(CAST({name} AS VARCHAR), chr(30))" for name in table.key)


def _fates_query(table: Table) -> str:
    """Per staged row its fate; of several identical rows the first by number is the new one."""
    known = f"coalesce(CAST({table.known} AS VARCHAR), chr(30))"
    return f"""
        WITH held AS (
            SELECT DISTINCT row_digest, concat_ws(chr(31), {_key(table)}) AS fact_key, {known} AS known
            FROM {log_name(table)} WHERE {_same_keys(table)}),
        variants AS (SELECT fact_key, {known} AS known, count(DISTINCT row_digest) AS n FROM staged GROUP BY ALL)
        SELECT s._row, CASE
            WHEN s.row_digest IN (SELECT row_digest FROM held) THEN 'duplicate'
            WHEN EXISTS (SELECT 1 FROM held h WHERE h.fact_key = s.fact_key AND h.known = v.known) THEN 'conflict'
            WHEN v.n > 1 THEN 'conflict'
            WHEN s._row > min(s._row) OVER (PARTITION BY s.row_digest) THEN 'duplicate'
            ELSE 'new' END AS fate
        FROM staged s JOIN variants v
            ON v.fact_key = s.fact_key AND v.known = coalesce(CAST(s.{table.known} AS VARCHAR), chr(30))"""


def _same_keys(table: Table) -> str:
    return f"{table.key[0]} IN (SELECT {table.key[0]} FROM staged)"


def _report_query(table: Table) -> str:
    if table.name != "shipments":
        return "SELECT _row, fate FROM fates ORDER BY _row"
    return f"""
        WITH latest AS (
            SELECT shipment_id, max({VERSION_ORDER}) AS latest
            FROM shipments_log WHERE shipment_id IN (SELECT shipment_id FROM staged) GROUP BY shipment_id)
        SELECT _row, CASE WHEN fate = 'new' AND {VERSION_ORDER} < latest THEN 'superseded' ELSE fate END AS fate,
            shipment_id, arrival_date, filed_day, row_digest
        FROM fates JOIN staged USING (_row) LEFT JOIN latest USING (shipment_id) ORDER BY _row"""


def quarantine(connection: duckdb.DuckDBPyConnection, seq: int, table: Table, source: str, rows: pa.Table) -> int:
    """Keep quarantined rows (`_row`, `reasons`, `raw`) in the ledger under this command's position.

    A row of the same file and number that was refused before with the same content is kept once.

    Returns:
        The number of rows kept anew.
    """
    connection.register("refused", rows)
    query = """INSERT INTO quarantine
        SELECT $seq, $table, $source, _row, reasons, raw FROM refused
        WHERE (_row, raw) NOT IN (
            SELECT (row_number, raw) FROM quarantine WHERE table_name = $table AND source = $source)"""
    [(kept,)] = connection.execute(query, {"seq": seq, "table": table.name, "source": source}).fetchall()
    connection.unregister("refused")
    return int(kept)
