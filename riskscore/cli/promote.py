"""`riskscore promote`: put a model version through the gate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from riskscore.cli.options import open_workspace, user_name
from riskscore.cli.terminal import console, progress, table
from riskscore.errors import ModelError

if TYPE_CHECKING:
    from riskscore.models.gate import Check, Decision
    from riskscore.models.paired import Paired
    from riskscore.pipelines.promote import Promotion

Alias = Literal["champion", "challenger"]

_SIGNS = {"passed": "yes", "failed": "NO", "unknown": "not known"}
# An error is one line; the table above it holds every reason.
_REASONS_SHOWN = 3


def promote(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="Model version, or challenger.", metavar="VERSION")],
    alias: Annotated[Alias, typer.Option("--as", help="The place it should take.")] = "champion",
    reason: Annotated[
        str, typer.Option(help="Why a model that is no worse, but not better, should take it.", metavar="TEXT")
    ] = "",
    by: Annotated[str, typer.Option(help="Who decides.", metavar="NAME", show_default="the user of this machine")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the evidence and change nothing.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Back to a version that was champion before.")] = False,
    override: Annotated[
        str,
        typer.Option(help="Accept what is not known, for this reason; it goes on record. Never excuses what failed."),
    ] = "",
) -> None:
    """Put a model version through the gate, and make it champion if it is sound and better with enough evidence.

    Accepted or refused, the decision and its evidence are recorded in the ledger.

    Example: riskscore promote 2 --reason "six more weeks of results"
    """
    from riskscore.pipelines.promote import Request
    from riskscore.pipelines.promote import promote as run

    request = Request(version, alias, by or user_name(), reason.strip(), override.strip(), rollback)
    workspace = open_workspace(context)
    with progress() as report:
        promotion = run(workspace, request, dry_run=dry_run, report=report)
    if promotion.decision is None:
        print(f"model version {promotion.version} is {promotion.alias} already; nothing to do")
        return
    _print_decision(promotion, promotion.decision)
    if dry_run:
        print(f"dry run: it would be {_word(promotion.decision)}; nothing was recorded and no alias moved")
    elif promotion.decision.accepted:
        print(f"model version {promotion.version} is {promotion.alias} now; ledger position {promotion.seq}")
        trial = workspace.config.selection.trial
        if trial not in {"", promotion.version}:
            print(f"note: slots are still shared with {trial!r}: empty trial in riskscore.toml, or plan another trial")
    else:
        raise _refusal(promotion.decision)


def _refusal(decision: Decision) -> ModelError:
    more = len(decision.reasons) - _REASONS_SHOWN
    shown = "; ".join(decision.reasons[:_REASONS_SHOWN])
    what = f"the gate refuses it: {shown}{f'; and {more} more' if more > 0 else ''}"
    if any(check.verdict == "failed" for check in decision.checks):
        return ModelError(what, fix="see the table; --dry-run shows it without a record")
    return ModelError(what, fix="nothing failed, so wait for more results, or put it on trial: riskscore trial --help")


def _print_decision(promotion: Promotion, decision: Decision) -> None:
    holder = f"version {promotion.against} is" if promotion.against else "nobody is"
    print(f"version {promotion.version} as {promotion.alias}; {holder} now")
    alone = [check for check in decision.checks if check.figures is None]
    rows = [[check.name, check.detail, check.rule, _SIGNS[check.verdict]] for check in alone]
    console().print(table(("check", "found", "rule", "passed"), rows))
    if compared := [_compared(check, check.figures) for check in decision.checks if check.figures]:
        columns = ("figure", "champion", "candidate", "difference", "95 % interval", "rule", "passed")
        console().print(table(columns, compared, title="on days neither has seen; segments: 95 % for all together"))
    for note in decision.notes:
        print(f"note: {note}")
    for reason in decision.reasons:
        print(f"{_word(decision)}: {reason}")


def _compared(check: Check, figures: Paired) -> list[object]:
    numbers = [_number(value, sign) for value, sign in
               ((figures.champion, ""), (figures.candidate, ""), (figures.difference, "+"))]  # fmt: skip
    interval = None if math.isnan(figures.low) else f"{figures.low:+.4f} to {figures.high:+.4f}"
    return [check.name, *numbers, interval, check.rule, _SIGNS[check.verdict]]


def _number(value: float, sign: str) -> str | None:
    return None if math.isnan(value) else f"{value:{sign}.4f}"


def _word(decision: Decision) -> str:
    how = "" if decision.manner == "gate" else f" ({decision.manner})"
    return f"{'accepted' if decision.accepted else 'refused'}{how}"
