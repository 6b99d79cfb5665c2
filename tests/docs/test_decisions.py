"""docs/decisions.md is walked: each command in its order, in a unit that scored one day."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import get_args

import pytest

from riskscore.cli import main
from riskscore.cli.main import Feed, app
from riskscore.pipelines.referrals import STATUSES
from riskscore.reference.reviews import review_codes
from tests.docs.walk import cells, steps
from tests.factories import DAY, append_rows, make_workspace, shipments
from tests.pipelines.recommended import recommend, unmet

PAGE = Path(__file__).parents[2] / "docs" / "decisions.md"
EXAMS = {
    "COSU6098765432": ("nii", "risk"),
    "HLCU2200112233": ("intensive", "random_floor"),
    "MAEU123456789": ("intensive", "must_exam"),
    "ONEYSHA0012345": (None, "none"),
    "OOLU7788990011": (None, "none"),
}

on_the_command_line = pytest.mark.skipif(
    "reviews" not in get_args(Feed) or "decide" not in {each.callback.__name__ for each in app.registered_commands},
    reason="the commands are not registered yet",
)


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture
def unit(tmp_path, monkeypatch):
    """The folder in which the page is walked: `port-ops` has scored DAY."""
    workspace = make_workspace(tmp_path / "port-ops")
    with workspace.writing() as ledger:
        append_rows(workspace, ledger, shipments=shipments(*[{"shipment_id": name} for name in EXAMS]))
        recommend(ledger, DAY, {name: exam for name, (exam, _) in EXAMS.items()},
                  {name: arm for name, (_, arm) in EXAMS.items()},
                  record={"must_exam_unmet": [unmet("OOLU7788990011", rule="unsealed-high-value")]})  # fmt: skip
    monkeypatch.chdir(tmp_path)


def answered(page):
    """Steps with their answers: that of a Python block stands in the bare block after it."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    bare = iter([block for language, block in blocks if not language and not block.startswith("$ ")])
    for step in steps(page):
        prints = step.command == "python" and "print(" in step.answer[0]
        yield step.command, step.answer, tuple(next(bare).splitlines()) if prints else ()


def said_by(words, monkeypatch, capfd):
    monkeypatch.setattr("sys.argv", words)
    try:
        main()
    except SystemExit as stop:
        code = stop.code or 0
    else:
        code = 0
    said = capfd.readouterr()
    # Stages begun are for a log; the page leaves them out.
    return code, [line for line in (said.out + said.err).splitlines() if not line.endswith(" ...")]


def plain(lines):
    """Lines as they read without the frames of tables."""
    framed = re.compile(r"^[|│┃].*[|│┃]$")
    return [
        " ".join(cells(line)) if framed.match(line) else line for line in lines if not set(line) <= set("┏━┳┓┡╇┩└─┴┘")
    ]


@on_the_command_line
def test_the_walk_goes_as_it_is_told(page, unit, monkeypatch, capfd):
    for command, answer, printed in answered(page):
        if command == "python":
            exec(compile(answer[0], str(PAGE), "exec"), {})  # noqa: S102
            out = [line.rstrip() for line in capfd.readouterr().out.splitlines()]
            assert out == [line.rstrip() for line in printed], answer[0]
            continue
        words = shlex.split(command)
        if words[0] == "export":
            monkeypatch.setenv(*words[1].split("=", 1))
            continue
        code, said = said_by(words, monkeypatch, capfd)
        assert plain(said) == plain(answer), command
        assert code == int(any(line.startswith("error:") for line in answer))


def test_the_page_lists_the_codes_and_the_statuses(page):
    listed = [cells(line) for line in page.splitlines() if line.startswith("| ")]
    codes = [[each.decision, each.code, "yes" if each.needs_text else "", each.meaning] for each in review_codes()]
    assert [row for row in listed if len(row) == 4 and row[0] in {"accept", "override", "waive"}] == codes
    assert {row[0] for row in listed if len(row) == 2} == {"status", "---", *STATUSES}
