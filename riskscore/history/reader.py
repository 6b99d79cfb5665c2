"""Reading the state of one kind for arrivals, morning by morning; every entity of a morning once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from riskscore.history.measures import BOOKS, NEVER, decayed_of, weights
from riskscore.history.peers import no_peers, position
from riskscore.history.postings import grouped
from riskscore.history.reading import PeerPosition, Sums, Track
from riskscore.history.state import FADING, FILED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from riskscore.history.state import Book, KindState

    Codes = NDArray[np.int32]
    Peers = dict[str, PeerPosition]


@dataclass(frozen=True, slots=True)
class Asked:
    """n arrivals that read one kind, mornings ascending.

    Attributes:
        morning: int32 day of arrival.
        row: int32 row of the entity, -1 = none, or none that is known.
        stated: bool: the arrival names an entity.
        bins: per quantity int16 bin of the arrival's own value, -1 = none.
    """

    morning: NDArray[np.int32]
    row: Codes
    stated: NDArray[np.bool_]
    bins: Mapping[str, NDArray[np.int16]]


def read(state: KindState, asked: Asked) -> tuple[Track, Peers]:
    """The record of every arrival's entity and its place among its peers; the state advances on the way."""
    known = np.flatnonzero(asked.row >= 0)
    order, starts = grouped(asked.morning.take(known), asked.row.take(known))
    of = np.full(len(asked.row), -1, np.int32)
    of[known.take(order)] = np.repeat(np.arange(len(starts), dtype=np.int32), np.diff(starts, append=len(order)))
    first = known.take(order.take(starts))
    rows, mornings = asked.row.take(first), asked.morning.take(first)
    taken, peers = _Taken(), {quantity: [no_peers(asked.stated[:0])] for quantity in state.peers}
    days, begin = np.unique(asked.morning, return_index=True)
    for day, a, b in zip(days.tolist(), begin, np.append(begin, len(of))[1:], strict=True):
        state.advance(day)
        start, end = np.searchsorted(mornings, np.array([day, day + 1], np.int32))
        for quantity, histogram in state.peers.items():
            counts = histogram.array.take(rows[start:end], axis=0)
            within = np.where(of[a:b] >= 0, of[a:b] - start, -1)
            peers[quantity].append(position(counts, within, asked.bins[quantity][a:b], asked.stated[a:b]))
        taken.take(state, rows[start:end], day)
    return taken.track(state, asked, of), {name: PeerPosition.joined(parts) for name, parts in peers.items()}


@dataclass(slots=True)
class _Taken:
    """Copies of rows of a state, one morning after the other."""

    mornings: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    filed: list[NDArray[np.int64]] = field(default_factory=list)
    fading: list[NDArray[np.float64]] = field(default_factory=list)
    eras: list[NDArray[np.int64]] = field(default_factory=list)
    days: list[NDArray[np.int32]] = field(default_factory=list)
    fans: list[NDArray[np.int32]] = field(default_factory=list)
    books: dict[str, _OfBook] = field(default_factory=lambda: {name: _OfBook() for name in BOOKS})
    rows: int = 0

    def take(self, state: KindState, rows: Codes, morning: int) -> None:
        """Copy what the state says of `rows` now."""
        self.mornings.append(morning)
        self.filed.append(state.filed.array.take(rows, axis=0))
        self.fading.append(state.fading.array.take(rows, axis=0))
        self.eras.append(state.fading.era)
        self.days.append(np.stack([each.array[:, 0].take(rows) for each in (state.first, state.last)], axis=1))
        if state.kind.fans:
            self.fans.append(state.fans.array.take(rows, axis=0))
        for name, book in state.books.items():
            if len(book.rows):
                self.books[name].take(book, rows, morning, self.rows)
        self.rows += len(rows)
        self.ends.append(self.rows)

    def track(self, state: KindState, asked: Asked, of: Codes) -> Track:
        """What was copied, for each arrival."""
        sums = {name: taken.sums(state.books[name], self.rows) for name, taken in self.books.items()}
        sums["traffic"] = self._traffic(state, sums["traffic"])
        sums = {name: _snapped(name, each) for name, each in sums.items()}
        days = np.concatenate([*self.days, np.full((1, 2), NEVER, np.int32)])
        fans = np.concatenate([*self.fans, np.zeros((1, len(state.kind.fans)), np.int32)])
        return Track(
            stated=asked.stated,
            morning=asked.morning,
            first_day=days[of, 0],
            last_day=days[of, 1],
            last_hit_day=self.books["findings"].last_hits(self.rows)[of],
            sums={name: replace(each, of=np.append(each.of, np.int32(-1))[of]) for name, each in sums.items()},
            fans={name: fans[of, column] for column, name in enumerate(state.kind.fans)},
        )

    def _traffic(self, state: KindState, changes: Sums) -> Sums:
        """The filed side, kept for all, and the rest of the account, kept for few, put together."""
        net = np.zeros((self.rows, len(BOOKS["traffic"])), np.int64)
        decayed = np.zeros((self.rows, len(decayed_of("traffic"))))
        if self.rows:
            net[:, : len(FILED)] = np.concatenate(self.filed)
            counts = np.diff(self.ends, prepend=0)
            scale = _scales(self.mornings, state.fading.lives, self.eras, counts)
            decayed[:, : len(FADING)] = np.concatenate(self.fading) / scale
        at = np.flatnonzero(changes.of >= 0)
        net[at] += changes.net.take(changes.of.take(at), axis=0)
        decayed[at] += changes.decayed.take(changes.of.take(at), axis=0)
        return Sums(np.arange(self.rows, dtype=np.int32), net, decayed)


