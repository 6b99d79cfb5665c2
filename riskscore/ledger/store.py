"""Opening the ledger, and the one transaction that a command gets."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from riskscore._version import VERSION
from riskscore.errors import ConfigError, RunError, WorkspaceError
from riskscore.ledger import migration, schema
from riskscore.tables import recommendations_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    import pyarrow as pa


_DAMAGED = "if it is damaged, restore a copy of the workspace"


@dataclass(frozen=True, slots=True)
class Run:
    """One publication of one day, as recorded."""

    seq: int
    run_date: date
    run_id: str
    position: int
    parquet_sha256: str
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """Whether a model version may stand under an alias, as decided once (docs/adr/0012).

    Attributes:
        seq: ledger position of the decision.
        version: the model version that was to get the alias.
        alias: such as champion.
        against: the version that held the alias; None = none did.
        accepted: it may.
        manner: gate, override or rollback.
        reasons: why, in sentences.
        stated: what the person who asked gave as a reason; empty = nothing.
        decided_by: who asked.
        decided_at: wall clock (UTC).
        position: ledger position of the evidence.
        evidence: every figure and rule, as JSON can hold it.
    """

    seq: int
    version: str
    alias: str
    against: str | None
    accepted: bool
    manner: str
    reasons: tuple[str, ...]
    stated: str
    decided_by: str
    decided_at: datetime
    position: int
    evidence: dict[str, Any]


class Transaction:
    """What a command may do to the ledger before it commits.

    Attributes:
        connection: the open DuckDB connection, inside the transaction.
        seq: ledger position of this command; every row it appends carries it.
        now: the wall clock at its beginning (UTC), the known time of facts that state none.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, seq: int, now: datetime) -> None:
        self.connection, self.seq, self.now = connection, seq, now
        self.worth_keeping = True

    def keep_only_if_appended(self, rows: int) -> None:
        """Leave no trace of a command that appended nothing, so that a replay does not move the ledger."""
        self.worth_keeping = rows > 0

    def record_model(self, version: str, digest: str, as_of: date, feature_hash: str) -> None:
        """Remember the digest under which a model version may be loaded."""
        self.connection.execute(
            "INSERT INTO models VALUES (?, ?, ?, ?, ?)", [self.seq, version, digest, as_of, feature_hash]
        )

    def keep_setting(self, key: str, value: str) -> None:
        """Keep a value that stands for good; a key that is kept already is an error."""
        self.connection.execute("INSERT INTO settings VALUES (?, ?)", [key, value])

    def record_decision(self, decision: DecisionRecord) -> None:
        """Keep a decision about a model version, accepted or refused."""
        values = [getattr(decision, field.name) for field in fields(decision)]
        values[6], values[-1] = list(decision.reasons), json.dumps(decision.evidence, sort_keys=True)
        self.connection.execute(f"INSERT INTO decisions VALUES ({', '.join('?' * len(values))})", values)

    def keep_watch_list(self, digest: str, content: str) -> None:
        """Keep the content of a watch-list that a run used, once for each digest."""
        self.connection.execute("INSERT OR IGNORE INTO watch_lists VALUES (?, ?, ?)", [digest, self.seq, content])

    def record_run(self, run: Run, recommendations: pa.Table) -> None:
        """Keep a day's recommendations (tables.recommendations_schema) and its run record."""
        self.connection.register("published", recommendations)
        self.connection.execute("INSERT INTO recommendations BY NAME SELECT * FROM published")
        self.connection.unregister("published")
        values = [run.seq, run.run_date, run.run_id, run.position, run.parquet_sha256, json.dumps(run.record)]
        self.connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)", values)


