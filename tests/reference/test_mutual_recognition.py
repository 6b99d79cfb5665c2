from datetime import date, timedelta

import numpy as np
import pytest

from riskscore.reference import mutual_recognition, rows
from riskscore.reference.facts import read_day

SINGLE = [row for row in rows("mutual_recognition") if row["country_codes"] != "EU27" and row["signed"]]


@pytest.mark.parametrize("row", SINGLE, ids=lambda row: row["partner"])
def test_an_arrangement_holds_from_the_day_it_was_signed(row):
    signed = read_day(row["signed"])
    found = mutual_recognition.recognised(row["country_codes"], [signed, date(2026, 6, 1)])

    assert found.tolist() == [row["programme"]] * 2
    assert mutual_recognition.recognised(row["country_codes"], signed - timedelta(days=1)).item() is None


@pytest.mark.parametrize(
    ("country", "day", "programme"),
    [
        ("DE", date(2012, 4, 30), None),
        ("DE", date(2012, 5, 1), "Authorized Economic Operator"),
        ("HR", date(2013, 6, 30), None),
        ("HR", date(2013, 7, 1), "Authorized Economic Operator"),
        ("GB", date(2020, 1, 31), "Authorized Economic Operator"),
        ("GB", date(2020, 2, 1), None),
        ("GB", date(2020, 12, 31), None),
        ("GB", date(2021, 1, 1), "HMRC AEO"),
        ("CH", date(2026, 1, 1), None),
    ],
)
def test_the_union_is_its_members_on_the_day(country, day, programme):
    assert mutual_recognition.recognised(country, day).item() == programme


def test_on_any_day_the_members_are_those_of_the_table():
    for day in (date(2012, 5, 1), date(2013, 7, 1), date(2020, 1, 31), date(2020, 2, 1)):
        members = [
            row["country"]
            for row in rows("eu_membership")
            if read_day(row["member_from"]) <= day <= (read_day(row["member_to"]) or date.max)
        ]
        assert len(members) in (27, 28)
        assert mutual_recognition.in_force(members, day).tolist() == [1.0] * len(members)


def test_what_was_not_verified_is_a_candidate_and_no_answer():
    (found,) = mutual_recognition.candidates("MY", date(2026, 1, 1))

    assert (found.value, found.unverified, found.low_confidence) == ("AEO", True, True)
    assert mutual_recognition.recognised("MY", date(2026, 1, 1)).item() is None
    assert np.isnan(mutual_recognition.in_force("MY", date(2026, 1, 1)))


def test_members_of_the_union_are_less_sure_than_single_partners():
    assert mutual_recognition.candidates("DE", date(2020, 1, 1))[0].low_confidence
    assert not mutual_recognition.candidates("NZ", date(2020, 1, 1))[0].low_confidence


def test_an_unknown_country_is_null_and_a_known_one_without_arrangement_is_no():
    found = mutual_recognition.in_force(["CN", "ZZ", "China", None], date(2024, 1, 1))

    np.testing.assert_array_equal(found, [0, np.nan, np.nan, np.nan])


def test_an_arrangement_of_ones_own(own):
    header = ",".join(rows("mutual_recognition")[0])
    mine = own(mutual_recognition=f"{header}\nGulf,AEO,2024-02-01,AE;SA,,S,gazette\n")
    found = mutual_recognition.recognised(["AE", "SA", "NZ"], date(2024, 2, 1), tables=mine)

    assert found.tolist() == ["AEO", "AEO", None]
