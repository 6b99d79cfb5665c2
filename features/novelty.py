"""Novelty and sudden change: who is new, which pairing is new, who wakes up or swells.

The signature of a misused importer number is not one novelty but several at once: an established importer turns up
with a filer, a port, goods, a shipper and an address that it never used before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature
from riskscore.features.track_record import ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.features.track_record import Floats
    from riskscore.history import History, Track

PARTIES = ("importer", "consignee", "shipper", "manufacturer", "filer")
"""Parties whose record has an age and a size."""

PAIRS = {
    "importer_x_hs4": "importer in this heading of the tariff",
    "importer_x_origin": "importer with this country of origin",
    "importer_x_port": "importer at this port",
    "importer_x_filer": "importer with this filer",
    "importer_x_shipper": "importer with this shipper",
    "importer_x_place": "importer at this address",
    "importer_x_identity": "importer number under this name and address",
    "shipper_x_consignee": "shipper to this consignee",
}
"""Pairings whose record has an age and a size, in words."""

OF_IMPORTER = tuple(pair for pair in PAIRS if pair.startswith("importer_x_"))
COUNTED = ("importer_x_hs4", "importer_x_origin", "importer_x_port", "importer_x_filer", "importer_x_shipper")
"""The importer's pairings of which its record says how many different ones it has."""

_LOOK_BACK = "all filings that entered history before the morning of arrival"
_NEWCOMER = "no importer stated, or never seen before"


def _feature(
    name: str, meaning: str, unit: str, null_meaning: str, look_back: str = _LOOK_BACK, source: str = "shipments"
) -> Feature:
    return Feature(name, "novelty and change", meaning, unit, null_meaning, look_back, source)


def _size_and_age(kind: str, words: str, absent: str) -> tuple[Feature, ...]:
    return (
        _feature(f"{kind}_shipments", f"earlier shipments of the {words}, net of deletions", "shipments", absent),
        _feature(f"{kind}_first_seen_days", f"days since the first filing of the {words}", "days",
                 f"{absent}, or never seen before"),
    )  # fmt: skip


_NOVELTIES = (
    _feature("importer_new_pairings", "how many of the stated heading, origin, port, filer, shipper, address, name and "
             "address this importer never filed before; an address or name never stated before is new too",
             "pairings", _NEWCOMER),
    _feature("importer_novelty_surprise", "how unlike the importer its new heading, origin, port, filer and shipper "
             "are: for each new one, -log2 of (1 + different ones so far) / (1 + earlier shipments), at most 1",
             "bits", _NEWCOMER),
    _feature("new_parties", "how many of the stated importer, consignee, shipper, manufacturer, carrier and filer "
             "were never seen before", "parties", "never null"),
)  # fmt: skip
_CHANGE = (
    _feature("importer_last_seen_days", "days since the importer's last filing (dormancy)", "days", _NEWCOMER),
    _feature("importer_dormancy_ratio", "days since the importer's last filing over its usual gap: days from first to "
             "last filing per shipment after the first, at least 1; 1 = as always", "ratio",
             "no importer stated, or fewer than 2 earlier shipments, net of deletions"),
    _feature("importer_volume_ratio_hl30d", "recent shipments a day against the importer's own average since its "
             "first filing; 1 = as always", "ratio", f"{_NEWCOMER}, or all deleted",
             f"{_LOOK_BACK}, half-life 30 days over all"),
    _feature("importer_volume_ratio_hl7d", "shipments a day of late against the importer's pace of the year; 1 = as "
             "always", "ratio", f"{_NEWCOMER}, or all deleted",
             f"{_LOOK_BACK}, half-life 7 days over half-life 365 days"),
    _feature("importer_value_ratio_hl30d", "recent declared value a day against the importer's own average since its "
             "first filing; 1 = as always", "ratio", f"{_NEWCOMER}, or it declared no value",
             f"{_LOOK_BACK}, half-life 30 days over all", "shipments.value_usd"),
    _feature("value_over_importer_mean", "declared value over the mean of the importer's earlier shipments (no value "
             "declared counts as 0)", "ratio", f"{_NEWCOMER}, or no value declared, now or before", _LOOK_BACK,
             "shipments.value_usd"),
)  # fmt: skip


