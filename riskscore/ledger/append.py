"""Appending validated rows: what is new, what is known already, what contradicts, what has been overtaken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from riskscore.ledger.schema import OWN_COLUMNS, VERSION_ORDER, hash_of, log_name, rows_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import duckdb

    from riskscore.ledger.store import Transaction
    from riskscore.tables import Table

# What null means in these columns (riskscore.tables) is made plain before anything compares versions.
_SHIPMENT_DEFAULTS = """SELECT * REPLACE (coalesce(version, 0) AS version, coalesce(action, 'new') AS action),
    greatest(arrival_date, coalesce(filed_day, arrival_date)) AS history_day FROM incoming"""
# The columns of the first version of this program. Their places are part of a row's digest, so that a row ingested
# then is known again now; a column added since is part of it by name, and only where it is stated.
_FIRST_COLUMNS = {
    "shipments": """shipment_id version action arrival_date mode port entry_type importer_id importer_name consignee_id
        consignee_name shipper_id shipper_name manufacturer_id manufacturer_name carrier_id carrier_name filer_id
        filer_name origin_country export_country foreign_port hts description value_usd weight_kg quantity
        quantity_unit duty_rate_pct duty_regime container_ids seal_ids preference_program bond_type in_bond
        pga_flags""",
    "traders": """trader_id name country role ctpat_tier ctpat_status isa_member ctpat_trade_compliance aeo_programme
        center valid_from valid_to""",
    "outcomes": """shipment_id exam_type exam_date result hazard amount_usd waiver_code waiver_text selected_by
        inclusion_probability""",
}
# Per staged row its fate; of several identical rows the first by number is the new one.
_FATES = """
WITH variants AS (SELECT fact_key, known, count(DISTINCT row_digest) AS n FROM staged GROUP BY ALL)
SELECT s._row, CASE
    WHEN s.row_digest IN (SELECT row_digest FROM held) THEN 'duplicate'
    WHEN EXISTS (SELECT 1 FROM held h WHERE h.fact_key = s.fact_key AND h.known = s.known) THEN 'conflict'
    WHEN v.n > 1 THEN 'conflict'
    WHEN s._row > min(s._row) OVER (PARTITION BY s.row_digest) THEN 'duplicate'
    ELSE 'new' END AS fate
FROM staged s JOIN variants v ON v.fact_key = s.fact_key AND v.known = s.known"""
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
    connection.unregister("incoming")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE held AS {_held_query(table)}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fates AS {_FATES}")
    connection.execute(_insert_query(table))
    fates = connection.sql(_report_query(table)).to_arrow_table().to_pandas()
    for name in ("staged", "held", "fates"):
        connection.execute(f"DROP TABLE {name}")
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
    shipments = table.name == "shipments"
    return f"""SELECT *, {_digest(table)} AS row_digest, {_fact_key(table)} AS fact_key,
        {_text(table.known)} AS known, (SELECT max(seq) FROM commands) AS seq
        {f", {hash_of('shipment_id')} AS shipment_hash" if shipments else ""}
        FROM ({_SHIPMENT_DEFAULTS if shipments else "FROM incoming"})"""


def _digest(table: Table) -> str:
    first = _FIRST_COLUMNS.get(table.name, "").split()
    added = [name for name in table.names if name not in first and name != table.known]
    texts = [_text(name) for name in (*first, "given_known")]
    # Null where the column is null, and then concat_ws leaves it out altogether.
    texts += [f"'{name}' || chr(30) || CAST({name} AS VARCHAR)" for name in added]
    return f"sha256(concat_ws(chr(31), {', '.join(texts)}))"


def _text(name: str) -> str:
    return f"coalesce(CAST({name} AS VARCHAR), chr(30))"


def _fact_key(table: Table) -> str:
    return f"concat_ws(chr(31), {', '.join(map(_text, table.key))})"


def _held_query(table: Table) -> str:
    """What the log holds of the staged rows' shipments or traders."""
    held = f"{log_name(table)} WHERE {table.key[0]} IN (SELECT {table.key[0]} FROM staged)"
    columns = f"row_digest, {_fact_key(table)} AS fact_key, {_text(table.known)} AS known"
    if table.name == "shipments":
        held, columns = rows_of("staged"), f"{columns}, shipment_id, {VERSION_ORDER} AS version_order"
    return f"SELECT {columns} FROM {held}"


def _insert_query(table: Table) -> str:
    days = OWN_COLUMNS[table.name]
    columns = ", ".join((*table.names, "seq", "row_digest", *days))
    # By day first: a reader of some days then passes over the rest of the log, however many days a file brought.
    day = "history_day" if "history_day" in days else "known_day"
    return f"""INSERT INTO {log_name(table)} BY NAME
        SELECT {columns} FROM staged JOIN fates USING (_row) WHERE fate = 'new' ORDER BY {day}, row_digest"""


def _report_query(table: Table) -> str:
    if table.name != "shipments":
        return "SELECT _row, fate FROM fates ORDER BY _row"
    return f"""
        WITH judged AS (SELECT *, {VERSION_ORDER} AS version_order FROM staged JOIN fates USING (_row)),
        latest AS (
            SELECT shipment_id, max(version_order) AS latest
            FROM (SELECT shipment_id, version_order FROM held
                UNION ALL SELECT shipment_id, version_order FROM judged WHERE fate = 'new') GROUP BY shipment_id)
        SELECT _row, CASE WHEN fate = 'new' AND version_order < latest THEN 'superseded' ELSE fate END AS fate,
            shipment_id, arrival_date, filed_day, row_digest
        FROM judged LEFT JOIN latest USING (shipment_id) ORDER BY _row"""


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
