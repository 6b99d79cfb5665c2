"""Must-exam rules against a row-by-row oracle; dates, nulls and order."""

import operator
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.config import Condition
from riskscore.errors import ConfigError
from riskscore.selection import match
from riskscore.selection.rule_columns import kind_of, score_columns
from tests.factories import HOSTILE
from tests.selection.rules import DAY, frame, hits, listed, rule, where

COMPARE = {name: getattr(operator, name) for name in ("eq", "ne", "ge", "gt", "le", "lt")}

text = st.sampled_from(["", "8501", "8517", "85170000", "é", "💊"])
number = st.sampled_from([-1.0, 0.0, 0.5, 1e6])
ordered = st.sampled_from(sorted(COMPARE))


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


@pytest.mark.parametrize("column", ["value_usd", "some_feature"])
def test_a_column_of_nulls_is_no_fault(column):
    day = frame(**{column: [np.nan, np.nan]})
    assert hits((rule(column=column, op="ge", value=1),), day) == [False, False]


def test_what_is_unknown_is_neither_in_a_group_nor_out_of_it():
    rich, unsealed = {"column": "value_usd", "op": "ge", "value": 10}, {"column": "seal_ids", "op": "is_null"}
    day = frame(value_usd=[5.0, 20.0, None, None], seal_ids=["a", "a", "a", None])
    assert hits((where({"none_of": [rich]}),), day) == [True, False, False, False]
    assert hits((where({"any_of": [rich, unsealed]}),), day) == [False, True, False, True]
    assert hits((where({"none_of": [{"any_of": [rich, unsealed]}]}),), day) == [True, False, False, False]
    assert hits((where({"none_of": [{"all_of": [rich, unsealed]}]}),), day) == [True, True, True, False]


@pytest.mark.parametrize(
    "said",
    [
        {"column": "hts", "op": "eq", "value": "a"},
        {"column": "hts", "op": "in", "value": ["a"]},
        {"column": "hts", "op": "contains", "value": "a"},
        {"column": "hts", "op": "in_list", "list": "holds"},
        {"column": "pga_flags", "op": "has", "value": "a"},
        {"column": "pga_flags", "op": "in_list", "list": "holds"},
        {"column": "importer_name", "op": "in_list", "list": "holds"},
        {"column": "value_usd", "op": "eq", "value": 1},
        {"column": "value_usd", "op": "not_in", "value": [1]},
        {"column": "in_bond", "op": "eq", "value": True},
        {"column": "arrival_date", "op": "gt", "value": "2026-03-02"},
        {"column": "some_feature", "op": "ge", "value": 1},
    ],
    ids=lambda said: f"{said['column']} {said['op']}",
)
def test_a_null_is_in_no_test_and_out_of_none(said):
    day = frame(**{said["column"]: pd.Series([None, None], dtype=object)})
    both = {"any_of": [said, {"none_of": [said]}]}
    assert hits((where(both),), day, lists=listed("acme,why,me,,")) == [False, False]


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE if text.strip()] + [".*", "%", "_", "[a-z]+", "(", "' OR 1=1"]
)
@pytest.mark.parametrize("op", ["eq", "contains", "starts_with"])
def test_hostile_text_is_compared_and_nothing_else(text, op):
    day = frame(description=[text, "plain goods", f"§{text}§"])
    assert hits((rule(column="description", op=op, value=text),), day) == [True, False, op == "contains"]


def test_the_index_is_the_shipment():
    assert hits((rule(column="shipment_id", op="eq", value="S1"),), frame(hts=["a", "b"])) == [False, True]


def test_rules_read_scores():
    day = frame(port=["a", "b"]).join(
        score_columns(pd.DataFrame({"any": [0.9, 0.1], "ipr": [0.1, 0.8]}, index=["S0", "S1"]))
    )
    assert hits((rule(column="risk_score", op="ge", value=0.5),), day) == [True, False]
    assert hits((rule(column="score_ipr", op="ge", value=0.5),), day) == [False, True]
    assert hits((rule(column="score_narcotics", op="ge", value=0),), day) == [False, False]
    with pytest.raises(ConfigError, match="unknown column 'score_wmd_terror'"):
        hits((rule(column="score_wmd_terror", op="ge", value=0.5),), day)


@pytest.mark.parametrize("values", [pd.Series([1, "a"], dtype=object), pd.Series(["a"], dtype="category")])
def test_what_no_table_declares_and_is_no_number_compares_as_text(values):
    assert kind_of(values.rename("some_feature")) == "text"
    assert hits((rule(column="some_feature", op="eq", value="a"),), frame(some_feature=values))[-1]
