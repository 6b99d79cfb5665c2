"""Validation against the declarations: every rule fires alone, every row is somewhere, nothing raises."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.errors import InputError
from riskscore.readers import number_rows
from riskscore.tables import INGESTED, OUTCOMES, REVIEWS, SHIPMENTS, TRADERS
from riskscore.validation import validate
from tests import factories

FACTORIES = {name: getattr(factories, name) for name in INGESTED}
NO_VALUE = {"int": ["3.5", "many", "1e99", "1_0"], "float": ["1e400", "NaN", "inf", "-inf", "ten", "1_000", "0.1_0"],
            "date": ["2026-02-30", "02/03/2026", "20260302", "soon"],
            "timestamp": ["2026-03-02T25:00:00Z", "noon", "2026-03-02 01:00:00 PM", "2026-03-02T01:00 Asia/Seoul"],
            "bool": ["2", "maybe"]}  # fmt: skip


def good_texts(table):
    row = FACTORIES[table.name]({})[0]
    return {name: None if value is None else str(value) for name, value in row.items()}


def violations(column):
    """Texts that break exactly one declared rule of the column."""
    if column.required:
        yield from (None, "", "  ")
    if column.type == "text" and not column.choices:
        yield "x" * (column.max_length + 1)
        yield "a\x00b"
        yield "a\x7fb"
    if column.choices:
        yield from ("no such choice", column.choices[0].upper())
    yield from NO_VALUE.get(column.type, ())
    if column.type in ("date", "timestamp"):
        yield from ("1899-12-31", "2199-01-01")
    if column.minimum is not None:
        yield str(column.minimum - 1)
    if column.maximum is not None:
        yield str(column.maximum + 1)


def cases(table):
    return [(column, text) for column in table.columns for text in violations(column)]


def texts(rows, names):
    return number_rows(pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names}))


@pytest.mark.parametrize("table", INGESTED.values(), ids=INGESTED)
def test_each_declared_rule_is_reported_alone(table):
    broken = cases(table)
    rows = [good_texts(table) | {column.name: text} for column, text in broken]
    found = validate(texts([*rows, good_texts(table)], table.names), table)
    assert found.accepted["_row"].to_pylist() == [len(rows) + 1], "only the good row is accepted"
    for (column, text), reasons in zip(broken, found.quarantined["reasons"].to_pylist(), strict=True):
        assert len(reasons) == 1, (column.name, text, reasons)
        assert reasons[0].startswith(f"{column.name}: "), (text, reasons)
        assert len(reasons[0]) < 500
        assert not set(reasons[0]) & {"\x00", "\n", "\x7f"}


@pytest.mark.parametrize("table", INGESTED.values(), ids=INGESTED)
def test_all_reasons_of_a_row_are_given(table):
    broken = dict(dict.fromkeys(column.name for column, _ in cases(table)))
    worst = {column.name: text for column, text in cases(table) if text is not None}
    found = validate(texts([good_texts(table) | worst], table.names), table)
    [reasons] = found.quarantined["reasons"].to_pylist()
    assert [reason.split(":")[0] for reason in reasons] == [name for name in table.names if name in broken]


def test_columns_that_disagree_are_reported_where_one_is_to_blame():
    row = good_texts(REVIEWS)
    waived = row | {"decision": "waive", "code": "ar_explained", "text": "as told"}
    broken = {
        "code: expected a code of its decision, got 'agreed'": row | {"decision": "waive"},
        "text: expected the words that this code asks for, got nothing": waived | {"text": " "},
        "exam_type: expected nothing, for this code names no exam, got 'lab'": row | {"exam_type": "lab"},
        "exam_type: expected the exam to be done instead, got nothing":
            row | {"decision": "override", "code": "exam_partner"},
    }  # fmt: skip
    found = validate(texts([*broken.values(), row, waived], REVIEWS.names), REVIEWS)
    assert found.quarantined["reasons"].to_pylist() == [[reason] for reason in broken]
    assert found.accepted["_row"].to_pylist() == [5, 6]
    bare = [name for name in REVIEWS.names if name not in {"text", "exam_type", "run_id", "known_at"}]
    [reasons] = validate(texts([waived, row], bare), REVIEWS).quarantined["reasons"].to_pylist()
    assert reasons == ["text: expected the words that this code asks for, got nothing"]


@pytest.mark.parametrize("table", INGESTED.values(), ids=INGESTED)
def test_null_is_information_not_an_error(table):
    required = [column.name for column in table.columns if column.required]
    row = {name: value if name in required else None for name, value in good_texts(table).items()}
    found = validate(texts([row], table.names), table)
    [kept] = found.accepted.to_pylist()
    assert all(kept[name] is None for name in table.names if name not in required)


@pytest.mark.parametrize("table", INGESTED.values(), ids=INGESTED)
def test_required_columns_are_enough_and_all_needed(table):
    required = [column.name for column in table.columns if column.required]
    assert validate(texts([good_texts(table)], required), table).accepted.num_rows == 1
    for name in required:
        with pytest.raises(InputError, match=rf"{table.name} table needs the columns \['{name}'\]"):
            validate(texts([good_texts(table)], [other for other in required if other != name]), table)


def test_the_required_columns_are_those_of_the_contract():
    required = {name: [c.name for c in table.columns if c.required] for name, table in INGESTED.items()}
    assert required["shipments"] == ["shipment_id", "arrival_date", "mode", "port"]


@pytest.mark.parametrize("table", INGESTED.values(), ids=INGESTED)
def test_odd_codes_are_findings_and_stay(table):
    patterned = [column for column in table.columns if column.pattern]
    rows = [good_texts(table) | {column.name: "?odd?"} for column in patterned]
    found = validate(texts(rows, table.names), table)
    assert found.quarantined.num_rows == 0
    assert found.findings == {column.name: 1 for column in patterned}
    for at, column in enumerate(patterned):
        assert found.accepted[column.name][at].as_py() == "?odd?"


@pytest.mark.parametrize("table", INGESTED.values(), ids=INGESTED)
def test_good_rows_come_back_typed_and_unchanged(table):
    rows = FACTORIES[table.name](*[{}] * 20, seed=3)
    found = validate(texts([{n: None if v is None else str(v) for n, v in row.items()} for row in rows], table.names),
                     table)  # fmt: skip
    assert found.quarantined.num_rows == 0
    expected = factories.accepted(table, rows)
    assert found.accepted.drop_columns(["_row"]).to_pylist() == expected.drop_columns(["_row"]).to_pylist()


def test_unknown_columns_are_refused_with_a_suggestion():
    with pytest.raises(InputError, match=r"unknown column 'importerid'.*f\.csv.*did you mean 'importer_id'"):
        validate(
            texts([good_texts(SHIPMENTS) | {"importerid": "x"}], [*SHIPMENTS.names, "importerid"]), SHIPMENTS, "f.csv"
        )
    with pytest.raises(InputError, match=r"unknown column 'zzz'.*the outcomes columns are shipment_id, exam_type"):
        validate(texts([good_texts(OUTCOMES) | {"zzz": "x"}], [*OUTCOMES.names, "zzz"]), OUTCOMES)


@pytest.mark.parametrize("held", INGESTED.values(), ids=INGESTED)
@pytest.mark.parametrize("meant", INGESTED.values(), ids=INGESTED)
def test_a_file_of_another_table_is_told_which(held, meant):
    raw = texts([good_texts(held)], held.names)
    if held is meant:
        assert validate(raw, meant).accepted.num_rows == 1
        return
    with pytest.raises(InputError, match=rf"f\.csv.*are columns of the {held.name} table") as refused:
        validate(raw, meant, "f.csv")
    named = refused.value.fix.split(" are columns")[0].split(", ")
    assert set(named) <= set(held.names) - set(meant.names)


def test_quarantine_keeps_what_was_there():
    row = good_texts(TRADERS) | {"ctpat_tier": "9", "name": 'Ünï "quoted"\nname'}
    found = validate(texts([row], TRADERS.names), TRADERS)
    [raw] = found.quarantined["raw"].to_pylist()
    assert json.loads(raw) == row


def test_arrival_date_of_a_quarantined_row_is_kept_where_readable():
    rows = [good_texts(SHIPMENTS) | {"mode": "boat"}, good_texts(SHIPMENTS) | {"arrival_date": "soon"}]
    found = validate(texts(rows, SHIPMENTS.names), SHIPMENTS)
    assert found.quarantined["arrival_date"].to_pylist() == [factories.DAY, None]


CELLS = st.none() | st.text(max_size=15) | st.sampled_from(
    ["2026-03-02", "air", "ocean", "2704", "1", "-1", "1e400", "nan", "new", "deleted", "true", "seized", "document",
     "2026-03-01T10:00:00Z", "2026-03-01T10:00:00+99:00", "99999-01-01", "infinity", "\x00", "'", '"', "{}", ";", "$1",
     "🚢", "\u202e", "NULL"]
)  # fmt: skip


@st.composite
def raw_tables(draw):
    table = draw(st.sampled_from(list(INGESTED.values())))
    required = [column.name for column in table.columns if column.required]
    others = draw(st.sets(st.sampled_from([n for n in table.names if n not in required]), max_size=6))
    names = [name for name in table.names if name in {*required, *others}]
    count = draw(st.integers(0, 5))
    cells = draw(st.lists(st.tuples(*[CELLS] * len(names)), min_size=count, max_size=count))
    return table, texts([dict(zip(names, row, strict=True)) for row in cells], names)


@settings(max_examples=20, deadline=None)
@given(raw_tables())
def test_any_text_is_accepted_or_quarantined_with_reasons(drawn):
    table, raw = drawn
    found = validate(raw, table)
    rows = sorted([*found.accepted["_row"].to_pylist(), *found.quarantined["_row"].to_pylist()])
    assert rows == raw["_row"].to_pylist()
    for reasons in found.quarantined["reasons"].to_pylist():
        assert reasons
        assert all(reason.split(":")[0] in table.names for reason in reasons), reasons


def test_rows_do_not_influence_each_other():
    row = good_texts(SHIPMENTS)
    many = texts(
        [row | {"shipment_id": f"S{n}", "mode": "boat" if n % 3 else "air"} for n in range(5000)], SHIPMENTS.names
    )
    found = validate(many, SHIPMENTS)
    assert found.accepted["_row"].to_pylist() == [n + 1 for n in range(5000) if n % 3 == 0]
    assert found.quarantined["_row"].to_pylist() == [n + 1 for n in range(5000) if n % 3]
