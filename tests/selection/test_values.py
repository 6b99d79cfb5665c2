"""What an exam is worth: against a plain loop over shipments, exams and hazards."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore import reference
from riskscore.config import Blend, Exam, Selection
from riskscore.errors import ConfigError, RunError
from riskscore.selection.values import exam_values, expected_finds, expected_harm_found, revenue_hazards

EXAMS, LEARNED = reference.exams(), reference.learned_hazards()
SEES = reference.sensitivity()
BEST = {hazard: max(SEES[exam, hazard] for exam in EXAMS) for hazard in LEARNED}
HITS = Selection()

chances = st.none() | st.just(0.0) | st.floats(1e-6, 1)


def scored(hazards, risk=0.4):
    rows = max(len(values) for values in hazards.values()) if hazards else 1
    return pd.DataFrame({"any": [risk] * rows} | hazards, index=[f"S{at}" for at in range(rows)], dtype="float64")


@given(st.lists(st.tuples(st.floats(0, 1), chances, chances, chances), min_size=1, max_size=5))
def test_expected_finds_against_a_plain_loop(rows):
    names = ["narcotics", "undervaluation", "agriculture"]
    scores = pd.DataFrame(rows, columns=["any", *names], dtype="float64")
    found = expected_finds(scores)
    for place, (risk, *own) in enumerate(rows):
        mix = {hazard: chance / BEST[hazard] for hazard, chance in zip(names, own, strict=True) if chance}
        mix = mix or dict.fromkeys(LEARNED, 1.0)
        seen = {exam: sum(chance * SEES[exam, hazard] for hazard, chance in mix.items()) for exam in EXAMS}
        for exam in EXAMS:
            assert found.at[place, exam] == pytest.approx(risk * seen[exam] / max(seen.values()), abs=1e-12)


@given(st.lists(st.tuples(st.floats(0, 1), chances, chances), min_size=1, max_size=9))
def test_the_exam_that_suits_a_shipment_finds_all_that_was_forecast(rows):
    scores = pd.DataFrame(rows, columns=["any", "ipr", "agriculture"], dtype="float64")
    assert expected_finds(scores).max(axis=1).tolist() == scores["any"].tolist()


def test_no_exam_expects_more_finds_than_there_is_risk():
    scores = scored({"narcotics": [0.9, 0.0], "misclassification": [0.9, 0.9]}, risk=0.1)
    assert (expected_finds(scores) <= 0.1).all(axis=None)


def test_an_unknown_mix_is_worth_most_to_the_exam_that_sees_most():
    for scores in (scored({}), scored({"ipr": [None]}), scored({"ipr": [0.0]})):
        assert expected_finds(scores).idxmax(axis=1).tolist() == ["intensive"]


def test_a_scored_mix_is_worth_most_to_the_exam_that_sees_it():
    best = expected_finds(
        scored({"agriculture": [0.2, 0.0, 0.0], "undervaluation": [0.0, 0.2, 0.1], "ipr": [0, 0, 0.1]})
    )
    assert best.idxmax(axis=1).tolist() == ["agriculture", "document", "intensive"]


def test_harm_found_against_a_plain_loop():
    rng = np.random.default_rng(1)
    harm = pd.DataFrame(rng.exponential(1000.0, (6, len(LEARNED))), columns=list(LEARNED))
    harm.iloc[2, 3] = np.nan
    for hazards in (LEARNED, revenue_hazards()):
        found = expected_harm_found(harm, hazards)
        for place, exam in [(0, "document"), (2, "intensive"), (5, "lab")]:
            usd = sum(np.nan_to_num(harm.at[place, h]) * SEES[exam, h] / BEST[h] for h in hazards)
            assert found.at[place, exam] == pytest.approx(usd)


def test_each_objective_is_what_it_says():
    scores = scored({"ipr": [0.2], "undervaluation": [0.1]})
    harm = pd.DataFrame({"ipr": [900.0], "undervaluation": [400.0]}, index=scores.index)
    worth = {o: exam_values(scores, harm, Selection(objective=o), {}) for o in ("hits", "harm", "revenue")}
    pd.testing.assert_frame_equal(worth["hits"], expected_finds(scores))
    assert worth["harm"].at["S0", "intensive"] == pytest.approx(900 + 400 * 0.6)
    assert worth["revenue"].at["S0", "intensive"] == pytest.approx(400 * 0.6)
    assert tuple(worth["harm"].columns) == EXAMS


def test_a_blend_is_the_sum_of_its_weighted_parts_less_the_cost():
    scores = scored({"ipr": [0.2], "undervaluation": [0.1]})
    harm = pd.DataFrame({"ipr": [900.0], "undervaluation": [400.0]}, index=scores.index)
    settings = Selection(objective="blend", blend=Blend(hits=100.0, harm=0.5, revenue=2.0, cost=3.0))
    found = exam_values(scores, harm, settings, {"intensive": Exam(cost_usd=200.0)})
    assert found.at["S0", "intensive"] == pytest.approx(100 * 0.4 + 0.5 * 1140 + 2 * 240 - 3 * 200)
    assert found.at["S0", "nii"] == 0.0


def test_costs_weigh_in_the_blend_alone():
    scores = scored({"ipr": [0.2]})
    assert exam_values(scores, None, HITS, {"lab": Exam(cost_usd=9.0)}).equals(exam_values(scores, None, HITS, {}))


@pytest.mark.parametrize("objective", ["harm", "revenue", "blend"])
def test_an_objective_that_weighs_harm_needs_it(objective):
    with pytest.raises(ConfigError, match=f"'{objective}' needs the harm of each hazard"):
        exam_values(scored({"ipr": [0.2]}), None, Selection(objective=objective), {})


def test_harm_of_other_shipments_is_refused():
    scores = scored({"ipr": [0.2]})
    with pytest.raises(RunError, match="scores and harm speak of different shipments"):
        exam_values(scores, pd.DataFrame({"ipr": [1.0]}, index=["X"]), Selection(objective="harm"), {})


def test_a_column_that_is_no_hazard_is_refused():
    with pytest.raises(RunError, match="unknown hazards: sorcery"):
        expected_finds(scored({"sorcery": [0.2]}))
    with pytest.raises(RunError, match="unknown hazards: sorcery"):
        expected_harm_found(pd.DataFrame({"sorcery": [0.2]}))


def test_worth_does_not_depend_on_the_other_shipments_to_the_last_bit():
    rng = np.random.default_rng(2)
    scores = pd.DataFrame(rng.random((301, len(LEARNED))), columns=list(LEARNED)).assign(any=rng.random(301))
    whole, part = expected_finds(scores), expected_finds(scores.iloc[100:101])
    assert whole.iloc[100:101].equals(part)
