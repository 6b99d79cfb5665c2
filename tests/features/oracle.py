"""Every feature of the catalogue, computed from its description for one shipment at a time.

Null is None. The past comes from tests.history.oracle; nothing here is shared with the builders.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from tests.history.oracle import KINDS, Track, entity, value_bin

if TYPE_CHECKING:
    from tests.history.oracle import Oracle, Row

Value = float | None

PRIOR_EXAMS = 10
VAGUE = {"fak", "stc", "general cargo", "freight of all kinds", "said to contain", "merchandise", "goods", "products",
         "parts", "various", "assorted", "misc", "samples", "gift", "items", "articles", "supplies",
         "consolidated"}  # fmt: skip
EXPECTED = ("importer_id", "consignee_id", "shipper_id", "manufacturer_id", "carrier_id", "filer_id",
            "origin_country", "export_country", "hts", "description", "value_usd", "weight_kg", "quantity",
            "entry_type")  # fmt: skip
MODES = ("ocean", "air", "truck", "rail", "mail", "express")


def features_of(row: Row, oracle: Oracle) -> dict[str, Value]:
    """All features of one shipments row, as of the morning it arrives."""
    tracks = {kind: _track(row, kind, oracle) for kind in KINDS}
    return {
        **programme(row, oracle),
        **track_record(tracks),
        **novelty(row, tracks),
        **valuation(row, oracle),
        **route(row, tracks),
        **commodity(row, tracks),
        **documentation(row),
    }


def _track(row: Row, kind: str, oracle: Oracle) -> Track | None:
    who = entity(row, kind)
    return None if who is None else oracle.track(kind, who, row["arrival_date"])


def programme(row: Row, oracle: Oracle) -> dict[str, Value]:
    morning = row["arrival_date"]
    importer, shipper = oracle.status(row["importer_id"], morning), oracle.status(row["shipper_id"], morning)
    foreign = None if shipper is None else float(shipper["aeo_programme"] is not None)
    names = ("importer_ctpat_tier", "importer_ctpat_lost", "importer_self_assessment", "importer_trusted_trader",
             "importer_status_age_days")  # fmt: skip
    if importer is None:
        return {"importer_on_record": 0.0, **dict.fromkeys(names), "shipper_foreign_programme": foreign}
    lost = importer["ctpat_status"] in ("suspended", "removed", "withdrawn")
    tier = 0 if lost or importer["ctpat_status"] == "none" else importer["ctpat_tier"] or 0
    programme = "isa_member" if morning < date(2020, 3, 1) else "ctpat_trade_compliance"
    assessed = importer[programme] is True
    age = (morning - importer["valid_from"]).days
    values = (tier, lost, assessed, assessed and tier in (2, 3), age)
    return {"importer_on_record": 1.0, **dict(zip(names, values, strict=True)), "shipper_foreign_programme": foreign}


def track_record(tracks: dict[str, Track | None]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for kind in ("importer", "shipper", "manufacturer", "filer"):
        found[f"{kind}_exams"] = _count(tracks[kind], "exams")
        found[f"{kind}_hits"] = _count(tracks[kind], "hits")
        found[f"{kind}_hits_hl365d"] = _recent(tracks[kind], "hits", 365)
    recovered = _count(tracks["importer"], "recovered_cents")
    found["importer_seizures"] = _count(tracks["importer"], "seizures")
    found["importer_recovered_usd"] = None if recovered is None else recovered / 100
    found["importer_exams_hl365d"] = _recent(tracks["importer"], "exams", 365)
    for kind in ("importer", "consignee", "shipper", "manufacturer", "carrier", "filer", "hs6", "origin",
                 "importer_x_hs4", "importer_x_origin", "shipper_x_consignee", "hs6_x_origin", "route"):  # fmt: skip
        found[f"{kind}_hit_rate"] = _hit_rate(tracks[kind], tracks["country"])
    return found


def _hit_rate(track: Track | None, country: Track | None) -> Value:
    if track is None or country is None or not country.counts["exams"]:
        return None
    rate = country.counts["hits"] / country.counts["exams"]
    return (track.counts["hits"] + PRIOR_EXAMS * rate) / (track.counts["exams"] + PRIOR_EXAMS)


def novelty(row: Row, tracks: dict[str, Track | None]) -> dict[str, Value]:
    morning = row["arrival_date"]
    found: dict[str, Value] = {}
    for kind in ("importer", "shipper", "manufacturer", "filer", "importer_x_hs4", "importer_x_origin",
                 "importer_x_port", "importer_x_filer", "shipper_x_consignee"):  # fmt: skip
        found[f"{kind}_shipments"] = _count(tracks[kind], "shipments")
        found[f"{kind}_first_seen_days"] = _first_seen(tracks[kind], morning)
    importer = tracks["importer"]
    seen = importer is not None and importer.last_day is not None
    found["importer_last_seen_days"] = (morning - importer.last_day).days if seen else None
    found["importer_volume_ratio_hl30d"] = _volume_ratio(importer, morning) if seen else None
    return found


def _volume_ratio(importer: Track, morning: date) -> Value:
    days = (morning - importer.first_day).days
    average = importer.counts["shipments"] / days
    # A flow of one a day over the days since the first filing leaves this much in the decayed count.
    of_one_a_day = 30 / math.log(2) * (1 - 2 ** (-days / 30))
    return importer.decayed["shipments", 30] / of_one_a_day / average if average else None


def valuation(row: Row, oracle: Oracle) -> dict[str, Value]:
    value, weight, quantity, rate = (row[c] for c in ("value_usd", "weight_kg", "quantity", "duty_rate_pct"))
    per_kg = _ratio(value, weight)
    goods = entity(row, "hs6")
    peers = None if goods is None else oracle.peers("hs6", goods, value_bin(row), row["arrival_date"])
    ratio = _ratio(per_kg, None if peers is None else peers.median)
    return {
        "declared_value_usd": value,
        "declared_weight_kg": weight,
        "value_per_kg": per_kg,
        "value_per_unit": _ratio(value, quantity),
        "weight_per_unit": _ratio(weight, quantity),
        "value_per_kg_position_hs6": None if peers is None else peers.below,
        "value_per_kg_ratio_hs6": None if ratio is None else math.log2(ratio),
        "peers_hs6": None if peers is None else peers.peers,
        "duty_usd": None if value is None or rate is None else value * rate / 100,
        "declared_duty_rate_pct": rate,
        "value_is_round": None if value is None else float(value % 100 == 0),
    }


def route(row: Row, tracks: dict[str, Track | None]) -> dict[str, Value]:
    origin, export = row["origin_country"], row["export_country"]
    return {
        "mode_code": float(MODES.index(row["mode"])),
        "origin_differs_from_export": None if origin is None or export is None else float(origin != export),
        "moves_in_bond": None if row["in_bond"] is None else float(row["in_bond"]),
        "foreign_port_missing": float(row["foreign_port"] is None),
        "route_shipments": _count(tracks["route"], "shipments"),
        "route_first_seen_days": _first_seen(tracks["route"], row["arrival_date"]),
        "origin_shipments": _count(tracks["origin"], "shipments"),
        "hs6_x_origin_shipments": _count(tracks["hs6_x_origin"], "shipments"),
    }


def commodity(row: Row, tracks: dict[str, Track | None]) -> dict[str, Value]:
    hts, text = row["hts"], row["description"]
    classified = hts is not None and re.match("[0-9][0-9]", hts) and hts[:2] != "00"
    words = None if text is None else text.split()
    return {
        "hs_chapter": float(hts[:2]) if classified else None,
        "hts_digits": None if hts is None else float(len(hts)),
        "description_words": None if words is None else float(len(words)),
        "description_is_vague": None if words is None else float(len(words) <= 3 and _says_nothing(text)),
        "hs6_shipments": _count(tracks["hs6"], "shipments"),
    }


def _says_nothing(text: str) -> bool:
    plain = f" {' '.join(re.findall('[a-z]+', text.lower()))} "
    return any(f" {words} " in plain for words in VAGUE)


def documentation(row: Row) -> dict[str, Value]:
    boxes = None if row["container_ids"] is None else _items(row["container_ids"])
    return {
        "fields_missing": float(sum(row[name] is None for name in EXPECTED)),
        "hts_missing": float(row["hts"] is None),
        "value_missing": float(row["value_usd"] is None),
        "manufacturer_missing": float(row["manufacturer_id"] is None),
        "importer_name_missing": float(row["importer_name"] is None),
        "versions_filed": float(row["version"] or 0),
        "filed_days_before_arrival": _lead_days(row),
        "containers": None if boxes is None else float(len(boxes)),
        "containers_invalid": None if boxes is None else float(sum(not container_checks(box) for box in boxes)),
        "seals_missing": None if boxes is None else float(max(len(boxes) - len(_items(row["seal_ids"])), 0)),
        "pga_flag_count": float(len(_items(row["pga_flags"]))),
    }


def container_checks(number: str) -> bool:
    """ISO 6346: four letters, six digits, and a check digit; letters count 10 to 38 without multiples of 11."""
    if not re.fullmatch("[A-Z]{3}[UJZ][0-9]{7}", number):
        return False
    worth = [n for n in range(10, 39) if n % 11]
    values = [int(c) if c.isdigit() else worth[ord(c) - ord("A")] for c in number[:10]]
    return sum(v * 2**i for i, v in enumerate(values)) % 11 % 10 == int(number[10])


def _lead_days(row: Row) -> Value:
    if row["filed_at"] is None:
        return None
    arrival = datetime.combine(row["arrival_date"], time(), UTC)
    return (arrival - row["filed_at"].replace(tzinfo=UTC)).total_seconds() / 86_400


def _items(text: str | None) -> list[str]:
    return [item for item in (text or "").split(";") if item]


def _ratio(upper: Value, lower: Value) -> Value:
    return upper / lower if upper and lower else None


def _count(track: Track | None, measure: str) -> Value:
    return None if track is None else track.counts[measure]


def _recent(track: Track | None, measure: str, half_life: int) -> Value:
    return None if track is None else track.decayed[measure, half_life]


def _first_seen(track: Track | None, morning: date) -> Value:
    return None if track is None or track.first_day is None else (morning - track.first_day).days
