"""Parties and network: who deals with whom, and with whose offenders.

Everything is read before the day is folded in: partners, their offences and their number are those of the morning.
A partner's offences are counted outside its business with the entity itself, which has a record of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature
from riskscore.features.track_record import PRIOR_EXAMS, ratio, smoothed_hit_rate

if TYPE_CHECKING:
    from riskscore.features.track_record import Floats
    from riskscore.history import History, Track

FANS = {
    "importer_headings": ("importer", "importer_x_hs4", "different headings of the tariff the importer has entered"),
    "importer_origins": ("importer", "importer_x_origin", "different countries of origin of the importer"),
    "importer_ports": ("importer", "importer_x_port", "different ports the importer has used"),
    "importer_filers": ("importer", "importer_x_filer", "different filers the importer has used"),
    "importer_shippers": ("importer", "importer_x_shipper", "different shippers to the importer (fan-in)"),
    "shipper_importers": ("shipper", "importer_x_shipper", "different importers the shipper has sent to (fan-out)"),
    "shipper_consignees": ("shipper", "shipper_x_consignee", "different consignees the shipper has sent to (fan-out)"),
    "consignee_shippers": ("consignee", "shipper_x_consignee", "different shippers to the consignee (fan-in)"),
    "filer_importers": ("filer", "importer_x_filer", "different importers the filer has entered for"),
}
"""Feature: the kind whose fan it is, the pairing that is counted, and what that says."""

EXPOSURES = {
    "importer_via_shipper": ("importer", "shippers", "shipments of theirs to other importers"),
    "importer_via_filer": ("importer", "filers", "entries of theirs for other importers"),
    "importer_via_place": ("importer", "addresses", "shipments of other importers there"),
    "consignee_via_shipper": ("consignee", "shippers", "shipments of theirs to other consignees"),
    "shipper_via_consignee": ("shipper", "consignees", "shipments to them by other shippers"),
}
"""Two hops: whose, over which partners dealt with before, and to which business."""

OTHERS = {
    "shipper_hits_with_other_importers":
        ("shipper", "importer_x_shipper", "hits", "of this shipper's shipments to other importers"),
    "importer_place_hits_of_others":
        ("importer_place", "importer_x_place", "hits", "of other importers at this importer's address"),
    "importer_identity_hits_under_other_numbers":
        ("importer_identity", "importer_x_identity", "hits", "of the same name and address under other numbers"),
    "importer_identity_shipments_under_other_numbers":
        ("importer_identity", "importer_x_identity", "shipments", "of the same name and address under other numbers"),
}  # fmt: skip
"""Feature: whose record, less which pairing's, of what, and in words. Null importer: nothing is taken off."""

_FILINGS = "all filings that entered history before the morning of arrival"
_RESULTS = "all results known before the morning of arrival"
_PLACE = "importer's address not stated"
_IDENTITY = "importer's name or address not stated"
_HITS = "outcomes, joined to shipments; net of corrections and deleted bills"
_ADDRESSES = "shipments.importer_address, normalised (riskscore.identity)"


def _feature(
    name: str, meaning: str, unit: str, null_meaning: str, look_back: str = _FILINGS, source: str = "shipments"
) -> Feature:
    return Feature(name, "parties and network", meaning, unit, null_meaning, look_back, source)


def _finding(name: str, meaning: str, unit: str, null_meaning: str) -> Feature:
    """What one more finding about somebody near can only raise: it may only raise the risk."""
    return replace(_feature(name, meaning, unit, null_meaning, _RESULTS, _HITS), monotone=1)


def _fan(name: str) -> Feature:
    kind, _, meaning = FANS[name]
    return _feature(name, meaning, name.split("_")[1], f"no {kind} stated")


