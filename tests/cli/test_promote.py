"""`riskscore promote` as a person meets it: a table, a sentence, and one line when it refuses."""

from __future__ import annotations

import getpass
import re
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from riskscore.cli.promote import promote
from riskscore.errors import ModelError
from riskscore.models.gate import Check, Decision
from riskscore.models.paired import Paired
from riskscore.pipelines import promote as promotions
from riskscore.pipelines.promote import Promotion
from tests.factories import make_workspace

CHECKS = (
    Check("files", "passed", "must hold", "digest 0123"),
    Check("hit rate at 5% capacity", "passed", "higher", "better", Paired(0.2, 0.3, 0.1, 0.05, 0.15)),
    Check("mode [rail]: hit rate", "unknown", "not lower", "none", Paired(*[float("nan")] * 5)),
)
ACCEPTED = Decision(True, "gate", ("better by 0.1",), CHECKS, ("trained under other settings",))
REFUSED = Decision(False, "gate", tuple(f"reason {n}" for n in range(5)), CHECKS)


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run the command with a gate that decides `decision`; returns the result and what the gate was asked."""

    def run(decision, *arguments):
        asked = []

        def gate(workspace, request, **options):
            asked.append((workspace, request, options["dry_run"]))
            return Promotion("2", "champion", "1", decision, None if options["dry_run"] else 7)

        monkeypatch.setattr(promotions, "promote", gate)
        app = typer.Typer()
        app.command()(promote)
        return CliRunner().invoke(app, list(arguments), obj=(root, 1)), asked

    root = make_workspace(tmp_path / "ws").root
    run.root = root
    return run


def test_a_promotion_says_that_slots_are_still_shared(call):
    assert "slots are still shared" not in call(ACCEPTED, "2")[0].output
    (call.root / "riskscore.toml").write_text('[selection]\ntrial = "challenger"\n', encoding="utf-8")
    assert "note: slots are still shared with 'challenger'" in call(ACCEPTED, "2")[0].output
    (call.root / "riskscore.toml").write_text('[selection]\ntrial = "2"\n', encoding="utf-8")
    assert "slots are still shared" not in call(ACCEPTED, "2")[0].output


def test_an_accepted_model(call):
    result, [(_, request, dry)] = call(ACCEPTED, "2", "--reason", " newer ", "--by", "Dora")
    assert result.exit_code == 0, result.output
    assert re.search(r"hit rate at 5% capacity\W+0\.2000\W+0\.3000\W+\+0\.1000\W+\+0\.0500 to \+0\.1500", result.output)
    assert "mode [rail]: hit rate" in result.output
    assert "note: trained under other settings" in result.output
    assert "model version 2 is champion now; ledger position 7" in result.output
    assert (request.version, request.alias, request.by, request.reason, dry) == (
        "2",
        "champion",
        "Dora",
        "newer",
        False,
    )


def test_a_refusal_is_one_line_below_every_reason(call):
    result, _ = call(REFUSED, "2")
    assert isinstance(result.exception, ModelError)
    assert "reason 0; reason 1; reason 2; and 2 more" in str(result.exception)
    assert all(f"refused: reason {n}" in result.output for n in range(5))


def test_a_refusal_for_want_of_evidence_says_how_to_come_by_it(call):
    result, _ = call(REFUSED, "2")
    assert "nothing failed, so wait for more results, or put it on trial" in str(result.exception)
    failed = replace(REFUSED, checks=(*CHECKS, Check("labels", "failed", "must hold", "known too early")))
    result, _ = call(failed, "2")
    assert "nothing failed" not in str(result.exception)
    assert "see the table" in str(result.exception)


def test_a_dry_run_of_a_refusal_is_no_error(call):
    result, [(_, _, dry)] = call(REFUSED, "2", "--dry-run")
    assert result.exit_code == 0
    assert dry
    assert "it would be refused; nothing was recorded" in result.output


def test_the_holder_of_the_place(call):
    result, _ = call(None, "2")
    assert result.exit_code == 0
    assert "model version 2 is champion already; nothing to do" in result.output


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_user_without_a_name(call, monkeypatch, error):
    def nameless():
        raise error("no name")

    monkeypatch.setattr(getpass, "getuser", nameless)
    _, [(_, request, _)] = call(ACCEPTED, "2")
    assert re.fullmatch(r"uid \d+", request.by)


def test_rollback_and_override_reach_the_gate(call):
    _, [(_, request, _)] = call(ACCEPTED, "2", "--rollback", "--override", "lost", "--as", "challenger")
    assert (request.rollback, request.override, request.alias) == (True, "lost", "challenger")
