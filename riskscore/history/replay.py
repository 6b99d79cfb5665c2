"""The kernel: read the state for a day's arrivals, then fold the day in; one day or years of them alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.frames import epoch_days
from riskscore.history.facts import unit_value_bins
from riskscore.history.kinds import KEY_COLUMNS, KINDS, EntityKind
from riskscore.history.reading import Track, peer_position, read_track
from riskscore.history.state import KindState, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from riskscore.history.facts import Facts
    from riskscore.history.reading import PeerPosition


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Who arrives when: the rows for which history is read.

    Attributes:
        day: int32 days since 1970-01-01, length n: each row reads the state of that morning.
        keys: the KEY_COLUMNS as text, n rows.
        unit_value_bin: int16 bin of the row's own value per kilogram, -1 when it states none.
    """

    day: NDArray[np.int32]
    keys: pa.Table
    unit_value_bin: NDArray[np.int16]

    @staticmethod
    def of(shipments: pd.DataFrame) -> Arrivals:
        """Arrivals of shipments (the shipments columns), each on the morning of its arrival_date."""
        hts = pa.array(shipments["hts"], pa.string(), from_pandas=True)
        derived = {"hs6": _prefix(hts, 6), "hs4": _prefix(hts, 4)}
        keys = pa.table(
            {
                c: derived[c] if c in derived else pa.array(shipments[c], pa.string(), from_pandas=True)
                for c in KEY_COLUMNS
            }
        )
        days = epoch_days(shipments["arrival_date"])
        # Rounded to cents and grams as the facts are, so that a row lands in the bin its fact will land in.
        cents = _rounded(shipments["value_usd"].to_numpy(np.float64, na_value=np.nan) * 100)
        grams = _rounded(shipments["weight_kg"].to_numpy(np.float64, na_value=np.nan) * 1000)
        return Arrivals(days, keys, unit_value_bins(cents, grams))


def _rounded(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Halves up, as SQL's round() does with amounts; np.round takes them to the even number."""
    whole = np.floor(amounts)
    return whole + (amounts - whole >= 0.5)


def _prefix(hts: pa.Array, digits: int) -> pa.Array:
    long_enough = pc.greater_equal(pc.utf8_length(hts), digits)
    return pc.if_else(long_enough, pc.utf8_slice_codeunits(hts, 0, digits), None)


def replay(
    initial: State,
    facts: Facts,
    arrivals: Arrivals,
    kinds: Sequence[EntityKind] = KINDS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Track], dict[str, PeerPosition], State]:
    """Replay `facts` on top of `initial`, reading history for `arrivals` on the way.

    Each arrival reads what had been folded in on days before its own: facts of its day or later are not there yet.

    Returns:
        Per kind the track of every arrival's entity; per kind with peers the position of its value among them;
        and the state after the last fact.
    """
    coder = _Coder(initial, facts.keys, arrivals.keys)
    tracks: dict[str, Track] = {}
    peers: dict[str, PeerPosition] = {}
    final = State({}, {})
    for done, kind in enumerate(kinds):
        keys, fact_rows, arrival_rows = coder.rows(kind)
        state = initial.kinds[kind.name].grown(keys.num_rows)
        reader = _Reader(kind, arrivals, arrival_rows)
        _run(state, facts, fact_rows, reader)
        tracks[kind.name], position = reader.result(state)
        if position is not None:
            peers[kind.name] = position
        final.keys[kind.name], final.kinds[kind.name] = _canonical(keys, state)
        if progress:
            progress(done + 1, len(kinds))
    return tracks, peers, final


def _run(state: KindState, facts: Facts, rows: NDArray[np.intp], reader: _Reader) -> None:
    stated = np.flatnonzero(rows >= 0)
    days, starts = np.unique(facts.day[stated], return_index=True)
    for day, part in zip(days, np.split(stated, starts)[1:], strict=True):
        reader.read_before(int(day) + 1, state)
        state.fold(int(day), rows[part], facts.side[part], facts.measures[part], facts.unit_value_bin[part])
    reader.read_before(np.iinfo(np.int32).max, state)


