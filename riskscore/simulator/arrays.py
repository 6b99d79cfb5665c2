"""Array types of the simulator. Everything is columnar: one array per column, one position per row."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.integer[Any]]
Floats: TypeAlias = NDArray[np.floating[Any]]
Bools: TypeAlias = NDArray[np.bool_]
Texts: TypeAlias = NDArray[np.object_]


def texts(values: list[str]) -> Texts:
    """Python strings as an object array.

    >>> texts(["a", "bc"]).shape
    (2,)
    """
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
