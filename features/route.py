"""Route: how the goods came, and whether that is how such goods come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature
from riskscore.tables import MODES

if TYPE_CHECKING:
    from riskscore.history import History

_OWN = "the shipment itself"
_PAST = "all filings that entered history before the morning of arrival"


def _feature(
    name: str, meaning: str, unit: str, null_meaning: str, look_back: str, *, categorical: bool = False
) -> Feature:
    return Feature(name, "route", meaning, unit, null_meaning, look_back, "shipments", categorical)


class Route:
    """Mode, transshipment, in-bond movement, and how common the lane is."""

    name = "route"
    features = (
        _feature("mode_code", "mode of transport", f"code: {', '.join(f'{i} {m}' for i, m in enumerate(MODES))}",
                 "never null", _OWN, categorical=True),
        _feature("origin_differs_from_export", "goods leave from another country than they come from", "0 or 1",
                 "origin or country of export not stated", _OWN),
        _feature("moves_in_bond", "moves in bond", "0 or 1", "not stated", _OWN),
        _feature("foreign_port_missing", "no foreign port stated", "0 or 1", "never null", _OWN),
        _feature("route_shipments", "earlier shipments from this country of export to this port", "shipments",
                 "country of export not stated", _PAST),
        _feature("route_first_seen_days", "days since the first of them", "days", "none, or export not stated", _PAST),
        _feature("origin_shipments", "earlier shipments of this origin", "shipments", "origin not stated", _PAST),
        _feature("hs6_x_origin_shipments", "earlier shipments of these goods from this origin", "shipments",
                 "HS6 or origin not stated", _PAST),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        origin, export = shipments["origin_country"], shipments["export_country"]
        route = history.tracks["route"]
        columns = {
            "mode_code": pd.Categorical(shipments["mode"], categories=list(MODES)).codes,
            "origin_differs_from_export": (origin != export).where(origin.notna() & export.notna()).astype(np.float64),
            "moves_in_bond": shipments["in_bond"]
            .astype("boolean")
            .astype("Float64")
            .to_numpy(np.float64, na_value=np.nan),
            "foreign_port_missing": shipments["foreign_port"].isna(),
            "route_shipments": route.count("shipments"),
            "route_first_seen_days": route.days_since_first(),
            "origin_shipments": history.tracks["origin"].count("shipments"),
            "hs6_x_origin_shipments": history.tracks["hs6_x_origin"].count("shipments"),
        }
        return pd.DataFrame(columns, index=shipments.index)
