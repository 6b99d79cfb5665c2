"""Blocking keys: two identities can be linked only when they share one. So keys are part of what a link is.

A key joins one reading of the name with one anchor of the place and all digits of the name. A reading is a sum
over the distinctive words of the name, so their order does not matter. Generic words, and words that begin or end
like a generic one, count only when there are no others. The readings:

- every word by its first half: misspelled second halves do no harm;
- every word by its first and last three letters: what is misspelled between does no harm;
- with one or two words, the first with one word by its last half: a misspelled first half does no harm;
- with three or more, the first without one word: a word lost, added or written quite otherwise does no harm.

Anchors are the postal code (last number of four or more digits), the first number with the first three letters
of the word after it, and the first three letters of all words of four or more letters. All distinctive words of the
name, or all but one of three or more, take part in a reading: a building with tens of thousands of firms falls
into many small blocks.

A key depends on its own text only, never on how common it is among others. Keys are 64-bit sums of hashes of
bytes, computed for many texts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa

from riskscore.identity.vocabulary import generic_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.int64]
    Hashes: TypeAlias = NDArray[np.uint64]
    Flags: TypeAlias = NDArray[np.bool_]

_RADIX = 0x9E3779B97F4A7C15
_INVERSE = pow(_RADIX, -1, 2**64)
_BLANK, _BAR, _HASH, _ZERO, _NINE = (ord(c) for c in " |#09")
_POSTAL_DIGITS, _STREET_LETTERS, _LONG_WORD = 4, 3, 4
_SHORTEST_HALF, _RIM = 4, 3
_BEGINNING, _ENDING = 4, 5


def keys(texts: Sequence[str]) -> tuple[Ints, Hashes]:
    """The blocking keys of identity texts.

    Returns:
        Position of the text and key, one pair for each key, positions ascending; a key may repeat.
    """
    words = _read(texts)
    name_rows, names = _name_readings(words)
    anchors = _anchors(words)
    rows, found = [], []
    for stated, anchor in anchors:
        has = stated[name_rows]
        rows.append(name_rows[has])
        found.append(_mixed(names[has] + anchor[name_rows[has]]))
    order = np.argsort(np.concatenate(rows), kind="stable")
    return np.concatenate(rows)[order], np.concatenate(found)[order]


@dataclass(frozen=True, slots=True)
class _Text:
    """Many texts as one run of bytes, and their words, in order."""

    content: NDArray[np.uint8]
    sums: Hashes
    """Sum of byte times radix to its position, of all bytes before a position."""
    row: Ints
    start: Ints
    end: Ints
    digits: Ints
    """Digits in a word."""
    edges: Ints
    """First word of each text, and the number of words."""
    in_name: Flags
    in_base: Flags

    def hashes(self, start: Ints, end: Ints) -> Hashes:
        """Hash of the bytes of each stretch, wherever it stands."""
        return _mixed((self.sums[end] - self.sums[start]) * _powers(_INVERSE, len(self.sums))[start])

    def total(self, values: Hashes) -> Hashes:
        """Sum over the words of each text."""
        sums = np.concatenate([np.zeros(1, dtype=values.dtype), np.cumsum(values, dtype=values.dtype)])
        return np.asarray(sums[self.edges[1:]] - sums[self.edges[:-1]])

    def first(self, which: Flags) -> Ints:
        """First word of each text that is flagged; the number of words when none is."""
        at = np.append(np.flatnonzero(which), len(which))
        found = at[np.searchsorted(at, self.edges[:-1])]
        return np.where(found < self.edges[1:], found, len(which))

    def last(self, which: Flags) -> Ints:
        """Last word of each text that is flagged; the number of words when none is."""
        at = np.append(np.flatnonzero(which), -1)
        found = at[np.searchsorted(at[:-1], self.edges[1:]) - 1]
        return np.where(found >= self.edges[:-1], found, len(which))


def _read(texts: Sequence[str]) -> _Text:
    packed = pa.array(texts, pa.large_string())
    offsets = np.frombuffer(packed.buffers()[1], dtype=np.int64)[: len(texts) + 1]
    held = packed.buffers()[2]
    content = np.frombuffer(held, dtype=np.uint8)[: offsets[-1]] if held else np.empty(0, dtype=np.uint8)
    start, end = _words(content, offsets)
    edges = np.searchsorted(start, offsets)
    row = np.repeat(np.arange(len(texts)), np.diff(edges))
    in_name, in_base = _parts(content, start, end, edges)
    is_digit = (content >= _ZERO) & (content <= _NINE)
    digits = np.concatenate([[0], np.cumsum(is_digit)])
    weighed = (content.astype(np.uint64) + np.uint64(1)) * _powers(_RADIX, len(content))[: len(content)]
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(weighed, dtype=np.uint64)])
    return _Text(content, sums, row, start, end, digits[end] - digits[start], edges, in_name, in_base)


def _words(content: NDArray[np.uint8], offsets: Ints) -> tuple[Ints, Ints]:
    """Start and end of each word; a text ends its last word."""
    inside = content != _BLANK
    edge = np.zeros(len(content) + 1, dtype=bool)
    edge[offsets] = True
    before, after = np.concatenate([[False], inside]), np.append(inside, False)
    starts = after & (~before | edge)
    ends = before & (~after | edge)
    return np.flatnonzero(starts), np.flatnonzero(ends)


def _parts(content: NDArray[np.uint8], start: Ints, end: Ints, edges: Ints) -> tuple[Flags, Flags]:
    """Which words stand before the first bar, and which between it and the parts of a building."""
    sign = np.where(end - start == 1, content[start], 0) if len(start) else np.empty(0, dtype=np.uint8)
    bars = _count_before(sign == _BAR, edges)
    hashes = _count_before((sign == _HASH) & (bars > 0), edges)
    return bars == 0, (bars > 0) & (hashes == 0) & (sign != _BAR) & (sign != _HASH)


def _count_before(which: Flags, edges: Ints) -> Ints:
    """Flagged words of the same text up to and including each word."""
    counts = np.cumsum(which)
    before = np.concatenate([[0], counts])[edges[:-1]]
    return np.asarray(counts - np.repeat(before, np.diff(edges)))


def _name_readings(text: _Text) -> tuple[Ints, Hashes]:
    """The readings of each name, each with the position of its text."""
    core = np.flatnonzero(_core(text))
    row, start, end = text.row[core], text.start[core], text.end[core]
    half, rim = _half(end - start), np.minimum(end - start, _RIM)
    first, last = text.hashes(start, start + half), _mixed(text.hashes(end - half, end))
    outer = _mixed(_mixed(text.hashes(start, start + rim)) + text.hashes(end - rim, end))
    digits = _name_digits(text)
    whole, rims = (_sums(row, values, len(digits)) + digits for values in (first, outer))
    several = np.bincount(row, minlength=len(digits))[row] > 2
    other = whole[row] - first + np.where(several, np.uint64(0), last)
    every = np.arange(len(digits))
    return np.concatenate([every, every, row]), np.concatenate([whole, rims, other])


def _sums(row: Ints, values: Hashes, rows: int) -> Hashes:
    """Sum of the values of each row; rows ascend."""
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(values, dtype=np.uint64)])
    edges = np.searchsorted(row, np.arange(rows + 1))
    return np.asarray(sums[edges[1:]] - sums[edges[:-1]])


def _half(length: Ints) -> Ints:
    """Bytes in half a word: steady against one letter more or less, at least four where there are four."""
    return np.minimum(length, np.maximum(_SHORTEST_HALF, length // 4 * 2))


def _core(text: _Text) -> Flags:
    """The words of the name that tell it from others; numbers are read apart."""
    word = text.in_name & (text.digits < text.end - text.start)
    distinctive = word.copy()
    distinctive[word] = ~_is_generic(text, text.start[word], text.end[word])
    lonely = _sums(text.row, distinctive.astype(np.uint64), len(text.edges) - 1) == 0
    return np.asarray(distinctive | (word & lonely[text.row]))


def _is_generic(text: _Text, start: Ints, end: Ints) -> Flags:
    """Whether words are listed as generic, or begin or end like one for a trade: that may be misspelled."""
    listed, beginnings, endings = _generic()
    like = np.isin(text.hashes(start, np.minimum(end, start + _BEGINNING)), beginnings)
    like |= np.isin(text.hashes(np.maximum(start, end - _ENDING), end), endings)
    return np.asarray(like | np.isin(text.hashes(start, end), listed))


@lru_cache(maxsize=1)
def _generic() -> tuple[Hashes, Hashes, Hashes]:
    """Generic words; the beginnings of long ones that name a trade, and their endings."""
    listed, trades = (_read(sorted(words)) for words in (generic_words(), generic_words("trade")))
    long = trades.end - trades.start > _ENDING
    start, end = trades.start[long], trades.end[long]
    beginnings, endings = trades.hashes(start, start + _BEGINNING), trades.hashes(end - _ENDING, end)
    return listed.hashes(listed.start, listed.end), np.unique(beginnings), np.unique(endings)


def _name_digits(text: _Text) -> Hashes:
    """All digits of each name, in their order."""
    worded = text.in_name & (text.digits > 0)
    length = (text.end - text.start)[worded]
    at = np.repeat(text.start[worded] - np.cumsum(length) + length, length) + np.arange(length.sum())
    row = np.repeat(text.row[worded], length)
    digit = (text.content[at] >= _ZERO) & (text.content[at] <= _NINE)
    at, row = at[digit], row[digit]
    rank = np.arange(len(at)) - np.searchsorted(row, row)
    value = (text.content[at].astype(np.uint64) + np.uint64(1)) * _powers(_RADIX, len(at))[rank]
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(value, dtype=np.uint64)])
    edges = np.searchsorted(row, np.arange(len(text.edges)))
    return _mixed(sums[edges[1:]] - sums[edges[:-1]])


def _anchors(text: _Text) -> tuple[tuple[Flags, Hashes], ...]:
    """The anchors of each place, each with whether a place has it."""
    length = text.end - text.start
    postal = text.last(text.in_base & (text.digits == length) & (length >= _POSTAL_DIGITS))
    number = text.first(text.in_base & (text.digits > 0))
    long = text.in_base & (text.digits == 0) & (length >= _LONG_WORD)
    starts = np.where(long, text.hashes(text.start, text.start + np.minimum(length, _STREET_LETTERS)), np.uint64(0))
    return (
        _anchor(1, postal < len(length), _at(text, postal)),
        _anchor(2, number < len(length), _at(text, number) + _street(text, number)),
        _anchor(3, text.total(long.astype(np.uint64)) > 0, text.total(starts)),
    )


def _anchor(kind: int, stated: Flags, value: Hashes) -> tuple[Flags, Hashes]:
    return stated, _mixed(value + np.uint64(kind))


def _at(text: _Text, word: Ints) -> Hashes:
    """Hash of one word for each text; that of nothing beyond the last word."""
    start, end = np.append(text.start, 0), np.append(text.end, 0)
    return text.hashes(start[word], end[word])


def _street(text: _Text, number: Ints) -> Hashes:
    """The first letters of the word after the number, when it belongs to the same place."""
    after = np.minimum(number + 1, len(text.row))
    same = np.append(text.in_base, False)[after] & (np.append(text.row, -1)[after] == np.arange(len(number)))
    start, end = np.append(text.start, 0)[after], np.append(text.end, 0)[after]
    return np.where(same, _mixed(text.hashes(start, np.minimum(end, start + _STREET_LETTERS))), np.uint64(0))


def _mixed(values: Hashes) -> Hashes:
    """Every bit spread over all bits (the finaliser of splitmix64, Steele, Lea and Flood 2014)."""
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _powers(base: int, least: int) -> Hashes:
    """Powers of a base modulo 2**64, at least so many."""
    size = max(least, 1).bit_length()
    return _table_of_powers(base, 1 << (size + -size % 4))  # few sizes, so that a table is made once


@lru_cache(maxsize=16)
def _table_of_powers(base: int, count: int) -> Hashes:
    powers = np.full(count, base, dtype=np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)
