"""The daily job's product, what it says of each shipment, and what may not matter to it."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

import riskscore
from riskscore.pipelines.ingest import ingest
from riskscore.tables import ARMS, SHIPMENTS, recommendations_schema
from tests.factories import noon, outcomes
from tests.pipelines.country import position, published, run, sha256
from tests.pipelines.scoring import live


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
