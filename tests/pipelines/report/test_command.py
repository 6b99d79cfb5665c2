"""`riskscore report`: what it says."""

from __future__ import annotations

from types import SimpleNamespace

from riskscore.cli.report import report
from tests.factories import DAY


def test_it_names_what_it_wrote(day, capsys):
    report(SimpleNamespace(obj=(day.workspace.root, 1)), DAY)
    first, *paths = capsys.readouterr().out.splitlines()
    assert first == "90 shipments to examine, 150 released, on 2026-03-02"
    folder = day.workspace.out / "reports" / "run_date=2026-03-02"
    assert paths == [str(folder / f"worklist.{name}") for name in ("html", "xlsx", "csv")]
    report(SimpleNamespace(obj=(day.workspace.root, 1)), DAY, standing=True)
    assert capsys.readouterr().out.splitlines()[4:] == [str(folder / "centers.html"), str(folder / "trusted.html")]
    assert all((folder / f"worklist.{name}").stat().st_size for name in ("html", "xlsx", "csv"))
