"""The gate: what it lets through, what it refuses, and that an override excuses only what is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.special import expit, logit

from riskscore.models.gate import Evidence, Finding, Policy, judge
from riskscore.selection.trial import TrialEvidence
from tests.models.later import country, shifted

SOUND = (Finding("labels", True, "as known"),)
POLICY = Policy(share=0.1, min_drawn=50, decisive_gap=0.03)


@cache
def later(sees=(0.5, 0.5)):
    return country(3, size=60_000, sees=sees).examined(3)


def same():
    """A candidate that is the champion."""
    return replace(later(), candidate=later().champion)


def evidence(rows, **kwargs):
    return Evidence(SOUND, later=rows, **kwargs)


def verdicts(decision):
    return {check.name: check.verdict for check in decision.checks}


HITS = "hit rate at 10% capacity"

# The comparison -----------------------------------------------------------------------------------------------


def test_a_better_model_is_accepted():
    decision = judge(evidence(later((0.0, 1.0))), POLICY)
    assert decision.accepted, decision.reasons
    assert decision.manner == "gate"
    assert decision.reasons[0].startswith(f"{HITS}: better by ")
    assert set(verdicts(decision).values()) == {"passed"}


def test_a_worse_model_is_refused_whatever_is_said_for_it():
    decision = judge(evidence(later((1.0, 0.0))), POLICY, reason="it is new", override="I insist")
    assert not decision.accepted
    assert any(reason.startswith(f"{HITS}: worse by ") for reason in decision.reasons)


def test_an_equal_model_needs_a_reason():
    refused = judge(evidence(same()), POLICY)
    assert not refused.accepted
    assert "not shown to be better" in " ".join(refused.reasons)
    accepted = judge(evidence(same()), POLICY, reason="six more weeks of results")
    assert accepted.accepted
    assert "six more weeks of results" in accepted.reasons[0]


def test_a_reason_does_not_excuse_a_loss_beyond_the_margin():
    rows = later((0.7, 0.4))
    decision = judge(evidence(rows), POLICY, reason="it is simpler")
    assert verdicts(decision)[HITS] != "passed"
    assert judge(evidence(rows), replace(POLICY, keeps=0.1, log_loss_margin=9), reason="it is simpler").accepted


def test_a_gap_that_examined_rows_cannot_decide_is_not_decided():
    rows = later((0.0, 1.0))
    decision = judge(evidence(rows), replace(POLICY, decisive_gap=0.9))
    assert verdicts(decision)[HITS] == "unknown"
    assert "only a trial can decide" in decision.reasons[0]


@pytest.mark.parametrize("lacking", [{"min_days": 99}, {"min_rows": 10**6}, {"min_positives": 10**6}])
def test_too_little_evidence_refuses_even_a_better_model(lacking):
    decision = judge(evidence(later((0.0, 1.0))), replace(POLICY, **lacking))
    assert not decision.accepted
    assert verdicts(decision)["evidence"] == verdicts(decision)[HITS] == "unknown"


def test_nothing_to_compare_refuses():
    assert not judge(Evidence(SOUND), POLICY).accepted


def test_a_model_with_worse_probabilities_is_refused_however_it_ranks():
    rows = later((0.0, 1.0))
    harsh = replace(rows, candidate=np.where(rows.labels == 1, rows.candidate / 50, rows.candidate))
    assert verdicts(judge(evidence(harsh), POLICY))["log loss"] == "failed"


# Calibration --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [-1.0, 1.0])
def test_a_miscalibrated_model_is_refused_however_well_it_ranks(by):
    rows = later((0.0, 1.0))
    decision = judge(evidence(replace(rows, candidate=shifted(rows.candidate, by))), POLICY, override="I insist")
    assert not decision.accepted
    assert verdicts(decision)["predicted / observed"] == "failed"


def test_probabilities_that_are_wrong_both_ways_are_refused_though_their_mean_is_right():
    rows = same()
    spread = expit(2 * logit(rows.candidate) + 2.4)
    decision = judge(evidence(replace(rows, candidate=spread)), POLICY, reason="newer")
    assert verdicts(decision)["predicted / observed"] == "passed"
    assert verdicts(decision)["calibration error"] == "failed"


def test_calibration_that_cannot_be_known_is_lacking_evidence():
    rows = later((0.0, 1.0))
    blind = replace(rows, chances=np.full(len(rows), np.nan))
    decision = judge(evidence(blind), POLICY)
    assert not decision.accepted
    assert verdicts(decision)["predicted / observed"] == verdicts(decision)["calibration error"] == "unknown"
    assert "cannot be known" in " ".join(decision.reasons)
    assert judge(evidence(blind), POLICY, override="the floor began last week").accepted


# Protected segments -------------------------------------------------------------------------------------------


def burdened(segment):
    """The candidate ranks as well as the champion, but everyone in the segment before everyone else."""
    rows = same()
    return replace(rows, candidate=np.where(rows.segments[segment], shifted(rows.champion, 2.5), rows.champion))


@pytest.mark.parametrize("segment", ["CTPAT tier 3", "small importers"])
def test_more_exams_for_nothing_in_a_protected_segment_refuse(segment):
    decision = judge(evidence(burdened(segment)), replace(POLICY, keeps=0.0), reason="newer", override="I insist")
    assert verdicts(decision)[f"{segment}: clear shipments examined"] == "failed"
    assert not decision.accepted


def test_lost_hits_in_a_protected_segment_refuse():
    """Where the trusted are concerned the candidate knows nothing, and elsewhere it is the champion."""
    rows = same()
    trusted = rows.segments["CTPAT tier 3"]
    blind = rows.champion.copy()
    blind[trusted] = np.random.default_rng(0).permutation(blind[trusted])
    decision = judge(evidence(replace(rows, candidate=blind)), replace(POLICY, keeps=0.0), reason="newer")
    assert verdicts(decision)["CTPAT tier 3: hit rate"] == "failed"
    assert verdicts(decision)["small importers: hit rate"] == "passed"


def test_a_small_segment_is_not_judged():
    decision = judge(evidence(burdened("CTPAT tier 3")), replace(POLICY, segment_rows=10**6))
    assert not any("CTPAT" in name for name in verdicts(decision))


# The trial ----------------------------------------------------------------------------------------------------


def trial(low, high, pairs=900, needed=900):
    return TrialEvidence((low + high) / 2, low, high, pairs, needed, decided=pairs == needed)


@pytest.mark.parametrize(
    ("told", "reason", "accepted"),
    [
        (trial(0.01, 0.11), "", True),
        (trial(-0.03, 0.03), "", False),
        (trial(-0.03, 0.03), "newer results", True),
        (trial(-0.11, -0.01), "newer results", False),
    ],
)
def test_a_trial_outweighs_the_comparison(told, reason, accepted):
    decision = judge(evidence(same(), trial=told), POLICY, reason=reason)
    assert decision.accepted == accepted
    assert "hit rate in the trial" in verdicts(decision)


def test_an_override_does_not_excuse_a_lost_trial():
    decision = judge(evidence(same(), trial=trial(-0.11, -0.01)), POLICY, override="I insist")
    assert not decision.accepted


def test_an_unfinished_trial_decides_nothing():
    decision = judge(evidence(same(), trial=trial(0.01, 0.11, pairs=10)), POLICY)
    assert not decision.accepted
    assert HITS in verdicts(decision)


def test_a_trial_excuses_no_miscalibration():
    rows = replace(same(), candidate=shifted(same().candidate, 1.0))
    assert not judge(evidence(rows, trial=trial(0.01, 0.11)), POLICY).accepted


# Soundness, override, rollback --------------------------------------------------------------------------------

LEAKED = (Finding("labels", True, "as known"), Finding("training equals scoring", False, "3 of 100 differ"))


@pytest.mark.parametrize(
    "options", [{}, {"override": "I insist"}, {"reason": "newer", "override": "now"}, {"rollback": True}]
)
def test_nothing_excuses_a_leak(options):
    for rows in (None, later((0.0, 1.0))):
        decision = judge(Evidence(LEAKED, later=rows, without="rolled back"), POLICY, **options)
        assert not decision.accepted
        assert decision.reasons == ("training equals scoring: 3 of 100 differ",)
        assert len(decision.checks) == 2


def test_a_sound_model_that_needs_no_comparison_is_accepted():
    decision = judge(Evidence(SOUND, without="there is no champion"), POLICY)
    assert decision.accepted
    assert decision.reasons == ("there is no champion",)


def test_an_override_is_called_one():
    decision = judge(evidence(same()), POLICY, override="the champion's files are lost")
    assert decision.accepted
    assert decision.manner == "override"
    assert all(reason.startswith("not known, overridden: ") for reason in decision.reasons)


def test_an_override_that_was_not_needed_is_none():
    assert judge(evidence(later((0.0, 1.0))), POLICY, override="to be sure").manner == "gate"


def test_a_rollback_is_called_one():
    assert judge(Evidence(SOUND, without="rolled back"), POLICY, rollback=True).manner == "rollback"


# The record ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [None, later((0.0, 1.0)), replace(same(), chances=np.full(len(same()), np.nan))])
def test_the_evidence_fits_into_json(rows):
    decision = judge(evidence(rows), POLICY)
    kept = json.loads(json.dumps(decision.as_json(), allow_nan=False))
    assert [check["name"] for check in kept["checks"]] == [check.name for check in decision.checks]


def test_the_same_evidence_gives_the_same_decision():
    assert judge(evidence(later((0.0, 1.0))), POLICY) == judge(evidence(later((0.0, 1.0))), POLICY)


@pytest.mark.slow
def test_better_models_pass_and_worse_ones_never_do():
    """40,000 shipments in four weeks, 5 % examined by the champion's ranking and 0.5 % of the rest by lot."""
    accepted = dict.fromkeys(("better", "same", "worse"), 0)
    for seed in range(20):
        better = country(seed, size=40_000, sees=(0.5, 0.8)).examined(seed, floor=0.005)
        rows = {"better": better, "same": replace(better, candidate=better.champion),
                "worse": replace(better, champion=better.candidate, candidate=better.champion)}  # fmt: skip
        for name, each in rows.items():
            accepted[name] += judge(evidence(each), Policy(), reason="newer results").accepted
    assert accepted["better"] >= 14
    assert accepted["same"] >= 17
    assert accepted["worse"] == 0
