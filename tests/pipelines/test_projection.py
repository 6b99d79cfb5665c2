"""out/ is what the ledger says: written again when missing, never with rests of killed processes."""

from __future__ import annotations

import os

import pytest

from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.projection import project, record_path
from tests.factories import make_workspace, shipments
from tests.pipelines.country import published, run, sha256, write_csv


def tree(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def project_again(workspace):
    with workspace.writing() as ledger:
        project(workspace, ledger)


def test_each_missing_file_is_written_again(country, workspace, tmp_path):
    ingest(workspace, "manifest", [write_csv(tmp_path / "bad.csv", [], "broken")])
    run(workspace, country.manifest, country.day)
    before = tree(workspace.out)
    assert {path.parts[0] for path in before} == {"recommendations", "runs", "quarantine"}
    for name in before:
        (workspace.out / name).unlink()
        project_again(workspace)
        assert tree(workspace.out) == before, name


def test_projecting_twice_touches_nothing(country, workspace):
    run(workspace, country.manifest, country.day)
    times = {p: p.stat().st_mtime_ns for p in workspace.out.rglob("*")}
    project_again(workspace)
    assert {p: p.stat().st_mtime_ns for p in workspace.out.rglob("*")} == times


def test_rests_of_a_killed_process_are_removed(country, workspace):
    run(workspace, country.manifest, country.day)
    path = published(workspace, country.day)
    rest = path.with_name(f".{path.name}.{os.getpid() + 1}.tmp")
    rest.write_bytes(b"half")
    project_again(workspace)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_reader_sees_whole_files_only(country, workspace, monkeypatch):
    """The write fails half-way: the old file stands, no hidden file stays."""
    run(workspace, country.manifest, country.day)
    path, old = published(workspace, country.day), sha256(published(workspace, country.day))

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            run(workspace, country.manifest, country.day, refresh=True)
    assert sha256(path) == old
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    project_again(workspace)
    assert sha256(path) != old


def test_recommendations_that_no_longer_make_the_recorded_bytes(country, workspace, caplog):
    result = run(workspace, country.manifest, country.day)
    with workspace.ledger() as ledger:
        ledger.connection.execute("UPDATE recommendations SET risk_score = 0.5 WHERE priority = 1")
    published(workspace, country.day).unlink()
    project_again(workspace)
    assert "makes other bytes of the same recommendations" in caplog.text
    assert not published(workspace, country.day).exists(), "wrong bytes are never published"
    assert record_path(workspace.out, result.run).exists()
    run(workspace, country.manifest, country.day, refresh=True)
    assert published(workspace, country.day).exists()


def test_an_empty_ledger_projects_nothing(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    project_again(workspace)
    assert not workspace.out.exists() or not tree(workspace.out)


def test_quarantine_of_each_command_has_its_own_file(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    for n in range(2):
        ingest(workspace, "manifest", [write_csv(tmp_path / f"{n}.csv", shipments({"mode": "boat"}))])
    assert len(list((workspace.out / "quarantine").iterdir())) == 2
