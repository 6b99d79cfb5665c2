"""How goods came, whether such goods come that way, and what the entry type says of them."""

from __future__ import annotations

import random
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.errors import ConfigError
from riskscore.features.route import DESTINATION, ENTRY_CATEGORIES, Route
from riskscore.reference import adcvd_orders, foreign_ports, rows, tables
from tests import factories
from tests.features import records
from tests.features.oracles import route as oracle
from tests.features.records import record

if TYPE_CHECKING:
    import pandas as pd

POOLS = {
    "origin_country": ("CN", "VN", "IN", "DE", "US", "ZZ", "cn", None),
    "export_country": ("CN", "VN", "HK", "US", "CA", None),
    "foreign_port": ("57035", "58201", "55224", "12493", "01822", "99999", "CNSHA", "5703", None),
    "hts": ("9404210013", "940421", "9404", "4011101010", "8541430010", "8517130000", "9801001012", "x", None),
    "entry_type": (*(row["code"] for row in rows("entry_types")), "99", "1", None),
    "in_bond": (True, False, None),
    "arrival_date": (date(1990, 1, 1), date(2019, 12, 15), date(2019, 12, 16), date(2025, 6, 24), date(2026, 3, 2)),
}


def of(**stated) -> pd.Series:
    """The features of one shipment; `row` holds its columns, the rest are records."""
    row = stated.pop("row", {})
    return records.one(row=row, **stated).built(Route()).iloc[0]


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 5))
def test_every_feature_equals_its_description(seed, size):
    rng = random.Random(seed)  # noqa: S311 - reproducible rows, not secrets
    named = [{column: rng.choice(pool) for column, pool in POOLS.items()} for _ in range(size)]
    made = records.chance(seed, factories.shipments(*named, seed=seed % 5))

    records.check(made, Route(), oracle)


def test_the_categories_are_those_of_the_table():
    assert tuple(dict.fromkeys(row["category"] for row in rows("entry_types"))) == ENTRY_CATEGORIES


def test_goods_by_way_of_a_third_country_are_transshipped_and_returned_ones_are_not():
    third, direct, returned = (
        of(row={"origin_country": "CN", "export_country": export}) for export in ("SG", "CN", DESTINATION)
    )

    assert [row["third_country_export"] for row in (third, direct, returned)] == [1, 0, 0]
    assert [row["origin_differs_from_export"] for row in (third, direct, returned)] == [1, 0, 1]


def test_a_way_that_goods_never_come_has_no_share():
    lane, origin = record(days=300, shipments=500), record(days=500, shipments=1000)

    odd = of(route=lane, hs4_x_route=record(), origin=origin, origin_x_export=record())
    usual = of(route=lane, hs4_x_route=record(shipments=50), origin=origin, origin_x_export=record(shipments=990))

    assert odd[["hs4_x_route_shipments", "hs4_x_route_share", "origin_x_export_share"]].tolist() == [0, 0, 0]
    assert usual[["hs4_x_route_shipments", "hs4_x_route_share", "origin_x_export_share"]].tolist() == [50, 0.1, 0.99]


@pytest.mark.parametrize(("port", "elsewhere"), [("57035", 0), ("58201", 1), ("99999", np.nan), (None, np.nan)])
def test_a_port_in_another_country_than_that_of_export_is_seen(port, elsewhere):
    row = of(row={"foreign_port": port, "export_country": "CN"})

    np.testing.assert_equal(row["foreign_port_elsewhere"], elsewhere)


MATTRESS = {"hts": "9404210013", "arrival_date": date(2024, 1, 1)}


@pytest.mark.parametrize(
    ("origin", "entry_type", "undeclared", "elsewhere"),
    [
        ("VN", "01", 1, 0),
        ("VN", "03", 0, 0),
        ("VN", None, np.nan, 0),
        ("DE", "01", 0, 1),
        ("DE", None, 0, 1),
        (None, "01", np.nan, np.nan),
        (None, "03", 0, np.nan),
    ],
)
def test_an_order_asks_for_its_entry_type(origin, entry_type, undeclared, elsewhere):
    row = of(row=MATTRESS | {"origin_country": origin, "entry_type": entry_type})

    np.testing.assert_array_equal(
        row[["adcvd_undeclared", "adcvd_order_elsewhere"]].astype(float), [undeclared, elsewhere]
    )


def test_a_number_too_coarse_for_an_order_leaves_it_open():
    assert np.isnan(adcvd_orders.covers("9404", "VN", date(2024, 1, 1)))
    assert adcvd_orders.covers("9404", "VN", date(1990, 1, 1)) == 0
    assert adcvd_orders.covers("9405", "VN", date(2024, 1, 1)) == 0
    assert adcvd_orders.candidates("9404", date(2024, 1, 1)) == ()


@pytest.mark.parametrize("row", rows("adcvd_orders"), ids=lambda row: f"{row['product']} {row['hts_from']}")
def test_every_order_covers_its_goods_from_its_day(row):
    day, goods = date.fromisoformat(row["effective_from"]), row["hts_from"].ljust(10, "0")

    found = [f.value for f in adcvd_orders.candidates(goods, day)]

    assert (row["product"], tuple(row["origins"].split(";"))) in [(order.product, order.origins) for order in found]
    assert all(adcvd_orders.covers(goods, origin, day) == 1 for origin in row["origins"].split(";"))


def test_codes_of_ports_are_known_by_their_longest_prefix():
    assert foreign_ports.country(["10199", "10999", "57035x", "570", "\u0665\u0667\u0660\u0663\u0665"]).tolist() == [
        "GL",
        "CA",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("adcvd_orders", "product,hts_from,hts_to,origins,effective_from,effective_to,conf,source\nx,9,9,Asia,,,M,x\n",
         "origins 'Asia' are none: adcvd_orders.csv, x"),
        ("schedule_k_countries", "prefix,country,conf,source\n57x,CN,M,x\n", "prefix '57x' is none"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_read_are_refused(tmp_path, table, text, message):
    (tmp_path / f"{table}.csv").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=message):
        tables(tmp_path)
