"""When each shipment was filed, and how its filing changed: amendments, deletions, repeats, damaged lines.

Every shipment's version 0 is filed before the morning of its arrival. Later versions are filed in time or from the
day after arrival on. A row stands in the file of its arrival day when filed before that morning, else in the file of
the day it was filed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from riskscore.simulator import lists
from riskscore.simulator.streams import stream
from riskscore.simulator.traffic import shows
from riskscore.tables import MODES

if TYPE_CHECKING:
    from riskscore.simulator.arrays import Bools, Floats, Ints, Texts
    from riskscore.simulator.cargo import Cargo
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traffic import Traffic
    from riskscore.simulator.turns import Turns

DAY_US = 86_400_000_000
"""Microseconds per day."""

NEW, AMENDED, DELETED = range(3)
"""Positions in riskscore.tables.ACTIONS."""

DELETED_SHARE = 0.007
SECOND_AMENDMENT_SHARE = 0.12
UNSTEADY_SHARE = 0.7
"""Share of filings amended while a trusted trader's record erodes."""

CLUMSY_SHARE, CLUMSY_AMENDS = 0.06, 0.2
"""Share of importers that have always amended much, and how much of what they file."""

LATE_SHARE = 0.4
"""Share of amendments and deletions filed after arrival."""

DAMAGED_SHARE = 0.004
REPEATED_SHARE = 0.001

DAMAGES = (
    "null shipment_id",
    "null arrival_date",
    "null mode",
    "null port",
    "mode boat",
    "negative weight",
    "negative value",
    "negative quantity",
    "infinite value",
    "infinite weight",
    "unknown action",
    "negative version",
    "endless identifier",
    "absurd value",
)
"""Kinds of damaged lines; each breaks a rule of riskscore.tables.SHIPMENTS."""

_LEAD_DAYS = {
    "ocean": (2, 14),
    "air": (0.1, 2),
    "truck": (0.03, 1),
    "rail": (0.1, 3),
    "mail": (0.2, 4),
    "express": (0.1, 1.5),
}


@dataclass(frozen=True)
class Filings:
    """One position per filed row, in order of file day, filing time and shipment."""

    shipment: Ints
    """Position of the shipment; damaged lines count on from the last shipment (see `like`)."""
    like: Ints
    """Position of the shipment whose content the row bears."""
    version: Ints
    action: Ints
    filed: Ints
    """Microseconds since 1970 UTC; -1 = not stated."""
    file_day: Ints
    damage: Ints
    """0 = sound, else 1 + position in DAMAGES."""
    consignee: Ints
    description: Texts
    hts: Texts
    value_usd: Floats
    weight_kg: Floats
    quantity: Floats

    def take(self, index: Ints | Bools | slice) -> Filings:
        """The rows at `index`."""
        return Filings(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.shipment)


def morning_us(settings: Settings, day: Ints) -> Ints:
    """Microseconds from 1970 to 00:00 UTC of each simulated day."""
    start = datetime.combine(settings.start, datetime.min.time(), UTC)
    return np.asarray(int(start.timestamp()) * 1_000_000 + day.astype(np.int64) * DAY_US)


def _seconds(microseconds: Ints) -> Ints:
    return microseconds // 1_000_000 * 1_000_000


def file(settings: Settings, turns: Turns, traffic: Traffic, cargo: Cargo) -> Filings:
    """All rows of all days; versions filed after the last day are not ours to see."""
    rng = stream(settings.seed, "filings")
    first = _first(rng, settings, traffic, cargo)
    amended = np.flatnonzero(shows(traffic, "amended") | _amends(rng, turns, traffic))
    second = amended[rng.random(len(amended)) < SECOND_AMENDMENT_SHARE]
    deleted = np.flatnonzero(rng.random(len(traffic)) < DELETED_SHARE)
    once = _amended(rng, settings, traffic, first, amended, 1)
    twice = _amended(rng, settings, traffic, _by_shipment(once, second), second, 2)
    latest = _latest(first, once, twice)
    gone = _deleted(rng, settings, traffic, latest, deleted)
    sound = _concat([first, once, twice, gone])
    rows = _concat([sound, _damaged(rng, first), _repeated(rng, sound)])
    rows = rows.take((rows.file_day >= 0) & (rows.file_day < settings.days))
    return rows.take(np.lexsort((rows.version, rows.shipment, rows.filed, rows.file_day)))


def _amends(rng: np.random.Generator, turns: Turns, traffic: Traffic) -> Bools:
    """Shipments amended because their importer always amends many, or of a sudden does."""
    habit = np.where(rng.random(traffic.importer.max() + 1) < CLUMSY_SHARE, CLUMSY_AMENDS, 0.0)[traffic.importer]
    share = np.where(turns.unsteady(traffic.importer, traffic.day), UNSTEADY_SHARE, habit)
    return np.asarray(rng.random(len(traffic)) < share)


def _concat(parts: list[Filings]) -> Filings:
    return Filings(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Filings)})