@dataclass(slots=True)
class _OfBook:
    """Copies of rows of a book, for those of the entities that have any."""

    _mornings: list[int] = field(default_factory=list)
    _at: list[NDArray[np.int64]] = field(default_factory=list)
    _net: list[NDArray[np.int64]] = field(default_factory=list)
    _fading: list[NDArray[np.float64]] = field(default_factory=list)
    _eras: list[NDArray[np.int64]] = field(default_factory=list)
    _last_hit: list[NDArray[np.int32]] = field(default_factory=list)

    def take(self, book: Book, rows: Codes, morning: int, start: int) -> None:
        """Copy what the book says of `rows` now; the first of them is number `start` of all that are read."""
        slots = book.slot.take(rows)
        having = np.flatnonzero(slots >= 0)
        if len(having):
            slots = slots.take(having)
            self._mornings.append(morning)
            self._at.append(having + start)
            counts, n = book.counts.array.take(slots, axis=0), len(book.measures)
            self._net.append(counts[:, :n] - counts[:, n:])
            self._fading.append(book.fading.array.take(slots, axis=0))
            self._eras.append(book.fading.era)
            self._last_hit.append(book.last_hit.array[:, 0].take(slots))

    def sums(self, book: Book, rows: int) -> Sums:
        """Filed minus withdrawn for each of the `rows` read, deletions as counted, decayed as of each morning."""
        of = np.full(rows, -1, np.int32)
        if not self._at:
            return Sums(of, np.empty((0, len(book.measures)), np.int64), np.empty((0, len(book.decayed))))
        net, k = np.concatenate(self._net), len(book.decayed)
        of[np.concatenate(self._at)] = np.arange(len(net), dtype=np.int32)
        if "deletions" in book.measures:
            net[:, book.measures.index("deletions")] *= -1  # a withdrawal's, and nothing is ever filed against it
        scale = _scales(self._mornings, book.fading.lives, self._eras, [len(at) for at in self._at])
        fading = np.concatenate(self._fading) / scale
        return Sums(of, net, fading[:, :k] - fading[:, k:])

    def last_hits(self, rows: int) -> NDArray[np.int32]:
        """Day of the last hit for each of the `rows` read, and one row more that has none."""
        days = np.full(rows + 1, NEVER, np.int32)
        if self._at:
            days[np.concatenate(self._at)] = np.concatenate(self._last_hit)
        return days


def _scales(
    mornings: list[int],
    lives: NDArray[np.int64],
    era: list[NDArray[np.int64]],
    counts: Sequence[int] | NDArray[np.intp],
) -> NDArray[np.float64]:
    """What a count made on each morning would weigh in counters of its era, each repeated for the rows read then."""
    return np.repeat(weights(np.array(mornings, np.int32), lives, np.stack(era)), counts, axis=0)


def _snapped(book: str, sums: Sums) -> Sums:
    """Nothing is left where the net count is 0; what rounding leaves of a withdrawal is never below it."""
    columns = [BOOKS[book].index(measure) for measure, _ in decayed_of(book)]
    return replace(sums, decayed=np.where(sums.net[:, columns] == 0, 0.0, np.maximum(sums.decayed, 0.0)))
