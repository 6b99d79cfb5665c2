"""Packaging, and a user's own tables instead of the packaged ones."""

from datetime import date

import pytest

from riskscore import reference
from riskscore.errors import ConfigError
from riskscore.reference import PACKAGED, de_minimis, loading, tables
from riskscore.reference.facts import Fact, changes, joined, read_day
from riskscore.reference.loading import names

HEADER = "effective_from,effective_to,scope,threshold_usd,authority,conf,source"
FLAT = f"{HEADER}\n2000-01,,*,55,local rule,S,gazette\n"


@pytest.mark.parametrize("name", sorted(set(names()) - {"hazards", "outcomes"}))
def test_every_table_says_how_sure_it_is_and_why(name):
    assert all("conf" in row and "source" in row for row in PACKAGED.rows(name))


@pytest.mark.parametrize("name", sorted(set(names()) - {"hazards", "outcomes"}))
def test_no_row_is_without_a_confidence(name):
    # ior_formats and others print a note instead of S or M, but never nothing.
    assert all(row["conf"] for row in PACKAGED.rows(name))


def test_a_table_of_ones_own_changes_the_answer_and_the_digest(own):
    replaced = own(de_minimis=FLAT)

    assert de_minimis.threshold_usd("CN", date(2026, 1, 1), tables=replaced) == 55
    assert de_minimis.threshold_usd("CN", date(2026, 1, 1)) == 0
    assert replaced.digest() != PACKAGED.digest()
    assert replaced.rows("bonds") == PACKAGED.rows("bonds")


def test_the_same_rows_give_the_same_digest(own):
    rows = PACKAGED.rows("bonds")
    text = "\n".join([",".join(rows[0]), *(",".join(f'"{cell}"' for cell in row.values()) for row in rows)])

    assert own(bonds=text).digest() == PACKAGED.digest()


def test_a_digest_is_computed_once(own, monkeypatch):
    replaced = own(de_minimis=FLAT)
    first = replaced.digest()
    monkeypatch.setattr(loading, "names", lambda: pytest.fail("computed anew"))

    assert replaced.digest() == first


def test_more_columns_another_order_and_a_byte_order_mark_are_welcome(own):
    columns = [*reversed(HEADER.split(",")), "owner"]
    cells = {**dict(zip(HEADER.split(","), FLAT.splitlines()[1].split(","), strict=True)), "owner": "unit 7"}
    replaced = own(de_minimis="\ufeff" + ",".join(columns) + "\n" + ",".join(cells[c] for c in columns) + "\n")

    assert de_minimis.threshold_usd("FR", date(2026, 1, 1), tables=replaced) == 55


def test_hidden_files_and_a_readme_are_passed_over(tmp_path):
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "README.md").write_text("ours")

    assert tables(tmp_path).digest() == PACKAGED.digest()


@pytest.mark.parametrize("name", ["de_minimus.csv", "de_minimis.xlsx", "hazards.csv", "outcomes.csv"])
def test_a_file_that_replaces_no_table_is_refused(tmp_path, name):
    (tmp_path / name).write_text(FLAT)

    with pytest.raises(ConfigError, match=rf"not a reference table that can be replaced: .*{name}.*known are adcvd"):
        tables(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no such folder of reference tables: .*absent"):
        tables(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FLAT.replace("threshold_usd", "usd"), r"missing columns threshold_usd: .*de_minimis\.csv"),
        ("", "missing columns effective_from, "),
        (FLAT + "2001-01-01,,*\n", "row 3 does not have as many cells"),
        (FLAT + "2001-01-01,,*,1,a,S,b,c\n", "row 3 does not have as many cells"),
        (FLAT.replace("2000-01,", "January,"), "row 2, effective_from: expected YYYY-MM-DD"),
        (FLAT.replace("2000-01,", "2000-13-01,"), "row 2, effective_from: month must be in"),
        (FLAT.replace(",55,", ",fifty,"), r"expected a number, got 'fifty': de_minimis\.csv, threshold_usd"),
        (FLAT.replace(",*,", ",everywhere,"), r"scope 'everywhere' names no origins: de_minimis\.csv"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_when_loaded(own, text, message):
    with pytest.raises(ConfigError, match=message):
        own(de_minimis=text)


def test_a_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "bonds.csv").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match=r"not readable as a reference table: .*bonds\.csv"):
        tables(tmp_path)


def test_an_unknown_table_is_named():
    with pytest.raises(ConfigError, match="no reference table 'nothing'"):
        reference.rows("nothing")


def test_visibility_speaks_of_the_exams_and_hazards_of_the_contract_only(own):
    rows = PACKAGED.rows("exam_visibility")
    text = "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows[:-1])])

    with pytest.raises(ConfigError, match=r"pair lab, \w+ is missing: exam_visibility\.csv"):
        own(exam_visibility=text)


def test_sensitivities_of_ones_own_are_used(own):
    rows = [dict(row) for row in PACKAGED.rows("exam_visibility")]
    rows[0]["sensitivity"] = "0.25"
    text = "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)])
    replaced, pair = own(exam_visibility=text), (rows[0]["exam"], rows[0]["hazard"])

    assert reference.sensitivity(replaced)[pair] == 0.25
    assert reference.sensitivity()[pair] == 0


def test_dates_are_read_as_the_tables_mean_them():
    assert [read_day(text) for text in ("2016-07", "2012", "")] == [date(2016, 7, 1), date(2012, 1, 1), None]


@pytest.mark.parametrize(("conf", "low"), [("S", False), ("S; S", False), ("M", True), ("S/M", True), ("S; M", True)])
def test_a_fact_is_as_sure_as_its_least_sure_part(conf, low):
    assert Fact(1, None, None, conf, "").low_confidence is low


def test_a_fact_holds_on_its_first_and_last_day():
    found = Fact(1, date(2000, 1, 1), date(2000, 1, 31), "S", "")
    days = (date(1999, 12, 31), date(2000, 1, 1), date(2000, 1, 31), date(2000, 2, 1))

    assert [found.covers(day) for day in days] == [False, True, True, False]


def test_a_joined_fact_holds_where_all_parts_do():
    first = Fact(1, date(2000, 1, 1), date(2010, 1, 1), "S", "a")
    second = Fact(2, date(2005, 1, 1), None, "unverified", "b")
    both = joined("x", first, second)

    assert (both.since, both.until, both.unverified, both.source) == (second.since, first.until, True, "a; b")
    assert changes([both]) == (date(2005, 1, 1), date(2010, 1, 2))
