"""Must-exam rules, watch-lists and capacity in the daily job."""

from __future__ import annotations

from collections import Counter

import pytest

from riskscore.errors import ConfigError
from tests.pipelines.country import SETTINGS, position, run, write_csv
from tests.pipelines.scoring import line


def test_rules_are_honoured_or_named(country, tmp_path):
    toml = f"""{SETTINGS}
[capacity]
default_share = 0.1
[capacity.ports]
P1 = 2
P2 = 1
P0 = 0
[[must_exam]]
id = "flagged"
exam = "nii"
owner = "test"
reason = "flagged goods"
where = [{{ column = "description", op = "eq", value = "FLAGGED" }}]
[[must_exam]]
id = "over"
exam = "nii"
owner = "test"
reason = "long ago"
where = [{{ column = "port", op = "eq", value = "P1" }}]
expires = 2020-01-01
"""
    workspace = country.copy(tmp_path / "ws", toml)
    rows = [
        line(country, f"{port}-{n}", port=port, description="FLAGGED" if n < flagged else "plain")
        for port, flagged in (("P1", 1), ("P2", 3), ("P0", 1))
        for n in range(10)
    ]
    result = run(workspace, write_csv(tmp_path / "r.csv", rows), country.day)
    found = {row["shipment_id"]: row for row in result.recommendations.to_pylist()}
    assert found["P1-0"]["arm"] == "must_exam"
    assert (found["P1-0"]["rule_id"], found["P1-0"]["exam_type"]) == ("flagged", "nii")
    assert "flagged" in found["P1-0"]["reasons"][0]["text"]
    exams = Counter(row["port"] for row in found.values() if row["recommendation"] == "examine")
    assert (exams["P1"], exams["P2"], exams["P0"]) == (2, 1, 0)
    unmet = {entry["shipment_id"] for entry in result.run.record["must_exam_unmet"]}
    met = {
        name
        for name, row in found.items()
        if row["rule_id"] and row["recommendation"] == "examine" and row["exam_type"] == "nii"
    }
    assert unmet | met == {"P1-0", "P2-0", "P2-1", "P2-2", "P0-0"}
    assert not unmet & met
    assert "P0-0" in unmet
    assert result.run.record["ports_without_capacity"] == ["P0"]
    for row in found.values():
        assert (row["inclusion_probability"] == 0) == (row["port"] == "P0")
    assert not [row for row in found.values() if row["rule_id"] == "over"]


HOLDS = """value,reason,owner,valid_from,expires
CSQU 305438-3,import alert 16-81,FDA,,
"""


def with_holds(country, root):
    toml = f"""{SETTINGS}
[[must_exam]]
id = "holds"
exam = "pga"
owner = "FDA"
reason = "hold"
where = [
  {{ column = "container_ids", op = "in_list", list = "holds" }},
  {{ column = "risk_score", op = "not_null" }},
]
"""
    workspace = country.copy(root, toml)
    (workspace.root / "watch_lists").mkdir()
    (workspace.root / "watch_lists" / "holds.csv").write_text(HOLDS, encoding="utf-8")
    return workspace


def test_a_replay_reads_the_watch_list_as_it_stood(country, tmp_path):
    workspace = with_holds(country, tmp_path / "ws")
    holds = workspace.root / "watch_lists" / "holds.csv"
    file = write_csv(tmp_path / "r.csv", [line(country, f"H{n}", container_ids=f"CSQU305438{n}") for n in range(20)])
    first = run(workspace, file, country.day)
    [held] = [row for row in first.recommendations.to_pylist() if row["rule_id"] == "holds"]
    assert (held["shipment_id"], held["exam_type"]) == ("H3", "pga")
    assert held["reasons"][0]["text"].endswith("hold; watch-list holds: import alert 16-81 (FDA)")
    holds.write_text(HOLDS.replace("438-3", "438-4"), encoding="utf-8")
    again = run(workspace, file, country.day)
    assert again.replayed
    assert again.recommendations == first.recommendations
    later = run(workspace, file, country.day, refresh=True)
    assert [row["shipment_id"] for row in later.recommendations.to_pylist() if row["rule_id"]] == ["H4"]
    assert later.run.run_id != first.run.run_id
    holds.unlink()
    assert run(workspace, file, country.day).replayed


def test_a_faulty_watch_list_stops_the_day_and_leaves_no_trace(country, tmp_path):
    workspace = with_holds(country, tmp_path / "ws")
    (workspace.root / "watch_lists" / "holds.csv").write_text(f"{HOLDS},,,,soon\n", encoding="utf-8")
    before = position(workspace)
    with pytest.raises(ConfigError, match=r"line 3: .*watch_lists/holds\.csv"):
        run(workspace, country.manifest, country.day)
    assert position(workspace) == before
