"""Route: how the goods came, whether that is how such goods come, and what the entry does with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature
from riskscore.features.track_record import ratio
from riskscore.reference import PACKAGED, Tables, adcvd_orders, entry_types, foreign_ports
from riskscore.reference.asof import as_text
from riskscore.tables import MODES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history import History

    Floats = NDArray[np.float64]

ENTRY_CATEGORIES = ("consumption", "informal", "warehouse", "withdrawal", "government", "in-bond", "de minimis test")
"""Categories of entry_types.csv, in the order of their codes here."""

DESTINATION = "US"
"""The country that imports: the tables of entry types and orders are those of the United States."""

_BONDED = ("warehouse", "withdrawal")
_OWN = "the shipment itself"
_PAST = "all filings that entered history before the morning of arrival"
_ENTRY = "shipments.entry_type; entry_types.csv (mostly conf S)"
_ORDERS = "adcvd_orders.csv (a choice of orders, mostly conf M)"


def _feature(
    name: str, meaning: str, unit: str, null_meaning: str, look_back: str, source: str, *, categorical: bool = False
) -> Feature:
    return Feature(name, "route", meaning, unit, null_meaning, look_back, source, categorical)


@dataclass(frozen=True)
class Route:
    """Mode, transshipment, how common the lane is, bonded movement and storage, and goods under AD/CVD orders.

    Reads shipments and the packaged tables of entry types, foreign ports and AD/CVD orders.

    Attributes:
        tables: reference tables in use.
    """

    tables: Tables = PACKAGED

    name = "route"
    features = (
        _feature("mode_code", "mode of transport", f"code: {', '.join(f'{i} {m}' for i, m in enumerate(MODES))}",
                 "never null", _OWN, "shipments.mode", categorical=True),
        _feature("origin_differs_from_export", "goods leave from another country than they come from", "0 or 1",
                 "origin or country of export not stated", _OWN, "shipments.origin_country, export_country"),
        _feature("third_country_export", "the country of export is neither the origin nor the United States: "
                 "transshipment, while goods exported from the United States itself are returned ones", "0 or 1",
                 "origin or country of export not stated", _OWN, "shipments.origin_country, export_country"),
        _feature("origin_x_export_share",
                 "share of the origin's earlier shipments that were exported from this country", "share",
                 "origin or country of export not stated, or no earlier shipment of the origin", _PAST,
                 "shipments.origin_country, export_country"),
        _feature("foreign_port_elsewhere", "the foreign port lies in another country than the goods are exported from",
                 "0 or 1", "country of export or port not stated, or the port's country not known", _OWN,
                 "shipments.foreign_port, export_country; schedule_k_countries.csv (mostly conf M)"),
        _feature("foreign_port_missing", "no foreign port stated", "0 or 1", "never null", _OWN,
                 "shipments.foreign_port"),
        _feature("route_shipments", "earlier shipments from this country of export to this port", "shipments",
                 "country of export not stated", _PAST, "shipments.export_country, port"),
        _feature("route_first_seen_days", "days since the first of them", "days", "none, or export not stated", _PAST,
                 "shipments.export_country, port"),
        _feature("hs4_x_route_shipments", "earlier shipments of this heading from this country of export to this port; "
                 "0 = an unusual lane for the goods", "shipments", "heading or country of export not stated", _PAST,
                 "shipments.hts, export_country, port"),
        _feature("hs4_x_route_share", "share of the lane's earlier shipments that were of this heading", "share",
                 "heading or country of export not stated, or no earlier shipment on the lane", _PAST,
                 "shipments.hts, export_country, port"),
        _feature("origin_shipments", "earlier shipments of this origin", "shipments", "origin not stated", _PAST,
                 "shipments.origin_country"),
        _feature("hs6_x_origin_shipments", "earlier shipments of these goods from this origin", "shipments",
                 "HS6 or origin not stated", _PAST, "shipments.hts, origin_country"),
        _feature("moves_in_bond", "moves in bond", "0 or 1", "not stated", _OWN, "shipments.in_bond"),
        _feature("entry_category", "category of the entry type",
                 f"code: {', '.join(f'{i} {c}' for i, c in enumerate(ENTRY_CATEGORIES))}",
                 "entry type not stated, or not known to the table", _OWN, _ENTRY, categorical=True),
        _feature("bonded_warehouse", "entered for a bonded warehouse, a zone or under bond, or withdrawn from one: the "
                 "goods may leave customs custody long after they came", "0 or 1",
                 "entry type not stated, or not known to the table", _OWN, _ENTRY),
        _feature("adcvd_declared", "the entry type declares goods subject to antidumping or countervailing duty",
                 "0 or 1", "entry type not stated, or not known to the table", _OWN, _ENTRY),
        _feature("adcvd_undeclared", "an order in force on the day names the goods and their origin, and the entry "
                 "type declares none", "0 or 1",
                 "goods, origin or entry type not stated, unknown or too coarse, where that decides it", _OWN,
                 f"{_ENTRY}; shipments.hts, origin_country; {_ORDERS}"),
        _feature("adcvd_order_elsewhere", "an order in force on the day names the goods from other origins, not from "
                 "the declared one: a reason to declare another origin (19 USC 1517, EAPA)", "0 or 1",
                 "goods or origin not stated, unknown or too coarse", _OWN,
                 f"shipments.hts, origin_country; {_ORDERS}"),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        tracks = history.tracks
        columns = {
            "mode_code": pd.Categorical(shipments["mode"], categories=list(MODES)).codes,
            **self._countries(shipments),
            **self._entry(shipments),
            "origin_x_export_share": ratio(
                tracks["origin_x_export"].count("shipments"), tracks["origin"].count("shipments")
            ),
            "foreign_port_missing": shipments["foreign_port"].isna(),
            "route_shipments": tracks["route"].count("shipments"),
            "route_first_seen_days": tracks["route"].days_since_first(),
            "hs4_x_route_shipments": tracks["hs4_x_route"].count("shipments"),
            "hs4_x_route_share": ratio(tracks["hs4_x_route"].count("shipments"), tracks["route"].count("shipments")),
            "origin_shipments": tracks["origin"].count("shipments"),
            "hs6_x_origin_shipments": tracks["hs6_x_origin"].count("shipments"),
            "moves_in_bond": shipments["in_bond"].astype("boolean").to_numpy(np.float64, na_value=np.nan),
        }
        return pd.DataFrame(columns, index=shipments.index)[[feature.name for feature in self.features]]

    def _countries(self, shipments: pd.DataFrame) -> dict[str, Floats]:
        origin, export = shipments["origin_country"], shipments["export_country"]
        differs = _differs(origin, export)
        port = pd.Series(foreign_ports.country(shipments["foreign_port"], tables=self.tables), export.index, "str")
        return {
            "origin_differs_from_export": differs,
            "third_country_export": np.where(export == DESTINATION, differs * 0, differs),
            "foreign_port_elsewhere": _differs(port, export),
        }

    def _entry(self, shipments: pd.DataFrame) -> dict[str, Floats]:
        code, hts, origin = (as_text(shipments[c]) for c in ("entry_type", "hts", "origin_country"))
        days, tables = shipments["arrival_date"], self.tables
        category = pd.Categorical(entry_types.category(code, tables=tables), categories=ENTRY_CATEGORIES)
        known = category.codes >= 0
        declared = entry_types.covers_adcvd(code, tables=tables)
        ordered = adcvd_orders.coverage(hts, origin, days, tables=tables)
        return {
            "entry_category": np.where(known, category.codes, np.nan),
            "bonded_warehouse": np.where(known, category.isin(_BONDED), np.nan),
            "adcvd_declared": declared,
            # A no of either decides, whatever the other is.
            "adcvd_undeclared": np.where((ordered.here == 0) | (declared == 1), 0.0, ordered.here * (1 - declared)),
            "adcvd_order_elsewhere": ordered.elsewhere,
        }


def _differs(one: pd.Series, other: pd.Series) -> Floats:
    """Whether two columns of countries differ; null where either is null."""
    return np.where(one.isna() | other.isna(), np.nan, one != other)
