"""out/ is a projection of the ledger: whatever is missing or damaged in it is written again from what was committed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from riskscore.errors import RunError
from riskscore.publication import (
    publish_recommendations,
    recommendations_path,
    remove_stale,
    sha256_of,
    write_bytes,
    write_parquet,
)

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import pyarrow as pa

    from riskscore.ledger import Ledger, Run
    from riskscore.workspace import Workspace


def project(workspace: Workspace, ledger: Ledger, day: date | None = None) -> None:
    """Bring out/ up to date with the ledger: recommendations, run records and quarantine. Done when it is.

    Args:
        workspace: whose out/.
        ledger: open ledger.
        day: the day just scored, whose file is checked whether or not this command committed it.

    Raises:
        RunError: the recommendations kept in the ledger no longer make the bytes that were recorded.
    """
    remove_stale(workspace.out)
    runs = ledger.runs()
    newest = max((run.seq for run in runs), default=0)
    for run in runs:
        _project_run(workspace, ledger, run, check=run.seq == newest or run.run_date == day)
    for seq in _quarantined(ledger):
        path = quarantine_path(workspace.out, seq)
        if not path.is_file():
            write_parquet(_quarantine_of(ledger, seq), path)


def record_path(out: Path, run: Run) -> Path:
    """Where the record of a run stands: one per publication, older ones are kept."""
    return out / "runs" / f"run_date={run.run_date.isoformat()}" / f"{run.run_id}.json"


def quarantine_path(out: Path, seq: int) -> Path:
    """Where the refused rows of a command stand.

    >>> from pathlib import Path
    >>> quarantine_path(Path("out"), 3).as_posix()
    'out/quarantine/seq=000003.parquet'
    """
    return out / "quarantine" / f"seq={seq:06d}.parquet"


def _project_run(workspace: Workspace, ledger: Ledger, run: Run, *, check: bool) -> None:
    path = recommendations_path(workspace.out, run.run_date)
    # Files are replaced whole, right after their commit: only the last commit's can still be an older one.
    whole = path.is_file() and path.stat().st_size == run.record["parquet_bytes"]
    if not whole or (check and sha256_of(path) != run.parquet_sha256):
        publish_recommendations(ledger.recommendations_of(run.run_id), workspace.out, run.run_date)
        if sha256_of(path) != run.parquet_sha256:
            raise RunError(
                "the recommendations in the ledger make other bytes than were recorded",
                where=str(path),
                fix="the pyarrow version may have changed since; score the day again with --refresh",
            )
    record = record_path(workspace.out, run)
    if not record.is_file():
        write_bytes(f"{json.dumps(run.record, indent=2, sort_keys=True)}\n".encode(), record)


def _quarantined(ledger: Ledger) -> list[int]:
    rows = ledger.connection.execute("SELECT DISTINCT seq FROM quarantine ORDER BY seq").fetchall()
    return [seq for (seq,) in rows]


def _quarantine_of(ledger: Ledger, seq: int) -> pa.Table:
    query = """SELECT table_name, source, row_number, reasons, raw FROM quarantine WHERE seq = ?
        ORDER BY table_name, source, row_number, raw"""
    return ledger.connection.sql(query, params=[seq]).to_arrow_table()
