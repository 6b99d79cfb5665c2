"""Random small worlds: few parties, few days, and everything that can go wrong between filing and knowing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from riskscore import reference
from tests import factories
from tests.history.oracle import Oracle, Row

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = date(2020, 2, 27)
"""The third day is 2020-03-01, when ISA gave way to CTPAT Trade Compliance; a 29 February comes first."""
DAYS = 7
MORNINGS = tuple(FIRST + timedelta(n) for n in range(DAYS))
END = FIRST + timedelta(DAYS + 3)
"""By this morning everything that has a known time is known."""
ZONES = ("UTC", "Asia/Seoul", "America/New_York")

# Around the midnights of all three zones.
_CLOCK = (time(12), time(0), time(4, 59, 59, 999_999), time(5), time(14, 59, 59, 999_999), time(15), time(20),
          time(23, 59, 59))  # fmt: skip
# Too short for a heading, for a subheading, just enough, longer; and what only looks like digits.
_TARIFF = ("851712", "8517120000", "851713", "8517", "85", "٨٥١٧١٢", "85\u03011712", None)
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
        # S9 is examined but never filed.
        "shipment_id": _of("S0", "S1", "S2", "S3", "S4", "S9"),
        "exam_type": _of("intensive", "intensive", "nii", None),
        "exam_date": _days(0, 1),
        "result": st.one_of(_of("seized", "released_no_discrepancy", "duty_billed"), _of(*reference.results())),
        "hazard": _of(None, None, "narcotics", "ipr"),
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
