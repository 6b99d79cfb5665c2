"""Random small worlds: few parties, few days, and everything that can go wrong between filing and knowing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import Phase, settings
from hypothesis import strategies as st

from riskscore import reference
from tests import factories
from tests.history.oracle import Oracle, Row

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

FIRST = date(2020, 2, 27)
"""The third day is 2020-03-01, when ISA gave way to CTPAT Trade Compliance; a 29 February comes first."""
DAYS = 7
MORNINGS = tuple(FIRST + timedelta(n) for n in range(DAYS))
END = FIRST + timedelta(DAYS + 3)
"""By this morning everything that has a known time is known."""
QUICK = settings(max_examples=7, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
"""The same worlds every time, at about half a second each; what fails is not shrunk, which would take minutes."""
THOROUGH = settings(max_examples=100, deadline=None)
"""New worlds every time, shrunk when they fail: `pytest -m slow`."""
ZONES = ("UTC", "Asia/Seoul", "America/New_York")

# Around the midnights of all three zones.
_CLOCK = (time(12), time(0), time(4, 59, 59, 999_999), time(5), time(14, 59, 59, 999_999), time(15), time(20),
          time(23, 59, 59))  # fmt: skip
# Too short for a heading, for a subheading, just enough, longer; and what only looks like digits.
_TARIFF = ("851712", "8517120000", "851713", "8517", "85", "\u0668\u0665\u0661\u0667\u0661\u0662", "85\u03011712", None)
_CONTAINERS = (None, "CSQU3054383", "CSQU3054384", "CSQU3054383;MSKU0000000;;junk")
_DESCRIPTIONS = (None, "telephones, cellular", "STC goods", "parts of a thing with many words", "Freight of all kinds")


def _of(*values: object) -> st.SearchStrategy:
    return st.sampled_from(values)


def _days(first: int, last: int) -> st.SearchStrategy[date]:
    return st.integers(first, last).map(lambda n: FIRST + timedelta(n))


def _times(first: int, last: int) -> st.SearchStrategy[datetime]:
    return st.builds(datetime.combine, _days(first, last), _of(*_CLOCK))


_VERSIONS = st.fixed_dictionaries(
    {
        "shipment_id": _of("S0", "S1", "S2", "S3", "S4", "S5", "S6"),
        "version": _of(0, 0, 0, 1, 1, 2, None),
        "action": _of("new", "new", "amended", None, "deleted"),
        "filed_at": st.one_of(_times(-2, 1), st.none(), _times(-2, DAYS)),
        "arrival_date": _days(0, DAYS - 1),
        "importer_id": _of("I0", "I0", "I1", None),
        "shipper_id": _of("H0", "H1", None),
        "consignee_id": _of("C0", None),
        "manufacturer_id": _of("M0", "M1", None),
        "filer_id": _of("F0", "F1", None),
        "carrier_id": _of("R0", None),
        "origin_country": _of("CN", "VN", None),
        "export_country": _of("CN", "SG", None),
        "port": _of("2704", "1001"),
        "hts": _of(*_TARIFF),
        "value_usd": _of(100.0, 250.0, 99.99, 0.0, 1e12, None),
        "weight_kg": _of(10.0, 2.5, 0.001, 0.0, None),
        "description": _of(*_DESCRIPTIONS),
        "container_ids": _of(*_CONTAINERS),
        "in_bond": _of(True, False, None),
    }
)
_OUTCOMES = st.fixed_dictionaries(
    {
        # S9 is examined but never filed. Few keys, so that one word on a finding often corrects another.
        "shipment_id": _of("S0", "S1", "S2", "S9"),
        "exam_type": _of("intensive", "intensive", "intensive", "nii", None),
        "exam_date": _days(0, 1),
        "result": st.one_of(_of("seized", "released_no_discrepancy", "duty_billed"), _of(*reference.results())),
        "hazard": _of(None, None, None, "ipr"),
        "amount_usd": _of(None, 10.0, 1234.56),
        "known_at": st.one_of(_times(-1, DAYS + 1), _times(-1, DAYS + 1), st.none()),
    }
)
_TRADERS = st.fixed_dictionaries(
    {
        "trader_id": _of("I0", "I1", "H0"),
        "valid_from": _days(-3, 4),
        "valid_to": st.one_of(st.none(), _days(-1, DAYS)),
        "known_at": st.one_of(_times(-3, DAYS + 1), _times(-3, DAYS + 1), st.none()),
        "ctpat_tier": _of(None, 0, 1, 2, 3),
        "ctpat_status": _of("validated", "member", "suspended", "removed", "withdrawn", "none", None),
        "isa_member": _of(True, False, None),
        "ctpat_trade_compliance": _of(True, False, None),
        "aeo_programme": _of(None, "KR AEO"),
    }
)


@dataclass(frozen=True)
class World:
    """What ever becomes known: rows of the three tables, whole, and the time zone of the days."""

    timezone: str
    shipments: tuple[Row, ...]
    outcomes: tuple[Row, ...]
    traders: tuple[Row, ...]

    @property
    def oracle(self) -> Oracle:
        """The slow answers about this world."""
        rows = list(self.shipments), list(self.outcomes), list(self.traders)
        return Oracle(FIRST - timedelta(4), ZoneInfo(self.timezone), *rows)

    @property
    def tables(self) -> dict[str, tuple[Row, ...]]:
        """The rows by table, as factories.append_rows takes them."""
        return {"shipments": self.shipments, "outcomes": self.outcomes, "traders": self.traders}

    def split(self, day: date) -> tuple[World, World]:
        """What the morning of `day` could know, and what lies in its future.

        The future is what is filed or known on `day` or after it, and shipments that arrive after it, however
        early they were filed: but for a shipment announced for this day before, whose move is known.
        """
        earlier = {row["shipment_id"] for row in self.shipments if row["arrival_date"] <= day}

        def filed(row: Row) -> bool:
            in_time = row["arrival_date"] <= day if row["filed_at"] is None else self._day(row["filed_at"]) < day
            return in_time and row["shipment_id"] in earlier

        def known(row: Row) -> bool:
            return row["known_at"] is not None and self._day(row["known_at"]) < day

        return self._parted(filed, known)

    def known_on(self, morning: date) -> World:
        """What the morning of a day could know, shipments announced for later days included."""

        def filed(row: Row) -> bool:
            if row["filed_at"] is None:
                return row["arrival_date"] <= morning
            return self._day(row["filed_at"]) < morning

        return self._parted(filed, lambda row: row["known_at"] is not None and self._day(row["known_at"]) < morning)[0]

    def without(self, other: World) -> World:
        """What this world holds and `other` does not."""
        kept = ([row for row in rows if row not in other.tables[name]] for name, rows in self.tables.items())
        return World(self.timezone, *(tuple(rows) for rows in kept))

    def dealt(self, random: Random) -> tuple[World, World]:
        """The rows of this world, shuffled and dealt to two."""
        first, second = [], []
        for rows in self.tables.values():
            shuffled, at = random.sample(rows, len(rows)), random.randint(0, len(rows))
            first.append(tuple(shuffled[:at]))
            second.append(tuple(shuffled[at:]))
        return World(self.timezone, *first), World(self.timezone, *second)

    def _day(self, instant: datetime) -> date:
        return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(self.timezone)).date()

    def _parted(self, filed: Callable[[Row], bool], known: Callable[[Row], bool]) -> tuple[World, World]:
        tests = {"shipments": filed, "outcomes": known, "traders": known}
        yes = (tuple(row for row in rows if tests[name](row)) for name, rows in self.tables.items())
        no = (tuple(row for row in rows if not tests[name](row)) for name, rows in self.tables.items())
        return World(self.timezone, *yes), World(self.timezone, *no)


@st.composite
def worlds(draw: st.DrawFn, most: int = 24) -> World:
    """Worlds without two rows that contradict each other: those are refused before they reach the log."""
    versions = draw(_some(_VERSIONS, most, "shipment_id", "version", "filed_at"))
    findings = draw(_some(_OUTCOMES, most // 2, "shipment_id", "exam_type", "exam_date", "hazard", "known_at"))
    statuses = draw(_some(_TRADERS, most // 4, "trader_id", "valid_from", "known_at"))
    seed = draw(st.integers(0, 3))
    return World(
        draw(_of(*ZONES)),
        tuple(factories.shipments(*versions, seed=seed)),
        tuple(factories.outcomes(*findings, seed=seed)),
        tuple(factories.traders(*statuses, seed=seed)),
    )


def _some(rows: st.SearchStrategy[Row], most: int, *key: str) -> st.SearchStrategy[list[Row]]:
    """Any number of rows up to `most`, all as likely: left to itself, hypothesis prefers few."""

    def named_by(row: Row) -> tuple[object, ...]:
        # A version that is not stated is version 0.
        return tuple(row[name] or 0 if name == "version" else row[name] for name in key)

    sizes = st.integers(0, most)
    return sizes.flatmap(lambda size: st.lists(rows, min_size=size, max_size=size, unique_by=named_by))
