"""What holds for every dated look-up: columns equal single answers, and nothing changes between two events."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.reference import (
    adcvd,
    centers,
    ctpat,
    de_minimis,
    entry_types,
    forced_labour,
    mutual_recognition,
    port_programmes,
    preferences,
    rows,
)
from riskscore.reference.facts import read_day

LOOK_UPS = [
    (de_minimis.threshold_usd, ["CN", "HK", "DE", "ZZ", None]),
    (mutual_recognition.recognised, ["GB", "HR", "NZ", "MY", "CN", None]),
    (mutual_recognition.in_force, ["GB", "HR", "NZ", "MY", "CN", "zz"]),
    (centers.center, ["8703230190", "8471300100", "9031800000", "0000", None]),
    (forced_labour.priority_sector, ["7606113060", "8507600020", "0301110000", "9503000073"]),
    (forced_labour.in_priority_sector, ["7606113060", "8507600020", "9801001098", None]),
    (port_programmes.aqua_lane, ["2704", "1601", "3901", "9999", None]),
    (port_programmes.unified_cargo_processing, ["2604", "2304", "2704", "US"]),
    (entry_types.valid, ["86", "13", "01", "99", None]),
    (lambda spi, day: preferences.eligible(spi, "MX", day), ["S", "MX", "A", "C", "D", "ZZ"]),
    (lambda spi, day: preferences.eligible(spi, "PE", day), ["PE", "J", "A", "A+", None]),
    (lambda tier, day: ctpat.trusted_trader(np.asarray(tier, int), True, False, day), ["1", "2"]),
    (lambda tier, day: ctpat.effective_tier(np.asarray(tier, int), "validated", day), ["0", "3", "9"]),
    (lambda _, day: adcvd.orders_in_force(day), ["x"]),
    (lambda _, day: forced_labour.presumption(day), ["x"]),
]
SPAN = (date(1970, 1, 1), date(2030, 12, 31))


def dates_of_the_tables():
    """Every day on which any packaged fact begins, and the day after any ends."""
    found = set()
    for name in ("de_minimis", "mutual_recognition", "eu_membership", "centers_of_excellence", "uflpa_sectors",
                 "port_programmes", "entry_types", "preference_programmes", "trusted_trader_definitions",
                 "ctpat_tiers", "programmes_timeline"):  # fmt: skip
        for row in rows(name):
            for column, cell in row.items():
                if column in ("effective_from", "effective_to", "signed", "member_from", "member_to", "opened",
                              "priority_from", "valid_from", "valid_to", "date") and read_day(cell):  # fmt: skip
                    found.add(read_day(cell) + timedelta(days=column.endswith("_to")))
    return found | {date(year, 10, 1) for year in (2016, 2017, 2018)}


EVENTS = dates_of_the_tables()


@pytest.mark.parametrize(("look_up", "keys"), LOOK_UPS)
@settings(max_examples=25)
@given(data=st.data())
def test_a_column_equals_its_single_answers(look_up, keys, data):
    asked = data.draw(st.lists(st.tuples(st.sampled_from(keys), st.dates(*SPAN)), min_size=1, max_size=20))
    column = look_up([key for key, _ in asked], [day for _, day in asked])

    np.testing.assert_array_equal(column, np.array([look_up(key, day).item() for key, day in asked], column.dtype))


@pytest.mark.parametrize(("look_up", "keys"), LOOK_UPS)
def test_nothing_changes_between_two_events(look_up, keys):
    days = [SPAN[0] + timedelta(days=n) for n in range((SPAN[1] - SPAN[0]).days)]
    quiet = np.array([day not in EVENTS for day in days[1:]])
    for key in keys:
        answers = look_up(key, days)
        same = (answers[1:] == answers[:-1]) | (pd.isna(answers[1:]) & pd.isna(answers[:-1]))

        assert same[quiet].all(), key


@pytest.mark.parametrize(("look_up", "keys"), LOOK_UPS)
def test_a_null_day_has_no_answer(look_up, keys):
    assert pd.isna(look_up(keys[0], [None, None])).all()
