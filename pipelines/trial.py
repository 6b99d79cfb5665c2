"""Champion and challenger on trial: who shares the slots today, how many exams a decision takes, and what they found.

A trial is between two model versions. It begins with a plan on record in the ledger (`start`): how many disputed exams
with a known result decide it, and how long a result is waited for. What was tossed for before does not count. The
decision rests on exactly that many, in the order of their tosses: a later look at more of them cannot change it, and
neither side gains by exams whose results come sooner.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore.errors import RunError
from riskscore.frames import as_frame
from riskscore.ledger.picks import picks_of
from riskscore.pipelines.disputes import ALWAYS, runs_before, standing, tossed, versions_of, with_results
from riskscore.pipelines.model_store import registry_of
from riskscore.selection.trial import ALPHA, POWER, Rival, TrialEvidence, difference, exams_needed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from riskscore.config import Config
    from riskscore.ledger import Ledger, Run
    from riskscore.pipelines.model_store import LoadedModel
    from riskscore.selection import Dispute
    from riskscore.workspace import Workspace

MIN_KNOWN = 50
"""Fewest known results of ranked exams from which a base rate is taken: with fewer it is anybody's guess."""

WAIT_DAYS = 56
"""Days a result is waited for, unless told: most are known 1 to 7 weeks after the exam."""

_KEY = "trial of "
"""Under which plans stand in the ledger's settings, followed by `CHALLENGER against CHAMPION`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided before the first toss.

    Attributes:
        champion: version.
        challenger: version.
        base_rate: hit rate of the champion's ranked exams that was assumed.
        difference: of the hit rates, that the trial is to see.
        power: chance that it does.
        alpha: chance that it sees one where there is none.
        needed: disputed exams with a known result that decide.
        wait_days: days from the toss after which an exam without a conclusive result counts as unknown for good.
        position: ledger position of the plan; only later runs count.
    """

    champion: str
    challenger: str
    base_rate: float
    difference: float
    power: float
    alpha: float
    needed: int
    wait_days: int
    position: int


@dataclass(frozen=True, slots=True)
class Trial:
    """Who is on trial on a morning.

    Attributes:
        challenger: the model; None = no trial is held.
        fault: why the configured trial cannot be held; empty = it can, or none is configured.
    """

    challenger: LoadedModel | None = None
    fault: str = ""

    def as_record(self, disputed: Sequence[Dispute]) -> dict[str, Any] | None:
        """What the run record keeps: the challenger and every slot tossed for; None without one."""
        if self.challenger is None:
            return None
        return {**self.challenger.as_record(), "disputed": [asdict(dispute) for dispute in disputed]}


