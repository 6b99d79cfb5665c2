"""Champion and challenger share the slots they dispute by fair tosses: the design of a port, and a day with both."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from riskscore.config import Capacity, Condition, Config, MustExam, Selection
from riskscore.errors import RunError
from riskscore.selection import Rival, match, select
from riskscore.selection.design import ARM_ORDER, draw
from riskscore.selection.lottery import Lottery
from tests.selection.days import capacities, days_of, few, published, settings
from tests.selection.test_design import (
    DRAWS,
    FLOOR,
    KINDS,
    MUST,
    NONE,
    NOVELTY,
    RISK,
    SIGMAS,
    chance,
    drawn,
    draws_of,
    examined,
    make_port,
    plain,
)

DAY = date(2026, 3, 2)
HAZARDS = ("narcotics", "ipr", "undervaluation")

WATCH = MustExam(
    id="watch", exam="nii", owner="port", reason="on the watch-list",
    where=(Condition(column="watched", op="eq", value=True),),
)  # fmt: skip


# The design of one port.


def disputed(count, slots, floor_share, seed=3, **given):
    """A port with two rankings, and a must-exam among the least worth."""
    port = make_port(count, plain(slots), floor_share, seed=seed, must=[(count - 1, 0)], **given)
    return replace(port, rival_values=np.random.default_rng(seed + 1).random((count, KINDS)))


CASES = {
    "two slots, floor below one": disputed(8, 2, 0.1),
    "floor of exactly one": disputed(12, 4, 0.25, strata=2),
    "one and a half": disputed(12, 5, 0.3, strata=3, novelty_share=0.1),
    "nearly all": disputed(9, 8, 0.3),
    "all random": disputed(10, 5, 1.0),
}


@pytest.mark.parametrize("case", CASES)
def test_frequencies_of_the_draws_are_the_stated_chances(case):
    draws = draws_of(CASES[case], DRAWS // 2)
    arms = np.array([found.arm for found in draws])
    own = np.array([(found.rank < found.rival_rank) | (found.pair == 0) for found in draws])
    ranked, stated = arms <= RISK, draws[0]
    for expected, seen in (
        (stated.by_ranking, ranked & own),
        (stated.by_challenger, ranked & ~own),
        (stated.by_floor, arms == FLOOR),
        (stated.by_novelty, arms == NOVELTY),
        (chance(stated), arms != NONE),
    ):
        error = np.sqrt(expected * (1 - expected).clip(0) / len(draws))
        assert (np.abs(seen.mean(axis=0) - expected) <= SIGMAS * error + 1e-9).all()
    assert ((arms != NONE).sum(axis=1) == min(CASES[case].room.slots, len(CASES[case]))).all()


def test_the_three_chances_of_a_port_written_out():
    # Two ranked slots: the champion wants 0 and 1, the challenger 0 and 2; one floor slot among the three left over.
    ours, theirs = np.array([0.9, 0.8, 0.2, 0.1]), np.array([0.9, 0.1, 0.8, 0.2])
    port = make_port(4, plain(3), 1 / 3, proportional=1.0, worth=ours[:, None] * np.ones(KINDS))
    found = drawn(replace(port, rival_values=theirs[:, None] * np.ones(KINDS)), 1)
    assert found.by_ranking.tolist() == [1, 0.5, 0, 0]
    assert found.by_challenger.tolist() == [0, 0, 0.5, 0]
    assert found.by_floor == pytest.approx([0, 0.5 / 2, 0.5 / 2, 1 / 2])
    assert found.pair.tolist() == [0, 1, 1, 0]


def test_tosses_are_fair_and_independent_of_each_other_and_of_the_rounding():
    worth = np.linspace(0.9, 0.1, 9)[:, None] * np.ones(KINDS)
    port = replace(make_port(9, plain(4), 0.375, worth=worth), rival_values=worth[::-1].copy())  # one or two at random
    draws = draws_of(port, 4000)
    won = [[found.arm[0] == RISK, found.arm[1] == RISK] for found in draws]  # the champion's first two, disputed always
    table = np.column_stack([won, [(found.arm == FLOOR).sum() == 2 for found in draws]]).astype(float)
    error = 1 / np.sqrt(len(table))
    assert np.abs(table[:, :2].mean(axis=0) - 0.5).max() <= SIGMAS * error / 2
    assert np.abs(np.corrcoef(table.T) - np.eye(3)).max() <= SIGMAS * error


def test_inverse_probability_weights_stay_unbiased_in_a_trial():
    port = disputed(30, 8, 0.3, seed=8, strata=3, novelty_share=0.1)
    harm = np.random.default_rng(1).exponential(size=30)
    draws = draws_of(port, 3000)
    weighted = harm / chance(draws[0])
    totals = [weighted[examined(found)].sum() for found in draws]
    assert abs(np.mean(totals) - harm.sum()) <= SIGMAS * np.std(totals) / np.sqrt(len(totals))


def test_the_toss_estimates_the_difference_between_the_models_without_bias():
    port, hits = disputed(40, 12, 1e-9, seed=4), np.random.default_rng(2).random(40) < 0.4
    ours, theirs = (
        drawn(replace(port, values=values, rival_values=None), 1).arm < FLOOR
        for values in (port.values, port.rival_values)
    )
    assert ours.sum() == theirs.sum() == 12
    estimates = []
    for found in draws_of(port, 3000):
        if (found.arm == FLOOR).any():
            continue  # one ranked slot less: another contest
        won, for_them = (found.arm == RISK) & (found.pair > 0), found.rival_rank < found.rank
        estimates.append(2.0 * (hits[won & for_them].sum() - hits[won & ~for_them].sum()))
    expected = hits[theirs].sum() - hits[ours].sum()
    assert expected != 0
    assert abs(np.mean(estimates) - expected) <= SIGMAS * np.std(estimates) / np.sqrt(len(estimates))


def test_a_rival_that_agrees_changes_nothing():
    alone = replace(disputed(30, 9, 0.25), rival_values=None)
    agreed = replace(alone, rival_values=alone.values.copy())
    for seed in range(50):
        one, other = drawn(alone, seed), drawn(agreed, seed)
        assert all(np.array_equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
        assert not other.pair.any()


@given(st.integers(1, 40), st.integers(0, 45), st.floats(1e-9, 1), st.integers(0, 2**32 - 1))
def test_chances_add_up_to_the_slots_and_none_is_zero(shipments, slots, share, seed):
    port = disputed(shipments, slots, share, seed=seed, strata=3)
    found = drawn(port, seed)
    used = min(shipments, slots)
    assert chance(found).sum() == pytest.approx(used, abs=1e-9)
    assert (chance(found) <= 1 + 1e-12).all()
    assert used == 0 or (chance(found) > 0).all()
    assert examined(found).sum() == used
    assert not found.pair[port.must >= 0].any()


@given(st.permutations(range(20)), st.integers(0, 2**32 - 1))
def test_the_draw_does_not_depend_on_the_order_of_rows(order, seed):
    straight = disputed(20, 8, 0.45, seed=seed, strata=2)
    names = ("shipment_ids", "values", "must", "stratum", "novelty", "rival_values")
    mixed = replace(straight, **{name: getattr(straight, name)[order] for name in names})
    one, other = drawn(straight, seed), drawn(mixed, seed)
    for name in ("arm", "exam", "rank", "rival_rank", "pair", "priority"):
        assert (getattr(one, name)[order] == getattr(other, name)).all()
    assert chance(one)[order] == pytest.approx(chance(other), abs=1e-12)


def test_what_the_toss_gave_is_worked_by_the_place_its_model_gave_it():
    worth = np.linspace(0.9, 0.1, 9)[:, None] * np.ones(KINDS)
    port = replace(make_port(9, plain(3), 1e-9, worth=worth), rival_values=worth[::-1].copy())
    for seed in range(20):
        found = draw(port, Lottery(seed, DAY, "2704"))
        asked = np.minimum(found.rank, found.rival_rank)
        first = np.argsort(found.priority)[: int((found.arm == RISK).sum())]
        assert (np.diff(asked[first]) >= 0).all()
        assert ARM_ORDER[found.arm[first[0]]] == "risk"
        assert not (found.arm == MUST).any()


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
    config = Config(
        capacity=capacity or Capacity(ports={"A": 12, "B": 4}),
        selection=(settings or Selection()).model_copy(update={"high_risk_threshold": 1.0}),
    )
    theirs = [f"their_{name}" for name in ("any", *HAZARDS)]
    rival = Rival("7", day[theirs].rename(columns=lambda name: name.removeprefix("their_")))
    found = match(rules, day, DAY)
    return select(day, day[list(HAZARDS)], found, config, DAY, rival)


days = days_of(make_day)


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
            assert reason.startswith(f"risk score {day.at[one.challenger, 'their_any']:.3f} of model 7; rank ")


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
        select(day, day[list(HAZARDS)], match((), day, DAY), Config(), DAY, rival)


def test_the_credit_of_a_shipment_is_taken_off_each_models_own_risk():
    day = make_day(5, {"A": 30}).assign(watched=False, tier=3.0)
    ours, theirs = (day[name].copy() for name in ("any", "their_any"))
    selection = Selection(high_risk_threshold=1.0, programme_credits={"tier_3": 0.3})
    config = Config(capacity=Capacity(ports={"A": 12}), selection=selection)
    columns = ["their_any", *(f"their_{name}" for name in HAZARDS)]
    rival = Rival("7", day[columns].rename(columns=lambda name: name.removeprefix("their_")))
    credited = select(day, day[list(HAZARDS)], match((), day, DAY), config, DAY, rival)
    lowered = day.assign(tier=np.nan, any=(ours - 0.3).clip(lower=0), their_any=(theirs - 0.3).clip(lower=0))
    other = Rival("7", lowered[columns].rename(columns=lambda name: name.removeprefix("their_")))
    plain = select(lowered, day[list(HAZARDS)], match((), day, DAY), config, DAY, other)
    assert credited.disputed == plain.disputed


def test_a_port_with_limits_of_its_own_stands_outside_the_trial():
    day = make_day(5, {"A": 30, "B": 30})
    result = run(day, Capacity(ports={"A": 12, "B": 12}, exams={"B": {"lab": 3}}))
    assert {one.port for one in result.disputed} == {"A"}
