"""Novelty and sudden change: who is new, which pairing is new, who wakes up or swells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history import History, Track

PARTIES = ("importer", "shipper", "manufacturer", "filer")
PAIRS = ("importer_x_hs4", "importer_x_origin", "importer_x_port", "importer_x_filer", "shipper_x_consignee")

_LOOK_BACK = "all filings that entered history before the morning of arrival"
_DAYS_OF_HALF_LIFE = 30
# A steady daily flow of one holds half-life / ln 2 shipments in a decayed count.
_STEADY_DAYS = _DAYS_OF_HALF_LIFE / np.log(2)


def _feature(name: str, meaning: str, unit: str, null_meaning: str, look_back: str = _LOOK_BACK) -> Feature:
    return Feature(name, "novelty and change", meaning, unit, null_meaning, look_back, "shipments")


def _of_party(kind: str) -> tuple[Feature, ...]:
    return (
        _feature(
            f"{kind}_shipments", f"earlier shipments of the {kind}, net of deletions", "shipments", f"no {kind} stated"
        ),
        _feature(
            f"{kind}_first_seen_days",
            f"days since the {kind}'s first filing",
            "days",
            f"no {kind} stated, or never seen before",
        ),
    )


def _of_pair(pair: str) -> tuple[Feature, ...]:
    words = pair.replace("_x_", " with ")
    return (
        _feature(
            f"{pair}_shipments",
            f"earlier shipments of this {words}, net of deletions",
            "shipments",
            f"{words}: one of the two not stated",
        ),
        _feature(
            f"{pair}_first_seen_days",
            f"days since this {words} was first filed",
            "days",
            f"{words}: never seen before, or one not stated",
        ),
    )


_CHANGE = (
    _feature(
        "importer_last_seen_days",
        "days since the importer's last filing (dormancy)",
        "days",
        "no importer stated, or never seen before",
    ),
    _feature(
        "importer_volume_ratio_hl30d",
        "recent shipments a day against the importer's own average since its first filing; 1 = as always",
        "ratio",
        "no importer stated, or never seen before",
        f"{_LOOK_BACK}, half-life {_DAYS_OF_HALF_LIFE} days over all",
    ),
)


class Novelty:
    """Counts and ages of parties and pairings, dormancy, and change of volume."""

    name = "novelty and change"
    features = (
        *(feature for kind in PARTIES for feature in _of_party(kind)),
        *_CHANGE,
        *(feature for pair in PAIRS for feature in _of_pair(pair)),
    )

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        tracks = history.tracks
        columns: dict[str, NDArray[np.float64]] = {}
        for kind in PARTIES:
            columns[f"{kind}_shipments"] = tracks[kind].count("shipments")
            columns[f"{kind}_first_seen_days"] = tracks[kind].days_since_first()
        columns["importer_last_seen_days"] = tracks["importer"].days_since_last()
        columns["importer_volume_ratio_hl30d"] = _volume_ratio(tracks["importer"])
        for pair in PAIRS:
            columns[f"{pair}_shipments"] = tracks[pair].count("shipments")
            columns[f"{pair}_first_seen_days"] = tracks[pair].days_since_first()
        return pd.DataFrame(columns, index=shipments.index)


def _volume_ratio(track: Track) -> NDArray[np.float64]:
    days = track.days_since_first()
    per_day = track.count("shipments") / np.maximum(days, 1)
    # Of an importer younger than the window, the window has seen only a part: scale it to its age.
    seen = _STEADY_DAYS * (1 - np.exp2(-np.maximum(days, 1) / _DAYS_OF_HALF_LIFE))
    recent = track.recent("shipments", _DAYS_OF_HALF_LIFE) / seen
    ratio: NDArray[np.float64] = np.divide(recent, per_day, out=np.full(len(days), np.nan), where=per_day > 0)
    return ratio
