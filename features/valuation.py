"""Valuation: declared value against weight, units and what peers of the same goods declared before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history import History, PeerPosition, Track

    Floats = NDArray[np.float64]

POSITIONS = (
    ("hs6", "value_per_kg"),
    ("hs6_x_origin", "value_per_kg"),
    ("hs6_x_origin_x_unit", "value_per_unit"),
    ("hs6_x_origin_x_unit", "weight_per_unit"),
)
"""Peers a shipment is compared with, and by what. Many of the same HS6 stand behind few of the same origin."""

_WHO = {
    "hs6": ("HS6 peers", "HS6"),
    "hs6_x_origin": ("peers of the same HS6 and origin", "HS6 or origin"),
    "hs6_x_origin_x_unit": ("peers of the same HS6, origin and unit of quantity", "HS6, origin or unit"),
}
_WORDS = {
    "value_per_kg": ("value per kilogram", "value_usd, weight_kg"),
    "value_per_unit": ("value per unit", "value_usd, quantity"),
    "weight_per_unit": ("weight per unit", "weight_kg, quantity"),
}
_OWN = "the shipment itself"
_PAST = "that entered history before the morning of arrival"
_BINS = "median and quartiles at the middle of bins of a quarter octave"


def _feature(name: str, meaning: str, unit: str, null_meaning: str, look_back: str, source: str) -> Feature:
    return Feature(name, "valuation", meaning, unit, null_meaning, look_back, source)


def _own(name: str, meaning: str, unit: str, null_meaning: str, columns: str) -> Feature:
    return _feature(name, meaning, unit, null_meaning, _OWN, f"shipments.{columns}")


def _position(kind: str, quantity: str) -> tuple[Feature, ...]:
    (who, keys), (words, columns) = _WHO[kind], _WORDS[quantity]
    past, absent = f"all filings of {who} {_PAST}", f"no peers yet, no {keys} stated, or no {words} of its own"
    source = f"shipments.hts, {columns}; {_BINS}"
    return (
        _feature(f"{quantity}_position_{kind}",
                 f"share of {who} whose {words} is lower (half of those in the same bin)", "share",
                 absent, past, f"shipments.hts, {columns}; bins of a quarter octave"),
        _feature(f"{quantity}_ratio_{kind}", f"log2 of the {words} over the median of {who}; -1 = half of it",
                 "octaves", absent, past, source),
        _feature(f"{quantity}_spreads_{kind}",
                 f"that log2 ratio in spreads of {who}: log2 of their upper over their lower quartile", "spreads",
                 f"{absent}; or both quartiles in one bin", past, source),
    )  # fmt: skip


def _peers(kind: str, quantity: str) -> Feature:
    (who, keys), (words, columns) = _WHO[kind], _WORDS[quantity]
    return _feature(f"peers_{kind}", f"number of {who} with a {words}: how far its position can be trusted",
                    "shipments", f"no {keys} stated", f"all filings of {who} {_PAST}",
                    f"shipments.hts, {columns}")  # fmt: skip


class Valuation:
    """Value, unit values and weights, and where they stand among peers and the importer's own past.

    Reads shipments only. `hs6` and `hs6_x_origin` answer the same question at two depths: where peers of the origin
    are few, the number of peers says so and the wider group speaks.
    """

    name = "valuation"
    features = (
        _own("declared_value_usd", "declared value", "USD", "not declared", "value_usd"),
        _own("declared_weight_kg", "declared gross weight", "kg", "not declared", "weight_kg"),
        _own("value_per_kg", "declared value per kilogram", "USD/kg", "value or weight not declared or 0",
             "value_usd, weight_kg"),
        _own("value_per_unit", "declared value per unit", "USD per unit", "value or quantity not declared or 0",
             "value_usd, quantity"),
        _own("weight_per_unit", "weight per unit", "kg per unit", "weight or quantity not declared or 0",
             "weight_kg, quantity"),
        *(feature for kind, quantity in POSITIONS for feature in _position(kind, quantity)),
        *(_peers(kind, quantity) for kind, quantity in POSITIONS[:3]),
        _feature("value_per_kg_ratio_importer_x_hs4",
                 "log2 of value per kilogram over the importer's own for the heading (its declared values over its "
                 "declared weights, summed); -1 = half of it", "octaves",
                 "importer or heading not stated, no earlier value or weight, or none of its own",
                 f"all filings of the importer under the heading {_PAST}", "shipments.value_usd, weight_kg"),
        _own("duty_usd", "duty at the declared rate", "USD", "value or rate not declared", "value_usd, duty_rate_pct"),
        _own("declared_duty_rate_pct", "declared duty rate", "%", "not declared", "duty_rate_pct"),
        _own("value_is_round", "the declared value is a whole number of hundreds of dollars", "0 or 1", "not declared",
             "value_usd"),
        _own("weight_is_round", "the declared weight is one digit followed by zeros, in whole kilograms, as a guessed "
             "one is", "0 or 1", "not declared, or under 10 kg, where every whole number is round", "weight_kg"),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        value, weight, quantity, rate = (
            shipments[c].to_numpy(np.float64, na_value=np.nan)
            for c in ("value_usd", "weight_kg", "quantity", "duty_rate_pct")
        )
        own = {
            "value_per_kg": _ratio(value, weight),
            "value_per_unit": _ratio(value, quantity),
            "weight_per_unit": _ratio(weight, quantity),
        }
        usual = _usual(history.tracks["importer_x_hs4"])
        columns = {
            "declared_value_usd": value,
            "declared_weight_kg": weight,
            **own,
            **_positions(own, history),
            "value_per_kg_ratio_importer_x_hs4": _octaves(own["value_per_kg"], usual),
            "duty_usd": value * rate / 100,
            "declared_duty_rate_pct": rate,
            "value_is_round": np.where(np.isnan(value), np.nan, np.mod(value, 100) == 0),
            "weight_is_round": _one_digit(weight),
        }
        return pd.DataFrame(columns, index=shipments.index)[[feature.name for feature in self.features]]


def _positions(own: dict[str, Floats], history: History) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    for kind, quantity in POSITIONS:
        peers: PeerPosition = history.peers[kind][quantity]
        ratio = _octaves(own[quantity], peers.median)
        columns[f"{quantity}_position_{kind}"] = peers.below
        columns[f"{quantity}_ratio_{kind}"] = ratio
        spread = np.where(peers.spread > 0, peers.spread, np.nan)
        columns[f"{quantity}_spreads_{kind}"] = ratio / spread
    return columns | {f"peers_{kind}": history.peers[kind][quantity].peers for kind, quantity in POSITIONS[:3]}


def _usual(track: Track) -> Floats:
    """USD per kilogram over all earlier shipments: cents per gram, times 1000 grams over 100 cents."""
    return 10 * _ratio(track.count("value_cents"), track.count("weight_g"))


def _one_digit(weight: Floats) -> Floats:
    """Whether a weight of 10 kg and more is one digit followed by zeros; null for less, and for null."""
    asked = weight >= 10
    whole = np.where(asked, weight, 10.0)
    # Powers of ten by search: a logarithm may come out just below a whole number.
    powers = 10.0 ** np.arange(13)
    leading = powers[np.searchsorted(powers, whole, side="right") - 1]
    return np.where(asked, np.mod(whole, leading) == 0, np.nan)


def _octaves(upper: Floats, lower: Floats) -> Floats:
    return np.log2(_ratio(upper, lower))


def _ratio(upper: Floats, lower: Floats) -> Floats:
    """Upper / lower; null where either is null or 0: a declared zero is a gap, not a price."""
    # What is less than a billionth of a unit is zero too: a ratio to it could overflow.
    stated = (upper > 0) & (lower > 1e-9)
    ratio: Floats = np.divide(upper, lower, out=np.full(len(upper), np.nan), where=stated)
    return ratio
