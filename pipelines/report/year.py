"""The year before a morning, as it was known then: what arrived, what exams of it found, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.frames import as_frame
from riskscore.ledger import outcomes_known, statuses_on
from riskscore.ledger.views import live_on_days
from riskscore.models.estimates import UNDEFINED, Estimate
from riskscore.models.evaluation import wilson
from riskscore.tables import POST_ENTRY

if TYPE_CHECKING:
    from riskscore.ledger import Ledger

DAYS = 365

_EXAMINED = (*reference.CLEAR, *reference.POSITIVE, *reference.PENDING)


@dataclass(frozen=True, slots=True)
class Year:
    """A year of arrivals and their exams.

    Attributes:
        since: its first day.
        day: the morning it ends at, and whose knowledge counts.
        arrivals: index shipment_id, of each its last morning; importer_id, arrival_date, examined, hit and pending
            (bool), amount_usd (sum over its findings, 0 without), post_entry (events after release).
        exams: one row per shipment and exam type held: shipment_id, exam_type.
    """

    since: date
    day: date
    arrivals: pd.DataFrame
    exams: pd.DataFrame


def read_year(ledger: Ledger, day: date, position: int) -> Year:
    """The year before the morning of `day`, at a ledger position."""
    since = day - timedelta(DAYS)
    mornings = [since + timedelta(n) for n in range(DAYS)]
    wanted = ("shipment_id", "importer_id", "arrival_date")
    live = as_frame(live_on_days(ledger.connection, mornings, position, wanted))
    arrivals = live.sort_values(["shipment_id", "arrival_date"]).drop_duplicates("shipment_id", keep="last")
    arrivals = arrivals.set_index("shipment_id")
    results = as_frame(outcomes_known(ledger.connection, day, position))
    results = results[results["result"].isin(_EXAMINED) & results["shipment_id"].isin(arrivals.index)]
    arrivals = arrivals.assign(**_found(results, arrivals.index))
    arrivals["post_entry"] = _events(ledger, day, position).reindex(arrivals.index, fill_value=0)
    exams = results[["shipment_id", "exam_type"]].dropna().drop_duplicates(ignore_index=True)
    return Year(since, day, arrivals, exams)


def _found(results: pd.DataFrame, shipments: pd.Index[str]) -> dict[str, pd.Series]:
    hits = results[results["result"].isin(reference.POSITIVE)]
    hit = pd.Series(shipments.isin(hits["shipment_id"]), index=shipments)
    held_up = shipments.isin(results.loc[results["result"].isin(reference.PENDING), "shipment_id"])
    return {
        "examined": pd.Series(shipments.isin(results["shipment_id"]), index=shipments),
        "hit": hit,
        "pending": pd.Series(held_up, index=shipments) & ~hit,
        "amount_usd": hits.groupby("shipment_id")["amount_usd"].sum().reindex(shipments, fill_value=0.0),
    }


def _events(ledger: Ledger, day: date, position: int) -> pd.Series[int]:
    query = f"""
        WITH words AS (
            SELECT * FROM post_entry_log WHERE seq <= $position AND known_day < $day
            QUALIFY row_number() OVER (
                PARTITION BY {", ".join(POST_ENTRY.key)} ORDER BY known_at DESC, seq DESC, row_digest) = 1)
        SELECT shipment_id, count(*) AS events FROM words WHERE status <> 'withdrawn' GROUP BY shipment_id"""
    rows = ledger.connection.execute(query, {"position": position, "day": day}).df()
    return rows.set_index("shipment_id")["events"]


def statuses(ledger: Ledger, importers: pd.Series[str], days: pd.Series, position: int) -> pd.DataFrame:
    """The traders columns of each importer on each day, as known then; asked once for each pair.

    Args:
        ledger: open ledger.
        importers: ids, null where not stated.
        days: the morning of each, same index.
        position: ledger position.
    """
    asked = pd.DataFrame({"importer": importers, "day": days})
    pairs = asked.drop_duplicates(ignore_index=True)
    found = statuses_on(ledger.connection, pairs["importer"], pairs["day"], position)
    numbers = asked.merge(pairs.reset_index(names="pair"), on=["importer", "day"], how="left")["pair"]
    return found.take(numbers.to_numpy()).set_axis(importers.index)


def self_assessing(known: pd.DataFrame) -> pd.Series[bool]:
    """Whether each importer is in ISA or CTPAT Trade Compliance, of `statuses`; not known to be is false."""
    flags = known[["isa_member", "ctpat_trade_compliance"]]
    return flags.eq(True).fillna(False).astype(bool).any(axis="columns")


def share(part: int, whole: int) -> Estimate:
    """A proportion of what was counted, with its 95 % interval (Wilson); undefined of nothing.

    >>> round(share(5, 10).low, 3)
    0.237
    """
    return Estimate(part / whole, *wilson(part, whole), whole, part) if whole else UNDEFINED


def exam_rate(rows: pd.DataFrame) -> Estimate:
    """Share of arrivals that were examined."""
    return share(int(rows["examined"].sum()), len(rows))


def hit_rate(rows: pd.DataFrame) -> Estimate:
    """Share of exams with a result that found something; of what was examined, not of everybody."""
    told = rows[rows["examined"] & ~rows["pending"]]
    return share(int(told["hit"].sum()), len(told))


def found_usd(rows: pd.DataFrame) -> float:
    """Harm found, in USD."""
    return float(np.sort(rows["amount_usd"].to_numpy(np.float64)).sum())
