"""Canonical writings of whole columns: each distinct text is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from riskscore.identity.writing import BETWEEN, name, place

if TYPE_CHECKING:
    from collections.abc import Callable


def places(addresses: pa.Array | pa.ChunkedArray) -> pa.Array:
    """`place` of each address.

    Args:
        addresses: texts; null = not stated.

    Returns:
        Strings, as many as addresses; null where `place` gives None.

    >>> places(pa.array(["12 Main Street", None])).to_pylist()
    ['12 main st', None]
    """
    return _written(place, addresses)


def identities(names: pa.Array | pa.ChunkedArray, addresses: pa.Array | pa.ChunkedArray) -> pa.Array:
    """`identity` of each name with its address.

    Args:
        names: texts; null = not stated.
        addresses: texts, as many as names; null = not stated.

    Returns:
        Strings, as many as names; null where `identity` gives None.

    >>> identities(pa.array(["ACME Inc", "ACME"]), pa.array(["12 Main Street", None])).to_pylist()
    ['acme | 12 main st', None]
    """
    return pc.binary_join_element_wise(_written(name, names), _written(place, addresses), BETWEEN)


def _written(write: Callable[[str | None], str | None], texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    plain = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    encoded = plain.cast(pa.string()).dictionary_encode()
    distinct = pa.array([write(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return distinct.take(encoded.indices)
