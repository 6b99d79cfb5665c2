"""out/ is a projection of the ledger: whatever is missing or damaged in it is written again from what was committed."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING

from riskscore.publication import (
    conform,
    encode,
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


_LOG = logging.getLogger(__name__)


def project(workspace: Workspace, ledger: Ledger, day: date | None = None) -> None:
    """Bring out/ up to date with the ledger: recommendations, run records and quarantine. Done when it is.

    Args:
        workspace: whose out/.
        ledger: open ledger.
        day: the day just scored, whose file is checked whether or not this command committed it.

    A file that can no longer be made to the recorded bytes (another pyarrow) is left as it is, with a warning in the
    log of `riskscore.pipelines.projection`: one old day must not stop today's.
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
        content = encode(conform(ledger.recommendations_of(run.run_id)))
        if hashlib.sha256(content).hexdigest() == run.parquet_sha256:
            write_bytes(content, path)
        else:
            _LOG.warning(
                "%s is not as published, and this installation makes other bytes of the same recommendations; "
                "score the day again with --refresh",
                path,
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
