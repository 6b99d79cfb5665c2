"""Entities as numbers: texts get a code and entities a row, both in the order in which their first facts came.

Of one day, texts come in alphabetical order and entities in that of their codes. So whoever was known yesterday keeps
its row, and however the days are cut up the same entity gets the same row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from riskscore.history.keys import Coded

    Codes = NDArray[np.int32]

NO_TEXTS: pa.Array = pa.array([], pa.large_string())

_TABLE_BITS = 24
# Fibonacci hashing: 2^64 over the golden ratio, as a signed word; products wrap around.
_ODD = np.int64(-7046029254386353131)
_LARGEST = np.int64(2**63 - 1)


def coded(known: pa.Array, parts: Sequence[tuple[Coded, NDArray[np.int32]]]) -> tuple[pa.Array, list[Codes]]:
    """Codes of the texts of facts, those not `known` yet added at the end.

    Args:
        known: texts by code, without nulls.
        parts: columns of facts and their days.

    Returns:
        The texts now known, and per part the code of each row; -1 = null.
    """
    encoded = pa.concat_arrays([NO_TEXTS, *(column.values for column, _ in parts)]).dictionary_encode()
    texts, of = encoded.dictionary, encoded.indices.to_numpy(zero_copy_only=False)
    first = np.full(len(texts), np.iinfo(np.int32).max, np.int32)
    locals_, start = [], 0
    for column, day in parts:
        local = np.append(of[start : start + len(column.values)], np.int32(-1))[column.codes]
        start += len(column.values)
        locals_.append(local)
        _note_first(first, local, day)
    code = lookup(known, texts)
    new = np.flatnonzero((code < 0) & (first < np.iinfo(np.int32).max))
    fresh = pa.table({"day": first[new], "text": texts.take(pa.array(new))})
    order = pc.sort_indices(fresh, sort_keys=[("day", "ascending"), ("text", "ascending")]).to_numpy()
    code[new[order]] = len(known) + np.arange(len(new), dtype=np.int32)
    code = np.append(code, np.int32(-1))
    if len(new):
        known = pa.concat_arrays([known, texts.take(pa.array(new[order]))])
    return known, [code[local] for local in locals_]


def lookup(known: pa.Array, texts: pa.Array) -> Codes:
    """The code of each of `texts`, which are distinct; -1 = not known."""
    # Both ways read all of `known`; hashing the shorter side and probing with the longer is the cheaper.
    if len(known) <= len(texts):
        found: Codes = pc.index_in(texts, value_set=known).fill_null(-1).to_numpy(zero_copy_only=False)
        return found.astype(np.int32)
    at = pc.index_in(known, value_set=texts).fill_null(-1).to_numpy(zero_copy_only=False)
    code = np.full(len(texts), -1, np.int32)
    hits = np.flatnonzero(at >= 0)
    code[at[hits]] = hits
    return code


def _note_first(first: NDArray[np.int32], local: Codes, day: NDArray[np.int32]) -> None:
    """Lower `first` to the day each code comes first; days ascend, and of several writes the last one stays."""
    seen = np.full(len(first) + 1, np.iinfo(np.int32).max, np.int32)
    seen[local[::-1]] = day[::-1]
    np.minimum(first, seen[:-1], out=first)


class Pairs:
    """Rows of entities named by two numbers side by side in one word: exact, without hashing joined texts.

    Attributes:
        keys: int64, by row.
        order: int32, the rows by ascending key.
    """

    def __init__(self, keys: NDArray[np.int64], order: NDArray[np.int32]) -> None:
        self.keys, self.order = keys, order
        self._sorted = keys.take(order)

    @staticmethod
    def empty() -> Pairs:
        """No pair yet."""
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int32))

    def rows(self, keys: NDArray[np.int64], days: NDArray[np.int32] | None = None) -> Codes:
        """The row of each key (-1 = none); with the `days` of facts, unknown keys get one, otherwise they have none."""
        stated = np.flatnonzero(keys >= 0 if days is not None else self._perhaps_known(keys))
        by_key = stated.take(np.argsort(keys.take(stated)))
        ascending = keys.take(by_key)
        starts = np.flatnonzero(np.diff(ascending, prepend=-1))
        distinct = ascending.take(starts)
        row = self._known(distinct)
        if days is not None and (row < 0).any():
            first = np.minimum.reduceat(days.take(by_key), starts)
            new = np.flatnonzero(row < 0)
            new = new[np.lexsort((distinct[new], first[new]))]
            row[new] = len(self.keys) + np.arange(len(new), dtype=np.int32)
            self._add(distinct[new])
        found = np.full(len(keys), -1, np.int32)
        found[by_key] = np.repeat(row, np.diff(starts, append=len(by_key)))
        return found

    def _perhaps_known(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """False for keys that are surely not known: a table of bits is read much faster than keys are found."""
        if len(keys) < len(self.keys):
            return keys >= 0
        there = np.zeros(1 << _TABLE_BITS, np.bool_)
        there[_hashed(self.keys)] = True
        return there.take(_hashed(keys)) & (keys >= 0)

    def _known(self, keys: NDArray[np.int64]) -> Codes:
        """Rows of ascending keys, -1 = unknown."""
        if not len(self.keys):
            return np.full(len(keys), -1, np.int32)
        at = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        return np.where(self._sorted.take(at) == keys, self.order.take(at), np.int32(-1))

    def _add(self, keys: NDArray[np.int64]) -> None:
        by_key = np.argsort(keys)
        at = np.searchsorted(self._sorted, keys[by_key])
        self.order = np.insert(self.order, at, len(self.keys) + by_key.astype(np.int32))
        self._sorted = np.insert(self._sorted, at, keys[by_key])
        self.keys = np.concatenate([self.keys, keys])


def _hashed(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    return (keys * _ODD >> 1 & _LARGEST) >> (63 - _TABLE_BITS)


def pair_keys(first: Codes, second: Codes) -> NDArray[np.int64]:
    """Two numbers side by side; -1 where either is."""
    return np.where((first < 0) | (second < 0), -1, first.astype(np.int64) << 32 | second)


class Entities:
    """The entities of one kind.

    One column: the code of the text is the row. More: pairs of the first two, then of that pair and the third.
    No column: one entity, in row 0.
    """

    def __init__(self, columns: int, levels: list[Pairs] | None = None) -> None:
        self._columns = columns
        self.levels = [Pairs.empty() for _ in range(columns - 1)] if levels is None else levels

    def count(self, texts: int) -> int:
        """Number of entities, when the kind's first column knows `texts` texts."""
        if not self._columns:
            return 1
        return len(self.levels[-1].keys) if self.levels else texts

    def rows(self, codes: Sequence[Codes], length: int, days: NDArray[np.int32] | None = None) -> Codes:
        """Row of each of `length` entities by the codes of its columns; -1 = none, or unknown without `days`."""
        if not self._columns:
            return np.zeros(length, np.int32)
        named = codes[0]
        if self.levels and days is not None:
            # What lacks a later column is no entity of the kind, and must leave no trace in the levels before.
            whole = np.logical_and.reduce([each >= 0 for each in codes])
            named = np.where(whole, named, np.int32(-1))
        for level, column in zip(self.levels, codes[1:], strict=True):
            named = level.rows(pair_keys(named, column), days)
        return named

    def codes(self) -> list[Codes]:
        """The codes of each column by row, for kinds of several columns."""
        rows, found = np.arange(len(self.levels[-1].keys)), []
        for level in reversed(self.levels):
            keys = level.keys.take(rows)
            found.append((keys & 0xFFFFFFFF).astype(np.int32))
            rows = keys >> 32
        return [rows.astype(np.int32), *reversed(found)]
