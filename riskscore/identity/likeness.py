"""How alike two identities are: edit distances of names and places, against thresholds that were measured.

Distances are whole numbers of letters to delete and insert (Indel distance), so a comparison is exact; they are
judged as a share of the letters of both texts. The thresholds are those of docs/adr/0009-identity.md, chosen on
the generated set of benches/identity.py.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from rapidfuzz.distance import OSA, Indel
from rapidfuzz.process import cpdist, extractOne

from riskscore.identity.units import UNITS
from riskscore.identity.vocabulary import abbreviations, generic_words
from riskscore.identity.writing import BETWEEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Flags: TypeAlias = NDArray[np.bool_]
    Ints: TypeAlias = NDArray[np.int64]

NAME_PERCENT = 15
"""Most difference between whole names, in per cent of the letters of both."""

CORE_PERCENT = 25
"""Beside that, most difference between the names without generic words: these would hide it in whole names."""

BARE_PERCENT = 10
"""Enough by itself between names without generic words, where all those of one name stand in the other too."""

STREET_PERCENT = 25
"""Most difference between the words of the places."""

NUMBER_STEPS = 2
"""House number and postal code together: 1 for each one mistyped by a digit or not stated, 2 for another number."""

POSTAL_DIGITS = 4
"""Digits of the shortest postal code."""

_SHORTEST_CORRECTED = 6  # below, a letter more or less often makes another word


class Parts(NamedTuple):
    """What of an identity is compared."""

    name: str
    words: str
    """The words of the name, sorted."""
    core: str
    """The name without generic words; the name when there are no others."""
    generic: frozenset[str]
    street: str
    """The words of the place that have no digit, without parts of a building."""
    house: str
    """The first number of the place, unless it is the postal code."""
    postal: str
    """The last number of so many digits that it can be a postal code."""


def parts(text: str) -> Parts:
    """What of an identity is compared.

    >>> parts("acme imp | 12 main st dayton oh 45402 # unit 5")[3:]
    (frozenset({'imp'}), 'main st dayton oh', '12', '45402')
    """
    name, _, place = text.partition(BETWEEN)
    words = [_corrected(word) for word in name.split()]
    core = [word for word in words if word not in generic_words()]
    return Parts(name, _in_order(words), _in_order(core or words), frozenset(words).difference(core), *_place(place))


@lru_cache(maxsize=1 << 16)
def _corrected(word: str) -> str:
    """The standard writing of a generic word misspelled by one letter; other words as they are."""
    if len(word) < _SHORTEST_CORRECTED or word in generic_words():
        return word
    meant = extractOne(word, _long_generic_words(), scorer=OSA.distance, score_cutoff=1)
    return abbreviations("name").get(meant[0], meant[0]) if meant else word


@lru_cache(maxsize=1)
def _long_generic_words() -> list[str]:
    return sorted(word for word in generic_words() if len(word) >= _SHORTEST_CORRECTED)


@lru_cache(maxsize=1 << 16)
def _place(place: str) -> tuple[str, str, str]:
    """Street, house number and postal code: many traders share a place."""
    base = place.partition(f" {UNITS} ")[0].split()
    numbered = [not word.isalpha() and any(map(str.isdigit, word)) for word in base]
    at = [i for i, has in enumerate(numbered) if has]
    house, postal = _numbers(base, at)
    return " ".join(word for word, has in zip(base, numbered, strict=True) if not has), house, postal


def alike(identities: Sequence[Parts], a: Ints, b: Ints) -> Flags:
    """Whether the identities at positions `a` are alike those at positions `b` beside them.

    Names, streets and numbers must be. Names are, when few letters differ, be it with the words sorted, and not
    too many of them in the words that are not generic; or when hardly any differ in these, and one name has no
    generic word beside those of the other.
    """
    close = np.arange(len(a))
    for alike_in in (_numbers_alike, _streets_alike, _names_alike):
        close = close[alike_in(identities, a[close], b[close])]
    flags = np.zeros(len(a), dtype=bool)
    flags[close] = True
    return flags


def _in_order(words: list[str]) -> str:
    return " ".join(sorted(words))


def _numbers(base: list[str], at: list[int]) -> tuple[str, str]:
    """House number and postal code; a number alone is the house's when it stands in the first half."""
    codes = [i for i in at if len(base[i]) >= POSTAL_DIGITS and base[i].isdigit()]
    postal = codes[-1] if codes and (len(at) > 1 or 2 * codes[-1] >= len(base)) else None
    house = at[0] if at and at[0] != postal else None
    return "" if house is None else base[house], "" if postal is None else base[postal]


