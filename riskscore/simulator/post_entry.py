"""What happens to entries after release: requests for information, notices of action, protests, corrections.

Weeks to months after arrival a few entries are asked about (CF-28), acted on (CF-29), protested (19 USC 1514) or
corrected by their importer (PSC). Hazards in value, classification and origin that nobody examined are asked about more
often. An importer that turns (turns.py) has been asked about several of its earlier entries just before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from riskscore import tables
from riskscore.simulator import lists
from riskscore.simulator.arrays import Bools, Floats, Ints, Texts, texts
from riskscore.simulator.manifests import arrow_schema
from riskscore.simulator.streams import stream
from riskscore.simulator.turns import NEVER

if TYPE_CHECKING:
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traffic import Traffic
    from riskscore.simulator.turns import Turns

SHARES = {"cf28": 0.005, "cf29": 0.0018, "protest": 0.0012, "post_summary_correction": 0.006}
"""Chance of each event on an entry that is in order."""

SUSPECT = {"cf28": 0.06, "cf29": 0.04, "protest": 0.004, "post_summary_correction": 0.01}
"""Chance on an entry whose value, classification or origin is wrong."""

DAYS = {"cf28": (25, 120), "cf29": (40, 200), "protest": (60, 240), "post_summary_correction": (15, 150)}
"""Days from arrival to the event: at least, and less than."""

_REVENUE = ("undervaluation", "misclassification", "origin_transship", "adcvd_evasion")

INQUIRY_DAYS = 90
"""How far before an importer's turn the entries lie that it is asked about."""

_SOONEST = 14

INQUIRED_SHARE = 0.6
"""Share of these entries."""

WITHDRAWN_SHARE, CLOSED_SHARE = 0.12, 0.5


def table(settings: Settings, turns: Turns, traffic: Traffic, shipment_ids: Texts, value_usd: Floats) -> pa.Table:
    """The post_entry table: every event by its last simulated day, and its closing or withdrawal where it came by then.

    Args:
        settings: of the country.
        turns: importers that turn.
        traffic: all shipments.
        shipment_ids: of each of them.
        value_usd: declared value of each, null = not declared.
    """
    rng = stream(settings.seed, "post-entry")
    frames = [_events(rng, settings, traffic, event) for event in tables.POST_ENTRY_EVENTS]
    frames += [_inquiries(rng, turns, traffic)]
    events = pd.concat(frames, ignore_index=True)
    events = events.drop_duplicates(["row", "event", "day"]).reset_index(drop=True)
    claim = np.nan_to_num(value_usd[events["row"]], nan=1_000.0) * rng.uniform(0.01, 0.2, len(events))
    events["amount_usd"] = np.where(rng.random(len(events)) < 0.3, np.nan, claim.round(2))
    events["known"] = events["day"] + np.ceil(rng.exponential(5.0, len(events))) + rng.uniform(0.3, 0.8, len(events))
    return _written(settings, _with_endings(rng, events), shipment_ids)


def _events(rng: np.random.Generator, settings: Settings, traffic: Traffic, event: str) -> pd.DataFrame:
    """Events of one kind at the usual chances."""
    revenue = [lists.HAZARDS.index(hazard) for hazard in _REVENUE]
    chance = np.where(traffic.hazards[:, revenue].any(axis=1), SUSPECT[event], SHARES[event])
    rows = np.flatnonzero((rng.random(len(traffic)) < chance) & _entered(traffic))
    days = traffic.day[rows] + rng.integers(*DAYS[event], len(rows))
    return pd.DataFrame({"row": rows, "event": event, "day": days})[days < settings.days]


def _entered(traffic: Traffic) -> Bools:
    """Mail is not entered by anybody who could be asked."""
    return np.asarray(traffic.mode != tables.MODES.index("mail"))


def _inquiries(rng: np.random.Generator, turns: Turns, traffic: Traffic) -> pd.DataFrame:
    """Requests and notices about the entries that an importer made in the weeks before its turn."""
    turn = turns.first["post-entry"][traffic.importer]
    before = turn - traffic.day
    asked = (turn < NEVER) & (before >= _SOONEST) & (before <= INQUIRY_DAYS)
    asked &= rng.random(len(traffic)) < INQUIRED_SHARE
    rows = np.flatnonzero(asked)
    event = np.where(rng.random(len(rows)) < 0.4, "cf29", "cf28")
    # Before the turn, so that the record is known when it matters.
    days = traffic.day[rows] + (rng.uniform(0.5, 0.9, len(rows)) * before[rows]).astype(np.int64)
    return pd.DataFrame({"row": rows, "event": event, "day": days})


def _with_endings(rng: np.random.Generator, events: pd.DataFrame) -> pd.DataFrame:
    """Each event as open, and again, later, as closed or withdrawn."""
    die = rng.random(len(events))
    ends = die < WITHDRAWN_SHARE + CLOSED_SHARE
    status = np.where(die < WITHDRAWN_SHARE, "withdrawn", "closed")
    later = events.assign(status=status, known=events["known"] + rng.integers(7, 90, len(events)))[ends]
    return pd.concat([events.assign(status="open"), later], ignore_index=True)


def _written(settings: Settings, events: pd.DataFrame, shipment_ids: Texts) -> pa.Table:
    events = events[events["known"] < settings.days]
    day: Ints = events["day"].to_numpy()
    first = np.datetime64(settings.start, "D")
    frame = pd.DataFrame(
        {
            "shipment_id": shipment_ids[events["row"]],
            "event": events["event"].to_numpy(),
            "event_date": texts((first + day).astype(object).tolist()),
            "status": events["status"].to_numpy(),
            "amount_usd": events["amount_usd"].to_numpy(),
            "known_at": first.astype("datetime64[s]") + (events["known"].to_numpy() * 86_400).astype("timedelta64[s]"),
        }
    ).sort_values(["known_at", "shipment_id", "event", "event_date"], kind="stable")
    schema = arrow_schema(tables.POST_ENTRY)
    return pa.table([_column(frame[field.name], field.type) for field in schema], schema=schema)


def _column(values: pd.Series, kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pa.array(values.to_numpy(dtype="datetime64[us]")).cast(kind)
    return pa.array(values, type=kind, from_pandas=True)
