"""What the builders make of shipments and their past, row by row."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore import features, reference
from riskscore.features.documentation import EXPECTED
from riskscore.readers import number_rows
from riskscore.tables import INGESTED, SHIPMENTS
from riskscore.validation import validate
from tests import factories
from tests.factories import DAY, noon
from tests.features.oracle import features_of
from tests.features.samples import PAST_DAYS, bare, drawn, extreme, hostile, past_rows, rows_of, with_history
from tests.history.oracle import Oracle

FEATURES = features.catalogue()
NAMES = [feature.name for feature in FEATURES]
SHARES = [feature.name for feature in FEATURES if feature.unit == "share"]
FLAGS = [feature.name for feature in FEATURES if feature.unit == "0 or 1"]
_COUNTED = {"shipments", "days", "fields", "versions", "containers", "flags", "words", "digits"}
COUNTS = [f.name for f in FEATURES if f.unit in _COUNTED and f.name != "filed_days_before_arrival"]
NEVER_NULL = [feature.name for feature in FEATURES if feature.null_meaning == "never null"]


@pytest.fixture(scope="session")
def built(some) -> pd.DataFrame:
    return features.build(*some)


# The frame ---------------------------------------------------------------------------------------------------


def test_the_frame_is_numbers_in_the_order_of_the_catalogue(some, built):
    assert list(built.columns) == NAMES
    assert set(built.dtypes) == {np.dtype(np.float64)}
    assert built.index.equals(some[0].index)


def test_every_feature_equals_its_description(some, built):
    past = past_rows()
    today = [*drawn(), *hostile(), *bare()]
    oracle = Oracle(
        DAY - timedelta(PAST_DAYS + 1), ZoneInfo("UTC"), [*past["shipments"], *today], past["outcomes"], past["traders"]
    )
    live = oracle.live_on(DAY)
    expected = pd.DataFrame.from_dict({name: features_of(live[name], oracle) for name in built.index}, orient="index")

    pd.testing.assert_frame_equal(built, expected[NAMES].astype(float), check_names=False, rtol=1e-9, atol=1e-9)


def test_the_sample_tells_features_apart(built):
    # A feature that is the same for every shipment here is not tested by the tests below.
    constant = [name for name in NAMES if built[name].nunique(dropna=False) == 1]

    assert constant == []


@settings(max_examples=15)
@given(st.data())
def test_a_row_does_not_depend_on_the_others_or_their_order(some, built, data):
    everything = range(len(built))
    rows = data.draw(st.lists(st.sampled_from(everything), unique=True) | st.permutations(everything))

    again = features.build(*rows_of(some, np.array(rows, dtype=np.intp)))

    pd.testing.assert_frame_equal(again, built.iloc[rows], check_exact=True)


def test_a_row_alone_is_the_row_in_company(some, built):
    alone = [features.build(*rows_of(some, np.array([row]))) for row in range(len(built))]

    pd.testing.assert_frame_equal(pd.concat(alone), built, check_exact=True)


@pytest.mark.parametrize("day", [DAY, DAY + timedelta(1)], ids=["arrivals", "no arrivals"])
def test_an_empty_past_and_an_empty_day_make_a_frame(day):
    built = features.build(*with_history(day, shipments=bare()))

    assert list(built.columns) == NAMES
    assert len(built) == (3 if day == DAY else 0)
    assert set(built.dtypes) == {np.dtype(np.float64)}


# What values may be ------------------------------------------------------------------------------------------


def test_hostile_and_extreme_rows_pass_validation():
    for rows in (hostile(), extreme(), bare()):
        raw = number_rows(factories.accepted(SHIPMENTS, rows).drop_columns(["_row"]))

        assert validate(raw, SHIPMENTS).quarantined["reasons"].to_pylist() == []


def test_drawn_rows_pass_validation_without_a_finding():
    for name, rows in past_rows().items():
        table = INGESTED[name]
        raw = number_rows(factories.accepted(table, rows).drop_columns(["_row"]))
        checked = validate(raw, table)

        assert checked.quarantined["reasons"].to_pylist() == []
        assert checked.findings == {}


def test_no_value_is_infinite(built, extremes):
    assert not np.isinf(built).to_numpy().any()
    assert not np.isinf(features.build(*extremes)).to_numpy().any()


def test_values_are_of_their_unit(built):
    assert built[SHARES].stack().dropna().between(0, 1).all()
    assert built[FLAGS].stack().dropna().isin([0, 1]).all()
    assert built[COUNTS].stack().dropna().ge(0).all()
    assert built["importer_ctpat_tier"].dropna().isin([0, 1, 2, 3]).all()
    assert built["hs_chapter"].dropna().isin(range(1, 100)).all()


def test_what_is_never_null_is_not(built):
    assert built[NEVER_NULL].notna().all(axis=None)


def test_a_bare_row_is_null_where_it_says_nothing():
    built = features.build(*with_history(shipments=bare()))
    stated = ["mode_code", *NEVER_NULL]

    assert built[stated].notna().all(axis=None)
    assert built.drop(columns=stated).isna().all(axis=None)


# Directions: more of what is bad is never less --------------------------------------------------------------

IMPORTER = {"importer_id": "I1", "shipper_id": "H1", "hts": "851712", "value_usd": 1000.0, "weight_kg": 10.0}
EARLIER = [IMPORTER | {"shipment_id": f"P{n}", "arrival_date": DAY - timedelta(n + 2)} for n in range(20)]


def today(outcomes=(), traders=(), earlier=EARLIER, **stated) -> pd.Series:
    """Features of one shipment of IMPORTER, after EARLIER ones and what was found in them."""
    rows = factories.shipments(*earlier, IMPORTER | {"shipment_id": "today"} | stated)
    return features.build(*with_history(shipments=rows, outcomes=outcomes, traders=traders)).loc["today"]


@pytest.fixture(scope="module")
def untouched() -> pd.Series:
    """Features after EARLIER ones of which nothing was examined."""
    return today()


def found(result: str, shipments: int, **stated) -> list[factories.Row]:
    """The first `shipments` earlier ones were examined, with this result, known the day before."""
    return factories.outcomes(
        *({"shipment_id": f"P{n}", "result": result, "known_at": noon(DAY, -1), **stated} for n in range(shipments))
    )


def test_more_hits_mean_a_higher_hit_rate_and_more_clear_exams_a_lower_one():
    country = [*found("seized", 2), *found("released_no_discrepancy", 20)[10:]]
    others = [row | {"importer_id": "I2"} for row in EARLIER[10:]]

    def rate(hits: int, clear: int) -> float:
        own = [*found("seized", hits), *found("released_no_discrepancy", hits + clear)[hits:]]
        return today([*own, *country[2:]], earlier=[*EARLIER[:10], *others])["importer_hit_rate"]

    assert rate(1, 4) < rate(2, 4) < rate(3, 4)
    assert rate(1, 1) > rate(1, 4) > rate(1, 9)


@pytest.mark.parametrize("result", [*reference.UNLABELLED, *reference.PENDING])
def test_what_was_not_examined_or_decided_says_nothing(result, untouched):
    pd.testing.assert_series_equal(today(found(result, 5)), untouched, check_exact=True)


@pytest.mark.parametrize("result", reference.EXCLUDED)
def test_an_excluded_result_takes_its_shipment_out_of_the_record(result):
    excluded = [*found("seized", 3), *found(result, 1, exam_type="nii")]

    pd.testing.assert_series_equal(today(excluded), today(found("seized", 3)[1:]), check_exact=True)


@pytest.mark.parametrize("result", reference.POSITIVE)
def test_every_positive_result_is_a_hit(result):
    row = today(found(result, 4, amount_usd=2.5))

    assert (row["importer_exams"], row["importer_hits"], row["importer_recovered_usd"]) == (4, 4, 10)
    assert row["importer_seizures"] == (4 if result == "seized" else 0)


@pytest.mark.parametrize("result", reference.CLEAR)
def test_every_clear_result_is_an_exam(result):
    row = today(found(result, 4))

    assert (row["importer_exams"], row["importer_hits"], row["importer_hit_rate"]) == (4, 0, 0)


def test_a_hit_weighs_half_after_a_year():
    past = factories.outcomes({"shipment_id": "P0", "result": "seized", "known_at": noon(DAY, -365)})
    earlier = [IMPORTER | {"shipment_id": "P0", "arrival_date": DAY - timedelta(366)}]

    row = today(past, earlier=earlier)

    assert (row["importer_hits"], row["importer_hits_hl365d"]) == (1, pytest.approx(0.5))


def test_a_cheaper_shipment_stands_lower_among_its_peers(untouched):
    cheap, usual, dear = today(value_usd=100.0), untouched, today(value_usd=9000.0)

    positions = [row["value_per_kg_position_hs6"] for row in (cheap, usual, dear)]
    assert positions == [0, 0.5, 1]
    assert cheap["value_per_kg_ratio_hs6"] < usual["value_per_kg_ratio_hs6"] < dear["value_per_kg_ratio_hs6"]
    # The peers' median is known to a bin of a quarter octave.
    assert usual["value_per_kg_ratio_hs6"] == pytest.approx(0, abs=0.125)
    assert dear["value_per_kg_ratio_hs6"] == pytest.approx(np.log2(9), abs=0.125)


def test_a_steady_importer_has_a_volume_ratio_of_one_and_a_swelling_one_more():
    steady = [IMPORTER | {"shipment_id": f"P{n}", "arrival_date": DAY - timedelta(n + 1)} for n in range(90)]
    swelling = [*steady, *(row | {"shipment_id": f"Q{n}"} for n, row in enumerate(steady[:5] * 4))]

    assert today(earlier=steady)["importer_volume_ratio_hl30d"] == pytest.approx(1, rel=0.02)
    assert today(earlier=swelling)["importer_volume_ratio_hl30d"] > 1.15
    assert today(earlier=steady[60:])["importer_volume_ratio_hl30d"] < 0.5


def test_a_newcomer_has_no_record_and_no_age(untouched):
    row = today(importer_id="newcomer")

    assert row["importer_shipments"] == row["importer_x_hs4_shipments"] == 0
    assert row[["importer_first_seen_days", "importer_last_seen_days", "importer_volume_ratio_hl30d"]].isna().all()
    assert untouched[["importer_first_seen_days", "importer_last_seen_days"]].tolist() == [21, 2]


@pytest.mark.parametrize(
    ("stated", "tier", "lost"),
    [
        ({"ctpat_tier": 3, "ctpat_status": "validated"}, 3, 0),
        ({"ctpat_tier": None, "ctpat_status": "member"}, 0, 0),
        ({"ctpat_tier": 3, "ctpat_status": "suspended"}, 0, 1),
        ({"ctpat_tier": 2, "ctpat_status": "removed"}, 0, 1),
        ({"ctpat_tier": 2, "ctpat_status": "withdrawn"}, 0, 1),
        ({"ctpat_tier": 2, "ctpat_status": "none"}, 0, 0),
    ],
)
def test_a_lost_membership_gives_no_tier(stated, tier, lost):
    row = today(traders=factories.traders({"trader_id": "I1"} | stated))

    assert (row["importer_on_record"], row["importer_ctpat_tier"], row["importer_ctpat_lost"]) == (1, tier, lost)


@pytest.mark.parametrize(("day", "trusted"), [(date(2020, 2, 29), [1, 0]), (date(2020, 3, 1), [0, 1])])
def test_self_assessment_became_trade_compliance_in_march_2020(day, trusted):
    # trusted_trader_definitions.csv
    rows = factories.shipments(*({"importer_id": trader, "arrival_date": day} for trader in ("T0", "T1")))
    old = {"isa_member": True, "ctpat_trade_compliance": False}
    new = {"isa_member": None, "ctpat_trade_compliance": True}
    tier = {"ctpat_tier": 2, "ctpat_status": "validated", "valid_from": date(2019, 1, 1)}

    built = features.build(*with_history(day, shipments=rows, traders=factories.traders(old | tier, new | tier)))

    assert built["importer_self_assessment"].tolist() == built["importer_trusted_trader"].tolist() == trusted


@pytest.mark.parametrize(
    ("day", "nulls"),
    [(date(2006, 10, 12), [1, 1, 1]), (date(2006, 10, 13), [0, 1, 1]), (date(2011, 10, 1), [0, 0, 0])],
)
def test_a_programme_that_was_not_law_yet_says_nothing(day, nulls):
    status = factories.traders({"ctpat_tier": 2, "ctpat_status": "validated", "valid_from": date(2001, 1, 1)})
    rows = factories.shipments({"importer_id": "T0", "arrival_date": day})

    [built] = features.build(*with_history(day, shipments=rows, traders=status)).to_dict("records")

    names = ("importer_ctpat_tier", "importer_self_assessment", "importer_trusted_trader")
    assert [np.isnan(built[name]) for name in names] == nulls


def test_every_missing_field_counts():
    everything = dict.fromkeys(EXPECTED, "851712") | dict.fromkeys(("value_usd", "weight_kg", "quantity"), 1.0)

    assert today(**everything)["fields_missing"] == 0
    assert today(**everything | {"hts": None})["fields_missing"] == 1
    assert today(**dict.fromkeys(EXPECTED))["fields_missing"] == len(EXPECTED)
