"""E-commerce: limits of the day, claims to them, goods split under them, and the flow of parcels."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.features.ecommerce import BUYERS, SIDES, ECommerce
from riskscore.reference import entry_types, tables
from tests.factories import DAY
from tests.features.handmade import arrivals, past
from tests.features.oracles import ecommerce as oracle

OPEN = date(2025, 5, 1)
"""A day on which every origin had its 800 USD, and entry type 86 was in use."""
PARCEL = {"mode": "express", "origin_country": "CN", "arrival_date": OPEN}
STEADY = {
    "shipments": 500,
    ("shipments", 7): sum(2 ** (-day / 7) for day in range(1, 501)),
    ("shipments", 365): sum(2 ** (-day / 365) for day in range(1, 501)),
    "first": 500,
    "last": 1,
}
"""One parcel a day for 500 days."""


def built(*rows, builder=None, tracks=None, **batch):
    """The features of these shipments."""
    shipments = arrivals(*rows)
    return (builder or ECommerce()).build(shipments, past(shipments, tracks, batch=batch))


def of(builder=None, **stated):
    """The features of one express parcel from China on a day of exemption."""
    return built(PARCEL | stated, builder=builder).iloc[0]


@pytest.mark.parametrize(
    ("value", "share", "just_under"),
    [(0.0, 0, 0), (719.99, 719.99 / 800, 0), (720.0, 0.9, 1), (796.0, 0.995, 1), (800.0, 1, 1), (808.0, 1.01, 0)],
)
def test_a_value_is_set_against_the_threshold(value, share, just_under):
    row = of(value_usd=value)

    assert (row["value_share_of_de_minimis"], row["value_just_under_de_minimis"]) == (pytest.approx(share), just_under)


@pytest.mark.parametrize("stated", [{"value_usd": None}, {"value_usd": 1.0, "arrival_date": DAY}])
def test_without_a_value_or_an_exemption_there_is_nothing_to_compare(stated):
    assert of(**stated)[["value_share_of_de_minimis", "value_just_under_de_minimis"]].isna().all()


@pytest.mark.parametrize(
    ("value", "over", "just_under"), [(2249.99, 0, 0), (2250.0, 0, 1), (2500.0, 0, 1), (2500.01, 1, 0)]
)
def test_an_informal_entry_holds_up_to_2500_dollars(value, over, just_under):
    row = of(value_usd=value, entry_type="11")

    assert (row["informal_entry_over_limit"], row["value_just_under_informal_limit"]) == (over, just_under)


def test_the_informal_limit_is_answered_since_it_stands():
    before, since = (of(value_usd=9e3, entry_type="11", arrival_date=date(2013, 1, day)) for day in (6, 7))

    assert np.isnan(before["informal_entry_over_limit"])
    assert since["informal_entry_over_limit"] == 1


@pytest.mark.parametrize(
    ("stated", "unfounded"),
    [
        ({"value_usd": 800.0}, 0),
        ({"value_usd": 800.01}, 1),
        ({"value_usd": None}, None),
        ({"value_usd": 10.0, "arrival_date": date(2019, 9, 27)}, 1),
        ({"value_usd": 10.0, "arrival_date": date(2025, 5, 2)}, 1),
        ({"value_usd": None, "arrival_date": date(2025, 5, 2)}, 1),
        ({"value_usd": 10.0, "arrival_date": date(2025, 5, 2), "origin_country": "VN"}, 0),
        ({"value_usd": 10.0, "arrival_date": date(2025, 5, 2), "origin_country": None}, None),
        ({"value_usd": 10.0, "arrival_date": date(2025, 8, 29), "origin_country": "VN"}, 1),
        ({"value_usd": 1e6, "entry_type": "01"}, 0),
        ({"value_usd": 10.0, "entry_type": "99"}, None),
        ({"value_usd": 10.0, "entry_type": None}, None),
    ],
)
def test_a_claim_to_de_minimis_is_unfounded(stated, unfounded):
    found = of(**{"entry_type": "86"} | stated)["de_minimis_claim_unfounded"]

    assert np.isnan(found) if unfounded is None else found == unfounded


@pytest.mark.parametrize(
    ("mode", "day", "unfounded"),
    [("mail", date(2026, 6, 24), 0), ("mail", date(2026, 6, 23), 1), ("express", date(2026, 6, 24), 1)],
)
def test_the_mail_test_is_for_mail_and_of_its_days(mode, day, unfounded):
    row = of(entry_type="13", mode=mode, arrival_date=day)

    assert row[["entry_is_mail_test", "entry_is_informal", "entry_is_de_minimis"]].tolist() == [1, 1, 0]
    assert row["mail_test_unfounded"] == unfounded


@pytest.mark.parametrize("code", ["01", "11", "13", "86"])
def test_the_category_is_that_of_the_table(code):
    row = of(entry_type=code)

    assert row["entry_is_de_minimis"] == (entry_types.category(code) == "de minimis test")
    assert row["entry_is_informal"] == (entry_types.category(code) == "informal")


@pytest.mark.parametrize("kind", SIDES)
def test_parcels_that_together_exceed_the_threshold_were_split(kind):
    alone, together, few, one_too_dear = built(
        *[PARCEL] * 4, **{kind: [(1, 700, 700), (4, 2000, 700), (2, 600, 400), (3, 2200, 900)]}
    )[f"{kind}_split_over_de_minimis"]

    assert (alone, together, few, one_too_dear) == (700 / 800, 2.5, 0.75, 0)


@pytest.mark.parametrize("kind", BUYERS)
def test_goods_are_split_under_the_informal_limit_too(kind):
    row = built(PARCEL | {"arrival_date": DAY}, **{kind: [(3, 6000, 2400)]}).iloc[0]

    assert row[f"{kind}_split_over_informal_limit"] == 2.4
    assert np.isnan(row[f"{kind}_split_over_de_minimis"])
    assert row[f"{kind}_same_day_shipments"] == 3


@pytest.mark.parametrize("kind", SIDES)
def test_velocity_is_that_of_parcels(kind):
    modes = ("mail", "express", "air", "truck")
    frame = built(*({"mode": mode} for mode in modes), tracks={kind: [STEADY] * 4})

    np.testing.assert_allclose(frame[f"{kind}_parcel_velocity_hl7d"], [1, 1, np.nan, np.nan])
    assert frame[f"{kind}_parcels_hl7d"].isna().tolist() == [False, False, True, True]


def test_a_burst_of_parcels_raises_the_velocity():
    burst = STEADY | {("shipments", 7): 5 * STEADY["shipments", 7]}
    frame = built(PARCEL, PARCEL, PARCEL, tracks={"consignee": [STEADY, burst, {}]})

    assert frame["consignee_parcel_velocity_hl7d"].tolist()[:2] == [pytest.approx(1), pytest.approx(5)]
    assert np.isnan(frame["consignee_parcel_velocity_hl7d"].iloc[2])
    assert frame["consignee_parcels_hl7d"].iloc[2] == 0


def test_limits_of_ones_own(tmp_path):
    header = "effective_from,effective_to,scope,threshold_usd,authority,conf,source\n"
    (tmp_path / "de_minimis.csv").write_text(f"{header}2000-01-01,,*,150,a,S,b\n", encoding="utf-8")

    row = of(ECommerce(tables(tmp_path)), value_usd=300.0)

    assert (row["de_minimis_threshold_usd"], row["value_share_of_de_minimis"]) == (150, 2)


DAYS = st.sampled_from([date(1992, 12, 31), date(2013, 1, 6), date(2016, 3, 9), date(2019, 9, 28), OPEN,
                        date(2025, 5, 2), date(2025, 8, 28), date(2025, 8, 29), date(2026, 6, 24)])  # fmt: skip
ROWS = st.fixed_dictionaries(
    {
        "arrival_date": DAYS,
        "mode": st.sampled_from(["ocean", "mail", "express", "truck"]),
        "origin_country": st.sampled_from(["CN", "HK", "DE", "MO", "ZZ", "cn", "C", "XK", "QZ", None]),
        "entry_type": st.sampled_from(["01", "11", "12", "13", "86", "99", "1", None]),
        "value_usd": st.sampled_from([0.0, 5e-324, 180.0, 200.0, 719.9, 720.0, 800.0, 2500.0, 1e12, None]),
    }
)
RECORDS = st.none() | st.integers(0, 400).map(
    lambda n: {"shipments": n, "first": n + 2, "last": 1, ("shipments", 7): n / 2, ("shipments", 365): n * 1.0}
)
BATCHES = st.none() | st.lists(st.sampled_from([0.0, 150.0, 800.0, 801.0, 2500.0, 2600.0]), min_size=1, max_size=4).map(
    lambda values: (float(len(values)), sum(values), max(values))
)


class Told:
    """The same past, as oracles ask for it."""

    def __init__(self, row, tracks, batches):
        self.morning, self._tracks, self._batches = row["arrival_date"], tracks, batches

    def batch(self, kind):
        found = self._batches[kind]
        return found and type(
            "Batch", (), dict(zip(("shipments", "value_usd", "highest_value_usd"), found, strict=True))
        )

    def track(self, kind):
        found = self._tracks[kind]
        first = found and self.morning - timedelta(found["first"])
        return found and type("Track", (), {"counts": found, "decayed": found, "first_day": first})


@settings(max_examples=60)
@given(ROWS, st.fixed_dictionaries(dict.fromkeys(SIDES, RECORDS)), st.fixed_dictionaries(dict.fromkeys(SIDES, BATCHES)))
def test_every_feature_equals_its_description(row, tracks, batches):
    frame = built(row, tracks={kind: [each] for kind, each in tracks.items()}, **{k: [b] for k, b in batches.items()})
    expected = oracle.of(row, Told(row, tracks, batches))

    found = frame.iloc[0].to_dict()
    assert list(found) == [feature.name for feature in ECommerce.features]
    assert set(expected) == set(found)
    wanted = {name: math.nan if value is None else float(value) for name, value in expected.items()}
    assert found == pytest.approx(wanted, nan_ok=True)
