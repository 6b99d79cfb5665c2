"""Canonical writings of names and addresses."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore import identity
from riskscore.identity import vocabulary

TABLES = ("words", "legal_forms", "units", "markers", "placeholders", "generic_words", "cyrillic")
VOCABULARY = sorted({r[c] for t in TABLES for r in vocabulary.rows(t) for c in ("written", "form", "words") if c in r})
SIGNS = (
    "12",
    "5B",
    "3rd",
    "62704-1234",
    "A",
    "b",
    "#",
    "&",
    "C/O",
    "12/F",
    "fl",
    "x-9",
    "ст",
    "ь",
    "N.",
    "\u1101",
    "\u1163",
)
WORDS = st.sampled_from([*VOCABULARY, *SIGNS])
TEXTS = st.text(max_size=40) | st.lists(WORDS | st.text(max_size=5), max_size=9).map(" ".join)
WRITERS = pytest.mark.parametrize("write", [identity.name, identity.place])


@WRITERS
@given(TEXTS)
def test_a_writing_is_its_own_writing(write, text):
    written = write(text)

    assert write(written) == written


@WRITERS
@given(TEXTS)
def test_a_writing_is_plain(write, text):
    written = write(text)

    if written is not None:
        assert written == " ".join(written.split()).casefold()
        assert len(written) >= 2
        assert not set(written) & set("|,.;:'\"\u202e\u200b\u200d\ufeff\x00\n")


@WRITERS
@given(TEXTS, st.sampled_from("\u200b\u202e\u2066\ufeff\u00ad\u200d"), st.integers(0, 40))
def test_marks_that_show_nothing_change_nothing(write, text, mark, at):
    assert write(text[:at] + mark + text[at:]) == write(text)


@WRITERS
@given(TEXTS)
def test_case_and_blanks_change_nothing(write, text):
    plain = text.encode("ascii", "ignore").decode()

    assert write(plain.upper()) == write(plain.lower()) == write(f"  {plain.replace(' ', '   ')}\t")


@pytest.mark.parametrize(
    ("filed", "written"),
    [
        ("ACME, Inc.", "acme"),
        ("The Acme Company, LLC", "acme"),
        ("ACME IMPORT & EXPORT CO.,LTD.", "acme imp exp"),
        ("A.B.C. Trading", "abc trad"),
        ("A B C TRADING S.A. DE C.V.", "abc trad"),
        ("Müller Söhne GmbH & Co. KG", "muller sohne"),
        ("PT. Indah Jaya", "indah jaya"),
        ("Acme Pvt Ltd d/b/a Zen Foods", "acme"),
        ("DBA Zen Foods", "zen food"),
        ("C/O John Smith", "john smith"),
        ("Unknown c/o Acme", "acme"),
        ("深圳市华为技术有限公司", "深圳市华为技术"),
        ("\u041e\u041e\u041e Роснефть", "rosneft"),
        ("\u0410C\u041cE Foods", "acme food"),
        ("\uff21\uff23\uff2d\uff25", "acme"),
        ("O'Brien\u2019s", "obriens"),
        ("3M Company", "3m"),
    ],
)
def test_names(filed, written):
    assert identity.name(filed) == written


@pytest.mark.parametrize(
    ("filed", "written"),
    [
        ("12 North Main Street, Suite 500, New York, New York 10001-2345, USA", "12 n main st ny ny 10001 # unit 500"),
        ("STE #500 12 N. MAIN ST. NEW YORK NY 10001", "12 n main st ny ny 10001 # unit 500"),
        ("12 Main St, 3rd Floor, Bldg. B", "12 main st # bldg b fl 3"),
        ("Rm 1201, 12/F, Blk B, Renmin Road, Shenzhen, P.R. China", "renmin rd shenzhen cn # bldg b fl 12 unit 1201"),
        ("P.O. Box 12, Miami, FL 33101", "po box 12 miami fla 33101"),
        ("POST OFFICE BOX 12 MIAMI FLORIDA 33101", "po box 12 miami fla 33101"),
        ("C/O Expeditors, 100 83rd Ave 500-B", "100 83 ave 500b"),
        ("Attn: Receiving, 100 Fifth Avenue", "100 5 ave"),
        ("St. Louis, MO", "st louis mo"),
        ("١٢ Main St", "12 main st"),
    ],
)
def test_places(filed, written):
    assert identity.place(filed) == written


NOBODY = ["TO ORDER", "To the order of Bank of China", "Unknown", "N/A", "n.a.", "NONE", "---", "SAME AS CONSIGNEE",
          "Same as above", "12345", "", "  ", "XXXXX", "\u202e\u200b", "TBA", "\ud800", "\x00"]  # fmt: skip


@pytest.mark.parametrize("filed", NOBODY)
def test_placeholders_name_nobody(filed):
    assert identity.name(filed) is None
    assert identity.identity(filed, "12 Main Street") is None


@pytest.mark.parametrize("filed", ["Co., Ltd.", "S.A.", "THE", "X", "consignee"])
def test_words_that_go_with_a_name_are_none(filed):
    assert identity.name(filed) is None


@pytest.mark.parametrize("filed", ["UNKNOWN", "same as consignee", "90210", "Suite 5", "USA", "#"])
def test_places_that_are_nowhere(filed):
    assert identity.place(filed) is None
    assert identity.identity("Acme", filed) is None


HUGE = ["a", "a ", "A.", "c/o ", "STE # ", "ПО", "\u202e", "e\u0301", "12-a", "new york ", "dba x ", "s "]


@pytest.mark.parametrize("piece", HUGE)
def test_huge_texts_are_read_in_bounded_time_to_bounded_length(piece):
    huge = f"acme {piece * 100_000}"

    assert len(identity.name(huge) or "") <= 120
    assert len(identity.place(huge) or "") <= 300


def test_null_stays_null():
    assert identity.name(None) is None
    assert identity.place(None) is None
    assert identity.identity(None, "12 Main St") is None
    assert identity.identity("Acme", None) is None


@given(st.lists(st.tuples(st.none() | WORDS, st.none() | WORDS), max_size=20))
def test_columns_equal_the_scalars(rows):
    names, addresses = (pa.array([row[i] for row in rows], pa.string()) for i in (0, 1))
    chunked = pa.chunked_array([addresses.slice(0, 3), addresses.slice(3)])

    assert identity.places(chunked).to_pylist() == [identity.place(a) for _, a in rows]
    assert identity.identities(names, chunked).to_pylist() == [identity.identity(n, a) for n, a in rows]
    assert identity.places(addresses).type == identity.identities(names, addresses).type == pa.string()


@pytest.mark.parametrize("kind", [pa.null(), pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_columns_of_any_kind_of_text(kind):
    column = pa.array([None], pa.null()).cast(kind)

    assert identity.places(column).to_pylist() == identity.identities(column, column).to_pylist() == [None]


def test_every_row_of_every_table_says_how_sure_it_is_and_why():
    rows = [row for table in TABLES for row in vocabulary.rows(table)]

    assert all(row["conf"] in ("S", "M") and row["source"] for row in rows)
