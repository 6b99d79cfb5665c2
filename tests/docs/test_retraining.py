"""docs/retraining.md is walked: each command in its order, in a smaller country, with targets that it can reach."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from riskscore.cli import main
from riskscore.models.gate import Policy
from riskscore.pipelines import promote

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

# What gate and trial say of what they found: in another country they find other things.
_OF_THE_COUNTRY = ("refused", "accepted", "note", "error: the gate", "dry run", "difference of", "not yet", "decided")


@dataclass(frozen=True)
class Step:
    """A command of the page and what it is said to answer."""

    command: str
    answer: tuple[str, ...]

    @property
    def fails(self):
        return any(line.startswith("error:") for line in self.answer)


def steps(page):
    """The page's commands, `python` standing for a block of Python."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        if language == "python":
            yield Step("python", (block,))
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *answer = part.replace("\\\n", "").splitlines()
            yield Step(command, tuple(line for line in answer if line.strip() not in ("", "...")))


def masked(line):
    """The words of a line, with what holds a digit taken out: numbers, days, digests."""
    return " ".join("#" if re.search(r"\d", word) else word for word in line.split())


def cells(line):
    return [cell.strip() for cell in re.split(r"[|│┃]", line)[1:-1]]


def expected(step):
    """Of a documented answer: masked lines, and the headers of its tables."""
    lines = [line for line in step.answer if not line.startswith(("|", *_OF_THE_COUNTRY))]
    headers = [
        cells(line)
        for before, line in zip(("", *step.answer), step.answer, strict=False)
        if line.startswith("|") and not before.startswith("|")
    ]
    return {masked(line) for line in lines}, headers


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    """Run a line of the page in a folder of its own; returns exit code and output."""
    monkeypatch.chdir(tmp_path)

    def run(step):
        if step.command == "python":
            exec(compile(step.answer[0], str(PAGE), "exec"), {})  # noqa: S102
            return 0, capfd.readouterr().out
        words = shlex.split(step.command)
        if words[0] == "export":
            monkeypatch.setenv(*words[1].split("=", 1))
            return 0, ""
        if words[0] != "riskscore":
            return subprocess.run(step.command, shell=True, check=False).returncode, ""  # noqa: S602 - the page's own
        found = [sorted(map(str, Path().glob(word))) if "*" in word else [word] for word in words]
        monkeypatch.setattr("sys.argv", [each for some in found for each in some])
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        else:
            code = 0
        said = capfd.readouterr()
        return code, said.out + said.err

    return run


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
def test_the_walk_goes_as_it_is_told(page, shell, monkeypatch):
    monkeypatch.setattr(promote, "Policy", LENIENT)
    for step in steps(page):
        if step.command.startswith("mlflow ") or "--tune" in step.command:
            continue  # one serves until it is stopped, the other takes minutes and is tested by its own
        command = step.command
        for old, new in SMALLER.items():
            command = command.replace(old, new)
        code, said = shell(Step(command, step.answer))
        assert code == int(step.fails), f"{command}\n{said}"
        if step.command == "python":
            continue
        sentences, headers = expected(step)
        spoken = said.splitlines()
        assert sentences <= {masked(line) for line in spoken}, f"{command}\n{said}"
        tables = [cells(line) for line in spoken if line.startswith("┃")]
        assert all(header in tables for header in headers), f"{command}\n{said}"
