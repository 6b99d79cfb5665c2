"""Forced labour exposure: sectors and orders of the day, ties to the region, and third countries in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature, Sign
from riskscore.reference import PACKAGED, Tables, forced_labour, manufacturers, supply_chains
from riskscore.reference.asof import as_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history import History
    from riskscore.reference.asof import Objects

    Floats = NDArray[np.float64]

HOME = "CN"
"""The country of the region that the Uyghur Forced Labor Prevention Act (UFLPA) speaks of."""

STAGES = ("direct", "upstream", "downstream")
"""Stages of uflpa_headings.csv: the sector's own goods, its inputs, goods made of it."""

_OWN = "the shipment itself"
_SECTORS = "uflpa_sectors.csv (conf S), uflpa_headings.csv (conf M)"
_CODES = ", ".join(f"{n} {row['sector']}" for n, row in enumerate(PACKAGED.rows("uflpa_sectors"), start=1))
_REGIONS = "uflpa_regions.csv (postal codes conf S, the rest conf M)"
_UNKNOWN = "goods not classified, or a tariff number of no goods"


def _feature(
    name: str,
    meaning: str,
    unit: str,
    null_meaning: str,
    source: str,
    *,
    categorical: bool = False,
    monotone: Sign = 0,
) -> Feature:
    return Feature(name, "forced labour", meaning, unit, null_meaning, _OWN, source, categorical, monotone)


@dataclass(frozen=True)
class ForcedLabour:
    """What the UFLPA and withhold release orders say of the goods, and where the manufacturer gives itself away.

    Reads shipments and the packaged tables named in `features`. The declared origin alone is a poor proxy: in early
    2023 more was stopped of Malaysian and of Vietnamese origin than of Chinese.

    Attributes:
        tables: reference tables in use.
    """

    tables: Tables = PACKAGED

    name = "forced labour"
    features = (
        _feature("uflpa_sector", "priority sector in force on the day that the goods point to",
                 f"code: 0 none, else row of uflpa_sectors.csv, as packaged {_CODES}", _UNKNOWN,
                 f"shipments.hts, arrival_date; {_SECTORS}", categorical=True),
        _feature("uflpa_sector_stage", "how the goods belong to that sector",
                 f"code: 0 no sector, {', '.join(f'{n} {stage}' for n, stage in enumerate(STAGES, start=1))}", _UNKNOWN,
                 f"shipments.hts, arrival_date; {_SECTORS}", categorical=True),
        _feature("uflpa_china_ties", "how many of origin, country of export and the manufacturer's MID say China, "
                 "while the presumption of the UFLPA stood; 0 before", "ties",
                 "origin, country of export and manufacturer's country all unknown",
                 "shipments.origin_country, export_country, manufacturer_id, arrival_date; programmes_timeline.csv "
                 "(UFLPA presumption, conf S), mid_rules.csv"),
        _feature("mid_china_origin_elsewhere", "the manufacturer's MID begins with China and the declared origin is "
                 "another country", "0 or 1", "origin not stated, or no plausible MID",
                 "shipments.manufacturer_id, origin_country; mid_rules.csv (conf S)"),
        _feature("manufacturer_address_in_xinjiang", "the manufacturer's address names a place of Xinjiang, or has a "
                 "postal code of it where MID or else origin say China", "0 or 1", "no address of the manufacturer",
                 f"shipments.manufacturer_address, manufacturer_id, origin_country; {_REGIONS}", monotone=1),
        _feature("mid_city_in_xinjiang", "the manufacturer's MID ends in the letters of a city of Xinjiang: a tell, no "
                 "proof", "0 or 1", "no manufacturer stated", f"shipments.manufacturer_id; {_REGIONS}"),
        _feature("uflpa_third_country", "goods of a sector in force come from a third country that works up inputs of "
                 "that sector, as cotton apparel from Viet Nam", "0 or 1", f"{_UNKNOWN}, or origin unknown",
                 f"shipments.hts, origin_country, arrival_date; uflpa_third_countries.csv (partly conf M), {_SECTORS}"),
        _feature("withhold_release_order", "a withhold release order or finding of the table, in force that day, "
                 "covers origin, goods and manufacturer", "0 or 1",
                 "an unknown origin, tariff number or manufacturer decides it, or the table has no orders",
                 "shipments.origin_country, hts, manufacturer_id, arrival_date; withhold_release_orders.csv (conf M, "
                 "orders that name an origin and goods)", monotone=1),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        del history
        hts, origin, export, mid = (
            as_text(shipments[c]) for c in ("hts", "origin_country", "export_country", "manufacturer_id")
        )
        days, tables = shipments["arrival_date"], self.tables
        made_in = manufacturers.origin(mid, tables=tables)
        columns = {
            **self._sectors(hts, days),
            "uflpa_china_ties": self._ties([origin, export, made_in], days),
            "mid_china_origin_elsewhere": _elsewhere(made_in, origin),
            "manufacturer_address_in_xinjiang": supply_chains.address_in_region(
                shipments["manufacturer_address"], np.where(pd.isna(made_in), origin, made_in), tables=tables
            ),
            "mid_city_in_xinjiang": supply_chains.mid_city_in_region(mid, tables=tables),
            "uflpa_third_country": supply_chains.upstream_exposure(hts, origin, days, tables=tables),
            "withhold_release_order": forced_labour.withhold_release(origin, hts, mid, days, tables=tables),
        }
        return pd.DataFrame(columns, index=shipments.index)[[feature.name for feature in self.features]]

    def _sectors(self, hts: Objects, days: pd.Series) -> dict[str, Floats]:
        names = [row["sector"] for row in self.tables.rows("uflpa_sectors")]
        rows, distinct = pd.factorize(supply_chains.suggested(hts, days, tables=self.tables))
        firsts = [found[0] if found else None for found in distinct]
        sector = [0 if first is None else 1 + names.index(first.name) for first in firsts]
        stage = [0 if first is None else 1 + STAGES.index(first.stage) for first in firsts]
        # Position -1 is the last one: that of the null.
        return {
            "uflpa_sector": np.array([*sector, np.nan])[rows],
            "uflpa_sector_stage": np.array([*stage, np.nan])[rows],
        }

    def _ties(self, countries: list[Objects], days: pd.Series) -> Floats:
        known = sum(pd.notna(country).astype(int) for country in countries)
        ties = sum((country == HOME).astype(int) for country in countries)
        stood = forced_labour.presumption(days, tables=self.tables)
        return np.where(known, ties * stood, np.nan)


def _elsewhere(made_in: Objects, origin: Objects) -> Floats:
    stated = pd.notna(made_in) & pd.notna(origin)
    return np.where(stated, (made_in == HOME) & (origin != HOME), np.nan)
