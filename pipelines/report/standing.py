"""The standing reports beside the worklist: per Center, and on trusted traders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from riskscore.pipelines import pages
from riskscore.pipelines.backtest import pictures
from riskscore.pipelines.report import centers, trusted
from riskscore.pipelines.report.year import exam_rate, hit_rate, read_year
from riskscore.reference.centers import all_centers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from riskscore.ledger import Ledger
    from riskscore.pipelines.report.year import Year
    from riskscore.workspace import Workspace


def standing_reports(workspace: Workspace, ledger: Ledger, day: date, position: int) -> dict[str, str]:
    """The pages by file name: centers.html and trusted.html, on the year before the morning of `day`."""
    year = read_year(ledger, day, position)
    return {
        "centers.html": _centers(workspace, ledger, year, position),
        "trusted.html": _trusted(workspace, ledger, year, position),
    }


def _centers(workspace: Workspace, ledger: Ledger, year: Year, position: int) -> str:
    rows, names = centers.by_center(year, ledger, position), all_centers(workspace.tables)
    return pages.page(
        "standing.html",
        title="Centers of Excellence and Expertise",
        lead="Whom each Center handles, how often exams fall on them and what they find. An importer counts with the "
        "Center on its record this morning. Staff and account managers are in no feed, and so not here.",
        pictures=_drawn("center", "Center", "entries", centers.groups(rows)),
        tables=[centers.table(rows, names)] if len(rows) else [],
        year=year,
        position=position,
    )


def _trusted(workspace: Workspace, ledger: Ledger, year: Year, position: int) -> str:
    rows, costs, tables = trusted.by_standing(year, ledger, position), workspace.config.exams, workspace.tables
    tiers, programmes = ("tier", trusted.TIERS), ("programme", trusted.PROGRAMMES)
    made = [
        trusted.record(rows, *tiers, "Burden and results by CTPAT tier on the day of arrival"),
        trusted.record(rows, *programmes, "Burden and results by other programmes"),
        trusted.cost(rows, year.exams, *tiers, costs, tables),
        trusted.cost(rows, year.exams, *programmes, costs, tables),
    ]
    return pages.page(
        "standing.html",
        title="Trusted traders",
        lead="What a programme brings its members, and what exams of them bring: each group against those without. "
        "These are counts of what was examined, which targeting chose; riskscore oversight estimates what is there.",
        pictures=_drawn("tier", "CTPAT tier", "arrivals", trusted.groups(rows)),
        tables=[table for table in made if table["rows"]],
        year=year,
        position=position,
    )


def _drawn(name: str, by: str, counted: str, groups: Sequence[tuple[str, pd.DataFrame]]) -> list[dict[str, Any]]:
    """Pictures: how often each group is examined, and how often that finds something."""
    made = []
    for what, title, figure, said in (
        ("exams", f"{counted.capitalize()} examined, by {by}", exam_rate, f"Share of {counted} that were examined"),
        ("hits", f"Exams that found something, by {by}", hit_rate, "Share of exams with a result"),
    ):
        bars = [(label, figure(group)) for label, group in groups]
        if any(estimate.defined for _, estimate in bars):
            svg = pictures.bars(f"{name}-{what}", bars, unit="%")
            made.append({"title": title, "svg": svg, "said": f"{said}; dark lines are 95 % intervals."})
    return made
