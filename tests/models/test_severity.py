from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore import reference
from riskscore.errors import ModelError
from riskscore.models import severity
from riskscore.models.severity import POOLED_CASES, PRIOR_CASES, PRIORS, HazardSeverity, Severity

LEARNED = reference.learned_hazards()
NOTHING = pd.DataFrame(
    {"shipment_id": pd.Series(dtype=str), "result": pd.Series(dtype=str), "hazard": pd.Series(dtype=str)}
).assign(amount_usd=pd.Series(dtype=float))


def cases(amounts, hazard="ipr", result="seized", first=0):
    """One confirmed case per amount; shipments S<first>, S<first + 1>, ..."""
    ids = [f"S{first + at:06d}" for at in range(len(amounts))]
    return pd.DataFrame({"shipment_id": ids, "result": result, "hazard": hazard, "amount_usd": amounts})


def valued(values):
    return pd.Series(values, index=[f"S{at:06d}" for at in range(len(values))], dtype=float)


def draw(size, flat, per, seed=0, sigma=1.0):
    """Amounts of mean flat + per * value: log-normal about it; values log-normal with median 20,000 USD."""
    rng = np.random.default_rng(seed)
    value = 20_000 * rng.lognormal(0, 1.2, size)
    return value, (flat + per * value) * rng.lognormal(-(sigma**2) / 2, sigma, size)


def flat_severity(usd, share=0.0, cases=9):
    return HazardSeverity(usd, 0.0, 0.0, share, cases, 0.0)


def made(**usd):
    """A severity of flat harms, 0 where not named."""
    return Severity({name: flat_severity(usd.get(name, 0.0)) for name in LEARNED}, math.inf)


@pytest.mark.parametrize(("flat", "per"), [(9_000.0, 0.0), (0.0, 0.3), (5_000.0, 0.5)])
def test_recovers_known_severities(flat, per):
    value, amount = draw(8_000, flat, per)
    found = severity.fit(cases(amount), valued(value)).hazards["ipr"]
    typical = flat + per * 20_000
    # Clipping costs some 3 % of a log-normal mean with sigma 1.
    assert found.flat_usd + found.per_usd * 20_000 == pytest.approx(typical, rel=0.08)
    assert found.flat_usd == pytest.approx(flat, rel=0.15, abs=0.02 * typical)
    assert found.per_usd == pytest.approx(per, rel=0.15, abs=1e-3)
    assert found.cases == 8_000


def test_flat_harm_of_few_cases_is_not_taken_for_a_slope():
    drawn = [draw(40, 10_000.0, 0.0, seed) for seed in range(40)]
    slopes = [severity.fit(cases(amount), valued(value)).hazards["ipr"].per_usd for value, amount in drawn]
    assert slopes.count(0.0) >= 34


def test_a_slope_is_seen_in_few_cases_where_there_is_one():
    found = [severity.fit(cases(draw(40, 0.0, 0.3, s)[1]), valued(draw(40, 0.0, 0.3, s)[0])) for s in range(8)]
    assert np.median([f.hazards["ipr"].per_usd for f in found]) == pytest.approx(0.3, rel=0.35)


def test_weights_undo_a_selection_by_amount():
    value, amount = draw(20_000, 10_000.0, 0.0)
    chance = np.where(amount > 10_000, 0.8, 0.1)
    kept = np.random.default_rng(1).random(len(amount)) < chance
    rows, weights = cases(amount)[kept], valued(1 / chance)
    weighted = severity.fit(rows, valued(value), weights).hazards["ipr"]
    unweighted = severity.fit(rows, valued(value)).hazards["ipr"]
    assert weighted.flat_usd == pytest.approx(10_000, rel=0.08)
    assert unweighted.flat_usd > 13_000


def test_a_hazard_has_weights_of_its_own_where_the_frame_has_them():
    rows, values = cases([1_000.0, 9_000.0]), valued([1.0, 1.0])
    weights = pd.DataFrame({"weight": 1.0, "weight_ipr": [9.0, 1.0], "weight_narcotics": 1.0}, index=values.index)
    own, shared = (severity.fit(rows, values, w).hazards["ipr"] for w in (weights, weights[["weight"]]))
    assert own == severity.fit(rows, values, weights["weight_ipr"]).hazards["ipr"]
    assert own.prior_weight > shared.prior_weight


def test_one_absurd_amount_counts_as_a_large_one():
    value, amount = draw(100, 10_000.0, 0.0, seed=3)
    absurd = np.append(amount, 1e11)
    usual, odd = (severity.fit(cases(a), valued(np.append(value, 1.0))).hazards["ipr"] for a in (amount, absurd))
    assert odd.flat_usd < 1.15 * usual.flat_usd
    assert odd.per_usd * 20_000 < 0.1 * odd.flat_usd


