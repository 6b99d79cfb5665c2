"""The coverage of the standing report's intervals, in a smaller bench than benches/prevalence.py."""

from dataclasses import replace

import numpy as np
import pytest
from prevalence import SCENARIOS, Setting, clopper_pearson, coverage, looks, trials, window

from riskscore.models.prevalence import prevalence as estimate

SMALL = Setting(0.02, ports=3, days=14, least_floor=3.0, most_floor=8.0)


def of_all(rows):
    return coverage(rows[rows["domain"] == "all"])


def test_intervals_cover_where_the_normal_one_does_not():
    made = of_all(trials(SMALL, 80, seed=2))

    # 80 windows: 0.95 less two and a half standard errors.
    assert made.loc["ours", "covered"] >= 0.89
    assert made.loc["assisted", "covered"] >= 0.89
    assert made.loc["normal", "covered"] < 0.9
    assert made.loc["ours", "of_kish"] <= 1.5
    assert made.loc["ours", "of_true"] <= 1.5


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["main", "hidden among trusted"])
@pytest.mark.parametrize("rate", [0.005, 0.01, 0.03])
def test_the_requirement_over_five_hundred_windows(scenario, rate):
    made = of_all(trials(replace(Setting(rate), **SCENARIOS[scenario]), 500, seed=11))

    for method in ("ours", "assisted"):
        # At most 0.99 is asked; at 0.5 % it is 0.985, and 500 windows tell it to half a point.
        assert 0.93 <= made.loc[method, "covered"] <= 0.995
        assert max(made.loc[method, ["of_kish", "of_true"]]) <= 1.5


def test_chances_are_those_of_the_draws():
    drawn = [window(SMALL, np.random.default_rng([4, number])) for number in range(60)]
    chance, examined = (np.concatenate([getattr(one, name) for one in drawn]) for name in ("chance", "examined"))

    assert examined[chance >= 1].all()
    for low, high in ((0, 0.03), (0.03, 0.06), (0.06, 0.12), (0.12, 1)):
        part = (chance > low) & (chance <= high) & (chance < 1)
        expected, spread = chance[part].sum(), np.sqrt((chance[part] * (1 - chance[part])).sum())
        assert abs(examined[part].sum() - expected) < 4 * spread


def test_the_estimator_has_no_bias_worth_naming():
    made = [(estimate(one.exams, one.population).value, one.truth.mean())
            for one in (window(SMALL, np.random.default_rng([5, number])) for number in range(120))]  # fmt: skip
    error = np.array([value - truth for value, truth in made])

    assert abs(error.mean()) < 3 * error.std() / np.sqrt(len(error))


def test_clopper_and_pearson_are_the_textbooks():
    low, high = clopper_pearson(0.1, 10)

    assert (round(low, 4), round(high, 4)) == (0.0025, 0.4450)


def test_daily_looks_are_counted():
    [made] = looks((0.05,), 40, 60, seed=1)

    assert made["sequence"] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    assert made["exact at each look"] >= made["sequence"]
