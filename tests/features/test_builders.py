"""What the builders make of shipments and their past, row by row."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore import features, reference
from riskscore.features import BUILDERS
from riskscore.frames import as_frame
from riskscore.ledger import live_on
from riskscore.pipelines.past import Past
from riskscore.readers import number_rows
from riskscore.tables import INGESTED, SHIPMENTS
from riskscore.validation import validate
from tests import factories
from tests.factories import DAY, append_rows, noon, opened
from tests.features.oracle import Values, features_of, oracle_of
from tests.features.oracles.past import Past as Asked
from tests.features.samples import bare, extreme, hostile, past_rows, rows_of, with_history
from tests.history.worlds import END, MORNINGS, QUICK, worlds

FEATURES = features.catalogue()
NAMES = [feature.name for feature in FEATURES]
SHARES = [feature.name for feature in FEATURES if feature.unit == "share"]
FLAGS = [feature.name for feature in FEATURES if feature.unit == "0 or 1"]
CODES = [feature.name for feature in FEATURES if feature.categorical]
_SIGNED_UNITS = {"octaves", "spreads", "hours", "difference of shares"}
_SIGNED = {"filed_days_before_arrival", "importer_days_traded_before_tier"}
NOT_NEGATIVE = [f.name for f in FEATURES if f.unit not in _SIGNED_UNITS and f.name not in _SIGNED]
NEVER_NULL = [feature.name for feature in FEATURES if feature.null_meaning == "never null"]


@pytest.fixture(scope="session")
def built(some) -> pd.DataFrame:
    return features.build(*some)


# The frame ---------------------------------------------------------------------------------------------------


def test_the_frame_is_numbers_in_the_order_of_the_catalogue(some, built):
    assert list(built.columns) == NAMES
    assert set(built.dtypes) == {np.dtype(np.float64)}
    assert built.index.equals(some[0].index)


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda builder: type(builder).__name__)
def test_every_feature_equals_its_description(some, log, built, builder):
    names, describe, oracle = [feature.name for feature in builder.features], oracle_of(builder), log.oracle

    described = [describe(row, Asked(row, oracle)) for row in log.rows().values()]

    assert list(built.index) == list(log.rows())
    assert differing(built[names], described) == {}


@settings(QUICK, max_examples=5)
@given(worlds())
def test_every_feature_equals_its_description_in_random_worlds(world):
    check_world(world)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(worlds(most=40))
def test_every_feature_equals_its_description_in_many_worlds(world):
    check_world(world)


def check_world(world) -> None:
    """Features of every live shipment of every morning, replayed, against the oracles."""
    oracle = world.oracle
    with opened(world.timezone) as (workspace, ledger):
        append_rows(workspace, ledger, **world.tables)
        arriving = pa.concat_tables(live_on(ledger.connection, day, ledger.position) for day in MORNINGS)
        shipments = as_frame(arriving, index="shipment_id")
        shipments = shipments[shipments["action"] != "deleted"]
        built = features.build(shipments, Past(workspace, ledger).of_replay(shipments, END, ledger.position))
    rows = [row for day in MORNINGS for _, row in sorted(oracle.live_on(day).items()) if row["action"] != "deleted"]
    assert list(built.index) == [row["shipment_id"] for row in rows]
    assert differing(built, [features_of(row, oracle) for row in rows]) == {}


def differing(built: pd.DataFrame, described: list[Values]) -> dict[str, list[tuple[str, float, float | None]]]:
    """Per feature, the shipments of which it says something else than its description."""
    found = {}
    for name in built:
        expected = np.array([np.nan if row[name] is None else row[name] for row in described])
        wrong = ~np.isclose(built[name], expected, rtol=1e-9, atol=1e-9, equal_nan=True)
        if wrong.any():
            found[name] = list(zip(built.index[wrong], built[name][wrong], expected[wrong], strict=True))
    assert all(set(row) == set(built) for row in described)
    return found


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
    some_rows = range(0, len(built), 11)
    alone = [features.build(*rows_of(some, np.array([row]))) for row in some_rows]

    pd.testing.assert_frame_equal(pd.concat(alone), built.iloc[list(some_rows)], check_exact=True)


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
    assert built[NOT_NEGATIVE].stack().dropna().ge(0).all()
    assert (built[CODES].stack().dropna() % 1 == 0).all()
    assert built["importer_ctpat_tier"].dropna().isin([0, 1, 2, 3]).all()
    assert built["hs_chapter"].dropna().isin(range(1, 100)).all()


def test_what_is_never_null_is_not(built):
    assert built[NEVER_NULL].notna().all(axis=None)


def test_a_bare_row_is_null_where_it_says_nothing():
    built = features.build(*with_history(shipments=bare()))
    # There was no de minimis exemption on DAY, of whatever origin.
    stated = ["de_minimis_threshold_usd", *NEVER_NULL]

    assert built[stated].notna().all(axis=None)
    assert built.drop(columns=stated).isna().all(axis=None)


# From the log to a feature: what the facts of the trade come to -------------------------------------------------

IMPORTER = {"importer_id": "I1", "shipper_id": "H1", "hts": "851712", "value_usd": 1000.0, "weight_kg": 10.0}
EARLIER = [IMPORTER | {"shipment_id": f"P{n}", "arrival_date": DAY - timedelta(n + 2)} for n in range(20)]


@pytest.fixture(scope="module")
def judged() -> pd.DataFrame:
    """Features of one shipment of an importer per result: it had four, with that result and 2.50 USD each.

    Of the importer `and <result>` the first of four was seized and, in another exam, came to that result.
    """
    clear = {"importer_id": "I1", "consignee_id": None, "shipper_id": None}
    shipments, outcomes = [], []
    for who in (*reference.results(), *(f"and {result}" for result in reference.results())):
        ids = [f"{who} {n}" for n in range(4)]
        shipments += [clear | {"importer_id": who, "shipment_id": n, "arrival_date": DAY - timedelta(9)} for n in ids]
        shipments.append(clear | {"importer_id": who, "shipment_id": who})
        result = {"result": who.removeprefix("and "), "amount_usd": 2.5, "known_at": noon(DAY, -3)}
        outcomes += [result | {"shipment_id": name} for name in (ids if who == result["result"] else ids[:1])]
        if who != result["result"]:
            outcomes.append(result | {"shipment_id": ids[0], "result": "seized", "exam_type": "nii"})
    return features.build(
        *with_history(shipments=factories.shipments(*shipments), outcomes=factories.outcomes(*outcomes))
    )


@pytest.mark.parametrize("result", reference.results())
def test_a_result_is_a_hit_an_exam_or_nothing(judged, result):
    row, hit, exam = judged.loc[result], result in reference.POSITIVE, result in reference.CLEAR

    assert row["importer_exams"] == 4 * (hit or exam)
    assert (row["importer_hits"], row["importer_recovered_usd"]) == (4 * hit, 10 * hit)
    assert row["importer_seizures"] == 4 * (result == "seized")


@pytest.mark.parametrize("result", reference.results())
def test_only_an_excluded_result_takes_a_hit_out_of_the_record(judged, result):
    assert judged.loc[f"and {result}", "importer_hits"] == (result not in reference.EXCLUDED)


def test_a_hit_weighs_half_after_a_year():
    past = factories.outcomes({"shipment_id": "P0", "result": "seized", "known_at": noon(DAY, -365)})
    rows = [{"shipment_id": "P0", "arrival_date": DAY - timedelta(366)}, {"shipment_id": "today"}]

    built = features.build(
        *with_history(shipments=factories.shipments(*(IMPORTER | row for row in rows)), outcomes=past)
    )

    assert built.loc["today", ["importer_hits", "importer_hits_hl365d"]].tolist() == [1, pytest.approx(0.5)]


def test_a_cheaper_shipment_stands_lower_among_its_peers():
    values = {"cheap": 100.0, "usual": 1000.0, "dear": 9000.0}
    today = [IMPORTER | {"shipment_id": name, "value_usd": value} for name, value in values.items()]

    built = features.build(*with_history(shipments=factories.shipments(*EARLIER, *today))).loc[list(values)]

    assert built["value_per_kg_position_hs6"].tolist() == [0, 0.5, 1]
    # The peers' median is known to a bin of a quarter octave.
    ratios = np.log2([0.1, 1, 9])
    assert built["value_per_kg_ratio_hs6"].tolist() == [pytest.approx(ratio, abs=0.125) for ratio in ratios]


def test_the_same_parcel_under_the_de_minimis_of_four_days():
    # EO 14256 ended the exemption for China on 2025-05-02, EO 14324 for all origins on 2025-08-29.
    days = [date(2025, 5, 1), date(2025, 5, 2), date(2025, 8, 28), date(2025, 8, 29)]
    parcel = {"value_usd": 400.0, "entry_type": "86", "mode": "express", "consignee_id": "C1"}
    rows = [
        parcel | {"shipment_id": f"{origin} {day}", "origin_country": origin, "arrival_date": day}
        for origin in ("CN", "VN")
        for day in days
    ]

    built = features.build(*with_history(*days, shipments=factories.shipments(*rows)))

    def of(name: str) -> dict[str, list[float]]:
        return {origin: [built.loc[f"{origin} {day}", name] for day in days] for origin in ("CN", "VN")}

    assert of("de_minimis_threshold_usd") == {"CN": [800, 0, 0, 0], "VN": [800, 800, 800, 0]}
    assert of("de_minimis_claim_unfounded") == {"CN": [0, 1, 1, 1], "VN": [0, 0, 0, 1]}


def test_isa_of_2019_is_no_trade_compliance_in_2021():
    days = [date(2019, 6, 3), date(2020, 2, 29), date(2020, 3, 1), date(2021, 6, 7)]
    status = {"ctpat_tier": 2, "ctpat_status": "validated", "valid_from": date(2018, 1, 1), "role": "importer"}
    isa = status | {"trader_id": "isa", "isa_member": True, "ctpat_trade_compliance": False}
    compliant = status | {"trader_id": "compliant", "isa_member": False, "ctpat_trade_compliance": True}
    rows = [
        {"shipment_id": f"{who} {d}", "importer_id": who, "arrival_date": d}
        for who in ("isa", "compliant")
        for d in days
    ]

    built = features.build(
        *with_history(*days, shipments=factories.shipments(*rows), traders=factories.traders(isa, compliant))
    )

    trusted = {who: [built.loc[f"{who} {d}", "importer_trusted_trader"] for d in days] for who in ("isa", "compliant")}
    assert trusted == {"isa": [1, 1, 0, 0], "compliant": [0, 0, 1, 1]}
    assert built.loc[f"isa {days[-1]}", "importer_membership_out_of_date"] == 1


def test_a_tier_lost_on_a_day_known_three_weeks_later():
    lost, known = date(2025, 3, 3), date(2025, 3, 24)
    days = [lost - timedelta(1), lost + timedelta(7), known, known + timedelta(1)]
    held = {"trader_id": "T", "ctpat_tier": 3, "ctpat_status": "validated", "valid_from": date(2018, 1, 1)}
    gone = held | {"ctpat_status": "removed", "valid_from": lost, "known_at": noon(known)}
    rows = [{"shipment_id": str(day), "importer_id": "T", "arrival_date": day} for day in days]

    built = features.build(
        *with_history(*days, shipments=factories.shipments(*rows), traders=factories.traders(held, gone))
    )

    names = ["importer_ctpat_tier", "importer_ctpat_lost", "importer_status_learned_late_days"]
    assert built.loc[[str(day) for day in days], names].to_numpy().tolist() == [[3, 0, 0]] * 3 + [[0, 1, 21]]
