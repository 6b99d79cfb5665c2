"""Goods that can carry pests, seasons, wood packaging, and agencies that ought to be told."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.errors import ConfigError
from riskscore.features.agriculture import Agriculture
from riskscore.reference import agency_goods, agriculture, rows, tables
from tests import factories
from tests.features import records
from tests.features.oracles import agriculture as oracle

if TYPE_CHECKING:
    import pandas as pd

POOLS = {
    "hts": ("0804400010", "0306170041", "4407110002", "9403509042", "9403", "1801000000", "8517130000", "98", "77011",
            None),
    "origin_country": ("CL", "MX", "PE", "CN", "ZZ", "cl", None),
    "export_country": ("CL", "CA", "CN", "ZZ", None),
    "pga_flags": ("FD4;AQ1", "FD4", "FW2", "FD1;FW1", "AL2", "EP3; EP2", "??", "", ";;", None),
    "wood_packaging": (True, False, None),
    "arrival_date": (date(2005, 9, 15), date(2005, 9, 16), date(2025, 12, 31), date(2026, 1, 1), date(2026, 7, 1)),
}  # fmt: skip
AVOCADOS = {"hts": "0804400010", "origin_country": "MX", "arrival_date": date(2026, 1, 15)}


def of(**stated) -> pd.Series:
    """The features of one shipment of Mexican avocados in January, unless it says otherwise."""
    return records.one(row=AVOCADOS | stated).built(Agriculture()).astype(float).iloc[0]


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 5))
def test_every_feature_equals_its_description(seed, size):
    rng = Random(seed)  # noqa: S311 - reproducible rows, not secrets
    named = [{column: rng.choice(pool) for column, pool in POOLS.items()} for _ in range(size)]

    records.check(records.chance(seed, factories.shipments(*named)), Agriculture(), oracle)


@pytest.mark.parametrize("row", rows("agri_goods"), ids=lambda row: row["hts_from"])
def test_every_row_of_the_table_has_goods_of_its_kind(row):
    built = of(hts=row["hts_from"].ljust(10, "0"))

    assert agriculture.KINDS[int(built["agri_goods_kind"])] == row["kind"]
    assert built["agri_arrival_month"] == 1


def test_the_season_is_that_of_the_origin():
    seasons = [
        of(origin_country=c, arrival_date=date(2026, m, 1)) for c, m in (("MX", 1), ("CL", 1), ("CL", 7), ("CL", 12))
    ]

    assert [row["agri_origin_season"] for row in seasons] == [1, 7, 1, 6]
    assert [row["agri_arrival_month"] for row in seasons] == [1, 1, 7, 12]
    assert np.isnan(of(origin_country="ZZ")["agri_origin_season"])
    assert np.isnan(of(hts="8517130000")["agri_arrival_month"])


def test_every_country_has_one_hemisphere():
    every = [country for row in rows("hemispheres") for country in row["countries"].split(";")]

    assert len(every) == len(set(every)) == 244
    assert set(agriculture.hemisphere(every)) == set(agriculture.HEMISPHERES)


@pytest.mark.parametrize(
    ("used", "export", "must"),
    [
        (True, "CN", 1),
        (True, "CA", 0),
        (True, "MX", 1),
        (True, None, np.nan),
        (True, "ZZ", np.nan),
        (False, None, 0),
        (None, "CN", np.nan),
    ],
)
def test_wood_packaging_from_canada_alone_is_exempt(used, export, must):
    row = of(wood_packaging=used, export_country=export)

    np.testing.assert_equal(row["wood_packaging_must_be_treated"], must)


@pytest.mark.parametrize(("flags", "missing"), [("FD4;AQ1", 0), ("FD4", 1), ("AQ1", 1), ("NM1", 2), (None, 2)])
def test_agencies_that_ought_to_be_told_and_are_not_are_counted(flags, missing):
    assert of(pga_flags=flags)["pga_agencies_unflagged"] == missing


@pytest.mark.parametrize("row", rows("agency_goods"), ids=lambda row: f"{row['agency']} {row['hts_from']}")
def test_every_agency_of_goods_has_flags(row):
    known = [flag["agency"] for flag in rows("pga_flags_partial")]

    assert any(name.startswith(row["agency"]) for name in known)
    assert row["agency"] in agency_goods.expected(row["hts_from"].ljust(4, "1")).item()


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("agri_goods", "kind,hts_from,hts_to,conf,source\nfungus,06,06,M,x\n", "unknown kind 'fungus': agri_goods.csv"),
        ("hemispheres", "hemisphere,countries,conf,source\neast,CN,M,x\n", "unknown hemisphere 'east'"),
        ("hemispheres", "hemisphere,countries,conf,source\nnorth,China,M,x\n", "countries 'China' are none"),
        ("agency_goods", "agency,hts_from,hts_to,conf,source\n,06,06,M,x\n", "a row without an agency"),
        ("wood_packaging_rules", "rule,exempt,effective_from,effective_to,conf,source\nx,Canada,,,M,x\n",
         "countries 'Canada' are none: wood_packaging_rules.csv"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_read_are_refused(tmp_path, table, text, message):
    (tmp_path / f"{table}.csv").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=message):
        tables(tmp_path)
