"""Numbering the rows of a raw table, the same for every format."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def number_rows(table: pa.Table) -> pa.Table:
    """`table` with `_row` (1, 2, ...) and an all-null `_fault`; it may carry those of an earlier validation."""
    table = table.drop_columns([name for name in ("_row", "_fault") if name in table.column_names])
    numbered = table.append_column("_row", pa.array(np.arange(1, table.num_rows + 1), pa.int64()))
    return numbered.append_column("_fault", pa.nulls(table.num_rows, pa.string()))