def _first(rng: np.random.Generator, settings: Settings, traffic: Traffic, cargo: Cargo) -> Filings:
    n = len(traffic)
    low, high = (np.array([_LEAD_DAYS[m][end] for m in MODES])[traffic.mode] for end in (0, 1))
    lead = np.where(shows(traffic, "filed_late"), low * rng.uniform(0.3, 1, n), rng.uniform(low, high))
    filed = _seconds(morning_us(settings, traffic.day) - np.maximum(lead * DAY_US, 60_000_000).astype(np.int64))
    index = np.arange(n)
    return Filings(
        shipment=index,
        like=index,
        version=np.zeros(n, dtype=np.int64),
        action=np.full(n, NEW),
        filed=np.where(rng.random(n) < 0.003, -1, filed),
        file_day=traffic.day,
        damage=np.zeros(n, dtype=np.int64),
        consignee=traffic.consignee,
        description=cargo.description,
        hts=cargo.hts,
        value_usd=cargo.value_usd,
        weight_kg=cargo.weight_kg,
        quantity=cargo.quantity,
    )


def _refiled(rng: np.random.Generator, settings: Settings, traffic: Traffic, previous: Filings) -> tuple[Ints, Ints]:
    """Time and file day of a further version: in time, or on a day after arrival; never before the previous one."""
    day = traffic.day[previous.shipment]
    morning = morning_us(settings, day)
    before = np.where(previous.filed < 0, morning - DAY_US // 8, previous.filed)
    in_time = before + (rng.uniform(0.05, 0.95, len(day)) * np.maximum(morning - before, 0)).astype(np.int64)
    floor = np.maximum(before, morning + DAY_US)
    late = floor + (rng.exponential(3.0, len(day)).clip(0.01, 25) * DAY_US).astype(np.int64)
    is_late = (rng.random(len(day)) < LATE_SHARE) | (before >= morning)
    filed = _seconds(np.where(is_late, late, in_time))
    late_day = (filed - morning_us(settings, np.zeros(1, dtype=np.int64))) // DAY_US
    return filed, np.where(is_late, late_day, day)


def _by_shipment(rows: Filings, shipments: Ints) -> Filings:
    """The row of each of `shipments` (ascending), from rows that hold each shipment once, ascending."""
    return rows.take(np.searchsorted(rows.shipment, shipments))


def _amended(
    rng: np.random.Generator, settings: Settings, traffic: Traffic, before: Filings, who: Ints, version: int
) -> Filings:
    """A corrected filing: one or two of value, weight, quantity, consignee, words and tariff line change."""
    rows = _by_shipment(before, who)
    filed, file_day = _refiled(rng, settings, traffic, rows)
    n = len(rows)
    change = rng.random((6, n)) < np.array([0.35, 0.4, 0.35, 0.15, 0.25, 0.2])[:, None]
    goods = lists.goods()
    content, good = traffic.content[rows.like], traffic.good[rows.like]
    words = np.array([d[0] for d in goods.descriptions], dtype=object)[content]
    return replace(
        rows,
        version=np.full(n, version),
        action=np.full(n, AMENDED),
        filed=filed,
        file_day=file_day,
        value_usd=_nudged(rng, rows.value_usd, change[0]),
        weight_kg=_nudged(rng, rows.weight_kg, change[1]),
        quantity=np.ceil(_nudged(rng, rows.quantity, change[2])),
        consignee=np.where(change[3], rng.integers(-1, traffic.consignee.max() + 1, n), rows.consignee),
        description=np.where(change[4], words, rows.description),
        hts=np.where(change[5], goods.hts[good], rows.hts),
    )


def _nudged(rng: np.random.Generator, values: Floats, where: Bools) -> Floats:
    changed: Floats = np.where(where, (values * rng.lognormal(0, 0.15, len(values))).round(2).clip(min=0.01), values)
    return changed


def _latest(first: Filings, once: Filings, twice: Filings) -> Filings:
    rows = _concat([first, once, twice])
    return _last_versions(rows)


def _last_versions(rows: Filings) -> Filings:
    """The highest version of each shipment, by shipment."""
    order = np.lexsort((rows.version, rows.shipment))
    last = np.diff(rows.shipment[order], append=-1) != 0
    return rows.take(order[last])


def _deleted(rng: np.random.Generator, settings: Settings, traffic: Traffic, latest: Filings, who: Ints) -> Filings:
    rows = _by_shipment(latest, who)
    filed, file_day = _refiled(rng, settings, traffic, rows)
    return replace(rows, version=rows.version + 1, action=np.full(len(rows), DELETED), filed=filed, file_day=file_day)


def _damaged(rng: np.random.Generator, first: Filings) -> Filings:
    """Lines of shipments of their own (in no other file, in no truth) that came through broken."""
    n = round(DAMAGED_SHARE * len(first))
    rows = first.take(np.sort(rng.integers(0, len(first), n)))
    return replace(rows, shipment=len(first) + np.arange(n), damage=1 + np.arange(n) % len(DAMAGES))


def _repeated(rng: np.random.Generator, sound: Filings) -> Filings:
    """The very same row twice: the commonest fault of real extracts, and no harm."""
    return sound.take(np.sort(rng.choice(len(sound), round(REPEATED_SHARE * len(sound)), replace=False)))


def live_at_morning(rows: Filings, settings: Settings, traffic: Traffic) -> Filings:
    """The rows an officer sees on the morning of arrival: each shipment's latest version filed in time, if any."""
    sound = rows.take((rows.damage == 0) & (rows.file_day == traffic.day[rows.like]))
    sound = sound.take(sound.filed < morning_us(settings, sound.file_day))
    latest = _last_versions(sound)
    return latest.take(latest.action != DELETED)
