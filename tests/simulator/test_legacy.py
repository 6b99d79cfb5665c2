"""The old rules: what they may see, how they pick."""

import numpy as np
import pandas as pd
import pytest

from riskscore import simulator
from riskscore.reference import exams
from riskscore.simulator import legacy


@pytest.fixture(scope="session")
def scored(country):
    live = country.live()
    return live, simulator.legacy_scores(live, country.traders)


def test_each_shipment_gets_a_score_an_exam_and_keeps_its_place(scored):
    live, scores = scored

    assert scores.index.equals(live.index)
    assert (scores["shipment_id"] == live["shipment_id"]).all()
    assert (scores["legacy_score"] >= 0).all()
    assert scores["legacy_score"].is_unique
    assert set(scores["exam_type"]) <= set(exams())


def test_a_score_depends_on_the_shipment_alone(country, scored):
    live, scores = scored
    some = live.sample(300, random_state=1)

    alone = simulator.legacy_scores(some, country.traders)

    pd.testing.assert_frame_equal(alone, scores.loc[some.index])


def test_traders_facts_of_later_days_change_nothing(country, scored):
    live, scores = scored
    day = sorted(live["arrival_date"].unique())[30]
    today = live[live["arrival_date"] == day]
    known = country.traders[country.traders["known_at"] < pd.Timestamp(day).tz_localize("UTC")]

    pd.testing.assert_frame_equal(simulator.legacy_scores(today, known), scores.loc[today.index])


def test_a_tier_lowers_the_score_and_an_unknown_importer_is_new(country, scored):
    live, scores = scored
    everybody_unknown = simulator.legacy_scores(live, country.traders.iloc[:0])

    assert (everybody_unknown["legacy_score"] >= scores["legacy_score"]).all()
    assert (everybody_unknown["legacy_score"] > scores["legacy_score"]).mean() > 0.3


@pytest.mark.parametrize(("live", "expected"), [(0, 0), (1, 1), (20, 1), (21, 2), (60, 3), (100, 5), (140, 7)])
def test_slots_are_a_twentieth_rounded_up(live, expected):
    assert legacy.slots(live) == expected


def test_top_takes_the_highest_of_each_port_and_day_whatever_the_order(scored):
    _, scores = scored
    chosen = legacy.top(scores, legacy.slots)
    shuffled = scores.sample(frac=1.0, random_state=2)
    again = pd.Series(legacy.top(shuffled, legacy.slots), index=shuffled.index).reindex(scores.index)
    groups = scores.assign(chosen=chosen).groupby(["arrival_date", "port"])

    assert np.array_equal(chosen, again.to_numpy())
    for _, group in groups:
        assert group["chosen"].sum() == legacy.slots(len(group))
        if not group["chosen"].all():
            highest_left = group.loc[~group["chosen"], "legacy_score"].max()
            assert group.loc[group["chosen"], "legacy_score"].min() > highest_left
