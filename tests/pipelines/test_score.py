"""The daily job keeps its promises: all or nothing, every row accounted for, the same bytes again."""

from __future__ import annotations

import math
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import riskscore
from riskscore.errors import ConfigError, InputError, ModelError, RunError
from riskscore.pipelines import projection, score_day
from riskscore.pipelines import score as score_module
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.score import score
from riskscore.pipelines.train import train
from riskscore.tables import ARMS, SHIPMENTS, recommendations_schema
from riskscore.workspace import Workspace
from tests.factories import noon, outcomes
from tests.pipelines.country import SETTINGS, position, published, run, sha256, write_csv

ROOT = Path(__file__).parents[2]
COUNTS = ("scored", "quarantined", "superseded", "deleted", "duplicate", "deferred")


def counts(result):
    assert result.counts.read == sum(getattr(result.counts, name) for name in COUNTS)
    return {name: getattr(result.counts, name) for name in COUNTS if getattr(result.counts, name)}


def line(country, name, **given):
    """A plain row arriving on the scored day, filed in time."""
    day = country.day
    return {
        "shipment_id": name,
        "version": 0,
        "action": "new",
        "filed_at": f"{day - timedelta(1)}T12:00:00Z",
        "arrival_date": day,
        "mode": "ocean",
        "port": "2704",
    } | given


def late(country):
    return f"{country.day}T12:00:00Z"


def live(country, extra=()):
    """Naive: the latest version filed before the morning of every shipment, arriving on the day and not deleted."""
    morning = datetime(country.day.year, country.day.month, country.day.day)  # noqa: DTZ001 - UTC, as in the files
    files = [*extra, country.manifest, country.root.parent / "past.parquet"]
    latest = {}
    for path in files:
        for row in riskscore.read_table(path).accepted.to_pylist():
            known = row["filed_at"] < morning if row["filed_at"] else row["arrival_date"] <= country.day
            rank = (row["version"] or 0, row["filed_at"] or datetime.min)  # noqa: DTZ901
            if known and (row["shipment_id"] not in latest or rank > latest[row["shipment_id"]][0]):
                latest[row["shipment_id"]] = (rank, row)
    return {
        name: row
        for name, (_, row) in latest.items()
        if row["arrival_date"] == country.day and row["action"] != "deleted"
    }


# The product.


def test_exactly_the_contracted_columns_in_order(country, scored):
    workspace, result = scored
    file = pq.ParquetFile(published(workspace, country.day))
    assert file.schema_arrow.equals(recommendations_schema())
    assert file.read().equals(result.recommendations)
    assert "run_date" not in file.schema_arrow.names


def test_one_row_per_live_shipment(country, scored):
    _, result = scored
    expected = live(country)
    rows = result.recommendations.to_pylist()
    assert sorted(row["shipment_id"] for row in rows) == sorted(expected)
    for row in rows:
        assert (row["port"], row["version"]) == (
            expected[row["shipment_id"]]["port"],
            expected[row["shipment_id"]]["version"],
        )


def test_chances_are_chances(scored):
    rows = scored[1].recommendations.to_pylist()
    for row in rows:
        assert 0 < row["inclusion_probability"] <= 1
        given = [chance for chance in row["exam_probabilities"].values() if chance is not None]
        assert math.isclose(sum(given), row["inclusion_probability"], abs_tol=1e-9)
        assert all(0 <= chance <= 1 for chance in given)
        assert 0 <= row["risk_score"] <= 1
    assert math.isclose(
        sum(row["inclusion_probability"] for row in rows),
        sum(row["recommendation"] == "examine" for row in rows),
        rel_tol=1e-6,
    )


