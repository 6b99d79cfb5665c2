"""The session's simulated country, and the command line called in this process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from riskscore.cli import main
from tests.pipelines import country as countries


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def line(self):
        """The one error line, the last on stderr after the stages begun; fails on anything else."""
        *stages, last = self.err.splitlines()
        assert all(stage.endswith(" ...") for stage in stages), self.err
        assert last.startswith("error: "), self.err
        assert "Traceback" not in self.err + self.out
        return last

    @property
    def well(self):
        """Whether it ended well: exit 0 and nothing on stderr but the stages begun."""
        return self.code == 0 and all(line.endswith(" ...") for line in self.err.splitlines())


@pytest.fixture(scope="session")
def country(tmp_path_factory):
    return countries.country(tmp_path_factory.getbasetemp())


@pytest.fixture
def workspace(country, tmp_path):
    return country.copy(tmp_path / "ws")


@pytest.fixture
def riskscore(monkeypatch, capsys):
    """Call the command line with these arguments."""

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["riskscore", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        else:
            code = 0
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call
