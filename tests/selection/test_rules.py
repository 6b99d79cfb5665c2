"""Must-exam rules against a row-by-row oracle; dates, nulls, order and faults."""

import operator
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.config import Condition, Config, MustExam
from riskscore.errors import ConfigError
from riskscore.history.keys import Coded, derived
from riskscore.selection import match
from riskscore.selection.rule_columns import kind_of, score_columns, writing_of
from riskscore.selection.watch_lists import COLUMNS, parse
from tests.factories import HOSTILE

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


def where(*conditions, **said):
    return MustExam(**{"id": "r1", "exam": "nii", "owner": "port", "reason": "why", "where": conditions} | said)


def listed(*lines, name="holds"):
    return {name: parse(name, "\n".join([",".join(COLUMNS), *lines]))}


def hits(rules, frame, day=DAY, lists=None):
    return match(rules, frame, day, lists or {}).frame["rule_id"].notna().tolist()


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
        ({"column": "value_usd", "op": "contains", "value": "1"}, "expected a column of text, got 'number'"),
        ({"op": "contains", "value": 85}, "expected text in quotes, or a list of texts, none blank, got 85"),
        ({"op": "contains", "value": ""}, "none blank, got ''"),
        ({"op": "starts_with", "value": ["85", " "]}, "none blank"),
        ({"op": "has", "value": "85"}, r"expected a column of several entries \(container_ids, seal_ids, pga_flags\)"),
        ({"column": "seal_ids", "op": "has", "value": "--"}, "expected identifiers"),
        ({"op": "in_list", "list": "hold"}, "unknown watch-list 'hold', did you mean holds"),
        ({"op": "in_list", "list": "holds", "value": "a"}, "expected no value beside list"),
        (
            {"column": "importer_name", "op": "in_list", "list": "holds"},
            "'N/A' names nothing that column 'importer_name'",
        ),
        ({"column": "arrival_date", "op": "ge", "value": "0001-01-01T00:00+05:00"}, "expected a day or time as text"),
    ],
)
def test_a_faulty_condition_is_named(condition, message):
    day = frame(hts=["a"], value_usd=[1.0], in_bond=[True], arrival_date=[DAY], importer_age_days=[3])
    day = day.assign(seal_ids="a", importer_name="b")
    with pytest.raises(ConfigError, match=message):
        match((rule(**condition),), day, DAY, listed("N/A,why,me,,"))


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


@pytest.mark.parametrize("wanted", ["csqu305438-3", ["X", "CSQU 305438 3"]])
def test_a_container_is_found_among_others_however_it_is_written(wanted):
    day = frame(container_ids=["MSCU1; CSQU3054383", "CSQU3054383X", "CSQU;3054383", None])
    assert hits((rule(column="container_ids", op="has", value=wanted),), day) == [True, False, False, False]


def test_flags_are_found_one_by_one():
    day = frame(pga_flags=["FD4; AQ1 ;", "AQ11", ";;", None])
    assert hits((rule(column="pga_flags", op="has", value=" AQ1"),), day) == [True, False, False, False]
    assert hits((where({"none_of": [{"column": "pga_flags", "op": "has", "value": "AQ1"}]}),), day) == [
        False,
        True,
        True,
        False,
    ]
    assert hits((rule(column="pga_flags", op="in_list", list="holds"),), day, lists=listed("AQ1,why,me,,")) == [
        True,
        False,
        False,
        False,
    ]


@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5).map(lambda text: text.replace(";", "")), min_size=1))
def test_numbers_are_written_as_history_writes_them(texts):
    known = Coded.of(pa.array(texts, pa.large_string()))
    seals = derived(["seal"], {"seal_ids": known}, np.zeros(len(texts), np.int32))["seal"]
    firsts = [next(filter(None, map(writing_of("seal_ids"), text.split(";"))), None) for text in texts]
    assert firsts == [seals.values[code].as_py() if code >= 0 else None for code in seals.codes.tolist()]


def test_a_name_is_looked_up_as_identity_writes_it():
    day = frame(importer_name=["ACME Imports, L.L.C.", "Acme Exports", "N/A", None])
    rules = (rule(column="importer_name", op="in_list", list="holds"),)
    assert hits(rules, day, lists=listed("The Acme Imports Inc.,why,me,,")) == [True, False, False, False]


