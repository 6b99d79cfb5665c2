"""What was known on a morning, the slow and obvious way: loops over lists of events, one question at a time.

Written from the design (docs: history is a fold, training is a replay), not from the code, and sharing nothing with
it: no NumPy, no SQL. What a text says (the Center of a tariff number, the place of an address) is asked of the pure
look-ups that answer it. A *morning* is 00:00 of a day; a fact counts on it when its day is before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.history import entities
from tests.history.entities import entity
from tests.history.records import (
    HALF_LIVES,
    MEASURES,
    Batch,
    Exposure,
    Fact,
    Peers,
    Track,
    event_of,
    middle_of_bin,
    quantity_bin,
    traffic_of,
    verdict_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from zoneinfo import ZoneInfo

    from tests.history.entities import Entity, Row
    from tests.history.records import Measures

_FINDING = ("shipment_id", "exam_type", "exam_date", "hazard")
_EVENT = ("shipment_id", "event", "event_date")


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
    """Answers questions about a log: lists of rows of its tables, times in UTC.

    A row whose known_at is None became known when it was ingested: today, long after the days asked about.
    """

    zone: ZoneInfo
    shipments: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)
    traders: list[Row] = field(default_factory=list)
    post_entry: list[Row] = field(default_factory=list)
    answers: dict[Any, Any] = field(default_factory=dict, repr=False)

    def day_of(self, instant: datetime) -> date:
        """The day a UTC time falls on in the workspace's zone."""
        return instant.replace(tzinfo=UTC).astimezone(self.zone).date()

    def known_before(self, row: Row, morning: date) -> bool:
        """Whether a row with a known_at was known on a morning."""
        return row["known_at"] is not None and self.day_of(row["known_at"]) < morning

    @property
    def shipment_ids(self) -> list[str]:
        """Every shipment the log names, once, sorted."""
        return sorted(self._versions())

    def history_day(self, version: Row) -> date:
        """The later of arrival and filing: from the morning after it a version is history."""
        filed = version["filed_at"]
        return version["arrival_date"] if filed is None else max(version["arrival_date"], self.day_of(filed))

    # The day's own batch -------------------------------------------------------------------------------------

    @_remembered
    def live_on(self, morning: date) -> dict[str, Row]:
        """What stands on a morning and arrives on its day, deletions included."""
        found = {}
        for name, versions in sorted(self._versions().items()):
            latest = _latest(v for v in versions if self._filed_before(v, morning))
            if latest is not None and latest["arrival_date"] == morning:
                found[name] = latest
        return found

    def last_morning(self, name: str, as_of: date) -> Row | None:
        """A shipment as it was live on the last morning it arrived before `as_of` with its own result still unknown.

        None when it is no label's.
        """
        versions = self._versions()[name]
        last = _latest(v for v in versions if self._filed_before(v, as_of))
        if last is not None and last["action"] == "deleted":
            return None
        for morning in sorted({v["arrival_date"] for v in versions if v["arrival_date"] < as_of}, reverse=True):
            if any(self.known_before(word, morning) for word in self.outcomes if word["shipment_id"] == name):
                continue
            row = self.live_on(morning).get(name)
            if row is not None and row["action"] != "deleted":
                return row
        return None

    def batch(self, kind: str, row: Row, morning: date) -> Batch | None:
        """What is live on a morning and names the same entity as `row`, `row` included; a null value counts 0."""
        who = entity(row, kind)
        if who is None:
            return None
        values = [live["value_usd"] or 0.0 for live in self.live_on(morning).values() if _is_of(live, kind, who)]
        return Batch(len(values), math.fsum(values), max(values))

    def _filed_before(self, version: Row, morning: date) -> bool:
        if version["filed_at"] is None:  # in time for its own arrival
            return version["arrival_date"] <= morning
        return self.day_of(version["filed_at"]) < morning

    # Facts: what stands about a shipment ---------------------------------------------------------------------

    @_remembered
    def standing(self, name: str) -> list[tuple[date, Row]]:
        """The days on which another version of a shipment came to stand in history, and which; deletions too."""
        versions = self._versions()[name]
        changes: list[tuple[date, Row]] = []
        for day in sorted({self.history_day(v) for v in versions}):
            latest = _latest(v for v in versions if self.history_day(v) <= day)
            if not changes or changes[-1][1] is not latest:
                changes.append((day, latest))
        return changes

    @_remembered
    def facts(self, morning: date) -> list[Fact]:
        """All that stands on a morning."""
        return [fact for name in self.shipment_ids for fact in self._facts_about(name, morning)]

    @_remembered
    def _facts_about(self, name: str, morning: date) -> list[Fact]:
        """What stands about a shipment on a morning; nothing while its standing version is a deletion."""
        stands = [change for change in self.standing(name) if change[0] < morning]
        if not stands or stands[-1][1]["action"] == "deleted":
            return []
        since, row = stands[-1]
        found = [*self._verdict(name, morning), *self._events(name, morning)]
        return [Fact(row, since, traffic_of(row)), *(Fact(row, day, measures) for day, measures in found)]

    @_remembered
    def _ever(self, morning: date) -> list[Fact]:
        """All that stood on a morning up to this one, withdrawn later or not; once at least."""
        found = []
        for name in self.shipment_ids:
            words = [w for w in [*self.outcomes, *self.post_entry] if w["shipment_id"] == name]
            days = {day for day, _ in self.standing(name)}
            days |= {self._counts_from(name, word) for word in words if self.known_before(word, morning)}
            found += [fact for day in days if day < morning for fact in self._facts_about(name, day + timedelta(1))]
        return found

    @_remembered
    def _verdict(self, name: str, morning: date) -> list[tuple[date, Measures]]:
        """What the exams of a shipment came to, and since when; nothing while nothing is concluded."""
        words = [word for word in self.outcomes if word["shipment_id"] == name and self.known_before(word, morning)]
        before: Measures = {}
        since = None
        for day in sorted({self._counts_from(name, word) for word in words}):
            verdict = verdict_of(_latest_words([w for w in words if self._counts_from(name, w) <= day], _FINDING))
            if verdict != before:
                since, before = day, verdict
        return [(since, before)] if since is not None and before else []

    @_remembered
    def _events(self, name: str, morning: date) -> list[tuple[date, Measures]]:
        """What is in the life of a shipment's entry after release, each event with the day it counts from."""
        words = [word for word in self.post_entry if word["shipment_id"] == name and self.known_before(word, morning)]
        events = []
        for key in {(word["event"], word["event_date"]) for word in words}:
            of_event = [word for word in words if (word["event"], word["event_date"]) == key]
            before: Measures = {}
            since = None
            for day in sorted({self._counts_from(name, word) for word in of_event}):
                [latest] = _latest_words([w for w in of_event if self._counts_from(name, w) <= day], _EVENT)
                event = event_of(latest)
                if event != before:
                    since, before = day, event
            events += [(since, before)] if since is not None and before else []
        return events

    def _counts_from(self, name: str, word: Row) -> date:
        """A word on a shipment counts from the day it is known, but not before the shipment itself is history."""
        return max(self.day_of(word["known_at"]), self.standing(name)[0][0])

    def outcomes_known(self, morning: date) -> list[Row]:
        """The latest word on each finding of each exam, as known on a morning."""
        return _latest_words([word for word in self.outcomes if self.known_before(word, morning)], _FINDING)

    def status(self, trader: str | None, morning: date) -> Row | None:
        """The status of a trader covering a day, as it was known that morning; of several the last begun."""
        begun = [t for t in self.traders if t["trader_id"] == trader and t["valid_from"] <= morning]
        words = _latest_words([row for row in begun if self.known_before(row, morning)], ("trader_id", "valid_from"))
        covering = [row for row in words if row["valid_to"] is None or row["valid_to"] >= morning]
        return max(covering, key=lambda row: row["valid_from"], default=None)

    # Entities ------------------------------------------------------------------------------------------------

    @_remembered
    def counts(self, kind: str, who: Entity, morning: date) -> Measures:
        """What there is of an entity on a morning: what stands of it, and its deletions ever."""
        total = dict.fromkeys(MEASURES, 0)
        for fact in self._facts_of(kind, who, morning):
            for measure, number in fact.measures.items():
                total[measure] += number
        return total | {"deletions": self._deletions(kind, who, morning)}

    @_remembered
    def track(self, kind: str, who: Entity, morning: date) -> Track:
        """The whole record of an entity on a morning."""
        filings = [day for day, _ in self._filings(kind, who, morning)]
        counts = self.counts(kind, who, morning)
        ever = self._ever_by_entity(kind, morning).get(who, [])
        hits = [fact for fact in ever if fact.measures.get("hits", 0)] if counts["hits"] else []
        return Track(
            counts,
            {(measure, days): self._decayed(kind, who, morning, measure, days) for measure, days in HALF_LIVES},
            min(filings, default=None),
            max(filings, default=None),
            max((fact.day for fact in hits), default=None),
            {pair: self._fan(kind, who, pair, morning) for pair in entities.FANS.get(kind, ())},
        )

    def peers(self, kind: str, quantity: str, row: Row, morning: date) -> Peers:
        """Where the quantity of `row` stands among those of the standing shipments of its entity."""
        who = entity(row, kind)
        if who is None:
            return Peers(None, None, None, None)
        bins = self._bins(kind, who, quantity, morning)
        own = quantity_bin(row, quantity)
        if not bins:
            return Peers(0, None, None, None)
        below = None
        if own is not None:
            below = (sum(number < own for number in bins) + bins.count(own) / 2) / len(bins)
        lower, median, upper = (middle_of_bin(_quantile(bins, quarters)) for quarters in (1, 2, 3))
        return Peers(len(bins), below, median, math.log2(upper / lower))

    def exposure(self, name: str, row: Row, morning: date) -> Exposure | None:
        """The record of those that the entity of `row` deals with, its own business with them left out."""
        kind, pair_kind, partner_kind = entities.EXPOSURES[name]
        who = entity(row, kind)
        if who is None:
            return None
        if pair_kind is None:
            known = set(self._filings_by_entity(kind, morning)) - {None, who}
            counted = [self.counts(kind, other, morning) for other in known if entities.linked(who, other)]
            return _exposed([(of["hits"], of["exams"]) for of in counted])
        found = {}
        for _, seen in self._filings(kind, who, morning):
            pair, partner = entity(seen, pair_kind), entity(seen, partner_kind)
            if pair is not None:
                of_all, own = self.counts(partner_kind, partner, morning), self.counts(pair_kind, pair, morning)
                found[partner] = (of_all["hits"] - own["hits"], of_all["exams"] - own["exams"])
        return _exposed(list(found.values()))

    def turnover(self, kind: str, who: Entity, morning: date, measure: str, half_life: int) -> float:
        """At least what a decayed count would be had nothing ever been withdrawn."""
        return _weighted(self._ever_by_entity(kind, morning).get(who, []), morning, measure, half_life)

    def _facts_of(self, kind: str, who: Entity, morning: date) -> list[Fact]:
        return self._facts_by_entity(kind, morning).get(who, [])

    @_remembered
    def _facts_by_entity(self, kind: str, morning: date) -> dict[Entity | None, list[Fact]]:
        return _grouped(self.facts(morning), lambda fact: entity(fact.row, kind))

    def _decayed(self, kind: str, who: Entity, morning: date, measure: str, half_life: int) -> float:
        """What stands, each fact weighted by its age."""
        return _weighted(self._facts_of(kind, who, morning), morning, measure, half_life)

    @_remembered
    def _bins(self, kind: str, who: Entity, quantity: str, morning: date) -> list[int]:
        """The bins of an entity's standing shipments, ascending; those without one left out."""
        rows = [fact.row for fact in self._facts_of(kind, who, morning) if "shipments" in fact.measures]
        bins = [quantity_bin(row, quantity) for row in rows]
        return sorted(number for number in bins if number is not None)

    def _filings(self, kind: str, who: Entity, morning: date) -> list[tuple[date, Row]]:
        """The days before a morning on which a version of an entity came to stand, withdrawn later or not."""
        return self._filings_by_entity(kind, morning).get(who, [])

    @_remembered
    def _filings_by_entity(self, kind: str, morning: date) -> dict[Entity | None, list[tuple[date, Row]]]:
        return _grouped(self._all_filings(morning), lambda change: entity(change[1], kind))

    @_remembered
    def _all_filings(self, morning: date) -> list[tuple[date, Row]]:
        changes = [change for name in self.shipment_ids for change in self.standing(name)]
        return [(day, row) for day, row in changes if day < morning and row["action"] != "deleted"]

    def _deletions(self, kind: str, who: Entity, morning: date) -> int:
        """How many shipments of an entity were deleted before a morning."""
        return self._deleted(morning, kind).count(who)

    @_remembered
    def _deleted(self, morning: date, kind: str) -> list[Entity | None]:
        """Whose shipments were deleted before a morning: those who stood in the version that was."""
        steps = [step for name in self.shipment_ids for step in pairwise(self.standing(name))]
        return [
            entity(before, kind)
            for (_, before), (day, after) in steps
            if day < morning and after["action"] == "deleted" != before["action"]
        ]

    @_remembered
    def _ever_by_entity(self, kind: str, morning: date) -> dict[Entity | None, list[Fact]]:
        return _grouped(self._ever(morning), lambda fact: entity(fact.row, kind))

    def _fan(self, kind: str, who: Entity, pair: str, morning: date) -> int:
        """How many pairs an entity had been seen in before."""
        return len({entity(row, pair) for _, row in self._filings(kind, who, morning)} - {None})

    @_remembered
    def _versions(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.shipments:
            found.setdefault(row["shipment_id"], []).append(row)
        return found


def _exposed(partners: list[tuple[int, int]]) -> Exposure:
    """From each partner's hits and exams in business with others."""
    hits, exams = [hits for hits, _ in partners], [exams for _, exams in partners]
    return Exposure(len(partners), sum(number > 0 for number in hits), sum(hits), sum(exams))


def _grouped(things: list[Any], of: Callable[[Any], Entity | None]) -> dict[Entity | None, list[Any]]:
    groups: dict[Entity | None, list[Any]] = {}
    for thing in things:
        groups.setdefault(of(thing), []).append(thing)
    return groups


def _weighted(facts: list[Fact], morning: date, measure: str, half_life: int) -> float:
    return math.fsum(f.measures.get(measure, 0) * 2 ** (-(morning - f.day).days / half_life) for f in facts)


def _latest_words(words: list[Row], key: tuple[str, ...]) -> list[Row]:
    """Of several words on one thing the one known last."""
    latest = {tuple(word[name] for name in key): word for word in sorted(words, key=lambda word: word["known_at"])}
    return list(latest.values())


def _quantile(ordered: list[int], quarters: int) -> int:
    """The first number up to which at least so many quarters of all lie."""
    return next(n for count, n in enumerate(ordered, start=1) if count * 4 >= quarters * len(ordered))


def _is_of(row: Row, kind: str, who: Entity) -> bool:
    return row["action"] != "deleted" and entity(row, kind) == who


def _latest(versions: Iterable[Row]) -> Row | None:
    """The highest version; of one number filed twice the later filing, an unstated time being the earliest."""
    return max(versions, key=lambda v: (v["version"] or 0, v["filed_at"] or datetime.min), default=None)  # noqa: DTZ901
