"""`riskscore decide` as a person meets it: what was recommended, what it means, and one line when it cannot be."""

from __future__ import annotations

import re

import pytest
import typer
from typer.testing import CliRunner

from riskscore.cli.decide import decide
from riskscore.errors import InputError
from riskscore.reference.reviews import review_codes
from tests.factories import DAY, append_rows, make_workspace, shipments
from tests.pipelines.recommended import recommend, unmet

WAIVED = ("S0", "waive", "--code", "ar_data_error", "--text", " in pounds ", "--by", "Ada")


@pytest.fixture
def call(tmp_path):
    """Run the command in a workspace whose run of DAY recommends nii for S0 and releases S1."""
    workspace = make_workspace(tmp_path / "ws")
    with workspace.writing() as ledger:
        append_rows(workspace, ledger, shipments=shipments({}, {}))
        recommend(ledger, DAY, {"S0": "nii", "S1": None})
    app = typer.Typer()
    app.command()(decide)

    def run(*arguments):
        return CliRunner().invoke(app, list(arguments), obj=(workspace.root, 1))

    run.workspace = workspace
    return run


def test_a_waiver(call):
    said = call(*WAIVED)
    assert said.exit_code == 0, said.output
    assert said.output.splitlines() == [
        "S0, run of 2026-03-02: examine by nii (risk) was recommended",
        "waive by Ada: ar_data_error, an error in the shipment's data made it look risky (text: which error)",
        "closed without an exam: waived; its hazards stay unlabelled, never clear",
        "on record at ledger position 3",
    ]
    assert "position 4; earlier decisions, kept but counting no more: 1" in call(*WAIVED).output


@pytest.mark.parametrize(
    ("arguments", "means"),
    [
        (("S0", "accept"), "open until the outcome of its nii exam is ingested"),
        (("S1", "accept", "--date", "2026-03-02"), "released as recommended"),
        (("S0", "override", "--code", "release_no_slot"), "closed without an exam: overridden"),
        (("S0", "override", "--code", "exam_equipment", "--exam", "lab"), "open until the outcome of its lab exam"),
        (("S1", "override", "--code", "exam_partner", "--exam", "pga"), "open until the outcome of its pga exam"),
    ],
)
def test_each_decision_says_what_follows(call, arguments, means):
    said = call(*arguments)
    assert said.exit_code == 0, said.output
    assert means in said.output


def test_who_decides_is_the_user_of_the_machine_unless_said(call, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "officer7")
    assert "accept by officer7: agreed" in call("S0", "accept").output


def test_an_error_lists_the_codes(call):
    said = call("S0", "waive", "--code", "known trader")
    assert isinstance(said.exception, InputError)
    assert re.search(r"unknown code 'known trader' for waive\. Hint: one of se_diplomatic,.* ar_explained",
                     str(said.exception))  # fmt: skip
    assert call("S0", "ignore").exit_code == 2


def test_the_codes_are_listed_without_a_shipment(call):
    said = call("--codes")
    assert said.exit_code == 0, said.output
    for each in review_codes():
        assert each.code in said.output


@pytest.mark.parametrize(
    ("arguments", "means"),
    [
        (("accept",), "waits on for a slot; open until the outcome of its lab exam is ingested"),
        (
            ("waive", "--code", "se_empty"),
            "closed without an exam: waived; no day after today holds it; its hazards stay",
        ),
        (("override", "--code", "release_no_slot"), "closed without an exam: overridden; no day after today holds it"),
        (("override", "--code", "exam_equipment", "--exam", "nii"), "open until the outcome of its nii exam"),
    ],
)
def test_a_must_exam_that_waits(call, arguments, means):
    with call.workspace.writing() as ledger:
        recommend(ledger, DAY, {"S1": None}, record={"must_exam_unmet": [unmet("S1", "lab", "watch")]})
    said = call("S1", *arguments, "--by", "Ada")
    assert "S1, run of 2026-03-02: lab ordered by watch waits for a slot since 2026-03-02" in said.output
    assert means in said.output


def test_a_must_exam_held_after_a_wait(call):
    held = unmet("S1") | {"since": "2026-03-01"}
    with call.workspace.writing() as ledger:
        recommend(ledger, DAY, {"S0": None}, record={"carried_over": [held]})
    said = call("S1", "waive", "--code", "se_empty", "--by", "Ada")
    assert "examine by nii (must_exam) was recommended, after a wait since 2026-03-01" in said.output
    assert "closed without an exam: waived; its hazards stay unlabelled" in said.output
