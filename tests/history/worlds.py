"""Random small worlds: few parties, few days, and everything that can go wrong between filing and knowing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from hypothesis import Phase, settings
from hypothesis import strategies as st

from riskscore import reference
from tests import factories
from tests.history.oracle import Oracle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.history.entities import Row

FIRST = date(2020, 2, 27)
"""The third day is 2020-03-01, when ISA gave way to CTPAT Trade Compliance; a 29 February comes first."""
DAYS = 7
MORNINGS = tuple(FIRST + timedelta(n) for n in range(DAYS))
END = FIRST + timedelta(DAYS + 3)
"""By this morning everything that has a known time is known."""
QUICK = settings(max_examples=7, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
"""The same worlds every time; what fails is not shrunk, which would take minutes."""
THOROUGH = settings(max_examples=20, deadline=None)
"""New worlds every time: `pytest -m slow`."""
ZONES = ("UTC", "Asia/Seoul", "America/New_York")

_KEYS = {
    "shipments": ("shipment_id", "version", "filed_at"),
    "outcomes": ("shipment_id", "exam_type", "exam_date", "hazard", "known_at"),
    "traders": ("trader_id", "valid_from", "known_at"),
    "post_entry": ("shipment_id", "event", "event_date", "known_at"),
}
"""Two rows of one key that differ contradict each other, and are refused before they reach the log."""

# Around the midnights of all three zones.
_CLOCK = (time(12), time(0), time(4, 59, 59, 999_999), time(5), time(14, 59, 59, 999_999), time(15), time(20),
          time(23, 59, 59))  # fmt: skip
# Too short for a heading, for a subheading, just enough, longer; and what only looks like digits.
_TARIFF = ("851712", "851712", "8517120000", "851713", "8517", "85", "610910", None,
           "\u0668\u0665\u0661\u0667\u0661\u0662", "85\u03011712")  # fmt: skip
# A name and its near-duplicates, at one place and at others.
_NAMES = ("Zenith Imports Inc", "Zenit Imports Inc", "ZENITH IMPORTS INCORPORATED", "Acme Trading", "Acme Tradng Co",
          "", None)  # fmt: skip
_PLACES = ("12 Harbor Rd, Long Beach CA 90802", "12 HARBOR ROAD LONG BEACH CA 90802", "12 Harbour Rd Long Beach CA",
           "99 Main St, Newark NJ 07102", "99 Main Street, Newark, NJ", "", None)  # fmt: skip
_CONTAINERS = ("CSQU3054383", "csqu 305438-3", None, "CSQU3054384", "CSQU3054383;MSKU0000000;;junk", ";; ;", "-;MSKU1")
_SEALS = ("SL 1", "sl-1;SL2", None, "SL3", ";")
_DESCRIPTIONS = ("telephones, cellular", "Cellular TELEPHONES!", None, "cell\u00fblar telephones x2", "STC goods",
                 "parts of a thing with many words", "a b 12", "Freight of all kinds")  # fmt: skip


# A null known_at is the time of ingestion: long after a week of 2020, but in the middle of days that lie years apart.
_NULLS_ARE_LATE = 100


@dataclass(frozen=True)
class World:
    """What ever becomes known: rows of the tables, whole, and the time zone of the days."""

    timezone: str
    shipments: tuple[Row, ...]
    outcomes: tuple[Row, ...]
    traders: tuple[Row, ...]
    post_entry: tuple[Row, ...]
    stride: int = 1
    """Days from one of its days to the next."""

    @property
    def mornings(self) -> tuple[date, ...]:
        """The mornings on which something may arrive."""
        return tuple(FIRST + timedelta(n * self.stride) for n in range(DAYS))

    @property
    def end(self) -> date:
        """By this morning everything that has a known time is known."""
        return FIRST + timedelta((DAYS + 3) * self.stride)

    @property
    def oracle(self) -> Oracle:
        """The slow answers about this world."""
        return Oracle(ZoneInfo(self.timezone), **{name: list(rows) for name, rows in self.tables.items()})

    @property
    def tables(self) -> dict[str, tuple[Row, ...]]:
        """The rows by table, as factories.append_rows takes them."""
        return {name: getattr(self, name) for name in _KEYS}

    def split(self, day: date) -> tuple[World, World]:
        """What the morning of `day` could know, and what lies in its future.

        The future is what is filed or known on `day` or after it, and shipments that arrive after it, however
        early they were filed: but for a shipment announced for this day before, whose move is known.
        """
        earlier = {row["shipment_id"] for row in self.shipments if row["arrival_date"] <= day}

        def filed(row: Row) -> bool:
            in_time = row["arrival_date"] <= day if row["filed_at"] is None else self._day(row["filed_at"]) < day
            return in_time and row["shipment_id"] in earlier

        return self._parted(filed, lambda row: self._known_before(row, day))

    def known_on(self, morning: date) -> World:
        """What the morning of a day could know, shipments announced for later days included."""

        def filed(row: Row) -> bool:
            if row["filed_at"] is None:
                return row["arrival_date"] <= morning
            return self._day(row["filed_at"]) < morning

        return self._parted(filed, lambda row: self._known_before(row, morning))[0]

    def without(self, other: World) -> World:
        """What this world holds and `other` does not."""
        kept = ([row for row in rows if row not in other.tables[name]] for name, rows in self.tables.items())
        return World(self.timezone, *(tuple(rows) for rows in kept), self.stride)

    def with_future(self, day: date, other: World) -> World:
        """What the morning of `day` could know of this world, and `other`'s future instead of this one's."""
        news = {
            name: [row for row in rows if self.stride <= _NULLS_ARE_LATE or row.get("known_at", self) is not None]
            for name, rows in other.tables.items()
        }
        both = World(self.timezone, *(_one_per_key(n, [*self.tables[n], *news[n]]) for n in _KEYS), self.stride)
        of_both = both.split(day)[1].tables
        past = self.split(day)[0].tables
        future = {name: [row for row in rows if row not in self.tables[name]] for name, rows in of_both.items()}
        return World(self.timezone, *((*past[name], *future[name]) for name in _KEYS), self.stride)

    def dealt(self, random: Random) -> tuple[World, World]:
        """The rows of this world, shuffled and dealt to two."""
        first, second = [], []
        for rows in self.tables.values():
            shuffled, at = random.sample(rows, len(rows)), random.randint(0, len(rows))
            first.append(tuple(shuffled[:at]))
            second.append(tuple(shuffled[at:]))
        return World(self.timezone, *first, self.stride), World(self.timezone, *second, self.stride)

    def _day(self, instant: datetime) -> date:
        return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(self.timezone)).date()

    def _known_before(self, row: Row, morning: date) -> bool:
        return row["known_at"] is not None and self._day(row["known_at"]) < morning

    def _parted(self, filed: Callable[[Row], bool], known: Callable[[Row], bool]) -> tuple[World, World]:
        tests = {name: filed if name == "shipments" else known for name in _KEYS}
        yes = (tuple(row for row in rows if tests[name](row)) for name, rows in self.tables.items())
        no = (tuple(row for row in rows if not tests[name](row)) for name, rows in self.tables.items())
        return World(self.timezone, *yes, self.stride), World(self.timezone, *no, self.stride)


def worlds(most: int = 24, strides: Sequence[int] = (1,)) -> st.SearchStrategy[World]:
    """Worlds of up to `most` versions of shipments; one that fails is shrunk to the rows it fails with.

    Args:
        most: largest number of versions.
        strides: days from one of a world's days to the next; MORNINGS are those of stride 1.
    """
    sizes = [st.integers(0, size) for size in (most, most // 2, most // 4, most // 2)]
    return st.builds(world_of, st.integers(0, 2**32), *sizes, st.sampled_from(strides))


def world_of(seed: int, versions: int, findings: int, statuses: int, events: int, stride: int = 1) -> World:
    """The world of a seed, with up to so many rows of each table; with fewer, the others stay as they are."""
    style = Random(f"{seed} style")  # noqa: S311 - reproducible rows, not secrets
    zone, days, ids, dense = (style.choice(of) for of in (ZONES, (3, DAYS, DAYS), (5, 9, 16), (True, True, False)))
    named = {
        "shipments": (_version, versions, factories.shipments),
        "outcomes": (_finding, findings, factories.outcomes),
        "traders": (_status, statuses, factories.traders),
        "post_entry": (_event, events, factories.post_entry),
    }
    tables = []
    for name, (draw, size, factory) in named.items():
        dice = _Dice(Random(f"{seed} {name}"), ids, days, stride, dense)  # noqa: S311
        tables.append(_one_per_key(name, factory(*(draw(dice) for _ in range(size)), seed=seed % 4)))
    return World(zone, *tables, stride)


@dataclass(frozen=True)
class _Dice:
    random: Random
    ids: int
    days: int
    stride: int
    dense: bool

    def of(self, *values: Any) -> Any:
        return self.random.choice(values)

    def usual(self, *values: Any) -> Any:
        """One of the values; in a dense world mostly one of the first two, so that entities meet."""
        return self.of(*values[:2]) if self.dense and self.random.random() < 0.9 else self.of(*values)

    def day(self, first: int, last: int) -> date:
        return FIRST + timedelta(self.random.randint(first, last) * self.stride)

    def time(self, first: int, last: int) -> datetime:
        return datetime.combine(self.day(first, last), self.of(*_CLOCK))

    def known(self) -> datetime | None:
        unstated = None if self.stride <= _NULLS_ARE_LATE else self.time(-1, DAYS + 1)
        return self.of(self.time(-1, 2), self.time(-1, 2), self.time(-1, self.days + 1), self.time(-1, DAYS), unstated)

    def shipment(self) -> str:
        # The last is examined but never filed. Few keys, so that one word on a finding often corrects another.
        return f"S{self.random.randrange(min(self.ids, 5))}" if self.random.random() < 0.95 else "S99"

    def text(self, *values: str | None) -> str | None:
        return self.of(*factories.HOSTILE) if self.random.random() < 0.04 else self.usual(*values)


def _version(dice: _Dice) -> Row:
    of, usual, version = dice.of, dice.usual, dice.of(0, 0, 0, 1, 1, 2, None)
    row = {
        "shipment_id": f"S{dice.random.randrange(dice.ids)}",
        "version": version,
        "action": of("new", "new", "new", "amended", None, "deleted", *(["deleted"] if version else ["new"])),
        "filed_at": of(dice.time(-2, 1), dice.time(-2, 1), None, dice.time(-2, DAYS)),
        "arrival_date": of(dice.day(0, 1), dice.day(0, dice.days - 1)),
        "carrier_id": usual("R0", "R1", None),
        "origin_country": usual("CN", "CN", "VN", None),
        "export_country": usual("CN", "SG", None),
        "port": usual("2704", "1001", "2709"),
        "hts": usual(*_TARIFF),
        "value_usd": usual(100.0, 250.0, 99.99, 0.0, 0.01, 1e12, None),
        "weight_kg": usual(10.0, 2.5, 0.001, 0.0, 0.0001, None),
        "quantity": usual(3.0, 1000.0, 1.0, 0.0, 1e-10, None),
        "quantity_unit": usual("NO", "NO", "KG", None),
        "conveyance_id": usual("IMO9074729", None),
        "preference_program": usual("S", None, "KR"),
        "in_bond": of(True, False, None),
        "importer_name": dice.text(*_NAMES),
        "importer_address": dice.text(*_PLACES),
        "consignee_address": dice.text(*_PLACES),
        "description": dice.text(*_DESCRIPTIONS),
        "container_ids": dice.text(*_CONTAINERS),
        "seal_ids": dice.text(*_SEALS),
    }
    for party, number in (("importer", 3), ("shipper", 2), ("consignee", 2), ("manufacturer", 2), ("filer", 2)):
        row[f"{party}_id"] = usual(*(f"{party[0].upper()}{n}" for n in range(number)), None)
    return row


def _finding(dice: _Dice) -> Row:
    of = dice.of
    return {
        "shipment_id": dice.shipment(),
        "exam_type": of("intensive", "intensive", "intensive", "nii", None),
        "exam_date": dice.day(0, 1),
        "result": of("seized", "released_no_discrepancy", "released_with_discrepancy", of(*reference.results())),
        "hazard": of(None, "ipr", of(*reference.hazards())),
        "amount_usd": of(None, 10.0, 1234.56),
        "known_at": dice.known(),
    }


def _event(dice: _Dice) -> Row:
    of = dice.of
    return {
        "shipment_id": dice.shipment(),
        "event": of("cf28", "cf28", "cf29", "protest", "post_summary_correction"),
        "event_date": dice.day(0, 1),
        "status": of("open", "closed", "withdrawn", None),
        "amount_usd": of(None, 10.0, 1234.56),
        "known_at": dice.known(),
    }


def _status(dice: _Dice) -> Row:
    of = dice.of
    return {
        "trader_id": of("I0", "I1", "S0"),
        "valid_from": dice.day(-3, 4),
        "valid_to": of(None, dice.day(-1, DAYS)),
        "known_at": of(dice.time(-3, DAYS + 1), dice.known()),
        "ctpat_tier": of(None, 0, 1, 2, 3),
        "ctpat_status": of("validated", "member", "suspended", "removed", "withdrawn", "none", None),
        "isa_member": of(True, False, None),
        "ctpat_trade_compliance": of(True, False, None),
        "aeo_programme": of(None, "KR AEO"),
    }


def _one_per_key(table: str, rows: Sequence[Row]) -> tuple[Row, ...]:
    """The first row of each key and known time; a version that is not stated is version 0."""

    def key(row: Row) -> tuple[Any, ...]:
        return tuple(row[name] or 0 if name == "version" else row[name] for name in _KEYS[table])

    first: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        first.setdefault(key(row), row)
    return tuple(first.values())
