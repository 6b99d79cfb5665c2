"""Documentation, from its descriptions; numbers and codes are checked here once more where that is short."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from riskscore.reference import identifiers, manufacturers
from tests.features.oracles.ecommerce import TYPES, is_valid

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.entities import Row
    from tests.history.records import Track

Value = float | None

EXPECTED = ("importer_id", "consignee_id", "shipper_id", "manufacturer_id", "carrier_id", "filer_id",
            "origin_country", "export_country", "hts", "description", "value_usd", "weight_kg", "quantity",
            "entry_type")  # fmt: skip
NAMES = ("importer_name", "consignee_name", "shipper_name", "manufacturer_name", "carrier_name", "filer_name")
ADDRESSES = ("importer_address", "consignee_address", "shipper_address", "manufacturer_address")
NOBODY = {"UNKNOWN", "N/A", "NA", "NONE", "NIL", "TBA", "TBD", "NOT AVAILABLE", "NOT APPLICABLE", "NOT STATED", "SAME",
          "SAME AS CONSIGNEE", "SAME AS SHIPPER", "SAME AS IMPORTER"}  # fmt: skip
FLAGS = {f"{agency}{n}" for agency, first, last in (("FD", 1, 4), ("AQ", 1, 1), ("AL", 1, 2), ("DT", 1, 2),
         ("EP", 1, 8), ("FW", 1, 3), ("NM", 1, 8), ("TB", 1, 3), ("OM", 1, 2), ("DE", 1, 1), ("FS", 3, 4), ("AM", 1, 8),
         ("CP", 1, 2)) for n in range(first, last + 1)}  # fmt: skip
ADCVD = re.compile(r"\b(ad|add|cvd|anti-?dumping|countervailing)\b", re.IGNORECASE | re.ASCII)
CONTRADICTIONS = ("weight_zero_with_value", "manufacturer_origin_differs", "manufacturer_name_differs",
                  "entry_type_out_of_date", "in_bond_entry_not_in_bond", "adcvd_regime_without_entry",
                  "vessel_number_on_other_mode", "containers_contradict_mode")  # fmt: skip


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    found = {
        **_missing(row),
        **_versions(row, past),
        **_timing(row),
        **_manufacturer(row),
        **_entry(row),
        **_conveyance(row),
        **_numbers(row, past),
        **_codes(row),
    }
    return found | {"contradictions": float(sum(found[name] or 0 for name in CONTRADICTIONS))}


def _missing(row: Row) -> dict[str, Value]:
    weighed = row["value_usd"] is not None and row["weight_kg"] is not None
    isf_applies = row["mode"] == "ocean" and row["arrival_date"] >= date(2009, 1, 26)
    return {
        "fields_missing": float(sum(row[name] is None for name in EXPECTED)),
        "names_missing": float(sum(row[name] is None for name in NAMES)),
        "addresses_missing": float(sum(row[name] is None for name in ADDRESSES)),
        "names_placeholder": float(sum(row[name] is not None and _names_nobody(row[name]) for name in NAMES)),
        "hts_missing": float(row["hts"] is None),
        "value_missing": float(row["value_usd"] is None),
        "manufacturer_missing": float(row["manufacturer_id"] is None),
        "importer_name_missing": float(row["importer_name"] is None),
        "conveyance_missing": float(row["conveyance_id"] is None),
        "quantity_without_unit": None if row["quantity"] is None else float(row["quantity_unit"] is None),
        "weight_zero_with_value": float(row["value_usd"] > 0 and row["weight_kg"] == 0) if weighed else None,
        "isf_missing": float(row["isf_filed_at"] is None) if isf_applies else None,
    }


def _names_nobody(name: str) -> bool:
    plain = "".join(c.upper() if c.isascii() else c for c in name).strip(" .,*-")
    return plain in NOBODY or plain.startswith(("TO ORDER", "TO THE ORDER"))


def _versions(row: Row, past: Past) -> dict[str, Value]:
    importer, filer = past.track("importer"), past.track("filer")
    standing, deleted = _count(importer, "shipments"), _count(importer, "deletions")
    return {
        "versions_filed": float(row["version"] or 0),
        "importer_amended_share": _count(importer, "amendments") / standing if standing else None,
        "filer_amended_share": _count(filer, "amendments") / shipped
        if (shipped := _count(filer, "shipments"))
        else None,
        "importer_deleted_share": deleted / (standing + deleted) if standing + deleted else None,
    }


def _count(track: Track | None, measure: str) -> int:
    return 0 if track is None else track.counts[measure]


def _timing(row: Row) -> dict[str, Value]:
    filed, isf, laden = row["filed_at"], row["isf_filed_at"], row["laden_at"]
    arrival = datetime.combine(row["arrival_date"], time(), UTC)
    hours = None
    if row["mode"] == "ocean" and isf is not None and laden is not None:
        hours = (laden - isf).total_seconds() / 3600
    return {
        "filed_days_before_arrival":
            None if filed is None else (arrival - filed.replace(tzinfo=UTC)).total_seconds() / 86_400,
        "isf_hours_before_lading": hours,
        "isf_late": None if hours is None else float(hours < 24),
    }  # fmt: skip


def _manufacturer(row: Row) -> dict[str, Value]:
    mid, name, origin = row["manufacturer_id"], row["manufacturer_name"], row["origin_country"]
    if mid is None:
        return {
            "manufacturer_id_malformed": None, "manufacturer_origin_differs": None, "manufacturer_name_differs": None
        }  # fmt: skip
    plausible = manufacturers.plausible(mid).item() == 1
    country = "CA" if mid[0] == "X" and mid != "XK" else mid[:2]
    letters = manufacturers.name_part(name) if name is not None else ""
    return {
        "manufacturer_id_malformed": float(not plausible),
        "manufacturer_origin_differs": float(country != origin) if plausible and origin is not None else None,
        "manufacturer_name_differs": float(not mid[2:].startswith(letters)) if plausible and letters else None,
    }


def _entry(row: Row) -> dict[str, Value]:
    code, regime, in_bond = row["entry_type"], row["duty_regime"], row["in_bond"]
    known = code in TYPES
    speaks = regime is not None and ADCVD.search(regime)
    return {
        "entry_type_out_of_date": float(not is_valid(code, row["arrival_date"])) if known else None,
        "entry_type_unknown": None if code is None else float(not known),
        "in_bond_entry_not_in_bond":
            float(code in ("61", "62", "63") and not in_bond) if known and in_bond is not None else None,
        "adcvd_regime_without_entry":
            float(bool(speaks) and code not in ("03", "07", "34", "38")) if known and regime is not None else None,
    }  # fmt: skip


def _conveyance(row: Row) -> dict[str, Value]:
    number, ocean = row["conveyance_id"], row["mode"] == "ocean"
    imo = None if number is None else identifiers.vessel(number).item()
    boxes = _items(row["container_ids"])
    return {
        "vessel_number_invalid": 1 - imo if ocean and imo is not None else None,
        "vessel_number_on_other_mode": None if ocean else imo,
        "containers_contradict_mode": float(row["mode"] in ("mail", "express")) if boxes else None,
    }


def _numbers(row: Row, past: Past) -> dict[str, Value]:
    boxes, seals = _items(row["container_ids"]), _items(row["seal_ids"])
    boxed, sealed = row["container_ids"] is not None, row["seal_ids"] is not None
    box, seal = past.track("container"), past.track("seal")
    return {
        "containers": float(len(boxes)) if boxed else None,
        "containers_invalid": float(sum(not container_checks(box) for box in boxes)) if boxed else None,
        "container_last_seen_days":
            None if box is None or box.last_day is None else float((past.morning - box.last_day).days),
        "seals_missing": float(max(len(boxes) - len(seals), 0)) if boxed else None,
        "seals_repeated": float(len(seals) - len(set(seals))) if sealed else None,
        "seal_shipments": None if seal is None else float(seal.counts["shipments"]),
        "entry_number_invalid": _entry_number_invalid(row["shipment_id"]),
    }  # fmt: skip


def _entry_number_invalid(number: str) -> Value:
    if not re.fullmatch("[A-Z0-9]{3}-[0-9]{7}-[0-9]", number):
        return None
    return 1 - identifiers.entry_number(number).item()


def container_checks(number: str) -> bool:
    """ISO 6346 as python-stdnum reads it: letters count 10 to 38 without multiples of 11; blanks and case aside."""
    number = number.replace(" ", "").upper() if number.isascii() else ""
    if not re.fullmatch("[A-Z0-9]{3}[UJZR][0-9]{7}", number):
        return False
    worth = [n for n in range(10, 39) if n % 11]
    values = [int(c) if c.isdigit() else worth[ord(c) - ord("A")] for c in number[:10]]
    return sum(v * 2**i for i, v in enumerate(values)) % 11 % 10 == int(number[10])


def _codes(row: Row) -> dict[str, Value]:
    importer, flags = row["importer_id"], _items(row["pga_flags"])
    countries = [code for code in (row["origin_country"], row["export_country"]) if code is not None]
    formats = (r"\d{2}-\d{7}[A-Z0-9]{2}", r"\d{3}-\d{2}-\d{4}", r"\d{2}[A-Z0-9]{4}-\d{5}", r"[A-Z0-9]{4}")
    return {
        "importer_number_malformed":
            None if importer is None else float(not any(re.fullmatch(form, importer) for form in formats)),
        "pga_flag_count": float(len(flags)),
        "pga_flags_unknown":
            None if row["pga_flags"] is None else float(sum(flag not in FLAGS for flag in flags)),
        "countries_unknown": float(sum(not _is_country(code) for code in countries)) if countries else None,
    }  # fmt: skip


def _is_country(code: str) -> bool:
    return bool(re.fullmatch("[A-Z]{2}", code)) and not re.fullmatch("AA|Q[M-Z]|X[A-JL-Z]|ZZ", code)


def _items(text: str | None) -> list[str]:
    return [item.strip(" ") for item in (text or "").split(";") if item.strip(" ")]
