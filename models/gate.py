"""The gate: may a model take another's place? Pure rules over evidence; who gathers it is riskscore.pipelines.promote.

GAO-13-9 found that the weights of a national targeting system had been changed without documented analysis, and that
there were no targets for its accuracy. So the targets are numbers (`Policy`), the evidence is kept with the decision,
and a refusal says why. A check has three ends: passed, failed, and unknown, where evidence is lacking. Unknown
refuses too, but is the only thing that an override, which is recorded as one, can accept.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from riskscore.models import paired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from riskscore.models.paired import Later, Paired
    from riskscore.selection.trial import TrialEvidence

Verdict = Literal["passed", "failed", "unknown"]
Manner = Literal["gate", "override", "rollback"]

_HIT_RATE = "hit rate"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check of a model's making found.

    Attributes:
        name: of the check.
        passed: nothing is wrong.
        detail: what was looked at, or what is wrong, in words.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The targets. Where no source is named the number is ours, and docs/adr/0012 says why.

    Attributes:
        share: capacity, as a share of all shipments; set to `capacity.default_share` of the workspace.
        clip: what one shipment stands for at most when models are compared. Without a clip a handful of random exams
            decides and a better model is let through once in ten times; with it seven times (docs/adr/0012).
        level: confidence of every interval; of the segments together.
        min_days: days on which shipments arrived that neither model has seen: two weeks, so that each weekday is twice.
        min_rows: labelled ones of them.
        min_positives: those in which something was found: 20 tell a hit rate to within a quarter.
        decisive_gap: hit rates closer than this are not told apart by examined shipments that another model chose:
            estimates from them missed gaps under 5 points (docs/adr/0012); a trial can.
        keeps: a model taken for a stated reason finds at least this part of what the champion finds.
        log_loss_margin: part by which its log loss may be higher.
        ratio: bounds of predicted over observed (issue "models that tell the truth").
        calibration_error: highest expected calibration error (same source).
        min_drawn: random exams without which calibration cannot be known; GAO-06-591T asks for the random sample.
        segment_rows: labelled shipments without which nothing is said of a segment.
        burden_margin: share of a segment's clear shipments that may be examined more.
    """

    share: float = 0.05
    clip: float = 20.0
    level: float = 0.95
    min_days: int = 14
    min_rows: int = 300
    min_positives: int = 20
    decisive_gap: float = 0.05
    keeps: float = 0.9
    log_loss_margin: float = 0.05
    ratio: tuple[float, float] = (0.75, 1.4)
    calibration_error: float = 0.02
    min_drawn: int = 50
    segment_rows: int = 100
    burden_margin: float = 0.01


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the decision.

    Attributes:
        name: what was looked at.
        verdict: passed, failed, or unknown for want of evidence.
        rule: what it was held against.
        detail: what was found, in words.
        figures: champion, candidate, their difference and its interval, where there are two to compare.
    """

    name: str
    verdict: Verdict
    rule: str
    detail: str
    figures: Paired | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to judge by.

    Attributes:
        findings: of the leakage and staleness checks.
        later: labelled shipments that neither model has seen; None where `without` says why none are needed, or
            where the findings have settled it.
        trial: of champion and candidate by randomised slots, the strongest evidence there is.
        without: why no comparison is asked for, such as "no champion"; empty = one is.
        notes: what an auditor should know and nothing is decided by.
    """

    findings: tuple[Finding, ...]
    later: Later | None = None
    trial: TrialEvidence | None = None
    without: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a model may take the place, and why.

    Attributes:
        accepted: it may.
        manner: by the gate's rules, by an override of what is not known, or rolled back.
        reasons: sentences; of a refusal, what failed and what is lacking.
        checks: every line of evidence.
        notes: of the evidence.
    """

    accepted: bool
    manner: Manner
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Checks and notes as JSON can hold them; undefined figures are null."""
        return {"checks": [_plain(asdict(check)) for check in self.checks], "notes": list(self.notes)}


