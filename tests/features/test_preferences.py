"""A programme claimed against origin, way, date, rate and the importer's past."""

from __future__ import annotations

import random
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.features.preferences import Preferences
from riskscore.reference import preferences, rows, tables
from tests import factories
from tests.features import records
from tests.features.oracles import preferences as oracle
from tests.features.records import record

if TYPE_CHECKING:
    import pandas as pd

DAYS = (date(1975, 1, 1), date(2009, 1, 31), date(2010, 12, 31), date(2011, 1, 1), date(2012, 6, 1), date(2019, 6, 1),
        date(2020, 7, 1), date(2022, 1, 1), date(2025, 9, 30), date(2025, 10, 1), date(2026, 3, 2))  # fmt: skip
COUNTRIES = ("MX", "CA", "PE", "KE", "BD", "TH", "CN", "ZZ", "mx", None)
CODES = sorted({row["spi"] for row in rows("preference_programmes")})


def of(**stated) -> pd.Series:
    """The features of one shipment; `row` holds its columns, the rest are records."""
    row = {"arrival_date": date(2024, 1, 1)} | stated.pop("row", {})
    return records.one(row=row, **stated).built(Preferences()).iloc[0]


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 6))
def test_every_feature_equals_its_description(seed, size):
    rng = random.Random(seed)  # noqa: S311 - reproducible rows, not secrets
    named = [
        {"preference_program": rng.choice([*CODES, "??", None]), "origin_country": rng.choice(COUNTRIES),
         "export_country": rng.choice(COUNTRIES), "arrival_date": rng.choice(DAYS),
         "duty_rate_pct": rng.choice((0.0, 2.5, None))}
        for _ in range(size)
    ]  # fmt: skip
    made = records.chance(seed, factories.shipments(*named))
    for row, found in zip(made.rows, made.records, strict=True):
        if row["preference_program"] is None:
            found.pop("importer_x_preference", None)

    records.check(made, Preferences(), oracle)


def test_no_claim_says_nothing_about_a_claim():
    row = of(row={"preference_program": None})

    assert row["preference_claimed"] == 0
    assert row.drop("preference_claimed").isna().all()


@pytest.mark.parametrize(
    ("origin", "export", "wrong", "outsider"),
    [
        ("MX", "MX", 0, 0),
        ("MX", "CA", 0, 0),
        ("MX", "CN", 0, 1),
        ("CN", "CN", 1, 0),
        ("CN", "MX", 1, 0),
        (None, "CN", np.nan, np.nan),
        ("MX", None, 0, np.nan),
        ("ZZ", "CN", np.nan, 1),
    ],
)
def test_a_claim_is_held_against_origin_and_way(origin, export, wrong, outsider):
    row = of(row={"preference_program": "S", "origin_country": origin, "export_country": export})

    np.testing.assert_array_equal(
        row[["preference_wrong_origin", "preference_through_outsider"]].astype(float), [wrong, outsider]
    )


def test_an_indicator_that_nobody_knows_is_unknown_and_not_lapsed():
    row = of(row={"preference_program": "??", "origin_country": "MX", "export_country": "CA"})

    assert row["preference_unknown"] == 1
    assert row[["preference_lapsed", "preference_wrong_origin", "preference_through_outsider"]].isna().all()
    assert of(row={"preference_program": "S"})["preference_unknown"] == 0


def test_a_renewal_that_was_not_verified_leaves_a_lapse_open():
    found = preferences.in_force(["D", "A+", "A+"], [date(2026, 1, 1), date(2019, 1, 1), date(2022, 1, 1)])

    np.testing.assert_array_equal(found, [np.nan, 1, 0])


def test_a_first_claim_and_the_share_of_claims():
    claim = {"preference_program": "S", "importer_id": "I"}
    importer = record(days=100, shipments=80)

    first = of(row=claim, importer=importer, importer_x_preference=record())
    again = of(row=claim, importer=importer, importer_x_preference=record(days=50, shipments=20))
    withdrawn = of(row=claim, importer=importer, importer_x_preference=record(days=50))

    assert first[["preference_first_claim", "preference_share_of_importer"]].tolist() == [1, 0]
    assert again[["preference_first_claim", "preference_share_of_importer"]].tolist() == [0, 0.25]
    assert withdrawn[["preference_first_claim", "preference_share_of_importer"]].tolist() == [0, 0]
    assert np.isnan(of(row=claim, importer=record(), importer_x_preference=record())["preference_share_of_importer"])


@pytest.mark.parametrize(("rate", "positive"), [(0.0, 0), (2.5, 1), (None, np.nan)])
def test_a_claim_at_a_positive_rate_is_seen(rate, positive):
    row = of(row={"preference_program": "S", "duty_rate_pct": rate})

    np.testing.assert_equal(row["preference_at_positive_rate"], positive)


def test_programmes_of_ones_own_are_used(tmp_path):
    text = "spi,programme,countries,effective_from,effective_to,conf,source\nGB,UK,GB,2030-01-01,,S,x\n"
    (tmp_path / "preference_programmes.csv").write_text(text, encoding="utf-8")
    made = records.one(row={"preference_program": "GB", "origin_country": "GB", "arrival_date": date(2030, 1, 1)})

    [mine] = Preferences(tables(tmp_path)).build(made.frame(), made.history()).to_dict("records")

    assert (mine["preference_unknown"], mine["preference_lapsed"], mine["preference_wrong_origin"]) == (0, 0, 0)
    assert made.built(Preferences())["preference_unknown"].item() == 1