def test_columns_agree_with_each_other(country, scored):
    workspace, result = scored
    rows = result.recommendations.to_pylist()
    for row in rows:
        assert row["recommendation"] in ("examine", "release")
        assert row["arm"] in ARMS
        assert (row["exam_type"] is None) == (row["recommendation"] == "release") == (row["arm"] == "none")
        assert row["expected_harm_usd"] >= 0
        assert row["programme_credit"] == 0.0
        if row["recommendation"] == "examine":
            assert row["reasons"][0]["text"]
            assert row["arm"] != "random_floor" or "random" in row["reasons"][0]["text"].lower()
        assert row["scored_at"] == datetime(country.day.year, country.day.month, country.day.day, tzinfo=UTC)
    for name in ("run_id", "model_version", "feature_hash", "ledger_seq", "scored_at"):
        assert len({row[name] for row in rows}) == 1
    for port in {row["port"] for row in rows}:
        of_port = sorted(row["priority"] for row in rows if row["port"] == port)
        assert of_port == list(range(1, len(of_port) + 1))
    assert "random_floor" in {row["arm"] for row in rows}
    assert position(workspace) == rows[0]["ledger_seq"]


def test_capacity_is_never_exceeded(country, scored):
    rows = scored[1].recommendations.to_pylist()
    arrivals, exams = (
        Counter(r["port"] for r in rows),
        Counter(r["port"] for r in rows if r["recommendation"] == "examine"),
    )
    for port, n in arrivals.items():
        assert exams[port] == math.ceil(0.05 * n), "default_share of the live arrivals, rounded up"


def test_priority_orders_exams_before_releases_and_by_risk(scored):
    rows = scored[1].recommendations.to_pylist()
    for row in rows:
        for other in rows:
            if row["port"] == other["port"] and row["priority"] < other["priority"]:
                assert row["recommendation"] <= other["recommendation"]
                if row["arm"] == other["arm"] == "risk":
                    assert row["risk_score"] >= other["risk_score"]


def test_every_exam_has_reasons_and_a_random_one_carries_no_inference(scored):
    _, result = scored
    for row in result.recommendations.to_pylist():
        own, *model = row["reasons"]
        assert own["text"]
        if row["arm"] in ("must_exam", "risk"):
            assert own["contribution"] is None
            assert model
            assert all(reason["contribution"] and reason["text"] for reason in model)
            assert {reason["direction"] for reason in model} <= {"raises", "lowers"}
        else:
            assert not model
        if row["arm"] == "random_floor":
            assert "drawn at random" in own["text"]
            assert "carries no inference" in own["text"]


def test_the_run_record_names_what_the_run_was_made_of(country, scored):
    workspace, result = scored
    [path] = (workspace.out / "runs" / f"run_date={country.day}").iterdir()
    record = __import__("json").loads(path.read_text())
    assert record["parquet_sha256"] == sha256(published(workspace, country.day))
    assert record["inputs"] == [
        {"path": str(country.manifest), "sha256": sha256(country.manifest), "rows": len(country.rows())}
    ]
    assert record["run_id"] == result.run.run_id
    assert record["counts"]["read"] == len(country.rows())
    assert {"model", "feature_hash", "ledger_position", "durations_s", "config"} <= set(record)


# The same bytes again.


@pytest.fixture(scope="session")
def reference_bytes(country, scored):
    return published(scored[0], country.day).read_bytes()


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


# Rows: every one is accounted for.

BAD_VALUES = (
    {"shipment_id": ""},
    {"arrival_date": ""},
    {"mode": ""},
    {"port": ""},
    {"mode": "boat"},
    {"action": "cancelled"},
    {"version": "-1"},
    {"version": "1.5"},
    {"version": "first"},
    {"filed_at": "yesterday"},
    {"filed_at": "2026-02-30T00:00:00Z"},
    {"arrival_date": "02/03/2025"},
    {"arrival_date": "1066-10-14"},
    {"value_usd": "1e400"},
    {"value_usd": "NaN"},
    {"value_usd": "-1"},
    {"weight_kg": "heavy"},
    {"weight_kg": "1e13"},
    {"quantity": "-inf"},
    {"in_bond": "perhaps"},
    {"duty_rate_pct": "5%"},
    {"importer_id": "x" * 201},
    {"description": "x" * 20_001},
    {"hts": "85\x0001"},
    {"shipment_id": "NUL\x00"},
)
BAD_LINES = ("just one field", "too,few,fields", 'BAD,"unclosed', "," * 60)


