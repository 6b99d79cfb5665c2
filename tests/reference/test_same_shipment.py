"""The same shipment on different days: what the trade programmes of the day make of it.

Every test quotes the rows of the reference tables that it rests on, so that a changed table fails here loudly.
Statuses go through the ledger: a morning knows what was known before it.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from riskscore.features.programme import Programme
from riskscore.history import History
from riskscore.ledger import statuses_on
from riskscore.reference import rows
from riskscore.reference.facts import read_day
from tests import factories
from tests.factories import append_rows, noon, opened
from tests.features.records import Made

ONE_DAY = timedelta(1)
MEMBER = {"trader_id": "T", "role": "importer", "ctpat_tier": 3, "ctpat_status": "validated",
          "isa_member": None, "ctpat_trade_compliance": True, "valid_from": date(2005, 1, 1)}  # fmt: skip
FOREIGN = {"trader_id": "T", "role": "shipper", "ctpat_tier": None, "ctpat_status": None, "aeo_programme": "AEO",
           "valid_from": date(2005, 1, 1)}  # fmt: skip
TRUST = ["importer_ctpat_tier", "importer_trusted_trader", "importer_membership_out_of_date"]
RECOGNISED = ["shipper_foreign_programme", "shipper_programme_not_recognised"]


def quoted(table: str, /, **cells: str):
    """The one row of a reference table with these cells."""
    found = [row for row in rows(table) if all(row[column] == cell for column, cell in cells.items())]
    assert len(found) == 1, f"{table}.csv no longer says {cells}"
    return found[0]


def on(*days: date, traders=(), **stated):
    """Features of one shipment, of importer and shipper T, for each day on which it might arrive."""
    shipment = {"importer_id": "T", "shipper_id": "T", "mode": "ocean"} | stated
    made = factories.shipments(*(shipment | {"arrival_date": day} for day in days))
    nothing = [{} for _ in days]
    frame = Made(made, nothing, nothing).frame()
    with opened() as (workspace, ledger):
        append_rows(workspace, ledger, traders=factories.traders(*traders))
        parties = {
            role: statuses_on(ledger.connection, frame[f"{role}_id"], frame["arrival_date"], ledger.position)
            for role in ("importer", "shipper")
        }
    return Programme().build(frame, History({}, {}, parties, {}, {})).set_axis(list(days))


# Trusted traders ----------------------------------------------------------------------------------------------


def test_an_importer_with_isa_in_2019_and_without_trade_compliance_in_2021():
    quoted("trusted_trader_rules", definition_id="tt_2012", tiers="2;3", membership="isa_member")
    ends = quoted("trusted_trader_definitions", definition_id="tt_2012", effective_to="2020-02-29")
    quoted("trusted_trader_rules", definition_id="ctpat_tc_integrated", membership="ctpat_trade_compliance")
    begins = quoted("trusted_trader_definitions", definition_id="ctpat_tc_integrated", effective_from="2020-03-01")
    last, first = read_day(ends["effective_to"]), read_day(begins["effective_from"])
    left_behind = MEMBER | {"isa_member": True, "ctpat_trade_compliance": False}

    found = on(date(2019, 6, 3), last, first, date(2021, 6, 1), traders=[left_behind])

    assert found[TRUST].to_numpy().tolist() == [[3, 1, 0], [3, 1, 0], [3, 0, 1], [3, 0, 1]]


def test_an_importer_that_was_carried_over_stays_trusted():
    begins = quoted("trusted_trader_definitions", definition_id="ctpat_tc_integrated", effective_from="2020-03-01")
    carried = read_day(begins["effective_from"])
    old = MEMBER | {"isa_member": True, "ctpat_trade_compliance": False, "valid_to": carried - ONE_DAY}

    found = on(date(2019, 6, 3), date(2021, 6, 1), traders=[old, MEMBER | {"valid_from": carried}])

    assert found[TRUST].to_numpy().tolist() == [[3, 1, 0], [3, 1, 0]]


def test_a_tier_lost_on_a_day_that_was_known_three_weeks_later():
    quoted("ctpat_tiers", tier="none", score_rule="treat as non-member from the suspension date")
    lost, known = date(2024, 3, 1), date(2024, 3, 22)
    closed = MEMBER | {"valid_to": lost - ONE_DAY, "known_at": noon(known)}
    suspended = MEMBER | {"ctpat_status": "suspended", "valid_from": lost, "known_at": noon(known)}
    mornings = (lost - ONE_DAY, lost, known, known + ONE_DAY)
    names = ["importer_ctpat_tier", "importer_ctpat_lost", "importer_trusted_trader"]

    found = on(*mornings, traders=[MEMBER, closed, suspended])

    # On the day it became known the morning was over; until then nobody could have scored it otherwise.
    assert found[names].to_numpy().tolist() == [[3, 0, 1], [3, 0, 1], [3, 0, 1], [0, 1, 0]]
    ages = found.loc[known + ONE_DAY, ["importer_status_age_days", "importer_status_learned_late_days"]]
    assert ages.tolist() == [22, 21]
    before = on(*mornings[:3], traders=[MEMBER])
    np.testing.assert_array_equal(found.iloc[:3], before)


def test_there_were_no_tiers_before_the_statute_and_tier_one_has_its_cap():
    first = quoted("ctpat_tiers", tier="1", effective_from="2006-10-13")
    assert "at most 20% of the high-risk THRESHOLD" in first["score_rule"]
    law = read_day(first["effective_from"])

    found = on(law - ONE_DAY, law, traders=[MEMBER | {"ctpat_tier": 1}])

    np.testing.assert_array_equal(found["importer_ctpat_tier"], [np.nan, 1])
    np.testing.assert_array_equal(found["importer_score_cut_cap"], [np.nan, 0.2])


@pytest.mark.parametrize(
    ("entity_type", "role", "tiers"),
    [
        ("US importer", "importer", "1;2;3"),
        ("US customs broker", "filer", ""),
        ("Sea carrier", "carrier", ""),
        ("Foreign (Mexico/Canada) manufacturer", "manufacturer", ""),
    ],
)
def test_a_tier_is_one_only_in_a_role_that_may_hold_it(entity_type, role, tiers):
    quoted("ctpat_entity_tiers", entity_type=entity_type, role=role, tiers=tiers)

    [found] = on(date(2024, 3, 1), traders=[MEMBER | {"role": role}]).to_dict("records")

    held = 3 if tiers else 0
    assert (found["importer_ctpat_tier"], found["importer_trusted_trader"]) == (held, held == 3)
    assert found["importer_tier_not_of_role"] == (held == 0)


def test_a_standing_from_before_ctpat_is_a_damaged_date():
    launched = read_day(quoted("programmes_timeline", event="CTPAT launched", date="2001-11")["date"])
    statuses = [MEMBER | {"valid_from": day} for day in (launched - ONE_DAY, launched)]

    found = [on(date(2024, 3, 1), traders=[status])["importer_standing_predates_ctpat"].item() for status in statuses]

    assert found == [1, 0]


# Foreign programmes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partner", "country", "signed"),
    [("New Zealand", "NZ", "2007-06"), ("Peru", "PE", "2018-09"), ("Colombia", "CO", "2023-04-17"),
     ("South Africa", "ZA", "2025-06-27")],
)  # fmt: skip
def test_a_foreign_programme_counts_from_its_recognition(partner, country, signed):
    row = quoted("mutual_recognition", partner=partner, country_codes=country, signed=signed)
    day = read_day(row["signed"])

    found = on(day - ONE_DAY, day, traders=[FOREIGN | {"country": country}])

    assert found[RECOGNISED].to_numpy().tolist() == [[0, 1], [1, 0]]


def test_the_united_kingdom_left_the_union_s_arrangement_and_got_its_own():
    union = quoted("mutual_recognition", partner="European Union", country_codes="EU27", signed="2012-05")
    member = quoted("eu_membership", country="GB", member_to="2020-01-31")
    own = quoted("mutual_recognition", partner="United Kingdom", country_codes="GB", signed="2021-01")
    joined, left, returned = read_day(union["signed"]), read_day(member["member_to"]), read_day(own["signed"])
    days = (joined - ONE_DAY, joined, left, left + ONE_DAY, returned - ONE_DAY, returned)

    british, german = (on(*days, traders=[FOREIGN | {"country": country}]) for country in ("GB", "DE"))

    assert british["shipper_foreign_programme"].tolist() == [0, 1, 1, 0, 0, 1]
    assert british["shipper_programme_not_recognised"].tolist() == [1, 0, 0, 1, 1, 0]
    assert german["shipper_foreign_programme"].tolist() == [0, 1, 1, 1, 1, 1]


def test_croatia_is_recognised_from_its_accession():
    accession = read_day(quoted("eu_membership", country="HR", member_from="2013-07-01")["member_from"])

    found = on(accession - ONE_DAY, accession, traders=[FOREIGN | {"country": "HR"}])

    assert found["shipper_foreign_programme"].tolist() == [0, 1]


def test_an_arrangement_that_was_not_verified_is_no_answer():
    quoted("mutual_recognition", partner="Malaysia", country_codes="MY", conf="unverified")

    found = on(date(2026, 3, 2), traders=[FOREIGN | {"country": "MY"}])

    assert found[[*RECOGNISED, "shipper_country_recognised"]].isna().all(axis=None)
    assert on(date(2026, 3, 2), traders=[FOREIGN | {"country": "CN"}])[RECOGNISED].to_numpy().tolist() == [[0, 1]]


# Ports --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("port", "since"), [("5203", "2015-12"), ("2704", "2016-09-15"), ("1601", "2016-12-15"), ("4909", "2016-12-15")]
)
def test_a_port_offers_aqua_lane_from_its_day(port, since):
    day = read_day(quoted("port_programmes", programme="AQUA", port=port, effective_from=since)["effective_from"])

    assert on(day - ONE_DAY, day, port=port)["port_offers_aqua_lane"].tolist() == [0, 1]
    assert on(day, port=port, mode="truck")["port_offers_aqua_lane"].isna().all()


def test_where_the_sources_do_not_name_the_ports_the_answer_is_open():
    planned = quoted("port_programmes", programme="AQUA", port="*", effective_from="2017-02", conf="unverified")
    spread = quoted("port_programmes", programme="UCP", port="24*", effective_from="2016-07-25", conf="unverified")
    aqua, ucp = read_day(planned["effective_from"]), read_day(spread["effective_from"])

    np.testing.assert_array_equal(on(aqua - ONE_DAY, aqua, port="3801")["port_offers_aqua_lane"], [0, np.nan])
    found = on(ucp - ONE_DAY, ucp, port="2403")["port_runs_unified_processing"]
    np.testing.assert_array_equal(found, [0, np.nan])


@pytest.mark.parametrize(
    ("port", "since", "before"),
    [("2604", "2016-07-25", 0), ("2402", "2018-09-24", np.nan), ("2304", "2020-03-04", np.nan)],
)
def test_a_port_of_the_southern_border_has_unified_processing_from_its_day(port, since, before):
    day = read_day(quoted("port_programmes", programme="UCP", port=port, effective_from=since)["effective_from"])

    found = on(day - ONE_DAY, day, port=port, mode="truck")["port_runs_unified_processing"]

    np.testing.assert_array_equal(found, [before, 1])
    assert on(day, port="2704")["port_runs_unified_processing"].tolist() == [0]
