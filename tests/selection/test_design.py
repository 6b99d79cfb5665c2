"""The design does what it says: frequencies of 10,000 draws against the stated chances."""

from collections import Counter
from datetime import date
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.selection.design import ARM_ORDER, MIN_FLOOR, Design, Draw, draw
from riskscore.selection.lottery import Lottery

DAY = date(2026, 3, 2)
DRAWS = 10_000
SIGMAS = 4.5  # two-sided chance of 7e-6 per comparison, and the seeds are fixed

designs = st.builds(
    Design.of,
    shipments=st.integers(1, 300),
    slots=st.integers(0, 350),
    floor_share=st.floats(1e-12, 1.0, exclude_min=True),
)


def ids(count):
    return np.array([f"S{number:04d}" for number in range(count)], dtype=object)


def drawn(design, seed, risk=None, must=None, port="2704") -> Draw:
    count = design.shipments
    risk = np.linspace(0.9, 0.1, count) if risk is None else risk
    must = np.zeros(count, dtype=bool) if must is None else must
    return draw(ids(count), risk, must, design, Lottery(seed, DAY, port))


def selected(draw):
    return draw.arm < ARM_ORDER.index("none")


@pytest.mark.parametrize(
    ("shipments", "slots", "floor_share"),
    [(12, 1, 0.1), (12, 4, 0.25), (12, 3, 0.5), (9, 8, 0.3), (10, 5, 1.0)],
    ids=["below one", "exactly one", "one and a half", "nearly all", "all random"],
)
def test_frequencies_of_ten_thousand_draws_are_the_stated_chances(shipments, slots, floor_share):
    # Every second risk equal: a floor that shared its hash with the tie-break would show by rank.
    design, risk = Design.of(shipments, slots, floor_share), np.arange(shipments) % 2 * 0.5
    arms = np.array([draw.arm[np.argsort(draw.rank)] for draw in (drawn(design, s, risk) for s in range(DRAWS))])
    by_ranking, by_floor = design.chances()
    for stated, arm in ((by_ranking, "risk"), (by_floor, "random_floor")):
        seen = (arms == ARM_ORDER.index(arm)).mean(axis=0)
        assert (np.abs(seen - stated) <= SIGMAS * np.sqrt(stated * (1 - stated) / DRAWS) + 1e-12).all()


def test_inverse_probability_weights_give_an_unbiased_total():
    design, harm = Design.of(30, 6, 0.4), np.random.default_rng(1).exponential(size=30)
    weighted = harm / sum(design.chances())
    totals = [weighted[selected(drawn(design, seed))].sum() for seed in range(3000)]
    assert abs(np.mean(totals) - harm.sum()) <= SIGMAS * np.std(totals) / np.sqrt(len(totals))


def test_a_port_that_can_examine_everything_does():
    for slots in (6, 7, 100):
        draw = drawn(Design.of(6, slots, 0.5), seed=1)
        assert draw.by_ranking.tolist() == [1.0] * 6
        assert [ARM_ORDER[arm] for arm in draw.arm] == ["risk"] * 6


def test_every_pair_of_the_rest_is_drawn_equally_often():
    design = Design.of(7, 3, 0.7)  # 2.1 floor slots; with seed-wise rounding mostly pairs
    pairs = Counter(
        pair
        for seed in range(5000)
        for pair in combinations(np.flatnonzero(drawn(design, seed).arm == 2), 2)
        if pair[0] >= 1
    )
    mean = sum(pairs.values()) / 15
    assert len(pairs) == 15
    assert max(abs(count - mean) for count in pairs.values()) <= SIGMAS * np.sqrt(mean)


def test_equal_risks_share_the_ranked_slots_alike():
    design = Design.of(5, 2, 1e-9)
    first = Counter(int(np.argmax(drawn(design, seed, np.full(5, 0.2)).rank == 1)) for seed in range(5000))
    assert max(abs(first[place] - 1000) for place in range(5)) <= SIGMAS * np.sqrt(1000 * 0.8)


@given(designs)
def test_chances_add_up_to_the_slots_used_and_none_is_zero(design):
    by_ranking, by_floor = design.chances()
    chance = by_ranking + by_floor
    assert chance.sum() == pytest.approx(design.used, abs=1e-9)
    assert (chance <= 1 + 1e-12).all()
    assert design.used == 0 or (chance > 0).all()


@given(designs)
def test_earlier_places_never_have_a_smaller_chance(design):
    assert (np.diff(sum(design.chances())) <= 1e-12).all()


@given(designs, st.integers(), st.data())
def test_exactly_the_slots_are_used_and_only_possible_exams_happen(design, seed, data):
    must = np.array(data.draw(st.lists(st.booleans(), min_size=design.shipments, max_size=design.shipments)))
    draw = drawn(design, seed, must=must)
    assert selected(draw).sum() == design.used
    assert (draw.by_ranking[np.isin(draw.arm, [0, 1])] > 0).all()
    assert (draw.by_floor[draw.arm == ARM_ORDER.index("random_floor")] > 0).all()
    assert selected(draw)[draw.by_ranking == 1].all()
    assert sorted(draw.priority) == sorted(draw.rank) == list(range(1, design.shipments + 1))


@given(st.integers(2, 400), st.floats(1e-300, 1e-3))
def test_the_floor_has_a_least_size(shipments, floor_share):
    chance = sum(Design.of(shipments, 1, floor_share).chances())
    assert chance.min() == pytest.approx(MIN_FLOOR / shipments)


def test_shares_that_are_whole_numbers_of_slots_stay_whole():
    assert Design.of(200, 100, 0.07).floor == 7.0  # 0.07 * 100 = 7.000000000000001 in binary


def test_matched_rules_come_first_then_risk():
    draw = drawn(Design.of(4, 3, 1e-9), 6, np.array([0.9, 0.1, 0.8, 0.3]), np.array([0, 1, 0, 1], dtype=bool))
    assert draw.rank.tolist() == [3, 2, 4, 1]
    assert [ARM_ORDER[arm] for arm in draw.arm] == ["risk", "must_exam", "none", "must_exam"]


@given(st.permutations(range(20)), st.integers())
def test_the_draw_does_not_depend_on_the_order_of_rows(order, seed):
    design, risk = Design.of(20, 6, 0.45), np.repeat([0.5, 0.2, 0.2, 0.1], 5)
    lottery, must = Lottery(seed, DAY, "2704"), np.arange(20) % 7 == 0
    straight = draw(ids(20), risk, must, design, lottery)
    mixed = draw(ids(20)[order], risk[order], must[order], design, lottery)
    for field in ("arm", "rank", "priority", "by_ranking", "by_floor"):
        assert (getattr(straight, field)[order] == getattr(mixed, field)).all()


def test_ports_days_and_seeds_draw_apart():
    lotteries = [Lottery(1, DAY, "1"), Lottery(2, DAY, "1"), Lottery(1, DAY, "2"), Lottery(1, date.min, "1")]
    first = [tuple(lottery.tickets(["S"])[0]) for lottery in lotteries]
    assert len({number for pair in first for number in pair}) == 8
    assert len({lottery.uniform("rounding") for lottery in lotteries}) == 4


def test_the_draw_is_the_same_on_every_machine():
    # Frozen: a change here re-draws the past, so that no earlier day can be replayed to its bytes.
    lottery = Lottery(20260101, DAY, "2704")
    assert lottery.uniform("rounding") == 0.557378751186182
    assert lottery.tickets(["S0001"]).tolist() == [[377284151890266106, 7294716223787531859]]