def test_the_identity_holds_on_every_kind_of_row(country, workspace, tmp_path):
    day, known = country.day, country.rows()[0]
    yesterday, tomorrow = day - timedelta(1), day + timedelta(1)
    in_time, later = f"{yesterday}T13:00:00Z", late(country)
    run_before = next(r for r in country.rows(yesterday) if r["arrival_date"] == yesterday and r["shipment_id"])
    rows = {
        "scored": [line(country, f"G{n}") for n in range(10)]
        + [
            line(country, "A1", version=1, action="amended", filed_at=in_time),
            line(country, "NULLS", version="", action=""),
        ]
        + [line(country, "L1"), line(country, "L2", filed_at="")],
        "superseded": [
            line(country, "A1"),
            line(country, "D1"),
            line(country, "G-old", filed_at=f"{yesterday}T01:00:00Z"),
        ],
        "deleted": [line(country, "D1", version=1, action="deleted", filed_at=in_time)],
        "duplicate": [line(country, "G3"), line(country, "G3"), run_before],
        "deferred": [
            line(country, "O1", arrival_date=tomorrow),
            line(country, "O2", arrival_date=yesterday),
            line(country, "F1", filed_at=later),
            line(country, "L1", version=1, action="deleted", filed_at=later),
        ],
        "quarantined": [line(country, f"Q{n}") | bad for n, bad in enumerate(BAD_VALUES)]
        + [line(country, "CONFLICT", value_usd=v) for v in (1, 2)],
    }
    rows["scored"].append(line(country, "G-old", filed_at=f"{yesterday}T02:00:00Z", value_usd=7))
    assert len(BAD_VALUES) + len(BAD_LINES) >= 20
    everything = [row for group in rows.values() for row in group]
    random.Random(1).shuffle(everything)  # noqa: S311
    path = write_csv(tmp_path / "all.csv", everything, *BAD_LINES)
    result = run(workspace, path, day)
    expected = {name: len(group) for name, group in rows.items()}
    expected["quarantined"] += len(BAD_LINES)
    assert counts(result) == expected
    assert result.counts.read == len(everything) + len(BAD_LINES)
    names = set(result.recommendations["shipment_id"].to_pylist())
    assert names >= {f"G{n}" for n in range(10)} | {"A1", "NULLS", "L1", "L2", "G-old"}
    assert not names & {"D1", "F1", "O1", "O2", "CONFLICT", known["shipment_id"]}
    [refused] = [p for p in sorted((workspace.out / "quarantine").iterdir()) if f"{result.run.seq:06d}" in p.name]
    written = pq.ParquetFile(refused).read()
    assert written.num_rows == expected["quarantined"]
    assert all(written["reasons"].to_pylist())
    assert set(written["row_number"].to_pylist()) <= set(range(1, len(everything) + len(BAD_LINES) + 1))


def test_a_version_that_moved_the_arrival_overtakes(country, workspace, tmp_path):
    moved = line(
        country,
        "MOVED",
        version=1,
        action="amended",
        arrival_date=country.day + timedelta(1),
        filed_at=f"{country.day - timedelta(1)}T20:00:00Z",
    )
    path = write_csv(tmp_path / "m.csv", [line(country, "G1"), line(country, "MOVED"), moved])
    result = run(workspace, path, country.day)
    assert "MOVED" not in result.recommendations["shipment_id"].to_pylist()
    assert counts(result) == {"scored": 1, "superseded": 1, "deferred": 1}


