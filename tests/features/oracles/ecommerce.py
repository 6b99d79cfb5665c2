"""E-commerce, from its descriptions and the dates of the law."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.features.oracles.novelty import pace

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.entities import Row
    from tests.history.records import Batch

Value = float | None

TYPES = {"01", "02", "03", "04", "05", "06", "07", "08", "11", "12", "13", "21", "22", "23", "24", "25", "26", "31",
         "32", "34", "38", "51", "52", "61", "62", "63", "86"}  # fmt: skip


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    day, value = row["arrival_date"], row["value_usd"]
    threshold = threshold_of(row["origin_country"], day)
    informal = 2500.0 if day >= date(2013, 1, 7) else None
    found = {
        "de_minimis_threshold_usd": threshold,
        "value_share_of_de_minimis": _share(value, threshold),
        "value_just_under_de_minimis": _just_under(value, threshold),
        "value_just_under_informal_limit": _just_under(value, informal),
        **_entry(row, threshold, informal),
    }
    for kind in ("consignee", "consignee_place", "shipper"):
        batch, track = past.batch(kind), past.track(kind)
        found[f"{kind}_same_day_shipments"] = None if batch is None else batch.shipments
        found[f"{kind}_split_over_de_minimis"] = _split(batch, threshold)
        if kind != "shipper":
            found[f"{kind}_split_over_informal_limit"] = _split(batch, informal)
        parcel = row["mode"] in ("mail", "express") and track is not None
        found[f"{kind}_parcels_hl7d"] = track.decayed["shipments", 7] if parcel else None
        found[f"{kind}_parcel_velocity_hl7d"] = None
        if parcel and track.counts["shipments"]:
            age = (past.morning - track.first_day).days
            found[f"{kind}_parcel_velocity_hl7d"] = (
                pace(track, "shipments", 7, age) / pace(track, "shipments", 365, age)
            )  # fmt: skip
    return found


def threshold_of(origin: str | None, day: date) -> Value:
    """USD per person and day; a code that cannot name a country is unknown, which matters while China is apart."""
    if date(2025, 5, 2) <= day < date(2025, 8, 29):
        return {True: 0.0, False: 800.0, None: None}[_is_chinese(origin)]
    began = {date(1993, 1, 1): 200.0, date(2016, 3, 10): 800.0, date(2025, 8, 29): 0.0}
    return began.get(max((since for since in began if since <= day), default=date.max))


def _is_chinese(origin: str | None) -> bool | None:
    letters = origin is not None and len(origin) == 2 and origin.isascii() and origin.isalpha() and origin.isupper()
    if not letters or origin in ("AA", "ZZ") or (origin[0] == "Q" and origin[1] >= "M"):
        return None
    if origin[0] == "X" and origin != "XK":
        return None
    return origin in ("CN", "HK")


def is_valid(code: str, day: date) -> bool:
    """Whether a known entry type could be used on the day."""
    if code == "86":
        return date(2019, 9, 28) <= day <= date(2025, 8, 28)
    return code != "13" or day >= date(2026, 6, 24)


def _entry(row: Row, threshold: Value, informal: Value) -> dict[str, Value]:
    code, value, day = row["entry_type"], row["value_usd"], row["arrival_date"]
    names = ("entry_is_de_minimis", "entry_is_informal", "entry_is_mail_test", "de_minimis_claim_unfounded",
             "informal_entry_over_limit", "mail_test_unfounded")  # fmt: skip
    if code not in TYPES:
        return dict.fromkeys(names)
    exempt, small = code == "86", code in ("11", "12", "13")
    unfounded: Value = 0.0
    if exempt and (not is_valid(code, day) or threshold == 0):
        unfounded = 1.0
    elif exempt:
        unfounded = None if value is None or threshold is None else float(value > threshold)
    too_much: Value = 0.0
    if small:
        too_much = None if value is None or informal is None else float(value > informal)
    misplaced = code == "13" and (row["mode"] != "mail" or not is_valid(code, day))
    values = (exempt, small, code == "13", unfounded, too_much, misplaced)
    return {name: None if v is None else float(v) for name, v in zip(names, values, strict=True)}


def _share(value: Value, limit: Value) -> Value:
    return value / limit if value is not None and limit else None


def _just_under(value: Value, limit: Value) -> Value:
    share = _share(value, limit)
    return None if share is None else float(0.9 <= share <= 1)


def _split(batch: Batch | None, limit: Value) -> Value:
    if batch is None or not limit:
        return None
    return 0.0 if batch.highest_value_usd > limit else batch.value_usd / limit
