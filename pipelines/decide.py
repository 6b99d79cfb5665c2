"""`riskscore decide`: an analyst's word on a recommendation, kept as an event and held against what was recommended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskscore.errors import InputError, RunError
from riskscore.ledger import append
from riskscore.ledger.schema import VERSION_ORDER, hash_of, rows_of
from riskscore.ledger.waits import waits_of
from riskscore.pipelines.refusals import refusals
from riskscore.readers import number_rows
from riskscore.reference.reviews import DECISIONS, ReviewCode, review_codes
from riskscore.tables import REVIEWS
from riskscore.validation import validate

if TYPE_CHECKING:
    from datetime import date

    from riskscore.ledger import Ledger, Run, Transaction
    from riskscore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Decision:
    """What an analyst decides.

    Attributes:
        shipment_id: about which shipment.
        decision: accept, override or waive (riskscore.reference.reviews.DECISIONS).
        code: why, of the codes of that decision; empty = the first code of accept, an error otherwise.
        by: who decides.
        text: why, in words; some codes ask for it.
        exam: to be done instead of what was recommended; only with codes that name an exam.
        day: of the run; None = the latest run that speaks of the shipment.
    """

    shipment_id: str
    decision: str
    code: str
    by: str
    text: str = ""
    exam: str = ""
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision on record.

    Attributes:
        run: the run whose recommendation it is about.
        recommendation: of that run for the shipment: recommendation (examine, release, or waiting: a must-exam that no
            slot was left for), exam_type (None = release), arm, and of a must-exam that has waited or waits rule_id and
            since, the day of the run that could not give it (None otherwise).
        code: why.
        earlier: decisions about the same recommendation before this one; they are kept and count no more.
        seq: ledger position of this one.
    """

    run: Run
    recommendation: dict[str, Any]
    code: ReviewCode
    earlier: int
    seq: int


def decide(workspace: Workspace, decision: Decision) -> Decided:
    """Record a decision about a shipment's recommendation; earlier ones stay on record.

    Raises:
        InputError: unknown decision or code, a text or exam missing or out of place, an unknown or deleted shipment, or
            a decision for which the recommendation gives no occasion, such as a waiver of a release.
        RunError: that day was not scored, or its run does not speak of the shipment.
        LockedError: another command is writing.
    """
    code = _code(decision)
    with workspace.writing() as ledger:
        run, recommendation = _recommended(ledger, decision)
        _require_standing(ledger, decision.shipment_id)
        [(earlier,)] = ledger.connection.execute(
            "SELECT count(*) FROM reviews_log WHERE shipment_id = ? AND run_date BETWEEN ? AND ?",
            [decision.shipment_id, recommendation["since"] or run.run_date, run.run_date],
        ).fetchall()
        with ledger.transaction("decide") as transaction:
            append(transaction, REVIEWS, _believed(transaction, _row(decision, code, run)), workspace.config.zone)
        return Decided(run, recommendation, code, int(earlier), transaction.seq)


def _code(decision: Decision) -> ReviewCode:
    if decision.decision not in DECISIONS:
        raise InputError(f"unknown decision {decision.decision!r}", fix=f"one of {', '.join(DECISIONS)}")
    codes = {each.code: each for each in review_codes(decision.decision)}
    wanted = decision.code or ("agreed" if decision.decision == "accept" else "")
    if wanted not in codes:
        what = f"unknown code {wanted!r} for {decision.decision}" if wanted else f"{decision.decision} needs a code"
        raise InputError(what, fix=f"one of {', '.join(codes)}")
    return codes[wanted]


def _recommended(ledger: Ledger, decision: Decision) -> tuple[Run, dict[str, Any]]:
    """The run that the decision is about, and what it recommends for the shipment."""
    if decision.day and ledger.run_of(decision.day) is None:
        raise RunError(f"{decision.day.isoformat()} was not scored", fix="run riskscore score for that day first")
    found = ledger.connection.execute(_SPOKEN_OF, {"shipment": decision.shipment_id}).fetchall()
    for day, *recommended in found:
        run = ledger.run_of(day)
        if run and decision.day in {None, day}:
            return run, dict(zip(_RECOMMENDED, recommended, strict=True))
    raise _unknown(ledger, decision, [day.isoformat() for day, *_ in found])