def judge(
    evidence: Evidence, policy: Policy, *, reason: str = "", override: str = "", rollback: bool = False
) -> Decision:
    """Decide.

    A model is accepted when nothing failed and nothing is unknown. Better means: in a trial, its verdict; without
    one, a hit rate at capacity above the champion's by at least `decisive_gap`, the whole interval above 0. With a
    stated reason, such as newer data, no worse is enough: the interval not below -(1 - `keeps`) of the champion's rate.

    Args:
        evidence: what there is.
        policy: the targets.
        reason: why a model that is no better should take the place; empty = none is stated.
        override: why a model about which something is not known should; never excuses what failed.
        rollback: the model was in this place before, so only its soundness is asked about.

    >>> judge(Evidence((Finding("labels", False, "known too early"),)), Policy()).reasons
    ('labels: known too early',)
    """
    checks = [_sound(finding) for finding in evidence.findings]
    if all(check.verdict == "passed" for check in checks) and not evidence.without:
        checks.extend(_compared(evidence, policy, reason))
    failed = [f"{check.name}: {check.detail}" for check in checks if check.verdict == "failed"]
    unknown = [f"{check.name}: {check.detail}" for check in checks if check.verdict == "unknown"]
    overridden = bool(override and unknown and not failed)
    accepted = not failed and (overridden or not unknown)
    if accepted:
        reasons = [f"not known, overridden: {each}" for each in unknown] or _merits(evidence, checks)
    else:
        reasons = failed + unknown
    manner: Manner = "rollback" if rollback else "override" if overridden else "gate"
    return Decision(accepted, manner, tuple(reasons), tuple(checks), evidence.notes)


def _sound(finding: Finding) -> Check:
    return Check(finding.name, "passed" if finding.passed else "failed", "must hold", finding.detail)


def _merits(evidence: Evidence, checks: list[Check]) -> list[str]:
    if evidence.without:
        return [evidence.without]
    return [f"{check.name}: {check.detail}" for check in checks if check.name.startswith(_HIT_RATE)]


def _compared(evidence: Evidence, policy: Policy, reason: str) -> Iterator[Check]:
    rows = evidence.later
    if rows is None:
        yield Check("comparison", "unknown", "both models on the same later days", "there is none")
        return
    clipped = replace(rows, weights=np.minimum(rows.weights, policy.clip))
    enough = _enough(rows, policy)
    yield enough
    yield _better(evidence, clipped, policy, reason, enough=enough.verdict == "passed")
    yield _log_loss(clipped, policy, enough=enough.verdict == "passed")
    yield from _calibration(rows, policy)
    yield from _segments(clipped, policy)


def _enough(rows: Later, policy: Policy) -> Check:
    days, positives = len(set(rows.days.tolist())), int(rows.labels.sum())
    rule = f"at least {policy.min_rows} labelled shipments, {policy.min_positives} findings, {policy.min_days} days"
    there = len(rows) >= policy.min_rows and positives >= policy.min_positives and days >= policy.min_days
    detail = f"{len(rows):,} labelled shipments that neither model has seen, {positives:,} findings, {days} days"
    return Check("evidence", "passed" if there else "unknown", rule, detail)


def _better(evidence: Evidence, rows: Later, policy: Policy, reason: str, *, enough: bool) -> Check:
    name = f"{_HIT_RATE} at {policy.share:.0%} capacity"
    trial = evidence.trial
    if trial is not None and trial.decided:
        return _by_trial(trial, reason)
    figures = paired.hit_rates(rows, policy.share, level=policy.level)
    margin = (1 - policy.keeps) * figures.champion
    rule = f"higher by {policy.decisive_gap:.2f} and surely above 0"
    if reason:
        rule += f", or, for a stated reason, surely not below -{margin:.3f}"
    verdict: Verdict
    if not enough or math.isnan(figures.low):
        verdict, detail = "unknown", "too little to compare"
    elif figures.difference >= policy.decisive_gap and figures.low > 0:
        verdict, detail = "passed", f"better by {figures.difference:.3f}"
    elif reason and figures.low >= -margin:
        verdict, detail = "passed", f"no worse, and taken because: {reason}"
    elif figures.high < 0:
        verdict, detail = "failed", f"worse by {-figures.difference:.3f}"
    elif figures.low > 0:
        verdict, detail = "unknown", f"higher by {figures.difference:.3f}, which only a trial can decide"
    else:
        verdict, detail = "unknown", f"not shown to be better ({figures.low:+.3f} to {figures.high:+.3f})"
    return Check(name, verdict, rule, detail, figures)