class _Reader:
    """Reads a kind's state for arrivals, in order of their mornings, as the fold passes them."""

    def __init__(self, kind: EntityKind, arrivals: Arrivals, rows: NDArray[np.intp]) -> None:
        self._kind, self._arrivals, self._rows = kind, arrivals, rows
        self._order = np.argsort(arrivals.day, kind="stable")
        self._days = arrivals.day[self._order]
        self._next = 0
        self._tracks: list[Track] = []
        self._peers: list[PeerPosition] = []

    def read_before(self, morning_after: int, state: KindState) -> None:
        """Read for all arrivals on days before `morning_after` that have not been read yet."""
        end = int(np.searchsorted(self._days, morning_after, side="left"))
        if end == self._next and self._tracks:
            return
        chosen = self._order[self._next : end]
        rows, day = self._rows[chosen], self._arrivals.day[chosen]
        self._tracks.append(read_track(state, rows, day))
        if self._kind.peers:
            self._peers.append(peer_position(state, rows, self._arrivals.unit_value_bin[chosen]))
        self._next = end

    def result(self, state: KindState) -> tuple[Track, PeerPosition | None]:
        """Everything read, in the order of the arrivals."""
        self.read_before(np.iinfo(np.int32).max, state)
        back = np.argsort(self._order, kind="stable")
        peers = type(self._peers[0]).joined(self._peers).take(back) if self._kind.peers else None
        return Track.joined(self._tracks).take(back), peers


class _Coder:
    """Gives every entity of state, facts and arrivals a row: the state's own rows first, in their order."""

    def __init__(self, initial: State, facts: pa.Table, arrivals: pa.Table) -> None:
        self._initial, self._facts, self._arrivals = initial, facts, arrivals

    def rows(self, kind: EntityKind) -> tuple[pa.Table, NDArray[np.intp], NDArray[np.intp]]:
        """Keys of all entities of the kind, and the row of each fact's and each arrival's entity (-1 = none)."""
        known = self._initial.keys[kind.name]
        old, n_facts = len(self._initial.kinds[kind.name].first_day), self._facts.num_rows
        if not kind.columns:
            zeros = np.zeros(n_facts, np.intp), np.zeros(self._arrivals.num_rows, np.intp)
            return pa.table({"everything": pa.array(["all"])}), *zeros
        key = self._codes(kind.columns[0], known)
        for column in kind.columns[1:]:
            second = self._codes(column, known)
            # Two 31-bit codes side by side in one word: an exact pair key, no hashing of joined texts.
            key = np.where((key < 0) | (second < 0), -1, key << 32 | second)
        rows, first_seen = _dense(key)
        keys = self._texts(kind, known, first_seen)
        return keys, rows[old : old + n_facts], rows[old + n_facts :]

    def _codes(self, column: str, known: pa.Table) -> NDArray[np.int64]:
        chunks = [*known[column].chunks, *self._facts[column].chunks, *self._arrivals[column].chunks]
        encoded = pa.chunked_array(chunks, pa.string()).combine_chunks().dictionary_encode()
        codes: NDArray[np.int64] = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return codes

    def _texts(self, kind: EntityKind, known: pa.Table, rows: NDArray[np.intp]) -> pa.Table:
        picked = pa.array(rows)
        return pa.table(
            {
                c: pa.chunked_array(
                    [*known[c].chunks, *self._facts[c].chunks, *self._arrivals[c].chunks], pa.string()
                ).take(picked)
                for c in kind.columns
            }
        )


def _dense(key: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows 0, 1, ... in order of first appearance (-1 stays -1), and where each was first seen."""
    import pandas as pd

    stated = np.flatnonzero(key >= 0)
    codes, uniques = pd.factorize(key[stated])
    rows = np.full(len(key), -1, np.intp)
    rows[stated] = codes
    first = np.empty(len(uniques), np.intp)
    first[codes[::-1]] = stated[::-1]  # of several writes the last one stays: the first appearance
    return rows, first


def _canonical(keys: pa.Table, state: KindState) -> tuple[pa.Table, KindState]:
    """Entities with at least one fact, sorted by key: the same bits however the fold was cut up."""
    touched = np.flatnonzero(state.counts.any(axis=(1, 2)))
    keys = keys.take(pa.array(touched))
    order = pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names]).to_numpy()
    return keys.take(pa.array(order)), state.take(touched[order])
