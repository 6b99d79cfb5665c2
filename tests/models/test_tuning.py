from __future__ import annotations

import logging
import tomllib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution, IntDistribution

from riskscore import config
from riskscore.errors import ModelError
from riskscore.models import boosting, tuning

SETTINGS = config.Model(trees=40, leaves=5, learning_rate=0.15)
NOISE = {"min_leaf_rows": 1, "feature_share": 1.0, "random_splits": False}
WILD = {"trees": 60, "leaves": 63, "learning_rate": 1.0} | NOISE
SMALL = {"trials": 4, "origins": 2}

space = tuning.search_space


@pytest.fixture(autouse=True, scope="module")
def quick():
    """Few rounds, and no early stopping to rescue who learns noise."""
    rounds = {"trees": IntDistribution(20, 60)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "search_space", lambda *given: space(*given) | rounds)
        patch.setattr(boosting, "_MIN_STOPPING_POSITIVES", 10**9)
        yield


def tune(people, rows=slice(None), start=SETTINGS, **kwargs):
    """Tune on the shipments at `rows`, their labels known five days after arrival."""
    days = people.days[rows]
    given = {"known_days": days + 5} | SMALL | kwargs
    return tuning.tune(people.features.iloc[rows], people.labels, days, start, **given)


def rows_of(people, known):
    size = len(people.days)
    matrix = people.features.to_numpy()
    return tuning.Rows(matrix, people.labels["any"].to_numpy(), np.ones(size), people.days, known)


@pytest.fixture(scope="module")
def some(people):
    """Every other shipment: enough to learn from, and quick."""
    kept = slice(None, None, 2)
    return type(people)(people.features[kept], people.labels[kept], people.days[kept], people.probability[kept])


@pytest.fixture(scope="module")
def tuned(some):
    return tune(some)


def test_settings_that_overfit_lose(some):
    """Big leaves of single shipments without shrinkage learn the noise: something gentler beats them by far."""
    found = tune(some, start=config.Model(**WILD))
    assert not found.trials["chosen"][0]
    assert found.trials["score"][0] < found.trials["score"].max() - 0.1
    assert found.settings.learning_rate < 1


def test_sensible_settings_are_not_given_up_for_wild_ones(some, monkeypatch):
    wild = {"leaves": IntDistribution(50, 63), "learning_rate": FloatDistribution(0.8, 1.0)}
    monkeypatch.setattr(tuning, "search_space", lambda *_: wild)
    found = tune(some, start=SETTINGS.model_copy(update=NOISE))
    assert found.trials["chosen"].tolist() == [True, False, False, False]
    assert found.settings.leaves == 5


def test_a_tie_goes_to_the_settings_that_came_in(some, monkeypatch):
    monkeypatch.setattr(tuning, "_ranking", lambda *_: 0.75)
    found = tune(some)
    assert found.settings is SETTINGS
    assert found.trials["chosen"].tolist() == [True, False, False, False]


def test_better_on_average_is_not_enough(some, monkeypatch):
    """Trials 1 and 3 lead by far after one origin and lose after the other; trial 2 is a little better after both."""
    scores = iter([0.7, 0.7, 0.99, 0.69, 0.71, 0.71, 0.7, 0.99])
    monkeypatch.setattr(tuning, "_ranking", lambda *_: next(scores))
    assert tune(some).trials["chosen"].tolist() == [False, False, True, False]


def test_trials_are_all_there_with_what_they_were(tuned):
    table = tuned.trials
    assert table.index.tolist() == [0, 1, 2, 3]
    assert table.loc[0, ["trees", "leaves", "learning_rate"]].tolist() == [40, 5, 0.15]
    np.testing.assert_array_equal(table[["origin_1", "origin_2"]].mean(axis=1), table["score"])
    best = table[table["chosen"]].iloc[0]
    assert best["score"] >= table["score"][0]
    assert all(getattr(tuned.settings, name) == best[name] for name in ("trees", "leaves", "learning_rate"))


def test_same_trials_for_any_row_order_and_threads(some, tuned):
    shuffled = np.random.default_rng(3).permutation(len(some.days))
    again = tune(some, shuffled, threads=2, trials=3).trials
    pd.testing.assert_frame_equal(
        again.drop(columns="chosen"), tuned.trials[:3].drop(columns="chosen"), check_exact=True
    )
    assert not tune(some, seed=8).trials.equals(tuned.trials)


def test_rows_without_a_label_are_not_read(some, tuned):
    unlabelled = some.features.set_axis([f"U{at}" for at in range(len(some.features))]) * 100
    features, days = pd.concat([unlabelled, some.features]), np.concatenate([some.days + 40, some.days])
    found = tuning.tune(features, some.labels, days, SETTINGS, known_days=days + 5, **SMALL)
    pd.testing.assert_frame_equal(found.trials, tuned.trials, check_exact=True)


