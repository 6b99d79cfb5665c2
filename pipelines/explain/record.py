"""The record of a shipment's traders as it stood on a morning."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from riskscore.pipelines.report.past import Asked, read_past

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from riskscore.history import History, Track
    from riskscore.ledger import Run

PARTIES = ("importer", "consignee", "shipper", "manufacturer", "filer")

_MOST_EXAMS = 10


@dataclass(frozen=True, slots=True)
class PartyRecord:
    """What was known of one party that morning, over all its shipments.

    Attributes:
        party: importer, consignee, shipper, manufacturer or filer.
        trader_id: who.
        shipments: earlier shipments, net of deletions.
        exams: concluded exams.
        hits: exams that found something.
        seizures: of them, seizures.
        first_seen_days: days since its first filing; None = never seen before.
        last_seen_days: days since its last filing; None = never seen before.
        last_hit_days: days since a hit last became known; None = no hit.
    """

    party: str
    trader_id: str
    shipments: int
    exams: int
    hits: int
    seizures: int
    first_seen_days: int | None
    last_seen_days: int | None
    last_hit_days: int | None


@dataclass(frozen=True, slots=True)
class TraderRecord:
    """The parties' records, and of the first of importer, consignee and shipper that is stated, what made it.

    Attributes:
        parties: those that the shipment states.
        trader_id: whose statuses and exams follow; None = none of the three is stated.
        statuses: its programme records known that morning, the traders columns, the oldest first.
        exams: its last 10 exams, the newest first: exam_date, result (hit, pending or clear), exams, hazards,
            amount_usd; of the last two years.
    """

    parties: tuple[PartyRecord, ...]
    trader_id: str | None
    statuses: list[dict[str, Any]]
    exams: list[dict[str, Any]]


def record_of(
    connection: duckdb.DuckDBPyConnection, shipment: pd.DataFrame, history: History, run: Run
) -> TraderRecord:
    """The records of the traders of one shipment.

    Args:
        connection: the ledger.
        shipment: one row of the shipments columns, index shipment_id.
        history: its history on the morning of `run`.
        run: the run.
    """
    [row] = shipment.to_dict("records")
    asked = Asked.by(shipment)
    past = read_past(connection, run.run_date, run.position, Asked(asked.traders, ()))
    trader = asked.traders[0][1] if asked.traders else None
    parties = tuple(_party(name, row[f"{name}_id"], history.tracks[name]) for name in PARTIES if _stated(row, name))
    exams = past.exams.head(_MOST_EXAMS)
    return TraderRecord(parties, trader, as_records(past.statuses), as_records(exams))


def as_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dicts by column, every null as None.

    >>> import pandas as pd
    >>> as_records(pd.DataFrame({"a": [1.0, None]}))
    [{'a': 1.0}, {'a': None}]
    """
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def _stated(row: dict[Any, Any], party: str) -> bool:
    return isinstance(row[f"{party}_id"], str)


def _party(name: str, trader_id: str, track: Track) -> PartyRecord:
    counts = (int(track.count(measure)[0]) for measure in ("shipments", "exams", "hits", "seizures"))
    days = (track.days_since_first(), track.days_since_last(), track.days_since_last_hit())
    return PartyRecord(name, trader_id, *counts, *(None if isnan(each[0]) else int(each[0]) for each in days))
