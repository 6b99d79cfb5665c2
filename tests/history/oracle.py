"""What was known on a morning, the slow and obvious way: loops over lists of events, one question at a time.

Written from the design (docs: history is a fold, training is a replay), not from the code, and sharing nothing with
it: no NumPy, no SQL. A *morning* is 00:00 of a day; a fact counts on it when its day is before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

Row = dict[str, Any]
Entity = tuple[str, ...]

KINDS: dict[str, tuple[str, ...]] = {
    "country": (),
    "importer": ("importer_id",),
    "consignee": ("consignee_id",),
    "shipper": ("shipper_id",),
    "manufacturer": ("manufacturer_id",),
    "carrier": ("carrier_id",),
    "filer": ("filer_id",),
    "hs6": ("hs6",),
    "origin": ("origin_country",),
    "importer_x_hs4": ("importer_id", "hs4"),
    "importer_x_origin": ("importer_id", "origin_country"),
    "importer_x_port": ("importer_id", "port"),
    "importer_x_filer": ("importer_id", "filer_id"),
    "shipper_x_consignee": ("shipper_id", "consignee_id"),
    "hs6_x_origin": ("hs6", "origin_country"),
    "route": ("export_country", "port"),
}
HALF_LIVES = (("shipments", 30), ("exams", 365), ("hits", 365))

CLEAR = {"released_no_discrepancy", "detained_released"}
POSITIVE = {"released_with_discrepancy", "excluded_reexported", "seized", "abandoned", "penalty_assessed",
            "duty_billed", "emergency_action_notice"}  # fmt: skip
EXCLUDED = {"cargo_never_arrived", "bill_deleted", "scored_after_release"}
NO_VERDICT = {"exams": 0, "hits": 0, "seizures": 0, "recovered_cents": 0}

_ONE_DAY = timedelta(1)


def entity(row: Row, kind: str) -> Entity | None:
    """The entity of `kind` that a shipments row names; None when it leaves one of its columns out."""
    values = []
    for column in KINDS[kind]:
        if column in ("hs4", "hs6"):
            digits = int(column[2])
            hts = row["hts"]
            values.append(hts[:digits] if hts is not None and len(hts) >= digits else None)
        else:
            values.append(row[column])
    return None if None in values else tuple(values)


def value_bin(row: Row) -> int | None:
    """Bin of a row's value per kilogram: four an octave from 2^-12 USD/kg, 128 in all; None without one."""
    cents, grams = round((row["value_usd"] or 0) * 100), round((row["weight_kg"] or 0) * 1000)
    if not cents or not grams:
        return None
    return min(max(math.floor(4 * (math.log2(cents * 10 / grams) + 12)), 0), 127)


def middle_of_bin(number: int) -> float:
    """Value per kilogram, USD, at the middle of a bin."""
    return 2 ** ((number + 0.5) / 4 - 12)


@dataclass(frozen=True)
class Track:
    """The record of one entity on one morning; days are None when it never filed."""

    counts: dict[str, int]
    decayed: dict[tuple[str, int], float]
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True)
class Peers:
    """Where a value per kilogram stands among those filed before; None = there is nothing to compare."""

    peers: int
    below: float | None
    median: float | None


def _remembered(method: Callable[..., Any]) -> Callable[..., Any]:
    """The answer of a question asked before: the log does not change."""

    @wraps(method)
    def answer(self: Oracle, *question: Any) -> Any:
        key = (method.__name__, *question)
        if key not in self.answers:
            self.answers[key] = method(self, *question)
        return self.answers[key]

    return answer


