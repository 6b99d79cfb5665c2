"""Champion and challenger share the slots they dispute by fair tosses, and a plan of exams decides between them."""

from datetime import date
from math import isnan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy.stats import binom

from riskscore.config import Capacity, Condition, MustExam, Selection
from riskscore.errors import ConfigError, RunError
from riskscore.selection import Rival, match, select
from riskscore.selection.design import ARM_ORDER, Design, draw
from riskscore.selection.lottery import Lottery
from riskscore.selection.trial import TrialEvidence, difference, exams_needed

DAY = date(2026, 3, 2)
DRAWS = 10_000
SIGMAS = 4.5  # two-sided chance of 7e-6 per comparison, and the seeds are fixed
HAZARDS = ("narcotics", "ipr", "undervaluation")
MUST, RISK, FLOOR, NONE = range(4)

few = hypothesis_settings(max_examples=20, deadline=None)

WATCH = MustExam(
    id="watch", exam="nii", owner="port", reason="on the watch-list",
    where=(Condition(column="watched", op="eq", value=True),),
)  # fmt: skip


# The design of one port.

CASES = {
    "two slots, floor below one": (8, 2, 0.1),
    "floor of exactly one": (12, 4, 0.25),
    "one and a half": (12, 5, 0.3),
    "nearly all": (9, 8, 0.3),
    "all random": (10, 5, 1.0),
}


def two_rankings(shipments, seed=3):
    """Risks by two models, with ties, and a must-exam among the least risky."""
    random = np.random.default_rng(seed)
    must = np.zeros(shipments, dtype=bool)
    must[-1] = True
    return random.integers(0, 8, shipments) / 10 + 0.05, random.integers(0, 8, shipments) / 10 + 0.05, must


def names(count):
    return np.array([f"S{number:04d}" for number in range(count)], dtype=object)


def drawn(design, seed, risk, rival, must):
    return draw(names(design.shipments), risk, must, design, Lottery(seed, DAY, "2704"), rival)


@pytest.mark.parametrize("case", CASES)
def test_frequencies_of_ten_thousand_draws_are_the_stated_chances(case):
    design = Design.of(*CASES[case])
    # Distinct risks: places must be the same in every draw, or the stated chances would differ with the tie-breaks.
    risk, rival, must = (values + np.arange(design.shipments) * 1e-6 for values in two_rankings(design.shipments))
    must = must >= 1
    draws = [drawn(design, seed, risk, rival, must) for seed in range(DRAWS)]
    arms = np.array([draw.arm for draw in draws])
    own = np.array([(draw.rank < draw.rival_rank) | (draw.pair == 0) for draw in draws])
    ranked = (arms == RISK) | (arms == MUST)
    stated = draws[0]
    for chance, seen in (
        (stated.by_ranking, ranked & own),
        (stated.by_challenger, ranked & ~own),
        (stated.by_floor, arms == FLOOR),
        (stated.by_ranking + stated.by_challenger + stated.by_floor, arms != NONE),
    ):
        error = np.sqrt(chance * (1 - chance) / DRAWS)
        assert (np.abs(seen.mean(axis=0) - chance) <= SIGMAS * error + 1e-12).all()
    assert ((arms != NONE).sum(axis=1) == design.used).all()


def test_the_three_chances_of_a_port_written_out():
    # Two ranked slots: the champion wants 0 and 1, the challenger 0 and 2; one floor slot among the three left over.
    design = Design.of(4, 3, 1 / 3)
    draw = drawn(design, 1, np.array([0.9, 0.8, 0.2, 0.1]), np.array([0.9, 0.1, 0.8, 0.2]), np.zeros(4, dtype=bool))
    assert draw.by_ranking.tolist() == [1, 0.5, 0, 0]
    assert draw.by_challenger.tolist() == [0, 0, 0.5, 0]
    assert draw.by_floor == pytest.approx([0, 0.5 / 2, 0.5 / 2, 1 / 2])
    assert draw.pair.tolist() == [0, 1, 1, 0]


