"""`riskscore decide`: put an analyst's decision about a recommendation on record."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from riskscore.cli.options import day_of, open_workspace, user_name
from riskscore.cli.terminal import console, table

if TYPE_CHECKING:
    from riskscore.pipelines.decide import Decided, Decision

Word = Literal["accept", "override", "waive"]


def _show_codes(wanted: bool) -> None:
    if not wanted:
        return
    from riskscore.reference.reviews import review_codes

    rows = [[each.decision, each.code, "yes" if each.needs_text else "", each.meaning] for each in review_codes()]
    console().print(table(("decision", "code", "needs --text", "meaning"), rows))
    raise typer.Exit


def decide(
    context: typer.Context,
    shipment_id: Annotated[str, typer.Argument(help="The shipment, as in the recommendations.", metavar="SHIPMENT_ID")],
    decision: Annotated[Word, typer.Argument(help="What is decided about its recommendation.")],
    day: Annotated[
        date | None,
        typer.Option(
            "--date",
            parser=day_of,
            metavar="YYYY-MM-DD",
            help="Day of the run.",
            show_default="the latest that speaks of it",
        ),
    ] = None,
    code: Annotated[str, typer.Option(help="Why; accept alone may go without.", metavar="CODE")] = "",
    text: Annotated[str, typer.Option(help="Why, in your words; some codes ask for it.", metavar="TEXT")] = "",
    exam: Annotated[str, typer.Option(help="Exam to be done instead.", metavar="EXAM")] = "",
    by: Annotated[str, typer.Option(help="Who decides.", metavar="NAME", show_default="the user of this machine")] = "",
    codes: Annotated[
        bool, typer.Option("--codes", callback=_show_codes, is_eager=True, help="List the codes and stop.")
    ] = False,
) -> None:
    """Accept, override or waive what was recommended for a shipment; every decision stays on record, the last counts.

    accept: it stands. waive: no exam, because research shows that none is needed. override: another exam than
    recommended, an exam of a shipment that was to be released, or no exam for a reason that is no waiver.
    A must-exam that waits for a slot is decided about like one that is recommended.

    Example: riskscore decide MAEU123456789 waive --code ar_data_error --text "weight in pounds, not kilograms"
    """
    del codes
    from riskscore.pipelines import decide as deciding

    asked = deciding.Decision(
        shipment_id, decision, code.strip(), by.strip() or user_name(), text.strip(), exam.strip(), day
    )
    _print(asked, deciding.decide(open_workspace(context), asked))


def _print(asked: Decision, decided: Decided) -> None:
    run_date, exam = decided.run.run_date.isoformat(), decided.recommendation["exam_type"]
    waits = decided.recommendation["recommendation"] == "waiting"
    print(f"{asked.shipment_id}, run of {run_date}: {_said(decided.recommendation)}")
    print(f"{decided.code.decision} by {asked.by}: {decided.code.code}, {decided.code.meaning}")
    print(_next(decided.code.effect, asked.exam or exam, waits=waits))
    before = f"; earlier decisions, kept but counting no more: {decided.earlier}" if decided.earlier else ""
    print(f"on record at ledger position {decided.seq}{before}")


def _said(recommended: dict[str, Any]) -> str:
    """What the run says of the shipment."""
    exam, since, rule = (recommended[name] for name in ("exam_type", "since", "rule_id"))
    if recommended["recommendation"] == "waiting":
        return f"{exam} ordered by {rule} waits for a slot since {since}"
    what = f"examine by {exam} ({recommended['arm']})" if exam else "release"
    return f"{what} was recommended{f', after a wait since {since}' if since else ''}"


def _next(effect: str, exam: str | None, *, waits: bool) -> str:
    no_more = "; no day after today holds it" if waits else ""
    if effect == "waived":
        return f"closed without an exam: waived{no_more}; its hazards stay unlabelled, never clear"
    if effect == "release":
        return f"closed without an exam: overridden{no_more}"
    if waits and effect == "stands":
        return f"waits on for a slot; open until the outcome of its {exam} exam is ingested"
    return f"open until the outcome of its {exam} exam is ingested" if exam else "released as recommended"