def test_late_versions_are_deferred_however_many(country, workspace, tmp_path):
    rows = [
        line(country, "S1"),
        *[line(country, "S1", version=n, action="amended", filed_at=late(country)) for n in (1, 2)],
        *[line(country, "S2", version=n, filed_at=late(country)) for n in (0, 1)],
    ]
    result = run(workspace, write_csv(tmp_path / "late.csv", rows), country.day)
    assert counts(result) == {"scored": 1, "deferred": 4}


def test_every_day_in_turn_is_as_of_its_own_morning(country, tmp_path):
    """Without a date, a day is scored as with it: what its file knew in time counts, whatever day it arrives on."""
    tomorrow = country.day + timedelta(1)
    moved = line(
        country,
        "MOVED",
        version=1,
        action="amended",
        arrival_date=tomorrow,
        filed_at=f"{country.day - timedelta(1)}T20:00:00Z",
    )
    path = write_csv(
        tmp_path / "m.csv",
        [line(country, "G1"), line(country, "MOVED"), moved, line(country, "T1", arrival_date=tomorrow)],
    )
    one = run(country.copy(tmp_path / "one"), path, country.day)
    two = score(country.copy(tmp_path / "two"), [path])
    assert [result.run.run_date for result in two] == [country.day, tomorrow]
    ids = [set(result.recommendations["shipment_id"].to_pylist()) for result in (one, *two)]
    assert ids[0] == ids[1]
    assert "MOVED" in ids[2]
    assert sum(result.counts.read for result in two) == 4
    for result in two:
        counts(result)


def test_days_in_turn_account_for_each_row_once(country, workspace, tmp_path):
    days = [country.day + timedelta(n) for n in range(3)]
    rows = [line(country, f"S{n}", arrival_date=day, filed_at="") for n, day in enumerate(days * 4)]
    path = write_csv(tmp_path / "days.csv", [*rows, line(country, "Q", arrival_date="soon")], "broken")
    results = score(workspace, [path])
    assert [r.run.run_date for r in results] == days
    assert sum(r.counts.read for r in results) == 14
    assert sum(r.counts.quarantined for r in results) == 2
    assert [counts(r).get("scored") for r in results] == [4, 4, 4]


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


def test_a_manifest_of_another_day_is_refused_and_leaves_nothing(country, workspace, tmp_path):
    before = position(workspace)
    for path in (country.manifest, write_csv(tmp_path / "empty.csv", [])):
        with pytest.raises(InputError, match=r"no shipment in this file arrives on 2031-01-01"):
            run(workspace, path, date(2031, 1, 1))
    with pytest.raises(InputError, match="arrives on"):
        run(
            workspace,
            [country.manifest, write_csv(tmp_path / "o.csv", [line(country, "S", arrival_date="2031-01-01")])],
            country.day,
        )
    with pytest.raises(InputError, match="no readable row was filed before the morning"):
        score(workspace, [write_csv(tmp_path / "bad.csv", [], "broken")])
    assert position(workspace) == before
    assert not published(workspace, country.day).exists()


def test_a_day_of_deletions_only_publishes_an_empty_list(country, tmp_path, workspace):
    names = live(country)
    rows = [
        line(country, "S1", version=1, action="deleted"),
        *[line(country, name, version=99, action="deleted") for name in names],
    ]
    result = run(workspace, write_csv(tmp_path / "gone.csv", rows), country.day)
    assert (result.counts.deleted, result.counts.scored) == (len(rows), 0)
    assert pq.ParquetFile(published(workspace, country.day)).read().num_rows == 0
    assert run(workspace, write_csv(tmp_path / "gone.csv", rows), country.day).replayed


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


# Rules and capacity.


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


# Models.


def test_a_day_before_the_models_as_of_is_refused(country, workspace):
    earlier = country.day - timedelta(5)
    before = position(workspace)
    with pytest.raises(ModelError, match=r"--allow-future-model"):
        run(workspace, country.world.manifest(earlier), earlier)
    assert position(workspace) == before
    result = run(workspace, country.world.manifest(earlier), earlier, allow_future_model=True)
    assert result.recommendations.num_rows


