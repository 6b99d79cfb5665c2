"""Novelty and change, from its descriptions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.entities import Row
    from tests.history.records import Track

Value = float | None

FANS = ("importer_x_hs4", "importer_x_origin", "importer_x_port", "importer_x_filer", "importer_x_shipper")
PAIRINGS = (*FANS, "importer_x_place", "importer_x_identity")


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    found: dict[str, Value] = {}
    for kind in ("importer", "consignee", "shipper", "manufacturer", "filer", *PAIRINGS, "shipper_x_consignee"):
        track = past.track(kind)
        found[f"{kind}_shipments"] = None if track is None else track.counts["shipments"]
        found[f"{kind}_first_seen_days"] = _age(track, past)
    parties = ("importer", "consignee", "shipper", "manufacturer", "filer", "carrier")
    found["new_parties"] = sum(_is_new(past.track(kind)) for kind in parties)
    importer = past.track("importer")
    if importer is None or importer.first_day is None:
        return found | dict.fromkeys(_OF_KNOWN)
    return found | _of_known(row, importer, past)


_OF_KNOWN = ("importer_new_pairings", "importer_novelty_surprise", "importer_last_seen_days",
             "importer_dormancy_ratio", "importer_volume_ratio_hl30d", "importer_volume_ratio_hl7d",
             "importer_value_ratio_hl30d", "value_over_importer_mean")  # fmt: skip


def _of_known(row: Row, importer: Track, past: Past) -> dict[str, Value]:
    shipments, usd = importer.counts["shipments"], importer.counts["value_cents"] / 100
    age, last = (past.morning - importer.first_day).days, (past.morning - importer.last_day).days
    mean = usd / shipments if shipments else None
    values = (
        sum(_is_new(past.track(kind)) for kind in PAIRINGS),
        sum(_bits(importer, kind) for kind in FANS if _is_new(past.track(kind))),
        last,
        last / max((age - last) / (shipments - 1), 1) if shipments > 1 else None,
        pace(importer, "shipments", 30, age) / (shipments / age) if shipments else None,
        pace(importer, "shipments", 7, age) / pace(importer, "shipments", 365, age) if shipments else None,
        pace(importer, "value_cents", 30, age) / 100 / (usd / age) if usd else None,
        row["value_usd"] / mean if mean and row["value_usd"] is not None else None,
    )
    return dict(zip(_OF_KNOWN, values, strict=True))


def pace(track: Track, measure: str, half_life: int, age: int) -> float:
    """The decayed count over what one a day, from the first filing to yesterday, would have left."""
    return track.decayed[measure, half_life] / sum(2 ** (-days / half_life) for days in range(1, age + 1))


def _bits(importer: Track, kind: str) -> float:
    return -math.log2(min((1 + importer.fans[kind]) / (1 + importer.counts["shipments"]), 1))


def _is_new(track: Track | None) -> bool:
    return track is not None and track.first_day is None


def _age(track: Track | None, past: Past) -> Value:
    return None if track is None or track.first_day is None else (past.morning - track.first_day).days