_RECOMMENDED = ("recommendation", "exam_type", "arm", "rule_id", "since")

# A must-exam without a slot is published as the release that it is on that day; what waits says more of it.
_SPOKEN_OF = f"""
    WITH latest AS (SELECT * FROM runs QUALIFY row_number() OVER (PARTITION BY run_date ORDER BY seq DESC) = 1),
    spoken AS (
        SELECT run_date, recommendation, exam_type, arm, NULL AS rule_id, NULL AS since FROM recommendations
        JOIN latest USING (run_id) WHERE shipment_id = $shipment
        UNION ALL SELECT run_date, if(state = 'held', 'examine', state), exam, 'must_exam', rule_id, since
        FROM {waits_of("latest")} WHERE shipment_id = $shipment)
    SELECT run_date, {", ".join(_RECOMMENDED)} FROM spoken
    QUALIFY row_number() OVER (PARTITION BY run_date ORDER BY since NULLS LAST) = 1 ORDER BY run_date DESC"""


def _unknown(ledger: Ledger, decision: Decision, days: list[str]) -> InputError | RunError:
    name = decision.shipment_id
    if days and decision.day:
        what = f"the run of {decision.day.isoformat()} does not speak of {name!r}"
        return RunError(what, fix=f"it was scored for {', '.join(days)}")
    _, arrival = _bill(ledger, name)
    if arrival is None:
        return InputError(f"unknown shipment {name!r}", fix="check the shipment_id; it is case-sensitive")
    return RunError(f"no run speaks of shipment {name!r}", fix=f"it arrives on {arrival.isoformat()}; score that day")


def _require_standing(ledger: Ledger, shipment_id: str) -> None:
    if _bill(ledger, shipment_id)[0] == "deleted":
        raise InputError(f"the bill of shipment {shipment_id!r} is deleted", fix="there is nothing left to decide")


def _bill(ledger: Ledger, shipment_id: str) -> tuple[str | None, date | None]:
    """Action and arrival day of the latest version filed; nulls for an unknown shipment."""
    query = f"""
        WITH wanted AS (SELECT $name::VARCHAR AS shipment_id, {hash_of("$name::VARCHAR")} AS shipment_hash)
        SELECT max_by(action, {VERSION_ORDER}), max_by(arrival_date, {VERSION_ORDER}) FROM {rows_of("wanted")}"""
    [(action, arrival)] = ledger.connection.execute(query, {"name": shipment_id}).fetchall()
    return action, arrival


def _row(decision: Decision, code: ReviewCode, run: Run) -> dict[str, str | None]:
    return {
        "shipment_id": decision.shipment_id,
        "run_date": run.run_date.isoformat(),
        "decision": decision.decision,
        "code": code.code,
        "text": decision.text,
        "exam_type": decision.exam,
        "run_id": run.run_id,
        "decided_by": decision.by,
    }


def _believed(transaction: Transaction, row: dict[str, str | None]) -> pa.Table:
    """The row as a file would bring it, under the same rules, known now."""
    # Stated, not left to ingestion: two equal decisions at two times are two events.
    stated = row | {"known_at": transaction.now.isoformat()}
    judged = validate(
        number_rows(pa.table({name: pa.array([value], pa.string()) for name, value in stated.items()})), REVIEWS
    )
    reasons = [reason for some in judged.quarantined["reasons"].to_pylist() for reason in some]
    reasons = reasons or list(refusals(transaction, REVIEWS, judged.accepted).values())
    if reasons:
        raise InputError(
            "; ".join(reasons), where=str(row["shipment_id"]), fix="riskscore decide --codes lists the codes"
        )
    return judged.accepted
