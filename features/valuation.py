"""Valuation: declared value against weight, units and what peers of the same goods declared before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history import History

_OWN = "the shipment itself"
_PEERS = "all filings of the same HS6 or HS6 and origin that entered history before the morning of arrival"


def _feature(name: str, meaning: str, unit: str, null_meaning: str, look_back: str, source: str) -> Feature:
    return Feature(name, "valuation", meaning, unit, null_meaning, look_back, source)


class Valuation:
    """Value, unit values, and the robust position of value per kilogram among peers."""

    name = "valuation"
    features = (
        _feature("declared_value_usd", "declared value", "USD", "not declared", _OWN, "shipments.value_usd"),
        _feature("declared_weight_kg", "declared gross weight", "kg", "not declared", _OWN, "shipments.weight_kg"),
        _feature("value_per_kg", "declared value per kilogram", "USD/kg", "value or weight not declared or 0", _OWN,
                 "shipments.value_usd, weight_kg"),
        _feature("value_per_unit", "declared value per unit", "USD per unit", "value or quantity not declared or 0",
                 _OWN, "shipments.value_usd, quantity"),
        _feature("weight_per_unit", "weight per unit", "kg per unit", "weight or quantity not declared or 0", _OWN,
                 "shipments.weight_kg, quantity"),
        _feature("value_per_kg_position_hs6", "share of HS6 peers that declared less per kilogram", "share",
                 "no peers yet, no HS6, or no value per kilogram", _PEERS, "shipments; bins of a quarter octave"),
        _feature("value_per_kg_ratio_hs6", "log2 of value per kilogram over the peers' median; -1 = half of it",
                 "octaves", "no peers yet, no HS6, or no value per kilogram", _PEERS, "shipments"),
        _feature("peers_hs6", "HS6 peers with a value per kilogram", "shipments", "no HS6 stated", _PEERS, "shipments"),
        _feature("duty_usd", "duty at the declared rate", "USD", "value or rate not declared", _OWN,
                 "shipments.value_usd, duty_rate_pct"),
        _feature("declared_duty_rate_pct", "declared duty rate", "%", "not declared", _OWN, "shipments.duty_rate_pct"),
        _feature("value_is_round", "the declared value is a whole number of hundreds of dollars", "0 or 1",
                 "not declared", _OWN, "shipments.value_usd"),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        value, weight, quantity, rate = (
            shipments[c].to_numpy(np.float64, na_value=np.nan)
            for c in ("value_usd", "weight_kg", "quantity", "duty_rate_pct")
        )
        per_kg = _ratio(value, weight)
        peers = history.peers["hs6"]
        columns = {
            "declared_value_usd": value,
            "declared_weight_kg": weight,
            "value_per_kg": per_kg,
            "value_per_unit": _ratio(value, quantity),
            "weight_per_unit": _ratio(weight, quantity),
            "value_per_kg_position_hs6": peers.below,
            "value_per_kg_ratio_hs6": np.log2(_ratio(per_kg, peers.median)),
            "peers_hs6": peers.peers,
            "duty_usd": value * rate / 100,
            "declared_duty_rate_pct": rate,
            "value_is_round": np.where(np.isnan(value), np.nan, np.mod(value, 100) == 0),
        }
        return pd.DataFrame(columns, index=shipments.index)


def _ratio(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper / lower; null where either is null or 0: a declared zero is a gap, not a price."""
    # What is less than a billionth of a unit is zero too: a ratio to it could overflow.
    stated = (upper > 0) & (lower > 1e-9)
    ratio: NDArray[np.float64] = np.divide(upper, lower, out=np.full(len(upper), np.nan), where=stated)
    return ratio
