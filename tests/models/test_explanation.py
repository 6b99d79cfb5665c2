from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from riskscore.errors import ModelError
from riskscore.models import explanation
from riskscore.models.explanation import by_concept, contributions, probability
from riskscore.models.scoring import Model


@pytest.fixture(scope="module")
def model(trained):
    return Model(trained)


def asked(frame, *targets):
    return pd.Series([targets[n % len(targets)] for n in range(len(frame))], index=frame.index, dtype="str")


@pytest.mark.parametrize("worth_compiling", [0, 10**12])
def test_base_and_contributions_are_the_log_odds_of_the_probability(model, people, monkeypatch, worth_compiling):
    monkeypatch.setattr(explanation, "_WORTH_COMPILING", worth_compiling)
    frame = people.features.iloc[:200]
    targets = asked(frame, "any", "ipr")
    made = contributions(model, frame, targets)
    probabilities = model.predict(frame)
    expected = [probabilities.loc[shipment, target] for shipment, target in targets.items()]
    np.testing.assert_allclose(made.base + made.frame.sum(axis=1), logit(expected), rtol=0, atol=1e-9)


def test_both_ways_agree(model, people, monkeypatch):
    frame = people.features.iloc[:300]
    targets = asked(frame, "any", "ipr")
    monkeypatch.setattr(explanation, "_WORTH_COMPILING", 10**12)
    boosters_own = contributions(model, frame, targets)
    monkeypatch.setattr(explanation, "_WORTH_COMPILING", 0)
    compiled = contributions(model, frame, targets)
    pd.testing.assert_frame_equal(compiled.frame, boosters_own.frame, rtol=0, atol=1e-9)
    pd.testing.assert_series_equal(compiled.base, boosters_own.base, rtol=0, atol=1e-9)


def test_a_hazard_without_booster_is_explained_by_any(model, people):
    frame = people.features.iloc[:3]
    made = contributions(model, frame, pd.Series(["narcotics", None, "any"], index=frame.index, dtype="str"))
    assert made.targets.tolist() == ["any"] * 3
    pd.testing.assert_frame_equal(made.frame, contributions(model, frame, asked(frame, "any")).frame)


def test_the_planted_feature_leads(model, people):
    """Log-odds are -3.5 + 1.5 a - b: a contributes most, with the sign of a."""
    frame = people.features.iloc[:500]
    made = contributions(model, frame, asked(frame, "any")).frame
    assert made.abs().mean().idxmax() == "a"
    clear = frame["a"].abs() > 1
    assert (np.sign(made["a"]) == np.sign(frame["a"]))[clear].mean() > 0.98


def test_order_of_rows_and_threads_change_no_bit(model, people):
    frame = people.features.iloc[:100]
    targets = asked(frame, "any", "ipr")
    whole = contributions(model, frame, targets).frame
    turned = contributions(model, frame.iloc[::-1], targets.iloc[::-1], threads=2).frame
    pd.testing.assert_frame_equal(turned.iloc[::-1], whole, check_exact=True)


def test_no_shipments(model, people):
    none = people.features.iloc[:0]
    assert contributions(model, none, asked(none, "any")).frame.shape == (0, 4)


def test_targets_of_other_shipments_are_refused(model, people):
    frame = people.features.iloc[:2]
    with pytest.raises(ModelError, match="speak of different shipments"):
        contributions(model, frame, asked(people.features.iloc[1:3], "any"))


def test_probability_as_predicted(model, people):
    predicted = model.predict(people.features)
    np.testing.assert_array_equal(probability(model, people.features, target="ipr"), predicted["ipr"])
    with pytest.raises(ModelError, match="no booster of narcotics"):
        probability(model, people.features, target="narcotics")


def test_concepts_lose_nothing(model, people):
    frame = people.features.iloc[:50]
    made = contributions(model, frame, asked(frame, "any")).frame
    sums = by_concept(made, {"a": "x", "b": "y", "c": "x", "d": "y"})
    assert list(sums.columns) == ["x", "y"]
    np.testing.assert_allclose(sums.sum(axis=1), made.sum(axis=1), atol=1e-12)
