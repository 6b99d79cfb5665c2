"""Between Arrow and pandas: one way to make frames of the tables, so that every part sees the same dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def as_frame(table: pa.Table, index: str | None = None) -> pd.DataFrame:
    """A pandas frame of `table`: text as str, numbers as float64 or int64, days and times as datetime64.

    Args:
        table: an Arrow table.
        index: column to index by.
    """
    frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    return frame if index is None else frame.set_index(index)


def epoch_days(days: pd.Series) -> NDArray[np.int32]:
    """Days since 1970-01-01 of a column of dates without nulls.

    >>> epoch_days(pd.Series(["1970-01-02", "2026-11-22"])).tolist()
    [1, 20779]
    """
    return pd.to_datetime(days).to_numpy().astype("datetime64[D]").astype(np.int32)
