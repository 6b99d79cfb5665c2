"""Promotion: leaked and stale models are refused whatever is said for them, and every decision stays on record."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from riskscore import reference
from riskscore.errors import ModelError
from riskscore.features import standard
from riskscore.frames import epoch_days
from riskscore.ledger import views
from riskscore.models.gate import Finding, Policy
from riskscore.pipelines import promote as promotions
from riskscore.pipelines import promotion_evidence, train
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.model_store import load_model, registry_of
from riskscore.pipelines.promote import Request, promote
from riskscore.workspace import Workspace
from tests.pipelines import plants
from tests.pipelines.country import position, sha256
from tests.pipelines.test_leakage import by_exam_date

LAX = Policy(min_days=1, min_rows=5, min_positives=0, min_drawn=0, ratio=(0, 99), calibration_error=1, segment_rows=10)
"""For a country of three later days."""

CANDIDATE = Request("2", by="Dora")


@pytest.fixture(scope="session")
def rivals(country, tmp_path_factory):
    """Version 1, champion, and version 2, the same trained again; three later days with results are known."""
    workspace = country.copy(tmp_path_factory.mktemp("rivals") / "ws")
    for n in range(3):
        ingest(workspace, "manifest", [country.world.manifest(country.day + timedelta(n))])
    ingest(workspace, "outcomes", [country.world.outcomes])
    train.train(workspace, country.day)
    return workspace


@pytest.fixture
def workspace(rivals, tmp_path):
    shutil.copytree(rivals.root, tmp_path / "ws")
    return Workspace.open(tmp_path / "ws")


@pytest.fixture
def sound(monkeypatch):
    """The leakage checks find nothing, in no time; what they find is tests/pipelines/test_leakage.py."""
    monkeypatch.setattr(promotion_evidence.leakage, "check", lambda *_, **__: (Finding("leakage", True, "not asked"),))


def aliases(workspace):
    return registry_of(workspace).aliases()


def decisions(workspace):
    with workspace.ledger(read_only=True) as ledger:
        return ledger.decisions()


# Three planted leaks, three refusals --------------------------------------------------------------------------


def leaking(workspace, country, plant):
    """Train with a planted builder, as somebody would who read the ledger beforehand."""
    with workspace.ledger(read_only=True) as ledger:
        made = plant(workspace, ledger)
    return train.train(workspace, country.day, builders=made).version


def assert_refused_for_good(workspace, version, builders, where):
    """Refused and recorded, the champion untouched, and no override helps."""
    request = Request(version, by="Dora", reason="it finds more", override="we need it now")
    before = aliases(workspace)["champion"]
    decision = promote(workspace, request, builders=builders, policy=LAX).decision
    assert not decision.accepted
    assert any(reason.startswith(f"{where}: ") for reason in decision.reasons), decision.reasons
    assert aliases(workspace)["champion"] == before
    [kept] = decisions(workspace)
    assert (kept.version, kept.accepted, kept.reasons) == (version, False, decision.reasons)


def test_a_model_that_ignores_the_delay_of_labels_is_refused(country, workspace, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(train, "outcomes_known", by_exam_date)
        version = train.train(workspace, country.day).version
    assert_refused_for_good(workspace, version, None, "labels of the model")


def test_a_model_with_a_target_mean_over_all_time_is_refused(country, workspace):
    version = leaking(workspace, country, plants.target_mean)
    assert_refused_for_good(workspace, version, plants.target_mean, "future permutation: later facts altered")


def test_a_model_that_reads_one_day_ahead_is_refused(country, workspace):
    version = leaking(workspace, country, plants.todays_results)
    assert_refused_for_good(workspace, version, plants.todays_results, "training equals scoring")


def test_a_model_without_a_leak_passes_the_same_checks(workspace):
    decision = promote(workspace, CANDIDATE, policy=LAX, dry_run=True).decision
    found = {check.name: check.verdict for check in decision.checks}
    assert {found[name] for name in found if not name.startswith(("hit rate", "evidence"))} == {"passed"}
    assert "not shown to be better" in decision.reasons[0]


# Stale models -------------------------------------------------------------------------------------------------


def test_other_features_than_those_of_today(workspace):
    short = standard(workspace.tables)[:-1]
    decision = promote(workspace, replace(CANDIDATE, override="now"), builders=short).decision
    assert not decision.accepted
    assert decision.reasons[0].startswith("features: not those of today")


def test_other_reference_facts_than_those_of_today(workspace):
    table = files("riskscore.reference").joinpath("centers_of_excellence.csv").read_text(encoding="utf-8")
    (workspace.root / "reference").mkdir()
    changed = table.replace("Houston", "Austin", 1)
    assert changed != table
    (workspace.root / "reference" / "centers_of_excellence.csv").write_text(changed, encoding="utf-8")
    decision = promote(Workspace.open(workspace.root), replace(CANDIDATE, override="now")).decision
    assert not decision.accepted
    assert decision.reasons[0].startswith("reference facts: ")


def test_files_that_are_not_those_of_the_training(workspace):
    text = workspace.models / "2" / "any.txt"
    text.write_text(text.read_text().replace("leaf_value=", "leaf_value=1", 1))
    decision = promote(workspace, replace(CANDIDATE, override="now")).decision
    assert not decision.accepted
    assert decision.reasons[0].startswith("files: ")
    assert aliases(workspace)["champion"] == "1"
    assert len(decisions(workspace)) == 1


def noted(workspace, was, now):
    """The notes of a decision after `was` was replaced by `now` in riskscore.toml."""
    settings = workspace.root / "riskscore.toml"
    settings.write_text(settings.read_text().replace(was, now))
    return promote(Workspace.open(workspace.root), CANDIDATE, policy=LAX, dry_run=True).decision


def test_other_settings_are_no_reason_to_refuse_but_are_told(workspace, sound):
    decision = noted(workspace, "trees = 20", "trees = 21\nseed = 8")
    assert any(note.endswith("riskscore.toml today: trees, seed") for note in decision.notes)
    assert "hit rate at 5% capacity" in {check.name for check in decision.checks}


def test_settings_that_training_does_not_read_are_not_told(workspace, sound):
    decision = noted(workspace, "[selection]", '[selection]\ntrial = "2"')
    assert 'trial = "2"' in (workspace.root / "riskscore.toml").read_text()
    assert not any("other settings" in note for note in decision.notes)


# The decision -------------------------------------------------------------------------------------------------


def test_refused_accepted_and_rolled_back_all_stay_on_record(workspace, sound):
    refused = promote(workspace, CANDIDATE, policy=LAX)
    assert (refused.decision.accepted, aliases(workspace)) == (False, {"challenger": "2", "champion": "1"})
    accepted = promote(workspace, replace(CANDIDATE, reason="three more days of results"), policy=LAX)
    assert accepted.decision.accepted, accepted.decision.reasons
    assert aliases(workspace) == {"challenger": "1", "champion": "2"}
    back = promote(workspace, Request("1", by="Emil", rollback=True))
    assert aliases(workspace) == {"challenger": "2", "champion": "1"}
    kept = decisions(workspace)
    assert [(each.version, each.against, each.accepted, each.manner, each.decided_by) for each in kept] == [
        ("2", "1", False, "gate", "Dora"),
        ("2", "1", True, "gate", "Dora"),
        ("1", "2", True, "rollback", "Emil"),
    ]
    assert [each.seq for each in kept] == [refused.seq, accepted.seq, back.seq]
    assert kept[1].stated == "three more days of results"
    names = [check["name"] for check in kept[0].evidence["checks"]]
    assert {"files", "features", "leakage", "evidence", "hit rate at 5% capacity", "log loss"} <= set(names)


def test_the_figures_of_equal_models_are_equal(workspace, sound):
    decision = promote(workspace, CANDIDATE, policy=LAX, dry_run=True).decision
    compared = [check.figures for check in decision.checks if check.figures]
    assert len(compared) > 2
    assert {figures.difference for figures in compared if figures.difference == figures.difference} == {0.0}


def test_little_evidence_can_be_overridden_on_record(workspace, sound):
    """With the true targets three days are too few: nothing failed, but little is known."""
    assert not promote(workspace, CANDIDATE).decision.accepted
    promotion = promote(workspace, replace(CANDIDATE, override="the champion has no forced labour model"))
    assert promotion.decision.accepted, promotion.decision.reasons
    assert aliases(workspace)["champion"] == "2"
    assert [(each.manner, each.stated) for each in decisions(workspace)] == [
        ("gate", ""),
        ("override", "the champion has no forced labour model"),
    ]


def test_a_dry_run_changes_nothing(workspace, sound):
    before = {path: sha256(path) for path in (workspace.root / "ledger.duckdb", *workspace.models.rglob("*.txt"))}
    promotion = promote(workspace, replace(CANDIDATE, reason="newer"), policy=LAX, dry_run=True)
    assert promotion.decision.accepted
    assert promotion.seq is None
    assert aliases(workspace) == {"challenger": "2", "champion": "1"}
    assert {path: sha256(path) for path in before} == before


def test_the_holder_of_the_place_is_left_there(workspace):
    before = position(workspace)
    promotion = promote(workspace, Request("champion"))
    assert (promotion.version, promotion.decision) == ("1", None)
    assert position(workspace) == before


def test_a_challenger_need_only_be_sound(workspace, sound):
    promote(workspace, replace(CANDIDATE, reason="newer"), policy=LAX)
    registry_of(workspace).set_alias("2", "challenger")
    promotion = promote(workspace, Request("1", alias="challenger"))
    assert promotion.decision.accepted
    assert aliases(workspace) == {"challenger": "1", "champion": "2"}


def test_a_model_that_was_never_champion_is_not_rolled_back_to(workspace):
    with pytest.raises(ModelError, match=r"version 2 was never champion.*without --rollback"):
        promote(workspace, replace(CANDIDATE, rollback=True))
    assert decisions(workspace) == []


@pytest.mark.parametrize("version", ["7", "winner"])
def test_an_unknown_version(workspace, version):
    with pytest.raises(ModelError, match=version):
        promote(workspace, Request(version))
    assert decisions(workspace) == []


def test_a_version_the_ledger_does_not_know(workspace):
    with workspace.ledger() as ledger:
        ledger.connection.execute("DELETE FROM models WHERE version = '2'")
    with pytest.raises(ModelError, match=r"version 2 is not one that this workspace's ledger knows"):
        promote(workspace, CANDIDATE)


def test_a_process_that_dies_before_the_alias_moves(workspace, sound, monkeypatch):
    request = replace(CANDIDATE, reason="newer")
    with monkeypatch.context() as patch:
        patch.setattr(promotions, "point", lambda *_: (_ for _ in ()).throw(RuntimeError("no power")))
        with pytest.raises(RuntimeError, match="no power"):
            promote(workspace, request, policy=LAX)
    assert aliases(workspace)["champion"] == "1"
    promote(workspace, request, policy=LAX)
    assert aliases(workspace)["champion"] == "2"
    assert [each.accepted for each in decisions(workspace)] == [True, True]


def test_without_results_of_later_days_nothing_is_known(country, tmp_path, sound):
    workspace = country.copy(tmp_path / "early")
    train.train(workspace, country.day)
    decision = promote(workspace, CANDIDATE, policy=LAX).decision
    assert not decision.accepted
    assert "comparison: there is none" in decision.reasons
    assert any("no result is known" in note for note in decision.notes)


# What is compared ---------------------------------------------------------------------------------------------


def test_later_shipments_are_told_from_the_log_alone(country, rivals):
    """Held against plain queries: who they are, what was found, by what chance, and in which segment they are."""
    with rivals.ledger(read_only=True) as ledger:
        gatherer = promotion_evidence.Gatherer(rivals, ledger)
        later, _ = gatherer._later(*(load_model(rivals, ledger, version) for version in ("2", "1")))
        asked = {"day": country.day, "positive": list(reference.POSITIVE), "clear": list(reference.CLEAR)}
        rows = ledger.connection.execute(LATER, asked).fetch_df().sort_values("shipment_id")
    assert len(later) == len(rows) > 10
    assert later.days.tolist() == epoch_days(rows["arrival_date"]).tolist()
    assert later.labels.tolist() == rows["hit"].tolist()
    # Some results take longer than three days, which raises the weights of those that are known.
    assert later.chances == pytest.approx(rows["chance"].to_numpy(), nan_ok=True, rel=0.5)
    assert (later.chances <= rows["chance"].to_numpy()).all()
    assert later.weights == pytest.approx(1 / later.chances)
    assert later.drawn.tolist() == rows["drawn"].tolist()
    assert later.champion.tolist() == later.candidate.tolist()
    for mode in set(rows["mode"]):
        assert later.segments[f"mode {mode}"].tolist() == (rows["mode"] == mode).tolist()
    yearly = rows["earlier"] * 365 / (rows["arrival_date"] - rows["first_day"]).dt.days
    assert later.segments["small importers"].tolist() == (yearly < 12).tolist()
    assert sum(flags for name, flags in later.segments.items() if name.startswith("CTPAT")).max() <= 1


def test_a_member_that_lost_its_standing_is_in_no_tier(rivals):
    with rivals.ledger(read_only=True) as ledger:
        days = pd.Series(pd.to_datetime(["2026-03-02"] * 3), index=list("ABC"))
        shipments = pd.DataFrame({"arrival_date": days, "mode": "ocean", "hts": "610910"})
        traders = pd.Series(["T1", "T2", None], index=days.index, dtype="str")
        status = views.statuses_on(ledger.connection, traders, days, ledger.position)
    status["trader_id"], status["role"] = ["T1", "T2", None], ["importer", "importer", None]
    status["ctpat_tier"], status["ctpat_status"] = [3, 3, None], ["validated", "suspended", None]
    history = SimpleNamespace(
        statuses={"importer": status},
        tracks={"importer": SimpleNamespace(count=lambda _: np.array([9.0, 9.0, np.nan]))},
    )
    found = dict(promotion_evidence._segments(shipments, history, np.array([9, 9, 9]), rivals.tables))
    assert found["CTPAT tier 3"].tolist() == [True, False, False]


LATER = """
    WITH standing AS (
        SELECT shipment_id, arrival_date, mode, importer_id, action, filed_day FROM shipments_log
        QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY version DESC, filed_at DESC) = 1),
    words AS (
        SELECT * FROM outcomes_log QUALIFY row_number() OVER (
            PARTITION BY shipment_id, exam_type, exam_date, hazard ORDER BY known_at DESC, seq DESC) = 1),
    found AS (
        SELECT shipment_id, CAST(bool_or(result IN (SELECT unnest($positive))) AS DOUBLE) AS hit,
            max(inclusion_probability) AS chance, bool_or(selected_by IN ('random', 'random_floor', 'census')) AS drawn
        FROM words GROUP BY ALL HAVING hit = 1 OR bool_and(result IN (SELECT unnest($clear))))
    SELECT s.*, f.*, (SELECT min(arrival_date) FROM shipments_log) AS first_day,
        (SELECT count(*) FROM standing e WHERE e.importer_id = s.importer_id AND e.arrival_date < s.arrival_date
            AND e.action <> 'deleted') AS earlier
    FROM standing s JOIN found f USING (shipment_id)
    WHERE s.arrival_date >= $day AND s.action <> 'deleted'"""