def test_tosses_are_fair_and_independent_of_each_other_and_of_the_rounding():
    design = Design.of(9, 4, 0.375)  # one or two floor slots
    risk = np.linspace(0.9, 0.1, 9)
    won, extra = [], []
    for seed in range(4000):
        draw = drawn(design, seed, risk, risk[::-1].copy(), np.zeros(9, dtype=bool))
        won.append([draw.arm[0] == RISK, draw.arm[1] == RISK])  # the champion's first two places, disputed always
        extra.append((draw.arm == FLOOR).sum() == 2)
    table = np.column_stack([won, extra]).astype(float)
    error = 1 / np.sqrt(len(table))
    assert np.abs(table[:, :2].mean(axis=0) - 0.5).max() <= SIGMAS * error / 2
    assert np.abs(np.corrcoef(table.T) - np.eye(3)).max() <= SIGMAS * error


def test_inverse_probability_weights_stay_unbiased_in_a_trial():
    design, (risk, rival, must) = Design.of(30, 8, 0.3), two_rankings(30, seed=8)
    risk, rival = risk + np.arange(30) * 1e-6, rival + np.arange(30) * 1e-6
    harm = np.random.default_rng(1).exponential(size=30)
    draws = [drawn(design, seed, risk, rival, must) for seed in range(3000)]
    weighted = harm / (draws[0].by_ranking + draws[0].by_challenger + draws[0].by_floor)
    totals = [weighted[draw.arm != NONE].sum() for draw in draws]
    assert abs(np.mean(totals) - harm.sum()) <= SIGMAS * np.std(totals) / np.sqrt(len(totals))


def test_the_toss_estimates_the_difference_between_the_models_without_bias():
    design, (risk, rival, must) = Design.of(40, 12, 1e-9), two_rankings(40, seed=4)
    risk, rival = risk + np.arange(40) * 1e-6, rival + np.arange(40) * 1e-6
    hits = np.random.default_rng(2).random(40) < 0.4
    ours, theirs = (drawn(design, 0, one, one, must).arm < FLOOR for one in (risk, rival))
    estimates = []
    for seed in range(3000):
        draw = drawn(design, seed, risk, rival, must)
        if (draw.arm == FLOOR).any():
            continue  # one ranked slot less: another contest
        won, for_them = (draw.arm == RISK) & (draw.pair > 0), draw.rival_rank < draw.rank
        estimates.append(2.0 * (hits[won & for_them].sum() - hits[won & ~for_them].sum()))
    expected = hits[theirs].sum() - hits[ours].sum()
    assert expected != 0
    assert abs(np.mean(estimates) - expected) <= SIGMAS * np.std(estimates) / np.sqrt(len(estimates))


def test_a_rival_that_agrees_changes_nothing():
    design, (risk, _, must) = Design.of(30, 9, 0.25), two_rankings(30)
    for seed in range(50):
        alone = draw(names(30), risk, must, design, Lottery(seed, DAY, "2704"))
        agreed = drawn(design, seed, risk, risk.copy(), must)
        for field in alone.__slots__:
            assert (getattr(alone, field) == getattr(agreed, field)).all()
        assert not agreed.pair.any()


@given(st.integers(1, 40), st.integers(0, 45), st.floats(1e-9, 1), st.integers(0, 2**32 - 1))
def test_chances_add_up_to_the_slots_and_none_is_zero(shipments, slots, share, seed):
    design, (risk, rival, must) = Design.of(shipments, slots, share), two_rankings(shipments, seed)
    draw = drawn(design, seed, risk, rival, must)
    chance = draw.by_ranking + draw.by_challenger + draw.by_floor
    assert chance.sum() == pytest.approx(design.used, abs=1e-9)
    assert (chance <= 1 + 1e-12).all()
    assert design.used == 0 or (chance > 0).all()
    assert (draw.arm != NONE).sum() == design.used
    assert not draw.pair[must].any()


