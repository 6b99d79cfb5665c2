"""Feature frames as the float64 matrix that the boosters read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from riskscore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd
    from numpy.typing import NDArray

# A message is one line on a terminal; the count says how many there are in all.
_SHOWN = 8


def to_matrix(features: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float64]:
    """The columns `names` of `features`, in that order: rows x features, float64, NaN = null.

    Raises:
        ModelError: columns are missing, unexpected, twice there, not numbers, or infinite; all are named.

    >>> import pandas as pd
    >>> to_matrix(pd.DataFrame({"b": [True], "a": [2]}), ["a", "b"]).tolist()
    [[2.0, 1.0]]
    """
    _refuse(set(names) - set(features.columns), "missing feature columns", "build them with the model's features")
    _refuse(set(features.columns) - set(names), "unexpected feature columns", "the model was trained without them")
    _refuse(features.columns[features.columns.duplicated()], "feature columns given twice")
    _refuse([n for n in names if not _is_number(features[n])], "feature columns that are not numbers")
    columns = [features[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names]
    matrix = np.column_stack(columns) if columns else np.empty((len(features), 0))
    infinite = np.flatnonzero(np.isinf(matrix).any(axis=0)).tolist()
    _refuse([names[at] for at in infinite], "infinite features", "null is NaN; a ratio over zero is null")
    return np.ascontiguousarray(matrix)


def _is_number(column: pd.Series) -> bool:
    return is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype)


def _refuse(columns: Collection[object], what: str, fix: str = "") -> None:
    if len(columns):
        named = sorted(str(column) for column in columns)
        shown = ", ".join(named[:_SHOWN]) + (", ..." if len(named) > _SHOWN else "")
        raise ModelError(f"{len(named)} {what}", where=shown, fix=fix)
