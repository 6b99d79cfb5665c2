"""A day that is scored again: the same bytes, and what waits for a refresh."""

from __future__ import annotations

import random
import shutil
from datetime import timedelta

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from riskscore.errors import RunError
from riskscore.pipelines.train import train
from riskscore.workspace import Workspace
from tests.pipelines.country import position, published, run, sha256, write_csv
from tests.pipelines.scoring import counts, line


def test_a_re_run_is_a_no_op(country, workspace):
    clean = write_csv(country.root.parent / "clean.csv", [line(country, f"C{n}") for n in range(30)])
    run(workspace, clean, country.day)
    before = published(workspace, country.day).read_bytes(), position(workspace)
    again = run(workspace, clean, country.day)
    assert (published(workspace, country.day).read_bytes(), position(workspace)) == before
    assert again.replayed
    assert counts(again) == {"duplicate": 30}


def test_a_re_run_with_refused_rows_takes_no_new_position(country, workspace):
    path = write_csv(country.root.parent / "refused.csv", [line(country, "C1"), line(country, "C2", mode="boat")])
    run(workspace, path, country.day)
    before = published(workspace, country.day).read_bytes(), position(workspace)
    assert counts(run(workspace, path, country.day)) == {"duplicate": 1, "quarantined": 1}
    assert (published(workspace, country.day).read_bytes(), position(workspace)) == before


def test_a_re_run_of_the_simulated_manifest_gives_the_same_bytes(country, workspace, reference_bytes):
    for _ in range(2):
        run(workspace, country.manifest, country.day)
        assert published(workspace, country.day).read_bytes() == reference_bytes


@pytest.mark.parametrize("threads", [1, 2])
def test_order_files_and_threads_do_not_matter(country, workspace, tmp_path, reference_bytes, threads):
    rows = pq.ParquetFile(country.manifest).read()
    order = list(range(rows.num_rows))
    random.Random(threads).shuffle(order)  # noqa: S311
    half = rows.num_rows // 2
    pq.write_table(rows.take(order[:half]), tmp_path / "b.parquet")
    pq.write_table(rows.take(order[half:]), tmp_path / "a.parquet")
    workspace = Workspace.open(workspace.root, threads=threads)
    files = [tmp_path / "b.parquet", tmp_path / "a.parquet"][:: 1 if threads == 1 else -1]
    result = run(workspace, files, country.day)
    assert published(workspace, country.day).read_bytes() == reference_bytes
    assert result.counts.read == rows.num_rows


def test_csv_and_parquet_say_the_same(country, workspace, tmp_path, reference_bytes):
    path = write_csv(tmp_path / "day.csv", country.rows())
    run(workspace, path, country.day)
    assert published(workspace, country.day).read_bytes() == reference_bytes


def test_snapshots_are_a_cache(country, workspace, reference_bytes):
    shutil.rmtree(workspace.snapshots, ignore_errors=True)
    run(workspace, country.manifest, country.day)
    assert published(workspace, country.day).read_bytes() == reference_bytes
    assert any(workspace.snapshots.iterdir())
    for path in workspace.snapshots.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-9] + b"\x00" * 9)
    run(workspace, country.manifest, country.day)
    assert published(workspace, country.day).read_bytes() == reference_bytes


@pytest.mark.slow
def test_the_next_day_is_the_same_with_and_without_snapshot(country, workspace, tmp_path):
    run(workspace, country.manifest, country.day)
    shutil.copytree(workspace.root, tmp_path / "bare")
    bare = Workspace.open(tmp_path / "bare")
    shutil.rmtree(bare.snapshots)
    tomorrow = country.day + timedelta(1)
    for each in (workspace, bare):
        run(each, country.world.manifest(tomorrow), tomorrow)
    assert sha256(published(workspace, tomorrow)) == sha256(published(bare, tomorrow))


def test_a_moved_workspace_scores_and_trains(country, workspace, tmp_path, reference_bytes):
    moved = tmp_path / "elsewhere" / "ws"
    moved.parent.mkdir()
    workspace.root.rename(moved)
    shutil.rmtree(moved / "models")
    workspace = Workspace.open(moved)
    run(workspace, country.manifest, country.day)
    assert published(workspace, country.day).read_bytes() == reference_bytes
    again = train(workspace, country.day)
    assert (again.version, again.alias) == ("2", "challenger")
    assert not list(tmp_path.glob("ws*")), "nothing is written at the old place"


def test_new_rows_for_a_scored_day_wait_for_refresh(country, workspace, tmp_path):
    first = run(workspace, write_csv(tmp_path / "1.csv", [line(country, f"S{n}") for n in range(20)]), country.day)
    before = published(workspace, country.day).read_bytes()
    more = write_csv(tmp_path / "2.csv", [line(country, f"S{n}") for n in range(15, 25)])
    kept = run(workspace, more, country.day)
    assert counts(kept) == {"duplicate": 5, "deferred": 5}
    assert published(workspace, country.day).read_bytes() == before
    assert run(workspace, more, country.day).counts.duplicate == 10, "they are in the ledger"
    fresh = run(workspace, more, country.day, refresh=True)
    assert not fresh.replayed
    assert fresh.run.run_id != first.run.run_id
    assert published(workspace, country.day).read_bytes() != before
    assert set(fresh.recommendations["shipment_id"].to_pylist()) >= {f"S{n}" for n in range(25)}
    with workspace.ledger(read_only=True) as ledger:
        for result in (first, fresh):
            held = ledger.recommendations_of(result.run.run_id).sort_by("shipment_id")
            assert held.equals(result.recommendations.sort_by("shipment_id"))
    records = {path.stem for path in (workspace.out / "runs" / f"run_date={country.day}").iterdir()}
    assert records == {first.run.run_id, fresh.run.run_id}
    after = published(workspace, country.day).read_bytes()
    assert run(workspace, more, country.day).replayed
    assert published(workspace, country.day).read_bytes() == after


def test_a_replay_uses_the_recorded_configuration(country, workspace):
    run(workspace, country.manifest, country.day)
    before = published(workspace, country.day).read_bytes()
    (workspace.root / "riskscore.toml").write_text("[capacity]\ndefault_share = 0.5\n")
    changed = Workspace.open(workspace.root)
    run(changed, country.manifest, country.day)
    assert published(workspace, country.day).read_bytes() == before
    fresh = run(changed, country.manifest, country.day, refresh=True)
    assert pc.sum(pc.equal(fresh.recommendations["recommendation"], "examine")).as_py() > 20


def test_a_day_scored_with_a_later_model_is_replayed_without_asking_again(country, workspace):
    earlier = country.day - timedelta(1)
    manifest = country.world.manifest(earlier)
    run(workspace, manifest, earlier, allow_future_model=True)
    assert run(workspace, manifest, earlier).replayed


def test_a_recorded_configuration_that_cannot_be_read_says_so(country, workspace):
    run(workspace, country.manifest, country.day)
    with workspace.ledger() as ledger:
        ledger.connection.execute("""UPDATE runs SET record = replace(record, '"timezone"', '"time_zone"')""")
    with pytest.raises(RunError, match=r"configuration recorded with .* --refresh"):
        run(workspace, country.manifest, country.day)
    run(workspace, country.manifest, country.day, refresh=True)
