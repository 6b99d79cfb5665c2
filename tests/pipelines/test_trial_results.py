"""What a trial's exams found: hand-made runs, so that every result is known; and the command that tells it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from riskscore.errors import ConfigError, RunError
from riskscore.ledger import Run
from riskscore.pipelines import trial as trials
from riskscore.selection.trial import difference, exams_needed
from riskscore.tables import recommendations_schema
from tests.factories import DAY, append_rows, make_workspace, noon, outcomes, shipments

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

    def delete(self, pair, days):
        with self.workspace.ledger() as ledger:
            gone = {"shipment_id": self.shipment(pair), "version": 1, "action": "deleted", "filed_at": noon(DAY, days)}
            append_rows(self.workspace, ledger, shipments=shipments(gone))

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


def test_what_comes_after_the_wait_changes_no_decision(tmp_path, monkeypatch):
    needed = exams_needed(0.2, 0.6)
    trial = Trial(tmp_path / "ws", needed)
    trial.plan(monkeypatch, difference=0.6, base_rate=0.2, wait_days=10)
    trial.score(range(needed))
    trial.report({pair: HIT if trial.examined[pair] == "challenger" else CLEAR for pair in range(needed)})
    trial.wait(10)
    decided = trial.state
    assert decided.evidence.verdict == "challenger"
    trial.report({pair: HIT for pair in range(needed) if trial.examined[pair] == "champion"}, days=10)
    trial.delete(trial.examined.index("challenger"), days=10)
    trial.wait(20)
    assert trial.state == decided


@pytest.mark.parametrize("seed", range(2))
def test_a_look_as_of_a_day_is_the_same_later(tmp_path, monkeypatch, seed):
    """Each day brings a run, results, corrections and deletions; every earlier look is taken again."""
    rng, pairs = np.random.default_rng(seed), 30
    trial, looks = Trial(tmp_path / "ws", pairs), {}
    trial.plan(monkeypatch, difference=0.3, base_rate=0.3, wait_days=3)
    for day in range(6):
        today = DAY + timedelta(day)
        with trial.workspace.ledger(read_only=True) as ledger:
            looks[today] = trials.trial_of(ledger, "1", "2", today)
            assert looks == {past: trials.trial_of(ledger, "1", "2", past) for past in looks}
        trial.score(range(5 * day, 5 * day + 5), today)
        for pair in rng.choice(5 * day + 5, 4, replace=False).tolist():
            trial.report({pair: str(rng.choice([CLEAR, HIT, "detained"]))}, days=day)
        trial.delete(int(rng.integers(5 * day + 5)), days=day) if day % 3 == 2 else None
    known = [look.champion.known + look.challenger.known for look in looks.values()]
    assert len(set(known)) > 3
    assert looks[today].evidence.pairs > 0
    assert trials.result(trial.workspace, today) == looks[today]
    with pytest.raises(RunError, match=f"no slot was tossed for before {DAY}"):
        trials.result(trial.workspace, DAY)


def test_without_plan_or_toss_there_is_nothing_to_show(tmp_path):
    with pytest.raises(RunError, match=r"no trial was planned, and no slot tossed for.*set trial = "):
        trials.result(make_workspace(tmp_path / "ws"))


def test_a_base_rate_needs_results(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    with pytest.raises(RunError, match=r"0 ranked exams have a known result.*give --base-rate"):
        trials.plan(workspace, difference=0.05)
    assert trials.plan(workspace, difference=0.05, base_rate=0.2) == (exams_needed(0.2, 0.05), 0.2)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        trials.plan(workspace, difference=0.9, base_rate=0.2)


# The command, called as the command line calls it.


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