class Ledger:
    """The ledger of a workspace; a context manager, open only while a command runs.

    Args:
        path: ledger.duckdb.
        threads: threads DuckDB may use; results do not depend on it.
        read_only: open without the right to write.

    Raises:
        WorkspaceError: absent, damaged, open in another process, or made by a newer version. One made by an older
            version is brought up to date first (riskscore.ledger.migration).
    """

    def __init__(self, path: Path, *, threads: int = 1, read_only: bool = False) -> None:
        if not path.is_file():
            raise WorkspaceError("no ledger here", where=str(path), fix="run riskscore init")
        try:
            self.connection = _connected(path, threads, read_only=read_only)
        except duckdb.Error as error:
            raise WorkspaceError(
                f"the ledger does not open ({str(error).splitlines()[0]})",
                where=str(path),
                fix=f"close other programs that use it; {_DAMAGED}",
            ) from None

    @staticmethod
    def create(path: Path, timezone: str) -> None:
        """Create an empty ledger whose days are days of `timezone`; WorkspaceError when the file exists."""
        if path.exists():
            raise WorkspaceError("there is a ledger already", where=str(path))
        with duckdb.connect(str(path)) as connection:
            for statement in schema.tables().values():
                connection.execute(statement)
            connection.register("empty", recommendations_schema().empty_table())
            connection.execute("CREATE TABLE recommendations AS SELECT * FROM empty")
            connection.execute("INSERT INTO settings VALUES ('timezone', ?)", [timezone])
            connection.execute(migration.new_identity())

    def __enter__(self) -> Ledger:
        """The open ledger itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; a failure of its storage becomes a WorkspaceError."""
        self.connection.close()
        if isinstance(error, (duckdb.OperationalError, duckdb.InternalError, duckdb.FatalException)):
            raise WorkspaceError(
                f"the ledger cannot be read or written ({str(error).splitlines()[0]})", fix=_DAMAGED
            ) from error

    def require_timezone(self, timezone: str) -> None:
        """Refuse a configured zone other than the one the days in the log were computed in (ConfigError)."""
        [(kept,)] = self.connection.execute("SELECT value FROM settings WHERE key = 'timezone'").fetchall()
        if kept != timezone:
            raise ConfigError(
                f"timezone is {timezone!r}, but this ledger's days are days of {kept!r}",
                where="riskscore.toml",
                fix=f"set timezone = {kept!r} again, or start a new workspace",
            )

    @property
    def identity(self) -> str:
        """A UUID drawn when the ledger was made, the same in every copy of its file: which ledger a cache is of."""
        [(value,)] = self.connection.execute("SELECT value FROM settings WHERE key = 'identity'").fetchall()
        return str(value)

    @property
    def position(self) -> int:
        """Ledger position of the last committed command; 0 when nothing has been ingested."""
        [(last,)] = self.connection.execute("SELECT coalesce(max(seq), 0) FROM commands").fetchall()
        return int(last)

    @contextmanager
    def transaction(self, command: str) -> Iterator[Transaction]:
        """One command's transaction: all of it is kept, or nothing.

        The commit is followed by a checkpoint, so that no acknowledged fact lives in the write-ahead log alone.
        """
        now = datetime.now(UTC).replace(tzinfo=None)
        self.connection.execute("BEGIN")
        try:
            seq = self.position + 1
            self.connection.execute("INSERT INTO commands VALUES (?, ?, ?, ?)", [seq, command, VERSION, now])
            transaction = Transaction(self.connection, seq, now)
            yield transaction
            self.connection.execute("COMMIT" if transaction.worth_keeping else "ROLLBACK")
        except BaseException:
            # After a failed COMMIT there is nothing to roll back; the first error is the one to report.
            with suppress(duckdb.Error):
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("CHECKPOINT")

    def run_of(self, run_date: date) -> Run | None:
        """The latest recorded run of a day, or None."""
        rows = self.connection.execute(
            "SELECT * FROM runs WHERE run_date = ? ORDER BY seq DESC LIMIT 1", [run_date]
        ).fetchall()
        return _run(rows[0]) if rows else None

    def runs(self, position: int | None = None, since: date | None = None) -> list[Run]:
        """The latest run of every scored day (from `since` on), by day; with `position`, as the ledger stood there."""
        rows = self.connection.execute(
            "SELECT * FROM runs WHERE ($1 IS NULL OR seq <= $1) AND ($2 IS NULL OR run_date >= $2) "
            "QUALIFY row_number() OVER (PARTITION BY run_date ORDER BY seq DESC) = 1 ORDER BY run_date",
            [position, since],
        ).fetchall()
        return [_run(row) for row in rows]

    def run(self, run_id: str) -> Run:
        """A recorded run, by its id; RunError when none is called so."""
        rows = self.connection.execute("SELECT * FROM runs WHERE run_id = ?", [run_id]).fetchall()
        if not rows:
            raise RunError("no such run was kept", where=f"ledger, run {run_id[:12]}", fix=_DAMAGED)
        return _run(rows[0])

    def settings(self, prefix: str) -> dict[str, str]:
        """The values kept under keys that start with `prefix`, by key."""
        query = "SELECT key, value FROM settings WHERE starts_with(key, ?) ORDER BY key"
        return dict(self.connection.execute(query, [prefix]).fetchall())

    def watch_list(self, digest: str) -> str:
        """The content of a watch-list that a run used, by its digest; WorkspaceError when it was not kept."""
        rows = self.connection.execute("SELECT content FROM watch_lists WHERE digest = ?", [digest]).fetchall()
        if not rows:
            raise WorkspaceError("no such watch-list was kept", where=f"ledger, digest {digest[:12]}", fix=_DAMAGED)
        return str(rows[0][0])

    def recommendations_of(self, run_id: str) -> pa.Table:
        """The recommendations kept under `run_id`, in the published schema, unsorted."""
        names = ", ".join(recommendations_schema().names)
        table = self.connection.sql(
            f"SELECT {names} FROM recommendations WHERE run_id = ?", params=[run_id]
        ).to_arrow_table()
        return table.cast(recommendations_schema())

    def model(self, version: str) -> tuple[str, date] | None:
        """Digest and as-of day of a model version, or None when it was not trained in this workspace."""
        rows = self.connection.execute("SELECT digest, as_of FROM models WHERE version = ?", [version]).fetchall()
        return (rows[0][0], rows[0][1]) if rows else None

    def model_versions(self) -> list[str]:
        """Every model version trained in this workspace, oldest first."""
        return [version for (version,) in self.connection.execute("SELECT version FROM models ORDER BY seq").fetchall()]

    def decisions(self) -> list[DecisionRecord]:
        """Every decision about a model version, oldest first."""
        return [_decision(row) for row in self.connection.execute("SELECT * FROM decisions ORDER BY seq").fetchall()]

    def last_outcome(self) -> date | None:
        """The newest day on which an exam result became known; None without one."""
        day: date | None
        [(day,)] = self.connection.execute("SELECT max(known_day) FROM outcomes_log").fetchall()
        return day

    def last_arrival(self) -> date | None:
        """The newest arrival day that the filings and findings in the ledger have reached; None without a shipment.

        Reached are the days up to the one after the newest on which anything was filed or became known: today's
        arrivals were filed yesterday. A later arrival is still to come, or a typing error, and must not date what is
        learned today. Without such a day the newest arrival counts; when all arrivals are later, the earliest.
        """
        query = """
            WITH word AS (SELECT greatest(
                (SELECT max(filed_day) FROM shipments_log), (SELECT max(known_day) FROM outcomes_log),
                (SELECT max(known_day) FROM post_entry_log)) AS newest)
            SELECT coalesce(max(arrival_date) FILTER (newest IS NULL OR arrival_date <= newest + 1), min(arrival_date))
            FROM shipments_log, word"""
        day: date | None
        [(day,)] = self.connection.execute(query).fetchall()
        return day


def _connected(path: Path, threads: int, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """The open ledger, brought to today's tables first if an older version made it, for a reader too."""
    connection = duckdb.connect(str(path), read_only=read_only, config={"threads": threads})
    try:
        connection.execute("SELECT * FROM settings LIMIT 0")  # fails on a database that is no ledger
        statements = migration.pending(connection, str(path))
        if statements and not read_only:
            migration.migrate(connection, statements)
    except BaseException:
        connection.close()
        raise
    if not (statements and read_only):
        return connection
    connection.close()
    _connected(path, threads, read_only=False).close()
    return duckdb.connect(str(path), read_only=True, config={"threads": threads})


def _run(row: tuple[Any, ...]) -> Run:
    seq, run_date, run_id, position, sha256, record = row
    return Run(seq, run_date, run_id, position, sha256, json.loads(record))


def _decision(row: tuple[Any, ...]) -> DecisionRecord:
    made = DecisionRecord(*row)
    return replace(made, reasons=tuple(row[6]), evidence=json.loads(row[-1]))
