"""Hostile CSV: one bad line costs one row, with a reason; a file is refused only when its header is unusable."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

import riskscore
from riskscore.errors import InputError
from riskscore.readers.csv_text import read_csv

HEADER = "shipment_id,arrival_date,mode,port,description,value_usd"
GOOD = "{},2026-03-02,ocean,2704,goods,10"


def good(*names):
    return [GOOD.format(name) for name in names]


def read(tmp_path, content, table="shipments"):
    path = tmp_path / "day.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return riskscore.read_table(path, table)


def read_lines(tmp_path, *lines):
    return read(tmp_path, "\n".join([HEADER, *lines, ""]))


def ids(validated):
    return validated.accepted["shipment_id"].to_pylist()


def reasons(validated):
    return validated.quarantined["reasons"].to_pylist()


def total(validated):
    return validated.accepted.num_rows + validated.quarantined.num_rows


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_separator_is_named(tmp_path, mark, name):
    with pytest.raises(InputError, match=rf"separated by {name}, not by commas.*day\.csv.*save the file with commas"):
        read(tmp_path, "\n".join([HEADER, *good("A1")]).replace(",", mark))


@pytest.mark.parametrize("after", [1, 3, 40])
def test_unclosed_quote_costs_its_own_row_only(tmp_path, after):
    names = [f"B{n}" for n in range(after)]
    found = read_lines(tmp_path, *good("A1"), 'BAD,2026-03-02,ocean,2704,"goods,10', *good(*names))
    assert ids(found) == ["A1", *names]
    [[reason]] = reasons(found)
    assert reason.startswith("line: a quote is not closed")
    assert "BAD" in reason, "the text that was there is kept"


def test_unclosed_quote_on_the_last_line_without_newline(tmp_path):
    found = read(tmp_path, "\n".join([HEADER, *good("A1"), 'BAD,2026-03-02,ocean,2704,"goods,10']))
    assert ids(found) == ["A1"]
    assert "quote is not closed" in reasons(found)[0][0]


def test_two_stray_quotes_do_not_swallow_the_rows_between(tmp_path):
    bad = '{},2026-03-02,ocean,2704,"goods,10'
    found = read_lines(tmp_path, bad.format("X1"), *good("B1", "B2"), bad.format("X2"), *good("B3"))
    assert ids(found) == ["B1", "B2", "B3"]
    assert total(found) == 5


def test_text_after_a_closing_quote_is_one_bad_row(tmp_path):
    found = read_lines(tmp_path, 'BAD,2026-03-02,ocean,2704,"goods"x,10', *good("B1"))
    assert ids(found) == ["B1"]
    assert total(found) == 2


def test_quoted_newlines_commas_and_quotes_belong_to_the_field(tmp_path):
    found = read_lines(tmp_path, 'A1,2026-03-02,ocean,2704,"one\ntwo, ""three""",10', *good("B1"))
    assert found.accepted["description"].to_pylist() == ['one\ntwo, "three"', "goods"]
    assert found.quarantined.num_rows == 0


@pytest.mark.parametrize("line", ["SHORT,2026-03-02,ocean,2704,goods", "LONG,2026-03-02,ocean,2704,goods,10,11", "x"])
def test_wrong_number_of_fields(tmp_path, line):
    found = read_lines(tmp_path, *good("A1"), line, *good("B1"))
    assert ids(found) == ["A1", "B1"]
    [[reason]] = reasons(found)
    assert "fields where the header has 6" in reason
    assert line in reason


def test_row_numbers_point_into_the_file(tmp_path):
    found = read_lines(tmp_path, *good("A1"), "x", "", *good("B1"), "y")
    assert found.accepted["_row"].to_pylist() == [1, 3]
    assert found.quarantined["_row"].to_pylist() == [2, 4]


def test_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    found = read(tmp_path, b"\xef\xbb\xbf" + "\n".join([HEADER, *good("A1"), ""]).encode())
    assert ids(found) == ["A1"]


@pytest.mark.parametrize(
    "line",
    [
        b"BAD,2026-03-02,ocean,2704,caf\xe9,10",
        b"\xff\xfe,2026-03-02,ocean,2704,goods,10",
        b'BAD,2026-03-02,ocean,2704,"one\ntwo \xe9",10',
    ],
    ids=["latin-1", "identifier", "second line of a field"],
)
def test_bad_byte_costs_one_row(tmp_path, line):
    found = read(tmp_path, b"\n".join([HEADER.encode(), GOOD.format("A1").encode(), line, GOOD.format("B1").encode()]))
    assert ids(found) == ["A1", "B1"]
    [[reason]] = reasons(found)
    assert reason.startswith("line: not valid UTF-8")


@pytest.mark.parametrize("name", [b"port\xff", b"\xff\xfep\x00o\x00r\x00t\x00"], ids=["bad byte", "UTF-16"])
def test_undecodable_header_is_refused(tmp_path, name):
    content = HEADER.encode().replace(b"port", name) + b"\n" + GOOD.format("A1").encode()
    with pytest.raises(InputError, match=r"day\.csv"):
        read(tmp_path, content)


def test_utf_16_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"day\.csv"):
        read(tmp_path, "\n".join([HEADER, *good("A1")]).encode("utf-16"))