@settings(max_examples=15)
@given(
    delays=st.lists(st.integers(0, 40), min_size=60, max_size=60),
    origins=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_forecast_looks_past_its_origin(people, delays, origins, seed):
    """What became known on or after an origin is turned round and shaken: its forecast has the same bits."""
    rng = np.random.default_rng(seed)
    rows = rows_of(people, people.days + np.array(delays)[people.days - people.days.min()])
    fold = tuning.rolling(rows.days, origins)[0]
    later = rows.known >= fold.origin
    labels, weights = rows.labels.copy(), rows.weights.copy()
    labels[later], weights[later] = 1 - rng.permutation(labels[later]), rng.uniform(1, 20, later.sum())
    shaken = tuning.Rows(rows.matrix, labels, weights, rows.days, rows.known)
    if rows.labels[fold.fitted(rows)].sum() < 2:
        return
    design = boosting.Design(config.Model(trees=3), (), (0, 0, 0, 0), 1)
    assert tuning.forecast(rows, fold, design).tolist() == tuning.forecast(shaken, fold, design).tolist()
    assert not fold.fitted(rows)[fold.tested(rows)].any()


def test_a_label_counts_from_the_morning_after_it_became_known(people):
    fold = tuning.Fold(int(people.days[-1]) - 9, int(people.days[-1]) + 1)
    known = np.full(len(people.days), fold.origin)
    assert not fold.fitted(rows_of(people, known)).any()
    assert fold.fitted(rows_of(people, known - 1)).sum() == (people.days < fold.origin).sum()


def test_without_known_days_a_gap_is_left(some):
    gap = tuning.tune(some.features, some.labels, some.days, SETTINGS, gap_days=5, **SMALL)
    pd.testing.assert_frame_equal(gap.trials, tune(some).trials, check_exact=True)
    with pytest.raises(ModelError, match=r"origin 2024-11-0\d: pass known_days|0 labels were known.*both classes"):
        tuning.tune(some.features, some.labels, some.days, SETTINGS, gap_days=59, **SMALL)


@given(st.lists(st.integers(0, 400), min_size=8, unique=True), st.integers(1, 4))
def test_origins_divide_the_later_half(days, origins):
    folds = tuning.rolling(np.array(days), origins)
    assert [fold.end for fold in folds[:-1]] == [fold.origin for fold in folds[1:]]
    tested = [sum(fold.origin <= day < fold.end for day in days) for fold in folds]
    assert min(tested) >= 1
    assert sum(tested) == pytest.approx(len(days) / 2, abs=0.5)


def test_weights_are_clipped_and_fade():
    rows = tuning.Rows(np.zeros((3, 1)), np.zeros(3), np.array([1.0, 40, 40]), np.array([80, 90, 100]), np.zeros(3))
    asked = config.Model(max_weight=10, half_life_days=10)
    assert rows.sample(np.ones(3, dtype=bool), asked).weights.tolist() == [0.25, 5.0, 10.0]


def test_the_yardstick_is_the_weighted_auc():
    """One positive of weight 3 outranks negatives of weights 1 and 4 of 8 clipped; the untested row counts nothing."""
    labels, days = np.array([0, 1, 0, 0.0]), np.array([1, 5, 5, 5])
    rows = tuning.Rows(np.zeros((4, 1)), labels, np.array([9.0, 3, 1, 8]), days, days)
    assert tuning._ranking(rows, tuning.Fold(5, 6), np.array([0.5, 0.1, 0.9]), clip=4.0) == pytest.approx(0.2)


def test_clips_wider_than_the_labels_are_not_tried(some):
    assert "max_weight" not in tune(some).trials
    weighted = some.labels.assign(weight=np.where(np.arange(len(some.labels)) % 2, 6.0, 1.0))
    found = tune(type(some)(some.features, weighted, some.days, None)).trials["max_weight"]
    assert found[1:].between(1, 6).all()


def test_settings_are_printed_as_they_are_read(tuned, tmp_path):
    assert config.Model.model_validate(tomllib.loads(tuned.toml())["model"]) == tuned.settings
    (tmp_path / "riskscore.toml").write_text(tuned.toml())
    assert config.load(tmp_path / "riskscore.toml").model == tuned.settings


def test_progress_counts_the_trials(some):
    seen = []
    tune(some, trials=2, progress=lambda *step: seen.append(step))
    assert seen == [("settings as they are", 0, 2), ("trial 1", 1, 2), ("", 2, 2)]


def test_the_search_says_nothing_and_leaves_logging_alone(some, capfd):
    before = logging.getLogger("optuna").level
    tune(some, trials=2)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("optuna").level == before


def test_a_starting_point_outside_the_search_is_tried_all_the_same(some):
    found = tune(some, start=config.Model(trees=10, leaves=3, half_life_days=1000.0), trials=2)
    assert found.trials.loc[0, ["trees", "leaves", "half_life_days"]].tolist() == [10, 3, 1000]


def test_too_little_is_refused(some):
    with pytest.raises(ModelError, match="60 days, too few for 31 origins"):
        tune(some, origins=31)
    with pytest.raises(ModelError, match="3000 feature rows, 2 known days"):
        tune(some, known_days=np.zeros(2))
    late = some.labels.assign(any=some.labels["any"].where(some.days < some.days[0] + 45, 0.0))
    with pytest.raises(ModelError, match="750 labels to test on, 0 of them positive, 3 needed: origin 2024-11-18"):
        tune(type(some)(some.features, late, some.days, None))
