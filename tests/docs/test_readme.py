"""README.md is walked as it stands: the analyst's morning, and the ten lines of the library."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from riskscore.cli.main import app
from tests.docs.walk import held_against, run_step, steps

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_and_a_picture_come_before_everything_else():
    top = PAGE[: PAGE.index("## ")]
    assert re.findall(r"^make (\w+) ", top, flags=re.MULTILINE) == ["demo", "test"]
    assert "](docs/worklist.png)" in top


def test_every_link_of_the_page_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE)
    missing = [link for link in links if not link.startswith("http") and not (ROOT / link).exists()]
    assert links
    assert not missing


def test_every_command_of_the_page_exists():
    known = {command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands}
    blocks = "".join(re.findall(r"^```\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE))
    named = set(re.findall(r"^(?:\$ )?riskscore ([a-z-]+)", blocks, flags=re.MULTILINE))
    assert named >= {"score", "report", "explain", "decide", "train"}
    assert named <= known


@pytest.mark.slow
def test_the_walk_goes_as_it_is_told(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for step in steps(PAGE):
        if step.command.startswith(". "):
            continue  # the program is here already
        code, said = run_step(step, monkeypatch, capfd)
        assert code == 0, f"{step.command}\n{said}"
        assert step.command == "python" or not held_against(step, said), f"{step.command}\n{said}"
