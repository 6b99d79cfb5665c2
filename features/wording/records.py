"""Sentences about records: exams, hits, shipments, first days, partners, queries after release."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from riskscore import reference
from riskscore.features.wording.kinds import OF, PARTIES, hazard_words
from riskscore.features.wording.numbers import ago, amount, count, share

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    Facts = Mapping[str, float]
    Wording = Callable[[float, Facts, re.Match[str]], str]

_KIND = rf"(?P<kind>{'|'.join(OF)})"
_PARTY = rf"(?P<kind>{'|'.join(PARTIES)})"
_PARTNERS = {"shipper": "shippers", "filer": "filers", "place": "addresses", "consignee": "consignees"}
_EVENTS = {
    "cf28": "requests for information (CF-28)",
    "cf29": "notices of action (CF-29)",
    "protests": "protests",
    "corrections": "post-summary corrections",
}
_FOUND = {
    "minor_hits": ("hits", " released with no more than a discrepancy"),
    "seizures": ("seizures", ""),
    "repeat_hits": ("repeat hits", " of the same hazard"),
    "hazards_found": ("hazards", " found"),
}
_RECENT_DAYS = 60
"""A filer or shipper of fewer days than this is one that the importer turned to of late."""


def _of(match: re.Match[str]) -> str:
    return f"shipments {OF[match['kind']]}"


def _number(number: float, things: str) -> str:
    return count(number, things) if number else f"no {things}"


def _exams(_value: float, facts: Facts, match: re.Match[str]) -> str:
    exams, hits = (facts.get(f"{match['kind']}_{name}", float("nan")) for name in ("exams", "hits"))
    if isnan(exams) or isnan(hits):
        return ""
    if not exams:
        return f"no exam of {_of(match)} is on record"
    return f"{amount(hits)} of {count(exams, 'exams')} of {_of(match)} found something"


def _faded(value: float, _facts: Facts, match: re.Match[str]) -> str:
    what = f"{match['what']} {'of' if match['what'] == 'exams' else 'in'} {_of(match)}"
    return f"no {what}" if not value else f"{what}, one a year ago counting half: {amount(value)}"


def _of_hazard(value: float, _facts: Facts, match: re.Match[str]) -> str:
    return f"{_number(value, 'hits')} for {hazard_words(match['hazard'])} in {_of(match)}"


def _found(value: float, _facts: Facts, match: re.Match[str]) -> str:
    noun, rest = _FOUND[match["what"]]
    return f"{_number(value, noun)}{rest} in {_of(match)}"


def _recovered(value: float, _facts: Facts, match: re.Match[str]) -> str:
    each = " per hit" if match["each"] else ""
    return f"{amount(value)} USD recovered or seized{each} from {_of(match)}"


def _hit_rate(value: float, _facts: Facts, match: re.Match[str]) -> str:
    when = {"90": " of late", "365": ", the last year counting most", None: ""}[match["life"]]
    return f"about {share(value)} of exams of {_of(match)} find something{when}"


def _last_hit(value: float, facts: Facts, match: re.Match[str]) -> str:
    if not isnan(value):
        return f"the last hit in {_of(match)} became known {ago(value)}"
    known = not isnan(facts.get(f"{match['kind']}_hit_rate", value))
    return f"no hit is known in {_of(match)}" if known else ""


def _shipments(value: float, _facts: Facts, match: re.Match[str]) -> str:
    of = OF[match["kind"]]
    return f"{count(value, 'earlier shipments')} {of}" if value else f"first shipment {of}"


def _first_seen(value: float, facts: Facts, match: re.Match[str]) -> str:
    kind = match["kind"]
    if isnan(value):
        never = facts.get(f"{kind}_shipments", value) == 0
        return f"first shipment {OF[kind]}" if never else ""
    partner = {"importer_x_filer": "filer", "importer_x_shipper": "shipper"}.get(kind)
    if partner and value < min(_RECENT_DAYS, facts.get("importer_first_seen_days", 0.0)):
        return f"the importer turned to this {partner} {ago(value)}"
    return f"the first shipment {OF[kind]} was {ago(value)}"


def _partners(value: float, _facts: Facts, match: re.Match[str]) -> str:
    who = f"the {_PARTNERS[match['partner']]} that {PARTIES[match['kind']]} dealt with before"
    if match["what"] == "hit_rate":
        return f"about {share(value)} of exams elsewhere find something at {who}"
    if match["what"] == "hits":
        return f"{_number(value, 'hits')} elsewhere at {who}"
    return f"{amount(value) if value else 'none'} of {who} had hits elsewhere"


def _events(value: float, _facts: Facts, match: re.Match[str]) -> str:
    return f"{_number(value, _EVENTS[match['event']])} about earlier {_of(match)}"


def _event_rate(value: float, _facts: Facts, match: re.Match[str]) -> str:
    when = ", the last year counting most" if match["life"] else ""
    return f"about {count(value, _EVENTS[match['event']])} per 1,000 {_of(match)}{when}"


def _seal(value: float, _facts: Facts, _match: re.Match[str]) -> str:
    return f"the first seal was on {count(value, 'earlier shipments')}" if value else "first use of the seal"


def _words(value: float, _facts: Facts, _match: re.Match[str]) -> str:
    earlier = f"{count(value, 'earlier shipments')} described in the same words"
    return earlier if value else "no earlier shipment was described in these words"


RECORDS: tuple[tuple[str, Wording], ...] = (
    (rf"{_PARTY}_(?:exams|hits)", _exams),
    (rf"{_PARTY}_(?P<what>exams|hits)_hl365d", _faded),
    (rf"{_PARTY}_hits_(?P<hazard>{'|'.join(reference.hazards())})", _of_hazard),
    (rf"{_PARTY}_(?P<what>{'|'.join(_FOUND)})", _found),
    (rf"{_PARTY}_recovered(?P<each>_per_hit)?_usd", _recovered),
    (rf"{_KIND}_hit_rate(?:_hl(?P<life>\d+)d)?", _hit_rate),
    (rf"{_KIND}_last_hit_days", _last_hit),
    ("seal_shipments", _seal),
    ("wording_shipments", _words),
    (rf"{_KIND}_shipments", _shipments),
    (rf"{_KIND}_first_seen_days", _first_seen),
    (rf"{_PARTY}_via_(?P<partner>{'|'.join(_PARTNERS)})_(?P<what>offenders|hits|hit_rate)", _partners),
    (rf"{_KIND}_(?P<event>{'|'.join(_EVENTS)})", _events),
    (rf"{_KIND}_(?P<event>{'|'.join(_EVENTS)})_per_1000(?P<life>_hl365d)?", _event_rate),
)
"""Families of features by the whole of their name, and how to say one; "" = what to say is not known."""

SAYS_NULL: frozenset[Wording] = frozenset({_last_hit, _first_seen})
"""Those that have words for null too."""

SUBJECTS: dict[Wording, str] = {
    _exams: "exams of {}",
    _of_hazard: "hits by hazard in {}",
    _recovered: "what was recovered from {}",
    _hit_rate: "how often exams of {} find something",
    _last_hit: "the last hit in {}",
    _shipments: "earlier {}",
    _first_seen: "the first of {}",
    _events: "queries after release about {}",
    _event_rate: "queries after release about {}",
}
"""What is not known when it is null; with "shipments of the importer" and the like put in."""
