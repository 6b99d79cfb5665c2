"""`riskscore promote`: gather the evidence, judge, record the decision, then move the alias."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from riskscore.errors import ModelError
from riskscore.ledger import DecisionRecord
from riskscore.models.gate import Decision, Evidence, Finding, Policy, judge
from riskscore.pipelines.model_store import load_model, point, registry_of
from riskscore.pipelines.projection import project
from riskscore.pipelines.promotion_evidence import Gatherer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from riskscore.ledger import Ledger
    from riskscore.models import Registry
    from riskscore.pipelines.leakage import Builders
    from riskscore.pipelines.model_store import LoadedModel
    from riskscore.pipelines.promotion_evidence import Report
    from riskscore.workspace import Workspace

Alias = Literal["champion", "challenger"]
CHAMPION: Alias = "champion"
CHALLENGER: Alias = "challenger"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks of the gate.

    Attributes:
        version: model version, or an alias such as challenger.
        alias: the place it should take.
        by: who asks.
        reason: why a model that is no better should take it; empty = none is stated.
        override: why a model about which something is not known should; empty = it should not.
        rollback: it was champion before and should be again, without a comparison.
    """

    version: str
    alias: Alias = CHAMPION
    by: str = "unknown"
    reason: str = ""
    override: str = ""
    rollback: bool = False


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a request.

    Attributes:
        version: the model version it was about.
        alias: the place.
        against: the version that held the place; None = none did.
        decision: accepted or refused, and every figure behind it; None = the version holds the place already, nothing
            was done.
        seq: ledger position of the record; None = nothing was recorded.
    """

    version: str
    alias: Alias
    against: str | None
    decision: Decision | None
    seq: int | None = None


def promote(
    workspace: Workspace,
    request: Request,
    *,
    dry_run: bool = False,
    builders: Builders = None,
    policy: Policy | None = None,
    report: Report | None = None,
) -> Promotion:
    """Put a model version through the gate; if it is accepted, give it the alias.

    The decision is recorded in the ledger with its evidence, accepted or refused, before the alias moves: if the
    process dies between, the same request again moves it. A challenger that becomes champion changes places with
    the champion.

    Args:
        workspace: where ledger, models and registry are.
        request: what is asked, and by whom.
        dry_run: only look; nothing is recorded and no alias moves.
        builders: the feature builders the model was trained with; see `leakage.check`.
        policy: the targets; default: `Policy` with the capacity of the workspace.
        report: called with stage, steps done, steps in all.

    Returns:
        The promotion. A refusal is no error here.

    Raises:
        ModelError: no such version; one that this workspace did not train; a rollback to one that never was champion.
        LockedError: another command is writing.
    """
    targets = policy or Policy(share=workspace.config.capacity.default_share)
    with workspace.writing() as ledger:
        if not dry_run:
            project(workspace, ledger)
        registry = registry_of(workspace)
        version, _ = registry.resolve(request.version)
        against = _holder(registry, ledger, request.alias)
        if version == against:
            return Promotion(version, request.alias, against, None)
        if request.rollback:
            _require_former(ledger, version)
        evidence = _evidence(Gatherer(workspace, ledger, builders, report), version, against, request)
        decision = judge(evidence, targets, reason=request.reason, override=request.override, rollback=request.rollback)
        promotion = Promotion(version, request.alias, against, decision)
        if dry_run:
            return promotion
        recorded = _recorded(ledger, promotion, decision, request)
        if decision.accepted:
            _move(workspace, registry.aliases(), promotion)
        return recorded


def _holder(registry: Registry, ledger: Ledger, alias: Alias) -> str | None:
    """The version under an alias, if the ledger vouches for it."""
    version = registry.aliases().get(alias)
    return version if version in ledger.model_versions() else None


def _require_former(ledger: Ledger, version: str) -> None:
    accepted = [each for each in ledger.decisions() if each.accepted and each.alias == CHAMPION]
    if not any(version in (each.version, each.against) for each in accepted):
        raise ModelError(
            f"model version {version} was never champion", fix="put it through the gate, without --rollback"
        )


def _evidence(gather: Gatherer, version: str, against: str | None, request: Request) -> Evidence:
    """Evidence for the gate; a candidate whose files are not those that were registered has nothing else to show."""
    if gather.ledger.model(version) is None:
        load_model(gather.workspace, gather.ledger, version)  # says that this workspace did not train it
    try:
        candidate = load_model(gather.workspace, gather.ledger, version)
    except ModelError as error:
        return Evidence((Finding("files", False, str(error)),))
    without = _without(request, version, against)
    champion = None if without else _loaded(gather, against)
    found = gather.evidence(candidate, champion, without)
    files = Finding("files", True, f"digest {candidate.digest[:12]}, as recorded at training")
    lost = () if champion or without else (f"version {against} cannot be loaded, so there is nothing to compare with",)
    return replace(found, findings=(files, *found.findings), notes=(*found.notes, *lost))


def _without(request: Request, version: str, against: str | None) -> str:
    """Why no comparison is asked for; empty = one is."""
    if request.rollback:
        return f"rolled back: version {version} was champion before"
    if request.alias == CHALLENGER:
        return "a challenger decides nothing, so it need only be sound"
    return "" if against else "there is no champion to compare with"


def _loaded(gather: Gatherer, version: str | None) -> LoadedModel | None:
    try:
        return load_model(gather.workspace, gather.ledger, version) if version else None
    except ModelError:
        return None


def _recorded(ledger: Ledger, promotion: Promotion, decision: Decision, request: Request) -> Promotion:
    position = ledger.position
    with ledger.transaction("promote") as transaction:
        transaction.record_decision(
            DecisionRecord(
                seq=transaction.seq,
                version=promotion.version,
                alias=promotion.alias,
                against=promotion.against,
                accepted=decision.accepted,
                manner=decision.manner,
                reasons=decision.reasons,
                stated=request.override or request.reason,
                decided_by=request.by,
                decided_at=transaction.now,
                position=position,
                evidence=decision.as_json(),
            )
        )
        return replace(promotion, seq=transaction.seq)


def _move(workspace: Workspace, aliases: Mapping[str, str], promotion: Promotion) -> None:
    """The champion last: until it moves, the old one scores."""
    swaps = promotion.alias == CHAMPION and aliases.get(CHALLENGER) == promotion.version
    if swaps and promotion.against:
        point(workspace, promotion.against, CHALLENGER)
    point(workspace, promotion.version, promotion.alias)
