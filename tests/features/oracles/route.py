"""Route, from its descriptions and the rows of the reference tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from riskscore.reference import rows

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.oracle import Row

Value = float | None

MODES = ("ocean", "air", "truck", "rail", "mail", "express")
CATEGORIES = ("consumption", "informal", "warehouse", "withdrawal", "government", "in-bond", "de minimis test")
ADCVD_TYPES = ("03", "07", "34", "38")
NO_COUNTRY = "AA|Q[M-Z]|X[A-JL-Z]|ZZ"


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    origin, export = row["origin_country"], row["export_country"]
    category = {each["code"]: each["category"] for each in rows("entry_types")}.get(row["entry_type"])
    return {
        "mode_code": float(MODES.index(row["mode"])),
        "origin_differs_from_export": _differs(origin, export),
        "third_country_export": 0.0 if origin and export == "US" else _differs(origin, export),
        "origin_x_export_share": _share(_shipments(past, "origin_x_export"), _shipments(past, "origin")),
        "foreign_port_elsewhere": _differs(_country_of(row["foreign_port"]), export),
        "foreign_port_missing": float(row["foreign_port"] is None),
        "route_shipments": _shipments(past, "route"),
        "route_first_seen_days": _first_seen(past, "route"),
        "hs4_x_route_shipments": _shipments(past, "hs4_x_route"),
        "hs4_x_route_share": _share(_shipments(past, "hs4_x_route"), _shipments(past, "route")),
        "origin_shipments": _shipments(past, "origin"),
        "hs6_x_origin_shipments": _shipments(past, "hs6_x_origin"),
        "moves_in_bond": None if row["in_bond"] is None else float(row["in_bond"]),
        "entry_category": None if category is None else float(CATEGORIES.index(category)),
        "bonded_warehouse": None if category is None else float(category in ("warehouse", "withdrawal")),
        **_adcvd(row, None if category is None else float(row["entry_type"] in ADCVD_TYPES), past),
    }


def _adcvd(row: Row, declared: Value, past: Past) -> dict[str, Value]:
    named = _named_by_orders(row["hts"], row["origin_country"], past)
    ordered = None if named is None else row["origin_country"] in named
    undeclared = None if ordered is None or declared is None else float(ordered and not declared)
    return {
        "adcvd_declared": declared,
        "adcvd_undeclared": 0.0 if ordered is False or declared else undeclared,
        "adcvd_order_elsewhere": None if named is None else float(bool(named) and not ordered),
    }


def _named_by_orders(hts: str | None, origin: str | None, past: Past) -> set[str] | None:
    """Origins named by orders in force on the goods; None where goods or origin do not let one tell."""
    if hts is None or not re.fullmatch("[0-9]{4,10}", hts) or hts[:2] in ("00", "77", "98", "99"):
        return None
    if origin is None or not re.fullmatch("[A-Z]{2}", origin) or re.fullmatch(NO_COUNTRY, origin):
        return None
    named, day = set(), past.morning.isoformat()
    for row in rows("adcvd_orders"):
        if not row["effective_from"] <= day <= (row["effective_to"] or "9999"):
            continue
        digits = min(len(hts), len(row["hts_from"]))
        if row["hts_from"][:digits] <= hts[:digits] <= row["hts_to"][:digits]:
            if digits < len(row["hts_from"]):
                return None
            named |= set(row["origins"].split(";"))
    return named


def _country_of(port: str | None) -> str | None:
    if port is None or not re.fullmatch("[0-9]{5}", port):
        return None
    known = [row for row in rows("schedule_k_countries") if port.startswith(row["prefix"])]
    return max(known, key=lambda row: len(row["prefix"]))["country"] if known else None


def _differs(one: str | None, other: str | None) -> Value:
    return None if one is None or other is None else float(one != other)


def _shipments(past: Past, kind: str) -> Value:
    track = past.track(kind)
    return None if track is None else track.counts["shipments"]


def _first_seen(past: Past, kind: str) -> Value:
    track = past.track(kind)
    return None if track is None or track.first_day is None else (past.morning - track.first_day).days


def _share(part: Value, whole: Value) -> Value:
    return None if part is None or not whole else part / whole
