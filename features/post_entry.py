"""Post-entry: what CBP asked, claimed and was told about earlier entries after their release."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature, Sign
from riskscore.features.track_record import ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from riskscore.features.track_record import Floats
    from riskscore.history import History, Track

# Actions come to a few in a thousand entries: it takes this many shipments to speak louder than the country's rate.
PRIOR_SHIPMENTS = 100.0

EVENTS = ("cf28", "cf29", "protests", "corrections")
"""Measures of the post-entry account: while the country has none of them, no feed of them is known."""

COUNTED: dict[str, tuple[str, ...]] = {"importer": EVENTS, "importer_x_hs4": ("cf28", "cf29")}
"""Kinds and what is counted of them: of the importer all, of its goods whether these very goods were questioned."""

RATED: dict[str, tuple[str, ...]] = {
    "importer": ("cf28", "cf29", "corrections"), "filer": ("cf28", "cf29", "corrections"),
}  # fmt: skip
"""Kinds and what is set against their shipments: filers differ in size by orders of magnitude, so theirs are rates."""

RECENT = ("cf28", "cf29")
"""Rates that stand beside one with a half-life of a year: CBP asks and claims up to a year or so after entry."""

CLAIMED = ("importer", "importer_x_hs4")

SIGNS: dict[str, Sign] = {"cf29": 1}
"""What may only raise the risk: a notice of action is a finding. CF-28 asks, and who corrects comes forward."""

_MEANINGS = {
    "cf28": "requests for information (CF-28)",
    "cf29": "notices of action (CF-29, 19 CFR 152.2)",
    "protests": "protests (19 USC 1514)",
    "corrections": "post-summary corrections",
}
_WORDS = {"importer_x_hs4": "importer with these goods (HS4)"}
_LOOK_BACK = "all post-entry events known before the morning of arrival"
_SOURCE = "post_entry.event, status, joined to shipments; net of withdrawn events and deleted bills"
_CLAIMS = "post_entry.amount_usd, event, joined to shipments; net of withdrawn events and deleted bills"
_DRAWN = f"drawn to the country's rate with the weight of {PRIOR_SHIPMENTS:g} shipments"


def _feature(
    name: str, meaning: str, unit: str, null_meaning: str, source: str = _SOURCE, *, monotone: Sign = 0
) -> Feature:
    return Feature(name, "post-entry", meaning, unit, null_meaning, _LOOK_BACK, source, monotone=monotone)


def _absent(kind: str) -> str:
    stated = "importer or HS4 not stated" if kind == "importer_x_hs4" else f"no {kind} stated"
    return f"{stated}, or no post-entry event known yet in the country: no feed"


def _counted(kind: str, measure: str) -> Feature:
    meaning = f"{_MEANINGS[measure]} about earlier shipments of the {_WORDS.get(kind, kind)}"
    return _feature(f"{kind}_{measure}", meaning, "events", _absent(kind), monotone=SIGNS.get(measure, 0))


def _rated(kind: str, measure: str) -> tuple[Feature, ...]:
    name, unit = f"{kind}_{measure}_per_1000", "events per 1 000 shipments"
    meaning = f"{_MEANINGS[measure]} per 1 000 shipments of the {kind}, {_DRAWN}"
    all_time = _feature(name, meaning, unit, _absent(kind), monotone=SIGNS.get(measure, 0))
    meaning, look_back = f"{meaning}; what is a year old counts half", f"{_LOOK_BACK}, half-life 365 days"
    last_year = replace(all_time, name=f"{name}_hl365d", meaning=meaning, look_back=look_back)
    return (all_time, last_year) if measure in RECENT else (all_time,)


def _claimed(kind: str) -> tuple[Feature, ...]:
    words = _WORDS.get(kind, kind)
    meaning = f"duty, tax and fees that CF-28 and CF-29 about the {words} speak of"
    none_yet = f"{_absent(kind)}, or neither CF-28 nor CF-29"
    return (
        _feature(f"{kind}_claimed_usd", meaning, "USD", _absent(kind), _CLAIMS),
        _feature(f"{kind}_claimed_per_action_usd", f"{meaning}, for each of them", "USD", none_yet, _CLAIMS),
    )


class PostEntry:
    """CF-28 and CF-29, protests, post-summary corrections and the amounts claimed, where a feed has them."""

    name = "post-entry"
    features = (
        *(_counted(kind, measure) for kind, measures in COUNTED.items() for measure in measures),
        *(feature for kind, measures in RATED.items() for measure in measures for feature in _rated(kind, measure)),
        *(feature for kind in CLAIMED for feature in _claimed(kind)),
        _feature("importer_cf29_share", "share of the CF-28 and CF-29 about the importer that were notices of action: "
                 "of the doubts raised, those acted on", "share",
                 f"{_absent('importer')}, or neither CF-28 nor CF-29", monotone=SIGNS["cf29"]),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        tracks = history.tracks
        columns = {f"{kind}_{m}": tracks[kind].count(m) for kind, measures in COUNTED.items() for m in measures}
        for kind, measures in RATED.items():
            for measure in measures:
                columns |= _rates_of(kind, measure, tracks)
        for kind in CLAIMED:
            columns |= _claims_of(kind, tracks[kind])
        actions = tracks["importer"].count("cf28") + tracks["importer"].count("cf29")
        columns["importer_cf29_share"] = ratio(tracks["importer"].count("cf29"), actions)
        has_feed = np.sum([tracks["country"].count(event) for event in EVENTS], axis=0) > 0
        known = {name: np.where(has_feed, values, np.nan) for name, values in columns.items()}
        return pd.DataFrame({f.name: known[f.name] for f in self.features}, shipments.index, copy=False)


def _rates_of(kind: str, measure: str, tracks: Mapping[str, Track]) -> dict[str, Floats]:
    track, country, name = tracks[kind], tracks["country"], f"{kind}_{measure}_per_1000"
    prior = ratio(country.count(measure), country.count("shipments"))
    rates = {name: _drawn(track.count(measure), track.count("shipments"), prior)}
    if measure in RECENT:
        prior = ratio(country.recent(measure, 365), country.recent("shipments", 365))
        recent = _drawn(track.recent(measure, 365), track.recent("shipments", 365), prior)
        rates[f"{name}_hl365d"] = recent
    return rates


def _drawn(events: Floats, shipments: Floats, prior: Floats) -> Floats:
    return 1000 * (events + PRIOR_SHIPMENTS * prior) / (shipments + PRIOR_SHIPMENTS)


def _claims_of(kind: str, track: Track) -> dict[str, Floats]:
    claimed = track.count("claimed_cents") / 100
    actions = track.count("cf28") + track.count("cf29")
    return {f"{kind}_claimed_usd": claimed, f"{kind}_claimed_per_action_usd": ratio(claimed, actions)}
