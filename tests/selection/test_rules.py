"""Must-exam rules against a row-by-row oracle; dates, nulls, order and faults."""

import operator
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.config import Condition, MustExam
from riskscore.errors import ConfigError
from riskscore.selection import match

DAY = date(2026, 3, 2)
COMPARE = {name: getattr(operator, name) for name in ("eq", "ne", "ge", "gt", "le", "lt")}

text = st.sampled_from(["", "8501", "8517", "85170000", "é", "💊"])
number = st.sampled_from([-1.0, 0.0, 0.5, 1e6])
ordered = st.sampled_from(sorted(COMPARE))


def rule(name="r1", exam="nii", dates=(None, None), **condition):
    condition = {"column": "hts", "op": "not_null", **condition}
    return MustExam(
        id=name, exam=exam, owner="port", reason=f"reason of {name}",
        where=(Condition(**condition),), valid_from=dates[0], expires=dates[1],
    )  # fmt: skip


def hits(rules, frame, day=DAY):
    return match(rules, frame, day).frame["rule_id"].notna().tolist()


def frame(**columns):
    table = pd.DataFrame(columns)
    return table.set_axis([f"S{number}" for number in range(len(table))])


@given(st.lists(st.none() | text, min_size=1), ordered, text)
def test_text_compares_by_code_point_and_null_never(values, op, value):
    expected = [item is not None and COMPARE[op](item, value) for item in values]
    assert hits((rule(op=op, value=value),), frame(hts=pd.array(values, dtype="str"))) == expected


@given(st.lists(st.none() | number, min_size=1), ordered, number, st.sampled_from(["float64", "Float64", object]))
def test_numbers_compare_and_null_never(values, op, value, dtype):
    expected = [item is not None and COMPARE[op](item, value) for item in values]
    day = frame(value_usd=pd.Series(values, dtype=dtype))
    assert hits((rule(column="value_usd", op=op, value=value),), day) == expected


@given(st.lists(st.none() | text, min_size=1), st.lists(text, min_size=1), st.booleans())
def test_lists_hold_and_exclude_but_never_null(values, wanted, inside):
    expected = [item is not None and ((item in wanted) == inside) for item in values]
    condition = {"op": "in" if inside else "not_in", "value": wanted}
    assert hits((rule(**condition),), frame(hts=pd.array(values, dtype="str"))) == expected


@pytest.mark.parametrize("dtype", ["boolean", object])
def test_true_and_false(dtype):
    day = frame(in_bond=pd.Series([True, False, None], dtype=dtype))
    assert hits((rule(column="in_bond", op="eq", value=True),), day) == [True, False, False]
    assert hits((rule(column="in_bond", op="ne", value=True),), day) == [False, True, False]


@pytest.mark.parametrize(
    "arrivals",
    [
        pd.Series([date(2026, 3, 1), date(2026, 3, 2), None], dtype=object),
        pd.Series(pd.to_datetime(["2026-03-01", "2026-03-02", None])),
    ],
    ids=["dates", "datetimes"],
)
def test_days_compare_as_days(arrivals):
    late = rule(column="arrival_date", op="ge", value="2026-03-02")
    assert hits((late,), frame(arrival_date=arrivals)) == [False, True, False]


def test_times_compare_in_utc():
    filed = pd.Series(pd.to_datetime(["2026-03-01T23:30Z", "2026-03-02T00:30Z"]))
    late = rule(column="filed_at", op="gt", value="2026-03-02T01:00:00+01:00")
    assert hits((late,), frame(filed_at=filed)) == [False, True]


@given(st.lists(st.none() | text, min_size=1))
def test_null_tests_split_the_day(values):
    day = frame(hts=pd.Series(values, dtype=object))
    assert hits((rule(op="is_null"),), day) == [item is None for item in values]
    assert hits((rule(op="not_null"),), day) == [item is not None for item in values]


def test_all_conditions_must_hold():
    both = rule().model_copy(
        update={
            "where": (
                Condition(column="hts", op="eq", value="a"),
                Condition(column="port", op="eq", value="b"),
            )
        }
    )
    assert hits((both,), frame(hts=["a", "a", "x"], port=["b", "x", "b"])) == [True, False, False]


