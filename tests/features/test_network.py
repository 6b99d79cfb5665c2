"""Parties and network: partners, their offenders, and identities under other numbers."""

from __future__ import annotations

import pandas as pd
import pytest

from riskscore.features.network import EXPOSURES, FANS, Network
from riskscore.features.track_record import PRIOR_EXAMS
from tests.features.handmade import arrivals, past

COUNTRY = {"exams": 100, "hits": 10}


def built(exposure=None, **tracks) -> pd.Series:
    """The features of one shipment; by default the country found something in one exam of ten."""
    shipments = arrivals({})
    records = {kind: [record] for kind, record in ({"country": COUNTRY} | tracks).items()}
    found = {name: [record] for name, record in (exposure or {}).items()}
    return Network().build(shipments, past(shipments, records, exposure=found)).iloc[0]


@pytest.mark.parametrize("name", FANS)
def test_partners_are_counted(name):
    kind, pair, _ = FANS[name]

    assert built(**{kind: {pair: 7}})[name] == 7
    assert pd.isna(built(**{kind: None})[name])


@pytest.mark.parametrize("name", EXPOSURES)
def test_offenders_are_two_hops_away(name):
    row = built({name: (5, 2, 3, 10)})

    assert (row[f"{name}_offenders"], row[f"{name}_hits"]) == (2, 3)
    assert row[f"{name}_hit_rate"] == pytest.approx((3 + PRIOR_EXAMS * 0.1) / (10 + PRIOR_EXAMS))


@pytest.mark.parametrize("name", EXPOSURES)
def test_of_partners_never_examined_the_country_is_expected(name):
    assert built({name: (0, 0, 0, 0)})[f"{name}_hit_rate"] == pytest.approx(0.1)
    assert pd.isna(built({name: (3, 0, 0, 0)}, country={})[f"{name}_hit_rate"])


def test_more_hits_of_partners_mean_a_higher_rate_and_more_clear_exams_a_lower_one():
    rates = [built({"importer_via_shipper": (2, 1, *found)})["importer_via_shipper_hit_rate"] for found in
             ((0, 9), (0, 3), (1, 3), (3, 3), (30, 30))]  # fmt: skip

    assert rates == sorted(rates)
    assert len(set(rates)) == 5


@pytest.mark.parametrize(("own", "others"), [({"first": 3, "last": 3, "shipments": 1}, 4), ({}, 5), (None, 5)])
def test_other_importers_at_an_address_leave_the_importer_out(own, others):
    row = built(importer_place={"importer_x_place": 5}, importer_x_place=own)

    assert row["importer_place_other_importers"] == others


def test_an_identity_is_known_under_other_numbers():
    whole = {"shipments": 30, "hits": 4, "first": 900, "last": 8}

    reborn = built(importer_identity=whole, importer_x_identity={})
    itself = built(importer_identity=whole, importer_x_identity=whole)
    unnumbered = built(importer_identity=whole, importer_x_identity=None)

    columns = ["importer_identity_shipments_under_other_numbers", "importer_identity_hits_under_other_numbers"]
    assert reborn[columns].tolist() == unnumbered[columns].tolist() == [30, 4]
    assert itself[columns].tolist() == [0, 0]
    assert reborn["importer_identity_first_seen_days"] == 900


@pytest.mark.parametrize(
    ("name", "kind", "pair"),
    [
        ("shipper_hits_with_other_importers", "shipper", "importer_x_shipper"),
        ("importer_place_hits_of_others", "importer_place", "importer_x_place"),
    ],
)
def test_own_hits_are_not_those_of_others(name, kind, pair):
    assert built(**{kind: {"hits": 5}, pair: {"hits": 2}})[name] == 3
    assert built(**{kind: {"hits": 5}, pair: {}})[name] == 5
    assert pd.isna(built(**{kind: None})[name])


def test_lookalikes_and_addresses():
    row = built({"importer_lookalikes": (3, 1, 2, 9), "importer_via_place": (4, 0, 0, 0)})

    assert row[["importer_lookalikes", "importer_lookalike_offenders", "importer_lookalike_hits"]].tolist() == [3, 1, 2]
    assert row["importer_addresses"] == 4


def test_without_parties_there_is_no_network():
    assert built().isna().all()
