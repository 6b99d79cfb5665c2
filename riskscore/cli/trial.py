"""`riskscore trial`: champion and challenger compared where they disagree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from riskscore.cli.options import day_of, open_workspace
from riskscore.cli.terminal import console, table

if TYPE_CHECKING:
    from riskscore.pipelines.trial import Plan, TrialResult

Action = Literal["state", "plan", "start"]

_VERDICTS = {
    "challenger": "the challenger's picks find more",
    "champion": "the champion's picks find more",
    "no difference": "no difference of the planned size was seen",
}


def trial(
    context: typer.Context,
    action: Annotated[
        Action, typer.Argument(help="Show where it stands, compute the exams it takes, or put that plan on record.")
    ] = "state",
    difference: Annotated[float, typer.Option(help="Difference of hit rates worth seeing, 0.05 = 5 points.")] = 0.05,
    base_rate: Annotated[
        float | None, typer.Option(help="Hit rate of the champion's ranked exams.", show_default="as in the ledger")
    ] = None,
    power: Annotated[float, typer.Option(help="Chance that such a difference is seen.")] = 0.8,
    wait_days: Annotated[int, typer.Option(min=1, help="Days from a toss that a result is waited for.")] = 56,
    as_of: Annotated[
        str | None, typer.Option(help="Show where it stood on a morning.", metavar="DATE", show_default="all known")
    ] = None,
) -> None:
    """Champion and challenger compared where they disagree, by exams that a fair toss gives to either.

    Set trial = "challenger" under [selection] in riskscore.toml, and put a plan on record before the first toss.

    Example: riskscore trial plan --difference 0.05
    """
    from riskscore.pipelines import trial as trials

    workspace = open_workspace(context)
    if action == "plan":
        needed, rate = trials.plan(workspace, difference, base_rate, power)
        print(f"{_needs(needed, difference, rate, power)}; nothing is recorded")
    elif action == "start":
        _print_start(
            trials.start(workspace, difference, base_rate, power, wait_days),
            sharing=bool(workspace.config.selection.trial),
        )
    else:
        _print_state(trials.result(workspace, None if as_of is None else day_of(as_of)))


def _needs(needed: int, difference: float, rate: float, power: float) -> str:
    return (
        f"{needed:,} disputed exams with a known result see a hit rate of {rate + difference:.1%} against {rate:.1%} "
        f"with chance {power:g}"
    )


def _print_start(plan: Plan, *, sharing: bool) -> None:
    print(f"on record: version {plan.challenger} against champion {plan.champion}")
    print(f"{_needs(plan.needed, plan.difference, plan.base_rate, plan.power)}; known within {plan.wait_days} days")
    if not sharing:
        print(f'no slot is shared yet: set trial = "{plan.challenger}" under [selection] in riskscore.toml')


def _print_state(result: TrialResult) -> None:
    champion, challenger = result.versions
    rows = [
        [name, version, side.exams, side.known, side.unknown, side.hits, _percent(side.hits, side.known)]
        for name, version, side in (
            ("champion", champion, result.champion),
            ("challenger", challenger, result.challenger),
        )
    ]
    title = f"{result.disputed:,} disputed slots on {result.days:,} days"
    columns = ("asked for by", "version", "exams", "known", "unknown", "hits", "hit rate")
    console().print(table(columns, rows, title=title))
    evidence = result.evidence
    if evidence.pairs:
        print(
            f"difference of hit rates {_points(evidence.difference)} points, 95 % interval "
            f"{_points(evidence.low)} to {_points(evidence.high)}, on the {evidence.pairs:,} exams that count so far"
        )
    print(_conclusion(result))


def _conclusion(result: TrialResult) -> str:
    evidence = result.evidence
    if evidence.decided:
        return f"decided, on the {evidence.needed:,} exams planned: {_VERDICTS[evidence.verdict]}"
    if evidence.needed is None:
        return "decides nothing: no plan is on record (riskscore trial start), and slots before it do not count"
    return f"not yet: {evidence.pairs:,} of the {evidence.needed:,} planned exams count{_wait(result, evidence.needed)}"


def _wait(result: TrialResult, needed: int) -> str:
    """Days until enough slots are tossed for, at the rate so far, and their results waited for."""
    if not result.disputed or result.plan is None:
        return ""
    missing = max(needed - result.evidence.pairs - result.waiting, 0)
    days = math.ceil(missing * result.days / result.disputed) + result.plan.wait_days
    wait = f"{result.waiting:,} wait until {result.plan.wait_days} days after their toss"
    return f"; {wait}; about {days:,} days more"


def _percent(hits: int, known: int) -> str | None:
    return f"{hits / known:.1%}" if known else None


def _points(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:+.1f}"