@given(st.permutations(range(20)), st.integers(0, 2**32 - 1))
def test_the_draw_does_not_depend_on_the_order_of_rows(order, seed):
    design, (risk, rival, must) = Design.of(20, 8, 0.45), two_rankings(20, seed)
    lottery = Lottery(seed, DAY, "2704")
    straight = draw(names(20), risk, must, design, lottery, rival)
    mixed = draw(names(20)[order], risk[order], must[order], design, lottery, rival[order])
    for field in straight.__slots__:
        assert (getattr(straight, field)[order] == getattr(mixed, field)).all()


def test_what_the_toss_gave_is_worked_by_the_place_its_model_gave_it():
    risk = np.linspace(0.9, 0.1, 9)
    for seed in range(20):
        draw = drawn(Design.of(9, 3, 1e-9), seed, risk, risk[::-1].copy(), np.zeros(9, dtype=bool))
        asked = np.minimum(draw.rank, draw.rival_rank)
        first = np.argsort(draw.priority)[: int((draw.arm == RISK).sum())]
        assert (np.diff(asked[first]) >= 0).all()
        assert ARM_ORDER[draw.arm[first[0]]] == "risk"


# A day with two models.


def make_day(seed=0, ports=None):
    random, ports = np.random.default_rng(seed), ports or {"A": 40, "B": 12}
    rows = [f"{port}{number:03d}" for port, count in ports.items() for number in range(count)]
    day = pd.DataFrame(index=pd.Index(random.permutation(rows), name="shipment_id", dtype="str"))
    day["port"] = [name[0] for name in day.index]
    day["watched"] = random.random(len(day)) < 0.1
    for column in ("any", "their_any"):
        day[column] = random.integers(0, 20, len(day)) / 20
    for hazard in HAZARDS:
        day[hazard] = random.choice([np.nan, 0.0, 0.1, 0.3], len(day))
        day[f"their_{hazard}"] = random.choice([np.nan, 0.0, 0.1, 0.3], len(day))
    return day


def run(day, capacity=None, settings=None, rules=(WATCH,)):
    capacity = capacity or Capacity(ports={"A": 12, "B": 4})
    theirs = [f"their_{name}" for name in ("any", *HAZARDS)]
    rival = Rival("7", day[theirs].rename(columns=lambda name: name.removeprefix("their_")))
    found = match(rules, day, DAY)
    return select(day, day[list(HAZARDS)], found, capacity, settings or Selection(), DAY, rival)


def published(result):
    return result.frame.join(result.exam_probabilities).sort_index()


days = st.builds(
    lambda seed, counts: make_day(seed, dict(zip("ABCD", counts, strict=False))),
    seed=st.integers(0, 2**32 - 1),
    counts=st.lists(st.integers(1, 25), min_size=1, max_size=4),
)
capacities = st.builds(
    Capacity,
    default_share=st.floats(0, 0.5),
    ports=st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 50)),
)
settings = st.builds(Selection, seed=st.integers(), floor_share=st.floats(0, 1, exclude_min=True))


@few
@given(days, capacities, settings)
def test_a_day_keeps_its_promises_during_a_trial(day, capacity, settings):
    result = run(day, capacity, settings)
    frame = result.frame
    examined = frame["recommendation"].eq("examine").groupby(day["port"]).sum()
    assert examined.to_dict() == result.slots["used"].to_dict()
    outside = day["port"].isin(result.ports_without_capacity)
    assert ((frame["inclusion_probability"] > 0) == ~outside).all()
    assert result.exam_probabilities.sum(axis=1).to_numpy() == pytest.approx(frame["inclusion_probability"], abs=1e-12)
    assert all(reasons[0]["text"] for reasons in frame["reasons"])
    for dispute in result.disputed:
        pair = [dispute.champion, dispute.challenger]
        assert not day.loc[pair, "watched"].any()
        assert set(day.loc[pair, "port"]) == {dispute.port}
        assert frame.at[getattr(dispute, dispute.examined), "arm"] == "risk"
        assert not frame.loc[pair, "arm"].eq("risk").all()
        assert frame.loc[pair, "inclusion_probability"].between(0.04, 1).all()


