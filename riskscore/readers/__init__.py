"""From files to raw tables: what a file says, before anything is believed.

A raw table keeps the file's own columns and adds `_row` (1-based row number) and `_fault` (why the row could
not even be split into fields, with the text that was there; null when it could).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from riskscore.errors import InputError
from riskscore.readers import kcs
from riskscore.readers.csv_text import read_csv
from riskscore.readers.parquet import read_parquet
from riskscore.readers.rows import number_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from riskscore.config import Config

Format = Literal["auto", "parquet", "csv", "kcs"]
__all__ = ["FORMATS", "Format", "RawFile", "expand", "from_frame", "number_rows", "read"]

FORMATS: tuple[Format, ...] = ("auto", "parquet", "csv", "kcs")
_SUFFIXES: dict[str, Format] = {".parquet": "parquet", ".csv": "csv"}


@dataclass(frozen=True, slots=True)
class RawFile:
    """One file as read: its path, digest, number of rows, and a raw table per table it speaks of."""

    path: Path
    sha256: str
    rows: int
    tables: dict[str, pa.Table]


def expand(paths: Iterable[Path]) -> list[Path]:
    """Files among `paths`, and for a folder all Parquet and CSV files below it, sorted.

    Raises:
        InputError: a path does not exist, or a folder holds no such file.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
            if not below:
                raise InputError("no .parquet or .csv file in this folder", where=str(path))
            files += below
        elif path.is_file():
            files.append(path)
        else:
            raise InputError("no such file", where=str(path), fix="check the path")
    return files


def read(path: Path, table: str, file_format: Format, config: Config) -> RawFile:
    """Read one file as raw tables.

    Args:
        path: a Parquet or CSV file.
        table: shipments, traders, outcomes, post_entry or reviews: what the file is meant to be.
        file_format: auto goes by the file's suffix and, for CSV, by its header.
        config: for the assumptions of formats that leave something out (kcs).

    Raises:
        InputError: not readable in that format, or the format carries no such table.
    """
    chosen = _format_of(path) if file_format == "auto" else file_format
    raw = read_parquet(path) if chosen == "parquet" else read_csv(path)
    if chosen != "kcs":
        return RawFile(path, _sha256(path), raw.num_rows, {table: raw})
    if table != "shipments":
        raise InputError(f"the kcs format carries manifests, not {table}", where=str(path))
    return RawFile(path, _sha256(path), raw.num_rows, kcs.as_tables(raw, config.kcs, str(path)))


def _format_of(path: Path) -> Format:
    chosen = _SUFFIXES.get(path.suffix.lower())
    if chosen is None:
        raise InputError("cannot tell the format from the file name", where=str(path), fix="name it with --format")
    if chosen == "csv":
        with path.open(encoding="utf-8", errors="replace") as handle:
            return "kcs" if kcs.is_header(handle.readline()) else "csv"
    return chosen


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def from_frame(frame: object, columns: Sequence[str]) -> pa.Table:
    """A raw table from a pandas DataFrame or Arrow table; `columns` only words the error.

    Raises:
        InputError: neither a DataFrame nor an Arrow table, or not convertible.
    """
    import pandas as pd

    try:
        if isinstance(frame, pd.DataFrame):
            table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        elif isinstance(frame, pa.Table):
            table = frame
        else:
            raise InputError(
                f"expected a pandas DataFrame or pyarrow Table with columns such as {columns[0]}, "
                f"got {type(frame).__name__}"
            )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(f"a column mixes types: {error}", fix="give each column one type, or text") from None
    return number_rows(table)