@pytest.mark.parametrize("content", [bytes(range(256)) * 4, b"PAR1\x15\x04\x15\x10\xff\n\xfe,\n"])
def test_binary_file_is_refused(tmp_path, content):
    with pytest.raises(InputError, match=r"day\.csv"):
        read(tmp_path, content)


def test_nul_in_an_identifier_names_its_column(tmp_path):
    found = read_lines(tmp_path, *good("A\x001", "B1"))
    assert ids(found) == ["B1"]
    [[reason]] = reasons(found)
    assert reason.startswith("shipment_id: expected no control characters")
    assert "\x00" not in reason


@pytest.mark.parametrize("value", ["1e400", "-1e400", "NaN", "nan", "inf", "-Infinity", "ten", "0x10", "1,5", "--1"])
def test_no_number(tmp_path, value):
    found = read_lines(tmp_path, f'BAD,2026-03-02,ocean,2704,goods,"{value}"', *good("B1"))
    assert ids(found) == ["B1"]
    [[reason]] = reasons(found)
    assert reason.startswith("value_usd: expected a finite number, got ")
    assert value in reason


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (HEADER.replace("value_usd", "port"), r"repeated.*port"),
        (HEADER.replace("value_usd", ""), "empty column names"),
        (HEADER + ",_row", "underscore"),
        (HEADER.replace("port", "prot"), "unknown column 'prot'.*did you mean 'port'"),
        (HEADER.replace("port,", ""), r"needs the columns.*port"),
        ('"shipment_id', "no header line"),
    ],
)
def test_unusable_header(tmp_path, header, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, "\n".join([header, *good("A1"), ""]))


@pytest.mark.parametrize("content", ["", "\n", "\ufeff", "\n\n\n", f"\n{HEADER}\nx", "\ufeff\nx,y\n"])
def test_no_header(tmp_path, content):
    with pytest.raises(InputError, match=r"day\.csv"):
        read(tmp_path, content)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_header_only_is_an_empty_table(tmp_path, end):
    assert total(read(tmp_path, HEADER + end)) == 0


def test_line_ends_do_not_matter(tmp_path):
    lines = [HEADER, *good("A1", "B1"), "x"]
    unix, dos = read(tmp_path, "\n".join(lines)), read(tmp_path, "\r\n".join([*lines, ""]))
    assert unix.accepted.equals(dos.accepted)
    assert unix.quarantined.equals(dos.quarantined)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c"])
def test_unicode_line_separators_end_no_line(tmp_path, separator):
    found = read_lines(tmp_path, f"A1,2026-03-02,ocean,2704,one{separator}two,10")
    assert found.accepted["description"].to_pylist() == [f"one{separator}two"]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "=cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd",
        "-1+1",
        "<script>alert(1)</script>",
        "'; DROP TABLE shipments_log; --",
        "[bold]x[/bold]",
        "混載貨物 ✈ café",
    ],
)
def test_texts_are_kept_as_they_stand(tmp_path, text):
    found = read_lines(tmp_path, f"A1,2026-03-02,ocean,2704,{text},10")
    assert found.accepted["description"].to_pylist() == [text]


@pytest.mark.parametrize("size", [20_001, 200_000])
def test_endless_text_is_quarantined(tmp_path, size):
    found = read_lines(tmp_path, f"BAD,2026-03-02,ocean,2704,{'x' * size},10", *good("B1"))
    assert ids(found) == ["B1"]
    assert total(found) == 2


def test_blank_lines_are_no_rows(tmp_path):
    assert ids(read_lines(tmp_path, "", *good("A1"), "   ", "\t", *good("B1"), "")) == ["A1", "B1"]


def test_empty_and_blank_fields_are_null(tmp_path):
    found = read_lines(tmp_path, 'A1,2026-03-02,ocean,2704,"  ",')
    assert found.accepted.select(["description", "value_usd"]).to_pylist() == [{"description": None, "value_usd": None}]


def rows_of(folder, content):
    path = folder / "any.csv"
    path.write_bytes(content)
    return read_csv(path).select(["_row", "_fault"]).to_pylist()


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_faults(any_folder, body):
    last = GOOD.format("LAST").encode()
    found = rows_of(any_folder, HEADER.encode() + b"\n" + body + b"\n" + last + b"\n")
    assert [row["_row"] for row in found] == list(range(1, len(found) + 1))
    assert found[-1]["_fault"] is None, "the good last line is not swallowed"


@given(st.binary(max_size=60))
def test_any_header_is_read_or_refused(any_folder, header):
    try:
        rows_of(any_folder, header + b"\n1,2\n")
    except InputError as error:
        assert "any.csv" in str(error)  # noqa: PT017


@given(st.lists(st.lists(st.text(max_size=12), min_size=6, max_size=6), max_size=6))
def test_written_rows_come_back_one_by_one(any_folder, rows):
    rows = [[field.encode("utf-8", "replace").decode() for field in row] for row in rows]
    sink = io.StringIO()
    csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([HEADER.split(","), *rows])
    found = rows_of(any_folder, sink.getvalue().encode())
    assert [row["_fault"] for row in found] == [None] * len(rows)


@pytest.fixture(scope="module")
def any_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("any")
