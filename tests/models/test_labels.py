from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore import reference
from riskscore.models.labels import label, targets, weight_column

COLUMNS = ["shipment_id", "exam_type", "result", "hazard", "inclusion_probability"]
COLUMNS_MADE = [*targets(), "weight", "uncorrected", *map(weight_column, reference.learned_hazards())]
CLEARED, HIT, HELD = "released_no_discrepancy", "seized", "detained"


def frame(*rows):
    return pd.DataFrame(list(rows), columns=COLUMNS)


def outcome(result, exam="intensive", hazard=None, shipment="A", chance=None):
    return (shipment, exam, result, hazard, chance)


def sees(exam, hazard):
    return reference.sensitivity().get((exam, hazard), 0) > 0


def oracle_hazard(rows, hazard):
    """One shipment, one hazard, one row at a time."""
    cleared = clear_by_name = pending = nameless = False
    for _, exam, result, named, _ in rows:
        doubtful = sees(exam, hazard) or exam not in reference.exams()
        if result in reference.POSITIVE:
            if named == hazard:
                return 1.0
            if named is None:
                nameless |= doubtful
            elif sees(exam, hazard):
                cleared = True
        elif result in reference.CLEAR and sees(exam, hazard):
            cleared |= named in {None, hazard}
            clear_by_name |= named == hazard
        elif result in reference.PENDING:
            pending |= named == hazard or (named is None and doubtful)
    unsure = pending or (nameless and not clear_by_name)
    return 0.0 if cleared and not unsure else math.nan


def oracle_any(rows):
    results = [row[2] for row in rows]
    if set(results) & set(reference.POSITIVE):
        return 1.0
    concluded = [
        r
        for r in rows
        if r[2] in reference.CLEAR and any(sees(r[1], h) and r[3] in {None, h} for h in reference.hazards())
    ]
    return 0.0 if concluded and not set(results) & set(reference.PENDING) else math.nan


def oracle(rows, deleted, given):
    """Labels by shipment, told apart by nothing but loops and dictionaries."""
    labels = {}
    for shipment in sorted({row[0] for row in rows}):
        own = [row for row in rows if row[0] == shipment]
        if shipment in deleted or any(row[2] in reference.EXCLUDED for row in own):
            continue
        values = [oracle_any(own), *(oracle_hazard(own, hazard) for hazard in reference.learned_hazards())]
        if not all(math.isnan(value) for value in values):
            chances = [row[4] for row in own if row[2] not in reference.UNLABELLED and row[4]]
            weight = 1 / max(chances) if chances else 1.0
            labels[shipment] = [*values, weight, not chances, *(oracle_weights(given.get(shipment), weight))]
    return labels


def oracle_weights(given, weight):
    """One weight per learned hazard, from the chances of the exams that can see it."""
    for hazard in reference.learned_hazards():
        seen = sum(chance for exam, chance in (given or {}).items() if sees(exam, hazard))
        yield 1 / min(seen, 1.0) if seen > 0 else weight


outcomes = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "C"]),
        st.sampled_from([*reference.exams(), None, "x-ray vision"]),
        st.sampled_from([CLEARED, CLEARED, HIT, HELD, *reference.results()]),
        st.sampled_from([None, None, *reference.hazards()]),
        st.sampled_from([None, 0.0, 0.001, 0.25, 1.0]),
    ),
    max_size=8,
)


recorded = st.dictionaries(
    st.sampled_from(["A", "B", "D"]),
    st.fixed_dictionaries({exam: st.sampled_from([0.0, 0.0, 0.01, 0.5]) for exam in reference.exams()}),
)


@given(outcomes, st.sets(st.sampled_from(["A", "D"])), recorded)
def test_labels_equal_the_oracle(rows, deleted, chances):
    table = pd.DataFrame.from_dict(chances, orient="index", columns=list(reference.exams()), dtype="float64")
    made = label(frame(*rows), deleted, chances=table)
    expected = oracle(rows, deleted, chances)
    assert list(made.index) == list(expected)
    assert list(made.columns) == COLUMNS_MADE
    for shipment, values in expected.items():
        np.testing.assert_allclose(made.loc[shipment].to_numpy(dtype=float), np.array(values, dtype=float), rtol=1e-12)


