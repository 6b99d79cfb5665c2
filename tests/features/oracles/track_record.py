"""Track record, from its descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.oracle import Row, Track

Value = float | None

HAZARDS = ("narcotics", "wmd_terror", "ipr", "undervaluation", "misclassification", "origin_transship",
           "adcvd_evasion", "forced_labour", "agriculture", "pga_safety", "manifest_quality", "identity_ior",
           "export_control_sanctions", "de_minimis_abuse")  # fmt: skip
OF_HAZARDS = {
    "importer": HAZARDS,
    "consignee": ("narcotics", "ipr", "de_minimis_abuse"),
    "shipper": ("narcotics", "ipr", "undervaluation", "origin_transship", "agriculture", "manifest_quality",
                "de_minimis_abuse"),
    "manufacturer": ("ipr", "origin_transship", "adcvd_evasion", "forced_labour", "pga_safety"),
    "filer": ("identity_ior",),
}  # fmt: skip
OF_ALL_TIME = ("importer", "consignee", "shipper", "manufacturer", "hs6", "origin", "route", "hs6_x_origin", "carrier",
               "filer", "vessel", "importer_x_hs4", "importer_x_origin", "shipper_x_consignee", "manufacturer_x_hs4",
               "importer_identity", "importer_place", "container", "seal",
               "importer_x_shipper", "consignee_place", "origin_x_export", "hs4_x_route")  # fmt: skip
OF_90_DAYS = OF_365_DAYS = ("importer", "consignee", "shipper", "manufacturer")
CAUGHT = ("importer", "consignee", "shipper", "manufacturer", "filer", "vessel", "container", "importer_x_hs4",
          "importer_identity", "importer_place")  # fmt: skip


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    del row
    found: dict[str, Value] = {"importer_exams_hl365d": _decayed(past.track("importer"), "exams", 365)}
    for kind in ("importer", "consignee", "shipper", "manufacturer", "filer"):
        track = past.track(kind)
        found[f"{kind}_exams"], found[f"{kind}_hits"] = _count(track, "exams"), _count(track, "hits")
        found[f"{kind}_hits_hl365d"] = _decayed(track, "hits", 365)
        for hazard in OF_HAZARDS[kind]:
            found[f"{kind}_hits_{hazard}"] = _count(track, f"hits_{hazard}")
    for kind in ("importer", "shipper", "manufacturer"):
        found |= {f"{kind}_{name}": value for name, value in _severity(past.track(kind)).items()}
    country = past.track("country")
    for suffix, half_life, kinds in (
        ("", None, OF_ALL_TIME),
        ("_hl90d", 90, OF_90_DAYS),
        ("_hl365d", 365, OF_365_DAYS),
    ):
        found |= {f"{kind}_hit_rate{suffix}": _rate(past.track(kind), country, half_life) for kind in kinds}
    return found | {f"{kind}_last_hit_days": _since_last_hit(past.track(kind), past) for kind in CAUGHT}


def _severity(track: Track | None) -> dict[str, Value]:
    names = ("exam_share", "minor_hits", "seizures", "seizures_per_hit", "recovered_usd", "recovered_per_hit_usd",
             "repeat_hits", "hazards_found")  # fmt: skip
    if track is None:
        return dict.fromkeys(names)
    n, recovered = track.counts, track.counts["recovered_cents"] / 100
    of_hazards = [n[f"hits_{hazard}"] for hazard in HAZARDS]
    values = (
        n["exams"] / n["shipments"] if n["shipments"] else None,
        n["minor_hits"],
        n["seizures"],
        n["seizures"] / n["hits"] if n["hits"] else None,
        recovered,
        recovered / n["hits"] if n["hits"] else None,
        sum(hits - 1 for hits in of_hazards if hits),
        sum(1 for hits in of_hazards if hits),
    )
    return dict(zip(names, values, strict=True))


def _rate(track: Track | None, country: Track | None, half_life: int | None) -> Value:
    if track is None or country is None or not country.counts["exams"]:
        return None
    exams, hits = _exams_and_hits(country, half_life)
    drawn_to = hits / exams
    exams, hits = _exams_and_hits(track, half_life)
    return (hits + 10 * drawn_to) / (exams + 10)


def _exams_and_hits(track: Track, half_life: int | None) -> tuple[float, float]:
    if half_life is None:
        return track.counts["exams"], track.counts["hits"]
    return track.decayed["exams", half_life], track.decayed["hits", half_life]


def _since_last_hit(track: Track | None, past: Past) -> Value:
    if track is None or not track.counts["hits"] or track.last_hit_day is None:
        return None
    return (past.morning - track.last_hit_day).days


def _count(track: Track | None, measure: str) -> Value:
    return None if track is None else track.counts[measure]


def _decayed(track: Track | None, measure: str, half_life: int) -> Value:
    return None if track is None else track.decayed[measure, half_life]