def test_an_address_and_an_identifier_are_looked_up_too():
    entry = '"12 North Main Street, New York, NY 10001",why,me,,'
    day = frame(consignee_address=["12 N MAIN ST NEW YORK NY 10001", "12 Main St"], importer_id=["I1", "i1"])
    rules = (rule(column="consignee_address", op="in_list", list="holds"),)
    assert hits(rules, day, lists=listed(entry)) == [True, False]
    assert hits((rule(column="importer_id", op="in_list", list="holds"),), day, lists=listed("I1,w,m,,")) == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("dates", "counts"),
    [(",", True), ("2026-03-02,2026-03-02", True), (",2026-03-01", False), ("2026-03-03,", False)],
)
def test_entries_of_a_list_count_to_their_last_day(dates, counts):
    rules = (rule(column="port", op="in_list", list="holds"),)
    assert hits(rules, frame(port=["2704"]), lists=listed(f"2704,why,me,{dates}")) == [counts]


def test_the_reason_of_a_list_is_told_with_that_of_the_rule():
    lists = listed("MSCU2,import alert 16-81,FDA,,", "CSQU1,phone call,USDA,,")
    lists |= listed("IMP-1,audit,CBP,,", name="audits")
    held, audited = (
        {"column": c, "op": "in_list", "list": n} for c, n in (("container_ids", "holds"), ("importer_id", "audits"))
    )
    day = frame(container_ids=["x;CSQU1;MSCU2", "MSCU2", None], importer_id=["IMP-1", "IMP-2", "IMP-1"])
    told = match((where({"any_of": [held, audited]}),), day, DAY, lists).frame["reason"].tolist()
    assert told == [
        "why; watch-list holds: phone call (USDA); watch-list audits: audit (CBP)",
        "why; watch-list holds: import alert 16-81 (FDA)",
        "why; watch-list audits: audit (CBP)",
    ]


def test_a_reason_that_two_parties_share_is_told_once():
    parties = [{"column": f"{role}_id", "op": "in_list", "list": "holds"} for role in ("importer", "consignee")]
    day = frame(importer_id=["I1"], consignee_id=["I1"])
    told = match((where({"any_of": parties}),), day, DAY, listed("I1,audit,CBP,,")).frame["reason"].tolist()
    assert told == ["why; watch-list holds: audit (CBP)"]


def test_the_reason_of_a_list_is_told_of_its_own_rule_only():
    rules = (rule("r1", op="eq", value="a"), rule("r2", column="port", op="in_list", list="holds"))
    told = match(rules, frame(hts=["a", "b"], port=["1", "1"]), DAY, listed("1,x,y,,")).frame["reason"].tolist()
    assert told == ["reason of r1", "reason of r2; watch-list holds: x (y)"]


def test_a_list_that_speaks_against_an_exam_is_no_reason_for_it():
    spared = {
        "all_of": [{"column": "port", "op": "in_list", "list": "holds"}, {"column": "hts", "op": "eq", "value": "a"}]
    }
    day = frame(port=["1", "2", "2"], hts=["b", "b", "a"])
    told = match((where({"none_of": [spared]}),), day, DAY, listed("2,x,y,,")).frame["reason"]
    assert told.dropna().to_dict() == {"S0": "why", "S1": "why"}


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE if text.strip()] + [".*", "%", "_", "[a-z]+", "(", "' OR 1=1"]
)
@pytest.mark.parametrize("op", ["eq", "contains", "starts_with"])
def test_hostile_text_is_compared_and_nothing_else(text, op):
    day = frame(description=[text, "plain goods", f"§{text}§"])
    assert hits((rule(column="description", op=op, value=text),), day) == [True, False, op == "contains"]


def test_a_column_that_holds_what_its_type_does_not_allow_is_named():
    with pytest.raises(ConfigError, match="rule 'r1': column 'value_usd' holds what its type does not allow"):
        match((rule(column="value_usd", op="ge", value=1),), frame(value_usd=["much"]), DAY)


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


def test_versions_of_a_rule_follow_each_other_day_by_day():
    first = where({"column": "hts", "op": "eq", "value": "a"}, expires=date(2026, 3, 1))
    second = where({"column": "hts", "op": "eq", "value": "b"}, version=2, valid_from=date(2026, 3, 2))
    day = frame(hts=["a", "b"])
    assert hits((first, second), day, date(2026, 3, 1)) == [True, False]
    found = match((first, second), day, date(2026, 3, 2))
    assert found.frame["rule_id"].notna().tolist() == [False, True]
    assert [(r.rule_id, r.version, r.in_force) for r in found.report] == [("r1", 1, False), ("r1", 2, True)]
    assert found.order().tolist() == [0, 2]
    assert match((second, first), day, date(2026, 3, 2)).order().tolist() == [0, 1]


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        ({"version": 2, "valid_from": date(2026, 3, 1)}, "versions 1 and 2 of rule 'r1' overlap from 2026-03-01"),
        ({"version": 2, "expires": date(2020, 1, 1)}, "overlap from 0001-01-01"),
        ({"version": 1, "valid_from": date(2027, 1, 1)}, "version 1 of 'r1' twice"),
    ],
)
def test_two_versions_in_force_on_one_day_are_refused(second, fault):
    anything = {"column": "hts", "op": "not_null"}
    rules = (where(anything, expires=date(2026, 3, 1)), where(anything, **second))
    with pytest.raises(ConfigError, match=fault):
        match(rules, frame(hts=["a"]), DAY)


