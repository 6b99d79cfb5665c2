"""docs/retraining.md is walked: each command in its order, in a smaller country, with targets that it can reach."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from riskscore.models.gate import Policy
from riskscore.pipelines import promote
from tests.docs.walk import Step, held_against, run_step, steps

PAGE = Path(__file__).parents[2] / "docs" / "retraining.md"

SMALLER = {
    "--per-day 400": "--per-day 250",
    "date=2025-0[56]-*": "date=2025-06-2*",
    "date=2025-07-*": "date=2025-07-0*",
    "date=2025-08-*": "date=2025-08-0*",
    "--from 2025-05-05": "--from 2025-06-10",
}
"""What stands in the page, and what stands in for it here: a third of the mornings."""

LENIENT = partial(
    Policy, min_days=5, min_rows=20, min_positives=1, keeps=0.0, log_loss_margin=10.0, ratio=(0.0, 1e9),
    calibration_error=1.0, min_drawn=0, burden_margin=1.0, segment_rows=10**9,
)  # fmt: skip
"""A country this small shows nothing for sure: what is tested is the walk, not the gate (tests/models/test_gate.py)."""


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


def test_every_block_is_one_the_walk_understands(page):
    known = ("riskscore ", "export ", "sed ", "python")
    found = list(steps(page))
    assert all(step.command.startswith(known) or step.command.startswith("mlflow ") for step in found)
    assert {step.command.split()[1] for step in found if step.command.startswith("riskscore ")} >= {
        *("train", "backtest", "promote", "trial", "score"),
    }
    for old in SMALLER:
        assert old in page
    assert len(page.splitlines()) <= 300


@pytest.mark.slow
def test_the_walk_goes_as_it_is_told(page, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(promote, "Policy", LENIENT)
    for step in steps(page):
        if step.command.startswith("mlflow ") or "--tune" in step.command:
            continue  # one serves until it is stopped, the other takes minutes and is tested by its own
        command = step.command
        for old, new in SMALLER.items():
            command = command.replace(old, new)
        code, said = run_step(Step(command, step.answer), monkeypatch, capfd)
        assert code == int(step.fails), f"{command}\n{said}"
        if step.command == "python":
            continue
        assert not held_against(step, said), f"{command}\n{said}"
