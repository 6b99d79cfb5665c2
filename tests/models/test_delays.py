from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.models.delays import LEAST_KNOWN, correct_delays
from riskscore.models.labels import label

AS_OF = date(2026, 6, 1)
SETTLED = 60


def history(size=8000, seed=3, share=0.1, find_delay=30, clear_delay=8):
    """Exams of 200 days, a constant share of finds, known 1 to `find_delay` days later; clears sooner."""
    rng = np.random.default_rng(seed)
    exam = pd.Timestamp(AS_OF) - pd.to_timedelta(rng.integers(1, 201, size), "D")
    found = rng.random(size) < share
    delay = np.where(found, rng.integers(1, find_delay + 1, size), rng.integers(1, clear_delay + 1, size))
    rows = pd.DataFrame(
        {
            "shipment_id": [f"S{at:05d}" for at in range(size)],
            "exam_type": "intensive",
            "exam_date": exam,
            "result": np.where(found, "seized", "released_no_discrepancy"),
            "hazard": np.where(found, "ipr", None),
            "known_at": exam + pd.to_timedelta(delay, "D"),
            "inclusion_probability": 1.0,
        }
    )
    return rows[rows["known_at"] < pd.Timestamp(AS_OF)].reset_index(drop=True)


def corrected(rows, as_of=AS_OF):
    return correct_delays(label(rows), rows, as_of, SETTLED)


def ages(rows, labels, as_of=AS_OF):
    exam = rows.drop_duplicates("shipment_id").set_index("shipment_id")["exam_date"]
    return (pd.Timestamp(as_of) - exam.loc[labels.index]).dt.days


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_delays_are_counted_in_days_of_the_workspace(zone):
    """The same life in another zone, results reported at 6 and at 20 o'clock there, is corrected by the same shares."""
    local = history()
    hour = pd.to_timedelta(np.where(np.arange(len(local)) % 2, 6, 20), "h")
    there = (local["known_at"] + hour).dt.tz_localize(zone).dt.tz_convert("UTC").dt.tz_localize(None)
    found = correct_delays(label(local), local.assign(known_at=there), AS_OF, SETTLED, ZoneInfo(zone))
    pd.testing.assert_frame_equal(found.drop(columns="known_at"), corrected(local).drop(columns="known_at"))


@pytest.mark.parametrize("target", ["any", "ipr"])
def test_the_share_of_finds_is_the_same_at_every_age(target):
    rows = history(size=40_000)
    raw, made = label(rows), corrected(rows)
    weight = "weight" if target == "any" else f"weight_{target}"
    young = ages(rows, raw) <= 20
    assert raw.loc[young, target].mean() < 0.07  # finds still to come
    made = made[made[target].notna()]
    young = ages(rows, made) <= 30
    assert young.sum() > 500
    share = np.average(made.loc[young, target], weights=made.loc[young, weight])
    assert share == pytest.approx(0.1, abs=0.015)


def test_too_early_to_tell_is_unlabelled_and_settled_exams_stay():
    rows = history()
    raw, made = label(rows), corrected(rows)
    kept = ages(rows, made)
    assert kept.min() >= 30 * LEAST_KNOWN  # finds need up to 30 days, evenly: half are known at 15
    old = made[kept > SETTLED]
    pd.testing.assert_frame_equal(old, raw.loc[old.index])
    assert (made["weight"] >= raw.loc[made.index, "weight"]).all()
    assert made["weight"].max() <= 1 / LEAST_KNOWN


def test_shares_equal_a_count_by_hand():
    rows = history(size=3000)
    made, raw = corrected(rows), label(rows)
    delay = (rows["known_at"] - rows["exam_date"]).dt.days.set_axis(rows["shipment_id"])
    old = ages(rows, raw) > SETTLED
    of_finds = delay[raw.index[(raw["any"] == 1) & old]]
    for shipment, age in ages(rows, made)[made["any"] == 1].head(50).items():
        share = sum(days < age for days in of_finds) / len(of_finds)
        assert made.at[shipment, "weight"] == pytest.approx(1 / share)


def test_a_find_withdrawn_from_the_future_changes_nothing():
    """Outcomes known on the morning or later are not there yet: the caller's cut-off, held here for the result."""
    rows = history()
    later = rows[rows["known_at"] >= pd.Timestamp(AS_OF) - timedelta(days=40)]
    early = rows.drop(later.index)
    then = AS_OF - timedelta(days=40)
    assert corrected(early, then).equals(corrected(early.sample(frac=1, random_state=1), then))


def test_without_settled_exams_nothing_is_corrected():
    rows = history()
    young = rows[rows["exam_date"] > pd.Timestamp(AS_OF) - timedelta(days=SETTLED)]
    pd.testing.assert_frame_equal(corrected(young), label(young))


def test_a_bulk_load_says_nothing_of_the_delay():
    """All results entered on the last day: they would say that results take months."""
    rows = history().assign(known_at=pd.Timestamp(AS_OF) - timedelta(days=1))
    pd.testing.assert_frame_equal(corrected(rows), label(rows))


@given(st.integers(0, 2**32 - 1), st.integers(0, 300))
def test_no_label_is_made_or_turned(seed, size):
    rows = history(size=size, seed=seed)
    raw, made = label(rows), corrected(rows)
    kept = raw.loc[made.index]
    both = made["any"].notna()
    assert (made.loc[both, "any"] == kept.loc[both, "any"]).all()
    assert made["uncorrected"].equals(kept["uncorrected"])
