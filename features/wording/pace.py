"""Sentences about value, price and pace: against peers, against the importer's own past, against limits."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from riskscore.features.wording.kinds import OF
from riskscore.features.wording.numbers import ago, amount, count, days, multiple, share

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    Facts = Mapping[str, float]
    Wording = Callable[[float, Facts, re.Match[str]], str]

_UNITS = {"value_per_kg": "USD/kg", "value_per_unit": "USD per unit", "weight_per_unit": "kg per unit"}
_PEERS = {
    "hs6": "peers of the same goods",
    "hs6_x_origin": "peers of the same goods and origin",
    "hs6_x_origin_x_unit": "peers of the same goods, origin and unit",
}
_DEPARTURES = {
    "hit_rate": "the importer's hit rate of late is {} its own of all time",
    "amendment": "the share of the importer's shipments amended of late is {} its own of all time",
    "new_pairing": "the share of goods, origin, port, filer and shipper new to the importer is {} its habit",
}
_PACES = {
    "volume": "the importer ships of late at {} its pace of the year",
    "value_per_shipment": "the importer's value per shipment of late is {} its own average",
    "cf": "CF-28 and CF-29 to the importer come of late at {} their average",
}
_SINGLE = {
    "importer_volume_ratio_hl30d": "the importer ships of late at {} its average pace",
    "importer_volume_ratio_hl7d": "the importer ships in these days at {} its pace of the year",
    "importer_value_ratio_hl30d": "the value that the importer ships of late is {} its average",
    "importer_dormancy_ratio": "the time since the importer's last filing is {} its usual gap",
    "value_over_importer_mean": "the declared value is {} the mean of the importer's earlier shipments",
}
_OCTAVES = 64.0
"""No price is 2^64 times another; a damaged one must not overflow."""
_LIMITS = {"de_minimis": "the de minimis limit", "informal_limit": "the limit of an informal entry (2,500 USD)"}
_PARCEL = r"(?P<kind>consignee_place|consignee|shipper)"


def peer_range(ratio: float, spreads: float, own: float) -> tuple[float, float] | None:
    """The quartiles of the peers, about: their median, half their spread down and up; None where it is not known.

    Args:
        ratio: log2 of the own value over their median.
        spreads: the same in spreads (octaves between the quartiles).
        own: the own value.

    >>> peer_range(-2.0, -4.0, 4.0)
    (13.454342644059432, 19.027313840043536)
    """
    if not (isfinite(ratio) and isfinite(own)):
        return None
    median = own / 2 ** max(-_OCTAVES, min(ratio, _OCTAVES))
    half = min(abs(ratio / spreads) / 2, _OCTAVES) if isfinite(spreads) and spreads else 0.0
    return median * 2**-half, median * 2**half


def _among_peers(_value: float, facts: Facts, match: re.Match[str]) -> str:
    quantity, kind = match["quantity"], match["kind"]
    unknown = float("nan")
    ratio, spreads = (facts.get(f"{quantity}_{what}_{kind}", unknown) for what in ("ratio", "spreads"))
    own = facts.get(quantity, unknown)
    found = peer_range(ratio, spreads, own)
    if found is None:
        return ""
    low, high = map(amount, found)
    where = f"run about {low} to {high}" if low != high else f"have a median of {high}"
    return f"{amount(own)} {_UNITS[quantity]} where {_PEERS[kind]} {where}"


def _among_own(value: float, facts: Facts, _match: re.Match[str]) -> str:
    own = facts.get("value_per_kg", float("nan"))
    usual = 2 ** max(-_OCTAVES, min(value, _OCTAVES))
    if not isfinite(own):
        return f"the value per kilogram is {multiple(usual)} the importer's own average for these goods"
    return f"{amount(own)} USD/kg where the importer's own of this heading average {amount(own / usual)}"


def _departure(value: float, _facts: Facts, match: re.Match[str]) -> str:
    points = round(abs(100 * value), 1)
    place = f"{amount(points)} points {'above' if value > 0 else 'below'}" if points else "equal to"
    return _DEPARTURES[match["what"]].format(place) + _tier(match)


def _pace(value: float, _facts: Facts, match: re.Match[str]) -> str:
    return _PACES[match["what"]].format(multiple(value)) + _tier(match)


def _tier(match: re.Match[str]) -> str:
    return " (it holds a CTPAT tier)" if match["tiered"] else ""


def _single(value: float, _facts: Facts, match: re.Match[str]) -> str:
    return _SINGLE[match[0]].format(multiple(value))


def _peers(value: float, _facts: Facts, match: re.Match[str]) -> str:
    return f"{count(value, 'peers')}{_PEERS[match['kind']].removeprefix('peers')} to compare with"


def _same_day(value: float, _facts: Facts, match: re.Match[str]) -> str:
    of = OF[match["kind"]]
    return f"{count(value, 'shipments')} {of} arrive the same day" if value > 1 else f"the only shipment {of} that day"


def _split(value: float, _facts: Facts, match: re.Match[str]) -> str:
    together = f"the day's shipments {OF[match['kind']]}"
    if not value:
        return f"one of {together} alone exceeds {_LIMITS[match['limit']]}"
    each = ", each of them under it" if value > 1 else ""
    return f"{together} are together worth {share(value)} of {_LIMITS[match['limit']]}{each}"


def _parcels(value: float, _facts: Facts, match: re.Match[str]) -> str:
    return f"{amount(value)} parcels {OF[match['kind']]} of late, one a week ago counting half"


def _velocity(value: float, _facts: Facts, match: re.Match[str]) -> str:
    return f"parcels {OF[match['kind']]} come of late at {multiple(value)} their pace of the year"


def _of_limit(value: float, _facts: Facts, _match: re.Match[str]) -> str:
    return f"the declared value is {share(value)} of the de minimis limit"


def _isf(value: float, _facts: Facts, _match: re.Match[str]) -> str:
    side = "before" if value >= 0 else "after"
    return f"the Importer Security Filing came {count(round(abs(value)), 'hours')} {side} lading"


def _filed(value: float, _facts: Facts, _match: re.Match[str]) -> str:
    return f"filed {days(abs(value))} {'before' if value >= 0 else 'after'} arrival"


def _last_seen(value: float, _facts: Facts, _match: re.Match[str]) -> str:
    return f"the importer last filed {ago(value)}"


def _identity(value: float, _facts: Facts, _match: re.Match[str]) -> str:
    return f"the importer's name and address were first filed {ago(value)}, under any number"


SUBJECTS: dict[Wording, str] = {
    _departure: "how the importer departs from its habit",
    _pace: "how the importer departs from its habit",
    _among_own: "price against the importer's own of this heading",
    _peers: "number of peers to compare with",
    _of_limit: "declared value against the de minimis limit",
    _split: "value of the day's shipments together",
    _among_peers: "place among peers",
}
"""What is not known when it is null."""

PACES: tuple[tuple[str, Wording], ...] = (
    (rf"(?P<quantity>{'|'.join(_UNITS)})_(?:position|ratio|spreads)_(?P<kind>{'|'.join(_PEERS)})", _among_peers),
    ("value_per_kg_ratio_importer_x_hs4", _among_own),
    (rf"(?P<tiered>tiered_)?importer_(?P<what>{'|'.join(_DEPARTURES)})_departure(?:_hl\d+d)?", _departure),
    (rf"(?P<tiered>tiered_)?importer_(?P<what>{'|'.join(_PACES)})_departure_hl\d+d", _pace),
    ("|".join(_SINGLE), _single),
    (rf"peers_(?P<kind>{'|'.join(_PEERS)})", _peers),
    (rf"{_PARCEL}_same_day_shipments", _same_day),
    (rf"{_PARCEL}_split_over_(?P<limit>{'|'.join(_LIMITS)})", _split),
    (rf"{_PARCEL}_parcels_hl7d", _parcels),
    (rf"{_PARCEL}_parcel_velocity_hl7d", _velocity),
    ("value_share_of_de_minimis", _of_limit),
    ("isf_hours_before_lading", _isf),
    ("filed_days_before_arrival", _filed),
    ("importer_last_seen_days", _last_seen),
    ("importer_identity_first_seen_days", _identity),
)
"""Families of features by the whole of their name, and how to say one; "" = what to say is not known."""
