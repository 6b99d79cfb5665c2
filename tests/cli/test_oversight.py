"""`riskscore oversight`: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from riskscore.cli.oversight import oversight
from riskscore.errors import RunError
from tests.pipelines.examined import DAY, THROUGH, Unit, day, ordered, result


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    made = Unit(tmp_path_factory.mktemp("oversight") / "ws")
    made.live([0, 1])
    for number in (0, 1):
        made.tell(*[result(row, number, found=at < 2) for at, row in enumerate(ordered(made.score(number)))])
    return made


@pytest.fixture
def command(unit):
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command()(oversight)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["oversight", *arguments], obj=(unit.workspace.root, 1))


def test_it_prints_every_section_with_its_dates(command, unit):
    said = command("--to", THROUGH.isoformat())

    assert said.exit_code == 0, said.output
    for caption in (
        "By hazard, all shipments",
        "What exams find, by the arm that ordered them",
        "Trusted against other traders",
        "Exams ordered with a recorded result, by age of the order",
        "Shipments recommended for an exam",
        "Waivers by code",
        "Must-exam rules: nothing to report",
        "Must-exams without a slot, and what became of them: nothing to report",
        "Random exams against the scores",
        "Ports without exam capacity",
    ):
        assert caption in said.output
    folder = unit.workspace.out / "oversight" / f"through={THROUGH.isoformat()}"
    assert f"page: {folder / 'oversight.html'}" in said.output
    assert (folder / "oversight.parquet").is_file()
    assert f"arrivals {DAY.isoformat()} to {day(1).isoformat()}, as known on the morning of" in said.output


def test_days_without_a_run_are_refused(command):
    said = command("--from", "2026-05-01", "--to", "2026-05-02")

    assert isinstance(said.exception, RunError)
    assert command("--to", "soon").exit_code == 2
