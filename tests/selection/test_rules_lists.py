"""Rules on numbers and names of several entries, on watch-lists, and the reasons that these give."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.history.keys import Coded, derived
from riskscore.selection import match
from riskscore.selection.rule_columns import writing_of
from tests.factories import HOSTILE
from tests.selection.rules import DAY, frame, hits, listed, rule, where


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
