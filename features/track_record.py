"""Track record: prior exams, hits and seizures of everyone and everything the shipment names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.features.protocol import Feature, Sign

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from numpy.typing import NDArray

    from riskscore.history import History

    Floats: TypeAlias = NDArray[np.float64]
    _Count: TypeAlias = Callable[[str, str], Floats]
    _Recent: TypeAlias = Callable[[str, str, int], Floats]

# A hit rate starts from the country's and needs this many exams to move half-way to the entity's own.
PRIOR_EXAMS = 10.0

COUNTED = ("importer", "consignee", "shipper", "manufacturer", "filer")
"""Kinds whose exams and hits are features of their own."""

SEVERITY = ("importer", "shipper", "manufacturer")
"""Kinds of which an analyst asks how bad it was, and how often again: the parties that a case is made against."""

HAZARDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "importer": ("the importer of record answers for every hazard of its entries, 19 USC 1484", reference.hazards()),
    "consignee": ("the buyer, often the only party named in mail and express",
                  ("narcotics", "ipr", "de_minimis_abuse")),
    "shipper": ("the shipper packs, describes and invoices the goods",
                ("narcotics", "ipr", "undervaluation", "origin_transship", "agriculture", "manifest_quality",
                 "de_minimis_abuse")),
    "manufacturer": ("the manufacturer decides what the goods are, of what and by whom they are made",
                     ("ipr", "origin_transship", "adcvd_evasion", "forced_labour", "pga_safety")),
    "filer": ("the filer vouches for the importer's power of attorney, 19 CFR 141.46", ("identity_ior",)),
}  # fmt: skip
"""Per kind the hazards whose hits are features, and why these: those that the party brings about or answers for."""

RATED: dict[str, tuple[int, ...]] = {
    # Traders change hands and habits within months: beside all time, the last year and the last quarter.
    "importer": (90, 365), "consignee": (90, 365), "shipper": (90, 365), "manufacturer": (90, 365),
    # Of goods, lanes, relations and conveyances a recent rate told no model anything that all time did not.
    **dict.fromkeys((
        "hs6", "origin", "route", "hs6_x_origin", "carrier", "filer", "vessel", "importer_x_hs4", "importer_x_origin",
        "importer_x_shipper", "shipper_x_consignee", "manufacturer_x_hs4", "importer_identity", "importer_place",
        "consignee_place", "container", "seal", "origin_x_export", "hs4_x_route",
    ), ()),
}  # fmt: skip
"""Kinds with a smoothed hit rate of all time, and the half-lives in days at which they have one more."""

LAST_HIT = ("importer", "consignee", "shipper", "manufacturer", "filer", "vessel", "container", "importer_x_hs4",
            "importer_identity", "importer_place")  # fmt: skip
"""Kinds of which an analyst asks when they were last caught."""

_LOOK_BACK = "all results known before the morning of arrival"
_SOURCE = "outcomes, joined to shipments; net of corrected results, amended and deleted bills"
_OF_HAZARD = f"{_SOURCE}; hazards.csv"
_WORDS = {
    "hs6": "goods (HS6)",
    "vessel": "vessel or conveyance",
    "importer_identity": "importer's name and address, under any number,",
    "importer_place": "importer's address",
    "consignee_place": "consignee's address",
    "origin_x_export": "origin with this country of export",
    "hs4_x_route": "goods (HS4) on this route",
}


def _words(kind: str) -> str:
    return _WORDS.get(kind, kind.replace("_x_", " with "))


def _feature(
    name: str,
    meaning: str,
    unit: str,
    null_meaning: str,
    source: str = _SOURCE,
    *,
    look_back: str = _LOOK_BACK,
    monotone: Sign = 0,
) -> Feature:
    return Feature(name, "track record", meaning, unit, null_meaning, look_back, source, monotone=monotone)


def _finding(name: str, meaning: str, unit: str, null_meaning: str, source: str = _SOURCE) -> Feature:
    """What one more finding can only raise: it may only raise the risk."""
    return _feature(name, meaning, unit, null_meaning, source, monotone=1)


def _decayed(name: str, meaning: str, unit: str, null_meaning: str, half_life: int, *, monotone: Sign = 0) -> Feature:
    look_back = f"{_LOOK_BACK}, half-life {half_life} days"
    return _feature(name, meaning, unit, null_meaning, look_back=look_back, monotone=monotone)


def _counted(kind: str) -> tuple[Feature, ...]:
    absent = f"no {kind} stated"
    return (
        _feature(f"{kind}_exams", f"concluded exams of the {kind}'s shipments", "shipments", absent),
        _finding(f"{kind}_hits", f"exams of the {kind}'s shipments that found something", "shipments", absent),
        _decayed(
            f"{kind}_hits_hl365d",
            f"hits of the {kind}, one a year ago counting half",
            "shipments",
            absent,
            365,
            monotone=1,
        ),
    )


def _severity(kind: str) -> tuple[Feature, ...]:
    absent, no_hit = f"no {kind} stated", f"no {kind} stated, or no hit"
    return (
        _feature(f"{kind}_exam_share", f"share of the {kind}'s shipments that were examined: how much its record, "
                 "clean or not, can say", "share", f"no {kind} stated, or no earlier shipment"),
        _finding(f"{kind}_minor_hits", f"hits of the {kind} that were all released with a discrepancy",
                 "shipments", absent),
        _finding(f"{kind}_seizures", f"seizures from the {kind}'s shipments", "shipments", absent),
        _feature(f"{kind}_seizures_per_hit", f"share of the {kind}'s hits that were seizures", "share", no_hit),
        _finding(f"{kind}_recovered_usd", f"revenue recovered or value seized from the {kind}'s shipments", "USD",
                 absent),
        _feature(f"{kind}_recovered_per_hit_usd", f"the same for each hit of the {kind}", "USD", no_hit),
        _finding(f"{kind}_repeat_hits", f"repeat offences of the {kind}: hits beyond the first of the same hazard",
                 "shipments", absent, _OF_HAZARD),
        _finding(f"{kind}_hazards_found", f"different hazards found in the {kind}'s shipments", "hazards", absent,
                 _OF_HAZARD),
    )  # fmt: skip


def _hazard(kind: str) -> tuple[Feature, ...]:
    why, hazards = HAZARDS[kind]
    return tuple(
        _finding(
            f"{kind}_hits_{hazard}",
            f"hits of the {kind} that named the hazard {hazard} ({why})",
            "shipments",
            f"no {kind} stated",
            _OF_HAZARD,
        )
        for hazard in hazards
    )


def _rates(kind: str) -> tuple[Feature, ...]:
    words, drawn = _words(kind), f"drawn to the country's rate with the weight of {PRIOR_EXAMS:g} exams"
    absent = f"{words}: not or not wholly stated, or no exam known yet in the country"
    name, meaning = f"{kind}_hit_rate", f"hits per exam of the {words}"
    recent = [
        _decayed(
            f"{name}_hl{days}d",
            f"{meaning}, one {days} days ago counting half, {drawn}",
            "share",
            absent,
            days,
            monotone=1,
        )
        for days in RATED[kind]
    ]
    return (_finding(name, f"{meaning}, {drawn}", "share", absent), *recent)


def _last_hit(kind: str) -> Feature:
    meaning = f"days since a hit of the {_words(kind)} last became known"
    absent = f"{_words(kind)}: not or not wholly stated, or no hit"
    return _feature(f"{kind}_last_hit_days", meaning, "days", absent, monotone=-1)


class TrackRecord:
    """Exams, hits per hazard, severity, repeat offences, recency, and Bayes-smoothed hit rates per entity."""

    name = "track record"
    features = (
        *(feature for kind in COUNTED for feature in _counted(kind)),
        _decayed("importer_exams_hl365d", "exams of the importer, one a year ago counting half", "shipments",
                 "no importer stated", 365),
        *(feature for kind in SEVERITY for feature in _severity(kind)),
        *(feature for kind in HAZARDS for feature in _hazard(kind)),
        *(feature for kind in RATED for feature in _rates(kind)),
        *(_last_hit(kind) for kind in LAST_HIT),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        tracks = history.tracks
        count: _Count = cache(lambda kind, measure: tracks[kind].count(measure))
        recent: _Recent = cache(lambda kind, measure, days: tracks[kind].recent(measure, days))
        columns = {"importer_exams_hl365d": recent("importer", "exams", 365)}
        for kind in COUNTED:
            columns |= {f"{kind}_exams": count(kind, "exams"), f"{kind}_hits": count(kind, "hits")}
            columns[f"{kind}_hits_hl365d"] = recent(kind, "hits", 365)
        for kind in SEVERITY:
            columns |= _severity_of(kind, count)
        for kind, (_, hazards) in HAZARDS.items():
            columns |= {f"{kind}_hits_{hazard}": count(kind, f"hits_{hazard}") for hazard in hazards}
        columns |= _rates_of(count, recent)
        columns |= {f"{kind}_last_hit_days": tracks[kind].days_since_last_hit() for kind in LAST_HIT}
        # Not copied into one block: at a hundred columns that costs more than making them.
        return pd.DataFrame({f.name: columns[f.name] for f in self.features}, shipments.index, copy=False)


def smoothed_hit_rate(hits: Floats, exams: Floats, prior: Floats) -> Floats:
    """Hits per exam of each entity, drawn to `prior` with the weight of PRIOR_EXAMS exams.

    Args:
        hits: hits of each entity, NaN without one; decayed or not.
        exams: exams, decayed alike.
        prior: hits per exam of the country, decayed alike.

    Returns:
        Shares; NaN without an entity, or before the first exam of the country.

    >>> smoothed_hit_rate(np.array([0.0, 10.0]), np.array([0.0, 10.0]), np.array([0.1, 0.1]))
    array([0.1 , 0.55])
    """
    # Sums of decayed counts are rounded each on its own: a record of nothing but hits could come out above 1.
    return np.minimum((hits + PRIOR_EXAMS * prior) / (exams + PRIOR_EXAMS), 1)


def ratio(upper: Floats, lower: Floats) -> Floats:
    """Upper / lower; NaN where either is null or nothing is left to divide by.

    >>> ratio(np.array([1.0, 1.0]), np.array([4.0, 0.0]))
    array([0.25,  nan])
    """
    result: Floats = np.divide(upper, lower, out=np.full(len(upper), np.nan), where=lower > 0)
    return result


def _rates_of(count: _Count, recent: _Recent) -> dict[str, Floats]:
    usual = ratio(count("country", "hits"), count("country", "exams"))
    usual_of = {days: ratio(recent("country", "hits", days), recent("country", "exams", days)) for days in (90, 365)}
    columns = {}
    for kind, half_lives in RATED.items():
        columns[f"{kind}_hit_rate"] = smoothed_hit_rate(count(kind, "hits"), count(kind, "exams"), usual)
        for days in half_lives:
            hits, exams = recent(kind, "hits", days), recent(kind, "exams", days)
            columns[f"{kind}_hit_rate_hl{days}d"] = smoothed_hit_rate(hits, exams, usual_of[days])
    return columns


def _severity_of(kind: str, count: _Count) -> dict[str, Floats]:
    hits, seizures, recovered = count(kind, "hits"), count(kind, "seizures"), count(kind, "recovered_cents") / 100
    repeats, found = np.zeros(len(hits)), np.zeros(len(hits))
    for hazard in reference.hazards():
        of_hazard = count(kind, f"hits_{hazard}")
        found += np.minimum(of_hazard, 1)
        repeats += np.maximum(of_hazard - 1, 0)
    return {
        f"{kind}_exam_share": ratio(count(kind, "exams"), count(kind, "shipments")),
        f"{kind}_minor_hits": count(kind, "minor_hits"),
        f"{kind}_seizures": seizures,
        f"{kind}_seizures_per_hit": ratio(seizures, hits),
        f"{kind}_recovered_usd": recovered,
        f"{kind}_recovered_per_hit_usd": ratio(recovered, hits),
        f"{kind}_repeat_hits": repeats,
        f"{kind}_hazards_found": found,
    }
