"""How the must-exam rules fared over past runs, from the run records: which deserve a second look.

A rule that has matched nothing for weeks may be mistyped, or watch for what no longer happens; one that matches
everything takes every slot; one that expires leaves a gap that somebody should have decided on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from riskscore.config import MustExam

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from riskscore.ledger import Run

QUIET_DAYS = 30
"""Days without a match after which a rule is reported, where the caller does not say."""

EXPIRING_DAYS = 14
"""Days before its end from which a rule is reported: time enough to decide on a successor."""


@dataclass(frozen=True, slots=True)
class RuleHistory:
    """One version of a rule over the runs up to a day.

    Attributes:
        rule_id: of the rule.
        version: of its text.
        digest: SHA-256 of the latest text, see MustExam.digest.
        owner: who answers for it.
        reason: why it exists.
        exam: the exam it orders.
        valid_from: first day it applies; None = always has.
        expires: last day it applies; None = no end.
        first_day: first run date on which it was held against shipments; None = never yet.
        last_day: last such run date.
        days: run dates on which it was, all in all.
        first_match: first run date with a match; None = none yet.
        last_match: last such run date.
        matches: shipments matched in the last N days (`rule_history`), each on its day.
        shipments: shipments it was held against in these days.
        findings: what deserves a second look, in words; empty = nothing.
    """

    rule_id: str
    version: int
    digest: str
    owner: str
    reason: str
    exam: str
    valid_from: date | None
    expires: date | None
    first_day: date | None
    last_day: date | None
    days: int
    first_match: date | None
    last_match: date | None
    matches: int
    shipments: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Day:
    """One rule on one run date."""

    run_date: date
    rule: MustExam
    digest: str
    in_force: bool
    matches: int
    shipments: int


def rule_history(runs: Sequence[Run], through: date, days: int = QUIET_DAYS) -> tuple[RuleHistory, ...]:
    """The rules that stood in the configuration of a run in the last `days` days, and what is odd about them.

    Found are rules that matched nothing for `days` days or longer, rules that matched every shipment of a day, rules
    that have expired or will within EXPIRING_DAYS without another version to follow, rules whose text changed under
    the same version, and rules that have been taken out.

    Args:
        runs: the latest run of each day (`Ledger.runs`); those after `through` do not count.
        through: the last day looked at.
        days: how long a rule may match nothing, and how far back matches are counted: (through - days, through].

    Returns:
        One entry per rule and version, in the order of the newest configuration, then those taken out.
    """
    past = sorted((run for run in runs if run.run_date <= through), key=lambda run: run.run_date)
    if not past:
        return ()
    seen: dict[tuple[str, int], list[_Day]] = defaultdict(list)
    for run in past:
        for day in _days(run):
            seen[day.rule.id, day.rule.version].append(day)
    newest = [(day.rule.id, day.rule.version) for day in _days(past[-1])]
    gone = [key for key in seen if key not in newest and seen[key][-1].run_date > through - timedelta(days)]
    rules = [seen[key][-1].rule for key in newest]
    return tuple(_history(seen[key], rules, through, days) for key in [*newest, *gone])


def _days(run: Run) -> Iterator[_Day]:
    """The configured rules of a run, with what its record says of each; of older records some is worked out."""
    configured = (_read(json.dumps(rule)) for rule in run.record["config"]["must_exam"])
    rules = {(rule.id, rule.version): (rule, digest) for rule, digest in configured}
    arrivals = sum(port["arrivals"] for port in run.record["slots"].values())
    for said in run.record["rules"]:
        key = said["rule_id"], said.get("version", 1)
        if key in rules:
            rule, digest = rules[key]
            in_force, shipments = said.get("in_force", rule.in_force(run.run_date)), said.get("shipments", arrivals)
            yield _Day(run.run_date, rule, said.get("digest", digest), in_force, said["matches"], shipments)


@lru_cache(maxsize=1024)
def _read(recorded: str) -> tuple[MustExam, str]:
    """A rule as recorded, and its digest: day after day the same."""
    rule = MustExam.model_validate_json(recorded)
    return rule, rule.digest()


def _history(seen: list[_Day], standing: list[MustExam], through: date, days: int) -> RuleHistory:
    rule, recent = seen[-1].rule, through - timedelta(days)
    held = [day for day in seen if day.in_force and day.shipments]
    first_day, last_day = _ends(day.run_date for day in held)
    first_match, last_match = _ends(day.run_date for day in held if day.matches)
    late = [day for day in held if day.run_date > recent]
    return RuleHistory(
        rule_id=rule.id,
        version=rule.version,
        digest=seen[-1].digest,
        owner=rule.owner,
        reason=rule.reason,
        exam=rule.exam,
        valid_from=rule.valid_from,
        expires=rule.expires,
        first_day=first_day,
        last_day=last_day,
        days=len(held),
        first_match=first_match,
        last_match=last_match,
        matches=sum(day.matches for day in late),
        shipments=sum(day.shipments for day in late),
        findings=tuple(_findings(seen, held, standing, through, days)),
    )


def _ends(days: Iterable[date]) -> tuple[date | None, date | None]:
    listed = list(days)
    return (listed[0], listed[-1]) if listed else (None, None)


def _findings(seen: list[_Day], held: list[_Day], standing: list[MustExam], through: date, days: int) -> Iterator[str]:
    rule = seen[-1].rule
    if rule not in standing:
        yield f"taken out of the configuration after {seen[-1].run_date}"
    else:
        yield from _ending(rule, standing, through)
        if held and rule.in_force(through):
            yield from _silence(held, days)
    yield from _excess([day for day in held if day.run_date > through - timedelta(days)])
    yield from _edits(seen)


def _ending(rule: MustExam, standing: list[MustExam], through: date) -> Iterator[str]:
    if rule.expires is None or rule.expires > through + timedelta(EXPIRING_DAYS):
        return
    later = [other.valid_from for other in standing if other.id == rule.id and other.valid_from is not None]
    begins = min((day for day in later if day > rule.expires), default=None)
    # Another version takes over on the day after its end, or has done so since.
    if begins is None or begins > max(through, rule.expires + timedelta(1)):
        gap = f", the next version begins on {begins}" if begins else ""
        yield f"{'expired' if rule.expires < through else 'expires'} on {rule.expires}{gap}"


def _silence(held: list[_Day], days: int) -> Iterator[str]:
    """Counted to the last run, not to today: on a day without a run nothing could match."""
    matched = [day.run_date for day in held if day.matches]
    since = matched[-1] if matched else held[0].run_date - timedelta(1)
    quiet = (held[-1].run_date - since).days
    if quiet >= days:
        yield f"matched nothing for {quiet} days, {f'since {since}' if matched else 'and never before'}"


def _excess(late: list[_Day]) -> Iterator[str]:
    full = [day.run_date for day in late if day.matches == day.shipments]
    if full:
        yield f"matched everything on {len(full)} of {len(late)} days, last on {full[-1]}"


def _edits(seen: list[_Day]) -> Iterator[str]:
    for before, after in pairwise(seen):
        if before.digest != after.digest:
            yield f"its text changed on {after.run_date} without a new version"
