"""Watch-lists: every fault named with its line, nothing half read, dated, and kept so that they read back the same."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.config import MustExam
from riskscore.errors import ConfigError
from riskscore.selection import watch_lists
from riskscore.selection.watch_lists import Entry, WatchList, as_record, named_lists, parse, read_watch_lists
from tests.factories import HOSTILE

DAY = date(2026, 3, 2)
HEAD = "value,reason,owner,valid_from,expires"
FINE = "IMP-1,import alert 16-81,FDA,2026-01-05,2026-12-31"


def listed(*lines):
    return parse("holds", "\n".join([HEAD, *lines]))


def rule(*conditions, **said):
    return MustExam(**{"id": "r", "exam": "pga", "owner": "FDA", "reason": "hold", "where": conditions} | said)


def on(name):
    return {"column": "importer_id", "op": "in_list", "list": name}


def test_an_entry_says_what_why_and_who():
    assert listed(FINE).entries == (Entry("IMP-1", "import alert 16-81", "FDA", date(2026, 1, 5), date(2026, 12, 31)),)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (",why,me,,", "line 2: value is blank"),
        ("a,,me,,", "line 2: reason is blank"),
        ("a,why, ,,", "line 2: owner is blank"),
        ("a,,,,", "line 2: reason is blank, owner is blank"),
        ("a,why,me,", "line 2: expected 5 cells, got 4"),
        ("a,why,me,,,", "line 2: expected 5 cells, got 6"),
        ("a,why,me,2026-13-01,", "line 2: valid_from '2026-13-01' is no day like 2026-03-02"),
        ("a,why,me,,20260301", "line 2: expires '20260301' is no day"),
        ("a,why,me,,2026-W10-1", "is no day"),
        ("a,why,me,,٢٠٢٦-٠٣-٠٢", "is no day"),
        ("a,why,me,2026-03-02,2026-03-01", "line 2: expires 2026-03-01 lies before valid_from 2026-03-02"),
        ('"a\nb",why,me,,', "line 2: value holds a control character"),
        ('"a\nb",why,me,,\n,why,me,,', "line 2: value holds a control character; line 4: value is blank"),
        ("a\x00,why,me,,", "control character"),
        (f"{'a' * 20_001},why,me,,", "line 2: value is longer than 20,000 characters"),
        (f"{'a' * 200_000},why,me,,", "not readable as CSV"),
        ('"a"b,why,me,,', "not readable as CSV"),
        ('"a,why,me,,', "not readable as CSV"),
        (f"{FINE}\n{FINE}", "line 3: 'IMP-1' is listed on line 2 for the same days"),
        (f"{FINE}\nIMP-1,other,me,2026-12-31,", "line 3: 'IMP-1' is listed on line 2 for the same days"),
        (f"IMP-1,other,me,,2026-01-05\n{FINE}", "line 3: 'IMP-1' is listed on line 2 for the same days"),
        (f'\n{FINE}\n\n"b",x,y,soon,', "line 5: valid_from 'soon'"),
    ],
)
def test_a_fault_is_named_with_its_line(line, fault):
    with pytest.raises(ConfigError, match=rf"{fault}.*holds\.csv"):
        listed(line)


def test_many_faults_are_named_at_once_but_not_all():
    with pytest.raises(ConfigError, match=r"line 2: .*line 6: [^;]*; and 994 more: holds\.csv") as caught:
        listed(*[f"a{at},why,,," for at in range(999)])
    assert "line 7" not in str(caught.value)


@pytest.mark.parametrize(
    "head", ["", "value", f"{HEAD},note", HEAD.replace("owner", "who"), HEAD.replace(",", ";"), f"{HEAD},value"]
)
def test_other_columns_are_refused(head):
    with pytest.raises(ConfigError, match=r"expected the columns value, reason, .*, got .*holds\.csv, line 1"):
        parse("holds", f"{head}\n{FINE}" if head else "")


def test_a_value_may_come_back_for_another_period():
    again = listed(FINE, "IMP-1,second alert,FDA,2027-01-01,")
    days = (date(2026, 1, 4), date(2026, 1, 5), date(2026, 12, 31), date(2027, 1, 1), date.max)
    assert [[entry.reason for entry in again.in_force(day)] for day in days] == [
        [], ["import alert 16-81"], ["import alert 16-81"], ["second alert"], ["second alert"],
    ]  # fmt: skip


texts = (st.text(max_size=9) | st.sampled_from(HOSTILE)).map(str.strip)
stated = texts.filter(
    lambda text: text and not any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in text)
)
days = st.none() | st.integers(0, 3).map(lambda days: DAY + timedelta(days))
entries = st.builds(Entry, stated, stated, stated, days, st.none())


@given(st.lists(entries, unique_by=lambda entry: entry.value), st.randoms())
def test_what_is_kept_reads_back_the_same(made, random):
    kept = WatchList("holds", tuple(sorted(made, key=watch_lists._order)))
    again = parse("holds", kept.content)
    assert (again, again.digest) == (kept, kept.digest)
    head, *lines = kept.content.removesuffix("\n").split("\n")
    random.shuffle(lines)
    assert parse("holds", "\r\n".join([head, "", *lines])).digest == kept.digest


def test_the_digest_is_of_every_cell():
    lines = [
        FINE,
        *[FINE.replace(old, new) for old, new in (("IMP", "imp"), ("16", "17"), ("FDA", "USDA"), ("-12-", "-10-"))],
    ]
    assert len({listed(line).digest for line in lines}) == 5


def test_columns_may_stand_in_any_order_and_cells_be_padded():
    assert parse(
        "holds", "owner, expires,value,reason,valid_from\nFDA ,2026-12-31,\tIMP-1,import alert 16-81,2026-01-05\n"
    ) == listed(FINE)


def test_lists_are_read_from_the_workspace(tmp_path):
    (tmp_path / "holds.csv").write_text(f"\ufeff{HEAD}\r\n{FINE}\r\n", encoding="utf-8")
    (tmp_path / "unused.csv").write_bytes(b"\xff")
    assert read_watch_lists(tmp_path, ["holds"]) == {"holds": listed(FINE)}
    assert read_watch_lists(tmp_path / "absent", []) == {}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (
            None,
            r"names the watch-list 'holds', and there is none: watch_lists/holds\.csv.*make it, with the columns value",
        ),
        (b"\xff\xfe", r"not readable as UTF-8: watch_lists/holds\.csv.*save it as CSV UTF-8"),
        (b"value\n", r"expected the columns.*watch_lists/holds\.csv, line 1"),
    ],
)
def test_a_list_that_cannot_be_read_is_named(tmp_path, content, fault):
    if content is not None:
        (tmp_path / "holds.csv").write_bytes(content)
    with pytest.raises(ConfigError, match=fault):
        read_watch_lists(tmp_path, ["holds"])


def test_a_folder_is_no_list(tmp_path):
    (tmp_path / "holds.csv").mkdir()
    with pytest.raises(ConfigError, match="cannot read this watch-list"):
        read_watch_lists(tmp_path, ["holds"])


def test_only_lists_of_rules_in_force_are_named():
    rules = (
        rule(on("b"), {"none_of": [{"any_of": [on("a"), on("b")]}]}),
        rule(on("old"), id="s", expires=DAY - timedelta(1)),
        rule({"column": "hts", "op": "is_null"}, id="t"),
    )
    assert named_lists(rules, DAY) == ("a", "b")


def test_the_record_says_which_text_was_in_force():
    holds = listed(FINE, "b,why,me,2027-01-01,")
    assert as_record({"holds": holds}, DAY) == [{"name": "holds", "digest": holds.digest, "entries": 2, "in_force": 1}]
