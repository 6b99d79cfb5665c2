"""docs/oversight.md: its example is run, and its table names exactly the figures that the report makes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from riskscore.cli.oversight import oversight
from riskscore.pipelines.oversight.run import standing_figures
from riskscore.reference.reviews import review_codes
from tests.factories import noon, reviews
from tests.pipelines.examined import QUIET, THROUGH, Unit, day, ordered, result, waiting

PAGE = (Path(__file__).parents[2] / "docs" / "oversight.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    """A unit with something of everything: results, an open referral, a waiver, a rule, a wait."""
    made = Unit(tmp_path_factory.mktemp("docs") / "ws")
    made.live([0, 1])
    rows = ordered(made.score(0, rules=[QUIET], said={"must_exam_unmet": waiting(30)}))
    later = ordered(made.score(1, rules=[QUIET]))
    made.tell(*[result(row, 0, found=at % 3 == 0) for at, row in enumerate(rows)])
    code = next(each.code for each in review_codes() if each.effect == "waived")
    waiver = {
        "run_date": day(1),
        "decision": "waive",
        "code": code,
        "text": "as told",
        "exam_type": None,
        "run_id": None,
    }
    made.tell(reviews=reviews({"shipment_id": later[0]["shipment_id"], "known_at": noon(day(2)), **waiver}))
    return made


def shape(line):
    """A line of an answer without what depends on the country: numbers, dates, paths, and what follows a verdict."""
    return re.sub(r"[\d.,]+", "#", line.split("? ")[0].split("/")[0].split(": ")[0])


def test_the_example_says_what_the_command_says(unit):
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command()(oversight)
    [block] = re.findall(r"^```\n\$ (.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    command, *answer = block.splitlines()
    said = CliRunner().invoke(app, shlex.split(command)[1:], obj=(unit.workspace.root, 1))

    assert said.exit_code == 0, said.output
    lines = {shape(line.strip()) for line in said.output.splitlines()}
    assert {shape(line) for line in answer if line != "..."} <= lines


def test_the_table_names_every_figure_and_no_other(unit):
    told = {(row["section"], row["figure"]) for row in standing_figures(unit.workspace, None, THROUGH)[0].to_pylist()}
    named, section = set(), ""
    for line in re.findall(r"^\| (?!section|---)(.*) \|$", PAGE, flags=re.MULTILINE):
        first, figures, _ = line.split(" | ", 2) if not line.startswith("| ") else ("", *line[2:].split(" | ", 1))
        section = first.strip() or section
        named |= {(section, figure) for figure in re.findall(r"`(\w+)`", figures)}

    assert named == told
