"""How scored days are shown."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from riskscore.cli import days
from riskscore.pipelines.score_day import Counts


def test_refused_rows_of_many_days_are_one_line(tmp_path, capsys):
    none = Counts(**dict.fromkeys(days._COUNTS, 0))
    results = [SimpleNamespace(counts=replace(none, quarantined=count)) for count in (3, 0, 1200)]
    days._print_refused(SimpleNamespace(out=tmp_path), results)
    assert capsys.readouterr().out == f"1,203 refused rows of 2 days, with their reasons: {tmp_path / 'quarantine'}\n"
    days._print_refused(SimpleNamespace(out=tmp_path), results[1:2])
    assert capsys.readouterr().out == ""
