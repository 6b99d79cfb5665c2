from datetime import date, timedelta

import numpy as np
import pytest

from riskscore.errors import ConfigError
from riskscore.reference import preferences, rows

STARTS = [
    ("IL", "IL", "1985-09-01"), ("JO", "JO", "2001-12-17"), ("CL", "CL", "2004-01-01"), ("SG", "SG", "2004-01-01"),
    ("AU", "AU", "2005-01-01"), ("MA", "MA", "2006-01-01"), ("BH", "BH", "2006-08-01"), ("OM", "OM", "2009-01-01"),
    ("PE", "PE", "2009-02-01"), ("KR", "KR", "2012-03-15"), ("CO", "CO", "2012-05-15"), ("PA", "PA", "2012-10-31"),
    ("JP", "JP", "2020-01-01"), ("S", "MX", "2020-07-01"), ("S+", "CA", "2020-07-01"), ("P", "SV", "2006-03-01"),
    ("P+", "HN", "2006-04-01"), ("P", "NI", "2006-04-01"), ("P", "GT", "2006-07-01"), ("P+", "DO", "2007-03-01"),
    ("P", "CR", "2009-01-01"),
]  # fmt: skip


@pytest.mark.parametrize(("spi", "origin", "start"), STARTS)
def test_an_agreement_begins_on_its_day(spi, origin, start):
    day = date.fromisoformat(start)

    assert preferences.eligible(spi, origin, [day - timedelta(days=1), day]).tolist() == [0, 1]


@pytest.mark.parametrize(("spi", "origin"), [(s, o) for s, o, _ in STARTS])
def test_an_agreement_serves_its_partners_only(spi, origin):
    assert preferences.eligible(spi, "CN", date(2024, 1, 1)) == 0
    assert preferences.eligible(spi, origin, date(2024, 1, 1)) == 1


def test_nafta_gave_way_to_usmca():
    days = [date(2020, 6, 30), date(2020, 7, 1)]

    assert preferences.eligible("MX", "MX", days).tolist() == [1, 0]
    assert preferences.eligible("CA", "MX", days).tolist() == [0, 0]
    assert preferences.eligible("S", "MX", days).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("origin", "day", "answer"),
    [
        ("TH", date(2020, 12, 31), 1),
        ("TH", date(2021, 1, 1), 0),
        ("TH", date(2011, 6, 1), 0),
        ("IN", date(2019, 6, 4), 1),
        ("IN", date(2019, 6, 5), 0),
        ("TR", date(2019, 5, 17), 0),
        ("DE", date(2019, 1, 1), 0),
        ("PE", date(2005, 1, 1), np.nan),  # beneficiaries of those years were not read
        ("ZZ", date(2019, 1, 1), np.nan),
    ],
)
def test_gsp_lapsed_and_lost_members(origin, day, answer):
    np.testing.assert_array_equal(preferences.eligible("A", origin, day), answer)


def test_what_the_table_cannot_tell_is_null():
    assert np.isnan(preferences.eligible("A+", "BD", date(2019, 1, 1)))  # beneficiaries not read
    assert preferences.eligible("A+", "BD", date(2022, 1, 1)) == 0  # but the lapse is known
    assert np.isnan(preferences.eligible("D", "KE", date(2026, 1, 1)))  # renewal not verified
    assert preferences.eligible("D", "KE", date(2025, 9, 30)) == 1
    assert np.isnan(preferences.eligible(["QQ", None], "KE", date(2024, 1, 1))).all()


def test_the_year_2024_of_gsp_counts_119_beneficiaries():
    (countries,) = {
        row["countries"] for row in rows("preference_programmes") if row["spi"] == "A" and len(row["countries"]) > 2
    }

    assert len(set(countries.split(";"))) == 119


def test_peru_moved_from_andean_preferences_to_its_agreement():
    days = (date(2005, 1, 1), date(2009, 2, 1), date(2012, 1, 1))
    found = [sorted(set(preferences.candidates("PE", day)) - {"C", "K", "L"}) for day in days]

    assert found == [["J", "J+"], ["J", "J+", "PE"], ["PE"]]


def test_names_of_indicators():
    assert preferences.programme(["D", "S+", "XX", None]).tolist() == ["AGOA", "USMCA", None, None]


def test_a_programme_of_ones_own(own):
    header = ",".join(rows("preference_programmes")[0])
    mine = own(preference_programmes=f"{header}\nGB,UK,GB,2030-01-01,,S,x\n")

    assert preferences.eligible("GB", "GB", date(2030, 1, 1), tables=mine) == 1
    assert np.isnan(preferences.eligible("KR", "KR", date(2030, 1, 1), tables=mine))


def test_countries_that_are_none_are_refused(own):
    header = ",".join(rows("preference_programmes")[0])

    with pytest.raises(ConfigError, match=r"countries 'Korea' are none: preference_programmes\.csv, KR"):
        own(preference_programmes=f"{header}\nKR,Korea,Korea,2012-03-15,,S,x\n")
