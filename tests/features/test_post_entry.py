"""What becomes of CF-28, CF-29, protests and corrections."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.features.post_entry import PRIOR_SHIPMENTS, PostEntry
from tests import factories
from tests.features import records
from tests.features.oracles import post_entry as oracle
from tests.features.records import record

COUNTRY = record(days=999, shipments=10_000, cf28=50, cf29=10, corrections=200)
RATES = [feature.name for feature in PostEntry.features if "per_1000" in feature.name]


def of(**stated):
    """The features of one shipment with these records, in a country with 5 CF-28 and 1 CF-29 per 1 000."""
    return records.one(**{"country": COUNTRY} | stated).built(PostEntry()).iloc[0]


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(0, 5))
def test_every_feature_equals_its_description(seed, size):
    made = records.chance(seed, factories.shipments(*[{}] * size, seed=seed % 7))

    records.check(made, PostEntry(), oracle)


def test_events_count_and_claims_add_up():
    row = of(importer=record(shipments=50, cf28=3, cf29=1, protests=2, corrections=4, claimed_cents=800_00))

    assert row[["importer_cf28", "importer_cf29", "importer_protests", "importer_corrections"]].tolist() == [3, 1, 2, 4]
    assert (row["importer_claimed_usd"], row["importer_claimed_per_action_usd"]) == (800, 200)
    assert row["importer_cf29_share"] == 0.25


def test_a_rate_starts_from_the_country_s_and_moves_half_way_in_a_hundred_shipments():
    nothing, many = record(), record(shipments=100, cf28=10)

    assert of(filer=nothing)["filer_cf28_per_1000"] == pytest.approx(5)
    assert of(filer=many)["filer_cf28_per_1000"] == pytest.approx((5 + 100) / 2)
    assert PRIOR_SHIPMENTS == 100


def test_one_action_on_one_shipment_is_no_thousand_per_thousand():
    assert of(importer=record(shipments=1, cf29=1))["importer_cf29_per_1000"] < 12


@pytest.mark.parametrize("name", RATES)
def test_more_events_raise_a_rate_and_more_shipments_without_lower_it(name):
    kind, measure = name.split("_")[:2]

    few, many = (of(**{kind: record(shipments=50, **{measure: n})})[name] for n in (1, 4))
    diluted = of(**{kind: record(shipments=500, **{measure: 1})})[name]

    assert diluted < few < many


def test_last_year_s_rate_follows_last_year():
    past = record(days=2000, shipments=100, cf29=4)
    past.decayed.update({("cf29", 365): 0.1, ("shipments", 365): 60.0})

    row = of(importer=past)

    assert row["importer_cf29_per_1000_hl365d"] < row["importer_cf29_per_1000"]


def test_without_any_event_in_the_country_there_is_no_feed_and_nothing_known():
    row = of(country=record(days=9, shipments=10), importer=record(shipments=10), filer=record(shipments=10))

    assert row.isna().all()


def test_with_a_feed_an_importer_without_events_is_clean():
    row = of(importer=record(shipments=10), importer_x_hs4=record(shipments=4))

    assert row[["importer_cf28", "importer_cf29", "importer_x_hs4_cf28", "importer_claimed_usd"]].eq(0).all()
    assert row[["importer_claimed_per_action_usd", "importer_cf29_share"]].isna().all()


def test_who_is_not_named_has_no_record():
    assert of().isna().all()
