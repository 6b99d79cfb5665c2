"""What becomes of exams and hits: rates, severity, repetition, recency."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore import reference
from riskscore.features.track_record import HAZARDS, PRIOR_EXAMS, RATED, TrackRecord
from riskscore.history import DECAYED, KINDS
from tests import factories
from tests.features import records
from tests.features.oracles import track_record as oracle
from tests.features.records import record

COUNTRY = record(days=999, exams=1000, hits=100, shipments=5000)


def of(**stated):
    """The features of one shipment with these records, in a country where one exam in ten hits."""
    return records.one(**{"country": COUNTRY} | stated).built(TrackRecord()).iloc[0]


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(0, 5))
def test_every_feature_equals_its_description(seed, size):
    made = records.chance(seed, factories.shipments(*[{}] * size, seed=seed % 7))

    records.check(made, TrackRecord(), oracle)


def test_a_rate_starts_from_the_country_s_and_moves_half_way_in_ten_exams():
    assert of(importer=record())["importer_hit_rate"] == pytest.approx(0.1)
    assert of(importer=record(exams=10, hits=10))["importer_hit_rate"] == pytest.approx((0.1 + 1) / 2)
    assert of(importer=record(exams=10))["importer_hit_rate"] == pytest.approx(0.1 / 2)


@pytest.mark.parametrize("kind", RATED)
def test_more_hits_raise_a_rate_and_more_clear_exams_lower_it_at_every_window(kind):
    names = [f"{kind}_hit_rate", *(f"{kind}_hit_rate_hl{days}d" for days in RATED[kind])]

    clear, few, many = (of(**{kind: record(exams=8, hits=hits)})[names] for hits in (0, 2, 8))
    examined = of(**{kind: record(exams=40, hits=2)})[names]

    assert (clear < few).all()
    assert (few < many).all()
    assert (examined < few).all()


def test_a_recent_rate_follows_recent_exams():
    # Ten old hits, and of late ten clear exams.
    own = record(days=900, exams=20, hits=10)
    own.decayed.update({("exams", 90): 10.0, ("hits", 90): 0.0, ("exams", 365): 12.0, ("hits", 365): 2.0})

    row = of(importer=own)

    assert row["importer_hit_rate_hl90d"] < row["importer_hit_rate_hl365d"] < row["importer_hit_rate"]
    assert row["importer_hit_rate_hl90d"] == pytest.approx(PRIOR_EXAMS * 0.1 / (10 + PRIOR_EXAMS))


def test_rates_stay_shares_where_rounding_makes_more_hits_than_exams():
    most = record(exams=1, hits=1)
    most.decayed.update({("exams", 90): 0.3, ("hits", 90): np.nextafter(0.3, 1)})

    assert of(country=most, importer=most)["importer_hit_rate_hl90d"] == 1


def test_a_country_without_exams_has_no_rates():
    row = of(country=record(shipments=10), importer=record(shipments=10))

    assert row[[name for name in row.index if "hit_rate" in name]].isna().all()


def test_severity_speaks_of_hits():
    row = of(importer=record(shipments=40, exams=10, hits=4, minor_hits=1, seizures=2, recovered_cents=1_000_00))

    assert row["importer_exam_share"] == 0.25
    assert (row["importer_minor_hits"], row["importer_seizures"], row["importer_seizures_per_hit"]) == (1, 2, 0.5)
    assert (row["importer_recovered_usd"], row["importer_recovered_per_hit_usd"]) == (1000, 250)


def test_without_hits_there_is_no_severity_and_without_shipments_no_share():
    row = of(importer=record(days=3))

    assert row[["importer_exam_share", "importer_seizures_per_hit", "importer_recovered_per_hit_usd"]].isna().all()
    assert row[["importer_seizures", "importer_recovered_usd", "importer_repeat_hits"]].eq(0).all()


def test_a_repeat_offence_is_of_the_same_hazard():
    different = of(shipper=record(exams=3, hits=3, hits_ipr=1, hits_narcotics=1, hits_agriculture=1))
    same = of(shipper=record(exams=3, hits=3, hits_ipr=3))

    assert (different["shipper_repeat_hits"], different["shipper_hazards_found"]) == (0, 3)
    assert (same["shipper_repeat_hits"], same["shipper_hazards_found"], same["shipper_hits_ipr"]) == (2, 1, 3)


def test_a_last_hit_counts_days_and_is_null_when_none_stands():
    caught = record(days=400, last_hit=30, exams=1, hits=1)
    cleared = record(days=400, last_hit=30, exams=1)  # the hit was corrected

    assert of(container=caught)["container_last_hit_days"] == 30
    assert np.isnan(of(container=cleared)["container_last_hit_days"])


def test_who_is_not_named_has_no_record():
    row = of()

    assert row.isna().all()


def test_hazards_are_those_of_the_table_and_kinds_and_windows_exist():
    windows = {days for measure, days in DECAYED if measure == "hits"}

    assert all(set(hazards) <= set(reference.hazards()) for _, hazards in HAZARDS.values())
    assert HAZARDS["importer"][1] == reference.hazards()
    assert set(RATED) <= {kind.name for kind in KINDS}
    assert {days for half_lives in RATED.values() for days in half_lives} <= windows
