"""Choosing the words for a feature."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from math import isnan
from typing import TYPE_CHECKING

from riskscore.features.wording import plain
from riskscore.features.wording.kinds import OF
from riskscore.features.wording.pace import PACES
from riskscore.features.wording.pace import SUBJECTS as PACE_SUBJECTS
from riskscore.features.wording.records import RECORDS, SAYS_NULL, SUBJECTS

if TYPE_CHECKING:
    from riskscore.features.protocol import Feature
    from riskscore.features.wording.records import Wording

Facts = Mapping[str, float]
"""All features of a shipment by name; NaN = null. What is absent is not known."""


def sentence(feature: Feature, facts: Facts) -> str:
    """What a feature says of a shipment, with the fact in it.

    Args:
        feature: one of the catalogue, or of a user's own builders.
        facts: the shipment's features; some sentences put several together.

    >>> from riskscore.features import catalogue
    >>> known = {feature.name: feature for feature in catalogue()}
    >>> sentence(known["importer_x_shipper_shipments"], {"importer_x_shipper_shipments": 0.0})
    'first shipment of the importer from this shipper'
    >>> sentence(known["isf_missing"], {"isf_missing": 1.0})
    'no Importer Security Filing'
    """
    value = facts[feature.name]
    found = _family(feature.name)
    if not found:
        return plain.sentence(feature, facts)
    wording, match = found
    text = "" if isnan(value) and wording not in SAYS_NULL else wording(value, facts, match)
    return text or plain.null(feature, facts, _subject(wording, match))


@cache
def topic(name: str) -> str:
    """What a feature is about: of several features of one topic, one sentence says enough.

    >>> topic("importer_hit_rate_hl90d"), topic("value_per_kg_ratio_hs6_x_origin")
    ('importer_hit_rate', 'value_per_kg')
    """
    plain_name = re.sub(r"_hl\d+d$", "", name).removeprefix("tiered_")
    if place := re.match(r"(value_per_kg|value_per_unit|weight_per_unit)_(?:position|ratio|spreads)_", plain_name):
        return place[1]
    return re.sub(r"_(?:exams|hits)$", "_exams", plain_name)


def _subject(wording: Wording, match: re.Match[str]) -> str:
    kind = match.groupdict().get("kind")
    of = f"shipments {OF[kind]}" if kind in OF else ""
    return {**SUBJECTS, **PACE_SUBJECTS}.get(wording, "").format(of)


@cache
def _family(name: str) -> tuple[Wording, re.Match[str]] | None:
    for pattern, wording in (*PACES, *RECORDS):
        if match := re.fullmatch(pattern, name):
            return wording, match
    return None
