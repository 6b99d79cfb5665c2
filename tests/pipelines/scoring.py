"""Rows of a manifest for the scored day, and what the daily job counted of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import riskscore

COUNTS = ("scored", "quarantined", "superseded", "deleted", "duplicate", "deferred")


def counts(result):
    assert result.counts.read == sum(getattr(result.counts, name) for name in COUNTS)
    return {name: getattr(result.counts, name) for name in COUNTS if getattr(result.counts, name)}


def line(country, name, **given):
    """A plain row arriving on the scored day, filed in time."""
    day = country.day
    return {
        "shipment_id": name,
        "version": 0,
        "action": "new",
        "filed_at": f"{day - timedelta(1)}T12:00:00Z",
        "arrival_date": day,
        "mode": "ocean",
        "port": "2704",
    } | given


def late(country):
    return f"{country.day}T12:00:00Z"


def live(country, extra=()):
    """Naive: the latest version filed before the morning of every shipment, arriving on the day and not deleted."""
    morning = datetime(country.day.year, country.day.month, country.day.day)  # noqa: DTZ001 - UTC, as in the files
    files = [*extra, country.manifest, country.root.parent / "past.parquet"]
    latest = {}
    for path in files:
        for row in riskscore.read_table(path).accepted.to_pylist():
            known = row["filed_at"] < morning if row["filed_at"] else row["arrival_date"] <= country.day
            rank = (row["version"] or 0, row["filed_at"] or datetime.min)  # noqa: DTZ901
            if known and (row["shipment_id"] not in latest or rank > latest[row["shipment_id"]][0]):
                latest[row["shipment_id"]] = (rank, row)
    return {
        name: row
        for name, (_, row) in latest.items()
        if row["arrival_date"] == country.day and row["action"] != "deleted"
    }
