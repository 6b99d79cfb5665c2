"""Agriculture and partner agencies: goods that can carry pests, their season, wood packaging, and agency flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature
from riskscore.reference import PACKAGED, Tables, agency_goods, agriculture, partner_agencies
from riskscore.reference.asof import as_text, by_code, numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history import History
    from riskscore.reference.asof import Objects

    Floats = NDArray[np.float64]

_OWN = "the shipment itself"
_KIND = "agri_goods.csv (conf M)"
_FLAGS = "shipments.pga_flags; pga_flags_partial.csv (mostly conf M)"
_NOT_AGRI = "goods not classified, or no animal, plant or wood"


def _feature(
    name: str, meaning: str, unit: str, null_meaning: str, source: str, *, categorical: bool = False
) -> Feature:
    return Feature(name, "agriculture and partner agencies", meaning, unit, null_meaning, _OWN, source, categorical)


@dataclass(frozen=True)
class Agriculture:
    """Kind of goods, season here and at the origin, wood packaging, and what the agency flags say or leave unsaid.

    Reads shipments and the packaged tables named in `features`. Whether history usually carries a flag for the goods
    is answered by a reference table, not by history.

    Attributes:
        tables: reference tables in use.
    """

    tables: Tables = PACKAGED

    name = "agriculture and partner agencies"
    features = (
        _feature("agri_goods_kind", "whether the goods are of a kind that can carry pests or disease",
                 f"code: {', '.join(f'{i} {kind}' for i, kind in enumerate(agriculture.KINDS))}",
                 "goods not classified, or a tariff number of no goods", f"shipments.hts; {_KIND}", categorical=True),
        _feature("agri_arrival_month", "month of arrival of goods that can carry pests: the season they come into",
                 "code: month 1 to 12", _NOT_AGRI, f"shipments.arrival_date, hts; {_KIND}", categorical=True),
        _feature("agri_origin_season", "month of the year where goods that can carry pests come from, moved by six "
                 "south of the equator: the season they leave", "code: month 1 to 12, 1 midwinter, 7 midsummer",
                 f"{_NOT_AGRI}; or origin not stated or not known to the table",
                 f"shipments.arrival_date, hts, origin_country; {_KIND}; hemispheres.csv (conf M)", categorical=True),
        _feature("wood_packaging_used", "packed in or on solid wood", "0 or 1", "not stated",
                 "shipments.wood_packaging; 7 CFR 319.40-3"),
        _feature("wood_packaging_must_be_treated", "solid wood packaging is used and had to be treated and marked on "
                 "the day: not that from Canada", "0 or 1",
                 "wood packaging not stated; or used, and the country of export not stated or unknown",
                 "shipments.wood_packaging, export_country; wood_packaging_rules.csv (7 CFR 319.40-3, conf S)"),
        _feature("pga_agencies", "partner agencies behind the flags that the table knows", "agencies", "no flag",
                 _FLAGS),
        _feature("pga_data_required", "a flag says that agency data are required", "0 or 1",
                 "no flag, or only flags of unknown meaning", _FLAGS),
        _feature("pga_agencies_unflagged",
                 "agencies that usually want data on such goods and for which no flag stands", "agencies",
                 "goods not classified, or a tariff number of no goods",
                 "shipments.hts, pga_flags; agency_goods.csv (conf M), pga_flags_partial.csv"),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        del history
        flags, hts = as_text(shipments["pga_flags"]), as_text(shipments["hts"])
        columns = {
            **self._goods(hts, shipments),
            **self._wood(shipments),
            "pga_agencies": numbers(by_code(self._agencies, flags)),
            "pga_data_required": partner_agencies.required(flags, tables=self.tables),
            "pga_agencies_unflagged": agency_goods.unflagged(hts, flags, tables=self.tables),
        }
        return pd.DataFrame(columns, index=shipments.index)[[feature.name for feature in self.features]]

    def _goods(self, hts: Objects, shipments: pd.DataFrame) -> dict[str, Floats]:
        kinds = agriculture.goods_kind(hts, tables=self.tables)
        codes = pd.Categorical(kinds, categories=agriculture.KINDS).codes.astype(np.float64)
        month = pd.to_datetime(shipments["arrival_date"]).dt.month.to_numpy(np.float64)
        where = agriculture.hemisphere(shipments["origin_country"], tables=self.tables)
        moved = np.where(where == "south", np.mod(month + 5, 12) + 1, month)
        return {
            "agri_goods_kind": np.where(codes >= 0, codes, np.nan),
            "agri_arrival_month": np.where(codes > 0, month, np.nan),
            "agri_origin_season": np.where((codes > 0) & ~pd.isna(where), moved, np.nan),
        }

    def _wood(self, shipments: pd.DataFrame) -> dict[str, Floats]:
        export, days = shipments["export_country"], shipments["arrival_date"]
        used = shipments["wood_packaging"].astype("boolean").to_numpy(np.float64, na_value=np.nan)
        regulated = agriculture.wood_packaging_regulated(export, days, tables=self.tables)
        return {
            "wood_packaging_used": used,
            "wood_packaging_must_be_treated": np.where(used == 0, 0.0, used * regulated),
        }

    def _agencies(self, cell: str) -> int:
        found: tuple[str, ...] = partner_agencies.agencies(cell, tables=self.tables).item()
        return len(found)
