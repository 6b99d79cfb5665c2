"""The published expected harm is what a slow sum over hazards gives, from the registered model's own JSON."""

from __future__ import annotations

import pytest

from riskscore.frames import as_frame
from riskscore.ledger import live_on
from riskscore.models.bundle import MANIFEST
from riskscore.models.severity import POOLED_CASES
from riskscore.pipelines.model_store import load_model


def slowly(row, severity, value):
    """Expected harm of one published row."""
    harm, value = 0.0, None if value is None else min(value, severity["value_cap_usd"])
    for hazard, entry in severity["hazards"].items():
        own, pooled = row["hazard_scores"][hazard], entry["share"] * row["risk_score"]
        weight = 0 if own is None else entry["cases"] / (entry["cases"] + POOLED_CASES)
        chance = weight * (own or 0) + (1 - weight) * pooled
        stated = entry["usual_value_usd"] if value is None else value
        harm += chance * (entry["flat_usd"] + entry["per_usd"] * stated)
    return harm


def test_expected_harm_is_the_sum_over_hazards(scored):
    workspace, result = scored
    with workspace.ledger(read_only=True) as ledger:
        severity = load_model(workspace, ledger).model.trained.severity.as_json()
        live = as_frame(live_on(ledger.connection, result.run.run_date, ledger.position), index="shipment_id")
    rows = result.recommendations.to_pylist()
    values = live["value_usd"].astype(object).where(live["value_usd"].notna(), None)
    for row in rows:
        expected = slowly(row, severity, values[row["shipment_id"]])
        assert row["expected_harm_usd"] == pytest.approx(expected, rel=1e-9)
    assert len({round(row["expected_harm_usd"] / row["risk_score"]) for row in rows}) > 1
    assert None in {values[row["shipment_id"]] for row in rows}


def test_the_bundle_keeps_the_severity(scored):
    workspace, _ = scored
    with workspace.ledger(read_only=True) as ledger:
        loaded = load_model(workspace, ledger)
    manifest = (workspace.models / loaded.version / MANIFEST).read_text(encoding="utf-8")
    assert '"prior alone"' in manifest
    assert loaded.model.trained.severity is not None
