"""The Centers of Excellence and Expertise: whom each handles, and what exams of their goods found.

The figures which the Commercial Customs Operations Advisory Committee asked CBP to share, as far as feeds carry them:
staff and account managers are in none. An importer counts with the Center on its record this morning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from riskscore.pipelines.backtest.numbers import Shown, counted, dollars, shown
from riskscore.pipelines.report.texts import visible
from riskscore.pipelines.report.year import Year, exam_rate, found_usd, hit_rate, self_assessing, statuses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from riskscore.ledger import Ledger
    from riskscore.reference.centers import Center

NOT_ON_RECORD = "not on record"
COLUMNS = (
    "Center", "importers", "partner accounts", "entries", "post-entry events", "exams", "exams per entry",
    "exams that found something", "harm found",
)  # fmt: skip


def by_center(year: Year, ledger: Ledger, position: int) -> pd.DataFrame:
    """The year's arrivals with `center` (text, never null) and `partner` of their importer, as known at its end.

    A partner holds a CTPAT tier, Trade Compliance or ISA membership.
    """
    importers = year.arrivals["importer_id"]
    today = pd.Series(pd.Timestamp(year.day), index=importers.index)
    known = statuses(ledger, importers, today, position)
    partner = known["ctpat_tier"].fillna(0).gt(0).astype(bool) | self_assessing(known)
    return year.arrivals.assign(center=known["center"].fillna(NOT_ON_RECORD), partner=partner)


def table(rows: pd.DataFrame, names: Mapping[str, Center]) -> dict[str, Any]:
    """One line per Center, the most entries first, as templates/standing.html shows it.

    Args:
        rows: see `by_center`.
        names: the Centers known, by code.
    """
    found = sorted(rows.groupby("center"), key=lambda group: (-len(group[1]), group[0]))
    lines = [(_named(str(center), names), _cells(group)) for center, group in found]
    if len(found) > 1:
        lines.append(("all", _cells(rows)))
    return {"caption": "Per Center, the year before", "columns": COLUMNS, "rows": lines}


def groups(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each Center, by its code, fit to be seen."""
    return [(visible(str(center)), group) for center, group in rows.groupby("center")]


def _cells(group: pd.DataFrame) -> list[Shown]:
    importers = group["importer_id"]
    return [
        counted(importers.nunique()),
        counted(importers[group["partner"]].nunique()),
        counted(len(group)),
        counted(int(group["post_entry"].sum())),
        counted(int(group["examined"].sum())),
        shown(exam_rate(group), basis=False),
        shown(hit_rate(group)),
        Shown(dollars(found_usd(group))),
    ]


def _named(center: str, names: Mapping[str, Center]) -> str:
    return f"{center}, {names[center].name}" if center in names else visible(center)[:80]
