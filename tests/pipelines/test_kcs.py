"""Korean declarations end to end: labels are ingested with manifests, and never seen by the scoring of their day."""

from __future__ import annotations

import csv
import random
import shutil
from datetime import UTC, date, datetime, timedelta

import pytest

from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.score import score
from riskscore.pipelines.train import train
from riskscore.workspace import Workspace
from tests.factories import make_workspace
from tests.pipelines.country import published, run, sha256, write_csv
from tests.readers.test_kcs import HEADER, row, write

START, DAYS = date(2020, 3, 2), 60
SETTINGS = "timezone = 'Asia/Seoul'\n[model]\ntrees = 10\nmin_positives = 5\n"


def declarations(start, days, per_day=10, seed=1):
    generator = random.Random(seed)  # noqa: S311
    for n in range(days * per_day):
        fraud = generator.random() < 0.2
        yield row(
            f"{seed}{n:06d}",
            **{"Date": str(start + timedelta(n // per_day)), "Office ID": generator.choice(["30", "40"]),
               "HS6 Code": "640299" if fraud else generator.choice(["640299", "10121"]), "Fraud": str(int(fraud)),
               "Importer ID": f"I{n % 40}", "Critical Fraud": str(fraud * generator.choice([1, 1, 2]))},
        )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kcs")
    workspace = make_workspace(folder / "ws", "Asia/Seoul")
    (workspace.root / "riskscore.toml").write_text(SETTINGS)
    past = write(folder / "train.csv", declarations(START, DAYS))
    return workspace, ingest(workspace, "manifest", [past]), train(workspace)


def test_a_manifest_brings_shipments_and_outcomes(trained):
    shipments, outcomes = trained[1]
    assert (shipments.table, shipments.read, shipments.accepted) == ("shipments", 600, 600)
    assert outcomes.table == "outcomes"
    assert outcomes.accepted == outcomes.read >= 600


def test_training_sees_only_labels_known_by_then(trained):
    result = trained[2]
    assert result.as_of == START + timedelta(DAYS)
    # Known on the 14th day after the declaration, so part of history on the 15th.
    assert result.rows == 10 * sum(START + timedelta(n + 14) < result.as_of for n in range(DAYS))


def today(folder, name, header=HEADER, **flip):
    with (folder / name).open("w", newline="") as sink:
        writer = csv.DictWriter(sink, header, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(r | flip for r in declarations(START + timedelta(DAYS), 2, per_day=30, seed=2))
    return folder / name


def test_labels_of_a_scored_file_are_not_read(trained, tmp_path):
    files = [
        today(tmp_path, "labels.csv"),
        today(tmp_path, "flipped.csv", **{"Fraud": "?", "Critical Fraud": "2"}),
        today(tmp_path, "bare.csv", HEADER[:-2]),
    ]
    digests = set()
    for path in files:
        shutil.copytree(trained[0].root, tmp_path / path.stem)
        workspace = Workspace.open(tmp_path / path.stem)
        results = score(workspace, [path])
        assert [r.counts.scored for r in results] == [30, 30]
        digests.add(tuple(sha256(published(workspace, r.run.run_date)) for r in results))
        with workspace.ledger(read_only=True) as ledger:
            [(kept,)] = ledger.connection.execute(
                "SELECT count(*) FROM outcomes_log WHERE shipment_id LIKE '2%'"
            ).fetchall()
        assert kept == 0
    assert len(digests) == 1


def test_one_day_of_the_file(trained, tmp_path):
    shutil.copytree(trained[0].root, tmp_path / "ws")
    day = START + timedelta(DAYS)
    result = run(Workspace.open(tmp_path / "ws"), today(tmp_path, "labels.csv"), day, file_format="kcs")
    assert (result.counts.read, result.counts.scored, result.counts.deferred) == (60, 30, 30)


def test_the_morning_is_midnight_in_the_workspaces_zone(trained, tmp_path):
    shutil.copytree(trained[0].root, tmp_path / "ws")
    day = START + timedelta(DAYS)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=9)
    filed = {"before": midnight - timedelta(microseconds=1), "at": midnight, "after": midnight + timedelta(hours=1)}
    rows = [{"shipment_id": name, "arrival_date": day, "mode": "air", "port": "30", "filed_at": at.isoformat()}
            for name, at in filed.items()]  # fmt: skip
    result = run(Workspace.open(tmp_path / "ws"), write_csv(tmp_path / "day.csv", rows), day)
    assert result.recommendations["shipment_id"].to_pylist() == ["before"]
    assert result.recommendations["scored_at"].to_pylist() == [midnight]
    assert (result.counts.scored, result.counts.deferred) == (1, 2)
