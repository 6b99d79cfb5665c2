"""Made-up records of entities, for tests of one builder alone: as the builder reads them, and as its oracle does.

A `Made` holds, per shipment, the record of each entity kind and the status of each role. No ledger and no fold stand
behind it, so a test may state just what it is about, and chance may draw what no log is likely to hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from riskscore.history import DECAYED, KINDS, MEASURES, History, Track
from riskscore.history.measures import BOOKS, decayed_of
from riskscore.history.reading import Sums
from riskscore.tables import SHIPMENTS, TRADERS
from tests.factories import DAY, shipments, traders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from types import ModuleType

    from riskscore.features import FeatureBuilder
    from tests.factories import Row

_FANS = {kind.name: kind.fans for kind in KINDS}
_HAZARD_HITS = tuple(measure for measure in MEASURES if measure.startswith("hits_"))


@dataclass(frozen=True)
class Record:
    """What is known of one entity on a morning; days are None when there is none. Unnamed counts are 0."""

    counts: dict[str, int]
    decayed: dict[tuple[str, int], float]
    first_day: date | None = None
    last_day: date | None = None
    last_hit_day: date | None = None
    fans: dict[str, int] = field(default_factory=dict)


def record(days: int | None = None, last_hit: int | None = None, fans: Any = None, **counts: int) -> Record:
    """A record first filed `days` before DAY and caught `last_hit` before it; decayed counts are whole counts."""
    n = dict.fromkeys(MEASURES, 0) | counts
    first, hit = (None if ago is None else DAY - timedelta(ago) for ago in (days, last_hit))
    return Record(n, {counter: float(n[counter[0]]) for counter in DECAYED}, first, first, hit, fans or {})


def drawn(rng: Random, kind: str, morning: date) -> Record:
    """A record as chance makes it: an entity never seen, one of which nothing stands, one with a long record."""
    n, size = dict.fromkeys(MEASURES, 0), rng.choice((0, 0, 1, 3, 50))
    n |= {"shipments": size, "amendments": rng.randint(0, size), "exams": rng.randint(0, size)}
    n |= {"value_cents": rng.choice((0, 100_00, 123_456_78)) * size, "hits": rng.randint(0, n["exams"])}
    n |= {m: rng.randint(0, n["hits"]) for m in ("minor_hits", "seizures", *_HAZARD_HITS)}
    n |= {m: rng.choice((0, 0, 1, 7)) for m in ("cf28", "cf29", "protests", "corrections")} if size else {}
    n |= {"recovered_cents": n["hits"] * 12_345, "claimed_cents": (n["cf28"] + n["cf29"]) * 99_99}
    decayed = {counter: n[counter[0]] * rng.uniform(0.01, 1) for counter in DECAYED}
    decayed |= {("hits", days): min(decayed["hits", days], decayed["exams", days]) for days in (90, 365)}
    first = rng.randint(1, 900) if size or rng.random() < 0.5 else None
    record_of = Record(n, decayed, fans={pair: rng.randint(0, 2 * size) for pair in _FANS[kind]})
    if first is None:
        return record_of
    last, hit = rng.randint(1, first), rng.randint(1, first) if n["hits"] or rng.random() < 0.2 else None
    days = {"first_day": morning - timedelta(first), "last_day": morning - timedelta(last)}
    return replace(record_of, **days, last_hit_day=hit and morning - timedelta(hit))


@dataclass
class Made:
    """Shipments and, for each, the records of its entities by kind and the status of its parties by role."""

    rows: list[Row]
    records: list[dict[str, Record]]
    statuses: list[dict[str, Row]]

    def built(self, builder: FeatureBuilder) -> pd.DataFrame:
        """What a builder makes of them."""
        return builder.build(self.frame(), self.history())

    def frame(self) -> pd.DataFrame:
        """The shipments, as builders get them."""
        return _frame(self.rows, SHIPMENTS).set_index("shipment_id")

    def history(self) -> History:
        """Their past, as builders get it."""
        roles = ("importer", "shipper")
        statuses = {role: _frame([s.get(role, {}) for s in self.statuses], TRADERS) for role in roles}
        tracks = {kind.name: self._track(kind.name) for kind in KINDS}
        return History(tracks, {}, {r: s.set_axis(self.frame().index) for r, s in statuses.items()}, {}, {})

    def pasts(self) -> list[SimpleNamespace]:
        """Their past, as oracles get it (tests.features.oracles.past)."""
        return [
            SimpleNamespace(morning=row["arrival_date"], track=records.get, status=statuses.get)
            for row, records, statuses in zip(self.rows, self.records, self.statuses, strict=True)
        ]

    def _track(self, kind: str) -> Track:
        found = [records.get(kind) for records in self.records]
        some = [each or record() for each in found]
        sums = {book: _sums(some, measures, decayed_of(book)) for book, measures in BOOKS.items()}
        days = (np.array([_day(getattr(r, d)) for r in some], np.int32) for d in _DAYS)
        return Track(
            np.array([each is not None for each in found], bool),
            np.array([_day(row["arrival_date"]) for row in self.rows], np.int32),
            *days,
            sums,
            {pair: np.array([r.fans.get(pair, 0) for r in some], np.int32) for pair in _FANS[kind]},
        )


def _sums(some: list[Record], measures: tuple[str, ...], counters: tuple[tuple[str, int], ...]) -> Sums:
    net = np.array([[r.counts[m] for m in measures] for r in some], np.int64)
    decayed = np.array([[r.decayed[c] for c in counters] for r in some], np.float64)
    shaped = net.reshape(len(some), len(measures)), decayed.reshape(len(some), len(counters))
    return Sums(np.arange(len(some), dtype=np.int32), *shaped)


_DAYS = ("first_day", "last_day", "last_hit_day")


def one(status: Mapping[str, Row] | None = None, row: Mapping[str, Any] | None = None, **records: Record) -> Made:
    """One shipment of DAY with these records of its entities; the statuses are by role."""
    stated = {role: traders(named)[0] for role, named in (status or {}).items()}
    return Made(shipments(row or {}), [records], [stated])


def chance(seed: int, rows: list[Row], statuses: Sequence[Row] = ()) -> Made:
    """These shipments, with records drawn and a status of those given: one party in five has none."""
    rng = Random(seed)  # noqa: S311 - reproducible records, not secrets
    records = [_drawn_for(rng, row["arrival_date"]) for row in rows]
    everything = drawn(rng, "country", DAY)
    for of_one in records:
        of_one["country"] = everything
    held = [
        {role: rng.choice(statuses) for role in ("importer", "shipper") if statuses and rng.random() < 0.8}
        for _ in rows
    ]
    return Made(rows, records, held)


def check(made: Made, builder: FeatureBuilder, oracle: ModuleType) -> None:
    """Assert that a builder makes of them what its oracle does, in the order that it declares."""
    built = made.built(builder)
    names = [feature.name for feature in builder.features]
    assert list(built.columns) == names
    expected = [oracle.of(row, past) for row, past in zip(made.rows, made.pasts(), strict=True)]
    assert all(set(found) == set(names) for found in expected)
    wanted = pd.DataFrame(expected, index=built.index, columns=names).astype(np.float64)
    pd.testing.assert_frame_equal(built.astype(np.float64), wanted, rtol=1e-9, atol=1e-12)


def _drawn_for(rng: Random, morning: date) -> dict[str, Record]:
    """A record for most kinds; a pair has one only where the importer has."""
    found = {kind.name: drawn(rng, kind.name, morning) for kind in KINDS if rng.random() < 0.8}
    if "importer" not in found:
        return {kind: each for kind, each in found.items() if not kind.startswith("importer_x")}
    return found


def _day(day: date | None) -> int:
    return -1 if day is None else day.toordinal() - 719_163  # 1970-01-01


def _frame(rows: list[Row], table: Any) -> pd.DataFrame:
    columns = {c.name: pd.Series([row.get(c.name) for row in rows], dtype=_DTYPES.get(c.type)) for c in table.columns}
    return pd.DataFrame(columns)


_DTYPES = {"text": "str", "float": "float64", "date": "datetime64[us]", "timestamp": "datetime64[us]"}
