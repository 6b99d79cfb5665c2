"""Novelty and change: what is new, several novelties at once, dormancy, and flows that swell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.features.novelty import COUNTED, OF_IMPORTER, Novelty
from tests import factories
from tests.features import records
from tests.features.handmade import arrivals, past
from tests.features.oracles import novelty as oracle

OLD = {"shipments": 100, "first": 1000, "last": 10, "value_cents": 100_000_00, **dict.fromkeys(COUNTED, 1)}
ALL_NEW = {pair: {} for pair in OF_IMPORTER}
SEEN = {"shipments": 100, "first": 1000, "last": 10}
STEADY = {
    "shipments": 1000,
    ("shipments", 7): 1 / (2 ** (1 / 7) - 1),
    ("shipments", 30): 1 / (2 ** (1 / 30) - 1),
    ("shipments", 365): (1 - 2 ** (-1000 / 365)) / (2 ** (1 / 365) - 1),
    "value_cents": 1000 * 500_00,
    ("value_cents", 30): 500_00 / (2 ** (1 / 30) - 1),
    "first": 1000,
    "last": 1,
}
"""One shipment of 500 USD a day for 1,000 days."""


def built(importer, value_usd=None, **tracks):
    """The features of one shipment whose importer has this record."""
    shipments = arrivals({"value_usd": value_usd})
    records = {"importer": importer, **tracks}
    return Novelty().build(shipments, past(shipments, {kind: [record] for kind, record in records.items()})).iloc[0]


def test_an_established_importer_with_everything_new_is_the_signature_of_misuse():
    usual = built(OLD, **dict.fromkeys(OF_IMPORTER, SEEN))
    one = built(OLD, **dict.fromkeys(OF_IMPORTER, SEEN) | {"importer_x_filer": {}})
    several = built(OLD, **ALL_NEW)

    assert [row["importer_new_pairings"] for row in (usual, one, several)] == [0, 1, 7]
    assert usual["importer_novelty_surprise"] == 0
    # One in 101, for each of the five pairings whose number is known.
    assert one["importer_novelty_surprise"] == pytest.approx(np.log2(101 / 2))
    assert several["importer_novelty_surprise"] == pytest.approx(5 * np.log2(101 / 2))


def test_one_more_filer_says_more_of_who_had_one_than_of_who_had_many():
    surprises = [
        built(OLD | {"importer_x_filer": n}, importer_x_filer={})["importer_novelty_surprise"] for n in (1, 9, 100, 300)
    ]

    assert surprises == sorted(surprises, reverse=True)
    assert surprises[-2:] == [0, 0]


def test_of_a_newcomer_nothing_is_a_novelty():
    row = built({}, **ALL_NEW)

    assert row["importer_shipments"] == row["importer_x_place_shipments"] == 0
    assert row[["importer_first_seen_days", "importer_new_pairings", "importer_novelty_surprise"]].isna().all()


def test_a_pairing_that_is_not_stated_is_neither_new_nor_known():
    row = built(OLD, importer_x_filer={}, importer_x_place=None)

    assert row["importer_new_pairings"] == 1
    assert row[["importer_x_place_shipments", "importer_x_place_first_seen_days"]].isna().all()


def test_a_pairing_whose_filings_were_all_deleted_is_no_novelty():
    row = built(OLD, importer_x_filer={"shipments": 0, "first": 30, "last": 30})

    assert (row["importer_new_pairings"], row["importer_x_filer_first_seen_days"]) == (0, 30)


def test_new_parties_are_counted_where_stated():
    row = built({}, consignee={}, shipper=SEEN, manufacturer=None, filer=SEEN, carrier={})

    assert row["new_parties"] == 3


def test_a_steady_flow_has_ratios_of_one():
    row = built(STEADY, value_usd=500.0)

    ratios = row[["importer_volume_ratio_hl30d", "importer_volume_ratio_hl7d", "importer_value_ratio_hl30d"]]
    np.testing.assert_allclose(ratios.astype(float), 1, rtol=1e-9)
    assert row["value_over_importer_mean"] == row["importer_dormancy_ratio"] == 1


@given(st.integers(1, 2000))
def test_a_steady_flow_has_ratios_of_one_however_young(age):
    left = {half_life: sum(2 ** (-day / half_life) for day in range(1, age + 1)) for half_life in (7, 30, 365)}
    row = built({"shipments": age, "first": age, "last": 1} | {("shipments", hl): x for hl, x in left.items()})

    assert row["importer_volume_ratio_hl30d"] == pytest.approx(1)
    assert row["importer_volume_ratio_hl7d"] == pytest.approx(1)


def test_a_week_of_ten_times_the_flow_shows_in_the_week_first():
    week = sum(2 ** (-day / 7) for day in range(1, 8))
    month = sum(2 ** (-day / 30) for day in range(1, 8))
    year = sum(2 ** (-day / 365) for day in range(1, 8))
    more = {("shipments", 7): 9 * week, ("shipments", 30): 9 * month, ("shipments", 365): 9 * year, "shipments": 63}
    row = built(STEADY | {key: STEADY[key] + extra for key, extra in more.items()})

    assert 4 < row["importer_volume_ratio_hl7d"] < 10
    assert 1.5 < row["importer_volume_ratio_hl30d"] < row["importer_volume_ratio_hl7d"]
    assert row["importer_value_ratio_hl30d"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("first", "last", "shipments", "ratio"),
    [(400, 100, 4, 1), (100, 100, 30, 100), (130, 100, 31, 100), (400, 300, 1, None), (400, 300, 0, None)],
)
def test_dormancy_is_measured_by_the_usual_gap(first, last, shipments, ratio):
    row = built({"shipments": shipments, "first": first, "last": last})

    assert row["importer_last_seen_days"] == last
    assert row["importer_dormancy_ratio"] == pytest.approx(ratio) if ratio else np.isnan(row["importer_dormancy_ratio"])


def test_a_value_is_set_against_the_importers_own_mean():
    assert built(OLD, value_usd=5000.0)["value_over_importer_mean"] == 5
    assert np.isnan(built(OLD)["value_over_importer_mean"])
    assert np.isnan(built(OLD | {"value_cents": 0}, value_usd=5000.0)["value_over_importer_mean"])


def test_when_all_was_deleted_there_is_no_flow_to_compare():
    row = built({"first": 50, "last": 20}, value_usd=1.0)

    assert row[[name for name in row.index if "ratio" in name or "mean" in name]].isna().all()


def test_without_parties_only_their_number_is_known():
    row = built(None)

    assert row["new_parties"] == 0
    assert row.drop("new_parties").isna().all()


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 5))
def test_every_feature_equals_its_description(seed, size):
    records.check(records.chance(seed, factories.shipments(*[{}] * size, seed=seed % 7)), Novelty(), oracle)
