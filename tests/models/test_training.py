from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.config import Model as Settings
from riskscore.errors import ModelError
from riskscore.models import evaluation, training
from riskscore.models.bundle import save
from riskscore.models.scoring import Model
from riskscore.models.split import temporal_split
from tests.models.conftest import SETTINGS


def test_ranks_and_calibrates_a_known_truth(people, trained):
    later = people.days >= 20_054
    made = Model(trained).predict(people.features)["any"].to_numpy()[later]
    truth, found = people.probability[later], people.labels["any"].to_numpy()[later]
    assert evaluation.auc(made, found) > evaluation.auc(truth, found) - 0.03
    assert made.mean() == pytest.approx(truth.mean(), rel=0.25)
    assert np.abs(made - truth).mean() < 0.03


def test_inclusion_weights_undo_selection(people):
    """Positives are examined 4 times as often; with inverse weights the population's share comes back."""
    rng = np.random.default_rng(8)
    chance = np.where(people.labels["any"] == 1, 0.8, 0.2)
    kept = rng.random(len(chance)) < chance
    means = {}
    for name, weight in (("plain", 1.0), ("weighted", 1 / chance)):
        labels = people.labels.assign(weight=weight)[kept]
        sample = type(people)(people.features, labels, people.days, people.probability)
        means[name] = Model(sample.train()).predict(people.features)["any"].mean()
    truth = people.probability.mean()
    assert means["weighted"] == pytest.approx(truth, rel=0.25)
    assert means["plain"] > 2 * truth


def test_same_bundle_for_any_threads_and_row_order(people, tmp_path):
    shuffled = np.random.default_rng(2).permutation(len(people.days))
    # Few trees: two threads that wait for each other are slow on a busy machine.
    same = {"categorical": ["d"], "settings": Settings(trees=20)}
    digests = {
        save(people.train(threads=1, **same), tmp_path / "one"),
        save(people.train(threads=2, **same), tmp_path / "two"),
        save(people.train(shuffled, threads=1, **same), tmp_path / "shuffled"),
    }
    assert len(digests) == 1


def test_rows_without_labels_change_nothing(people, tmp_path):
    unlabelled = people.features.set_axis([f"U{i}" for i in range(len(people.features))])
    more = type(people)(
        pd.concat([unlabelled * 100, people.features]),
        people.labels,
        np.concatenate([people.days + 30, people.days]),
        people.probability,
    )
    assert save(more.train(), tmp_path / "a") == save(people.train(), tmp_path / "b")


def test_figures_are_of_days_never_fitted(people):
    """Labels of the last days turned round: the figures turn with them, as what they judge has not seen them."""
    turned, plain = (train_on(people, labels).boosters["any"] for labels in (turned_late(people), people.labels))
    assert turned.evaluation["auc"] == pytest.approx(1 - plain.evaluation["auc"])
    assert turned.evaluation["predicted"] == plain.evaluation["predicted"]


def test_what_scores_has_learned_from_every_day(people):
    turned, plain = (train_on(people, labels).boosters["any"] for labels in (turned_late(people), people.labels))
    assert turned.text != plain.text


def turned_late(people):
    labels = people.labels.copy()
    later = people.days >= temporal_split(people.days, 0.2).evaluate_from
    labels.loc[later, "any"] = 1 - labels.loc[later, "any"]
    return labels


def train_on(people, labels, settings=SETTINGS):
    return type(people)(people.features, labels, people.days, people.probability).train(settings=settings)


def test_old_labels_fade_with_the_half_life(people):
    """The early half says that everything was found: with a short half-life the model has all but forgotten it."""
    labels = people.labels.copy()
    labels.loc[people.days < np.median(people.days), "any"] = 1.0
    latest = people.features.iloc[-500:]
    forgetful, faithful = (
        Model(train_on(people, labels, SETTINGS.model_copy(update={"half_life_days": half_life})))
        .predict(latest)["any"]
        .mean()
        for half_life in (5.0, 0.0)
    )
    truth = people.probability[-500:].mean()
    assert abs(forgetful - truth) < 0.05
    assert faithful - truth > 0.2


def test_each_hazard_has_its_own_weights(people):
    """The cleared of ipr weigh three times as much: its odds fall to about a third, the others' stay."""
    labels = people.labels.copy()
    labels["weight_ipr"] = np.where(labels["ipr"] == 0, 3.0, 1.0)
    weighed = Model(train_on(people, labels)).predict(people.features)
    plain = Model(train_on(people, people.labels)).predict(people.features)
    assert 0.25 < weighed["ipr"].mean() / plain["ipr"].mean() < 0.5
    assert weighed["any"].equals(plain["any"])


