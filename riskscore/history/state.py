"""The state of one entity kind: counts, decayed counts, first and last days, and peers' values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from riskscore.history.facts import BINS, MEASURES, SIDES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history.kinds import EntityKind

DECAYED: tuple[tuple[str, int], ...] = (("shipments", 30), ("exams", 365), ("hits", 365))
"""(measure, half-life in days) of the counters that forget."""

# Weights are 2^((day - epoch) / half-life). From 2045 a 30-day counter stays within float64 for 84 years either way,
# which covers every day that validation lets in: a typing error in a date must not overflow the counters of others.
EPOCH_DAY = 27_394  # 2045-01-01
NEVER = np.int32(-1)

_DECAYED_AT = np.array([MEASURES.index(measure) for measure, _ in DECAYED])
_HALF_LIVES = np.array([half_life for _, half_life in DECAYED], dtype=np.float64)


def weights(day: NDArray[np.int32] | int) -> NDArray[np.float64]:
    """Weight of a count made on `day`, per decayed counter: shape (..., len(DECAYED))."""
    elapsed = (np.asarray(day, dtype=np.float64) - EPOCH_DAY)[..., None]
    return np.exp2(elapsed / _HALF_LIVES)


@dataclass(slots=True)
class KindState:
    """State of n entities of one kind, as arrays with one row per entity.

    Attributes:
        counts: int64, n x 2 sides x len(MEASURES).
        decayed: float64, n x 2 sides x len(DECAYED): sums of `weights` over the known days.
        first_day: int32 days since 1970-01-01 of the first filing, NEVER before it.
        last_day: the same of the last filing.
        values: int64, n x 2 sides x BINS, shipments per bin of value per kilogram; no rows for kinds without peers.
        peers: whether the kind keeps `values`.
    """

    counts: NDArray[np.int64]
    decayed: NDArray[np.float64]
    first_day: NDArray[np.int32]
    last_day: NDArray[np.int32]
    values: NDArray[np.int64]
    peers: bool

    @staticmethod
    def empty(entities: int, *, peers: bool) -> KindState:
        """State of entities about which nothing is known yet."""
        return KindState(
            counts=np.zeros((entities, len(SIDES), len(MEASURES)), np.int64),
            decayed=np.zeros((entities, len(SIDES), len(DECAYED)), np.float64),
            first_day=np.full(entities, NEVER, np.int32),
            last_day=np.full(entities, NEVER, np.int32),
            values=np.zeros((entities if peers else 0, len(SIDES), BINS), np.int64),
            peers=peers,
        )

    def grown(self, entities: int) -> KindState:
        """This state with room for `entities` entities; the new ones are empty."""
        larger = KindState.empty(entities, peers=self.peers)
        known = len(self.first_day)
        for name in ("counts", "decayed", "first_day", "last_day"):
            getattr(larger, name)[:known] = getattr(self, name)
        larger.values[: len(self.values)] = self.values
        return larger

    def take(self, rows: NDArray[np.intp]) -> KindState:
        """The state of the entities at `rows`, in that order."""
        return KindState(
            counts=self.counts[rows],
            decayed=self.decayed[rows],
            first_day=self.first_day[rows],
            last_day=self.last_day[rows],
            values=self.values[rows] if self.peers else self.values,
            peers=self.peers,
        )

    def fold(
        self,
        day: int,
        entities: NDArray[np.intp],
        side: NDArray[np.int8],
        measures: NDArray[np.int64],
        bins: NDArray[np.int16],
    ) -> None:
        """Fold the facts of one day in.

        Integers first: each entity's total of the day is exact, so a decayed counter gets one float64 addition per
        entity and day, and neither the order of the facts nor their partition can change a bit.
        """
        order = np.argsort(entities * len(SIDES) + side, kind="stable")
        cell = (entities * len(SIDES) + side)[order]
        starts = np.flatnonzero(np.diff(cell, prepend=-1))
        totals = np.add.reduceat(measures[order], starts, axis=0)
        entity, of_side = np.divmod(cell[starts], len(SIDES))
        self.counts[entity, of_side] += totals
        self.decayed[entity, of_side] += totals[:, _DECAYED_AT] * weights(day)
        filed = entities[(side == 0) & (measures[:, 0] > 0)]
        self.first_day[filed[self.first_day[filed] == NEVER]] = day
        self.last_day[filed] = day
        if self.peers:
            stated = bins >= 0
            np.add.at(self.values, (entities[stated], side[stated], bins[stated]), 1)


@dataclass(slots=True)
class State:
    """State of all kinds: per kind the entity keys and their arrays, rows sorted by key."""

    keys: dict[str, pa.Table]
    kinds: dict[str, KindState]

    @staticmethod
    def empty(kinds: tuple[EntityKind, ...]) -> State:
        """A state before the first fact."""
        return State(
            keys={kind.name: pa.table({c: pa.array([], pa.string()) for c in kind.columns}) for kind in kinds},
            kinds={kind.name: KindState.empty(0, peers=kind.peers) for kind in kinds},
        )