def test_without_amounts_the_prior_stands_and_the_json_says_so():
    entry = severity.fit(NOTHING, valued([])).as_json()["hazards"]["forced_labour"]
    assert (entry["flat_usd"], entry["per_usd"]) == (PRIORS["forced_labour"].flat_usd, PRIORS["forced_labour"].per_usd)
    assert (entry["basis"], entry["cases"], entry["prior_weight"]) == ("prior alone", 0, 1.0)
    assert "low confidence" in entry["prior"]


def test_the_prior_weighs_as_much_as_its_cases():
    equal = cases([20_000.0] * int(PRIOR_CASES))
    found = severity.fit(equal, valued([100.0] * len(equal))).hazards["ipr"]
    assert found.prior_weight == pytest.approx(0.5)
    assert found.flat_usd == pytest.approx((20_000 + PRIORS["ipr"].flat_usd) / 2)


def test_every_learned_hazard_has_a_prior_and_rule_only_ones_have_none():
    assert set(PRIORS) == set(LEARNED)


@pytest.mark.parametrize("result", ["detained", "detained_released", "not_examined", "bill_deleted"])
def test_only_confirmed_cases_count(result):
    assert severity.fit(cases([1e6], result=result), valued([1.0])).hazards["ipr"].cases == 0


def test_a_shipment_that_leaves_every_evaluation_leaves_this_one():
    rows = pd.concat([cases([1e6]), cases([np.nan], result="scored_after_release")])
    assert severity.fit(rows, valued([1.0])).hazards["ipr"].cases == 0


def test_a_finding_repeated_by_a_later_exam_counts_once():
    once, twice = cases([8_000.0]), pd.concat([cases([8_000.0]), cases([5_000.0])])
    assert severity.fit(twice, valued([1.0])) == severity.fit(once, valued([1.0]))


def test_an_unrecorded_amount_counts_for_the_mix_only():
    rows = pd.concat([cases([4_000.0, np.nan]), cases([1.0], "agriculture", first=1), cases([1.0], "agriculture")])
    found = severity.fit(rows, valued([1.0, 1.0])).hazards
    assert (found["ipr"].cases, found["ipr"].share, found["agriculture"].share) == (1, 1.0, 1.0)


def test_order_of_rows_does_not_matter():
    value, amount = draw(300, 4_000.0, 0.2)
    rows, values = cases(amount), valued(value)
    order = np.random.default_rng(2).permutation(len(rows))
    assert severity.fit(rows.iloc[order], values.iloc[order]) == severity.fit(rows, values)


money = st.floats(0, 1e12) | st.none()


@given(st.lists(st.tuples(money, money, st.floats(1e-3, 1e3)), max_size=8), money)
def test_never_negative_never_null(rows, declared):
    values = valued([value for value, _, _ in rows])
    weights = pd.Series([weight for *_, weight in rows], index=values.index, dtype=float)
    amounts = np.array([amount for _, amount, _ in rows], dtype=float)
    found = severity.fit(cases(amounts), values, weights)
    scores = pd.DataFrame({"any": [0.5, 0.0], "ipr": [0.2, 0.0]}, index=["A", "B"])
    harm = found.expected_harm(scores, pd.Series([declared, None], index=["A", "B"], dtype=float))
    assert np.isfinite(harm).all()
    assert harm["A"] >= 0
    assert harm["B"] == 0
    assert Severity.of_json(json.loads(json.dumps(found.as_json(), allow_nan=False))) == found


def test_a_hazard_s_chance_is_drawn_to_its_share_of_any():
    hazards = {name: flat_severity(0.0) for name in LEARNED}
    hazards |= {"ipr": flat_severity(100.0, 0.6, cases=600), "narcotics": flat_severity(9_000.0, 0.1)}
    scores = pd.DataFrame({"any": [0.5], "ipr": [0.4]}, index=["A"])
    known = Severity(hazards, math.inf)
    nothing = pd.Series([np.nan], index=["A"])
    own, pooled = 0.4, 0.5 * 0.6
    chance = (600 * own + POOLED_CASES * pooled) / (600 + POOLED_CASES)
    assert known.expected_harm(scores, nothing)["A"] == pytest.approx(chance * 100 + 0.5 * 0.1 * 9_000)
    assert known.expected_harm(scores[["any"]], nothing)["A"] == pytest.approx(0.5 * (0.6 * 100 + 0.1 * 9_000))


@pytest.fixture(scope="module")
def learned():
    value, amount = draw(30, 3_000.0, 0.2)
    rows = pd.concat([cases(amount), cases(amount[:10] * 7, "narcotics", first=5)])
    return severity.fit(rows, valued(value))