@pytest.mark.parametrize("enough", [1, 10**9])
def test_both_ways_to_calibrate_speak_of_all_shipments(people, monkeypatch, enough):
    """Exams went by a: weights bring the mean probability back to the population's."""
    monkeypatch.setattr(training, "_ENOUGH_LATER_POSITIVES", enough)
    chance = np.where(people.features["a"] > 0.5, 1.0, 0.1)
    drawn = np.random.default_rng(4).random(len(chance)) < chance
    labels = people.labels.assign(weight=1 / chance).loc[drawn]
    predicted = Model(train_on(people, labels)).predict(people.features)["any"].mean()
    assert predicted == pytest.approx(people.probability.mean(), rel=0.2)


def test_hazards_without_enough_cases_get_no_booster(trained):
    assert list(trained.boosters) == ["any", "ipr"]
    reason = trained.training["targets"]["narcotics"]["no_booster_because"]
    assert re.fullmatch(r"\d+ confirmed cases to fit on, 40 needed", reason)


def test_a_hazard_whose_scores_say_nothing_gets_no_booster(people):
    """Finds of the newest days only: no booster of the other days has seen any."""
    labels = people.labels.copy()
    labels["ipr"] = np.where(people.days >= np.quantile(people.days, 0.76), labels["any"], 0.0)
    made = train_on(people, labels, SETTINGS.model_copy(update={"min_positives": 5}))
    assert "ipr" not in made.boosters
    assert made.training["targets"]["ipr"]["no_booster_because"] == "its scores of days it had not seen say nothing"


def test_manifest_says_what_it_was_trained_on(people):
    made = people.train(slice(100, None), as_of=dt.date(2025, 1, 1), provenance={"ledger_seq": 7}).training
    assert (made["as_of"], made["rows"], made["labels_without_features"]) == ("2025-01-01", 5900, 100)
    assert made["days"]["evaluate"] == {"first": "2024-11-27", "last": "2024-12-02", "days": 6}
    assert made["provenance"] == {"ledger_seq": 7}
    assert people.train().training["as_of"] == "2024-12-03"


def test_monotone_features_only_raise(people):
    model = Model(people.train(monotone={"c": 1}))
    rows = people.features.iloc[:200].drop(columns="c")
    steps = [model.predict(rows.assign(c=c)[["a", "b", "c", "d"]]) for c in np.linspace(-3, 1, 9)]
    assert all((b >= a).all(axis=None) for a, b in pairwise(steps))


def test_progress_names_each_target(people):
    seen = []
    people.train(progress=lambda *step: seen.append(step))
    assert seen == [("any", 0, 2), ("ipr", 1, 2), ("", 2, 2)]


@given(st.lists(st.integers(0, 500), min_size=3, unique=True), st.floats(0.01, 0.49))
def test_split_keeps_order_and_leaves_nothing_empty(days, share):
    array = np.array(days)
    split = temporal_split(array, share)
    parts = split.fit(array), split.calibrate(array), split.evaluate(array)
    assert (np.sum(parts, axis=0) == 1).all()
    fit, calibrate, evaluate = (array[part] for part in parts)
    assert fit.max() < calibrate.min() <= calibrate.max() < evaluate.min()
    assert len(evaluate) >= len(calibrate) - 1


def labels_of(people, **columns):
    return type(people)(people.features, people.labels.assign(**columns), people.days, people.probability)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"any": np.nan, "ipr": np.nan, "narcotics": np.nan},
            "0 labelled shipments, 0 of them positive.*ingest",
        ),
        ({"any": 0.0}, "6000 labelled shipments, 0 of them positive, training needs both classes"),
        (
            {"any": np.where(np.arange(6000) < 5000, 0.0, 1.0)},
            "0 of them positive to fit on: the days before 2024",
        ),
        (
            {"any": np.where(np.arange(6000) < 150, 1.0 * (np.arange(6000) % 2), np.nan)},
            "on 2 days, .* at least 3",
        ),
    ],
)
def test_too_few_labels_are_refused(people, columns, message):
    with pytest.raises(ModelError, match=message):
        labels_of(people, **columns).train()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"categorical": ["e"]}, "categorical columns that are no features: e"),
        ({"monotone": {"d": 1}, "categorical": ["d"]}, "monotone columns that are no numeric features: d"),
    ],
)
def test_wrong_columns_are_refused(people, kwargs, message):
    with pytest.raises(ModelError, match=message):
        people.train(**kwargs)


def test_wrong_frames_are_refused(people):
    with pytest.raises(ModelError, match="1 shipments appear twice: features"):
        people.train([0, *range(len(people.days))])
    with pytest.raises(ModelError, match="6000 feature rows, 3 arrival days"):
        type(people)(people.features, people.labels, people.days[:3], None).train()
    with pytest.raises(ModelError, match="missing label columns: weight"):
        type(people)(people.features, people.labels.drop(columns="weight"), people.days, None).train()
    with pytest.raises(ModelError, match="infinite features: a"):
        type(people)(people.features.assign(a=np.inf), people.labels, people.days, None).train()


def test_few_cases_still_train_without_early_stopping(people):
    few = people.train(slice(None, None, 12), settings=Settings(trees=20, min_positives=5))
    assert "any" in few.boosters
