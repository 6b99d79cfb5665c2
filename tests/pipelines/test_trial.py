"""A challenger on trial: the daily job shares disputed slots, replays to the same bytes, and the plan alone decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from riskscore import simulator
from riskscore.errors import ConfigError, ModelError, RunError
from riskscore.ledger import Run
from riskscore.pipelines import trial as trials
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.model_store import registry_of
from riskscore.pipelines.train import train
from riskscore.selection.trial import difference, exams_needed
from riskscore.tables import recommendations_schema
from riskscore.workspace import Workspace
from tests.factories import DAY, append_rows, make_workspace, noon, outcomes, shipments
from tests.pipelines.country import SETTINGS, published, run, sha256

OTHER = SETTINGS.replace("trees = 20", "trees = 8\nleaves = 4\nseed = 12")
SHARING = SETTINGS.replace("seed = 5", 'seed = 5\ntrial = "challenger"') + "[capacity]\ndefault_share = 0.4\n"


def configured(workspace, toml):
    (workspace.root / "riskscore.toml").write_text(toml, encoding="utf-8")
    return Workspace.open(workspace.root, threads=1)


# The daily job.


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


def test_a_second_plan_for_the_same_trial_is_refused(sharing):
    trials.start(sharing, difference=0.1, base_rate=0.2)
    with pytest.raises(RunError, match="version 2 against version 1 has a plan already"):
        trials.start(sharing, difference=0.3, base_rate=0.2)
    assert trials.result(sharing).plan.difference == 0.1


def test_a_plan_of_the_champion_against_itself_is_refused(sharing):
    registry_of(sharing).set_alias("1", "challenger")
    with pytest.raises(RunError, match="is version 1, the champion itself"):
        trials.start(sharing, difference=0.1, base_rate=0.2)


# What the exams found: hand-made runs, so that every result is known.

SIDES = ("champion", "challenger")


class Trial:
    """A workspace with runs of one disputed slot per pair: S2i is the champion's pick, S2i+1 the challenger's."""

    def __init__(self, root, pairs, seed=1):
        self.workspace = make_workspace(root)
        self.examined = [
            "challenger" if toss else "champion" for toss in np.random.default_rng(seed).random(pairs) < 0.5
        ]
        with self.workspace.ledger() as ledger:
            append_rows(self.workspace, ledger, shipments=shipments(*[{}] * (2 * pairs)))

    def plan(self, monkeypatch, **options):
        monkeypatch.setattr(trials, "_versions", lambda workspace: ("1", "2"))
        return trials.start(self.workspace, **options)

    def shipment(self, pair):
        return f"S{2 * pair + SIDES.index(self.examined[pair])}"

    def wait(self, days=56):
        """The morning of that many days after DAY was scored, without a trial."""
        self._record(DAY + timedelta(days), {"model": {"version": "1"}, "trial": None})

    def score(self, pairs, day=DAY, versions=("1", "2")):
        disputed = [{"port": "2704", "pair": n, "champion": f"S{2 * n}", "challenger": f"S{2 * n + 1}",
                     "examined": self.examined[n]} for n in pairs]  # fmt: skip
        self._record(day, {"model": {"version": versions[0]}, "trial": {"version": versions[1], "disputed": disputed}})

    def _record(self, day, record):
        with self.workspace.ledger() as ledger, ledger.transaction("score") as transaction:
            made = Run(transaction.seq, day, f"run{transaction.seq}", transaction.seq, "", record)
            transaction.record_run(made, recommendations_schema().empty_table())

    def report(self, results, days=3):
        """Outcomes of the examined shipments of pairs, pair -> result, known `days` after DAY."""
        rows = [{"shipment_id": self.shipment(pair), "result": result, "exam_type": "intensive",
                 "hazard": "ipr" if result == "seized" else None, "selected_by": None, "inclusion_probability": None,
                 "known_at": noon(DAY, days)} for pair, result in results.items()]  # fmt: skip
        with self.workspace.ledger() as ledger:
            append_rows(self.workspace, ledger, outcomes=outcomes(*rows))

    @property
    def state(self):
        return trials.result(self.workspace)


CLEAR, HIT = "released_no_discrepancy", "seized"


def test_hits_are_counted_by_the_side_that_won_the_toss(tmp_path, monkeypatch):
    trial = Trial(tmp_path / "ws", 40)
    trial.plan(monkeypatch, difference=0.3, base_rate=0.3)
    trial.score(range(40))
    found = {pair: HIT if np.random.default_rng(pair).random() < 0.4 else CLEAR for pair in range(30)}
    trial.report(found)
    assert (trial.state.evidence.pairs, trial.state.waiting) == (0, 40)
    trial.wait()
    state = trial.state
    counts = {side: [found[pair] for pair in found if trial.examined[pair] == side] for side in SIDES}
    for side in SIDES:
        seen = getattr(state, side)
        assert (seen.known, seen.hits) == (len(counts[side]), counts[side].count(HIT))
        assert seen.unknown == trial.examined[30:].count(side)
    hits, exams = zip(*[(counts[side].count(HIT), len(counts[side])) for side in SIDES], strict=True)
    evidence = state.evidence
    assert (evidence.difference, evidence.low, evidence.high) == difference(hits, exams)
    assert (evidence.pairs, evidence.decided) == (30, False)


def test_what_is_no_result_is_unknown_never_clean(tmp_path, monkeypatch):
    trial = Trial(tmp_path / "ws", 6)
    trial.plan(monkeypatch, difference=0.3, base_rate=0.3)
    trial.score(range(6))
    trial.report({0: "not_examined", 1: "waived", 2: "detained", 3: CLEAR, 4: CLEAR})
    with trial.workspace.ledger() as ledger:
        gone = shipments({"shipment_id": trial.shipment(4), "version": 1, "action": "deleted"})
        append_rows(trial.workspace, ledger, shipments=gone)
    state = trial.state
    assert state.champion.known + state.challenger.known == 1
    assert state.champion.unknown + state.challenger.unknown == 5


def test_a_result_known_before_the_toss_is_not_of_it(tmp_path, monkeypatch):
    trial = Trial(tmp_path / "ws", 4)
    trial.plan(monkeypatch, difference=0.3, base_rate=0.3)
    trial.report({0: HIT, 1: HIT})
    trial.score(range(4))
    trial.report({2: HIT})
    trial.wait()
    assert trial.state.evidence.pairs == 1


def test_slots_tossed_for_before_the_plan_do_not_count(tmp_path, monkeypatch):
    trial = Trial(tmp_path / "ws", 8)
    trial.score(range(4))
    unplanned = trial.state
    assert (unplanned.disputed, unplanned.plan, unplanned.evidence.needed) == (4, None, None)
    assert unplanned.evidence.verdict == "not yet"
    trial.plan(monkeypatch, difference=0.3, base_rate=0.3)
    trial.score(range(4, 8), DAY + timedelta(1))
    assert trial.state.disputed == 4


def test_only_the_two_models_of_the_plan_count(tmp_path, monkeypatch):
    trial = Trial(tmp_path / "ws", 9)
    trial.plan(monkeypatch, difference=0.3, base_rate=0.3)
    for day, versions in enumerate([("1", "2"), ("2", "1"), ("1", "3")]):
        trial.score(range(3 * day, 3 * day + 3), DAY + timedelta(day), versions)
    with trial.workspace.ledger(read_only=True) as ledger:
        assert trials.trial_of(ledger, "1", "2").disputed == 3
        assert trials.evidence(ledger, "1", "2").needed == exams_needed(0.3, 0.3)
        assert trials.evidence(ledger, "1", "9") is None
    assert trial.state.versions == ("1", "3")  # the latest that shared slots


def test_the_latest_run_of_a_day_counts_once(tmp_path, monkeypatch):
    trial = Trial(tmp_path / "ws", 6)
    trial.plan(monkeypatch, difference=0.3, base_rate=0.3)
    trial.score(range(6))
    trial.score(range(5))
    assert trial.state.disputed == 5


def test_the_decision_rests_on_the_exams_planned_whatever_comes_later(tmp_path, monkeypatch):
    needed = exams_needed(0.2, 0.6)
    trial = Trial(tmp_path / "ws", needed + 20)
    trial.plan(monkeypatch, difference=0.6, base_rate=0.2)
    trial.score(range(needed - 1))
    trial.score(range(needed - 1, needed + 20), DAY + timedelta(1))

    def results(pairs, winner):
        return {pair: HIT if trial.examined[pair] == winner else CLEAR for pair in pairs}

    # Known from the last toss backwards: the order of the tosses counts, not that of the results.
    trial.report(results(range(needed, needed + 20), "champion"))
    trial.report(results(range(needed), "challenger"))
    trial.wait()
    assert trial.state.evidence.verdict == "not yet"
    assert trial.state.evidence.low > 0  # a daily look would have stopped here
    trial.wait(57)
    decided = trial.state
    assert (decided.evidence.pairs, decided.evidence.verdict) == (needed, "challenger")
    exams = [trial.examined[:needed].count(side) for side in SIDES]
    assert decided.evidence.low == difference((0, exams[1]), tuple(exams))[1]
    trial.wait(90)
    assert trial.state.evidence == decided.evidence
    assert decided.champion.known + decided.challenger.known == needed + 20


def test_results_are_waited_for_the_same_time_however_long_the_trial(tmp_path, monkeypatch):
    trial = Trial(tmp_path / "ws", 6)
    trial.plan(monkeypatch, difference=0.6, base_rate=0.2, wait_days=10)
    trial.score(range(6))
    trial.report({0: HIT, 1: CLEAR}, days=9)
    trial.report({2: HIT, 3: HIT}, days=10)
    trial.wait(9)
    assert (trial.state.waiting, trial.state.evidence.pairs) == (6, 0)
    trial.wait(10)
    assert (trial.state.waiting, trial.state.evidence.pairs) == (0, 2)


def test_a_corrected_result_counts_as_corrected(tmp_path, monkeypatch):
    trial = Trial(tmp_path / "ws", 3)
    trial.plan(monkeypatch, difference=0.3, base_rate=0.3)
    trial.score(range(3))
    trial.report({0: CLEAR})
    rows = [{"shipment_id": trial.shipment(0), "exam_type": "intensive", "result": HIT, "hazard": "ipr",
             "known_at": noon(DAY, 9)}]  # fmt: skip
    with trial.workspace.ledger() as ledger:
        append_rows(trial.workspace, ledger, outcomes=outcomes(*rows))
    trial.wait()
    state = trial.state
    assert (state.evidence.pairs, state.champion.hits + state.challenger.hits) == (1, 1)


def test_without_plan_or_toss_there_is_nothing_to_show(tmp_path):
    with pytest.raises(RunError, match=r"no trial was planned.*set trial = "):
        trials.result(make_workspace(tmp_path / "ws"))


def test_a_base_rate_needs_results(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    with pytest.raises(RunError, match=r"0 ranked exams have a known result.*give --base-rate"):
        trials.plan(workspace, difference=0.05)
    assert trials.plan(workspace, difference=0.05, base_rate=0.2) == (exams_needed(0.2, 0.05), 0.2)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        trials.plan(workspace, difference=0.9, base_rate=0.2)


# The command, before it stands in the list of commands.


@pytest.fixture
def command(monkeypatch, capsys):
    import typer
    from typer.testing import CliRunner

    from riskscore.cli.trial import trial as function

    app = typer.Typer()
    app.command()(function)

    def call(workspace, *arguments):
        result = CliRunner().invoke(app, list(arguments), obj=(workspace.root, 1), catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    return call


def test_the_command_says_what_a_plan_takes_and_where_the_trial_stands(tmp_path, monkeypatch, command):
    trial = Trial(tmp_path / "ws", 10)
    options = ("--difference", "0.1", "--base-rate", "0.2")
    said = command(trial.workspace, "plan", *options)
    assert "588 disputed exams with a known result see a hit rate of 30.0% against 20.0% with chance 0.8" in said
    monkeypatch.setattr(trials, "_versions", lambda workspace: ("1", "2"))
    said = command(trial.workspace, "start", *options)
    assert "on record: version 2 against champion 1" in said
    assert 'no slot is shared yet: set trial = "2"' in said
    trial.score(range(10))
    trial.report(dict.fromkeys(range(8), CLEAR))
    said = command(trial.workspace)
    assert "10 disputed slots on 1 days" in said
    assert "not yet: 0 of the 588 planned exams count; 10 wait until 56 days after their toss; about 114 days" in said
    assert "difference of hit rates" not in said  # an interval of no exams says nothing


def test_the_command_says_who_won(tmp_path, monkeypatch, command):
    needed = exams_needed(0.2, 0.6)
    trial = Trial(tmp_path / "ws", needed)
    trial.score([0])
    assert "decides nothing: no plan is on record" in command(trial.workspace)
    trial.plan(monkeypatch, difference=0.6, base_rate=0.2)
    trial.score(range(needed), DAY + timedelta(1))
    trial.report({pair: HIT if trial.examined[pair] == "champion" else CLEAR for pair in range(needed)})
    trial.wait(57)
    said = command(trial.workspace, "state")
    assert f"decided, on the {needed} exams planned: the champion's picks find more" in said