@given(chances=st.lists(st.floats(0, 1), min_size=4, max_size=4), rise=st.floats(0, 1), declared=money)
def test_a_higher_probability_never_means_less_harm(learned, chances, rise, declared):
    columns = ["any", "ipr", "narcotics", "agriculture"]
    lower = pd.DataFrame([chances] * len(columns), columns=columns)
    higher = lower.copy()
    for at in range(len(columns)):
        higher.iloc[at, at] = max(chances[at], rise)
    declared_values = pd.Series([declared] * len(columns), dtype=float)
    assert (learned.expected_harm(higher, declared_values) >= learned.expected_harm(lower, declared_values)).all()


def test_a_declared_value_beyond_all_that_was_seen_counts_as_the_largest():
    value, amount = draw(200, 0.0, 0.3)
    found = severity.fit(cases(amount), valued(value))
    scores = pd.DataFrame({"any": [0.1, 0.1]}, index=["A", "B"])
    harm = found.expected_harm(scores, pd.Series([value.max(), 1e12], index=["A", "B"]))
    assert harm["A"] == harm["B"] > 0


def test_scores_and_values_of_different_shipments_are_refused():
    with pytest.raises(ModelError, match="speak of different shipments"):
        made().expected_harm(pd.DataFrame({"any": [0.5]}, index=["A"]), pd.Series([1.0], index=["B"]))


def test_the_harm_of_each_hazard_adds_up_and_is_its_own(learned):
    scores = pd.DataFrame({"any": [0.3, 0.1], "ipr": [0.2, 0.0], "narcotics": [0.0, 0.1]}, index=["A", "B"])
    values = pd.Series([9_000.0, None], index=["A", "B"])
    parts = learned.harm_by_hazard(scores, values)
    assert tuple(parts.columns) == LEARNED
    pd.testing.assert_series_equal(parts.sum(axis=1), learned.expected_harm(scores, values), check_names=False)
    more = learned.harm_by_hazard(scores.assign(narcotics=[0.5, 0.1]), values)
    changed = (more != parts).loc["A"]
    assert changed[changed].index.tolist() == ["narcotics"]


def test_the_harm_of_each_hazard_refuses_values_of_other_shipments():
    with pytest.raises(ModelError, match="speak of different shipments"):
        made().harm_by_hazard(pd.DataFrame({"any": [0.5]}, index=["A"]), pd.Series([1.0], index=["B"]))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.pop("value_cap_usd"),
        lambda content: content.update(value_cap_usd=-1.0),
        lambda content: content.update(hazards=[]),
        lambda content: content["hazards"].pop("ipr"),
        lambda content: content["hazards"].update(sorcery=content["hazards"]["ipr"]),
        lambda content: content["hazards"]["ipr"].update(flat_usd=-1.0),
        lambda content: content["hazards"]["ipr"].update(per_usd=math.nan),
        lambda content: content["hazards"]["ipr"].update(share="1"),
    ],
)
def test_a_damaged_json_is_refused(damage):
    content = made().as_json()
    damage(content)
    with pytest.raises(ModelError, match="severity cannot be read"):
        Severity.of_json(content)


def test_ranking_by_expected_harm_finds_more_harm_at_lower_yield():
    """Eight hazards, of 1,000 USD and often to 128,000 USD and seldom, of known risk; 5 % are examined."""
    rng = np.random.default_rng(7)
    hazards, size = list(LEARNED[:8]), 60_000
    usual, rarity = 1_000.0 * 2.0 ** np.arange(8), 0.7 ** np.arange(8)
    chance = rarity * np.where(rng.random((size, 8)) < 0.05, rng.uniform(0.2, 0.9, (size, 8)), 0.005)
    there = rng.random(chance.shape) < chance
    harm = there * usual * rng.lognormal(-0.5, 1.0, there.shape)
    past, today = slice(0, size // 2), slice(size // 2, size)
    rows, which = np.nonzero(there[past])
    found = pd.DataFrame({"shipment_id": valued(np.zeros(size)).index[rows], "result": "seized"})
    found = found.assign(hazard=np.array(hazards)[which], amount_usd=harm[past][rows, which])
    known = severity.fit(found, valued(np.full(size, 100.0)))
    scores = pd.DataFrame(chance[today], columns=hazards).assign(any=1 - (1 - chance[today]).prod(axis=1))
    by_harm = known.expected_harm(scores, pd.Series(100.0, index=scores.index))
    chosen = [np.argsort(-ranking.to_numpy(), kind="stable")[: size // 40] for ranking in (by_harm, scores["any"])]
    of_harm, of_risk = (float(harm[today][rows].sum()) for rows in chosen)
    hits_of_harm, hits_of_risk = (int(there[today][rows].any(axis=1).sum()) for rows in chosen)
    assert of_harm > 1.1 * of_risk
    assert hits_of_harm < hits_of_risk
