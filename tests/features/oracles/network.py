"""Parties and network, from its descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.entities import Row
    from tests.history.records import Track

Value = float | None


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    del row
    likes = past.exposure("importer_lookalikes")
    return {
        "importer_headings": _fan(past, "importer", "importer_x_hs4"),
        "importer_origins": _fan(past, "importer", "importer_x_origin"),
        "importer_ports": _fan(past, "importer", "importer_x_port"),
        "importer_filers": _fan(past, "importer", "importer_x_filer"),
        "importer_shippers": _fan(past, "importer", "importer_x_shipper"),
        "shipper_importers": _fan(past, "shipper", "importer_x_shipper"),
        "shipper_consignees": _fan(past, "shipper", "shipper_x_consignee"),
        "consignee_shippers": _fan(past, "consignee", "shipper_x_consignee"),
        "filer_importers": _fan(past, "filer", "importer_x_filer"),
        **_addresses(past),
        **_exposures(past),
        "shipper_hits_with_other_importers": _rest(past, "shipper", "importer_x_shipper", "hits"),
        "importer_place_hits_of_others": _rest(past, "importer_place", "importer_x_place", "hits"),
        "importer_identity_hits_under_other_numbers": _rest(past, "importer_identity", "importer_x_identity", "hits"),
        "importer_identity_shipments_under_other_numbers":
            _rest(past, "importer_identity", "importer_x_identity", "shipments"),
        "importer_lookalikes": None if likes is None else likes.partners,
        "importer_lookalike_offenders": None if likes is None else likes.offenders,
        "importer_lookalike_hits": None if likes is None else likes.hits,
    }  # fmt: skip


def _addresses(past: Past) -> dict[str, Value]:
    seen, place, identity = (
        past.exposure("importer_via_place"),
        past.track("importer_place"),
        past.track("importer_identity"),
    )
    here = past.track("importer_x_place")
    itself = here is not None and here.first_day is not None
    known = identity is not None and identity.first_day is not None
    return {
        "importer_addresses": None if seen is None else seen.partners,
        "importer_place_other_importers": None if place is None else place.fans["importer_x_place"] - itself,
        "importer_identity_first_seen_days": (past.morning - identity.first_day).days if known else None,
    }


def _exposures(past: Past) -> dict[str, Value]:
    country = past.track("country").counts
    found: dict[str, Value] = {}
    for name in ("importer_via_shipper", "importer_via_filer", "importer_via_place", "consignee_via_shipper",
                 "shipper_via_consignee"):  # fmt: skip
        seen = past.exposure(name)
        found[f"{name}_offenders"] = None if seen is None else seen.offenders
        found[f"{name}_hits"] = None if seen is None else seen.hits
        found[f"{name}_hit_rate"] = (
            None
            if seen is None or not country["exams"]
            else (seen.hits + 10 * country["hits"] / country["exams"]) / (seen.exams + 10)
        )
    return found


def _fan(past: Past, kind: str, pair: str) -> Value:
    track = past.track(kind)
    return None if track is None else track.fans[pair]


def _rest(past: Past, kind: str, pair: str, measure: str) -> Value:
    whole, own = past.track(kind), past.track(pair)
    return None if whole is None else whole.counts[measure] - _count(own, measure)


def _count(track: Track | None, measure: str) -> int:
    return 0 if track is None else track.counts[measure]
