"""A ledger made by an older version is brought to today's tables when it is opened, in one transaction, on record.

Tables are added whole and columns as nulls; no fact is changed. What a column that is null in every old row means to
the digest of such a row: nothing (riskscore.ledger.append), so that the same row again is still a duplicate.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb

from riskscore._version import VERSION
from riskscore.errors import WorkspaceError
from riskscore.ledger import schema
from riskscore.tables import INGESTED

if TYPE_CHECKING:
    from collections.abc import Iterator


def pending(connection: duckdb.DuckDBPyConnection, where: str) -> list[str]:
    """The statements that bring the ledger in the file `where` up to date; none for one made by this version.

    Raises:
        WorkspaceError: a log has columns that this version does not know.
    """
    held = {name: _columns_of(connection, name) for name in schema.tables()}
    _refuse_newer(held, where)
    missing = [statement for name, statement in schema.tables().items() if not held[name]]
    return [*missing, *_columns(held), *_published(connection), *_identity(connection)]


def _columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    # One by one: duckdb_columns() takes longer than all of them, and every command begins here.
    try:
        return {name for name, *_ in connection.execute(f"DESCRIBE {table}").fetchall()}
    except duckdb.CatalogException:
        return set()


def migrate(connection: duckdb.DuckDBPyConnection, statements: list[str]) -> None:
    """Run `pending` statements and record them; all of it is kept, or nothing."""
    connection.execute("BEGIN")
    for statement in statements:
        connection.execute(statement)
    record = [VERSION, datetime.now(UTC).replace(tzinfo=None)]
    connection.executemany(
        "INSERT INTO migrations SELECT coalesce(max(seq), 0), ?, ?, ? FROM commands",
        [[*record, statement] for statement in statements],
    )
    connection.execute("COMMIT")
    connection.execute("CHECKPOINT")


def new_identity() -> str:
    """The statement that gives a ledger its name among all ledgers."""
    return f"INSERT INTO settings VALUES ('identity', '{uuid.uuid4()}')"


def _refuse_newer(held: dict[str, set[str]], where: str) -> None:
    for table in INGESTED.values():
        name = schema.log_name(table)
        if unknown := sorted(held[name] - set(schema.log_columns(table))):
            raise WorkspaceError(
                f"{name} has columns that riskscore {VERSION} does not know: {', '.join(unknown)}",
                where=where,
                fix="this ledger was made by a newer version; upgrade riskscore",
            )


def _columns(held: dict[str, set[str]]) -> Iterator[str]:
    for table in INGESTED.values():
        name = schema.log_name(table)
        for column, kind in schema.log_columns(table).items():
            if held[name] and column not in held[name]:
                yield f"ALTER TABLE {name} ADD COLUMN {column} {kind}"
                if column == "shipment_hash":
                    yield f"UPDATE {name} SET {column} = {schema.hash_of('shipment_id')}"


def _published(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    held = _columns_of(connection, "recommendations")
    if held and "stratum" not in held:
        yield "ALTER TABLE recommendations ADD COLUMN stratum VARCHAR"


def _identity(connection: duckdb.DuckDBPyConnection) -> list[str]:
    named = connection.execute("SELECT value FROM settings WHERE key = 'identity'").fetchall()
    return [] if named else [new_identity()]