@pytest.mark.parametrize("name", ["any.txt", "model.json"])
def test_a_tampered_model_is_refused(country, workspace, name):
    path = workspace.models / "1" / name
    text = path.read_text()
    path.write_text(text.replace("1", "2", 1))
    before = position(workspace)
    with pytest.raises(ModelError, match="digest"):
        run(workspace, country.manifest, country.day)
    assert position(workspace) == before
    assert not published(workspace, country.day).exists()


def test_a_tampered_artifact_is_refused(country, workspace):
    shutil.rmtree(workspace.models)
    [path] = (workspace.root / "mlartifacts").rglob("any.txt")
    path.write_text(path.read_text().replace("1", "2", 1))
    with pytest.raises(ModelError, match="digest"):
        run(workspace, country.manifest, country.day)
    with pytest.raises(ModelError, match="digest"):
        run(workspace, country.manifest, country.day)


@pytest.mark.parametrize("model", ["9", "challenger", "best"])
def test_an_unknown_model_is_named(country, workspace, model):
    with pytest.raises(ModelError, match=model):
        run(workspace, country.manifest, country.day, model=model)


# Publication is a projection of the ledger.


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


def test_a_day_withdrawn_whole_does_not_stop_the_next(country, workspace, tmp_path):
    today, tomorrow = country.day, country.day + timedelta(1)
    rows = [
        line(country, "W1", filed_at=f"{today - timedelta(5)}T00:00:00Z"),
        line(country, "W1", version=1, action="deleted", filed_at=f"{today - timedelta(4)}T00:00:00Z"),
        line(country, "W2", arrival_date=tomorrow),
    ]
    first, second = score(workspace, [write_csv(tmp_path / "w.csv", rows)])
    assert (first.counts.deleted, first.counts.superseded) == (1, 1)
    assert second.counts.scored == 1


# What may not matter.


def content(result):
    return result.recommendations.drop_columns(["run_id", "ledger_seq"])


def write_outcomes(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_outcomes_known_on_the_day_or_later_change_nothing(country, workspace, scored, tmp_path):
    names = riskscore.read_table(country.root.parent / "past.parquet").accepted["shipment_id"].to_pylist()[:400]
    rows = [
        row
        for n, name in enumerate(names)
        for row in outcomes(
            {
                "shipment_id": name,
                "exam_type": "intensive",
                "result": "seized",
                "hazard": "narcotics",
                "exam_date": country.day - timedelta(3),
                "known_at": noon(country.day, n % 3),
                "selected_by": "other",
            }
        )
    ]
    ingest(workspace, "outcomes", [write_outcomes(tmp_path / "o.parquet", rows)])
    assert content(run(workspace, country.manifest, country.day)).equals(content(scored[1]))


def test_outcomes_known_the_day_before_do_change_it(country, workspace, scored, tmp_path):
    names = riskscore.read_table(country.root.parent / "past.parquet").accepted["shipment_id"].to_pylist()
    rows = [
        row
        for name in names
        for row in outcomes(
            {
                "shipment_id": name,
                "exam_type": "intensive",
                "result": "seized",
                "hazard": "narcotics",
                "exam_date": country.day - timedelta(3),
                "known_at": noon(country.day, -1),
                "selected_by": "other",
            }
        )
    ]
    ingest(workspace, "outcomes", [write_outcomes(tmp_path / "o.parquet", rows)])
    assert not content(run(workspace, country.manifest, country.day)).equals(content(scored[1]))


def test_arrivals_of_later_days_change_nothing(country, workspace, scored):
    for n in (1, 2):
        ingest(workspace, "manifest", [country.world.manifest(country.day + timedelta(n))])
    found = run(workspace, country.manifest, country.day)
    # Late amendments of the day itself were filed after its cut-off.
    assert content(found).equals(content(scored[1]))


def test_shipments_columns_are_those_of_the_simulator(country):
    assert set(pq.ParquetFile(country.manifest).schema_arrow.names) <= set(SHIPMENTS.names)
