"""What a feature builder sees of the past: per shipment, the record of each of its entities that morning."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from riskscore.history.facts import MEASURES, bin_value
from riskscore.history.state import DECAYED, NEVER, weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from riskscore.history.state import KindState

_DELETIONS = MEASURES.index("deletions")


class _Rows:
    """Arrays of equal length that are joined and taken together."""

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The parts one after the other."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})  # type: ignore[arg-type]

    def take(self, rows: NDArray[np.intp]) -> Self:
        """The rows at `rows`, in that order."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})  # type: ignore[arg-type,type-var]


@dataclass(frozen=True, slots=True)
class Track(_Rows):
    """The record of one entity per shipment, as it stood on the morning of arrival.

    Attributes:
        stated: bool: the shipment names an entity of this kind. Where it does not, every count is null.
        net: int64, n x len(MEASURES): filed minus withdrawn; `deletions` as counted.
        decayed: float64, n x len(DECAYED): net decayed counts as of the morning.
        first_day: int32 days since 1970-01-01 of the first filing (withdrawn later or not); -1 = never.
        last_day: the same of the last filing.
        morning: int32 day of arrival.
    """

    stated: NDArray[np.bool_]
    net: NDArray[np.int64]
    decayed: NDArray[np.float64]
    first_day: NDArray[np.int32]
    last_day: NDArray[np.int32]
    morning: NDArray[np.int32]

    def count(self, measure: str) -> NDArray[np.float64]:
        """Net count of `measure` (riskscore.history.MEASURES) before this morning; null without an entity.

        Raises:
            ValueError: no such measure.
        """
        return np.where(self.stated, self.net[:, MEASURES.index(measure)], np.nan)

    def recent(self, measure: str, half_life_days: int) -> NDArray[np.float64]:
        """Net count in which a fact of `half_life_days` ago counts one half; null without an entity.

        Raises:
            ValueError: no such counter in riskscore.history.DECAYED.
        """
        return np.where(self.stated, self.decayed[:, DECAYED.index((measure, half_life_days))], np.nan)

    def days_since_first(self) -> NDArray[np.float64]:
        """Days from the entity's first filing to this morning; null without an entity or a filing."""
        return np.where(self.first_day == NEVER, np.nan, self.morning - self.first_day)

    def days_since_last(self) -> NDArray[np.float64]:
        """Days from the entity's last filing to this morning; null without an entity or a filing."""
        return np.where(self.last_day == NEVER, np.nan, self.morning - self.last_day)


@dataclass(frozen=True, slots=True)
class PeerPosition(_Rows):
    """Where a shipment's value per kilogram stands among its peers' of all earlier days.

    Attributes:
        peers: number of peers that state a value and a weight; null without an entity.
        below: share of peers in lower bins, half of those in the same bin; null without peers or own value.
        median: median value per kilogram (USD) of the peers, at the middle of its bin; null without peers.
    """

    peers: NDArray[np.float64]
    below: NDArray[np.float64]
    median: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class History:
    """The past of n shipments, row by row.

    Attributes:
        tracks: per entity kind (riskscore.history.KINDS) the record of each shipment's entity.
        peers: per kind with peers, the position of each shipment's value per kilogram.
        statuses: per role (importer, shipper) the traders columns of that party's status, null without a record;
            indexed like the shipments.
    """

    tracks: Mapping[str, Track]
    peers: Mapping[str, PeerPosition]
    statuses: Mapping[str, pd.DataFrame]


def read_track(state: KindState, rows: NDArray[np.intp], morning: NDArray[np.int32]) -> Track:
    """Read `state` for the entities at `rows` (-1 = none) on each `morning`."""
    stated = rows >= 0
    at = np.where(stated, rows, 0)
    if not len(state.first_day):
        at, state = np.zeros(len(rows), np.intp), state.grown(1)
    counts, decayed = state.counts[at], state.decayed[at]
    net = counts[:, 0] - counts[:, 1]
    net[:, _DELETIONS] = counts[:, 1, _DELETIONS]
    # A withdrawal weighs more than the older filing it undoes, so the net can dip below zero: nothing is left then.
    recent = np.maximum(decayed[:, 0] - decayed[:, 1], 0.0) / weights(morning)
    return Track(
        stated=stated,
        net=np.where(stated[:, None], net, 0),
        decayed=np.where(stated[:, None], recent, 0.0),
        first_day=np.where(stated, state.first_day[at], NEVER),
        last_day=np.where(stated, state.last_day[at], NEVER),
        morning=morning,
    )


def peer_position(state: KindState, rows: NDArray[np.intp], bins: NDArray[np.int16]) -> PeerPosition:
    """Position of each shipment's `bins` (-1 = no value) in the histogram of the entity at `rows` (-1 = none)."""
    if not len(state.values):
        state = state.grown(1)
    # A histogram once per entity, not per shipment: a day has far fewer kinds of goods than shipments.
    entities, of = np.unique(np.where(rows >= 0, rows, 0), return_inverse=True)
    peers = state.values[entities, 0] - state.values[entities, 1]
    cumulative = np.cumsum(peers, axis=1)
    median_bin = np.argmax(cumulative * 2 >= np.maximum(cumulative[:, -1:], 1), axis=1)[of].astype(np.float64)
    total = np.where(rows >= 0, cumulative[of, -1], 0)
    own = np.where(bins >= 0, bins, 0)
    up_to, here = cumulative[of, own], peers[of, own]
    some = np.maximum(total, 1)
    return PeerPosition(
        peers=np.where(rows >= 0, total, np.nan).astype(np.float64),
        below=np.where((total > 0) & (bins >= 0), (up_to - here / 2) / some, np.nan),
        median=np.where(total > 0, bin_value(median_bin), np.nan),
    )
