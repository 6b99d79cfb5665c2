"""What a feature builder sees of the past: per shipment, the record of each of its entities that morning.

Everything is read as float64, null as NaN. A morning knows what became known on earlier days only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from riskscore.history.measures import BOOKS, DECAYED, MEASURES, NEVER, decayed_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class _Rows:
    """Arrays of equal length that are joined and taken together."""

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The parts one after the other; at least one."""
        return cls(**{f.name: _joined([getattr(p, f.name) for p in parts]) for f in fields(cls)})  # type: ignore[arg-type]

    def take(self, rows: NDArray[np.intp]) -> Self:
        """The rows at `rows`, in that order."""
        return replace(self, **{f.name: _taken(getattr(self, f.name), rows) for f in fields(self)})  # type: ignore[arg-type,type-var]


@dataclass(frozen=True, slots=True)
class Sums:
    """Net counts of one book for n shipments, those of one entity and morning kept once.

    Attributes:
        of: int32, length n: the row of each shipment below; -1 = nothing counted.
        net: int64, k x measures of the book: filed minus withdrawn; deletions as counted.
        decayed: float64, k x measures.decayed_of(book): net decayed counts as of the morning.
    """

    of: NDArray[np.int32]
    net: NDArray[np.int64]
    decayed: Floats

    @classmethod
    def joined(cls, parts: Sequence[Sums]) -> Sums:
        """The parts one after the other; at least one."""
        starts = np.cumsum([0, *(len(part.net) for part in parts)])
        of = [np.where(p.of >= 0, p.of + start, -1) for p, start in zip(parts, starts[:-1], strict=True)]
        net, decayed = (np.concatenate([getattr(p, name) for p in parts]) for name in ("net", "decayed"))
        return cls(np.concatenate(of).astype(np.int32), net, decayed)

    def take(self, rows: NDArray[np.intp]) -> Sums:
        """The shipments at `rows`, in that order."""
        return replace(self, of=self.of[rows])


@dataclass(frozen=True, slots=True)
class Track(_Rows):
    """The record of one entity per shipment, as it stood on the morning of arrival.

    Attributes:
        stated: bool: the shipment names an entity of this kind. Where it does not, everything read is null.
        morning: int32 days since 1970-01-01 of the arrival.
        first_day: int32 day of the first filing, withdrawn later or not; -1 = never.
        last_day: the same of the last filing.
        last_hit_day: the same of the last hit that became known, withdrawn later or not.
        sums: net counts by book (riskscore.history.measures.BOOKS).
        fans: per kind of pairs, int32 number of distinct ones first filed before the morning.
    """

    stated: NDArray[np.bool_]
    morning: NDArray[np.int32]
    first_day: NDArray[np.int32]
    last_day: NDArray[np.int32]
    last_hit_day: NDArray[np.int32]
    sums: Mapping[str, Sums]
    fans: Mapping[str, NDArray[np.int32]]

    def count(self, measure: str) -> Floats:
        """Net count of `measure` (riskscore.history.MEASURES) before this morning; null without an entity.

        Raises:
            ValueError: no such measure.
        """
        if measure not in MEASURES:
            raise ValueError(f"{measure!r} is no measure; there are {', '.join(MEASURES)}")
        book = next(name for name, measures in BOOKS.items() if measure in measures)
        sums = self.sums[book]
        return self._read(sums.net[:, BOOKS[book].index(measure)], sums.of)

    def recent(self, measure: str, half_life_days: int) -> Floats:
        """Net count in which what happened `half_life_days` ago counts one half; null without an entity.

        It is exactly 0 where the net count is 0, and may be 0 for what is hundreds of half-lives old.

        Raises:
            ValueError: no such counter in riskscore.history.DECAYED.
        """
        counter = (measure, half_life_days)
        if counter not in DECAYED:
            raise ValueError(f"{counter!r} is no decayed counter; see riskscore.history.DECAYED")
        book = next(name for name in BOOKS if counter in decayed_of(name))
        sums = self.sums[book]
        return self._read(sums.decayed[:, decayed_of(book).index(counter)], sums.of)

    def days_since_first(self) -> Floats:
        """Days from the entity's first filing to this morning; null without an entity or a filing."""
        return np.where(self.first_day == NEVER, np.nan, self.morning - self.first_day)

    def days_since_last(self) -> Floats:
        """Days from the entity's last filing to this morning; null without an entity or a filing."""
        return np.where(self.last_day == NEVER, np.nan, self.morning - self.last_day)

    def days_since_last_hit(self) -> Floats:
        """Days from the last hit that became known to this morning; null without an entity or when no hit stands.

        The last hit is the last that became known, withdrawn later or not.
        """
        standing = (self.count("hits") > 0) & (self.last_hit_day != NEVER)
        return np.where(standing, self.morning - self.last_hit_day, np.nan)

    def fan(self, pair_kind: str) -> Floats:
        """Distinct entities of `pair_kind` that this one was part of before this morning; null without an entity.

        A pair counts from the morning after its first filing, withdrawn later or not.

        Raises:
            KeyError: the kind does not declare that fan (EntityKind.fans).
        """
        return np.where(self.stated, self.fans[pair_kind].astype(np.float64), np.nan)

    def _read(self, values: NDArray[np.int64] | Floats, of: NDArray[np.int32]) -> Floats:
        # One more row for what is not there: index -1 finds it.
        padded = np.append(values.astype(np.float64), 0.0)
        return np.where(self.stated, padded[of], np.nan)


