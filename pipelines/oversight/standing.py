"""What the records say of the work itself: recorded results, open referrals, waivers, rules, ports left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.models.prevalence_intervals import share
from riskscore.pipelines.oversight.book import Place
from riskscore.pipelines.referrals import LEFT_OUT
from riskscore.selection.rule_history import rule_history

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from riskscore.ledger import Run
    from riskscore.pipelines.oversight.book import Book
    from riskscore.pipelines.oversight.span import Span

AGES = ((0, "up to 6 days"), (7, "7 to 13 days"), (14, "14 to 27 days"), (28, "28 to 59 days"), (60, "60 days or more"))
"""Ages of an exam order on the last day of the report: the first day of each class, and its name."""

_RECORDED = ("found", "clear")


def add_coverage(book: Book, ordered: pd.DataFrame, span: Span) -> None:
    """Share of the exams ordered whose result is recorded, by age of the order and by port.

    Args:
        book: to write in.
        ordered: see `results.Results`, without the shipments left out.
        span: days of the report.
    """
    if not len(ordered):
        return
    days = ordered["run_date"].min().date(), span.through
    age = (pd.Timestamp(span.through) - ordered["run_date"]).dt.days
    names = np.array([name for _, name in AGES])[np.searchsorted([first for first, _ in AGES], age, side="right") - 1]
    groups = [("all", "all", ordered)]
    groups += [("age", name, ordered[names == name]) for _, name in AGES if (names == name).any()]
    groups += [("port", str(port), part) for port, part in ordered.groupby("port")]
    for kind, segment, part in groups:
        for figure, states in (("recorded", _RECORDED), ("pending", ("pending",)), ("no_result", ("none",))):
            made = share(int(part["result"].isin(states).sum()), len(part))
            book.add("coverage", figure, made, Place(kind, segment), days=days)


def add_referrals(book: Book, found: pd.DataFrame, span: Span) -> None:
    """Open referrals and their age, what became of the others, and waivers by code.

    Args:
        book: to write in.
        found: see `riskscore.pipelines.referrals.referrals`.
        span: days of the report.
    """
    if not len(found):
        return
    days, rows = (found["run_date"].min().date(), span.through), len(found)
    for status, part in found.groupby("status"):
        book.count("referrals", "referrals", len(part), rows, Place("status", str(status)), days=days)
    still_open = found[found["status"] == "open"]
    book.count("referrals", "open", len(still_open), rows, days=days)
    for first, _ in AGES:
        older = int((still_open["days_open"] >= first).sum())
        book.count("referrals", "open_for_at_least", older, rows, Place("age", f"{first} days"), days=days)
    if len(still_open):
        ages = still_open["days_open"]
        book.count("referrals", "open_days_median", float(ages.median()), len(ages), days=days)
        book.count("referrals", "open_days_oldest", float(ages.max()), len(ages), days=days)
    _waivers(book, found[~found["status"].isin(LEFT_OUT)], days)


def _waivers(book: Book, counted: pd.DataFrame, days: tuple[date, date]) -> None:
    waived = counted[counted["status"] == "waived"]
    book.add("waivers", "waived", share(len(waived), len(counted)), days=days)
    for code, part in waived.groupby(waived["waiver_code"].fillna("no code")):
        made = share(len(part), len(counted))
        book.add("waivers", "waived", made, Place("code", str(code)), days=days)


def add_rules(book: Book, runs: Sequence[Run], span: Span) -> None:
    """Matches of each must-exam rule over the days of the report, and what is odd about it.

    Args:
        book: to write in.
        runs: the latest run of each day (`Ledger.runs`).
        span: days of the report.
    """
    days = span.first, span.through
    for rule in rule_history(runs, span.through, (span.through - span.first).days + 1):
        place = Place("rule", f"{rule.rule_id} v{rule.version}")
        said = "; ".join(rule.findings)
        book.count("rules", "matches", rule.matches, rule.shipments, place, note=said, days=days)
        quiet = (span.through - (rule.last_match or rule.first_day or span.through)).days
        never = "" if rule.last_match else "never matched"
        book.count("rules", "days_without_match", quiet, rule.days, place, note=never, days=days)


def add_ports(book: Book, runs: Sequence[Run], span: Span) -> None:
    """Ports without exam capacity: nothing is known of them, and no estimate speaks of them."""
    closed: dict[str, int] = {}
    for run in runs:
        if span.first <= run.run_date <= span.until:
            for port in run.record["ports_without_capacity"]:
                closed[port] = closed.get(port, 0) + run.record["slots"][port]["arrivals"]
    for port in sorted(closed):
        book.count("ports without exams", "shipments", closed[port], closed[port], Place("port", port),
                   note="no exam capacity on the days counted: outside every estimate")  # fmt: skip
