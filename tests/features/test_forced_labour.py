"""Sectors of the day, ties to the region, third countries, and orders where a user has a list of them."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.errors import ConfigError
from riskscore.features.forced_labour import HOME, STAGES, ForcedLabour
from riskscore.reference import rows, supply_chains, tables
from tests import factories
from tests.features import records
from tests.features.oracles import forced_labour as oracle

if TYPE_CHECKING:
    import pandas as pd

POOLS = {
    "hts": ("6109100012", "5201001400", "8541430010", "2606000060", "8507600020", "8507", "9503000073", "98", None),
    "origin_country": ("CN", "VN", "MY", "KR", "DE", "ZZ", "vn", None),
    "export_country": ("CN", "VN", "SG", None),
    "manufacturer_id": ("CNXINTEX12URU", "CNNINHEN88NIN", "VNHANFAC9HAN", "XOMAPNOR1TOR", "CN", "MID", None),
    "manufacturer_address": ("Urumqi, Xinjiang", "12 Road 844801 Zepu", "Road 8448011", "1 Main St, Gaya 823001",
                             "Kashgari Ltd",
                             "no 8\u0664480\u0661", None, *factories.HOSTILE),
    "arrival_date": (date(2022, 6, 16), date(2022, 6, 20), date(2022, 6, 21), date(2024, 7, 9), date(2026, 3, 2)),
}  # fmt: skip
GOODS = {"hts": "6109100012", "arrival_date": date(2024, 1, 1)}


def of(**stated) -> pd.Series:
    """The features of one shipment of cotton apparel in 2024, unless it says otherwise."""
    return records.one(row=GOODS | stated).built(ForcedLabour()).astype(float).iloc[0]


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 5))
def test_every_feature_equals_its_description(seed, size):
    rng = Random(seed)  # noqa: S311 - reproducible rows, not secrets
    named = [{column: rng.choice(pool) for column, pool in POOLS.items()} for _ in range(size)]

    records.check(records.chance(seed, factories.shipments(*named)), ForcedLabour(), oracle)


def test_the_stages_and_the_region_are_those_of_the_tables():
    assert {row["stage"] for row in rows("uflpa_headings")} == set(STAGES)
    assert {row["country"] for row in rows("uflpa_regions")} == {HOME}


def test_a_china_tie_is_one_whatever_the_declared_origin():
    stated = {"origin_country": "VN", "export_country": "VN", "manufacturer_id": "VNHANFAC9HAN"}

    assert of(**stated)["uflpa_china_ties"] == 0
    assert of(**stated | {"export_country": "CN"})["uflpa_china_ties"] == 1
    assert of(**stated | {"export_country": "CN", "manufacturer_id": "CNNINHEN88NIN"})["uflpa_china_ties"] == 2
    assert np.isnan(of(**dict.fromkeys(stated))["uflpa_china_ties"])


def test_a_chinese_manufacturer_of_goods_of_another_origin_gives_itself_away():
    maker = {"manufacturer_id": "CNNINHEN88NIN"}

    assert of(**maker, origin_country="VN")["mid_china_origin_elsewhere"] == 1
    assert of(**maker, origin_country="CN")["mid_china_origin_elsewhere"] == 0
    assert np.isnan(of(**maker, origin_country=None)["mid_china_origin_elsewhere"])
    assert np.isnan(of(manufacturer_id="?", origin_country="VN")["mid_china_origin_elsewhere"])


@pytest.mark.parametrize(
    ("address", "maker", "origin", "named"),
    [
        ("8 Beijing Rd, Urumqi 830000", None, None, 1),
        ("8 Beijing Rd 830000", "CNABCDEF1URU", "VN", 1),
        ("8 Beijing Rd 830000", None, "CN", 1),
        ("8 Beijing Rd 830000", None, "IN", 0),
        ("8 Beijing Rd 830000", "INABCDEF1GAY", "CN", 0),
        ("8300001 Beijing Rd", None, "CN", 0),
        ("Nanjing 210000", None, "CN", 0),
        ("Kashgarian Road 1", None, "CN", 0),
        (None, "CNABCDEF1URU", "CN", np.nan),
    ],
)
def test_an_address_names_xinjiang_by_place_or_by_chinese_postal_code(address, maker, origin, named):
    row = of(manufacturer_address=address, manufacturer_id=maker, origin_country=origin)

    np.testing.assert_equal(row["manufacturer_address_in_xinjiang"], named)


def test_third_countries_are_asked_for_sectors_in_force_only():
    assert of(origin_country="VN")["uflpa_third_country"] == 1
    assert of(origin_country="DE")["uflpa_third_country"] == 0
    assert of(origin_country="VN", hts="9503000073")["uflpa_third_country"] == 0
    assert of(origin_country="VN", arrival_date=date(2022, 6, 16))["uflpa_third_country"] == 0


def test_a_list_of_orders_of_ones_own_is_asked(tmp_path):
    header = "order,origins,hts,manufacturer_id,goods,effective_from,effective_to,conf,source"
    text = f"{header}\nA,TM,5201,,cotton,2018-05-18,,S,x\n"
    (tmp_path / "withhold_release_orders.csv").write_text(text, encoding="utf-8")
    made = records.Made(
        factories.shipments(*(GOODS | {"hts": "5201001400", "origin_country": o} for o in ("TM", "US", None))),
        [{}] * 3,
        [{}] * 3,
    )

    built = ForcedLabour(tables(tmp_path)).build(made.frame(), made.history())["withhold_release_order"]

    np.testing.assert_array_equal(built, [1, 0, np.nan])


@pytest.mark.parametrize("row", rows("uflpa_third_countries"), ids=lambda row: f"{row['sector']} {row['origins']}")
def test_every_third_country_stands_beside_a_sector(row):
    assert set(row["origins"].split(";")) <= supply_chains.third_countries()[row["sector"]]
    assert HOME not in row["origins"].split(";")


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("uflpa_third_countries", "sector,origins,conf,source\nToys,VN,M,x\n", "sector 'Toys' or origins 'VN' unknown"),
        ("uflpa_third_countries", "sector,origins,conf,source\nSteel,Asia,M,x\n", "origins 'Asia' unknown"),
        ("uflpa_regions", "region,country,kind,text,conf,source\nX,CN,town,Hotan,M,x\n", "town 'Hotan' is none"),
        ("uflpa_regions", "region,country,kind,text,conf,source\nX,CN,place,(,M,x\n", r"place '\(' is none"),
    ],
)
def test_tables_that_cannot_be_read_are_refused(tmp_path, table, text, message):
    (tmp_path / f"{table}.csv").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=message):
        tables(tmp_path)


def test_no_region_means_no_place_of_it(tmp_path):
    (tmp_path / "uflpa_regions.csv").write_text("region,country,kind,text,conf,source\n", encoding="utf-8")
    none = tables(tmp_path)

    assert supply_chains.address_in_region("Urumqi 830000", "CN", tables=none) == 0
    assert supply_chains.mid_city_in_region("CNXINTEX12URU", tables=none) == 0