def test_the_order_of_a_rule_is_its_place():
    rules = (rule("r1", op="eq", value="b"), rule("r2", op="eq", value="a"))
    assert match(rules, frame(hts=["a", "b", "c"]), DAY).order().tolist() == [2, 1, 0]


NESTED = {
    "none_of": [{"any_of": [{"column": "port", "op": "in_list", "list": "holds"}, {"column": "hts", "op": "is_null"}]}]
}


def test_the_digest_is_of_all_that_a_rule_says_and_of_nothing_else():
    said = where(NESTED)
    words = {"id": "r2", "version": 2, "exam": "lab", "owner": "me", "reason": "because"}
    days = {"expires": DAY, "valid_from": DAY}
    others = [where(NESTED, **{name: value}) for name, value in (words | days).items()]
    others.append(where({"any_of": NESTED["none_of"]}))
    assert len({rule.digest() for rule in [said, *others]}) == 9
    assert where(NESTED, version=1, expires=None).digest() == said.digest()
    assert match((said,), frame(port=["a"], hts=["b"]), DAY, listed()).report[0].digest == said.digest()


def test_a_recorded_configuration_reads_back_the_same():
    config = Config(must_exam=(where(NESTED, {"column": "arrival_date", "op": "ge", "value": DAY}),))
    again = Config.model_validate(config.model_dump(mode="json"))
    assert again == config
    assert again.digest() == config.digest()


def test_a_report_as_record():
    [report] = match((rule(),), frame(hts=["a", None]), DAY).report
    said = report.as_record()
    assert said.pop("digest") == rule().digest()
    assert said == {"rule_id": "r1", "version": 1, "in_force": True, "matches": 1, "shipments": 2, "flag": ""}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"column": "hts"}, "expected column and op, or else one of any_of"),
        ({"op": "is_null"}, "expected column and op"),
        ({"any_of": []}, "expected column and op"),
        ({"any_of": [{}]}, "expected column and op"),
        ({"column": "hts", "op": "is_null", "any_of": [{"column": "hts", "op": "is_null"}]}, "or else one of any_of"),
        ({"any_of": [{"column": "a", "op": "is_null"}], "none_of": [{"column": "a", "op": "is_null"}]}, "or else one"),
        ({"column": "hts", "op": "in_list"}, "go together"),
        ({"column": "hts", "op": "is_null", "list": "holds"}, "go together"),
        ({"column": "hts", "op": "in_list", "list": "../secrets"}, "should match pattern"),
        ({"column": "hts", "op": "in_list", "list": "holds.csv"}, "should match pattern"),
        ({"column": "value_usd", "op": "ge", "value": float("nan")}, "expected a finite number"),
        ({"column": "value_usd", "op": "in", "value": [1.0, float("inf")]}, "expected a finite number"),
        ({"column": "hts", "op": "matches", "value": ".*"}, "Input should be"),
    ],
)
def test_a_condition_that_says_two_things_or_nothing_is_refused(said, fault):
    with pytest.raises(ValueError, match=fault):
        where(said)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"valid_from": date(2026, 3, 2), "expires": date(2026, 3, 1)}, "lies before valid_from"),
        ({"version": 0}, "greater than or equal to 1"),
        ({"id": ""}, "at least 1 character"),
        ({"id": "high-risk-threshold"}, "names the mandatory threshold itself"),
    ],
)
def test_a_rule_out_of_shape_is_refused(said, fault):
    with pytest.raises(ValueError, match=fault):
        where({"column": "hts", "op": "is_null"}, **said)


@pytest.mark.parametrize("values", [pd.Series([1, "a"], dtype=object), pd.Series(["a"], dtype="category")])
def test_what_no_table_declares_and_is_no_number_compares_as_text(values):
    assert kind_of(values.rename("some_feature")) == "text"
    assert hits((rule(column="some_feature", op="eq", value="a"),), frame(some_feature=values))[-1]
