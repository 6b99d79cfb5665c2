"""Documentation: what is missing, late, contradictory, amended, unknown, or does not check."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.features.documentation import ADDRESSES, CONTRADICTIONS, EXPECTED, NAMES, Documentation
from riskscore.reference import entry_types, manufacturers, tables
from riskscore.tables import SHIPMENTS
from tests import factories
from tests.factories import DAY, noon
from tests.features import records
from tests.features.handmade import arrivals, past
from tests.features.oracles import documentation as oracle

BOX, OTHER = "CSQU3054383", "MRKU5017545"
MID = manufacturers.build("CN", "Ningbo Hengtai Co", "88 Beach Rd", "Ningbo")
MADE = {"manufacturer_id": MID, "manufacturer_name": "Ningbo Hengtai Co", "origin_country": "CN"}


def of(builder=None, tracks=None, **stated):
    """The features of one shipment that states this much and nothing else."""
    shipments = arrivals(stated)
    return (builder or Documentation()).build(shipments, past(shipments, tracks)).iloc[0]


def said(name, **stated):
    """One feature of such a shipment; None for null."""
    found = of(**stated)[name]
    return None if np.isnan(found) else found


# Missing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "columns"), [("fields_missing", EXPECTED), ("names_missing", NAMES), ("addresses_missing", ADDRESSES)]
)
def test_every_missing_field_counts(name, columns):
    stated = {column: 1.0 if SHIPMENTS[column].type == "float" else "x" for column in columns}

    assert said(name, **stated) == 0
    assert said(name) == len(columns)
    assert [said(name, **stated | {column: None}) for column in columns] == [1] * len(columns)


@pytest.mark.parametrize(
    "name", ["TO ORDER", "To the order of Bank", " unknown.", "N/A", "same as consignee", "***NONE***"]
)
def test_a_name_may_name_nobody(name):
    assert said("names_placeholder", consignee_name=name) == 1
    assert said("names_placeholder", consignee_name=name, shipper_name=name, carrier_name="Maersk") == 2


@pytest.mark.parametrize("name", ["Order Ltd", "Unknown Worlds Inc", "Sameer", "", "T0 ORDER"])
def test_a_name_that_only_sounds_like_nobody_is_a_name(name):
    assert said("names_placeholder", consignee_name=name) == 0


def test_a_quantity_has_a_unit():
    assert said("quantity_without_unit", quantity=3.0) == 1
    assert said("quantity_without_unit", quantity=3.0, quantity_unit="NO") == 0
    assert said("quantity_without_unit", quantity_unit="NO") is None


# In time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "late"), [(24, 0), (24.5, 0), (23.99, 1), (0, 1), (-100, 1)], ids=lambda value: f"{value}"
)
def test_an_isf_is_filed_24_hours_before_lading(hours, late):
    laden = noon(DAY, -20)
    row = of(laden_at=laden, isf_filed_at=laden - timedelta(hours=hours))

    assert row["isf_hours_before_lading"] == pytest.approx(hours)
    assert (row["isf_late"], row["isf_missing"]) == (late, 0)


@pytest.mark.parametrize("mode", ["air", "truck", "rail", "mail", "express"])
def test_an_isf_is_asked_of_goods_by_sea(mode):
    row = of(mode=mode, laden_at=noon(DAY, -20), isf_filed_at=noon(DAY, -20))

    assert row[["isf_missing", "isf_late", "isf_hours_before_lading"]].isna().all()


@pytest.mark.parametrize(("day", "missing"), [(date(2009, 1, 25), None), (date(2009, 1, 26), 1)])
def test_an_isf_is_asked_since_the_rule(day, missing):
    assert said("isf_missing", arrival_date=day) == missing


def test_a_table_without_the_rule_asks_no_isf(tmp_path):
    (tmp_path / "programmes_timeline.csv").write_text(
        "event,date,detail,conf,source\nUFLPA presumption,2022-06-21,x,S,x\n", encoding="utf-8"
    )

    assert np.isnan(of(Documentation(tables(tmp_path)))["isf_missing"])


def test_days_from_filing_to_arrival():
    assert said("filed_days_before_arrival", filed_at=noon(DAY, -3)) == 2.5
    assert said("filed_days_before_arrival") is None


def test_shares_of_amended_and_deleted_filings():
    standing = {"shipments": 30, "amendments": 6, "deletions": 10, "first": 100, "last": 5}
    row = of(tracks={"importer": [standing], "filer": [standing | {"amendments": 15}]})
    new = of(tracks={"importer": [{}], "filer": [{}]})

    names = ["importer_amended_share", "filer_amended_share", "importer_deleted_share"]
    assert row[names].tolist() == [0.2, 0.5, 0.25]
    assert new[names].isna().all()


# Contradictions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "malformed", "origin", "name"),
    [
        ({}, 0, 0, 0),
        ({"origin_country": "VN"}, 0, 1, 0),
        ({"origin_country": None}, 0, None, 0),
        ({"manufacturer_name": "Saigon Shoes"}, 0, 0, 1),
        ({"manufacturer_name": "NINGBO, HENGTAI & Sons"}, 0, 0, 0),
        ({"manufacturer_name": None}, 0, 0, None),
        ({"manufacturer_id": "F-00012", "origin_country": "VN"}, 1, None, None),
        ({"manufacturer_id": None}, None, None, None),
        ({"manufacturer_id": f"XO{MID[2:]}", "origin_country": "CA"}, 0, 0, 0),
    ],
)
def test_a_manufacturer_number_says_where_and_who(stated, malformed, origin, name):
    row = of(**MADE | stated)
    found = row[["manufacturer_id_malformed", "manufacturer_origin_differs", "manufacturer_name_differs"]]

    assert [None if np.isnan(value) else value for value in found] == [malformed, origin, name]


@pytest.mark.parametrize(
    ("code", "in_bond", "contradicts"),
    [("61", False, 1), ("61", True, 0), ("01", True, 0), ("01", False, 0), ("61", None, None), ("99", False, None)],
)
def test_an_in_bond_entry_moves_in_bond(code, in_bond, contradicts):
    assert said("in_bond_entry_not_in_bond", entry_type=code, in_bond=in_bond) == contradicts


@pytest.mark.parametrize(
    ("regime", "code", "contradicts"),
    [
        ("ADD/CVD", "01", 1),
        ("MFN + anti-dumping", "11", 1),
        ("Countervailing duty", "03", 0),
        ("MFN", "01", 0),
        ("ADDITIONAL", "01", 0),
        ("AD", "99", None),
        (None, "01", None),
    ],
)
def test_duty_against_dumping_needs_its_entry(regime, code, contradicts):
    assert said("adcvd_regime_without_entry", duty_regime=regime, entry_type=code) == contradicts


@pytest.mark.parametrize(
    ("mode", "conveyance", "invalid", "elsewhere"),
    [
        ("ocean", "IMO 9319466", 0, None),
        ("ocean", "9319467", 1, None),
        ("ocean", "MAERSK ALABAMA", 1, None),
        ("air", "IMO 9319466", None, 1),
        ("air", "LH400", None, 0),
        ("ocean", None, None, None),
        ("truck", None, None, None),
    ],
)
def test_a_vessel_goes_by_sea(mode, conveyance, invalid, elsewhere):
    row = {"mode": mode, "conveyance_id": conveyance}

    assert said("vessel_number_invalid", **row) == invalid
    assert said("vessel_number_on_other_mode", **row) == elsewhere


@pytest.mark.parametrize(
    ("mode", "contradicts"), [("ocean", 0), ("air", 0), ("truck", 0), ("rail", 0), ("mail", 1), ("express", 1)]
)
def test_parcels_come_in_no_container(mode, contradicts):
    assert said("containers_contradict_mode", mode=mode, container_ids=BOX) == contradicts
    assert said("containers_contradict_mode", mode=mode) is None


def test_goods_of_a_value_weigh_something():
    assert said("weight_zero_with_value", value_usd=5.0, weight_kg=0.0) == 1
    assert said("weight_zero_with_value", value_usd=5.0, weight_kg=0.1) == 0
    assert said("weight_zero_with_value", value_usd=0.0, weight_kg=0.0) == 0
    assert said("weight_zero_with_value", weight_kg=0.0) is None


def test_contradictions_add_up():
    wrong = MADE | {"origin_country": "VN", "value_usd": 5.0, "weight_kg": 0.0, "entry_type": "86", "mode": "air"}
    row = of(**wrong, conveyance_id="IMO9319466")

    assert row["contradictions"] == sum(np.nan_to_num(row[name]) for name in CONTRADICTIONS) == 4
    assert of()["contradictions"] == 0


# Numbers and codes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("boxes", "stated", "invalid"),
    [(BOX, 1, 0), (f"{BOX}; {OTHER}", 2, 0), (f"{BOX};{BOX[:-1]}4;?", 3, 2), (" csqu 305438 3 ;", 1, 0), (";", 0, 0)],
)
def test_containers_are_counted_and_checked(boxes, stated, invalid):
    row = of(container_ids=boxes)

    assert (row["containers"], row["containers_invalid"]) == (stated, invalid)


@pytest.mark.parametrize(
    ("seals", "missing", "repeated"),
    [("S1;S2", 0, 0), ("S1;S1", 0, 1), ("S1;S1;S1", 0, 2), ("S1", 1, 0), (None, 2, None)],
)
def test_each_container_has_a_seal_of_its_own(seals, missing, repeated):
    boxed = {"container_ids": f"{BOX};{OTHER}", "seal_ids": seals}

    assert (said("seals_missing", **boxed), said("seals_repeated", **boxed)) == (missing, repeated)


def test_a_seal_and_a_box_seen_before():
    row = of(tracks={"seal": [{"shipments": 2, "first": 9, "last": 4}], "container": [{"shipments": 5, "last": 3}]})

    assert (row["seal_shipments"], row["container_last_seen_days"]) == (2, 3)


@pytest.mark.parametrize(
    ("number", "invalid"), [("ABC-1234567-6", 0), ("ABC-1234567-0", 1), ("160-12345675", None), ("S0", None)]
)
def test_an_entry_number_checks_where_it_is_one(number, invalid):
    assert said("entry_number_invalid", shipment_id=number) == invalid


@pytest.mark.parametrize(
    ("number", "malformed"), [("91-1144442XX", 0), ("123-45-6789", 0), ("240110-12345", 0), ("I-77", 1), (None, None)]
)
def test_an_importer_number_has_a_known_format(number, malformed):
    assert said("importer_number_malformed", importer_id=number) == malformed


@pytest.mark.parametrize(
    ("origin", "export", "unknown"),
    [("CN", "ZZ", 1), ("cn", "XX", 2), ("CN", None, 0), (None, None, None), ("XK", "US", 0)],
)
def test_codes_of_countries_are_known(origin, export, unknown):
    assert said("countries_unknown", origin_country=origin, export_country=export) == unknown


@pytest.mark.parametrize(("flags", "stated", "unknown"), [("FD1;ZZ9", 2, 1), ("FD1; AQ1;", 2, 0), (None, 0, None)])
def test_partner_agency_flags_are_known(flags, stated, unknown):
    assert (said("pga_flag_count", pga_flags=flags), said("pga_flags_unknown", pga_flags=flags)) == (stated, unknown)


@pytest.mark.parametrize("code", ["01", "11", "61", "99", "1", ""])
def test_an_entry_type_is_known_to_the_table_or_not(code):
    assert said("entry_type_unknown", entry_type=code) == (entry_types.entry_type(code) is None)
    assert said("entry_type_unknown") is None


# Everything at once ------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 5), st.sampled_from([None, *factories.HOSTILE]))
def test_every_feature_equals_its_description(seed, size, text):
    rows = factories.shipments(*[{}] * size, seed=seed % 11)
    odd = {"description", *NAMES, "container_ids", "seal_ids", "pga_flags", "conveyance_id", "duty_regime"}
    rows = [row | (dict.fromkeys(odd, text) if n == 0 and text else {}) for n, row in enumerate(rows)]

    records.check(records.chance(seed, rows), Documentation(), oracle)
