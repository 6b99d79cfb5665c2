"""Why a feature is null, shortly: of the causes in its catalogue entry those that the shipment's other features leave.

The catalogue keeps every cause in full. An analyst wants the one that holds: "no manufacturer stated" says all that is
known of thirty features at once.
"""

from __future__ import annotations

import re
from functools import cache, partial
from math import isnan
from typing import TYPE_CHECKING

from riskscore.features.wording.kinds import OF, PARTIES, UNSTATED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from riskscore.features.protocol import Feature

    Holds = Callable[[float], bool | None]

_OCEAN, _BY_PARCEL = 0.0, frozenset({4.0, 5.0})
"""Codes of mode_code: ocean; mail and express."""
_VALIDATED = 2.0
"""CTPAT tier from which the statute caps no cut."""


def _is(wanted: float, value: float) -> bool:
    return value == wanted


def _unless_known(value: float) -> bool | None:
    """What is known of one shows that there are some; that nothing is says nothing."""
    return None if isnan(value) else False


_WITNESSES: dict[str, tuple[str, Holds]] = {
    **{cause: (f"{kind}_shipments", isnan) for kind, cause in reversed(UNSTATED.items())},
    "no container stated": ("containers", lambda number: isnan(number) or None),
    "wording never seen": ("wording_shipments", partial(_is, 0.0)),
    "no words": ("wording_shipments", isnan),
    "threshold not known": ("de_minimis_threshold_usd", isnan),
    "no exemption": ("de_minimis_threshold_usd", partial(_is, 0.0)),
    "tier 2 or 3: the statute sets no number": ("importer_ctpat_tier", lambda tier: tier >= _VALIDATED),
    "no exam known yet in the country": ("importer_hit_rate", _unless_known),
    "nothing examined in the country yet": ("importer_hit_rate", _unless_known),
    "no post-entry event known yet in the country: no feed": ("importer_cf28", _unless_known),
    "wood packaging not stated": ("wood_packaging_used", isnan),
    "no record of the importer": ("importer_on_record", partial(_is, 0.0)),
    "no record of the shipper": ("shipper_on_record", partial(_is, 0.0)),
    "no effective tier": ("importer_hit_since_tier", isnan),
    "importer's name or address not stated": ("importer_lookalikes", isnan),
    "importer's address not stated": ("importer_place_other_importers", isnan),
    "consignee's address not stated": ("consignee_place_same_day_shipments", isnan),
    "goods not classified": ("hs_chapter", isnan),
    "no preference claimed": ("preference_claimed", partial(_is, 0.0)),
    "HS6 or origin not stated": ("hs6_x_origin_shipments", isnan),
    "importer or HS4 not stated": ("importer_x_hs4_shipments", isnan),
    "no HS6, origin or unit stated": ("peers_hs6_x_origin_x_unit", isnan),
    "no value per kilogram of its own": ("value_per_kg", isnan),
    "no value per unit of its own": ("value_per_unit", isnan),
    "no weight per unit of its own": ("weight_per_unit", isnan),
    "origin or country of export not stated": ("origin_differs_from_export", isnan),
    "value not declared": ("declared_value_usd", isnan),
    "ocean": ("mode_code", partial(_is, _OCEAN)),
    "not ocean": ("mode_code", lambda mode: mode != _OCEAN),
    "not by mail or express": ("mode_code", lambda mode: mode not in _BY_PARCEL),
}
"""Cause to the feature, and what it is when the cause holds. A cause that is not here may hold or not."""

_SHORT = {
    "no record of the importer": "no programme record of the importer",
    "no record of the shipper": "no programme record of the shipper",
    "no effective tier": "the importer has no CTPAT tier in force",
    "no peers yet": "no peers to compare with yet",
    "no value per kilogram of its own": "value or weight not declared or 0",
    "no value per unit of its own": "value or quantity not declared or 0",
    "no weight per unit of its own": "weight or quantity not declared or 0",
    "no exam known yet in the country": "nothing examined in the country yet",
    "no post-entry event known yet in the country: no feed": "no post-entry feed yet",
    "neither CF-28 nor CF-29": "no CF-28 or CF-29 about them",
    "a tariff number of no goods": "unknown tariff number",
    "ocean": "comes by sea",
    "not ocean": "does not come by sea",
    "not by mail or express": "does not come by mail or express",
    "no flag": "no partner agency flag",
    "no flag stated": "no partner agency flag",
    "threshold not known": "de minimis limit not known",
    "no exemption": "no de minimis exemption for goods of this origin",
    "tier 2 or 3: the statute sets no number": "the statute caps no cut for tier 2 or 3",
    "both quartiles in one bin": "peers all alike",
    "no animal, plant or wood": "the goods are no animal, plant or wood",
    "the shipment's number has not the form of an entry number": "the shipment's number is no entry number",
    "no description": "no description of the goods",
    "not containerised or not stated": "no container stated",
}
"""Causes in fewer words, or in words that stand alone."""

