"""Parquet files, with page checksums verified where they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def read_parquet(path: Path) -> pa.Table:
    """All rows of one Parquet file, with `_row` and an all-null `_fault`.

    Raises:
        InputError: not a Parquet file, damaged, or with two columns of one name.
    """
    try:
        # ParquetFile reads this file only: read_table would also turn folder names such as date=D into columns.
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"not readable as Parquet ({str(error).splitlines()[0]})", where=str(path)) from None
    if len(set(table.column_names)) < len(table.column_names):
        raise InputError("two columns have the same name", where=str(path))
    table = table.replace_schema_metadata(None)
    numbered = table.append_column("_row", pa.array(np.arange(1, table.num_rows + 1), pa.int64()))
    return numbered.append_column("_fault", pa.nulls(table.num_rows, pa.string()))
