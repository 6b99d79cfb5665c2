"""From facts to totals: one per entity, day, side and weight, so that a decayed counter is added to once for each.

Integers first: a total is exact, and neither the order of the facts of a day nor their partition can change a bit.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from riskscore.history.measures import eras, weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of facts of one entity, day, side and weight; days ascending, then the days they are weighed by.

    Attributes:
        day: int32 day of the facts.
        row: int32 row of the entity, none negative.
        side: int8, 0 filed or 1 withdrawn.
        weight_day: int32 day whose weight they have in decayed counters.
        amounts: int64, one row each, a column per measure.
    """

    day: NDArray[np.int32]
    row: NDArray[np.int32]
    side: NDArray[np.int8]
    weight_day: NDArray[np.int32]
    amounts: NDArray[np.int64]

    def of_first(self, entities: int) -> Totals:
        """Those of the first `entities` entities."""
        if not (self.row >= entities).any():
            return self
        some = np.flatnonzero(self.row < entities)
        return Totals(*(getattr(self, each.name)[some] for each in fields(self)))


def grouped(*keys: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order that sorts n rows by `keys`, the first weighing most, and where in it each distinct key begins.

    >>> order, starts = grouped(np.array([1, 0, 1, 0]), np.array([7, 9, 7, 8]))
    >>> order.tolist(), starts.tolist()
    ([3, 1, 0, 2], [0, 1, 2])
    """
    n = len(keys[0])
    if not n:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    lows = [int(key.min()) for key in keys]
    widths = [(int(key.max()) - low).bit_length() for key, low in zip(keys, lows, strict=True)]
    index_bits = (n - 1).bit_length()
    if sum(widths) + index_bits > 63:
        return _grouped_widely(keys)
    # Key and position in one word: sorting words is several times faster than finding the order of keys.
    word = np.zeros(n, np.int64)
    for key, low, width in zip(keys, lows, widths, strict=True):
        word <<= width
        word |= key.astype(np.int64) - low
    word <<= index_bits
    word |= np.arange(n)
    word.sort()
    order = word & ((1 << index_bits) - 1)
    return order, np.flatnonzero(np.diff(word >> index_bits, prepend=-1))


def _grouped_widely(keys: Sequence[Ints]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.lexsort(keys[::-1])
    changed = np.logical_or.reduce([np.diff(key[order], prepend=key[order[0]] - 1) != 0 for key in keys])
    return order, np.flatnonzero(changed)


def totals(
    day: NDArray[np.int32],
    side: NDArray[np.int8],
    weight_day: NDArray[np.int32],
    row: NDArray[np.int32],
    amounts: Sequence[NDArray[np.int64]],
) -> Totals:
    """Sum up n facts, those without an entity (row -1) left out; `amounts` holds one column per measure."""
    stated = np.flatnonzero(row >= 0)
    order, starts = grouped(*(each.take(stated) for each in (day, weight_day, side, row)))
    order = stated.take(order)
    first = order.take(starts)
    sums = np.empty((len(starts), len(amounts)), np.int64)
    for column, amount in enumerate(amounts):
        sums[:, column] = summed(amount.take(order), starts)
    return Totals(day.take(first), row.take(first), side.take(first), weight_day.take(first), sums)


def summed(amounts: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of the runs of `amounts` that begin at `starts`."""
    return np.add.reduceat(amounts, starts) if len(starts) else np.empty(0, np.int64)


def weighed(
    amounts: NDArray[np.int64],
    columns: Sequence[int],
    day: NDArray[np.int32],
    weight_day: NDArray[np.int32],
    lives: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The `columns` of `amounts`, one per counter, times the weight of `weight_day`, in the era of `day`."""
    found = np.empty((len(amounts), len(columns)))
    if day is weight_day and len(day):
        # A window has few days, and weighs each of them for many entities.
        days = np.arange(day[0], day[-1] + 1, dtype=np.int32)
        table, at = weights(days, lives, eras(days, lives)), day - day[0]
    else:
        table, at = weights(weight_day, lives, eras(day, lives)), np.arange(len(day))
    for number, column in enumerate(columns):
        np.multiply(amounts[:, column], table[:, number].take(at), out=found[:, number])
    return found
