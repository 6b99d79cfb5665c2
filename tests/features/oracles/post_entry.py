"""Post-entry, from its descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.oracle import Row, Track

Value = float | None

EVENTS = ("cf28", "cf29", "protests", "corrections")
COUNTS = [*(("importer", event) for event in EVENTS), ("importer_x_hs4", "cf28"), ("importer_x_hs4", "cf29")]


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    del row
    country = past.track("country")
    found = {f"{kind}_{event}": _count(past.track(kind), event) for kind, event in COUNTS}
    for kind in ("importer", "filer"):
        for event in ("cf28", "cf29", "corrections"):
            found[f"{kind}_{event}_per_1000"] = _per_1000(past.track(kind), country, event)
        for event in ("cf28", "cf29"):
            found[f"{kind}_{event}_per_1000_hl365d"] = _per_1000_of_last_year(past.track(kind), country, event)
    for kind in ("importer", "importer_x_hs4"):
        found |= _claims(kind, past.track(kind))
    found["importer_cf29_share"] = _share_acted_on(past.track("importer"))
    silent = country is None or not any(country.counts[event] for event in EVENTS)
    return dict.fromkeys(found) if silent else found


def _per_1000(track: Track | None, country: Track | None, event: str) -> Value:
    if track is None or country is None or not country.counts["shipments"]:
        return None
    usual = country.counts[event] / country.counts["shipments"]
    return 1000 * (track.counts[event] + 100 * usual) / (track.counts["shipments"] + 100)


def _per_1000_of_last_year(track: Track | None, country: Track | None, event: str) -> Value:
    if track is None or country is None or not country.counts["shipments"]:
        return None
    usual = country.decayed[event, 365] / country.decayed["shipments", 365]
    return 1000 * (track.decayed[event, 365] + 100 * usual) / (track.decayed["shipments", 365] + 100)


def _claims(kind: str, track: Track | None) -> dict[str, Value]:
    usd = None if track is None else track.counts["claimed_cents"] / 100
    actions = 0 if track is None else track.counts["cf28"] + track.counts["cf29"]
    each = usd / actions if usd is not None and actions else None
    return {f"{kind}_claimed_usd": usd, f"{kind}_claimed_per_action_usd": each}


def _share_acted_on(track: Track | None) -> Value:
    actions = 0 if track is None else track.counts["cf28"] + track.counts["cf29"]
    return track.counts["cf29"] / actions if track is not None and actions else None


def _count(track: Track | None, event: str) -> Value:
    return None if track is None else track.counts[event]
