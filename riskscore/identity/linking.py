"""Near-duplicates among identities: the predicate, and all pairs that satisfy it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from riskscore.identity.keys import keys
from riskscore.identity.likeness import alike, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.int64]
    Hashes: TypeAlias = NDArray[np.uint64]

_TEXTS_AT_ONCE = 1 << 14
_CANDIDATES_AT_ONCE = 1 << 21
_FILTER_BITS = 24


def linked(a: str, b: str) -> bool:
    """Whether two identity texts are near-duplicates.

    They are when they differ, share a blocking key (see `riskscore.identity.keys`), and names and places are
    alike (see `riskscore.identity.likeness`). Symmetric; not transitive; depends on nothing but the two texts.

    Args:
        a: an identity, as `identity` writes it. Other texts are linked to nothing.
        b: another.

    >>> linked("acme imp | 12 main st springfield il 62704 # unit 5", "acme imp | 12 main st springfield il 62704")
    True
    >>> linked("acme imp | 12 main st springfield il 62704", "acme imp | 700 pine ave austin tx 78701")
    False
    """
    return len(links([a, b])[0]) > 0


def links(texts: Sequence[str], since: int = 0) -> tuple[Ints, Ints]:
    """All pairs of identity texts that are `linked`, whatever other texts are present.

    Args:
        texts: identities, as `identity` writes them.
        since: only pairs with a text from this position on.

    Returns:
        Positions left and right, left < right and right >= since, sorted by left, then right.

    Time and memory grow with the texts and with the pairs that share a key; candidates are compared in parts.

    >>> known = ["acme imp | 12 main st dayton oh 45402", "bolt tools | 12 main st dayton oh 45402"]
    >>> left, right = links([*known, "acmee imp | 12 main st dayton oh 45402"], since=2)
    >>> left.tolist(), right.tolist()
    ([0], [2])
    """
    distinct = _Distinct(texts, min(max(since, 0), len(texts)))
    parts_found = (_alike(distinct.texts, *pairs) for pairs in _candidates(distinct.texts, distinct.since))
    left, right = _concatenated(distinct.positions(*pairs) for pairs in parts_found)
    order = np.lexsort((right, left))
    return left[order], right[order]


class _Distinct:
    """Distinct texts in the order of their last position, so that those standing at or after `since` come last."""

    def __init__(self, texts: Sequence[str], since: int) -> None:
        codes, labels = pd.factorize(np.asarray(texts, dtype=object))
        last = np.zeros(len(labels), dtype=np.int64)
        last[codes] = np.arange(len(codes))
        order = np.argsort(last)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        self.texts: list[str] = labels[order].tolist()
        self.since = int(np.searchsorted(last[order], since))
        self._at = np.argsort(rank[codes], kind="stable")
        self._edges = np.searchsorted(rank[codes][self._at], np.arange(len(labels) + 1))
        self._since = since

    def positions(self, left: Ints, right: Ints) -> tuple[Ints, Ints]:
        """Pairs of positions, for pairs of distinct texts."""
        count = np.diff(self._edges)
        times = count[left] * count[right]
        nth = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        left, right = np.repeat(left, times), np.repeat(right, times)
        one = self._at[self._edges[left] + nth // count[right]]
        other = self._at[self._edges[right] + nth % count[right]]
        late = np.maximum(one, other) >= self._since
        return np.minimum(one, other)[late], np.maximum(one, other)[late]


def _concatenated(pairs: Iterable[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    left, right = zip((np.empty(0, dtype=np.int64),) * 2, *pairs, strict=True)
    return np.concatenate(left), np.concatenate(right)


def _alike(texts: Sequence[str], left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Those candidates that are alike; each text is taken apart once."""
    involved, at = np.unique(np.concatenate([left, right]), return_inverse=True)
    taken = [parts(texts[i]) for i in involved.tolist()]
    close = alike(taken, *np.split(at, [len(left)]))
    return left[close], right[close]


def _candidates(texts: Sequence[str], since: int) -> Iterator[tuple[Ints, Ints]]:
    """Different texts that share a key, each pair once, in parts of bounded size."""
    row, key = _relevant_keys(texts, since)
    order = np.lexsort((row, key))
    begins = np.append(True, key[order][1:] != key[order][:-1]) if len(order) else np.empty(0, dtype=bool)
    group = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    later = np.flatnonzero(row[order] >= since)
    later = later[np.argsort(row[order][later], kind="stable")]
    partners = later - group[later]
    for part in _portions(row[order][later], partners):
        left, right = _expanded(row[order], later[part], group[later[part]])
        pairs = _unique((right * len(texts) + left)[left != right])
        yield pairs % len(texts), pairs // len(texts)


def _unique(values: Ints) -> Ints:
    """The distinct values, ascending; faster than np.unique where most values differ."""
    values.sort()
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values


def _expanded(row: Ints, at: Ints, begin: Ints) -> tuple[Ints, Ints]:
    """Every entry of a group before each of the entries `at`, with it."""
    count = at - begin
    right = np.repeat(row[at], count)
    position = np.repeat(begin - np.cumsum(count) + count, count) + np.arange(count.sum())
    return row[position], right


def _portions(row: Ints, partners: Ints) -> Iterator[slice]:
    """Runs of entries with a bounded number of partners; all entries of one text stay together."""
    ends = np.flatnonzero(np.append(row[1:] != row[:-1], True)) + 1 if len(row) else np.empty(0, dtype=np.int64)
    total = np.concatenate([[0], np.cumsum(partners)])
    begin = 0
    while begin < len(row):
        fits = np.searchsorted(total[ends], total[begin] + _CANDIDATES_AT_ONCE, side="right") - 1
        end = int(ends[max(fits, np.searchsorted(ends, begin, side="right"))])
        yield slice(begin, end)
        begin = end


def _relevant_keys(texts: Sequence[str], since: int) -> tuple[Ints, Hashes]:
    """Positions and keys; of texts before `since` only keys that a later text may have."""
    later = list(_keys_between(texts, since, len(texts)))
    wanted = np.zeros(1 << _FILTER_BITS, dtype=bool)
    for _, key in later:
        wanted[_slot(key)] = True
    earlier = ((row, key, wanted[_slot(key)]) for row, key in _keys_between(texts, 0, since))
    parts = [*((row[has], key[has]) for row, key, has in earlier), *later]
    rows = [np.empty(0, dtype=np.int64), *(row for row, _ in parts)]
    return np.concatenate(rows), np.concatenate([np.empty(0, dtype=np.uint64), *(key for _, key in parts)])


def _keys_between(texts: Sequence[str], begin: int, end: int) -> Iterator[tuple[Ints, Hashes]]:
    for first in range(begin, end, _TEXTS_AT_ONCE):
        row, key = keys(texts[first : min(first + _TEXTS_AT_ONCE, end)])
        yield row + first, key


def _slot(key: Hashes) -> Hashes:
    return key >> np.uint64(64 - _FILTER_BITS)
