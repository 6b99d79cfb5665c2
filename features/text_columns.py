"""Whole columns of text at once: a look-up asked once per distinct text, lists in cells, and check digits.

A day may bring a million containers and entry numbers, each of them different. So what riskscore.reference.identifiers
checks one at a time is checked here in bytes, side by side, and gives the same answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    import pandas as pd
    from numpy.typing import NDArray

    Texts: TypeAlias = pd.Series | pd.Index | pa.Array | Sequence[str | None]

_CONTAINER = "^[A-Z0-9]{3}[UJZR][0-9]{7}$"
_ENTRY_NUMBER = "^[A-Z0-9]{3}-[0-9]{7}-[0-9]$"

_NOTHING = {"f": np.nan, "O": None, "U": ""}

_DIGITS = {ord(digit): int(digit) for digit in "0123456789"}
_CAPITALS = range(ord("A"), ord("Z") + 1)
# ISO 6346 skips the multiples of 11, so that letters keep different remainders.
_ISO6346 = _DIGITS | dict(zip(_CAPITALS, (n for n in range(10, 39) if n % 11), strict=True))
# CBP AE Table 1: A and J are 1; B, K and S are 2; ... I, R and Z are 9: S to Z start at 2.
_FOLDED = _DIGITS | dict(zip(_CAPITALS, map(int, "12345678912345678923456789"), strict=True))
_DOUBLED = {character: 2 * digit - 9 * (digit > 4) for character, digit in _FOLDED.items()}


class Listed(NamedTuple):
    """The items of a column of lists: each item, the row it stands in, and the number of items of each row."""

    items: pa.Array
    rows: NDArray[np.int64]
    counts: NDArray[np.int64]

    def per_row(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Of each row, how many of its items are `chosen`."""
        return np.bincount(self.rows[chosen], minlength=len(self.counts))

    def repeated(self) -> NDArray[np.int64]:
        """Of each row, how many of its items repeat an earlier one of that row."""
        several = self.counts[self.rows] > 1
        codes = self.items.filter(pa.array(several)).dictionary_encode().indices.to_numpy().astype(np.int64)
        kinds = int(codes.max(initial=0)) + 1
        marks = np.sort(self.rows[several] * kinds + codes)
        again = marks[1:][marks[1:] == marks[:-1]]
        return np.bincount(again // kinds, minlength=len(self.counts))


def as_text(column: Texts) -> pa.Array:
    """A column as one Arrow array of text.

    >>> as_text(["a", None]).to_pylist()
    ['a', None]
    """
    texts = pa.array(column, pa.large_string(), from_pandas=True)
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    return texts.cast(pa.large_string())


def each(rule: Callable[[list[str]], NDArray[Any]], column: Texts) -> NDArray[Any]:
    """What `rule` says of each text, asked once for all distinct ones.

    Args:
        rule: takes distinct texts, gives an array of numbers, of objects or of text, one for each.
        column: text; null = nothing to ask about.

    Returns:
        An array of the same kind; NaN, None or "" for a null.

    >>> each(lambda texts: np.array([len(text) for text in texts], dtype=np.float64), ["ab", None, "c", "ab"])
    array([ 2., nan,  1.,  2.])
    """
    encoded = as_text(column).dictionary_encode()
    answers = np.asarray(rule(encoded.dictionary.to_pylist()))
    nothing = np.array([_NOTHING[answers.dtype.kind]], dtype=answers.dtype)
    # Position -1 is the last one: that of the null.
    return np.asarray(np.concatenate([answers, nothing])[encoded.indices.fill_null(-1).to_numpy()])


def listed(column: Texts) -> Listed:
    """The items of cells that are separated by ';'; blanks around them and empty items do not count.

    >>> listed(["a; b;;a", None]).counts, listed(["a; b;;a", None]).repeated()
    (array([3, 0]), array([1, 0]))
    """
    split = pc.split_pattern(as_text(column), ";")
    items = pc.utf8_trim(pc.list_flatten(split), " ")
    rows = pc.list_parent_indices(split).to_numpy().astype(np.int64)
    some = pc.not_equal(items, "").to_numpy(zero_copy_only=False)
    return Listed(items.filter(pa.array(some)), rows[some], np.bincount(rows[some], minlength=len(split)))


def container_checks(numbers: Texts) -> NDArray[np.bool_]:
    """Whether each container number is well formed and its check digit holds: as identifiers.container; null: no.

    >>> container_checks(["CSQU3054383", "CSQU3054384", "CSQU3054383XXX", None])
    array([ True, False, False, False])
    """
    plain = pc.replace_substring(pc.ascii_upper(as_text(numbers)), " ", "")
    well_formed, characters = _characters(plain, _CONTAINER, 11)
    total = np.sum([_worth(_ISO6346, characters[:, place]) * 2**place for place in range(10)], axis=0)
    return _spread(total % 11 % 10 == _worth(_ISO6346, characters[:, 10]), well_formed)


def entry_number_checks(numbers: Texts) -> NDArray[np.float64]:
    """Whether the check digit of each entry number holds: 1 yes, 0 no; NaN for what has not the form ABC-1234567-6.

    Entry numbers are also written without hyphens, but then an air waybill could be one.

    >>> entry_number_checks(["ABC-1234567-6", "ABC-1234567-0", "160-12345675", None])
    array([ 1.,  0., nan, nan])
    """
    well_formed, characters = _characters(as_text(numbers), _ENTRY_NUMBER, 13)
    # Luhn doubles every second digit from the right, the check digit aside; places 3 and 11 are hyphens.
    plain = [_worth(_FOLDED, characters[:, place]) for place in (0, 2, 5, 7, 9, 12)]
    doubled = [_worth(_DOUBLED, characters[:, place]) for place in (1, 4, 6, 8, 10)]
    total = np.sum(plain + doubled, axis=0)
    return np.where(well_formed, _spread(total % 10 == 0, well_formed), np.nan)


def _characters(texts: pa.Array, pattern: str, width: int) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Which texts have the form `pattern`, and the ASCII characters of those, `width` each."""
    matches = pc.match_substring_regex(texts, pattern).fill_null(False)
    chosen = texts.filter(matches).to_numpy(zero_copy_only=False).astype(f"S{width}")
    return matches.to_numpy(zero_copy_only=False), chosen.view(np.uint8).reshape(-1, width)


def _worth(values: dict[int, int], characters: NDArray[np.uint8]) -> NDArray[np.int32]:
    table = np.zeros(256, dtype=np.int32)
    table[list(values)] = list(values.values())
    return np.asarray(table[characters])


def _spread(holds: NDArray[np.bool_], well_formed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = np.zeros(len(well_formed), dtype=np.bool_)
    found[well_formed] = holds
    return found
