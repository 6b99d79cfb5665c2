"""Faulty rules are refused by name; a rule's versions, place, digest and record."""

from datetime import date

import pytest

from riskscore.config import Config
from riskscore.errors import ConfigError
from riskscore.selection import match
from tests.selection.rules import DAY, frame, hits, listed, rule, where


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


def test_a_rule_on_a_declared_column_is_checked_on_a_day_of_nulls_too():
    with pytest.raises(ConfigError, match="expected text in quotes"):
        match((rule(op="eq", value=1),), frame(hts=[None, None]), DAY)


def test_a_column_that_holds_what_its_type_does_not_allow_is_named():
    with pytest.raises(ConfigError, match="rule 'r1': column 'value_usd' holds what its type does not allow"):
        match((rule(column="value_usd", op="ge", value=1),), frame(value_usd=["much"]), DAY)


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
