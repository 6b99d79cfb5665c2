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


def one(name, rule="watch", since="2026-03-01", **more):
    return {"shipment_id": name, "port": "2704", "rule_id": rule, "exam": "nii", "since": since, **more}


def test_every_wait_is_told_of(capsys):
    record = {
        "must_exam_unmet": [],
        "carried_over": [one("S0")],
        "must_exam_waiting": [
            one("S1", until="2026-03-03"),
            one("S2", since="2026-02-28", until="2026-03-02"),
            one("S3", until="2026-03-03"),
            one("S4", "other", until="2026-03-03"),
        ],
        "must_exam_lapsed": [one(f"S{n}", why="no_slot") for n in (5, 6, 7, 8)] + [one("S9", why="waived")],
    }
    days._print_must_exams("2026-03-02", record)
    assert capsys.readouterr().out.splitlines() == [
        "2026-03-02: nii exam of S0 at port 2704, waiting since 2026-03-01",
        "WARNING 2026-03-02: must-exam watch, 1 still waiting for a slot since 2026-02-28, today the last day: S2",
        "WARNING 2026-03-02: must-exam watch, 2 still waiting for a slot since 2026-03-01: S1, S3",
        "WARNING 2026-03-02: must-exam other, 1 still waiting for a slot since 2026-03-01: S4",
        "2026-03-02: must-exam watch, 1 held no more, waived by an analyst: S9",
        "WARNING 2026-03-02: must-exam watch, 4 held no more, no slot in time: S5, S6, S7, ...",
    ]