def _by_trial(trial: TrialEvidence, reason: str) -> Check:
    detail = f"{trial.verdict} after {trial.pairs:,} disputed exams ({trial.low:+.3f} to {trial.high:+.3f})"
    no_worse = trial.verdict == "no difference" and bool(reason)
    if no_worse:
        detail += f", and taken because: {reason}"
    verdict: Verdict = "passed" if trial.verdict == "challenger" or no_worse else "unknown"
    rule = "the trial finds for the challenger, or, for a stated reason, no difference"
    return Check(f"{_HIT_RATE} in the trial", "failed" if trial.verdict == "champion" else verdict, rule, detail)


def _log_loss(rows: Later, policy: Policy, *, enough: bool) -> Check:
    figures = paired.log_losses(rows, policy.level)
    margin = policy.log_loss_margin * figures.champion
    rule = f"surely not higher by more than {margin:.4f}"
    if not enough or math.isnan(figures.high):
        return Check("log loss", "unknown", rule, "too little to compare", figures)
    if figures.high <= margin:
        return Check("log loss", "passed", rule, f"changed by {figures.difference:+.4f}", figures)
    detail = f"{figures.low:+.4f} to {figures.high:+.4f}"
    if figures.low > 0:
        return Check("log loss", "failed", rule, f"worse, {detail}", figures)
    return Check("log loss", "unknown", rule, f"not shown to be no worse, {detail}", figures)


def _calibration(rows: Later, policy: Policy) -> Iterator[Check]:
    found = paired.calibrated(rows)
    low, high = policy.ratio
    wanted = f"{low:g} to {high:g}", f"at most {policy.calibration_error:g}"
    of = f"{found.rows:,} exams of known chance, {found.drawn:,} drawn at random, {found.positives:,} findings"
    if found.drawn < policy.min_drawn or found.positives < policy.min_positives:
        lacking = f"cannot be known: {of}; {policy.min_drawn} and {policy.min_positives} are needed"
        yield Check("predicted / observed", "unknown", wanted[0], lacking)
        yield Check("calibration error", "unknown", wanted[1], lacking)
        return
    chance = found.ratio_low <= found.ratio <= found.ratio_high
    verdict: Verdict = "passed" if low <= found.ratio <= high or chance else "failed"
    detail = f"{found.ratio:.2f}, {found.ratio_low:.2f} to {found.ratio_high:.2f} by chance alone, from {of}"
    yield Check("predicted / observed", verdict, wanted[0], detail)
    verdict = "passed" if found.error <= max(policy.calibration_error, found.error_by_chance) else "failed"
    detail = f"{found.error:.3f}, up to {found.error_by_chance:.3f} by chance alone"
    yield Check("calibration error", verdict, wanted[1], detail)


def _segments(rows: Later, policy: Policy) -> Iterator[Check]:
    """Two figures per segment. Intervals hold for all together (Bonferroni): of 40 at 95 % each, two would be wrong."""
    large = {name: flags for name, flags in rows.segments.items() if int(flags.sum()) >= policy.segment_rows}
    level = 1 - (1 - policy.level) / max(1, 2 * len(large))
    for name, flags in large.items():
        hits = paired.hit_rates(rows, policy.share, flags, level)
        worse = hits.high < -policy.decisive_gap
        rule = f"not surely lower by more than {policy.decisive_gap:g}"
        yield Check(f"{name}: hit rate", "failed" if worse else "passed", rule, _change(hits), hits)
        burden = paired.burdens(rows, policy.share, flags, level)
        worse = burden.low > policy.burden_margin
        rule = f"not surely higher by more than {policy.burden_margin:g}"
        yield Check(f"{name}: clear shipments examined", "failed" if worse else "passed", rule, _change(burden), burden)


def _change(figures: Paired) -> str:
    if math.isnan(figures.difference):
        return "neither model picks there" if math.isnan(figures.champion) else "one of them picks none there"
    return f"{figures.champion:.3f} to {figures.candidate:.3f} ({figures.low:+.3f} to {figures.high:+.3f})"


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
