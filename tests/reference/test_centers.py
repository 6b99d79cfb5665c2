from datetime import date

import numpy as np
import pytest

from riskscore.errors import ConfigError
from riskscore.reference import centers, rows
from riskscore.reference.validity import is_goods

DAY = date(2024, 1, 1)


def test_there_are_ten_centers():
    assert len(centers.all_centers()) == 10


@pytest.mark.parametrize(
    ("hts", "codes", "low"),
    [
        ("8703230190", ["AERO"], False),  # heading seen in a public document
        ("8511100000", ["AERO"], False),  # moved from Machinery in 2014
        ("8704100000", ["AERO"], False),
        ("2710121500", ["PNGM"], True),
        ("3004909244", ["PHC"], True),
        ("4202210090", ["CPMM", "AFT"], True),  # one has the whole chapter, the other a part
        ("9031800000", ["ELEC", "MACH", "PHC"], True),
        ("7309000000", [], None),  # left Base Metals, for where is not known
        ("7415100000", ["BM"], False),
        ("9801001098", [], None),
        ("7700000000", [], None),
        ("84", [], None),
        ("8471.30", [], None),
    ],
)
def test_candidates_with_their_confidence(hts, codes, low):
    found = centers.candidates(hts, DAY)

    assert [f.value for f in found] == codes
    assert {f.low_confidence for f in found} == (set() if low is None else {low})


def test_equal_claims_leave_the_answer_open():
    found = centers.center(["9031800000", "8471300100", "4202210090", None], DAY)

    assert found.tolist() == [None, "ELEC", "CPMM", None]


def test_a_center_has_nothing_before_it_opened():
    assert centers.center("8471300100", [date(2011, 9, 30), date(2011, 10, 1)]).tolist() == [None, "ELEC"]


def test_a_center_agrees_with_the_goods_when_it_is_a_candidate():
    names = ["MACH", "Machinery", "PHC", "APP", "nobody", None]
    found = centers.agrees(names, "9031800000", DAY)

    np.testing.assert_array_equal(found, [1, 1, 1, 0, np.nan, np.nan])
    assert np.isnan(centers.agrees("BM", "7309000000", DAY))


def test_every_chapter_of_the_indicative_list_is_covered():
    chapters = [f"{n:02d}" for n in range(1, 98) if is_goods(f"{n:02d}00")]
    empty = {chapter for chapter in chapters if not centers.candidates(f"{chapter}99000000", DAY)}

    assert empty == {"43", "86", "89"}  # the table names no Center for furs, railways and ships


def test_ranges_of_ones_own_change_the_answer(own):
    mine = own(center_hts="center,hts_from,hts_to,part,conf,source\nAPP,8471,8471,no,S,notice\n")

    assert centers.center(["8471300100", "8703230190"], DAY, tables=mine).tolist() == ["APP", None]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("XYZ,84,85,no,S,x", r"unknown Center 'XYZ': center_hts\.csv"),
        ("APP,84,8501,no,S,x", r"expected tariff prefixes of equal length, got '84' to '8501': center_hts\.csv"),
        ("APP,85,84,no,S,x", "expected tariff prefixes of equal length"),
    ],
)
def test_ranges_that_cannot_be_read_are_refused(own, row, message):
    with pytest.raises(ConfigError, match=message):
        own(center_hts=f"center,hts_from,hts_to,part,conf,source\n{row}\n")


def test_the_packaged_ranges_name_packaged_centers():
    assert {row["center"] for row in rows("center_hts")} - {""} == {
        row["code"] for row in rows("centers_of_excellence")
    }
