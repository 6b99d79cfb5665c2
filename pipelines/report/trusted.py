"""Trusted traders: how often they are examined, what that finds, and what the exams cost them.

Counts of what was examined, with the standing each importer had on the morning of the arrival; `riskscore oversight`
estimates from random exams what is there. Delay and cost are the usual ranges of each exam (exam_types.csv).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore.config import Exam
from riskscore.models.estimates import ratio
from riskscore.pipelines.backtest.numbers import Shown, counted, dollars, shown, times
from riskscore.pipelines.report.year import Year, exam_rate, found_usd, hit_rate, self_assessing, statuses
from riskscore.reference import examinations
from riskscore.reference.ctpat import effective_tier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from riskscore.ledger import Ledger
    from riskscore.reference import Tables
    from riskscore.reference.examinations import Span

UNSTATED = "importer not stated"
TIERS = ("no tier", "tier 1", "tier 2", "tier 3", UNSTATED)
PROGRAMMES = ("none", "ISA or Trade Compliance", "foreign programme", UNSTATED)
RECORD = ("arrivals", "exams", "exams per arrival", "against others", "exams that found something", "against others",
          "harm found")  # fmt: skip
COST = ("exams", "days of delay", "cost to importers", "cost to the authority", "harm found per authority USD")


def by_standing(year: Year, ledger: Ledger, position: int) -> pd.DataFrame:
    """The year's arrivals with `tier` (one of TIERS) and `programme` (one of PROGRAMMES) on their own morning.

    An importer with both kinds of programme counts with the foreign one.
    """
    known = statuses(ledger, year.arrivals["importer_id"], year.arrivals["arrival_date"], position)
    tier = np.nan_to_num(effective_tier(known["ctpat_tier"], known["ctpat_status"], year.arrivals["arrival_date"]))
    unstated = year.arrivals["importer_id"].isna().to_numpy(bool)
    kinds = [unstated, known["aeo_programme"].notna().to_numpy(bool), self_assessing(known).to_numpy(bool)]
    return year.arrivals.assign(
        tier=np.where(unstated, UNSTATED, np.array(TIERS)[tier.astype(np.int64)]),
        programme=np.select(kinds, PROGRAMMES[:0:-1], PROGRAMMES[0]),
    )


def record(rows: pd.DataFrame, column: str, groups: tuple[str, ...], caption: str) -> dict[str, Any]:
    """Burden and results per group of `column`; each is held against all who hold none of it (the first group)."""
    others = rows[rows[column] == groups[0]]
    lines = []
    for name in groups:
        group = rows[rows[column] == name]
        if len(group):
            lines.append((name, _record(group, others, first=name == groups[0])))
    return {"caption": caption, "columns": (column, *RECORD), "rows": lines}


def _record(group: pd.DataFrame, others: pd.DataFrame, *, first: bool) -> list[Shown]:
    def against(figure: Callable[[pd.DataFrame], Any]) -> Shown:
        return Shown("1") if first else shown(ratio(figure(group), figure(others)), times, basis=False)

    return [
        counted(len(group)),
        counted(int(group["examined"].sum())),
        shown(exam_rate(group), basis=False),
        against(exam_rate),
        shown(hit_rate(group)),
        against(hit_rate),
        Shown(dollars(found_usd(group))),
    ]


def cost(
    rows: pd.DataFrame,
    exams: pd.DataFrame,
    column: str,
    groups: tuple[str, ...],
    costs: Mapping[str, Exam],
    tables: Tables,
) -> dict[str, Any]:
    """What the exams of each group took: usual delay and cost of the importers, cost of the authority.

    Args:
        rows: see `by_standing`.
        exams: see `year.Year.exams`.
        column: tier or programme.
        groups: its values.
        costs: [exams] of the configuration.
        tables: reference tables in use.
    """
    held = exams.assign(group=rows[column].reindex(exams["shipment_id"]).to_numpy())
    lines = []
    for name in groups:
        counts = held.loc[held["group"] == name, "exam_type"].value_counts()
        if len(counts):
            found = found_usd(rows[rows[column] == name])
            lines.append((name, _cost({str(k): int(v) for k, v in counts.items()}, found, costs, tables)))
    return {"caption": f"What exams took, by {column}", "columns": (column, *COST), "rows": lines}


def _cost(counts: dict[str, int], found: float, costs: Mapping[str, Exam], tables: Tables) -> list[Shown]:
    facts = {exam: examinations.examination(exam, tables=tables) for exam in counts}
    known = {exam: fact.value for exam, fact in facts.items() if fact is not None and fact.value is not None}
    spent = sum(count * costs.get(exam, Exam()).cost_usd for exam, count in sorted(counts.items()))
    return [
        counted(sum(counts.values())),
        total_span(counts, {exam: value.added_days for exam, value in known.items()}, "{:,.0f} days"),
        total_span(counts, {exam: value.cost_usd for exam, value in known.items()}, "{:,.0f} USD"),
        Shown(dollars(spent)) if spent else Shown("not given"),
        Shown(times(found / spent)) if spent else Shown("not measurable"),
    ]


def total_span(counts: Mapping[str, int], spans: Mapping[str, Span | None], unit: str) -> Shown:
    """The range that exams take together, and how many exams have none.

    >>> from riskscore.reference.examinations import Span
    >>> total_span({"nii": 2, "pga": 1}, {"nii": Span(1, 3), "pga": None}, "{:g} days")
    Shown(value='2 to 6 days', notes=('range of 1 exam not known',))
    """
    known = {exam: span for exam in counts if (span := spans.get(exam)) is not None}
    missing = sum(count for exam, count in counts.items() if exam not in known)
    notes = (f"range of {missing:,} exam{'s' if missing > 1 else ''} not known",) if missing else ()
    if not known:
        return Shown("not known", notes)
    low = sum(counts[exam] * span.low for exam, span in known.items())
    highs = [counts[exam] * span.high for exam, span in known.items() if span.high is not None]
    number = unit.split(" ", maxsplit=1)[0]
    high = (
        f"{number.format(low)} to {unit.format(sum(highs))}"
        if len(highs) == len(known)
        else f"{unit.format(low)} or more"
    )
    return Shown(high, notes)


def groups(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each tier that has any."""
    found = [(name, rows[rows["tier"] == name]) for name in TIERS]
    return [(name, group) for name, group in found if len(group)]
