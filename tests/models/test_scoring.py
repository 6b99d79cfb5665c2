from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskscore.errors import ModelError
from riskscore.models.scoring import Model


@pytest.fixture(scope="module")
def model(trained):
    return Model(trained)


def test_probabilities_by_target(model, people):
    made = model.predict(people.features)
    assert list(made.columns) == list(model.targets) == ["any", "ipr"]
    pd.testing.assert_index_equal(made.index, people.features.index)
    assert made.dtypes.eq("float64").all()
    assert ((made >= 0) & (made <= 1)).all(axis=None)


def test_rows_threads_and_column_order_change_nothing(model, people):
    whole = model.predict(people.features)
    parts = pd.concat([model.predict(people.features.iloc[i::3], threads=2) for i in range(3)])
    pd.testing.assert_frame_equal(parts.loc[whole.index], whole, check_exact=True)
    turned = model.predict(people.features[["d", "c", "b", "a"]])
    pd.testing.assert_frame_equal(turned, whole, check_exact=True)


def test_integers_bools_and_nullable_columns_are_numbers(model, people):
    plain = people.features.head(50).assign(d=1.0)
    other = plain.assign(d=True, c=plain["c"].astype("Float64"))
    pd.testing.assert_frame_equal(model.predict(other), model.predict(plain), check_exact=True)


def test_no_rows_no_scores(model, people):
    assert model.predict(people.features.head(0)).shape == (0, 2)


def test_null_features_are_scored(model, people):
    assert model.predict(people.features.head(3) * np.nan).notna().all(axis=None)


def test_boosters_are_handed_out_by_target(model, people):
    rows = people.features.head(20)
    raw = model.booster("ipr").predict(rows.to_numpy(), raw_score=True)
    expected = model.trained.boosters["ipr"].calibrator(raw)
    np.testing.assert_array_equal(model.predict(rows)["ipr"], expected)
    with pytest.raises(ModelError, match="no booster of narcotics: any, ipr"):
        model.booster("narcotics")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns=["a", "c"]), "2 missing feature columns: a, c"),
        (lambda f: f.assign(e=1.0), "1 unexpected feature columns: e"),
        (lambda f: pd.concat([f, f[["a"]]], axis=1), "1 feature columns given twice: a"),
        (lambda f: f.assign(a="1"), "1 feature columns that are not numbers: a"),
        (lambda f: f.assign(b=-np.inf), "1 infinite features: b"),
    ],
)
def test_wrong_features_are_refused(model, people, change, message):
    with pytest.raises(ModelError, match=message):
        model.predict(change(people.features.head(5)))
