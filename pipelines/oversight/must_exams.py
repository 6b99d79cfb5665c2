"""What became of the must-exams that found no slot on their day: an auditor asks first for those never held."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from riskscore.config import MustExam
from riskscore.pipelines.carry_over import LAPSES, waits
from riskscore.pipelines.oversight.book import EVERYBODY, Place
from riskscore.selection.ports import THRESHOLD_RULE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from riskscore.ledger import Run
    from riskscore.pipelines.carry_over import Wait
    from riskscore.pipelines.oversight.book import Book
    from riskscore.pipelines.oversight.span import Span

SECTION = "must-exams"

NEVER_HELD = ("no_slot", "waived", "overridden")
"""Lapses of must-exams whose cargo was there and was not examined."""

NO_OWNER = "high_risk_threshold"
"""Who answers for a must-exam that the risk alone orders: no rule has an owner for it."""


def add_must_exams(book: Book, runs: Sequence[Run], span: Span) -> None:
    """Must-exams of the days of the report that found no slot: held later, waiting, lapsed, by why, rule and owner.

    Args:
        book: to write in.
        runs: the latest run of each day (`Ledger.runs`), by day.
        span: days of the report.
    """
    made = [one for one in waits(runs).values() if span.first <= one.exam.since <= span.through]
    if not made:
        return
    days, last = (span.first, span.through), runs[-1].run_date
    states = Counter(_state(one, last) for one in made)
    book.count(SECTION, "found_no_slot", len(made), len(made), days=days)
    for figure in ("held_later", "still_waiting", "lapsed", "not_on_record"):
        book.count(SECTION, figure, states[figure], len(made), days=days)
    reasons = Counter(one.why for one in made)
    for why, words in LAPSES.items():
        book.count(SECTION, "lapsed", reasons[why], len(made), Place("why", why), note=words, days=days)
    _never_held(book, made, _owners(made, runs), days)


def _never_held(book: Book, made: Sequence[Wait], owners: Sequence[str], days: tuple[date, date]) -> None:
    groups = [(EVERYBODY, one) for one in made]
    groups += [(Place("rule", one.exam.rule_id), one) for one in made]
    groups += [(Place("owner", owner), one) for owner, one in zip(owners, made, strict=True)]
    of, never = Counter(place for place, _ in groups), Counter(place for place, one in groups if one.why in NEVER_HELD)
    for place in sorted(of, key=lambda place: (("all", "rule", "owner").index(place.kind), place.segment)):
        book.count(SECTION, "never_held", never[place], of[place], place, days=days)


def _state(one: Wait, last: date) -> str:
    """What the records say became of it; an older version kept none, and a later refresh may have ordered anew."""
    if one.became == "waiting":
        return "still_waiting" if one.told == last else "not_on_record"
    return {"held": "held_later", "lapsed": "lapsed"}[one.became]


def _owners(made: Sequence[Wait], runs: Sequence[Run]) -> list[str]:
    """Who answered for the rule of each on the day that it ordered the exam."""
    configured = {run.run_date: run.record.get("config", {}).get("must_exam", ()) for run in runs}
    known: dict[tuple[str, date], str] = {}
    for one in made:
        key = one.exam.rule_id, one.exam.since
        if key not in known:
            rules = [MustExam.model_validate(rule) for rule in configured.get(key[1], ()) if rule["id"] == key[0]]
            known[key] = next((rule.owner for rule in rules if rule.in_force(key[1])), "not on record")
    return [NO_OWNER if one.exam.rule_id == THRESHOLD_RULE else known[one.exam.rule_id, one.exam.since] for one in made]
