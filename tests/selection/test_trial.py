"""A plan of exams decides between champion and challenger, and what a trial says is what it may say."""

from math import isnan

import numpy as np
import pytest
from scipy.stats import binom

from riskscore.errors import ConfigError
from riskscore.selection.trial import TrialEvidence, difference, exams_needed


def coverage(rates, exams):
    """Chance that the interval holds the true difference, by summing over every outcome of two binomials."""
    ours, theirs = (np.arange(count + 1) for count in exams)
    weight = np.outer(binom.pmf(ours, exams[0], rates[0]), binom.pmf(theirs, exams[1], rates[1]))
    total = 0.0
    for i, j in zip(*np.nonzero(weight > 1e-7), strict=True):
        _, low, high = difference((int(i), int(j)), exams)
        total += weight[i, j] * (low <= rates[1] - rates[0] <= high)
    return total


@pytest.mark.parametrize("exams", [(15, 15), (40, 35), (120, 140)])
@pytest.mark.parametrize("rates", [(0.01, 0.01), (0.02, 0.05), (0.05, 0.2), (0.2, 0.1), (0.3, 0.3), (0.02, 0.3)])
def test_the_interval_covers_at_small_rates(rates, exams):
    assert 0.94 <= coverage(rates, exams) <= 1


def test_the_interval_is_not_wider_than_it_must_be():
    covered = [coverage(rates, (120, 140)) for rates in ((0.1, 0.1), (0.2, 0.2), (0.3, 0.2), (0.5, 0.4))]
    assert max(covered) < 0.965


def test_a_side_without_exams_is_not_a_difference():
    seen, low, high = difference((3, 0), (20, 0))
    assert isnan(seen)
    assert low < 0 < high


@pytest.mark.parametrize(("base", "gap"), [(0.05, 0.05), (0.2, 0.1), (0.3, -0.1), (0.02, 0.04)])
def test_the_exams_needed_give_the_power_they_were_computed_for(base, gap):
    needed, random = exams_needed(base, gap), np.random.default_rng(11)
    seen = 0
    for _ in range(2000):
        theirs = int(random.binomial(needed, 0.5))
        exams = (needed - theirs, theirs)
        hits = (int(random.binomial(exams[0], base)), int(random.binomial(exams[1], base + gap)))
        _, low, high = difference(hits, exams)
        seen += low > 0 if gap > 0 else high < 0
    assert seen / 2000 == pytest.approx(0.8, abs=0.05)  # 0.8 +- 0.027 by chance; the two formulas differ by the rest


def test_more_power_a_smaller_gap_or_a_smaller_alpha_takes_more_exams():
    base = exams_needed(0.1, 0.05)
    assert exams_needed(0.1, 0.04) > base
    assert exams_needed(0.1, 0.05, power=0.9) > base
    assert exams_needed(0.1, 0.05, alpha=0.01) > base


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 0.1), "got 0 and 0.1"), ((0.95, 0.1), "got 0.95 and 1.05"), ((0.2, 0.0), "got 0.2 and 0.2"),
     ((0.2, 0.1, 1.0), "power 1"), ((0.2, 0.1, 0.8, 0.9), "alpha 0.9")],
)  # fmt: skip
def test_plans_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        exams_needed(*arguments)


@pytest.mark.parametrize(
    ("low", "high", "decided", "verdict"),
    [(0.01, 0.1, True, "challenger"), (-0.1, -0.01, True, "champion"), (-0.1, 0.1, True, "no difference"),
     (0.01, 0.1, False, "not yet")],
)  # fmt: skip
def test_a_verdict_needs_the_planned_exams_and_an_interval_clear_of_zero(low, high, decided, verdict):
    assert TrialEvidence(0.0, low, high, 10, 10, decided=decided).verdict == verdict


def verdicts(rate, needed, trials, seed):
    """Of trials between equal models: how often the plan decides for either, and how often daily looks would have."""
    random = np.random.default_rng(seed)
    planned = looked = 0
    for _ in range(trials):
        theirs, hits = random.random(needed) < 0.5, random.random(needed) < rate
        exams, found = np.cumsum([~theirs, theirs], axis=1), np.cumsum([hits & ~theirs, hits & theirs], axis=1)
        looks = [difference(tuple(found[:, at]), tuple(exams[:, at])) for at in range(49, needed, 25)]
        clear = [low > 0 or high < 0 for _, low, high in (*looks, difference(tuple(found[:, -1]), tuple(exams[:, -1])))]
        planned, looked = planned + clear[-1], looked + any(clear)
    return planned / trials, looked / trials


@pytest.mark.slow
def test_equal_models_are_told_apart_in_one_trial_of_twenty_and_looking_daily_would_do_so_far_oftener():
    planned, looked = verdicts(rate=0.1, needed=600, trials=4000, seed=5)
    assert planned <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert looked > 0.12