class Novelty:
    """Sizes and ages of parties and pairings, novelties at once, dormancy, and change of volume and value."""

    name = "novelty and change"
    features = (
        *(f for kind in PARTIES for f in _size_and_age(kind, kind, f"no {kind} stated")),
        *(f for pair, words in PAIRS.items() for f in _size_and_age(pair, words, "not wholly stated")),
        *_NOVELTIES,
        *_CHANGE,
    )

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        columns: dict[str, Floats] = {}
        for kind in (*PARTIES, *PAIRS):
            columns[f"{kind}_shipments"] = history.tracks[kind].count("shipments")
            columns[f"{kind}_first_seen_days"] = history.tracks[kind].days_since_first()
        value = shipments["value_usd"].to_numpy(np.float64, na_value=np.nan)
        columns |= _novelties(history) | _change(history.tracks["importer"], value)
        return pd.DataFrame(columns, index=shipments.index)


def pace(track: Track, measure: str, half_life_days: int) -> Floats:
    """Recent facts a day: the decayed count over what a flow of one a day since the first filing would have left.

    So of an entity younger than the window, which the window has seen in part only, the pace is not understated.

    Args:
        track: the entity's record.
        measure: what is counted (riskscore.history.MEASURES).
        half_life_days: half-life of the counter; the pair must be one of riskscore.history.DECAYED.

    Returns:
        `measure` a day; null without an entity, or never seen before.
    """
    # A flow of one a day leaves 1/r + 1/r^2 + ... of as many terms as there were days, with r = 2^(1/half-life).
    days = track.days_since_first()
    of_one_a_day = (1 - np.exp2(-days / half_life_days)) / (2 ** (1 / half_life_days) - 1)
    recent: Floats = track.recent(measure, half_life_days) / of_one_a_day
    return recent


def _novelties(history: History) -> dict[str, Floats]:
    importer = history.tracks["importer"]
    known = np.isfinite(importer.days_since_first())
    new = {kind: _is_new(history.tracks[kind]) for kind in (*PARTIES, "carrier", *OF_IMPORTER)}
    pairings = np.sum([new[pair] for pair in OF_IMPORTER], axis=0)
    surprise = np.sum([np.where(new[pair], _bits(importer, pair), 0.0) for pair in COUNTED], axis=0)
    parties = np.sum([new[kind] for kind in (*PARTIES, "carrier")], axis=0)
    return {
        "importer_new_pairings": np.where(known, pairings, np.nan),
        "importer_novelty_surprise": np.where(known, surprise, np.nan),
        "new_parties": parties.astype(np.float64),
    }


def _is_new(track: Track) -> NDArray[np.bool_]:
    """Whether the shipment names an entity that never filed before."""
    return track.stated & np.isnan(track.days_since_first())


def _bits(importer: Track, pair: str) -> Floats:
    """What a new one of `pair` tells of this importer: little of one that changes often, much of a steady one."""
    usual = (1 + importer.fan(pair)) / (1 + importer.count("shipments"))
    bits: Floats = np.abs(np.log2(np.minimum(usual, 1)))
    return bits


def _change(importer: Track, value_usd: Floats) -> dict[str, Floats]:
    age, last, shipments = importer.days_since_first(), importer.days_since_last(), importer.count("shipments")
    declared = importer.count("value_cents") / 100
    usual_gap = np.maximum(ratio(age - last, shipments - 1), 1)
    return {
        "importer_last_seen_days": last,
        "importer_dormancy_ratio": last / usual_gap,
        "importer_volume_ratio_hl30d": ratio(pace(importer, "shipments", 30), shipments / age),
        "importer_volume_ratio_hl7d": ratio(pace(importer, "shipments", 7), pace(importer, "shipments", 365)),
        "importer_value_ratio_hl30d": ratio(pace(importer, "value_cents", 30) / 100, declared / age),
        "value_over_importer_mean": ratio(value_usd, ratio(declared, shipments)),
    }
