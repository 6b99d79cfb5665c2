"""The commands as a person meets them: help, results, and the program itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from riskscore.cli import app
from riskscore.tables import recommendations_schema
from riskscore.workspace import Workspace
from tests.factories import make_workspace, shipments
from tests.pipelines.country import published, write_csv

ROOT = Path(__file__).parents[2]
NOW = (
    *("init", "simulate", "simulate-exams", "ingest", "features"),
    *("train", "backtest", "promote", "trial", "score", "explain", "report", "decide"),
    *("oversight", "demo"),
)
LATER = ("monitor", "doctor", "map", "serve")


# Help.


def test_help_lists_what_works_and_nothing_else(riskscore):
    said = riskscore("--help")
    assert said.code == 0
    listed = set(re.findall(r"^\W*([a-z][a-z-]+)\s{2,}", said.out.split("Commands")[1], re.MULTILINE))
    assert listed == set(NOW)


@pytest.mark.parametrize("command", NOW)
def test_each_command_helps_with_an_example(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert re.search(rf"Example: riskscore .*\b{command}\b", result.output)


@pytest.mark.parametrize("command", LATER)
def test_a_command_of_a_later_day_is_unknown(riskscore, command):
    said = riskscore(command)
    assert said.code == 2
    assert "Traceback" not in said.err


def test_version(riskscore):
    assert re.fullmatch(r"riskscore \d+\.\d+.*\n", riskscore("--version").out)


def test_no_command_shows_help(riskscore):
    said = riskscore()
    assert "ingest" in said.out + said.err
    assert said.code in (0, 2)


# What works.


def test_init_makes_a_commented_workspace(riskscore, tmp_path):
    said = riskscore("--workspace", tmp_path / "new", "init")
    assert said.well, said.err
    assert str(tmp_path / "new") in said.out
    text = (tmp_path / "new" / "riskscore.toml").read_text()
    assert text.count("#") > 20
    assert (
        Workspace.open(tmp_path / "new").config.canonical()
        == type(Workspace.open(tmp_path / "new").config)().canonical()
    )


def test_the_workspace_may_come_from_the_environment(riskscore, tmp_path, monkeypatch):
    monkeypatch.setenv("RISKSCORE_WORKSPACE", str(tmp_path / "env"))
    assert riskscore("init").code == 0
    assert (tmp_path / "env" / "ledger.duckdb").is_file()


def test_the_default_workspace_is_a_folder_here(riskscore, tmp_path, monkeypatch):
    monkeypatch.delenv("RISKSCORE_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert riskscore("init").code == 0
    assert (tmp_path / "workspace" / "riskscore.toml").is_file()


def test_the_daily_job(riskscore, country, workspace):
    said = riskscore("--workspace", workspace.root, "score", country.manifest, "--date", country.day)
    assert said.well, said.err
    assert str(published(workspace, country.day)) in said.out
    assert pq.ParquetFile(published(workspace, country.day)).schema_arrow.equals(recommendations_schema())
    for word in ("read", "scored", "quarantined", "superseded", "deleted", "duplicate", "deferred"):
        assert word in said.out
    again = riskscore("--workspace", workspace.root, "--threads", 2, "score", country.manifest, "--date", country.day)
    assert again.code == 0
    assert "as before" in again.out


def test_quarantined_rows_are_no_failure(riskscore, tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    path = write_csv(tmp_path / "day.csv", shipments({}, {"mode": "boat"}, {"hts": "x"}), "broken")
    said = riskscore("--workspace", workspace.root, "ingest", "manifest", path)
    assert said.code == 0
    assert str(workspace.out / "quarantine") in said.out
    assert re.search(r"shipments\W+4\W+2\W+2\W+0\W+0", said.out)
    assert "hts 1" in said.out


def test_post_entry_events_are_a_feed(riskscore, tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    path = tmp_path / "events.csv"
    path.write_text("shipment_id,event,event_date\nS0,cf28,2026-03-02\nS0,letter,2026-03-02\n")
    said = riskscore("--workspace", workspace.root, "ingest", "post-entry", path)
    assert said.well, said.err
    assert re.search(r"post_entry\W+2\W+1\W+1\W+0\W+0", said.out)
    assert "refused in post_entry: 1 x event: expected one of cf28" in " ".join(said.out.split())
    wrong = riskscore("--workspace", workspace.root, "ingest", "outcomes", path)
    assert wrong.code == 1
    assert "columns of the post_entry table" in wrong.line


def test_values_from_manifests_are_not_markup(riskscore, country, workspace, tmp_path):
    row = {"shipment_id": "[red]X[/red][", "arrival_date": country.day, "mode": "air", "port": "[/]"}
    said = riskscore(
        "--workspace", workspace.root, "score", write_csv(tmp_path / "m.csv", [row]), "--date", country.day
    )
    assert said.code == 0
    assert "[red]X[/red][" in said.out


def test_train_says_what_it_made(riskscore, country, workspace):
    said = riskscore("--workspace", workspace.root, "train", "--as-of", country.day)
    assert said.code == 0
    assert "model version 2 (challenger)" in said.out
    assert str(country.day) in said.out


def test_features_prints_the_catalogue(riskscore):
    said = riskscore("features")
    assert said.code == 0
    assert "importer" in said.out
    table = riskscore("features", "--markdown").out.splitlines()
    assert len({line.count("|") for line in table if line.startswith("|")}) == 1


def test_the_documented_catalogue_is_the_printed_one(riskscore):
    page = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    assert (
        page.partition("\n## What each group is worth\n")[0].strip() == riskscore("features", "--markdown").out.strip()
    )


def test_simulated_exams_close_the_loop(riskscore, country, workspace, tmp_path):
    base = ("--workspace", workspace.root)
    riskscore(*base, "score", country.manifest, "--date", country.day)
    said = riskscore(
        "simulate-exams",
        "--world",
        country.world.path,
        "--recommendations",
        workspace.out / "recommendations",
        "--out",
        tmp_path / "found.parquet",
    )
    assert said.code == 0, said.err
    said = riskscore(*base, "ingest", "outcomes", tmp_path / "found.parquet")
    assert said.code == 0, said.err
    assert re.search(r"outcomes\W+[1-9]\d*\W+[1-9]\d*\W+0\W+0\W+0", said.out)


def test_simulate_writes_a_country_without_a_workspace(riskscore, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = riskscore("simulate", "--out", "world", "--weeks", 2, "--per-day", 20, "--seed", 1)
    assert said.code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["world"]
    assert len(list((tmp_path / "world" / "manifests").iterdir())) == 14
    assert riskscore("simulate", "--out", "world", "--weeks", 2, "--per-day", 20).code == 1


# As a program.


def program(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "riskscore", *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip


def test_exit_codes_of_the_program(tmp_path):
    made = program("--workspace", "ws", "init", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    for arguments, code in (
        (("init",), 1),
        (("train",), 1),
        (("score", "absent.csv"), 1),
        (("score", "x", "--date", "x"), 2),
    ):
        done = program("--workspace", "ws", *arguments, cwd=tmp_path)
        assert done.returncode == code
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1, done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_program_scores(country, workspace, tmp_path):
    done = program("--workspace", workspace.root, "score", country.manifest, "--date", country.day, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert "recommendations" in done.stdout
    assert not list(tmp_path.glob("ml*")), "nothing is written where the program was called"
