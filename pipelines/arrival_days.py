"""Which arrival days a set of files speaks of, and which rows are appended with which of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from riskscore.errors import InputError
from riskscore.frames import as_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from riskscore.pipelines.intake import Source


def split(sources: Sequence[Source], zone: ZoneInfo) -> list[tuple[date, list[Source]]]:
    """The days to score, ascending, each with its part of every file; every row is in exactly one part.

    A day is scored when a row arriving on it was filed before its own morning: a late amendment or deletion alone
    changes nothing of a morning that has passed. All versions of a shipment go with its earliest scored day, since one
    filed in time may have moved it to another. Rows that belong to no scored day go with the first, as do refused
    rows without a readable day; they are deferred there.

    Raises:
        InputError: no readable row was filed before the morning of its arrival.
    """
    rows = _rows(sources, zone)
    days = sorted(rows.loc[rows["in_time"], "arrival_date"].unique())
    if not days:
        raise InputError(
            "no readable row was filed before the morning of its arrival",
            where=", ".join(source.path for source in sources),
            fix="append it with riskscore ingest manifest, which also says what was refused",
        )
    earliest = rows[rows["arrival_date"].isin(days)].groupby("shipment_id")["arrival_date"].min()
    return [
        (day.date(), [_part(source, day, earliest, first=day == days[0]) for source in sources])
        for day in map(pd.Timestamp, days)
    ]


def require_arrival(source: Source, day: date) -> None:
    """Refuse a file without a readable row that arrives on `day` (InputError)."""
    found = as_frame(source.tables["shipments"].accepted.select(["arrival_date"]))["arrival_date"]
    if (found == pd.Timestamp(day)).any():
        return
    held = f"{found.min().date()} to {found.max().date()}" if len(found) else "nothing readable"
    raise InputError(
        f"no shipment in this file arrives on {day.isoformat()} (it holds {held})",
        where=source.path,
        fix="give the manifest of that day, or another --date",
    )


def _rows(sources: Sequence[Source], zone: ZoneInfo) -> pd.DataFrame:
    """shipment_id, arrival_date and in_time of all accepted rows."""
    wanted = ["shipment_id", "arrival_date", "filed_at"]
    rows = as_frame(pa.concat_tables([source.tables["shipments"].accepted.select(wanted) for source in sources]))
    filed = pd.to_datetime(rows["filed_at"]).dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    return rows.assign(in_time=filed.isna() | (filed < rows["arrival_date"]))


def _part(source: Source, day: pd.Timestamp, earliest: pd.Series[pd.Timestamp], *, first: bool) -> Source:
    validated = source.tables["shipments"]
    days = validated.accepted["shipment_id"].to_pandas().map(earliest)
    refused = as_frame(validated.quarantined.select(["arrival_date"]))["arrival_date"]
    part = replace(
        validated,
        accepted=validated.accepted.filter(_belongs(days, day, first=first)),
        quarantined=validated.quarantined.filter(_belongs(refused.where(refused.isin(earliest)), day, first=first)),
        findings=validated.findings if first else {},
    )
    return replace(source, tables={"shipments": part})


def _belongs(days: pd.Series[pd.Timestamp], day: pd.Timestamp, *, first: bool) -> pa.Array:
    return pa.array(((days == day) | (days.isna() & first)).to_numpy(dtype=bool))
