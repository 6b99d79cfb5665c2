"""Publication is a projection of the ledger: all or nothing, repaired, never half a day."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from riskscore.errors import RunError
from riskscore.pipelines import projection, score_day
from riskscore.pipelines import score as score_module
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.score import score
from tests.pipelines.country import position, published, run, write_csv
from tests.pipelines.scoring import line

ROOT = Path(__file__).parents[2]


def test_a_deleted_out_is_written_again(country, workspace, reference_bytes):
    run(workspace, country.manifest, country.day)
    tree = {p.relative_to(workspace.out): p.read_bytes() for p in workspace.out.rglob("*") if p.is_file()}
    shutil.rmtree(workspace.out)
    ingest(workspace, "traders", [country.world.traders])
    assert published(workspace, country.day).read_bytes() == reference_bytes
    assert {p.relative_to(workspace.out): p.read_bytes() for p in workspace.out.rglob("*") if p.is_file()} == tree


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-100], lambda whole: b"", lambda whole: whole[:50] + b"x" + whole[51:]]
)
def test_a_damaged_publication_is_repaired_by_the_next_command(country, workspace, reference_bytes, damage):
    run(workspace, country.manifest, country.day)
    path = published(workspace, country.day)
    path.write_bytes(damage(reference_bytes))
    ingest(workspace, "traders", [country.world.traders])
    assert path.read_bytes() == reference_bytes


def test_a_damaged_older_publication_is_repaired_when_its_day_is_run_again(country, workspace, reference_bytes):
    run(workspace, country.manifest, country.day)
    tomorrow = country.day + timedelta(1)
    run(workspace, country.world.manifest(tomorrow), tomorrow)
    path = published(workspace, country.day)
    path.write_bytes(reference_bytes[:-100])
    run(workspace, country.manifest, country.day)
    assert path.read_bytes() == reference_bytes


def test_a_process_that_dies_between_commit_and_publication(country, workspace, reference_bytes, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(projection, "write_bytes", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError, match="division"):
            run(workspace, country.manifest, country.day)
    assert not published(workspace, country.day).exists()
    with workspace.ledger(read_only=True) as ledger:
        assert ledger.run_of(country.day), "it was committed"
    ingest(workspace, "traders", [country.world.traders])
    assert published(workspace, country.day).read_bytes() == reference_bytes


def test_a_process_that_dies_after_a_refresh_is_committed(country, workspace, tmp_path, monkeypatch):
    run(workspace, country.manifest, country.day)
    old = published(workspace, country.day).read_bytes()
    more = write_csv(tmp_path / "more.csv", [line(country, f"M{n}") for n in range(5)])
    with monkeypatch.context() as patch:
        patch.setattr(projection, "write_bytes", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError, match="division"):
            run(workspace, more, country.day, refresh=True)
    assert published(workspace, country.day).read_bytes() == old
    run(workspace, more, country.day)
    assert "M0" in pq.ParquetFile(published(workspace, country.day)).read()["shipment_id"].to_pylist()


@pytest.mark.slow
def test_a_killed_process_leaves_all_or_nothing(country, workspace):
    """kill -9 in the middle of the transaction: the next run is the first."""
    script = f"""
import os, signal
from datetime import date
from pathlib import Path
from riskscore.pipelines import score_day
from riskscore.pipelines.score import score
from riskscore.workspace import Workspace
score_day.as_published = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
workspace = Workspace.open(Path({str(workspace.root)!r}))
score(workspace, [Path({str(country.manifest)!r})], date.fromisoformat("{country.day}"))
"""
    before = position(workspace)
    done = subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -9
    assert position(workspace) == before
    assert run(workspace, country.manifest, country.day).counts.scored
    assert position(workspace) == before + 1


def test_an_error_on_a_later_day_leaves_the_earlier_ones(country, workspace, tmp_path, monkeypatch):
    tomorrow = country.day + timedelta(1)
    path = write_csv(tmp_path / "two.csv", [line(country, "S1"), line(country, "S2", arrival_date=tomorrow)])
    with monkeypatch.context() as patch:
        patch.setattr(score_module, "score_day", fails_on(tomorrow))
        with pytest.raises(RunError, match=str(tomorrow)):
            score(workspace, [path])
    assert published(workspace, country.day).exists()
    with workspace.ledger(read_only=True) as ledger:
        assert [entry.run_date for entry in ledger.runs()] == [country.day]


def fails_on(day):
    def score_or_fail(*args, **options):
        if args[5] == day:
            raise RunError(f"a fault on {day}")
        return score_day.score_day(*args, **options)

    return score_or_fail
