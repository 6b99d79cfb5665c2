"""The tables of ledger.duckdb. Nothing in them is ever updated or deleted.

Each ingested table has a log: its declared columns, then
`seq` (ledger position of the command that appended the row), `row_digest` (SHA-256 of the row as given), and the
day the fact counts from: `known_day` (traders, outcomes), or for shipments `filed_day` (null = filed in time) and
`history_day`, the later of arrival and filing; the fact is part of every morning after that day. Days are calendar
days in the workspace's time zone.
"""

from __future__ import annotations

from riskscore.tables import INGESTED, Table
from riskscore.validation import SQL_TYPES

DAYS_OF = {
    "shipments": ("filed_day DATE", "history_day DATE NOT NULL"),
    "traders": ("known_day DATE NOT NULL",),
    "outcomes": ("known_day DATE NOT NULL",),
}

# Orders the versions of one shipment: by version, then by filing time (null first). Unique within a shipment,
# because rows of one version and filing time that differ are refused as conflicts.
VERSION_ORDER = "(version::HUGEINT * 1000000000000000000 + coalesce(epoch_us(filed_at), 0))"

_BOOKS = {
    "settings": "key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL",
    "commands": """seq BIGINT PRIMARY KEY, command VARCHAR NOT NULL, version VARCHAR NOT NULL,
        began_at TIMESTAMP NOT NULL""",
    "quarantine": """seq BIGINT NOT NULL, table_name VARCHAR NOT NULL, source VARCHAR NOT NULL,
        row_number BIGINT NOT NULL, reasons VARCHAR[] NOT NULL, raw VARCHAR NOT NULL""",
    "models": """seq BIGINT NOT NULL, version VARCHAR PRIMARY KEY, digest VARCHAR NOT NULL, as_of DATE NOT NULL,
        feature_hash VARCHAR NOT NULL""",
    "runs": """seq BIGINT NOT NULL, run_date DATE NOT NULL, run_id VARCHAR NOT NULL, position BIGINT NOT NULL,
        parquet_sha256 VARCHAR NOT NULL, record VARCHAR NOT NULL""",
}


def log_name(table: Table) -> str:
    """Name of the log of `table`.

    >>> from riskscore.tables import SHIPMENTS
    >>> log_name(SHIPMENTS)
    'shipments_log'
    """
    return f"{table.name}_log"


def statements() -> list[str]:
    """The statements that create an empty ledger, but for `recommendations`, whose columns come from Arrow."""
    logs = []
    for table in INGESTED.values():
        columns = [f"{column.name} {SQL_TYPES[column.type]}" for column in table.columns]
        extra = ["seq BIGINT NOT NULL", "row_digest VARCHAR NOT NULL", *DAYS_OF[table.name]]
        logs.append(f"CREATE TABLE {log_name(table)} ({', '.join(columns + extra)})")
    return [*logs, *(f"CREATE TABLE {name} ({columns})" for name, columns in _BOOKS.items())]
