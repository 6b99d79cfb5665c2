"""What a trader's status, a port and a bond say; the dates of the programmes are in tests/reference."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore import reference
from riskscore.features.programme import Programme
from riskscore.reference import ctpat
from tests import factories
from tests.factories import DAY, noon
from tests.features import records
from tests.features.oracles import programme as oracle

DATES = st.sampled_from([date(2001, 10, 31), date(2006, 10, 13), date(2011, 9, 30), date(2011, 10, 1),
                         date(2012, 5, 1), date(2015, 12, 1), date(2016, 9, 14), date(2016, 9, 15), date(2017, 2, 1),
                         date(2018, 9, 24), date(2020, 1, 31), date(2020, 2, 1), date(2020, 2, 29), date(2020, 3, 1),
                         date(2021, 1, 1), date(2022, 8, 1), DAY]) | st.dates(date(2000, 1, 1), DAY)  # fmt: skip
YES_NO = st.sampled_from([True, False, None])
STATUS = st.fixed_dictionaries(
    {
        "country": st.sampled_from(["US", "GB", "DE", "HR", "MX", "PE", "MY", "CN", "ZZ", None]),
        "role": st.sampled_from(["importer", "shipper", "filer", "carrier", "manufacturer", "trade lawyer", None]),
        "ctpat_tier": st.sampled_from([None, 0, 1, 2, 3]),
        "ctpat_status": st.sampled_from([None, *ctpat.STANDINGS]),
        "isa_member": YES_NO,
        "ctpat_trade_compliance": YES_NO,
        "aeo_programme": st.sampled_from([None, "AEO"]),
        "valid_from": st.dates(date(2000, 1, 1), DAY),
        "known_at": st.integers(-30, 60).map(lambda days: noon(DAY, days)),
    }
)
SHIPMENT = st.fixed_dictionaries(
    {
        "arrival_date": DATES,
        "mode": st.sampled_from(["ocean", "ocean", "truck"]),
        "port": st.sampled_from(["2704", "1601", "2604", "2402", "2305", "3801", "9999", "USLAX"]),
        "bond_type": st.sampled_from(["0", "8", "9", "7", "eight", None]),
    }
)


def of(importer=None, shipper=None, **stated):
    """The features of one shipment of DAY, with these statuses of its importer and shipper."""
    given_ones = {"importer": importer, "shipper": shipper}
    statuses = {role: status for role, status in given_ones.items() if status is not None}
    return records.one(statuses, stated).built(Programme()).iloc[0]


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.lists(SHIPMENT, max_size=6), st.lists(STATUS, max_size=6))
def test_every_feature_equals_its_description(seed, rows, statuses):
    held = factories.traders(*statuses)

    records.check(records.chance(seed, factories.shipments(*rows), held), Programme(), oracle)


MEMBER = {"ctpat_tier": 3, "ctpat_status": "validated", "role": "importer", "ctpat_trade_compliance": True}


@pytest.mark.parametrize("status", ctpat.STANDINGS)
def test_a_lost_standing_takes_tier_and_trust(status):
    row = of(MEMBER | {"ctpat_status": status})

    kept = status not in ctpat.LOST
    assert (row["importer_ctpat_tier"], row["importer_trusted_trader"]) == ((3, 1) if kept else (0, 0))
    assert row["importer_ctpat_lost"] == (status in ("suspended", "removed", "withdrawn"))
    assert row["importer_ctpat_standing"] == ctpat.STANDINGS.index(status)
    assert row["importer_self_assessment"] == 1


def test_only_tier_one_has_a_capped_cut_and_no_tier_has_none():
    caps = [of(MEMBER | {"ctpat_tier": tier})["importer_score_cut_cap"] for tier in (0, 1, 2, 3)]

    np.testing.assert_array_equal(caps, [0, 0.2, np.nan, np.nan])


def test_a_membership_that_was_not_carried_over_is_out_of_date():
    old = MEMBER | {"isa_member": True, "ctpat_trade_compliance": None, "valid_from": date(2019, 1, 1)}

    before, after = (of(old, arrival_date=day) for day in (date(2020, 2, 29), date(2020, 3, 1)))

    assert before[["importer_trusted_trader", "importer_membership_out_of_date"]].tolist() == [1, 0]
    assert after[["importer_trusted_trader", "importer_membership_out_of_date"]].tolist() == [0, 1]


def test_a_standing_from_before_ctpat_is_a_damaged_date():
    days = date(2001, 10, 31), date(2001, 11, 1)

    assert [of(MEMBER | {"valid_from": day})["importer_standing_predates_ctpat"] for day in days] == [1, 0]
    assert of({"ctpat_status": "none", "valid_from": days[0]})["importer_standing_predates_ctpat"] == 0


@pytest.mark.parametrize(("known", "late"), [(-5, 0), (0, 0), (21, 21)])
def test_how_late_we_learned_of_a_status(known, late):
    begun = DAY - timedelta(100)

    row = of(MEMBER | {"valid_from": begun, "known_at": noon(begun, known)})

    assert row[["importer_status_age_days", "importer_status_learned_late_days"]].tolist() == [100, late]


def test_a_status_is_that_of_the_party_that_holds_it():
    row = of(importer=MEMBER, shipper={"ctpat_status": "suspended", "aeo_programme": None, "country": "MX"})

    assert row[["importer_ctpat_lost", "shipper_ctpat_lost", "shipper_ctpat_member"]].tolist() == [0, 1, 0]
    assert row[["shipper_country_recognised", "shipper_foreign_programme"]].tolist() == [1, 0]


def test_who_is_not_on_record_is_nothing_but_that():
    row = of(port="USLAX", bond_type=None)

    assert row[["importer_on_record", "shipper_on_record"]].tolist() == [0, 0]
    assert row.drop(["importer_on_record", "shipper_on_record"]).isna().all()


def test_a_bond_is_the_table_s_row_of_it():
    found = [of(bond_type=code)["bond_type_code"] for code in ("0", "8", "9", "7", None)]

    np.testing.assert_array_equal(found, [0, 1, 2, np.nan, np.nan])


def test_tables_of_ones_own_decide(tmp_path):
    (tmp_path / "mutual_recognition.csv").write_text(
        "partner,programme,signed,country_codes,status_note,conf,source\nAtlantis,AEO,2020-01-01,CN,,S,x\n"
    )
    made = records.one({"shipper": {"country": "CN", "aeo_programme": "AEO"}})

    own, packaged = (made.built(Programme(t)).iloc[0] for t in (reference.tables(tmp_path), reference.PACKAGED))

    assert (own["shipper_foreign_programme"], packaged["shipper_foreign_programme"]) == (1, 0)


def test_rows_do_not_depend_on_one_another():
    shipments = factories.shipments(*({"port": port, "mode": "ocean"} for port in ("2704", "2604", "2704")))
    statuses = [{"importer": row, "shipper": row} for row in factories.traders(*[MEMBER, {}, MEMBER], seed=4)]
    made = records.Made(shipments, [{}] * 3, statuses)

    alone = [records.Made([r], [{}], [s]).built(Programme()) for r, s in zip(shipments, statuses, strict=True)]

    for number, row in enumerate(alone):
        np.testing.assert_array_equal(made.built(Programme()).iloc[number], row.iloc[0])
