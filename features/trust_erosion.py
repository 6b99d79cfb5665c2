"""Trust erosion: how an importer's recent behaviour departs from the record that earned the trust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.features.novelty import pace
from riskscore.features.programme import as_days, effective_tier
from riskscore.features.protocol import Feature, Sign
from riskscore.features.track_record import PRIOR_EXAMS, ratio, smoothed_hit_rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from riskscore.features.track_record import Floats
    from riskscore.history import History, Track

FACETS: dict[str, str] = {
    "importer_x_hs4": "goods (HS4)",
    "importer_x_origin": "origin",
    "importer_x_port": "port",
    "importer_x_filer": "filer",
    "importer_x_shipper": "shipper",
}
"""Pairings that describe how an importer trades."""

# A recent share needs this many shipments to move half-way from the importer's usual one.
PRIOR_SHIPMENTS = 3.0

GATED = ("hit_rate_departure_hl90d", "amendment_departure_hl30d", "volume_departure_hl30d",
         "value_per_shipment_departure_hl30d", "new_pairing_departure")  # fmt: skip
"""Departures that an analyst asks of tiered members by themselves: what a misused or sold membership shows first."""

_FILINGS = "all filings that entered history before the morning of arrival"
_RESULTS = "all results known before the morning of arrival"
_STATUS = "status covering the day of arrival, among facts known before its morning"
_OUTCOMES = "outcomes, joined to shipments; net of corrected results, amended and deleted bills"
_NET = "shipments, net of amended and deleted bills"
_TIER = "traders.ctpat_tier, ctpat_status, role, valid_from; 6 USC 964-967; ctpat_tiers.csv (S; loss M)"
_NO_PAST = "no importer stated, or no earlier shipment of it stands"
_DAILY = "against its own average since its first filing; 1 = as always"


def _feature(
    name: str, meaning: str, unit: str, null_meaning: str, look_back: str, source: str, *, monotone: Sign = 0
) -> Feature:
    return Feature(name, "trust erosion", meaning, unit, null_meaning, look_back, source, monotone=monotone)


_DEPARTURES = (
    _feature("importer_hit_rate_departure_hl90d", "recent hit rate of the importer, drawn to its own rate of all time "
             f"with the weight of {PRIOR_EXAMS:g} exams, less that rate", "difference of shares",
             "no importer stated, or no exam known yet in the country", f"{_RESULTS}, half-life 90 days against all",
             _OUTCOMES),
    _feature("importer_amendment_departure_hl30d", "share of the importer's recent shipments that were amended, drawn "
             f"to its own share of all time with the weight of {PRIOR_SHIPMENTS:g} shipments, less that share",
             "difference of shares", _NO_PAST, f"{_FILINGS}, half-life 30 days against all",
             f"shipments.version; {_NET}"),
    _feature("importer_volume_departure_hl30d", "shipments a day of the last weeks against those of the last year; "
             "1 = as always", "ratio", _NO_PAST, f"{_FILINGS}, half-life 30 days against 365", _NET),
    _feature("importer_value_per_shipment_departure_hl30d", "declared value per shipment of late against the "
             "importer's own average; 1 = as always", "ratio", f"{_NO_PAST}, or none declared a value",
             f"{_FILINGS}, half-life 30 days against all", f"shipments.value_usd; {_NET}"),
    _feature("importer_new_pairing_departure", f"share of the stated {', '.join(FACETS.values())} that are new to the "
             "importer, less its habit: first-time pairings per earlier shipment, at most 1 of a kind, mean of kinds",
             "difference of shares", _NO_PAST, _FILINGS, _NET),
    _feature("importer_cf_departure_hl365d", f"CF-28 and CF-29 a day of the last year {_DAILY}", "ratio",
             "no importer stated, or no CF-28 or CF-29 stands against it",
             "all post-entry events known before the morning of arrival, half-life 365 days against all",
             "post_entry.event, joined to shipments; net of withdrawn events and deleted bills"),
)  # fmt: skip

_OF_MEMBERS = (
    _feature("importer_days_traded_before_tier", "days from the importer's first filing to the beginning of the "
             "status that gives it its tier: how much record earned it; 0 when the status is older", "days",
             "no effective tier, or never seen before", f"{_STATUS}; {_FILINGS}", f"shipments; {_TIER}"),
    _feature("importer_hit_since_tier", "the importer's last hit became known since the beginning of the status that "
             "gives it its tier", "0 or 1", "no effective tier", f"{_STATUS}; {_RESULTS}", f"{_OUTCOMES}; {_TIER}",
             monotone=1),
)  # fmt: skip


def _gated(name: str) -> Feature:
    (whole,) = (feature for feature in _DEPARTURES if feature.name == f"importer_{name}")
    return _feature(
        f"tiered_importer_{name}",
        f"of an importer with an effective CTPAT tier of 1 to 3: {whole.meaning}",
        whole.unit,
        f"no effective tier; {whole.null_meaning}",
        f"{whole.look_back}; {_STATUS}",
        f"{whole.source}; {_TIER}",
    )


@dataclass(frozen=True)
class TrustErosion:
    """Departures of the importer from its own record: for all, and for those that hold a CTPAT tier.

    A departure says the same of every importer with a record, whether the trust in it is a programme's or an
    analyst's. Those named `tiered_importer_...` are null without an effective tier, so that a rule or a tree can ask
    of members alone what in others is daily business.

    Attributes:
        tables: reference tables in use.
    """

    tables: reference.Tables = reference.PACKAGED

    name = "trust erosion"
    features = (*_DEPARTURES, *_OF_MEMBERS, *(_gated(name) for name in GATED))

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        importer, status = history.tracks["importer"], history.statuses["importer"]
        arrival = as_days(shipments["arrival_date"])
        tiered = effective_tier(status, arrival, self.tables) >= 1
        age = (arrival - as_days(status["valid_from"])) / np.timedelta64(1, "D")
        columns = _departures(history.tracks)
        caught = importer.days_since_last_hit() <= age
        before = np.maximum(importer.days_since_first() - age, 0)
        columns["importer_days_traded_before_tier"] = np.where(tiered, before, np.nan)
        columns["importer_hit_since_tier"] = np.where(tiered, caught, np.nan)
        for name in GATED:
            columns[f"tiered_importer_{name}"] = np.where(tiered, columns[f"importer_{name}"], np.nan)
        return pd.DataFrame({f.name: columns[f.name] for f in self.features}, shipments.index, copy=False)


def _departures(tracks: Mapping[str, Track]) -> dict[str, Floats]:
    importer = tracks["importer"]
    shipments, days = importer.count("shipments"), importer.days_since_first()
    actions = importer.count("cf28") + importer.count("cf29")
    actions_of_late = pace(importer, "cf28", 365) + pace(importer, "cf29", 365)
    value = ratio(importer.count("value_cents"), shipments)
    value_of_late = ratio(importer.recent("value_cents", 30), importer.recent("shipments", 30))
    return {
        "importer_hit_rate_departure_hl90d": _hit_rate_departure(importer, tracks["country"]),
        "importer_amendment_departure_hl30d": _amendment_departure(importer),
        "importer_volume_departure_hl30d": ratio(pace(importer, "shipments", 30), pace(importer, "shipments", 365)),
        "importer_value_per_shipment_departure_hl30d": ratio(value_of_late, value),
        "importer_new_pairing_departure": _new_pairing_departure(tracks, shipments),
        "importer_cf_departure_hl365d": ratio(actions_of_late, actions / days),
    }


def _amendment_departure(importer: Track) -> Floats:
    share = ratio(importer.count("amendments"), importer.count("shipments"))
    amended, shipped = importer.recent("amendments", 30), importer.recent("shipments", 30)
    return (amended - share * shipped) / (shipped + PRIOR_SHIPMENTS)


def _hit_rate_departure(importer: Track, country: Track) -> Floats:
    usual = ratio(country.count("hits"), country.count("exams"))
    own = smoothed_hit_rate(importer.count("hits"), importer.count("exams"), usual)
    hits, exams = importer.recent("hits", 90), importer.recent("exams", 90)
    return (hits - own * exams) / (exams + PRIOR_EXAMS)


def _new_pairing_departure(tracks: Mapping[str, Track], shipments: Floats) -> Floats:
    importer = tracks["importer"]
    new, stated, habit = (np.zeros(len(shipments)) for _ in range(3))
    for pair in FACETS:
        stated += tracks[pair].stated
        new += tracks[pair].stated & np.isnan(tracks[pair].days_since_first())
        habit += np.minimum(ratio(importer.fan(pair), shipments), 1) / len(FACETS)
    return ratio(new, stated) - habit
