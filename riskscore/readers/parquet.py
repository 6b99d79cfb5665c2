"""Parquet files, with page checksums verified where they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.errors import InputError
from riskscore.readers.rows import number_rows

if TYPE_CHECKING:
    from pathlib import Path


def read_parquet(path: Path) -> pa.Table:
    """All rows of one Parquet file, with `_row` and an all-null `_fault`.

    Raises:
        InputError: not a Parquet file, damaged, with two columns of one name, or one that starts with an underscore.
    """
    try:
        # ParquetFile reads this file only: read_table would also turn folder names such as date=D into columns.
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
        # Text that is no UTF-8 passes the reader and would stop the query that validates it.
        table.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"not readable as Parquet ({str(error).splitlines()[0]})", where=str(path)) from None
    if len(set(table.column_names)) < len(table.column_names):
        raise InputError("two columns have the same name", where=str(path))
    reserved = [name for name in table.column_names if name.startswith("_")]
    if reserved:
        raise InputError(f"column names may not start with an underscore: {reserved[0]!r}", where=str(path))
    return number_rows(table.replace_schema_metadata(None))
