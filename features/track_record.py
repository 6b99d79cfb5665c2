"""Track record: prior exams, hits and seizures of everyone and everything the shipment names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history import History, Track

# A hit rate starts from the country's and needs this many exams to move half-way to the entity's own.
PRIOR_EXAMS = 10.0

COUNTED = ("importer", "shipper", "manufacturer", "filer")
"""Kinds whose exams and hits are features of their own."""

RATED = ("importer", "consignee", "shipper", "manufacturer", "carrier", "filer", "hs6", "origin", "importer_x_hs4",
         "importer_x_origin", "shipper_x_consignee", "hs6_x_origin", "route")  # fmt: skip
"""Kinds with a smoothed hit rate."""

_LOOK_BACK = "all results known before the morning of arrival"
_SOURCE = "outcomes, joined to shipments; net of corrections and deleted bills"


def _feature(name: str, meaning: str, unit: str, null_meaning: str, look_back: str = _LOOK_BACK) -> Feature:
    return Feature(name, "track record", meaning, unit, null_meaning, look_back, _SOURCE)


def _features() -> tuple[Feature, ...]:
    made = []
    for kind in COUNTED:
        absent = f"no {kind} stated"
        made += [
            _feature(f"{kind}_exams", f"concluded exams of the {kind}'s shipments", "shipments", absent),
            _feature(f"{kind}_hits", f"exams of the {kind}'s shipments that found something", "shipments", absent),
            _feature(
                f"{kind}_hits_hl365d",
                f"hits of the {kind}, one a year ago counting half",
                "shipments",
                absent,
                f"{_LOOK_BACK}, half-life 365 days",
            ),
        ]
    made += [
        _feature("importer_seizures", "seizures from the importer's shipments", "shipments", "no importer stated"),
        _feature("importer_recovered_usd", "revenue recovered or value seized", "USD", "no importer stated"),
        _feature(
            "importer_exams_hl365d",
            "exams of the importer, one a year ago counting half",
            "shipments",
            "no importer stated",
            f"{_LOOK_BACK}, half-life 365 days",
        ),
    ]
    for kind in RATED:
        made.append(
            _feature(
                f"{kind}_hit_rate",
                f"hits per exam of the {kind.replace('_x_', ' with ')}, drawn to the "
                f"country's rate with the weight of {PRIOR_EXAMS:g} exams",
                "share",
                f"no {kind.replace('_x_', ' or ')} stated, or no exam known yet in the country",
            )
        )
    return tuple(made)


class TrackRecord:
    """Exams, hits, seizures and Bayes-smoothed hit rates per entity."""

    name = "track record"
    features = _features()

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        tracks = history.tracks
        columns: dict[str, NDArray[np.float64]] = {}
        for kind in COUNTED:
            columns[f"{kind}_exams"] = tracks[kind].count("exams")
            columns[f"{kind}_hits"] = tracks[kind].count("hits")
            columns[f"{kind}_hits_hl365d"] = tracks[kind].recent("hits", 365)
        columns["importer_seizures"] = tracks["importer"].count("seizures")
        columns["importer_recovered_usd"] = tracks["importer"].count("recovered_cents") / 100
        columns["importer_exams_hl365d"] = tracks["importer"].recent("exams", 365)
        prior = _raw_rate(tracks["country"])
        for kind in RATED:
            columns[f"{kind}_hit_rate"] = _smoothed_rate(tracks[kind], prior)
        return pd.DataFrame(columns, index=shipments.index)


def _raw_rate(country: Track) -> NDArray[np.float64]:
    exams = country.count("exams")
    rate: NDArray[np.float64] = np.divide(
        country.count("hits"), exams, out=np.full(len(exams), np.nan), where=exams > 0
    )
    return rate


def _smoothed_rate(track: Track, prior: NDArray[np.float64]) -> NDArray[np.float64]:
    return (track.count("hits") + PRIOR_EXAMS * prior) / (track.count("exams") + PRIOR_EXAMS)
