"""worklist.csv and worklist.xlsx: the published values, typed, and no text that acts."""

from __future__ import annotations

import csv
import io
import unicodedata
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.pipelines.report.listing import FIELDS
from riskscore.pipelines.report.texts import no_formula, visible
from tests.factories import DAY

ACTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 - these very letters
NUMBERS = {field.name for field in FIELDS if field.kind in {"count", "usd", "share", "number"}}
DATES = {field.name for field in FIELDS if field.kind == "date"}


def csv_rows(written):
    text = (written.folder / "worklist.csv").read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def xlsx_rows(written):
    [sheet] = openpyxl.load_workbook(written.folder / "worklist.xlsx").worksheets
    head, *rows = sheet.iter_rows()
    return [dict(zip([cell.value for cell in head], row, strict=True)) for row in rows]


def test_both_hold_the_published_rows(day, written):
    expected = [row for row in day.table.to_pylist() if row["recommendation"] == "examine"]
    filed = {row["shipment_id"]: row for row in day.live}
    rows, cells = csv_rows(written), xlsx_rows(written)
    assert len(rows) == len(cells) == len(expected)
    for row, cell, wanted in zip(rows, cells, expected, strict=True):
        own = filed[wanted["shipment_id"]]
        assert row["shipment_id"] == cell["shipment_id"].value == wanted["shipment_id"]
        assert float(row["risk_score"]) == wanted["risk_score"]
        assert cell["risk_score"].value == pytest.approx(wanted["risk_score"])
        assert float(row["expected_harm_usd"]) == pytest.approx(wanted["expected_harm_usd"])
        assert float(row["usd_per_kg"]) == pytest.approx(own["value_usd"] / own["weight_kg"])
        assert cell["value_usd"].value == own["value_usd"]
        assert row["center"] == (wanted["center"] or "")
        assert cell["center"].value == wanted["center"]
        assert row["reasons"] == no_formula("; ".join(reason["text"] for reason in wanted["reasons"]))
        scores = {name: score for name, score in wanted["hazard_scores"].items() if score is not None}
        assert row["likeliest_hazard"] == max(scores, key=scores.__getitem__)


def test_cells_are_typed(written):
    for row in xlsx_rows(written):
        for name, cell in row.items():
            if cell.value is None:
                continue
            kind = (int, float) if name in NUMBERS else datetime if name in DATES else str
            assert isinstance(cell.value, kind), name
        assert row["run_date"].value.date() == DAY
        assert row["risk_score"].number_format == "0.0%"


def test_tariff_numbers_keep_their_zeros(written, day):
    hts = {row["hts"] for row in day.live}
    assert {row["hts"].value for row in xlsx_rows(written)} <= hts


def test_hostile_texts_are_texts(bad_written):
    cells = [cell for row in xlsx_rows(bad_written) for cell in row.values()]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not any(cell.hyperlink for cell in cells)
    assert any(str(cell.value).startswith("=HYPERLINK") for cell in cells), "no formula was tried"
    assert any(len(str(cell.value)) >= 10_000 for cell in cells), "no long text was tried"


def test_no_field_of_the_csv_is_a_formula(bad_written):
    rows = csv_rows(bad_written)
    texts = [value for row in rows for name, value in row.items() if name not in NUMBERS]
    assert len(rows) == bad_written.examine
    assert not [text for text in texts if text.lstrip().startswith(ACTS)]
    assert any(text.startswith("'=") for text in texts), "no formula was tried"


@given(st.text())
def test_no_text_becomes_a_formula_or_hides(text):
    made = no_formula(visible(text))
    assert not made.lstrip().startswith(ACTS)
    assert not set(made) & set("\n\r\t\x00\u202e\u2066\u200b\ufeff")


def test_every_control_and_direction_mark_is_shown():
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    every = [chr(code) for code in range(0x110000)]
    marks = [c for c in every if unicodedata.bidirectional(c) in turning or unicodedata.category(c) == "Cc"]
    assert len(marks) > 70
    assert not [hex(ord(mark)) for mark in marks if mark in visible(f"a{mark}b")]
    assert visible("a\u202eb") == "a\\u202Eb"


def test_joiners_that_scripts_need_stay():
    assert visible("\u0646\u200c\u0645") == "\u0646\u200c\u0645"


def test_nothing_is_hidden_in_either(bad_written):
    cells = [str(cell.value) for row in xlsx_rows(bad_written) for cell in row.values()]
    texts = [value for row in csv_rows(bad_written) for value in row.values()]
    assert any("\\u202E" in text for text in texts), "none was tried"
    assert not [text for text in cells + texts if set(text) & set("\u202e\u202c\u200b\ufeff\n")]


@given(st.text(st.characters(categories=("L", "N", "Zs")), min_size=1))
def test_ordinary_texts_stay_as_they_are(text):
    assert visible(text) == text


def test_dates_are_dates(written):
    assert {date.fromisoformat(row["arrival_date"]) for row in csv_rows(written)} == {DAY}
