"""The records the oracle speaks in, and what one row of a table counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from tests.history.entities import Row

HAZARDS = ("narcotics", "wmd_terror", "ipr", "undervaluation", "misclassification", "origin_transship",
           "adcvd_evasion", "forced_labour", "agriculture", "pga_safety", "manifest_quality", "identity_ior",
           "export_control_sanctions", "de_minimis_abuse")  # fmt: skip
TRAFFIC = ("shipments", "value_cents", "weight_g", "amendments", "deletions")
FINDINGS = ("exams", "hits", "minor_hits", "seizures", "recovered_cents", *(f"hits_{hazard}" for hazard in HAZARDS))
POST_ENTRY = ("cf28", "cf29", "protests", "corrections", "claimed_cents")
MEASURES = (*TRAFFIC, *FINDINGS, *POST_ENTRY)
HALF_LIVES = (("shipments", 7), ("shipments", 30), ("shipments", 365), ("value_cents", 30), ("amendments", 30),
              ("exams", 90), ("hits", 90), ("exams", 365), ("hits", 365), ("cf28", 365), ("cf29", 365))  # fmt: skip

CLEAR = {"released_no_discrepancy", "detained_released"}
MINOR = "released_with_discrepancy"
POSITIVE = {MINOR, "excluded_reexported", "seized", "abandoned", "penalty_assessed", "duty_billed",
            "emergency_action_notice"}  # fmt: skip
EXCLUDED = {"cargo_never_arrived", "bill_deleted", "scored_after_release"}
EVENTS = {"cf28": "cf28", "cf29": "cf29", "protest": "protests", "post_summary_correction": "corrections"}

Measures = dict[str, int]


@dataclass(frozen=True)
class Fact:
    """Something that stands about a shipment on a morning: whose business it is, since when, and what it counts."""

    row: Row
    day: date
    measures: Measures


@dataclass(frozen=True)
class Track:
    """The record of one entity on one morning.

    First and last day are of filings, withdrawn later or not; None when it never filed. The last hit day is None when
    no hit stands. `fans` counts by pair kind the pairs it had been seen in before.
    """

    counts: Measures
    decayed: dict[tuple[str, int], float]
    first_day: date | None
    last_day: date | None
    last_hit_day: date | None
    fans: dict[str, int]


@dataclass(frozen=True)
class Peers:
    """Where a shipment's quantity stands among those filed before; None = there is nothing to compare."""

    peers: int | None
    below: float | None
    median: float | None
    spread: float | None


@dataclass(frozen=True)
class Batch:
    """What arrives on one day and names one entity."""

    shipments: int
    value_usd: float
    highest_value_usd: float


@dataclass(frozen=True)
class Exposure:
    """The others that an entity deals with, and their record in business with anyone else."""

    partners: int
    offenders: int
    hits: int
    exams: int


def quantity_bin(row: Row, quantity: str) -> int | None:
    """Bin of a row's value per kilogram, value per unit or weight per unit; None without one.

    Four bins an octave from 2^-12, 128 in all; what lies outside goes to the ends.
    """
    cents, grams, units = _hundredths(row["value_usd"]), _thousandths(row["weight_kg"]), row["quantity"] or 0
    upper, lower = {
        "value_per_kg": (cents / 100, grams / 1000),
        "value_per_unit": (cents / 100, units),
        "weight_per_unit": (grams / 1000, units),
    }[quantity]
    if not upper or lower <= 1e-9:
        return None
    return min(max(math.floor(4 * (math.log2(upper / lower) + 12)), 0), 127)


def middle_of_bin(number: int) -> float:
    """The quantity at the middle of a bin."""
    return 2 ** ((number + 0.5) / 4 - 12)


def traffic_of(row: Row) -> Measures:
    """What a standing version counts."""
    cents, grams = _hundredths(row["value_usd"]), _thousandths(row["weight_kg"])
    return {"shipments": 1, "value_cents": cents, "weight_g": grams, "amendments": int((row["version"] or 0) > 0)}


def verdict_of(words: list[Row]) -> Measures:
    """What the latest words on a shipment come to; empty while nothing is concluded, or when it leaves the record."""
    results = {word["result"] for word in words}
    if results & EXCLUDED or not results & (CLEAR | POSITIVE):
        return {}
    found = [word for word in words if word["result"] in POSITIVE]
    verdict = {
        "exams": 1,
        "hits": int(bool(found)),
        "minor_hits": int(bool(found) and all(word["result"] == MINOR for word in found)),
        "seizures": int("seized" in results),
        "recovered_cents": sum(_hundredths(word["amount_usd"]) for word in found),
    }
    return verdict | {f"hits_{word['hazard']}": 1 for word in found if word["hazard"] is not None}


def event_of(word: Row) -> Measures:
    """What an event counts by the latest word on it; empty when it was withdrawn."""
    if word["status"] == "withdrawn":
        return {}
    claimed = _hundredths(word["amount_usd"]) if word["event"] in ("cf28", "cf29") else 0
    return {EVENTS[word["event"]]: 1, "claimed_cents": claimed}


def _hundredths(amount: float | None) -> int:
    return round((amount or 0) * 100)


def _thousandths(amount: float | None) -> int:
    return round((amount or 0) * 1000)