_ALONE = frozenset(
    {
        *_WITNESSES,
        "not containerised or not stated",
        "no peers yet",
        "no heading stated",
        "neither CF-28 nor CF-29",
        "no flag",
        "no flag stated",
        "no description",
        "no animal, plant or wood",
        "the shipment's number has not the form of an entry number",
        "filing time not stated",
        "value or weight not declared or 0",
        "value or quantity not declared or 0",
        "weight or quantity not declared or 0",
        "quantity not declared",
        "entry type not stated",
        "vessel not stated",
        "conveyance not stated",
        "no address of the manufacturer",
        "no CF-28 or CF-29 stands against it",
    }
)
"""Causes that say all there is to say: what is not known for want of them needs no naming."""

_PARTY = {
    "never seen before": "no shipment was ever seen",
    "no earlier shipment": "no earlier shipment",
    "no earlier shipment of it stands": "no earlier shipment",
    "no hit": "no hit is known in shipments",
    "neither CF-28 nor CF-29": "no CF-28 or CF-29 about shipments",
}
"""Causes about a party, and how they begin when it is named."""

_OF_A_PARTY = tuple(f"{words} {OF[party]}" for words in _PARTY.values() for party in PARTIES)
_BREAK = re.compile(
    r"; (?:or )?|,? or (?=no |never )|, or |, (?=no |never |its country|indicator|origin or export|goods not|in no |"
    r"in several |claimed by|before |threshold|consignee's )"
)
_ASIDE = re.compile(r" \([^)]*\)|; for .*|, net of deletions|, where .*|, now or before")
_WHOLLY = re.compile(r"(?:.*: not or )?not wholly stated")


@cache
def causes(feature: Feature) -> tuple[str, ...]:
    """What may make a feature null, each by itself.

    >>> from riskscore.features import catalogue
    >>> known = {feature.name: feature for feature in catalogue()}
    >>> causes(known["importer_value_ratio_hl30d"])
    ('no importer stated', 'no shipment was ever seen of the importer', 'it declared no value')
    """
    found = _BREAK.split(_ASIDE.sub("", feature.null_meaning))
    return tuple(dict.fromkeys(_named(feature.name, cause.strip(" ,")) for cause in found))


def reason(feature: Feature, facts: Mapping[str, float]) -> tuple[str, bool]:
    """Why a feature is null, by what is known of the shipment, and whether that says it all.

    Args:
        feature: a feature that is null.
        facts: the shipment's features by name; what is absent is not known.

    Returns:
        The cause that holds; without a feature to tell, all that may. Whether it stands alone: no word is needed on
        what is not known for want of it.
    """
    given = causes(feature)
    holding = {cause: told(cause, facts) for cause in given}
    certain = [cause for cause in given if holding[cause]]
    left = certain[:1] or [cause for cause in given if holding[cause] is None] or list(given)
    *more, last = dict.fromkeys(_SHORT.get(cause, cause) for cause in left)
    alone = len(left) == 1 and (left[0] in _ALONE or left[0].startswith(_OF_A_PARTY))
    return " or ".join([", ".join(more), last] if more else [last]), alone


def told(cause: str, facts: Mapping[str, float]) -> bool | None:
    """Whether a cause holds, by a feature that tells; None = there is no telling.

    >>> told("not ocean", {"mode_code": 1.0}), told("not ocean", {"mode_code": 0.0}), told("not ocean", {})
    (True, False, None)
    """
    name, holds = _WITNESSES.get(cause, ("", isnan))
    return holds(facts[name]) if name in facts else None


def _named(name: str, cause: str) -> str:
    """A cause with the party or entity named that it is about."""
    party = name.removeprefix("tiered_").partition("_")[0]
    if party in PARTIES and "_x_" not in name and cause in _PARTY:
        return f"{_PARTY[cause]} {OF[party]}"
    if not _WHOLLY.fullmatch(cause):
        return cause
    kinds = [kind for kind in UNSTATED if name.startswith(f"{kind}_")]
    return UNSTATED[max(kinds, key=len)] if kinds else cause