def _numbers_alike(identities: Sequence[Parts], a: Ints, b: Ints) -> Flags:
    steps = _steps([p.house for p in identities], a, b) + _steps([p.postal for p in identities], a, b)
    return np.asarray(steps <= NUMBER_STEPS)


def _steps(numbers: list[str], a: Ints, b: Ints) -> Ints:
    distance = np.minimum(_distances(numbers, a, b, OSA.distance), 2)
    stated = np.fromiter(map(bool, numbers), bool, len(numbers))
    return np.where(stated[a] & stated[b], distance, np.minimum(distance, 1))


def _streets_alike(identities: Sequence[Parts], a: Ints, b: Ints) -> Flags:
    return _near([p.street for p in identities], a, b, STREET_PERCENT)


def _names_alike(identities: Sequence[Parts], a: Ints, b: Ints) -> Flags:
    cores = [p.core for p in identities]
    alike = _near(cores, a, b, CORE_PERCENT)
    near = np.flatnonzero(alike)
    a, b = a[near], b[near]
    whole = _near([p.name for p in identities], a, b, NAME_PERCENT)
    whole |= _near([p.words for p in identities], a, b, NAME_PERCENT)
    alike[near] = whole | (_near(cores, a, b, BARE_PERCENT) & _nested([p.generic for p in identities], a, b))
    return alike


def _nested(sets: list[frozenset[str]], a: Ints, b: Ints) -> Flags:
    pairs = ((sets[i], sets[j]) for i, j in zip(a.tolist(), b.tolist(), strict=True))
    return np.fromiter((p <= q or q <= p for p, q in pairs), bool, len(a))


def _near(texts: list[str], a: Ints, b: Ints, percent: int) -> Flags:
    """Whether the letters to delete and insert are at most a share of the letters of both."""
    length = np.fromiter(map(len, texts), np.int64, len(texts))
    letters = _letters(texts)
    allowed = percent * (length[a] + length[b])
    # Two bounds from below that cost next to nothing: lengths, and letters that only one of both has.
    least = np.maximum(np.abs(length[a] - length[b]), np.bitwise_count(letters[a] ^ letters[b]))
    near = least * 100 <= allowed
    at = np.flatnonzero(near)
    near[at] = _distances(texts, a[at], b[at], Indel.distance) * 100 <= allowed[at]
    return np.asarray(near)


def _letters(texts: list[str]) -> NDArray[np.uint64]:
    """One bit for each ASCII letter or digit that a text has."""
    content = np.frombuffer("".join(text.replace("\0", " ") + "\0" for text in texts).encode(), dtype=np.uint8)
    bits = np.where(content < 128, np.uint64(1) << (content & 63).astype(np.uint64), np.uint64(0))
    ends = np.flatnonzero(content == 0)
    return np.bitwise_or.reduceat(bits, np.append(0, ends[:-1] + 1)) if len(texts) else bits


def _distances(texts: list[str], a: Ints, b: Ints, distance: Callable[..., int]) -> Ints:
    """Distances of pairs of texts; equal texts are not compared."""
    codes = pd.factorize(np.array(texts, dtype=object))[0]
    different = np.flatnonzero(codes[a] != codes[b])
    left, right = ([texts[i] for i in side[different].tolist()] for side in (a, b))
    found = np.zeros(len(a), dtype=np.int64)
    found[different] = cpdist(left, right, scorer=distance, dtype=np.int32)
    return found