@dataclass
class Oracle:
    """Answers questions about a log: lists of shipments, outcomes and traders rows, times in UTC.

    `beginning` is a day before every fact. A row whose known_at is None became known when it was ingested: today,
    long after the days asked about.
    """

    beginning: date
    zone: ZoneInfo
    shipments: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)
    traders: list[Row] = field(default_factory=list)
    answers: dict[Any, Any] = field(default_factory=dict, repr=False)

    def day_of(self, instant: datetime) -> date:
        """The day a UTC time falls on in the workspace's zone."""
        return instant.replace(tzinfo=UTC).astimezone(self.zone).date()

    def known_before(self, row: Row, morning: date) -> bool:
        """Whether an outcomes or traders row was known on a morning."""
        return row["known_at"] is not None and self.day_of(row["known_at"]) < morning

    @property
    def shipment_ids(self) -> list[str]:
        """Every shipment the log names, once, sorted."""
        return sorted({row["shipment_id"] for row in self.shipments})

    def history_day(self, version: Row) -> date:
        """The later of arrival and filing: from the morning after it a version is history."""
        filed = version["filed_at"]
        return version["arrival_date"] if filed is None else max(version["arrival_date"], self.day_of(filed))

    # The day's own batch -------------------------------------------------------------------------------------

    @_remembered
    def live_on(self, morning: date) -> dict[str, Row]:
        """What stands on a morning and arrives on its day, deletions included."""
        found = {}
        for name in self.shipment_ids:
            latest = _latest(v for v in self._versions(name) if self._filed_before(v, morning))
            if latest is not None and latest["arrival_date"] == morning:
                found[name] = latest
        return found

    def last_morning(self, name: str, as_of: date) -> Row | None:
        """A shipment as it was live on the last morning it arrived before `as_of` with its own result still unknown.

        None when it is no label's.
        """
        last = _latest(v for v in self._versions(name) if self._filed_before(v, as_of))
        if last is not None and last["action"] == "deleted":
            return None
        for morning in self._days_until(as_of)[::-1]:
            if any(self.known_before(word, morning) for word in self.outcomes if word["shipment_id"] == name):
                continue
            row = self.live_on(morning).get(name)
            if row is not None and row["action"] != "deleted":
                return row
        return None

    def _filed_before(self, version: Row, morning: date) -> bool:
        if version["filed_at"] is None:  # in time for its own arrival
            return version["arrival_date"] <= morning
        return self.day_of(version["filed_at"]) < morning

    # History -------------------------------------------------------------------------------------------------

    @_remembered
    def standing(self, name: str, morning: date) -> Row | None:
        """The latest version of a shipment that is history on a morning, a deletion too."""
        return _latest(v for v in self._versions(name) if self.history_day(v) < morning)

    @_remembered
    def verdict(self, name: str, morning: date) -> dict[str, int]:
        """What the exams of a shipment came to, by the latest word on each finding known by then."""
        standing = self.standing(name, morning)
        if standing is None or standing["action"] == "deleted":
            return NO_VERDICT
        words = [o for o in self.outcomes_known(morning) if o["shipment_id"] == name]
        results = {word["result"] for word in words}
        if results & EXCLUDED or not results & (CLEAR | POSITIVE):
            return NO_VERDICT
        amounts = [word["amount_usd"] or 0 for word in words if word["result"] in POSITIVE]
        return {
            "exams": 1,
            "hits": int(bool(results & POSITIVE)),
            "seizures": int("seized" in results),
            "recovered_cents": sum(round(amount * 100) for amount in amounts),
        }

    @_remembered
    def outcomes_known(self, morning: date) -> list[Row]:
        """The latest word on each finding of each exam, as known on a morning."""
        words = {}
        for row in sorted((o for o in self.outcomes if self.known_before(o, morning)), key=lambda o: o["known_at"]):
            words[row["shipment_id"], row["exam_type"], row["exam_date"], row["hazard"]] = row
        return list(words.values())

    def status(self, trader: str | None, morning: date) -> Row | None:
        """The status of a trader covering a day, as it was known that morning; of several the last begun."""
        words: dict[date, Row] = {}
        for row in sorted((t for t in self.traders if self.known_before(t, morning)), key=lambda t: t["known_at"]):
            if row["trader_id"] == trader and row["valid_from"] <= morning:
                words[row["valid_from"]] = row
        covering = [row for row in words.values() if row["valid_to"] is None or row["valid_to"] >= morning]
        return max(covering, key=lambda row: row["valid_from"], default=None)

    @_remembered
    def counts(self, kind: str, who: Entity, morning: date) -> dict[str, int]:
        """What there is of an entity on a morning: its standing shipments, their exams, and deletions ever."""
        total = dict.fromkeys(("shipments", "value_cents", "weight_g", "amendments", *NO_VERDICT), 0)
        for row in self._standing_of(kind, who, morning):
            total["shipments"] += 1
            total["value_cents"] += round((row["value_usd"] or 0) * 100)
            total["weight_g"] += round((row["weight_kg"] or 0) * 1000)
            total["amendments"] += (row["version"] or 0) > 0
            for measure, number in self.verdict(row["shipment_id"], morning).items():
                total[measure] += number
        return total | {"deletions": self._deletions(kind, who, morning)}

    @_remembered
    def track(self, kind: str, who: Entity, morning: date) -> Track:
        """The whole record of an entity on a morning."""
        filings = self._filings(kind, who, morning)
        return Track(
            self.counts(kind, who, morning),
            {(measure, days): self._decayed(kind, who, morning, measure, days) for measure, days in HALF_LIVES},
            min(filings, default=None),
            max(filings, default=None),
        )

    @_remembered
    def peers(self, kind: str, who: Entity, own: int | None, morning: date) -> Peers:
        """Where bin `own` stands among the bins of an entity's standing shipments on a morning."""
        all_bins = [value_bin(row) for row in self._standing_of(kind, who, morning)]
        bins = sorted(number for number in all_bins if number is not None)
        if not bins:
            return Peers(0, None, None)
        lower = sum(number < own for number in bins) + bins.count(own) / 2 if own is not None else None
        median = middle_of_bin(bins[(len(bins) - 1) // 2])
        return Peers(len(bins), None if lower is None else lower / len(bins), median)

    def _standing_of(self, kind: str, who: Entity, morning: date) -> list[Row]:
        """The shipments of an entity that stand on a morning, deleted ones left out."""
        rows = (self.standing(name, morning) for name in self.shipment_ids)
        return [row for row in rows if _is_of(row, kind, who)]

    def _filings(self, kind: str, who: Entity, morning: date) -> list[date]:
        """The days before a morning on which a version of an entity came to stand."""
        return [day for day, _, after in self._changes(morning) if _is_of(after, kind, who)]

    def _deletions(self, kind: str, who: Entity, morning: date) -> int:
        """How many shipments of an entity were deleted before a morning."""
        return sum(
            _is_of(before, kind, who) and after["action"] == "deleted" for _, before, after in self._changes(morning)
        )

    def _decayed(self, kind: str, who: Entity, morning: date, measure: str, half_life: int) -> float:
        """Each day's change of the net count, weighted by its age; never below zero."""
        total = 0.0
        for day in self._days_until(morning):
            change = self.counts(kind, who, day + _ONE_DAY)[measure] - self.counts(kind, who, day)[measure]
            total += change * 2 ** (-(morning - day).days / half_life)
        return max(total, 0.0)

    @_remembered
    def _changes(self, morning: date) -> list[tuple[date, Row | None, Row]]:
        """The days before a morning on which another version of a shipment came to stand: what did, what does."""
        changes = []
        for day in self._days_until(morning):
            for name in self.shipment_ids:
                before, after = self.standing(name, day), self.standing(name, day + _ONE_DAY)
                if after is not before:
                    changes.append((day, before, after))
        return changes

    @_remembered
    def _versions(self, name: str) -> list[Row]:
        return [row for row in self.shipments if row["shipment_id"] == name]

    def _days_until(self, morning: date) -> list[date]:
        return [self.beginning + timedelta(n) for n in range((morning - self.beginning).days)]


def _is_of(row: Row | None, kind: str, who: Entity) -> bool:
    return row is not None and row["action"] != "deleted" and entity(row, kind) == who


def _latest(versions: Any) -> Row | None:
    """The highest version; of one number filed twice the later filing, an unstated time being the earliest."""
    return max(versions, key=lambda v: (v["version"] or 0, v["filed_at"] or datetime.min), default=None)  # noqa: DTZ901