@dataclass(frozen=True, slots=True)
class PeerPosition(_Rows):
    """Where a shipment's unit value stands among its peers' of all earlier days.

    Attributes:
        peers: number of standing shipments that state the quantity; null without an entity.
        below: share of them in lower bins, half of those in the same bin; null without peers or own value.
        median: the middle of the bin of their median, in the unit of the quantity; null without peers.
        spread: octaves from their lower quartile to the upper, at the middles of bins; null without peers.
    """

    peers: Floats
    below: Floats
    median: Floats
    spread: Floats


@dataclass(frozen=True, slots=True)
class Batch(_Rows):
    """What arrives the same day, filed before its cut-off, and names the same entity; the shipment itself included.

    Attributes:
        shipments: number of live shipments; null without an entity.
        value_usd: their declared value, what states none counting 0; null without an entity.
        highest_value_usd: the highest of the values; null without an entity.
    """

    shipments: Floats
    value_usd: Floats
    highest_value_usd: Floats


@dataclass(frozen=True, slots=True)
class Exposure(_Rows):
    """What was found at the partners an entity had dealt with before, in their business with others.

    Attributes:
        partners: partners the entity was first filed with before the morning; null without an entity.
        offenders: those of them with a hit that is not of the shared business; null without an entity.
        hits: net hits of the partners less those of the shared business; null without an entity.
        exams: the same of exams.
    """

    partners: Floats
    offenders: Floats
    hits: Floats
    exams: Floats


@dataclass(frozen=True, slots=True)
class History:
    """The past of n shipments, row by row.

    Attributes:
        tracks: per entity kind (riskscore.history.KINDS) the record of each shipment's entity.
        peers: per kind with peers and per quantity, the position of each shipment's value.
        statuses: per role (importer, shipper) the traders columns of that party's status, null without a record;
            indexed like the shipments.
        batch: per kind with batch, the sums over what arrives together.
        exposure: by name (riskscore.history.kinds.TIES and LOOKALIKES), what was found at an entity's partners.
    """

    tracks: Mapping[str, Track]
    peers: Mapping[str, Mapping[str, PeerPosition]]
    statuses: Mapping[str, pd.DataFrame]
    batch: Mapping[str, Batch]
    exposure: Mapping[str, Exposure]


def _joined(parts: Sequence[object]) -> object:
    first = parts[0]
    if isinstance(first, Sums):
        return Sums.joined([part for part in parts if isinstance(part, Sums)])
    if isinstance(first, dict):
        return {name: _joined([part[name] for part in parts]) for name in first}  # type: ignore[index]
    return np.concatenate(parts)  # type: ignore[arg-type]


def _taken(part: object, rows: NDArray[np.intp]) -> object:
    if isinstance(part, Sums):
        return part.take(rows)
    if isinstance(part, dict):
        return {name: _taken(each, rows) for name, each in part.items()}
    return part[rows]  # type: ignore[index]