def test_the_first_rule_wins_and_the_report_counts_all():
    rules = (rule("r1", op="eq", value="a"), rule("r2", exam="lab"), rule("r3", op="eq", value="z"))
    found = match(rules, frame(hts=["a", "b"]), DAY)
    assert found.frame["rule_id"].tolist() == ["r1", "r2"]
    assert found.frame.loc["S1"].to_dict() == {"rule_id": "r2", "exam": "lab", "reason": "reason of r2"}
    assert [(r.rule_id, r.matches, r.flag) for r in found.report] == [
        ("r1", 1, ""), ("r2", 2, "matched everything"), ("r3", 0, "matched nothing"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("dates", "applies"),
    [
        ((None, None), True),
        ((DAY, DAY), True),
        ((None, date(2026, 3, 1)), False),
        ((date(2026, 3, 3), None), False),
    ],
)
def test_both_ends_of_validity_are_inclusive(dates, applies):
    found = match((rule(dates=dates),), frame(hts=["a"]), DAY)
    assert found.frame["rule_id"].notna().tolist() == [applies]
    assert found.report[0].in_force is applies


def test_a_rule_out_of_force_may_name_a_column_that_is_gone():
    found = match((rule(column="gone", dates=(None, date(2020, 1, 1))),), frame(hts=["a"]), DAY)
    assert found.report[0].flag == "not in force"


@pytest.mark.parametrize("day", [frame(hts=[]), frame(hts=["a", "b"])], ids=["empty day", "no rules"])
def test_no_rules_or_no_shipments_match_nothing(day):
    rules = (rule(),) if day.empty else ()
    found = match(rules, day, DAY)
    assert found.frame.index.equals(day.index)
    assert found.frame["rule_id"].isna().all()
    assert [r.flag for r in found.report] == [""] * len(rules)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"column": "htss"}, "rule 'r1': unknown column 'htss', did you mean hts"),
        ({"column": "zzzz"}, "unknown column 'zzzz': "),
        ({"op": "eq", "value": 8501}, "column 'hts' eq: expected text in quotes, got 8501"),
        ({"op": "in", "value": [8501]}, "column 'hts' in: expected text in quotes"),
        ({"op": "in", "value": "8501"}, "expected a list, got '8501'"),
        ({"op": "in", "value": []}, "expected a list"),
        ({"op": "eq", "value": ["8501"]}, "expected one value"),
        ({"op": "eq"}, "expected one value, got nothing"),
        ({"op": "is_null", "value": "8501"}, "expected no value"),
        ({"column": "value_usd", "op": "ge", "value": "1000"}, "expected a number, got '1000'"),
        ({"column": "value_usd", "op": "eq", "value": True}, "expected a number, got True"),
        ({"column": "in_bond", "op": "eq", "value": "yes"}, "expected true or false"),
        ({"column": "in_bond", "op": "ge", "value": True}, "expected eq or ne"),
        ({"column": "arrival_date", "op": "ge", "value": "soon"}, "expected a day or time as text"),
        ({"column": "importer_age_days", "op": "ge", "value": "old"}, "expected a number, got 'old'"),
    ],
)
def test_a_faulty_condition_is_named(condition, message):
    day = frame(hts=["a"], value_usd=[1.0], in_bond=[True], arrival_date=[DAY], importer_age_days=[3])
    with pytest.raises(ConfigError, match=message):
        match((rule(**condition),), day, DAY)


def test_all_faults_are_named_at_once():
    with pytest.raises(ConfigError, match=r"rule 'r1'.*rule 'r2'"):
        match((rule("r1", column="x"), rule("r2", column="y")), frame(hts=["a"]), DAY)


@pytest.mark.parametrize("column", ["value_usd", "some_feature"])
def test_a_column_of_nulls_is_no_fault(column):
    day = frame(**{column: [np.nan, np.nan]})
    assert hits((rule(column=column, op="ge", value=1),), day) == [False, False]


def test_a_rule_on_a_declared_column_is_checked_on_a_day_of_nulls_too():
    with pytest.raises(ConfigError, match="expected text in quotes"):
        match((rule(op="eq", value=1),), frame(hts=[None, None]), DAY)
