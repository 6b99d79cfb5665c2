from datetime import date

import numpy as np
import pytest

from riskscore.reference import PACKAGED, de_minimis, rows
from riskscore.reference.facts import read_day

DAYS = ("2016-03-09", "2016-03-10", "2025-05-01", "2025-05-02", "2025-08-28", "2025-08-29", "2027-07-01")


@pytest.mark.parametrize(
    ("origin", "thresholds"),
    [
        ("CN", (200, 800, 800, 0, 0, 0, 0)),
        ("HK", (200, 800, 800, 0, 0, 0, 0)),
        ("DE", (200, 800, 800, 800, 800, 0, 0)),
        ("MO", (200, 800, 800, 800, 800, 0, 0)),  # Macao is not named
        (None, (200, 800, 800, None, None, 0, 0)),
        ("ZZ", (200, 800, 800, None, None, 0, 0)),
        ("cn", (200, 800, 800, None, None, 0, 0)),
    ],
)
def test_the_same_origin_on_seven_days(origin, thresholds):
    found = de_minimis.threshold_usd(origin, [date.fromisoformat(day) for day in DAYS])

    np.testing.assert_array_equal(found, np.array(thresholds, dtype=float))


def test_before_the_first_row_nothing_is_known():
    assert np.isnan(de_minimis.threshold_usd("DE", date(1992, 12, 31)))


@pytest.mark.parametrize(
    ("day", "authority"),
    [
        (date(2026, 2, 19), "EO 14324 (2025-07-30)"),
        (date(2026, 2, 20), "EO 14388"),
        (date(2026, 6, 24), "91 FR 37789"),
        (date(2027, 7, 1), "One Big Beautiful Bill Act"),
    ],
)
def test_the_authority_is_that_of_the_day(day, authority):
    assert de_minimis.threshold("DE", day).value.authority.startswith(authority)


def test_a_named_origin_wins_over_all_origins():
    assert de_minimis.threshold("CN", date(2026, 3, 1)).value.origins == ("CN", "HK")
    assert de_minimis.threshold("CN", date(2026, 3, 1)).value.usd == 0


def test_confidence_is_that_of_the_row():
    assert de_minimis.threshold("DE", date(2020, 1, 1)).low_confidence
    assert not de_minimis.threshold("CN", date(2025, 5, 2)).low_confidence


def test_every_scope_is_read():
    assert {row["scope"] for row in rows("de_minimis")} == {row["scope"] for row in rows("de_minimis_scopes")}


def test_a_loop_over_the_table_agrees():
    scopes = {row["scope"]: row["origins"].split(";") for row in rows("de_minimis_scopes")}
    days = [
        date(year, month, day)
        for year in (1992, 1993, 2016, 2025, 2026, 2028)
        for month in (3, 5, 8)
        for day in (2, 9, 10, 29)
    ]
    for origin in ("CN", "HK", "FR"):
        for day in days:
            best = None
            for row in PACKAGED.rows("de_minimis"):
                start, end = read_day(row["effective_from"]), read_day(row["effective_to"])
                if start <= day <= (end or date.max):
                    rank = (origin in scopes[row["scope"]], start)
                    if (rank[0] or "*" in scopes[row["scope"]]) and (best is None or rank > best[0]):
                        best = rank, float(row["threshold_usd"])
            found = de_minimis.threshold_usd(origin, day).item()
            assert found == best[1] if best else np.isnan(found), (origin, day)


def test_origins_of_ones_own(own):
    header = "effective_from,effective_to,scope,threshold_usd,authority,conf,source\n"
    mine = own(de_minimis=header + "2000,,*,100,a,S,b\n2010,2012-12-31,MX;CA,300,c,S,d\n")
    found = de_minimis.threshold_usd(["CA", "FR", None, "CA"], [date(2011, 1, 1)] * 3 + [date(2013, 1, 1)], tables=mine)

    np.testing.assert_array_equal(found, [300, 100, np.nan, 100])
