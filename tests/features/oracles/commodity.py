"""Commodity, from its descriptions and the rows of the reference tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from riskscore.reference import centers, rows

if TYPE_CHECKING:
    from datetime import date

    from tests.features.oracles.past import Past
    from tests.history.oracle import Row

Value = float | None

CENTERS = [row["code"] for row in rows("centers_of_excellence")]


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    hts, text = row["hts"], row["description"]
    classified = hts is not None and re.match("[0-9][0-9]", hts) and hts[:2] != "00"
    center = None if hts is None else _center(hts, past.morning)
    return {
        "hs_chapter": float(hts[:2]) if classified else None,
        "hts_digits": None if hts is None else float(len(hts)),
        "description_words": None if text is None else float(len(text.split())),
        "description_is_vague": None if text is None else float(_describes_nothing(text)),
        "hs6_shipments": _shipments(past, "hs6"),
        "wording_shipments": _shipments(past, "wording"),
        "wording_x_hs4_share": _share(_shipments(past, "wording_x_hs4"), _shipments(past, "wording")),
        "center_code": None if center is None else float(CENTERS.index(center)),
        "importer_center_agrees": _agrees(past.status("importer"), hts, past.morning),
        "center_share_of_importer": _share(_shipments(past, "importer_x_center"), _shipments(past, "importer")),
    }


def _describes_nothing(text: str) -> bool:
    words = re.sub("[^a-z]+", " ", text.lower()).strip()
    for row in rows("vague_descriptions"):
        part = f" {row['phrase']} " in f" {words} "
        if len(text.split()) <= 3 and (part if row["match"] == "within" else words == row["phrase"]):
            return True
    return False


def _center(hts: str, day: date) -> str | None:
    """The one Center that has the whole range; else the only one that has a part."""
    claims = centers.candidates(hts, day)
    whole = [f.value for f in claims if _has_whole(f.value, hts)] or [f.value for f in claims]
    return whole[0] if len(whole) == 1 else None


def _has_whole(code: str, hts: str) -> bool:
    """Whether the Center's narrowest range around the number is its alone."""
    found = [
        row
        for row in rows("center_hts")
        if row["center"] == code and row["hts_from"] <= hts[: len(row["hts_from"])] <= row["hts_to"]
    ]
    return max(found, key=lambda row: len(row["hts_from"]))["part"] == "no"


def _agrees(status: Row | None, hts: str | None, day: date) -> Value:
    own = None if status is None else status["center"]
    names = {row["name"]: row["code"] for row in rows("centers_of_excellence")}
    code = names.get(own, own)
    claims = [] if hts is None else [f.value for f in centers.candidates(hts, day)]
    return float(code in claims) if code in CENTERS and claims else None


def _shipments(past: Past, kind: str) -> Value:
    track = past.track(kind)
    return None if track is None else track.counts["shipments"]


def _share(part: Value, whole: Value) -> Value:
    return None if part is None or not whole else part / whole
