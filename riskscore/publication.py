"""Parquet files that are whole or absent, the same bytes every time, and checked when read.

A file is written under a hidden name beside its destination, flushed to the disk and renamed over it:
a reader sees the old file or the new one, never a part. Pages carry CRC-32 checksums; the run record
keeps the SHA-256 of the whole file, which also covers the footer.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from riskscore import tables
from riskscore.errors import RunError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    import pandas as pd

ROW_GROUP = 2**17
"""Rows per row group: fixed, for the default may change with the library and the bytes with it."""

_STALE = re.compile(r"^\..+\.\d+\.tmp$")


def encode(table: pa.Table) -> bytes:
    """`table` as the bytes of a Parquet file.

    They depend on the table's columns, types and rows alone (and on the pyarrow version): metadata of the
    schema, such as the notes of pandas, are dropped, and so is the split into chunks.
    """
    sink = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(None).combine_chunks(),
        sink,
        compression="zstd",
        compression_level=3,
        row_group_size=ROW_GROUP,
        data_page_version="2.0",
        write_page_checksum=True,
    )
    return sink.getvalue()


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write `table` to `path`, replacing what was there in one step; missing folders are made.

    Raises:
        OSError: the disk is full or the folder may not be written; the old file is then untouched.
    """
    write_bytes(encode(table), path)


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file whole, replacing what was there in one step; missing folders are made.

    Raises:
        OSError: the disk is full or the folder may not be written; the old file is then untouched.
    """
    _make_folder(path.parent)
    hidden = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with hidden.open("wb") as sink:
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())
        os.replace(hidden, path)  # noqa: PTH105 - the call that must be atomic, by its own name
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def read_parquet(path: Path, *, sha256: str | None = None) -> pa.Table:
    """Read a file, verifying every page checksum.

    Damage to data is caught by the page checksums. Damage to the footer may turn, say, one column's name or
    type into another: give the recorded `sha256` where that matters.

    Raises:
        WorkspaceError: the file is absent or damaged, or is not the one with this SHA-256.
    """
    if not path.is_file():
        raise WorkspaceError("no such file", where=str(path))
    if sha256 is not None and sha256_of(path) != sha256:
        raise WorkspaceError("its SHA-256 is not the recorded one", where=str(path), fix=_REPAIR)
    try:
        # Not read_table: it would add the run_date of the folder's name as a column.
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        summary = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WorkspaceError(f"damaged Parquet ({summary})", where=str(path), fix=_REPAIR) from error


_REPAIR = "publish or copy the file again"


def recommendations_path(out_dir: Path, run_date: date) -> Path:
    """Where the recommendations of a run date stand.

    >>> from datetime import date
    >>> from pathlib import Path
    >>> recommendations_path(Path("out"), date(2026, 3, 2)).as_posix()
    'out/recommendations/run_date=2026-03-02/part-0.parquet'
    """
    return out_dir / "recommendations" / f"run_date={run_date.isoformat()}" / "part-0.parquet"


def publish_recommendations(table: pa.Table, out_dir: Path, run_date: date) -> Path:
    """Publish a day's recommendations, replacing that day's earlier publication in one step.

    Args:
        table: exactly the columns of `tables.recommendations_schema()`, in any order of columns and rows and
            in types that cast to it without loss.
        out_dir: the workspace's `out` folder.
        run_date: goes into the path only.

    Returns:
        The path of the file; its rows are sorted by port, then priority.

    Raises:
        RunError: columns are missing, unknown or do not cast.
    """
    path = recommendations_path(out_dir, run_date)
    write_parquet(conform(table), path)
    return path


def conform(table: pa.Table) -> pa.Table:
    """`table` with exactly the columns, types and row order of published recommendations.

    Raises:
        RunError: columns are missing, unknown or do not cast.
    """
    schema = tables.recommendations_schema()
    odd = sorted(set(schema.names) ^ set(table.column_names))
    if odd or len(table.column_names) != len(schema.names):
        raise RunError(f"columns missing, unknown or twice: {', '.join(odd)}", where="recommendations")
    try:
        cast = table.select(schema.names).cast(schema)
    except (pa.ArrowException, ValueError) as error:
        raise RunError(f"columns of another type: {error}", where="recommendations") from error
    return cast.sort_by([(name, "ascending") for name in ("port", "priority", "shipment_id")])


def struct_column(frame: pd.DataFrame, names: Sequence[str]) -> pa.StructArray:
    """One struct per row with the float fields `names`; NaN and absent columns become null.

    For hazard_scores and exam_probabilities, without a Python object per row.

    >>> import pandas as pd
    >>> struct_column(pd.DataFrame({"nii": [0.5]}), ("document", "nii")).to_pylist()
    [{'document': None, 'nii': 0.5}]
    """
    fields = [
        pa.array(frame[name], type=pa.float64(), from_pandas=True)
        if name in frame.columns
        else pa.nulls(len(frame), pa.float64())
        for name in names
    ]
    return pa.StructArray.from_arrays(fields, names=list(names))


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's bytes, as 64 hexadecimal digits.

    Raises:
        WorkspaceError: the file is absent or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WorkspaceError(f"cannot be read ({error.strerror})", where=str(path)) from error


def remove_stale(folder: Path) -> tuple[Path, ...]:
    """Delete what killed processes left half-written anywhere under `folder`; returns what was deleted.

    Only for the holder of the workspace lock: a live writer's file looks the same.
    """
    left = sorted(path for path in folder.rglob(".*.tmp") if _STALE.match(path.name) and path.is_file())
    for path in left:
        path.unlink()
    return tuple(left)


def _make_folder(folder: Path) -> None:
    """Like mkdir -p, with each new folder's entry flushed to the disk."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    # A rename is in the folder's data: without this a power cut may bring the old name back.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
