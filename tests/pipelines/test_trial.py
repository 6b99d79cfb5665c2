"""A challenger on trial: the daily job shares disputed slots, replays to the same bytes, and a plan is made once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from riskscore import simulator
from riskscore.cli.explain import explain as explain_command
from riskscore.errors import ModelError, RunError
from riskscore.ledger import Run
from riskscore.pipelines import trial as trials
from riskscore.pipelines.explain import port_cuts
from riskscore.pipelines.explain import shipment as shipment_module
from riskscore.pipelines.explain.shipment import explain_shipment
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.model_store import registry_of
from riskscore.pipelines.report.run import report
from riskscore.pipelines.train import train
from riskscore.selection.trial import exams_needed
from riskscore.workspace import Workspace
from tests.factories import DAY
from tests.pipelines.country import SETTINGS, published, run, sha256
from tests.pipelines.report.conftest import data_of

OTHER = SETTINGS.replace("trees = 20", "trees = 8\nleaves = 4\nseed = 12")
SHARING = SETTINGS.replace("seed = 5", 'seed = 5\ntrial = "challenger"') + "[capacity]\ndefault_share = 0.4\n"


def configured(workspace, toml):
    (workspace.root / "riskscore.toml").write_text(toml, encoding="utf-8")
    return Workspace.open(workspace.root, threads=1)


@pytest.fixture(scope="module")
def rivals(country, tmp_path_factory):
    """A workspace with a champion, version 1, and a challenger, version 2; nothing scored yet."""
    workspace = country.copy(tmp_path_factory.mktemp("rivals") / "ws", OTHER)
    assert train(workspace, country.day).alias == "challenger"
    return replace(country, root=workspace.root)


@pytest.fixture
def sharing(rivals, tmp_path):
    return rivals.copy(tmp_path / "sharing", SHARING)


@pytest.fixture(scope="module")
def shared(rivals, tmp_path_factory):
    """The day scored with a trial: for tests that only read. Returns the workspace and its result."""
    workspace = rivals.copy(tmp_path_factory.mktemp("shared") / "ws", SHARING)
    return workspace, run(workspace, rivals.manifest, rivals.day)


def test_the_run_record_names_the_challenger_and_every_slot_tossed_for(shared):
    workspace, result = shared
    record, rows = result.run.record, {row["shipment_id"]: row for row in result.recommendations.to_pylist()}
    digest = registry_of(workspace).resolve("challenger")[1]
    assert (record["model"]["version"], record["trial"]["version"], record["trial"]["digest"]) == ("1", "2", digest)
    disputed = record["trial"]["disputed"]
    assert {one["examined"] for one in disputed} == {"champion", "challenger"}
    for one in disputed:
        loser = "champion" if one["examined"] == "challenger" else "challenger"
        winner, passed_over = rows[one[one["examined"]]], rows[one[loser]]
        assert (winner["arm"], winner["port"], passed_over["port"]) == ("risk", one["port"], one["port"])
        assert passed_over["arm"] in {"none", "random_floor"}
        assert winner["inclusion_probability"] < 1
        assert "won the toss" in winner["reasons"][0]["text"]
        assert "lost the toss" in passed_over["reasons"][0]["text"] or passed_over["arm"] == "random_floor"
    assert {row["model_version"] for row in rows.values()} == {"1"}
    told = sum("won the toss" in row["reasons"][0]["text"] for row in rows.values())
    assert told == len(disputed)


def test_what_won_the_slot_is_explained_and_named(shared):
    workspace, result = shared
    rows = {row["shipment_id"]: row for row in result.recommendations.to_pylist()}
    won = {one["examined"]: one[one["examined"]] for one in result.run.record["trial"]["disputed"]}
    for side, version in (("champion", "1"), ("challenger", "2")):
        made, row = explain_shipment(workspace, won[side]), rows[won[side]]
        assert (made.version, made.by_challenger) == (version, side == "challenger")
        assert (made.scores["any"] == row["risk_score"]) == (side == "champion")
        assert row["reasons"][0]["text"].startswith(f"risk score {made.scores['any']:.3f}")
        assert (" of model 2; rank" in row["reasons"][0]["text"]) == made.by_challenger
        published = {reason["concept"]: reason for reason in row["reasons"][1:]}
        assert published
        assert published.items() <= {reason["concept"]: reason for reason in made.concepts}.items()
        assert made.cut is None or made.cut < made.scores["any"]


@pytest.mark.parametrize(("side", "cut"), [("champion", 0.3), ("challenger", 0.5)])
def test_a_cut_is_that_of_one_model_s_ranking(side, cut):
    """Slots that the other model won say nothing of it; those that it lost were over it all the same."""
    disputed = [{"port": "2704", "pair": n, "champion": f"H{n}", "challenger": f"R{n}", "examined": won}
                for n, won in ((1, "champion"), (2, "challenger"))]  # fmt: skip
    record = {"model": {"version": "1"}, "trial": {"version": "2", "disputed": disputed}}
    scores = {"BOTH": 0.9, "H1": 0.8, "H2": 0.7, "NONE": 0.5, "R1": 0.6, "R2": 0.1, "FLOOR": 0.3}
    if side == "champion":
        scores |= {"NONE": 0.3, "R1": 0.2}
    arms = {"BOTH": "risk", "H1": "risk", "R2": "risk", "FLOOR": "random_floor"}
    given = [list(scores), ["2704"] * len(scores), [arms.get(name, "none") for name in scores], list(scores.values())]
    table = pa.table(given, names=["shipment_id", "port", "arm", "risk_score"])
    port = shipment_module._port(Run(1, DAY, "run", 1, "", record), table, "2704", side)
    if side == "challenger":
        port = port.assign(risk_score=pd.Series(scores | {"R2": 0.55, "H1": 0.4, "H2": 0.4}))
    assert port_cuts(port).unique().tolist() == [cut]


def test_the_command_names_the_model_whose_score_won(shared):
    workspace, result = shared
    won = next(one for one in result.run.record["trial"]["disputed"] if one["examined"] == "challenger")
    app = typer.Typer()
    app.command()(explain_command)
    said = CliRunner().invoke(app, [won["challenger"]], obj=(workspace.root, 1), catch_exceptions=False).output
    assert "scores, model version 2, the challenger, which won this slot by toss" in " ".join(said.split())
    assert "published is the champion's, model version 1: risk score" in said


def test_the_worklist_says_whose_score_won(shared, rivals):
    workspace, result = shared
    won = {one["challenger"] for one in result.run.record["trial"]["disputed"] if one["examined"] == "challenger"}
    rows = data_of(report(workspace, rivals.day).page)["rows"]
    assert {row["id"]: row["challenger"] for row in rows if "challenger" in row} == dict.fromkeys(won, "2")


def test_slots_and_chances_are_those_of_a_day_without_a_trial(shared, rivals, tmp_path):
    alone = run(rivals.copy(tmp_path / "alone", SHARING.replace('"challenger"', '""')), rivals.manifest, rivals.day)
    result = shared[1]
    assert alone.run.record["trial"] is None
    assert alone.run.run_id != result.run.run_id
    assert alone.run.record["slots"] == result.run.record["slots"]
    sums = [
        sum(table["inclusion_probability"].to_pylist()) for table in (alone.recommendations, result.recommendations)
    ]
    assert sums[0] == pytest.approx(sums[1])
    assert min(result.recommendations["inclusion_probability"].to_pylist()) > 0


def test_a_day_replays_to_its_bytes_though_the_trial_has_moved_on(rivals, sharing):
    first = run(sharing, rivals.manifest, rivals.day)
    content = sha256(published(sharing, rivals.day))
    registry_of(sharing).set_alias("1", "challenger")
    again = run(configured(sharing, SHARING.replace('"challenger"', '"nobody"')), rivals.manifest, rivals.day)
    assert again.replayed
    assert (again.run.run_id, sha256(published(sharing, rivals.day))) == (first.run.run_id, content)
    assert again.run.record["trial"]["version"] == "2"


def test_another_challenger_is_another_run(shared, rivals, tmp_path, monkeypatch):
    workspace = rivals.copy(tmp_path / "ws", SHARING)
    give_challenger(monkeypatch, digest="0" * 64)
    other = run(workspace, rivals.manifest, rivals.day)
    assert other.run.run_id != shared[1].run.run_id
    columns = ["shipment_id", "arm", "inclusion_probability"]
    assert other.recommendations.select(columns) == shared[1].recommendations.select(columns)


def give_challenger(monkeypatch, **changes):
    from riskscore.pipelines import score

    load = score.load_model

    def changed(workspace, ledger, name="champion"):
        loaded = load(workspace, ledger, name)
        return replace(loaded, **changes) if loaded.version == "2" else loaded

    monkeypatch.setattr(score, "load_model", changed)


def test_a_challenger_that_cannot_be_used_stops_no_morning(rivals, sharing, monkeypatch):
    give_challenger(monkeypatch, as_of=rivals.day + timedelta(1))
    result = run(sharing, rivals.manifest, rivals.day)
    assert result.run.record["trial"] is None
    assert "version 2 has learned from facts up to the morning of" in result.run.record["trial_not_held"]


def test_the_champion_is_no_challenger_of_itself(rivals, sharing):
    registry_of(sharing).set_alias("1", "challenger")
    assert run(sharing, rivals.manifest, rivals.day).run.record["trial"] is None


def test_a_challenger_that_does_not_exist_is_named_and_stops_no_morning(rivals, sharing):
    nobody = configured(sharing, SHARING.replace('"challenger"', '"nobody"'))
    result = run(nobody, rivals.manifest, rivals.day)
    assert result.run.record["trial"] is None
    assert "is called 'nobody'" in result.run.record["trial_not_held"]


def test_a_challenger_of_other_features_is_named_and_stops_no_morning(rivals, sharing, monkeypatch):
    from riskscore.pipelines import score

    load = score.load_model

    class Other:
        """A model that reads what nobody builds."""

        features = (SimpleNamespace(name="phase_of_the_moon"),)

    def changed(workspace, ledger, name="champion"):
        loaded = load(workspace, ledger, name)
        return replace(loaded, model=Other()) if loaded.version == "2" else loaded

    monkeypatch.setattr(score, "load_model", changed)
    result = run(sharing, rivals.manifest, rivals.day)
    assert "reads 1 features that are not built: phase_of_the_moon" in result.run.record["trial_not_held"]


def test_a_replay_without_its_challenger_is_refused(rivals, sharing, monkeypatch):
    run(sharing, rivals.manifest, rivals.day)
    from riskscore.pipelines import score

    load = score.load_model

    def gone(workspace, ledger, name="champion"):
        if name == "2":
            raise ModelError("model version 2 is damaged")
        return load(workspace, ledger, name)

    monkeypatch.setattr(score, "load_model", gone)
    with pytest.raises(ModelError, match="version 2 is damaged"):
        run(sharing, rivals.manifest, rivals.day)


def test_a_trial_from_plan_to_state(rivals, sharing, tmp_path):
    made = trials.start(sharing, difference=0.1, base_rate=0.2)
    assert (made.champion, made.challenger, made.needed) == ("1", "2", exams_needed(0.2, 0.1))
    before = trials.result(sharing)
    assert (before.disputed, before.evidence.pairs, before.evidence.verdict) == (0, 0, "not yet")
    scored = run(sharing, rivals.manifest, rivals.day)
    state = trials.result(sharing)
    disputed = scored.run.record["trial"]["disputed"]
    assert (state.versions, state.days, state.disputed) == (("1", "2"), 1, len(disputed))
    assert state.champion.exams == sum(one["examined"] == "champion" for one in disputed)
    assert state.champion.unknown + state.challenger.unknown == len(disputed)
    simulator.simulate_exams(rivals.world.path, sharing.out / "recommendations", tmp_path / "found.parquet")
    ingest(sharing, "outcomes", [tmp_path / "found.parquet"])
    known = trials.result(sharing)
    assert known.champion.known + known.challenger.known > 0
    assert (known.disputed, known.waiting) == (len(disputed), len(disputed))
    # A day scored anew once results are in ordered none of their exams.
    assert not run(sharing, rivals.manifest, rivals.day, refresh=True).replayed
    assert trials.result(sharing) == known


def test_a_second_plan_for_the_same_trial_is_refused(sharing):
    trials.start(sharing, difference=0.1, base_rate=0.2)
    with pytest.raises(RunError, match="version 2 against version 1 has a plan already"):
        trials.start(sharing, difference=0.3, base_rate=0.2)
    assert trials.result(sharing).plan.difference == 0.1


def test_a_plan_of_the_champion_against_itself_is_refused(sharing):
    registry_of(sharing).set_alias("1", "challenger")
    with pytest.raises(RunError, match="is version 1, the champion itself"):
        trials.start(sharing, difference=0.1, base_rate=0.2)