@dataclass(frozen=True, slots=True)
class Side:
    """One model's exams among the disputed.

    Attributes:
        exams: slots it won.
        known: those with a known result.
        hits: those with a finding.
    """

    exams: int
    known: int
    hits: int

    @property
    def unknown(self) -> int:
        """Exams without a result: not reported yet, pending, waived, or of a deleted bill."""
        return self.exams - self.known


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Where a trial stands.

    Attributes:
        versions: champion and challenger.
        plan: as recorded; None = the models share slots, but nothing was planned and nothing is decided.
        days: mornings on which slots were tossed for.
        disputed: slots tossed for, since the plan if there is one.
        waiting: those of them whose results are still waited for.
        champion: the champion's exams among them.
        challenger: the challenger's.
        evidence: on the planned number of exams, or on all that are known so far.
    """

    versions: tuple[str, str]
    plan: Plan | None
    days: int
    disputed: int
    waiting: int
    champion: Side
    challenger: Side
    evidence: TrialEvidence


def challenger_of(
    config: Config, recorded: Run | None, champion: LoadedModel, load: Callable[[str], LoadedModel]
) -> LoadedModel | None:
    """The model on trial: of a day that was scored before the recorded version, else the configured one.

    Args:
        config: of the workspace.
        recorded: the run that is replayed.
        champion: the model that scores.
        load: gives a verified model by alias or version.

    Returns:
        None without a trial, and when champion and challenger are the same version. After a promotion the alias
        `challenger` names the former champion: `promote` says that slots are still shared.

    Raises:
        ModelError: no model is called so, or it fails verification.
    """
    wanted = config.selection.trial if recorded is None else (recorded.record.get("trial") or {}).get("version", "")
    if not wanted:
        return None
    loaded = load(wanted)
    return None if loaded.version == champion.version else loaded


def rival_scores(
    challenger: LoadedModel | None, frame: pd.DataFrame, value_usd: pd.Series, threads: int
) -> Rival | None:
    """What the challenger says of the day; features that only the champion reads are no concern of it."""
    if challenger is None:
        return None
    read = [feature.name for feature in challenger.model.features if feature.name in frame.columns]
    scores, severity = challenger.model.predict(frame[read], threads), challenger.model.trained.severity
    return Rival(challenger.version, scores, severity.harm_by_hazard(scores, value_usd) if severity else None)


def plan(
    workspace: Workspace, difference: float, base_rate: float | None = None, power: float = POWER
) -> tuple[int, float]:
    """Disputed exams a trial would take, and the base rate it was computed with; nothing is recorded.

    Args:
        workspace: whose past exams give the base rate.
        difference: of the hit rates, that the trial is to see.
        base_rate: hit rate of the champion's ranked exams; None = as in the ledger.
        power: chance that the difference is seen.

    Raises:
        RunError: no base rate was given and too few ranked exams have a known result.
        ConfigError: a rate outside 0 to 1, or no difference.
    """
    with workspace.ledger(read_only=True) as ledger:
        rate = _base_rate(ledger) if base_rate is None else base_rate
    return exams_needed(rate, difference, power), rate


def start(
    workspace: Workspace,
    difference: float,
    base_rate: float | None = None,
    power: float = POWER,
    wait_days: int = WAIT_DAYS,
) -> Plan:
    """Put the plan of a trial of the configured challenger against the champion on record.

    Args:
        workspace: see `plan`, and so for `difference`, `base_rate` and `power`.
        difference: of the hit rates.
        base_rate: of the champion's ranked exams.
        power: chance that the difference is seen.
        wait_days: days a result is waited for.

    Raises:
        RunError: as `plan`; this trial has a plan already; or both are the same version.
        ModelError: there is no challenger, or the registry cannot be reached.
        LockedError: another command is writing.
    """
    with workspace.writing() as ledger:
        champion, challenger = _versions(workspace)
        if _plan_of(ledger, champion, challenger):
            raise RunError(
                f"the trial of version {challenger} against version {champion} has a plan already, and a plan that "
                "follows the results is none",
                fix="riskscore trial shows it",
            )
        rate = _base_rate(ledger) if base_rate is None else base_rate
        needed = exams_needed(rate, difference, power)
        with ledger.transaction("trial start") as transaction:
            made = Plan(champion, challenger, rate, difference, power, ALPHA, needed, wait_days, transaction.seq)
            transaction.keep_setting(f"{_KEY}{challenger} against {champion}", json.dumps(asdict(made), sort_keys=True))
    return made


def result(workspace: Workspace, as_of: date | None = None) -> TrialResult:
    """Where the latest trial stands.

    Args:
        workspace: where it is held.
        as_of: see `trial_of`; the latest trial is then the last that shared slots before it.

    Raises:
        RunError: no trial was planned and no slot tossed for.
    """
    with workspace.ledger(read_only=True) as ledger:
        plans = [] if as_of else [(found.position, (found.champion, found.challenger)) for found in _plans(ledger)]
        runs = runs_before(ledger, as_of or ALWAYS)
        held = [(run.seq, versions_of(run)) for run in runs if run.record.get("trial")]
        if not plans + held:
            what = f"no slot was tossed for before {as_of}" if as_of else "no trial was planned, and no slot tossed for"
            fix = 'set trial = "challenger" under [selection] in riskscore.toml, then riskscore trial start'
            raise RunError(what, fix=fix)
        return _state(ledger, runs, max(plans + held)[1], as_of)


def trial_of(ledger: Ledger, champion: str, challenger: str, as_of: date | None = None) -> TrialResult:
    """Where the trial between two versions stands, whether or not there was one.

    Args:
        ledger: open ledger.
        champion: version.
        challenger: version.
        as_of: what was tossed for and known before this day; what came later changes nothing, but the plan is the one
            on record now. None = all that the ledger knows; waits are over by the newest day scored.
    """
    return _state(ledger, runs_before(ledger, as_of or ALWAYS), (champion, challenger), as_of)


def _state(ledger: Ledger, runs: Sequence[Run], versions: tuple[str, str], as_of: date | None) -> TrialResult:
    found = _plan_of(ledger, *versions)
    slots = tossed(runs, versions, found.position if found else 0)
    today = as_of or max((run.run_date for run in runs), default=date.min)
    exams = with_results(ledger, slots, found.wait_days if found else None, as_of or ALWAYS, today)
    champions, challengers = (_side(exams[exams["side"] == side]) for side in ("champion", "challenger"))
    return TrialResult(
        versions=versions,
        plan=found,
        days=int(exams["run_date"].nunique()),
        disputed=len(exams),
        waiting=int((~exams["due"]).sum()),
        champion=champions,
        challenger=challengers,
        evidence=_evidence(exams, found),
    )


def evidence(ledger: Ledger, champion: str, challenger: str) -> TrialEvidence | None:
    """What the trial between two versions says, for the gate; None when they have shared no slot."""
    found = trial_of(ledger, champion, challenger)
    return found.evidence if found.disputed else None


def _evidence(exams: pd.DataFrame, found: Plan | None) -> TrialEvidence:
    known = exams[exams["hit"].notna() & exams["due"]].sort_values(["run_date", "port", "pair"])
    known = known.head(found.needed) if found else known
    sides = [_side(known[known["side"] == side]) for side in ("champion", "challenger")]
    level = 1 - (found.alpha if found else ALPHA)
    seen, low, high = difference((sides[0].hits, sides[1].hits), (sides[0].known, sides[1].known), level)
    needed = found.needed if found else None
    return TrialEvidence(seen, low, high, len(known), needed, decided=len(known) == needed)


def _side(exams: pd.DataFrame) -> Side:
    return Side(len(exams), int(exams["hit"].notna().sum()), int(exams["hit"].sum()))


def _base_rate(ledger: Ledger) -> float:
    """Share of hits among ranked exams with a known result, over all days."""
    _, outcomes = picks_of(ledger.connection, "risk", date.min, ALWAYS, ledger.position)
    hits = standing(ledger, as_frame(outcomes), ALWAYS)
    if len(hits) < MIN_KNOWN:
        raise RunError(
            f"{len(hits)} ranked exams have a known result, too few to take a base rate from (at least {MIN_KNOWN})",
            fix="give --base-rate",
        )
    return float(np.mean(hits))


def _versions(workspace: Workspace) -> tuple[str, str]:
    registry, wanted = registry_of(workspace), workspace.config.selection.trial or "challenger"
    champion, challenger = registry.resolve("champion")[0], registry.resolve(wanted)[0]
    if champion == challenger:
        raise RunError(
            f"{wanted!r} is version {champion}, the champion itself", fix="train a model, or name another version"
        )
    return champion, challenger


def _plan_of(ledger: Ledger, champion: str, challenger: str) -> Plan | None:
    found = [one for one in _plans(ledger) if (one.champion, one.challenger) == (champion, challenger)]
    return found[0] if found else None


def _plans(ledger: Ledger) -> list[Plan]:
    return [Plan(**json.loads(value)) for value in ledger.settings(_KEY).values()]
