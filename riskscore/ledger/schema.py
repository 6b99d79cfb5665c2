"""The tables of ledger.duckdb. Nothing in them is ever updated or deleted.

Each ingested table has a log: its declared columns, then
`seq` (ledger position of the command that appended the row), `row_digest` (SHA-256 of the row as given), and the
day the fact counts from: `known_day`, or for shipments `filed_day` (null = filed in time) and `history_day`, the
later of arrival and filing; the fact is part of every morning after that day. Days are calendar days in the
workspace's time zone. `shipment_hash` lets a shipment's rows be found without reading every shipment_id (`rows_of`).
"""

from __future__ import annotations

from riskscore.tables import INGESTED, Table
from riskscore.validation import SQL_TYPES

_KNOWN = {"known_day": "DATE NOT NULL"}
OWN_COLUMNS = {
    # Nullable, because a column cannot be added to an older log as anything else; it is never null.
    "shipments": {"filed_day": "DATE", "history_day": "DATE NOT NULL", "shipment_hash": "UBIGINT"},
    "traders": _KNOWN,
    "outcomes": _KNOWN,
    "post_entry": _KNOWN,
    "reviews": _KNOWN,
}
"""What the log of a table keeps beside the declared columns, `seq` and `row_digest`: name and SQL type."""

# Orders the versions of one shipment: by version, then by filing time (null first). Unique within a shipment,
# because rows of one version and filing time that differ are refused as conflicts.
VERSION_ORDER = "(version::HUGEINT * 1000000000000000000 + coalesce(epoch_us(filed_at), 0))"

_BOOKS = {
    "settings": "key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL",
    "commands": """seq BIGINT PRIMARY KEY, command VARCHAR NOT NULL, version VARCHAR NOT NULL,
        began_at TIMESTAMP NOT NULL""",
    "migrations": """position BIGINT NOT NULL, version VARCHAR NOT NULL, began_at TIMESTAMP NOT NULL,
        statement VARCHAR NOT NULL""",
    "quarantine": """seq BIGINT NOT NULL, table_name VARCHAR NOT NULL, source VARCHAR NOT NULL,
        row_number BIGINT NOT NULL, reasons VARCHAR[] NOT NULL, raw VARCHAR NOT NULL""",
    "models": """seq BIGINT NOT NULL, version VARCHAR PRIMARY KEY, digest VARCHAR NOT NULL, as_of DATE NOT NULL,
        feature_hash VARCHAR NOT NULL""",
    "runs": """seq BIGINT NOT NULL, run_date DATE NOT NULL, run_id VARCHAR NOT NULL, position BIGINT NOT NULL,
        parquet_sha256 VARCHAR NOT NULL, record VARCHAR NOT NULL""",
    "watch_lists": "digest VARCHAR PRIMARY KEY, seq BIGINT NOT NULL, content VARCHAR NOT NULL",
    "decisions": """seq BIGINT NOT NULL, version VARCHAR NOT NULL, alias VARCHAR NOT NULL, against VARCHAR,
        accepted BOOLEAN NOT NULL, manner VARCHAR NOT NULL, reasons VARCHAR[] NOT NULL, stated VARCHAR NOT NULL,
        decided_by VARCHAR NOT NULL, decided_at TIMESTAMP NOT NULL, position BIGINT NOT NULL,
        evidence VARCHAR NOT NULL""",
}


def log_name(table: Table) -> str:
    """Name of the log of `table`.

    >>> from riskscore.tables import SHIPMENTS
    >>> log_name(SHIPMENTS)
    'shipments_log'
    """
    return f"{table.name}_log"


def log_columns(table: Table) -> dict[str, str]:
    """Name and SQL type of every column of the log of `table`, in order.

    >>> from riskscore.tables import POST_ENTRY
    >>> list(log_columns(POST_ENTRY))[-4:]
    ['known_at', 'seq', 'row_digest', 'known_day']
    """
    declared = {column.name: SQL_TYPES[column.type] for column in table.columns}
    return declared | {"seq": "BIGINT NOT NULL", "row_digest": "VARCHAR NOT NULL"} | OWN_COLUMNS[table.name]


def tables() -> dict[str, str]:
    """The statement that creates each table, but for `recommendations`, whose columns come from Arrow."""
    logs = {log_name(table): _listed(log_columns(table)) for table in INGESTED.values()}
    return {name: f"CREATE TABLE {name} ({columns})" for name, columns in (logs | _BOOKS).items()}


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


def hash_of(text: str) -> str:
    """SQL of the `shipment_hash` of a shipment_id: the first 16 hexadecimal digits of its MD5, as a number.

    Not DuckDB's own hash(), which may differ from version to version. Nothing rests on it being free of collisions.

    >>> import duckdb
    >>> duckdb.sql(f"SELECT {hash_of('id')} FROM (SELECT 'a' AS id)").fetchall()
    [(919145239626757800,)]
    """
    return f"CAST('0x' || md5({text})[:16] AS UBIGINT)"


def rows_of(wanted: str) -> str:
    """SQL of a table: the rows of shipments_log whose shipment is in the relation `wanted`, and `log_row`, their rowid.

    The hashes are compared first and alone, and only rows that pass are read further: a scan of eight bytes a row
    instead of the text, and of the other columns only where there is something to find (docs/adr/0008). Who needs
    many columns of few of the rows decides on narrow ones and fetches the rest by `log_row`.

    Args:
        wanted: name of a relation with `shipment_id` and `shipment_hash` (see `hash_of`).
    """
    # Both turns of phrase bind the planner, which would otherwise read every shipment_id first: a materialised table
    # is not joined in another order, and a membership asked about (IS TRUE) is no join that could come first.
    return f"""(
        WITH candidates AS MATERIALIZED (
            SELECT rowid AS candidate FROM shipments_log WHERE shipment_hash IN (SELECT shipment_hash FROM {wanted}))
        SELECT *, rowid AS log_row FROM shipments_log
        WHERE rowid IN (SELECT candidate FROM candidates)
            AND (shipment_id IN (SELECT shipment_id FROM {wanted})) IS TRUE)"""
