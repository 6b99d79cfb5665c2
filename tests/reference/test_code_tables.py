"""Entry types, modes, bonds, exams, agency flags, AD/CVD figures."""

from datetime import date

import numpy as np
import pytest

from riskscore import reference, tables
from riskscore.errors import ConfigError
from riskscore.reference import adcvd, codes, entry_types, examinations, partner_agencies, rows, timeline
from riskscore.reference.examinations import Span


@pytest.mark.parametrize(
    ("code", "day", "answer"),
    [
        ("86", date(2019, 9, 27), 0),
        ("86", date(2019, 9, 28), 1),
        ("86", date(2025, 8, 28), 1),
        ("86", date(2025, 8, 29), 0),
        ("13", date(2026, 6, 23), 0),
        ("13", date(2026, 6, 24), 1),
        ("01", date(1990, 1, 1), 1),
        ("1", date(2020, 1, 1), np.nan),
        ("77", date(2020, 1, 1), np.nan),
    ],
)
def test_entry_types_of_the_day(code, day, answer):
    np.testing.assert_array_equal(entry_types.valid(code, day), answer)


def test_the_entry_types_that_declare_adcvd():
    every = [row["code"] for row in rows("entry_types")]

    assert [c for c, flag in zip(every, entry_types.covers_adcvd(every), strict=True) if flag] == [
        "03",
        "07",
        "34",
        "38",
    ]
    assert entry_types.entry_type("77") is None
    assert entry_types.entry_type("61").low_confidence


def test_an_entry_type_that_came_back_is_valid_in_both_periods(own):
    header = ",".join(rows("entry_types")[0])
    text = f"{header}\n99,test,first,2000-01-01,2000-12-31,S,x\n99,test,again,2002-01-01,,S,x\n"
    days = [date(2000, 6, 1), date(2001, 6, 1), date(2002, 6, 1)]

    assert entry_types.valid("99", days, tables=own(entry_types=text)).tolist() == [1, 0, 1]


def test_every_mode_code_belongs_to_a_mode_of_the_shipments_table_or_to_none():
    every = [row["code"] for row in rows("mode_of_transport")]
    modes = set(codes.mode(every))

    assert modes - {None} <= set(tables.MODES)
    assert codes.mode(["12", "32", "33", "60", "70"]).tolist() == [None] * 5
    assert {row["code"] for row in rows("mode_families")} <= set(every)


def test_a_mode_is_as_sure_as_its_row():
    assert not codes.mode_of_transport("10").low_confidence
    assert codes.mode_of_transport("30").low_confidence
    assert codes.mode_of_transport("99") is None


def test_bonds():
    assert codes.bond_type(["0", "8", "9", "1"]).tolist()[1:] == ["continuous", "single transaction", None]
    assert codes.bond_activity(["4", "8"]).tolist() == ["FTZ operator", None]


def test_every_exam_of_the_outcomes_table_is_an_exam_of_the_trade():
    found = {exam: examinations.examination(exam) for exam in reference.exams()}

    assert None not in found.values()
    assert found["nii"].value.cost_usd == Span(0, 500)
    assert found["nii"].value.added_days == Span(1, 3)
    assert found["document"].value.added_days is None
    assert found["document"].value.cost_usd == Span(0, 0)
    assert found["intensive"].value.intrusive is True
    assert examinations.examination("smell") is None


def test_a_cost_that_is_no_range_is_refused(own):
    header = ",".join(rows("exam_types")[0])

    with pytest.raises(ConfigError, match="expected a range like 1-3, got 'dear'"):
        own(exam_types=f"{header}\n2,NII,x,no,1,dear,S,x\n")


@pytest.mark.parametrize(
    ("code", "agency", "required", "low"),
    [
        ("FD1", "FDA", False, False),
        ("FD2", "FDA", True, True),
        ("FD4", "FDA", True, False),
        ("AQ1", "APHIS", False, False),
        ("AL1", "APHIS Lacey", False, True),
        ("AL2", "APHIS Lacey", True, True),
        ("DT1", "NHTSA", False, False),
        ("DT2", "NHTSA", True, True),
        ("FW2", "FWS", None, True),
        ("NM8", "NMFS", None, True),
        ("CP1", "CPSC eFiling", None, True),
    ],
)
def test_agency_flags(code, agency, required, low):
    found = partner_agencies.flag(code)

    assert (found.value.agency, found.value.required, found.low_confidence) == (agency, required, low)


def test_flags_that_the_table_does_not_know_are_counted_not_guessed():
    cells = ["FD4; AQ1;XX1", "XX1", "", None]

    assert partner_agencies.flag("NM9") is None
    assert partner_agencies.agencies(cells).tolist() == [("FDA", "APHIS"), (), (), None]
    np.testing.assert_array_equal(partner_agencies.unknown(cells), [1, 1, 0, np.nan])
    np.testing.assert_array_equal(partner_agencies.required(cells), [1, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(partner_agencies.required(["FD1;FW1", "FD1;AQ1", "FW1;FD2"]), [np.nan, 0, 1])


def test_a_range_of_flags_that_cannot_be_read_is_refused(own):
    with pytest.raises(ConfigError, match="expected flags like FW1-FW3, got 'FW1-AB3'"):
        own(pga_flags_partial="flag,agency,meaning,conf,source\nFW1-AB3,FWS,,M,\n")


def test_orders_in_force_are_those_of_the_fiscal_year_and_not_carried_over():
    days = [date(2016, 9, 30), date(2016, 10, 1), date(2017, 10, 1), date(2018, 9, 30), date(2018, 10, 1)]

    np.testing.assert_array_equal(adcvd.orders_in_force(days), [np.nan, 411, 469, 469, np.nan])


def test_a_figure_that_is_no_number_is_refused(own):
    with pytest.raises(ConfigError, match="expected a number, got 'many'"):
        own(adcvd_stats="fy,measure,value,conf,source\n2020,orders in force,many,S,x\n")


def test_events_come_with_their_day():
    assert timeline.event("UCP start").since == date(2016, 7, 1)
    assert "AQUA conditions" not in timeline.events_until(date(2030, 1, 1))
    with pytest.raises(ConfigError, match="no event 'Moon landing'"):
        timeline.event("Moon landing")
