"""How far an importer has moved from its own record."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.features.trust_erosion import FACETS, GATED, TrustErosion
from tests import factories
from tests.factories import DAY
from tests.features import records
from tests.features.oracles import trust_erosion as oracle
from tests.features.records import record

COUNTRY = record(days=999, exams=1000, hits=100, shipments=5000)
VALIDATED = {"ctpat_tier": 2, "ctpat_status": "validated", "role": "importer"}
STATUS = st.fixed_dictionaries(
    {
        "ctpat_tier": st.sampled_from([None, 0, 1, 2, 3]),
        "ctpat_status": st.sampled_from([None, "validated", "suspended", "none"]),
        "role": st.sampled_from([None, "importer", "filer"]),
        "valid_from": st.dates(DAY - timedelta(1500), DAY),
    }
)


def of(status=None, **stated):
    """The features of one shipment with these records, in a country where one exam in ten hits."""
    statuses = {} if status is None else {"importer": status}
    return records.one(statuses, **{"country": COUNTRY} | stated).built(TrustErosion()).iloc[0]


def recent(made: records.Record, **decayed: float) -> records.Record:
    """A record with other recent counts: measure_halflife=value."""
    made.decayed.update({(name.rsplit("_", 1)[0], int(name.rsplit("_", 1)[1])): v for name, v in decayed.items()})
    return made


def one_a_day(days: int, half_life: int, per_day: float = 1.0) -> float:
    """What a steady flow leaves in a decayed count."""
    return sum(per_day * 2 ** (-age / half_life) for age in range(1, days + 1))


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(0, 5), st.lists(STATUS, min_size=1, max_size=5))
def test_every_feature_equals_its_description(seed, size, statuses):
    rows = factories.shipments(*[{}] * size, seed=seed % 7)
    made = records.chance(seed, rows, factories.traders(*statuses))

    records.check(made, TrustErosion(), oracle)


@pytest.mark.parametrize("days", [1, 40, 700])
def test_who_goes_on_as_always_departs_in_nothing(days):
    steady = record(days=days, shipments=2 * days, amendments=days, value_cents=days * 500_00, cf28=days, exams=days)
    steady = recent(
        steady,
        shipments_30=one_a_day(days, 30, 2),
        shipments_365=one_a_day(days, 365, 2),
        amendments_30=one_a_day(days, 30),
        value_cents_30=one_a_day(days, 30, 500_00),
        cf28_365=one_a_day(days, 365),
    )

    row = of(importer=steady)

    ratios = ("volume_departure_hl30d", "value_per_shipment_departure_hl30d", "cf_departure_hl365d")
    assert row[[f"importer_{name}" for name in ratios]].tolist() == pytest.approx([1, 1, 1])
    assert row["importer_amendment_departure_hl30d"] == pytest.approx(0)


def test_recent_hits_count_against_the_record_that_went_before():
    good, bad = record(days=900, exams=40, hits=1), record(days=900, exams=40, hits=20)
    good, bad = (recent(r, exams_90=4.0, hits_90=1.0) for r in (good, bad))

    departures = [of(importer=r)["importer_hit_rate_departure_hl90d"] for r in (good, bad)]

    assert departures[0] > 0 > departures[1]


def test_no_recent_exam_is_no_departure():
    quiet = recent(record(days=900, exams=40, hits=20), exams_90=0.0, hits_90=0.0)

    assert of(importer=quiet)["importer_hit_rate_departure_hl90d"] == 0


def test_a_surge_a_price_drop_and_a_wave_of_amendments_and_notices_show():
    past = record(days=1000, shipments=1000, value_cents=10**8, amendments=100, cf29=10)
    past = recent(past, shipments_30=150.0, shipments_365=500.0, value_cents_30=10**6, amendments_30=90.0, cf29_365=9.0)

    row = of(importer=past)

    assert row["importer_volume_departure_hl30d"] > 3
    assert row["importer_value_per_shipment_departure_hl30d"] == pytest.approx(10**6 / 150 / 10**5)
    assert row["importer_amendment_departure_hl30d"] == pytest.approx((90 + 3 * 0.1) / 153 - 0.1)
    assert row["importer_cf_departure_hl365d"] > 1.5


def test_a_new_pairing_weighs_more_for_who_has_few():
    old, new = record(days=100, shipments=9), record()
    pairs = dict.fromkeys(FACETS, old) | {"importer_x_hs4": new}
    narrow, broad = (record(days=100, shipments=100, fans=dict.fromkeys(FACETS, n)) for n in (1, 60))

    departures = [of(importer=one, **pairs)["importer_new_pairing_departure"] for one in (narrow, broad)]

    assert departures == pytest.approx([1 / 5 - 0.01, 1 / 5 - 0.6])


def test_only_what_is_stated_can_be_new():
    row = of(importer=record(days=9, shipments=3), importer_x_port=record(), importer_x_hs4=record(days=9))

    assert row["importer_new_pairing_departure"] == 0.5


def test_a_newcomer_has_no_record_to_depart_from():
    row = of(importer=record(), **dict.fromkeys(FACETS, record()))

    assert row.drop("importer_hit_rate_departure_hl90d").isna().all()
    assert row["importer_hit_rate_departure_hl90d"] == 0


def test_who_is_not_named_has_no_record():
    assert of().isna().all()


@pytest.mark.parametrize(
    ("status", "tiered"),
    [
        (VALIDATED, True),
        (VALIDATED | {"ctpat_tier": 1, "ctpat_status": "certified"}, True),
        (VALIDATED | {"ctpat_tier": 0}, False),
        (VALIDATED | {"ctpat_status": "suspended"}, False),
        (VALIDATED | {"role": "filer"}, False),
        (None, False),
    ],
)
def test_the_gated_departures_are_those_of_tiered_members(status, tiered):
    past = record(days=300, shipments=30, value_cents=900, exams=3, fans={})
    past = recent(past, shipments_30=4.0, shipments_365=20.0, value_cents_30=100.0)

    row = of(status, importer=past, importer_x_port=record(days=1))

    for name in GATED:
        expected = row[f"importer_{name}"] if tiered else np.nan
        np.testing.assert_array_equal(row[f"tiered_importer_{name}"], expected)
    assert row[[f"importer_{name}" for name in GATED]].notna().all()


@pytest.mark.parametrize(("begun", "days"), [(100, 200), (300, 0), (400, 0), (0, 300)])
def test_the_record_that_earned_a_tier_is_what_came_before_it(begun, days):
    status = VALIDATED | {"valid_from": DAY - timedelta(begun)}

    assert of(status, importer=record(days=300, shipments=1))["importer_days_traded_before_tier"] == days


@pytest.mark.parametrize(("hit", "caught"), [(101, 0), (100, 1), (1, 1), (None, 0)])
def test_a_hit_since_the_tier_began(hit, caught):
    status = VALIDATED | {"valid_from": DAY - timedelta(100)}

    row = of(status, importer=record(days=300, last_hit=hit, exams=2, hits=int(hit is not None)))

    assert row["importer_hit_since_tier"] == caught
