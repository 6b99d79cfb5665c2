"""Cutting a long history into windows of days that fit in memory; where the cuts lie changes no result."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import duckdb

FACTS = 2_000_000
"""Versions of shipments that a window holds at most, unless one day has more."""

EPOCH = date(1970, 1, 1)


def windows(
    connection: duckdb.DuckDBPyConnection, *, after: date | None, through: date, position: int
) -> list[tuple[date | None, date]]:
    """Consecutive windows of days (after, through], at least one, as `read_facts` takes them.

    Args:
        connection: the ledger.
        after: last day folded already; None = from the beginning.
        through: last day wanted.
        position: ledger position.
    """
    query = """SELECT history_day, count(*) FROM shipments_log
        WHERE seq <= $position AND history_day > $after AND history_day <= $through GROUP BY ALL ORDER BY ALL"""
    params = {"position": position, "after": after or date.min, "through": through}
    rows = connection.execute(query, params).fetchall()
    so_far = np.cumsum([count for _, count in rows])
    cuts: list[date | None] = [after]
    start = 0
    for (day, count), total in zip(rows, so_far, strict=True):
        if total - start > FACTS and total - start > count:
            cuts.append(day - timedelta(days=1))
            start = total - count
    return list(zip(cuts, [*(day for day in cuts[1:] if day), through], strict=True))


def epoch_day(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days
