"""Pages that are walked: their commands are run in order, and what they answer is held against what the page says."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from riskscore.cli import main

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


def run_step(step, monkeypatch, capfd):
    """Run a step in the present folder; returns exit code and output."""
    if step.command == "python":
        exec(compile(step.answer[0], "page", "exec"), {})  # noqa: S102
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


def held_against(step, said):
    """What the page says of a step and its output does not: empty = nothing."""
    sentences, headers = expected(step)
    spoken = said.splitlines()
    tables = [cells(line) for line in spoken if line.startswith("┃")]
    return [
        *sorted(sentences - {masked(line) for line in spoken}),
        *(header for header in headers if header not in tables),
    ]
