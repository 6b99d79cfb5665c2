from __future__ import annotations

import re
from datetime import date, datetime, time

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from riskscore.cli.explain import explain as command
from riskscore.errors import RunError
from riskscore.pipelines.explain.shipment import explain_shipment
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.past import Past
from riskscore.tables import OUTCOMES
from tests import factories


def arms(result):
    """One shipment of each arm that the day has."""
    rows = result.recommendations.to_pylist()
    return {row["arm"]: row for row in rows}


@pytest.fixture(scope="module")
def explained(scored):
    """A ranked and a random pick, explained."""
    workspace, result = scored
    chosen = arms(result)
    return {arm: explain_shipment(workspace, chosen[arm]["shipment_id"]) for arm in ("risk", "random_floor")}


def test_every_arm_is_explained_as_recorded(scored, explained):
    _, result = scored
    for arm, made in explained.items():
        row = arms(result)[arm]
        assert made.recommendation == row
        assert made.run.run_id == result.run.run_id
        assert made.shipment["shipment_id"] == row["shipment_id"]
        assert made.concepts
        assert made.is_random == (arm in {"random_floor", "novelty"})
        assert (made.cut is None) or arm == "risk"


def test_the_record_is_that_of_the_morning(scored, explained):
    """Counted again from the log by plain SQL."""
    workspace, result = scored
    made = explained["risk"]
    importer = next(each for each in made.record.parties if each.party == "importer")
    day = result.run.run_date
    query = """
        WITH latest AS (
            SELECT * FROM shipments_log WHERE history_day < $day AND (filed_day < $day OR filed_day IS NULL)
            QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY version DESC, filed_at DESC) = 1)
        SELECT count(*), min(arrival_date) FROM latest WHERE importer_id = $importer AND action <> 'deleted'"""
    with workspace.ledger(read_only=True) as ledger:
        found = ledger.connection.execute(query, {"day": day, "importer": importer.trader_id}).fetchall()
    assert importer.shipments == found[0][0]
    assert importer.trader_id == made.shipment["importer_id"] == made.record.trader_id
    assert importer.exams >= importer.hits >= importer.seizures
    assert all(status["trader_id"] == importer.trader_id for status in made.record.statuses)
    assert all(exam["exam_date"].date() < day for exam in made.record.exams)


def test_what_is_learned_later_changes_nothing(country, scored, explained, tmp_path):
    workspace, _ = scored
    before = explained["risk"]
    copy = country.copy(tmp_path / "copy")
    (tmp_path / "copy" / "ledger.duckdb").write_bytes((workspace.root / "ledger.duckdb").read_bytes())
    earlier = before.run.run_date.replace(day=1)
    exam = {
        "shipment_id": _earlier_shipment(copy, before),
        "exam_date": earlier,
        "exam_type": "intensive",
        "result": "seized",
        "hazard": "narcotics",
        "known_at": datetime.combine(earlier, time(12)),
    }
    found = factories.accepted(OUTCOMES, factories.outcomes(exam)).drop_columns(["_row"])
    pq.write_table(found, tmp_path / "late.parquet")
    ingest(copy, "outcomes", [tmp_path / "late.parquet"])
    assert explain_shipment(copy, before.recommendation["shipment_id"]) == before


def _earlier_shipment(workspace, made):
    with workspace.ledger(read_only=True) as ledger:
        [(found,)] = ledger.connection.execute(
            "SELECT min(shipment_id) FROM shipments_log WHERE importer_id = ? AND shipment_id <> ?",
            [made.shipment["importer_id"], made.shipment["shipment_id"]],
        ).fetchall()
    return found


def test_a_score_that_is_not_the_recorded_one_is_refused(scored, monkeypatch):
    workspace, result = scored
    built = Past.build
    monkeypatch.setattr(Past, "build", lambda *given: built(*given) * 0)
    with pytest.raises(RunError, match=r"when built again, and was recorded as .* --refresh"):
        explain_shipment(workspace, result.recommendations["shipment_id"][0].as_py())


def test_what_was_not_scored_is_an_error(scored):
    workspace, result = scored
    known = result.recommendations["shipment_id"][0].as_py()
    with pytest.raises(RunError, match="no run has scored a shipment 'nobody'"):
        explain_shipment(workspace, "nobody")
    with pytest.raises(RunError, match="1999-01-01 has not been scored"):
        explain_shipment(workspace, known, date(1999, 1, 1))
    with pytest.raises(RunError, match=r"no shipment 'nobody' in the run of .* leave --date out"):
        explain_shipment(workspace, "nobody", result.run.run_date)


@pytest.fixture
def typed(scored):
    workspace, _ = scored
    app = typer.Typer()

    @app.callback()
    def _options(context: typer.Context):
        context.obj = (workspace.root, 1)

    app.command("explain")(command)
    return lambda *words: CliRunner().invoke(app, ["explain", *words])


def test_the_command_prints_the_whole_shipment(scored, typed):
    _, result = scored
    row = arms(result)["risk"]
    answer = typed(row["shipment_id"], "--date", result.run.run_date.isoformat())
    assert answer.exit_code == 0, answer.output
    for word in ("arm risk", "scores, model version", "what moves the score of", "what would clear it", "programme",
                 f"{row['risk_score']:.4f}", "records as they stood that morning"):  # fmt: skip
        assert word in answer.output
    assert "nan" not in answer.output.lower().split()


def test_a_random_pick_carries_no_inference(scored, typed):
    _, result = scored
    row = arms(result)["random_floor"]
    answer = typed(row["shipment_id"])
    assert "drawn, not chosen for its risk" in answer.output
    assert re.search(r"drawn at random: what clears it is the exam", answer.output)
    assert np.isfinite(row["inclusion_probability"])