@few
@given(days, capacities, settings, st.randoms())
def test_neither_order_nor_other_ports_change_anything(day, capacity, settings, random):
    alone = run(day, capacity, settings)
    mixed = run(day.loc[random.sample(list(day.index), len(day))], capacity, settings)
    assert_frame_equal(published(alone), published(mixed), check_exact=True)
    assert alone.disputed == mixed.disputed
    foreign = day.rename(index="Z{}".format).assign(port="Z")
    both = run(pd.concat([foreign, day]), capacity, settings)
    assert_frame_equal(published(both).drop(foreign.index), published(alone), check_exact=True)
    assert tuple(one for one in both.disputed if one.port != "Z") == alone.disputed


def test_the_winner_gets_the_exam_its_own_model_orders_and_the_chances_say_so():
    day = make_day(5, {"A": 30}).assign(watched=False, narcotics=0.0, ipr=0.0, undervaluation=0.4)
    day = day.assign(their_narcotics=0.0, their_ipr=0.4, their_undervaluation=0.0)
    # The floor's least share, a slot in twenty days, shifts a pair at the edge by a little.
    result = run(day, Capacity(ports={"A": 12}), Selection(floor_share=1e-9, floor_exam="nii"))
    assert {one.examined for one in result.disputed} == {"champion", "challenger"}
    for one in result.disputed:
        chances = result.exam_probabilities.loc[[one.champion, one.challenger]]
        assert chances["document"].tolist() == [pytest.approx(0.5, abs=0.03), 0]
        assert chances["intensive"].tolist() == [0, pytest.approx(0.5, abs=0.03)]
        winner = getattr(one, one.examined)
        assert result.frame.at[winner, "exam_type"] == ("document" if one.examined == "champion" else "intensive")


def test_reasons_name_the_slot_who_asked_and_how_the_toss_fell():
    result = run(make_day(1, {"A": 40}))
    text = {name: reasons[0]["text"] for name, reasons in result.frame["reasons"].items()}
    told = {"champion": "the champion", "challenger": "the challenger (model 7)"}
    assert {one.examined for one in result.disputed} == {"champion", "challenger"}
    for one in result.disputed:
        winner, loser = one.examined, "champion" if one.examined == "challenger" else "challenger"
        asked = f"disputed slot {one.pair}: asked for by "
        assert text[getattr(one, winner)].endswith(f"; {asked}{told[winner]}, which won the toss")
        assert text[getattr(one, loser)].endswith(f"; {asked}{told[loser]}, which lost the toss")
    named = {name for one in result.disputed for name in (one.champion, one.challenger)}
    assert not any("toss" in text[name] for name in set(text) - named)


def test_the_reason_of_a_challengers_pick_speaks_of_its_own_score():
    day = make_day(1, {"A": 40})
    result = run(day)
    for one in result.disputed:
        if one.examined == "challenger":
            reason = result.frame.at[one.challenger, "reasons"][0]["text"]
            assert reason.startswith(f"risk score {day.at[one.challenger, 'their_any']:.3f}, rank ")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda scores: scores.iloc[1:], "not in both day and the challenger's scores: 1"),
        (lambda scores: scores.assign(any=np.nan), "challenger's risk is null or no probability: 52"),
    ],
)
def test_scores_that_would_rank_wrongly_are_refused(spoil, message):
    day = make_day()
    rival = Rival("7", spoil(day[["any", *HAZARDS]]))
    with pytest.raises(RunError, match=message):
        select(day, day[list(HAZARDS)], match((), day, DAY), Capacity(), Selection(), DAY, rival)


# What a trial says.


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
