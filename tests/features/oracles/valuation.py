"""Valuation, from its descriptions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.oracle import Row

Value = float | None

GROUPS = {
    "hs6": ("value_per_kg",),
    "hs6_x_origin": ("value_per_kg",),
    "hs6_x_origin_x_unit": ("value_per_unit", "weight_per_unit"),
}


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    value, weight, quantity, rate = (row[c] for c in ("value_usd", "weight_kg", "quantity", "duty_rate_pct"))
    own = {
        "value_per_kg": _ratio(value, weight),
        "value_per_unit": _ratio(value, quantity),
        "weight_per_unit": _ratio(weight, quantity),
    }
    return {
        "declared_value_usd": value,
        "declared_weight_kg": weight,
        **own,
        **{
            k: v
            for kind, names in GROUPS.items()
            for name in names
            for k, v in _position(past, kind, name, own).items()
        },
        **{f"peers_{kind}": past.peers(kind, names[0]).peers for kind, names in GROUPS.items()},
        "value_per_kg_ratio_importer_x_hs4": _against_own_past(own["value_per_kg"], past),
        "duty_usd": None if value is None or rate is None else value * rate / 100,
        "declared_duty_rate_pct": rate,
        "value_is_round": None if value is None else float(value % 100 == 0),
        "weight_is_round": _is_one_digit(weight),
    }


def _position(past: Past, kind: str, quantity: str, own: dict[str, Value]) -> dict[str, Value]:
    peers = past.peers(kind, quantity)
    octaves = _octaves(own[quantity], peers.median)
    return {
        f"{quantity}_position_{kind}": peers.below,
        f"{quantity}_ratio_{kind}": octaves,
        f"{quantity}_spreads_{kind}": octaves / peers.spread if octaves is not None and peers.spread else None,
    }


def _against_own_past(per_kg: Value, past: Past) -> Value:
    track = past.track("importer_x_hs4")
    if track is None:
        return None
    dollars, kilograms = track.counts["value_cents"] / 100, track.counts["weight_g"] / 1000
    return _octaves(per_kg, _ratio(dollars, kilograms))


def _is_one_digit(weight: Value) -> Value:
    if weight is None or weight < 10:
        return None
    whole = int(weight)
    return float(whole == weight and set(str(whole)[1:]) == {"0"})


def _octaves(upper: Value, lower: Value) -> Value:
    ratio = _ratio(upper, lower)
    return None if ratio is None else math.log2(ratio)


def _ratio(upper: Value, lower: Value) -> Value:
    # Less than a billionth of a unit is no unit.
    return upper / lower if upper and lower and upper > 0 and lower > 1e-9 else None
