"""Tariff number, words and Center: each alone, and whether they belong together."""

from __future__ import annotations

import random
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.errors import ConfigError
from riskscore.features.commodity import Commodity
from riskscore.reference import PACKAGED, centers, rows, tables
from tests import factories
from tests.features import records
from tests.features.oracles import commodity as oracle
from tests.features.records import record

if TYPE_CHECKING:
    import pandas as pd

HTS = (
    "8517130000",
    "851713",
    "8407342080",
    "4016990000",
    "7310100000",
    "2710121500",
    "9801001012",
    "0804",
    "00",
    "85",
    None,
)
WORDS = ("FAK", "gift", "Machinery", "metal working machinery", "mens cotton shirts knit", "brake parts", "",
         "STC 12 PALLETS", "part\u00a0goods", "freight of all kinds", "x1 goods", None, *factories.HOSTILE)  # fmt: skip
STANDINGS = [{"center": center} for center in ("ELEC", "Electronics", "AERO", "Base Metals", "nobody", None)]
DAYS = (date(2011, 9, 30), date(2012, 6, 1), date(2026, 3, 2))


def of(status=None, **stated) -> pd.Series:
    """The features of one shipment; `row` holds its columns, the rest are records."""
    row = stated.pop("row", {})
    return records.one({"importer": status} if status else None, row, **stated).built(Commodity()).iloc[0]


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 5))
def test_every_feature_equals_its_description(seed, size):
    rng = random.Random(seed)  # noqa: S311 - reproducible rows, not secrets
    named = [
        {"hts": rng.choice(HTS), "description": rng.choice(WORDS), "arrival_date": rng.choice(DAYS)}
        for _ in range(size)
    ]
    made = records.chance(seed, factories.shipments(*named), factories.traders(*STANDINGS))

    records.check(made, Commodity(), oracle)


@pytest.mark.parametrize("phrase", [row["phrase"] for row in rows("vague_descriptions")])
def test_every_phrase_of_the_table_is_vague_in_any_case(phrase):
    long = len(phrase.split()) > 3

    assert of(row={"description": phrase.upper()})["description_is_vague"] == (not long)


@pytest.mark.parametrize(
    ("text", "vague"),
    [
        ("general merchandise", 1),
        ("mixed general merchandise, 40 cartons", 0),
        ("steel", 1),
        ("galvanized steel sheet", 0),
        ("partsbin", 0),
        ("gift-wrapped", 1),
        ("", 0),
        (None, np.nan),
    ],
)
def test_a_phrase_spoils_a_short_description_only(text, vague):
    np.testing.assert_equal(of(row={"description": text})["description_is_vague"], vague)


def test_words_that_usually_mean_other_goods_have_a_low_share():
    seen = record(days=100, shipments=40)

    usual, odd = (of(wording=seen, wording_x_hs4=record(shipments=n))["wording_x_hs4_share"] for n in (38, 1))

    assert (usual, odd) == (0.95, 0.025)
    unseen = of(wording=record(), wording_x_hs4=record())
    assert unseen["wording_shipments"] == 0
    assert np.isnan(unseen["wording_x_hs4_share"])


def test_goods_that_the_importer_s_usual_center_does_not_know_have_a_low_share():
    importer = record(days=400, shipments=200)

    assert of(importer=importer, importer_x_center=record(shipments=3))["center_share_of_importer"] == 0.015
    assert of(importer=importer, importer_x_center=record(days=9, shipments=200))["center_share_of_importer"] == 1
    assert np.isnan(of(importer=importer)["center_share_of_importer"])
    assert np.isnan(of(importer=record(), importer_x_center=record())["center_share_of_importer"])


@pytest.mark.parametrize(
    ("center", "agrees"), [("ELEC", 1), ("Electronics", 1), ("AFT", 0), ("unheard of", np.nan), (None, np.nan)]
)
def test_the_importer_s_center_agrees_with_the_goods(center, agrees):
    row = of({"center": center}, row={"hts": "8517130000"})

    np.testing.assert_equal(row["importer_center_agrees"], agrees)
    assert list(centers.all_centers())[int(row["center_code"])] == "ELEC"


def test_phrases_of_ones_own_replace_the_packaged_ones(tmp_path):
    (tmp_path / "vague_descriptions.csv").write_text(
        "phrase,match,conf,source\nstuff,within,S,ours\n", encoding="utf-8"
    )
    mine = Commodity(tables(tmp_path))
    texts = ("FAK", "some stuff")
    made = records.Made(factories.shipments(*({"description": text} for text in texts)), [{}, {}], [{}, {}])

    assert mine.build(made.frame(), made.history())["description_is_vague"].tolist() == [0, 1]
    assert Commodity().tables is PACKAGED


def test_a_phrase_that_is_none_is_refused(tmp_path):
    (tmp_path / "vague_descriptions.csv").write_text("phrase,match,conf,source\nf.a.k,within,S,x\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"phrase 'f\.a\.k' is none: vague_descriptions\.csv"):
        tables(tmp_path)
