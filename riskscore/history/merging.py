"""Joining the states of two spans of time: exact in whole numbers, and but for the last bits in decayed counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from riskscore.history.entities import lookup
from riskscore.history.measures import NEVER, moved_on

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history.state import KindState, State
    from riskscore.history.tallies import Decayed, Tally

    Codes = NDArray[np.int32]


def merge(first: State, second: State) -> State:
    """The state after the days of `first` and then those of `second`, which was folded on its own, from nothing.

    Counts, days, fans and histograms are those of one fold over all the days; decayed counters agree within rounding
    (about 1e-12 of their size), because the sums are added up in another order. Entities may lie in another order.

    Args:
        first: of the earlier days; it becomes the result.
        second: of days after all of `first`, of the same kinds.
    """
    codes = {column: _joined_texts(first, second, column) for column in first.texts}
    before = {name: kind.first.array[:, 0].copy() for name, kind in first.kinds.items()}
    rows = {name: _joined_rows(first.kinds[name], second.kinds[name], codes, first) for name in first.kinds}
    for name, kind in first.kinds.items():
        _add_kind(kind, second.kinds[name], rows[name])
    for name in first.kinds:
        _add_fans(first, second, name, rows, before)
    return first


def _joined_texts(first: State, second: State, column: str) -> Codes:
    """Codes in the joined state of the texts of `second`."""
    known, texts = first.texts[column], second.texts[column]
    code = lookup(known, texts)
    new = np.flatnonzero(code < 0)
    code[new] = len(known) + np.arange(len(new), dtype=np.int32)
    first.texts[column] = pa.concat_arrays([known, texts.take(pa.array(new))])
    return code


def _joined_rows(first: KindState, second: KindState, codes: dict[str, Codes], joined: State) -> Codes:
    """Rows in the joined state of the entities of `second`."""
    columns = first.kind.columns
    if not columns:
        return np.zeros(1, np.int32)
    if len(columns) == 1:
        rows = codes[columns[0]]
    else:
        of_second = [codes[c].take(own) for c, own in zip(columns, second.entities.codes(), strict=True)]
        days = second.first.array[:, 0]
        rows = first.entities.rows(of_second, len(days), days)
    first.grow(first.entities.count(len(joined.texts[columns[0]])))
    return rows


def _add_kind(first: KindState, second: KindState, rows: Codes) -> None:
    _add(first.filed, second.filed, rows)
    _add_decayed(first.fading, second.fading, rows)
    for quantity, histogram in first.peers.items():
        _add(histogram, second.peers[quantity], rows)
    own = first.first.array[:, 0]
    own[rows] = np.where(own[rows] == NEVER, second.first.array[:, 0], own[rows])
    _latest(first.last, second.last, rows)
    for name, book in first.books.items():
        other = second.books[name]
        book.open(rows.take(other.rows))
        slots = book.slot.take(rows.take(other.rows))
        _add(book.counts, other.counts, slots)
        _add_decayed(book.fading, other.fading, slots)
        _latest(book.last_hit, other.last_hit, slots)


def _add_fans(
    first: State, second: State, name: str, rows: dict[str, Codes], before: dict[str, NDArray[np.int32]]
) -> None:
    """Pairs filed in the second span that had not been in the first."""
    state = first.kinds[name]
    for number, pair_kind in enumerate(state.kind.fans):
        pairs, known = rows[pair_kind], before[pair_kind]
        earlier = np.append(known, np.full(len(first.kinds[pair_kind]) - len(known), NEVER, np.int32))
        fresh = (earlier.take(pairs) == NEVER) & (second.kinds[pair_kind].first.array[:, 0] != NEVER)
        codes = dict(zip(first.kinds[pair_kind].kind.columns, first.kinds[pair_kind].entities.codes(), strict=True))
        new = pairs[fresh]
        owners = state.entities.rows([codes[column].take(new) for column in state.kind.columns], len(new))
        np.add.at(state.fans.array[:, number], owners, 1)


def _add(first: Tally, second: Tally, rows: Codes) -> None:
    first.array[rows] += second.array


def _add_decayed(first: Decayed, second: Decayed, rows: Codes) -> None:
    era = np.maximum(first.era, second.era)
    first.array[:] = moved_on(first.array, first.era, era)
    first.array[rows] += moved_on(second.array, second.era, era)
    first.era = era


def _latest(first: Tally, second: Tally, rows: Codes) -> None:
    first.array[rows] = np.maximum(first.array[rows], second.array)
