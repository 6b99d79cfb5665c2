"""Array types of the simulator. Everything is columnar: one array per column, one position per row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints: TypeAlias = NDArray[np.integer[Any]]
Floats: TypeAlias = NDArray[np.floating[Any]]
Bools: TypeAlias = NDArray[np.bool_]
Texts: TypeAlias = NDArray[np.object_]


def texts(values: Sequence[object]) -> Texts:
    """Python objects (strings, None, dates) as an object array.

    >>> texts(["a", None]).shape
    (2,)
    """
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def either(where: Bools, yes: Texts | str | None, no: Texts | str | None) -> Texts:
    """`yes` where the condition holds, else `no`; None means that nothing is stated.

    >>> either(np.array([True, False]), "stated", None).tolist()
    ['stated', None]
    """
    return np.where(where, np.asarray(yes, dtype=object), np.asarray(no, dtype=object))