@given(outcomes, st.randoms(use_true_random=False))
def test_row_order_changes_nothing(rows, random):
    shuffled = random.sample(rows, len(rows))
    pd.testing.assert_frame_equal(label(frame(*rows)), label(frame(*shuffled)))


@given(st.lists(st.sampled_from(reference.UNLABELLED), min_size=1), st.sampled_from(reference.exams()))
def test_unexamined_is_never_labelled(results, exam):
    assert label(frame(*(outcome(result, exam, chance=0.5) for result in results))).empty


def test_no_outcomes_no_labels():
    made = label(frame())
    assert made.empty
    assert list(made.columns) == COLUMNS_MADE


@pytest.mark.parametrize(
    ("rows", "any_", "narcotics", "ipr", "undervaluation"),
    [
        pytest.param([outcome(CLEARED, "nii")], 0, 0, None, None, id="an x-ray says nothing about value"),
        pytest.param([outcome(HIT, hazard="ipr")], 1, 0, 1, 0, id="a hit clears what else the exam sees"),
        pytest.param([outcome(HIT)], 1, None, None, None, id="a hit that names nothing clears nothing"),
        pytest.param([outcome(HIT), outcome(CLEARED, hazard="ipr")], 1, None, 0, None, id="unless named clear"),
        pytest.param([outcome(HIT, exam=None, hazard="ipr")], 1, None, 1, None, id="a hit needs no exam"),
        pytest.param([outcome(CLEARED, exam=None)], None, None, None, None, id="no exam clears nothing"),
        pytest.param([outcome(CLEARED), outcome(HELD, "nii")], None, None, 0, 0, id="pending is censored"),
        pytest.param([outcome(CLEARED), outcome(HELD, hazard="ipr")], None, 0, None, 0, id="pending by name"),
        pytest.param([outcome(HIT, hazard="ipr"), outcome(HELD, hazard="ipr")], 1, 0, 1, 0, id="held yet hit"),
        pytest.param([outcome(CLEARED, "nii", "ipr")], None, None, None, None, id="cleared by a blind exam"),
    ],
)
def test_rules(rows, any_, narcotics, ipr, undervaluation):
    made = label(frame(*rows)).reindex(["A"]).loc["A", ["any", "narcotics", "ipr", "undervaluation"]]
    expected = [math.nan if value is None else value for value in (any_, narcotics, ipr, undervaluation)]
    np.testing.assert_array_equal(made.to_numpy(dtype=float), expected)


@pytest.mark.parametrize("dtype", ["str", "string", "category", object])
def test_any_kind_of_text_column_will_do(dtype):
    rows = frame(outcome(HIT, hazard="ipr"), outcome(CLEARED, exam=None, shipment="B"), outcome(CLEARED, shipment="C"))
    typed = rows.astype(dict.fromkeys(COLUMNS[:4], dtype))
    np.testing.assert_array_equal(label(typed).to_numpy(dtype=float), label(rows).to_numpy(dtype=float))


def test_weight_is_the_inverse_of_the_highest_chance_and_unknown_is_flagged():
    made = label(
        frame(
            outcome(CLEARED, shipment="A", chance=0.5),
            outcome(CLEARED, shipment="B", chance=0.001),
            outcome(CLEARED, shipment="C"),
            outcome(CLEARED, shipment="D", chance=0.1),
            outcome(HIT, "lab", shipment="D", chance=0.2),
        )
    )
    assert made["weight"].to_dict() == {"A": 2.0, "B": 1000.0, "C": 1.0, "D": 5.0}
    assert made.index[made["uncorrected"]].tolist() == ["C"]


def test_rule_only_hazards_get_no_column():
    assert not set(targets()) & set(reference.RULE_ONLY_HAZARDS)
