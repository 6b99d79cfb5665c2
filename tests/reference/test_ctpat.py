from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore import tables
from riskscore.errors import ConfigError
from riskscore.reference import ctpat, rows
from riskscore.reference.facts import read_day

TRADER = st.tuples(
    st.sampled_from([0, 1, 2, 3]), st.booleans(), st.booleans(), st.dates(date(2011, 10, 1), date(2030, 1, 1))
)


@given(st.lists(TRADER, min_size=1, max_size=20))
def test_trusted_is_tier_two_or_three_and_the_membership_of_the_day(traders):
    tier, isa, compliance, days = (list(column) for column in zip(*traders, strict=True))
    expected = [t >= 2 and (i if d < date(2020, 3, 1) else c) for t, i, c, d in traders]

    assert ctpat.trusted_trader(tier, isa, compliance, days).tolist() == expected


@pytest.mark.parametrize(
    ("isa", "compliance", "day", "trusted"),
    [
        (True, False, date(2019, 6, 1), 1),
        (True, False, date(2020, 2, 29), 1),
        (True, False, date(2020, 3, 1), 0),
        (True, False, date(2021, 6, 1), 0),
        (False, True, date(2020, 2, 29), 0),
        (False, True, date(2020, 3, 1), 1),
        (False, True, date(2022, 8, 1), 1),
        (None, None, date(2022, 8, 1), 0),
        (True, True, date(2011, 9, 30), np.nan),
    ],
)
def test_self_assessment_became_trade_compliance(isa, compliance, day, trusted):
    np.testing.assert_array_equal(ctpat.trusted_trader(3, isa, compliance, day), trusted)


def test_an_unknown_tier_is_neither_trusted_nor_not():
    found = ctpat.trusted_trader(pd.Series([2, None], dtype="Int64"), True, pd.NA, date(2019, 1, 1))

    np.testing.assert_array_equal(found, [1, np.nan])


def test_definitions_keep_the_dates_of_the_table():
    expected = {
        row["definition_id"]: (read_day(row["effective_from"]), read_day(row["effective_to"]))
        for row in rows("trusted_trader_definitions")
    }

    assert {d.value.definition: (d.since, d.until) for d in ctpat.definitions()} == expected


def test_suspension_and_removal_end_every_benefit_that_day():
    statuses = ["validated", "suspended", "removed", "withdrawn", "none", None, "gone"]
    found = ctpat.effective_tier(3, statuses, date(2024, 1, 1))

    np.testing.assert_array_equal(found, [3, 0, 0, 0, 0, 3, np.nan])


def test_a_tier_lost_on_a_day_is_lost_from_that_day():
    days = pd.Series(pd.date_range("2024-03-01", periods=4))
    status = pd.Series(["validated", "validated", "suspended", "suspended"])
    tier = ctpat.effective_tier([2, 2, 2, 2], status, days)

    assert ctpat.trusted_trader(tier, False, True, days).tolist() == [1, 1, 0, 0]


def test_null_tiers_are_no_tier_and_strange_ones_are_unknown():
    found = ctpat.effective_tier([None, 0, 4, 2.5], "member", date(2024, 1, 1))

    np.testing.assert_array_equal(found, [0, 0, np.nan, np.nan])


def test_there_were_no_tiers_before_the_statute():
    found = ctpat.effective_tier(2, "validated", [date(2006, 10, 12), date(2006, 10, 13)])

    np.testing.assert_array_equal(found, [np.nan, 2])
    assert ctpat.benefit(2, date(2006, 10, 12)) is None


def test_standings_are_those_of_the_traders_table():
    assert set(ctpat.STANDINGS) == set(tables.TRADERS["ctpat_status"].choices)


@pytest.mark.parametrize(("tier", "share"), [(0, None), (1, 0.2), (2, None), (3, None)])
def test_only_the_first_tier_has_a_capped_reduction(tier, share):
    assert ctpat.benefit(tier, date(2024, 1, 1)).value.threshold_share == share


def test_a_suspended_member_gets_nothing_by_a_rule_from_memory():
    found = ctpat.benefit(0, date(2024, 1, 1))

    assert (found.value.grants, found.low_confidence) == ("no benefits", True)


def test_an_unknown_tier_has_no_benefit_to_name():
    assert ctpat.benefit(7, date(2024, 1, 1)) is None


def test_who_may_hold_a_tier_agrees_with_the_table():
    for row in rows("ctpat_entity_types"):
        tiers = ctpat.tiers_of(row["entity_type"])
        said = row["can_be_tiered"]
        assert (tiers.value == (1, 2, 3)) == said.startswith("yes")
        assert (tiers.value == ()) == (said == "no")
    assert ctpat.tiers_of("Space carrier") is None
    assert ctpat.tiered_roles() <= set(tables.ROLES)


def test_a_definition_of_ones_own(own):
    mine = own(
        trusted_trader_definitions="definition_id,effective_from,effective_to,rule,conf,source\nx,2030-01-01,,x,S,x\n",
        trusted_trader_rules="definition_id,tiers,membership,conf,source\nx,1,ctpat_trade_compliance,S,x\n",
    )

    assert ctpat.trusted_trader(1, False, True, date(2030, 1, 1), tables=mine) == 1
    assert np.isnan(ctpat.trusted_trader(1, False, True, date(2029, 1, 1), tables=mine))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("tt_2012,2,isa_member,S,x", "no rule for definition 'tt_pilot'"),
        ("tt_2012,2,vip,S,x", "unknown membership 'vip'"),
        ("tt_2012,two,isa_member,S,x", "expected a tier of 1, 2 or 3, got 'two'"),
    ],
)
def test_rules_that_cannot_be_read_are_refused(own, rules, message):
    with pytest.raises(ConfigError, match=message):
        own(trusted_trader_rules=f"definition_id,tiers,membership,conf,source\n{rules}\n")
