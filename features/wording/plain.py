"""Sentences for features without words of their own: made of the catalogue's meaning, unit and null meaning."""

from __future__ import annotations

import re
from functools import cache
from math import isnan
from typing import TYPE_CHECKING

from riskscore.features.wording.flags import FLAGS
from riskscore.features.wording.kinds import hazard_words
from riskscore.features.wording.nulls import reason
from riskscore.features.wording.numbers import ago, amount, count, days, multiple, share
from riskscore.reference import hazards

if TYPE_CHECKING:
    from collections.abc import Mapping

    from riskscore.features.protocol import Feature

MEANINGS = {
    "fields_missing": "fields missing of those that a filing should have",
    "contradictions": "contradictions among the papers",
    "importer_score_cut_cap": "largest cut of the risk score that the law allows the importer's tier",
    "importer_lookalike_offenders": "importers of nearly the same name and address with hits",
    "importer_lookalike_hits": "hits of importers of nearly the same name and address",
    "importer_novelty_surprise": "how unlike the importer the new pairings are",
    "importer_new_pairings": "heading, origin, port, filer, shipper, address or name new to the importer",
    "new_parties": "parties never seen before",
    "hs_chapter": "HS chapter",
    "pga_agencies_unflagged": "agencies that usually want data on such goods and are not flagged",
    "importer_status_age_days": "days since the importer's present status began",
    "importer_status_learned_late_days": "time until the importer's present status was known",
    "agri_goods_kind": "goods that can carry pests or disease",
    "agri_origin_season": "month of the season where goods that can carry pests come from",
    "value_share_of_de_minimis": "declared value over the de minimis limit",
    "names_missing": "names of parties not given",
    "addresses_missing": "addresses of parties not given",
    "names_placeholder": "parties' names that name nobody (TO ORDER, UNKNOWN)",
    "uflpa_china_ties": "ties to China (origin, country of export, manufacturer's MID)",
    "de_minimis_threshold_usd": "de minimis limit for goods of this origin",
    "importer_claimed_usd": "duty, tax and fees named in CF-28 and CF-29 about the importer",
    "importer_claimed_per_action_usd": "duty, tax and fees named per CF-28 or CF-29 about the importer",
    "importer_x_hs4_claimed_usd": "duty, tax and fees named in CF-28 and CF-29 about the importer's goods",
    "importer_x_hs4_claimed_per_action_usd": "duty, tax and fees named per CF-28 or CF-29 about the importer's goods",
    "importer_place_other_importers": "other importers at the importer's address",
}
"""Where the first clause of a feature's meaning does not say it."""

_UNSTATED = frozenset({"not stated", "not declared", "neither stated"})
_CLAUSES = (
    "the ",
    "a withhold",
    "a preference",
    "an antidumping",
    "something ",
    "goods of the",
    "goods under",
    "partner",
)
"""How flags begin that are a sentence of their own."""

_CODE = re.compile(r"(\d+) (?!to \d)([^,:]+)")
_NAME = re.compile(r"[a-z]+(?:_[a-z0-9]+)+")


@cache
def meaning(feature: Feature) -> str:
    """What the number says, up to the first aside.

    >>> from riskscore.features import catalogue
    >>> meaning(next(feature for feature in catalogue() if feature.name == "importer_ctpat_tier"))
    'effective CTPAT tier of the importer'
    """
    return MEANINGS.get(feature.name, _readable(re.split(r"[:;] | \(", feature.meaning)[0].rstrip(",")))


def null(feature: Feature, facts: Mapping[str, float], subject: str = "") -> str:
    """A sentence saying that a feature is null, and why: the cause alone where that says it all.

    Args:
        feature: the feature.
        facts: the shipment's features by name, which tell causes apart.
        subject: what is not known; empty = what the feature means.
    """
    why, alone = reason(feature, facts)
    why = _readable(why)
    if alone:
        return why
    yes = FLAGS.get(feature.name, ("",))[0]
    if yes.startswith(_CLAUSES):
        return f"not known whether {yes} ({why})"
    what = subject or yes or meaning(feature)
    return f"{what}: {why}" if why in _UNSTATED else f"{what}: not known ({why})"


def sentence(feature: Feature, facts: Mapping[str, float]) -> str:
    """A sentence about a feature's value among a shipment's features; NaN = null."""
    value = facts[feature.name]
    if isnan(value):
        return null(feature, facts)
    if feature.unit == "0 or 1":
        return _flag(feature, value)
    since = re.fullmatch("days since (.*)", meaning(feature))
    if since and feature.unit == "days":
        return f"{since[1]}{'' if since[1].endswith(' began') else ':'} {ago(value)}"
    return f"{meaning(feature)}: {_measured(feature, value)}"


def _flag(feature: Feature, value: float) -> str:
    if feature.name in FLAGS:
        return FLAGS[feature.name][0 if value else 1]
    return f"{meaning(feature)}: {'yes' if value else 'no'}"


def _measured(feature: Feature, value: float) -> str:
    unit = feature.unit
    if unit.startswith("code") or feature.categorical:
        return _decoded(unit, value)
    formats = {"share": share, "ratio": multiple, "days": days}
    if unit in formats:
        return formats[unit](value)
    if unit == "octaves":
        return f"2 to the power of {amount(value)}"
    if unit == "difference of shares":
        return f"{amount(100 * value)} points"
    measure, _, each = unit.partition(" per ")
    if each and f"per {each}" in meaning(feature):
        unit = measure
    named = unit.split(" ")[0].removesuffix("s") in meaning(feature) or meaning(feature).startswith("hits ")
    return amount(value) if named else _in_units(unit, value)


def _in_units(unit: str, value: float) -> str:
    spelled = unit in {"USD", "kg", "%", "bits"} or " " in unit or "/" in unit
    return f"{amount(value)} {unit}" if spelled else count(value, unit)


def _decoded(unit: str, value: float) -> str:
    """The words of a code where its unit lists them: "code: 0 ocean, 1 air"."""
    words: dict[int, str] = {int(code): text.strip() for code, text in _CODE.findall(unit)}
    return words.get(int(value), amount(value))


def _readable(text: str) -> str:
    """Names of hazards and columns as words."""
    return re.sub(_NAME, lambda found: _words(found[0]), text)


def _words(name: str) -> str:
    return hazard_words(name) if name in hazards() else name.replace("_", " ")
