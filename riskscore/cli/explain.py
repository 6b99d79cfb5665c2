"""`riskscore explain`: one shipment in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from riskscore.cli.options import day_of, open_workspace
from riskscore.cli.terminal import console, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from riskscore.pipelines.explain.record import TraderRecord
    from riskscore.pipelines.explain.shipment import ShipmentExplained
    from riskscore.selection.reasons import Reason

_NO_CUT = {
    "must_exam": "its exam is ordered whatever its score: what clears it is the exam",
    "random_floor": "it was drawn at random: what clears it is the exam",
    "novelty": "it was drawn for what is new about it: what clears it is the exam",
    "none": "nothing: it was not selected",
}
"""Why there is no cut to come under, by arm."""

_BAR = 20
"""Characters of the longest bar."""


def explain(
    context: typer.Context,
    shipment_id: Annotated[str, typer.Argument(help="The shipment.", metavar="SHIPMENT_ID")],
    day: Annotated[
        str | None,
        typer.Option("--date", help="Day of the run.", metavar="DATE", show_default="the last that scored it"),
    ] = None,
) -> None:
    """One shipment in full, as of the morning it was scored: decision, reasons, what would clear it, traders' records.

    Example: riskscore explain S000123 --date 2026-03-02
    """
    from riskscore.pipelines.explain.shipment import explain_shipment

    made = explain_shipment(open_workspace(context), shipment_id, None if day is None else day_of(day))
    _print_decision(made)
    _print_scores(made)
    _print_reasons(made)
    _print_clearing(made)
    _print_record(made.record)


def _print_decision(made: ShipmentExplained) -> None:
    row = made.recommendation
    exam = f" ({row['exam_type']})" if row["exam_type"] else ""
    _say(f"shipment {row['shipment_id']}, run of {made.run.run_date.isoformat()}, port {row['port']}")
    _say(f"{row['recommendation']}{exam}; arm {row['arm']}; priority {row['priority']} at the port")
    if row["rule_id"]:
        _say(f"rule {row['rule_id']}")
    _say(f"chance of an exam by the day's design: {_number(row['inclusion_probability'], '.3g')}")
    harm, credit = row["expected_harm_usd"], row["programme_credit"]
    _say(f"expected harm {_number(harm, ',.0f')} USD; programme credit {_number(credit, '.3g')}")
    # Those of the model follow with all their concepts.
    for reason in row["reasons"]:
        if reason["contribution"] is None:
            _say(f"  {reason['text']}")


def _print_scores(made: ShipmentExplained) -> None:
    highest = max(made.scores.values())
    rows = [[name, f"{score:.4f}", _bar(score, highest)] for name, score in sorted(made.scores.items(), key=_by_score)]
    asked = ", the challenger, which won this slot by toss" if made.by_challenger else ""
    _show(["score", "probability", ""], rows, f"scores, model version {made.version}{asked}")
    if made.by_challenger:
        row = made.recommendation
        _say(f"published is the champion's, model version {row['model_version']}: risk score {row['risk_score']:.4f}")


def _by_score(named: tuple[str, float]) -> tuple[bool, float, str]:
    name, score = named
    return name != "any", -score, name


def _print_reasons(made: ShipmentExplained) -> None:
    if made.is_random:
        _say("drawn, not chosen for its risk: what follows explains its score, and carries no inference")
    asked = made.hazard if made.hazard == made.explained else f"any (no model of {made.hazard})"
    highest = max((abs(reason["contribution"] or 0.0) for reason in made.concepts), default=0.0)
    rows = [_reason(reason, highest) for reason in made.concepts]
    _show(["log-odds", "", "concept", "facts"], rows, f"what moves the score of {asked}")


def _reason(reason: Reason, highest: float) -> list[object]:
    share = reason["contribution"] or 0.0
    return [f"{share:+.2f}", _bar(abs(share), highest), reason["concept"], reason["text"]]


def _print_clearing(made: ShipmentExplained) -> None:
    _say("what would clear it:")
    for each in made.clearing:
        _say(f"  {each.text}")
    if not made.clearing:
        _say(f"  {_why_not(made)}")


def _why_not(made: ShipmentExplained) -> str:
    if made.cut is not None:
        return f"no fact that can be verified takes it under the port's cut, {made.cut:.3f}"
    arm = made.recommendation["arm"]
    return _NO_CUT.get(arm, "the port passed over nothing of lower risk: there is no cut")


def _print_record(record: TraderRecord) -> None:
    columns = ["party", "id", "shipments", "exams", "hits", "seizures", "first seen", "last seen", "last hit"]
    rows = [
        [
            each.party, each.trader_id, each.shipments, each.exams, each.hits, each.seizures,
            _ago(each.first_seen_days), _ago(each.last_seen_days), _ago(each.last_hit_days),
        ]
        for each in record.parties
    ]  # fmt: skip
    _show(columns, rows, "records as they stood that morning")
    statuses = [
        [_day(each["valid_from"]), _day(each["valid_to"]), each["ctpat_tier"], each["ctpat_status"], each["center"]]
        for each in record.statuses
    ]
    _show(["from", "to", "CTPAT tier", "status", "Center"], statuses, f"programme history of {record.trader_id}")
    exams = [
        [_day(each["exam_date"]), each["result"], each["exams"], each["hazards"], each["amount_usd"]]
        for each in record.exams
    ]
    _show(["exam", "result", "exams", "hazards", "USD"], exams, f"last exams of {record.trader_id}")


def _show(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str) -> None:
    body = list(rows)
    if not body:
        _say(f"{title}: none")
        return
    console().print(table(columns, body, title=title))


def _say(text: str) -> None:
    # Ids and reasons come from manifests: brackets must not be read as markup.
    console().print(text, markup=False)


def _number(value: float | None, form: str) -> str:
    return "not known" if value is None else format(value, form)


def _bar(value: float, highest: float) -> str:
    return "█" * round(_BAR * value / highest) if highest > 0 else ""


def _ago(days: int | None) -> str:
    return "never" if days is None else f"{days} days ago"


def _day(value: object) -> str | None:
    """A day of a date or a timestamp at midnight."""
    return None if value is None else str(value)[:10]
