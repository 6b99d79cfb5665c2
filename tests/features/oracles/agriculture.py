"""Agriculture and partner agencies, from their descriptions and the rows of the reference tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from riskscore.reference import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.features.oracles.past import Past
    from tests.history.oracle import Row

Value = float | None

KINDS = ("none", "animal", "plant", "wood")
NO_COUNTRY = "AA|Q[M-Z]|X[A-JL-Z]|ZZ"


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    kind, month, used = _kind(row["hts"]), past.morning.month, row["wood_packaging"]
    agricultural = kind not in (None, "none")
    half = [r["hemisphere"] for r in rows("hemispheres") if row["origin_country"] in r["countries"].split(";")]
    season = (month + 6 if month <= 6 else month - 6) if half == ["south"] else month
    return {
        "agri_goods_kind": None if kind is None else float(KINDS.index(kind)),
        "agri_arrival_month": float(month) if agricultural else None,
        "agri_origin_season": float(season) if agricultural and half else None,
        "wood_packaging_used": _number(used),
        "wood_packaging_must_be_treated": _regulated(row["export_country"], past) if used else _number(used),
        **_agencies(row),
    }


def _number(flag: bool | None) -> Value:
    return None if flag is None else float(flag)


def _kind(hts: str | None) -> str | None:
    if not _is_goods(hts):
        return None
    found = [row for row in rows("agri_goods") if _falls_under(hts, row)]
    return max(found, key=lambda row: len(row["hts_from"]))["kind"] if found else "none"


def _regulated(country: str | None, past: Past) -> Value:
    if country is None or not re.fullmatch("[A-Z]{2}", country) or re.fullmatch(NO_COUNTRY, country):
        return None
    [rule] = rows("wood_packaging_rules")
    return float(rule["effective_from"] <= past.morning.isoformat() and country not in rule["exempt"].split(";"))


def _agencies(row: Row) -> dict[str, Value]:
    hts, cell = row["hts"], row["pga_flags"]
    flags = [part.strip() for part in (cell or "").split(";") if part.strip()]
    known = [(agency, required) for flag, agency, required in _flags() for each in flags if each == flag]
    wanted = {each["agency"] for each in rows("agency_goods") if _is_goods(hts) and _falls_under(hts, each)}
    silent = [agency for agency in wanted if not any(name.startswith(agency) for name, _ in known)]
    required = [answer for _, answer in known]
    open_question = not required or (None in required and True not in required)
    return {
        "pga_agencies": None if cell is None else float(len({agency for agency, _ in known})),
        "pga_data_required": None if open_question else float(True in required),
        "pga_agencies_unflagged": float(len(silent)) if _is_goods(hts) else None,
    }


def _flags() -> list[tuple[str, str, bool | None]]:
    """Each flag with its agency and whether it says that data are required."""
    found = []
    for row in rows("pga_flags_partial"):
        codes = row["flag"].split("/")
        if "-" in row["flag"]:
            first, last = row["flag"].split("-")
            codes = [f"{first[:-1]}{n}" for n in range(int(first[-1]), int(last[-1]) + 1)]
        said = (
            row["meaning"].split(" / ") if len(codes) > 1 and " / " in row["meaning"] else [row["meaning"]] * len(codes)
        )
        answers = [False if "may be" in text else True if "required" in text else None for text in said]
        found += [(code, row["agency"], answer) for code, answer in zip(codes, answers, strict=True)]
    return found


def _is_goods(hts: str | None) -> bool:
    return hts is not None and bool(re.fullmatch("[0-9]{4,10}", hts)) and hts[:2] not in ("00", "77", "98", "99")


def _falls_under(hts: str, row: Mapping[str, str]) -> bool:
    low, high = row["hts_from"], row["hts_to"]
    return len(hts) >= len(low) and low <= hts[: len(low)] <= high