def _exposed(name: str) -> tuple[Feature, ...]:
    kind, partners, business = EXPOSURES[name]
    of, null = f"that the {kind} had dealt with before", f"no {kind} stated"
    return (
        _finding(f"{name}_offenders", f"{partners} {of} with hits in {business}", partners, null),
        _finding(f"{name}_hits", f"hits of the {partners} {of} in {business}", "shipments", null),
        _finding(f"{name}_hit_rate", f"hit rate of the {partners} {of} in {business}; drawn to the country's rate "
                 f"with the weight of {PRIOR_EXAMS:g} exams", "share",
                 f"{null}, or nothing examined in the country yet"),
    )  # fmt: skip


def _of_others(name: str) -> Feature:
    kind, _, measure, words = OTHERS[name]
    null = {"shipper": "no shipper stated", "importer_place": _PLACE, "importer_identity": _IDENTITY}[kind]
    if measure == "hits":
        return _finding(name, f"hits {words}", "shipments", null)
    return _feature(name, f"{measure} {words}", "shipments", null, _FILINGS, _ADDRESSES)


_ADDRESS = (
    _feature("importer_addresses", "different addresses the importer has used", "addresses", "no importer stated",
             source=_ADDRESSES),
    _feature("importer_place_other_importers", "other importers that have used this importer's address", "importers",
             _PLACE, source=_ADDRESSES),
    _feature("importer_identity_first_seen_days", "days since the importer's name and address were first filed, under "
             "any number; a name older than its number is a business reborn", "days",
             f"{_IDENTITY}, or never seen before", source=f"{_ADDRESSES}, importer_name"),
)  # fmt: skip
_LOOKALIKES = (
    _feature("importer_lookalikes", "other importers whose name and address are nearly this one's", "importers",
             _IDENTITY, source="shipments.importer_name, importer_address; near-duplicates by riskscore.identity"),
    _finding("importer_lookalike_offenders", "those among them with hits", "importers", _IDENTITY),
    _finding("importer_lookalike_hits", "hits of those near-duplicates", "shipments", _IDENTITY),
)  # fmt: skip


class Network:
    """Fan-in and fan-out, two-hop exposure to offenders, shared addresses, identities and near-duplicates."""

    name = "parties and network"
    features = (
        *(_fan(name) for name in FANS),
        *_ADDRESS,
        *(feature for name in EXPOSURES for feature in _exposed(name)),
        *(_of_others(name) for name in OTHERS),
        *_LOOKALIKES,
    )

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        tracks, likes = history.tracks, history.exposure["importer_lookalikes"]
        columns = {name: tracks[kind].fan(pair) for name, (kind, pair, _) in FANS.items()}
        columns |= _addresses(history) | _exposures(history)
        for name, (kind, pair, measure, _) in OTHERS.items():
            columns[name] = _of_rest(tracks[kind], tracks[pair], measure)
        columns["importer_lookalikes"] = likes.partners
        columns["importer_lookalike_offenders"] = likes.offenders
        columns["importer_lookalike_hits"] = likes.hits
        return pd.DataFrame(columns, index=shipments.index)


def _addresses(history: History) -> dict[str, Floats]:
    own = np.isfinite(history.tracks["importer_x_place"].days_since_first())
    return {
        "importer_addresses": history.exposure["importer_via_place"].partners,
        "importer_place_other_importers": history.tracks["importer_place"].fan("importer_x_place") - own,
        "importer_identity_first_seen_days": history.tracks["importer_identity"].days_since_first(),
    }


def _exposures(history: History) -> dict[str, Floats]:
    country, found = history.tracks["country"], {}
    usual = ratio(country.count("hits"), country.count("exams"))
    for name in EXPOSURES:
        seen = history.exposure[name]
        found[f"{name}_offenders"] = seen.offenders
        found[f"{name}_hits"] = seen.hits
        found[f"{name}_hit_rate"] = smoothed_hit_rate(seen.hits, seen.exams, usual)
    return found


def _of_rest(whole: Track, own: Track, measure: str) -> Floats:
    """What the whole has beyond its own share; all of it where there is no pairing."""
    return whole.count(measure) - np.nan_to_num(own.count(measure))
