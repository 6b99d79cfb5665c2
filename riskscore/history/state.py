"""The state of history: per entity kind one row per entity, and of accounts that few have, one slot per who has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from riskscore.history.bins import BINS
from riskscore.history.entities import NO_TEXTS, Entities
from riskscore.history.keys import key_columns
from riskscore.history.measures import BOOKS, decayed_of
from riskscore.history.tallies import Decayed, Greatest, Latest, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from numpy.typing import NDArray

    from riskscore.history.kinds import EntityKind

FILED = ("shipments", "value_cents", "weight_g")
"""What every filing moves: kept for every entity, the filed side only."""
FADING = tuple(counter for counter in decayed_of("traffic") if counter[0] in FILED)


def _lives(counters: Iterable[tuple[str, int]]) -> NDArray[np.int64]:
    return np.array([days for _, days in counters], np.int64)


class Book:
    """Both sides of some measures, for the entities that have facts of them.

    Attributes:
        measures: of the book.
        decayed: counters of the book.
        slot: int32, per entity its row below; -1 = none.
        rows: int32, per slot the entity; in the order of their first facts.
        counts: int64, slots x (measures filed, then measures withdrawn).
        fading: float64, slots x (counters filed, then counters withdrawn).
        last_hit: int32, slots x 1: latest weight day of a filed fact with a hit.
    """

    def __init__(self, name: str) -> None:
        self.measures, self.decayed = BOOKS[name], decayed_of(name)
        lives = np.tile(_lives(self.decayed), 2)
        self.slot: NDArray[np.int32] = np.empty(0, np.int32)
        self.rows: NDArray[np.int32] = np.empty(0, np.int32)
        self.counts = Tally(np.zeros((0, 2 * len(self.measures)), np.int64))
        self.fading = Decayed(np.zeros((0, len(lives))), lives, np.zeros(len(lives), np.int64))
        self.last_hit = Greatest(np.zeros((0, 1), np.int32))

    def grow(self, entities: int) -> None:
        """Know `entities` entities; the new ones have no slot."""
        self.slot = np.append(self.slot, np.full(entities - len(self.slot), -1, np.int32))

    def open(self, rows: NDArray[np.int32]) -> None:
        """Give each of `rows`, in order of their facts' days and then ascending, a slot unless it has one."""
        fresh = rows[self.slot.take(rows) < 0]
        distinct, first = np.unique(fresh, return_index=True)
        new = distinct[np.argsort(first, kind="stable")]
        self.slot[new] = len(self.rows) + np.arange(len(new), dtype=np.int32)
        self.rows = np.append(self.rows, new)
        for tally in (self.counts, self.fading, self.last_hit):
            tally.grow(len(self.rows))


class KindState:
    """State of the entities of one kind, rows in the order of their first facts.

    Attributes:
        kind: the declaration.
        entities: which entity has which row.
        filed: int64, n x FILED.
        fading: float64, n x FADING: the decayed counters of `filed`.
        first, last: int32, n x 1: day of the first and last filing.
        books: by name (measures.BOOKS); that of traffic holds what `filed` does not: withdrawn, amended, deleted.
        fans: int32, n x kind.fans.
        peers: per quantity int32, n x BINS: shipments standing per bin.
    """

    def __init__(self, kind: EntityKind) -> None:
        self.kind = kind
        self.entities = Entities(len(kind.columns))
        self.filed = Tally(np.zeros((0, len(FILED)), np.int64))
        self.fading = Decayed(np.zeros((0, len(FADING))), _lives(FADING), np.zeros(len(FADING), np.int64))
        self.first, self.last = Latest(np.zeros((0, 1), np.int32)), Latest(np.zeros((0, 1), np.int32))
        self.books = {name: Book(name) for name in BOOKS}
        self.fans = Tally(np.zeros((0, len(kind.fans)), np.int32))
        self.peers = {quantity: Tally(np.zeros((0, BINS), np.int32)) for quantity in kind.peers}
        self.grow(0 if kind.columns else 1)

    @property
    def tallies(self) -> list[Tally]:
        """Everything with a row per entity or slot."""
        of_books = [t for book in self.books.values() for t in (book.counts, book.fading, book.last_hit)]
        return [self.filed, self.fading, self.first, self.last, self.fans, *self.peers.values(), *of_books]

    def __len__(self) -> int:
        """Number of entities that have a record."""
        return len(self.filed.array)

    def grow(self, entities: int) -> None:
        """Make room for `entities` entities; the new ones have no facts."""
        for tally in (self.filed, self.fading, self.first, self.last, self.fans, *self.peers.values()):
            tally.grow(entities)
        for book in self.books.values():
            book.grow(entities)

    def advance(self, morning: int) -> None:
        """Add all facts of days before `morning` that were posted."""
        for tally in self.tallies:
            tally.advance(morning)

    def settle(self, through: int) -> None:
        """Add all facts posted; `through` is the last day folded."""
        for tally in self.tallies:
            tally.settle(through)


@dataclass(slots=True)
class State:
    """State of all kinds after some day.

    Attributes:
        kinds: per kind its state.
        texts: per key column the texts by code (riskscore.history.entities).
        links: int32, k x 2: pairs of codes of importer identities that are near-duplicates, by the later.
        linked: number of importer identities that were compared.
    """

    kinds: dict[str, KindState]
    texts: dict[str, pa.Array]
    links: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 2), np.int32))
    linked: int = 0

    @staticmethod
    def empty(kinds: Iterable[EntityKind]) -> State:
        """A state before the first fact."""
        kinds = tuple(kinds)
        return State({kind.name: KindState(kind) for kind in kinds}, dict.fromkeys(key_columns(kinds), NO_TEXTS))
