"""What each origin knows when, and what its window holds."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pandas as pd
import pytest

from riskscore.errors import RunError
from riskscore.features.builders import standard
from riskscore.frames import as_frame
from riskscore.ledger import live_on
from riskscore.models.labels import ANY
from riskscore.pipelines import train
from riskscore.pipelines.backtest import figures, gathered, rows, run, windows
from riskscore.pipelines.past import Past
from tests.pipelines.backtest.made import make


def test_windows_follow_one_another(made, country):
    first, last = made.plan
    assert (first.day, first.until) == (country.day - timedelta(21), country.day - timedelta(7))
    assert (last.day, last.until) == (country.day - timedelta(7), country.day)


@pytest.mark.parametrize(("days", "step"), [(0, 14), (-3, 14), (10, 0)])
def test_no_days_to_backtest(days, step):
    with pytest.raises(RunError, match="no days to backtest from 2026-01-01"):
        rows.origins(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days), step)


def test_each_origin_trains_the_very_model_that_train_makes(made):
    """One replay for all origins, and labels as each morning knew them: the same boosters to the last bit."""
    with made.workspace.ledger() as ledger:
        for window in made.windows:
            day, position = window.origin.day, ledger.position
            shipments, labels = train.read_labelled(made.workspace, ledger, day, position)
            own = train.fit(made.workspace, Past(made.workspace, ledger), shipments, labels, day, position)
            assert window.trained.boosters == own.boosters


def test_features_of_the_one_replay_are_those_of_the_daily_job(made):
    window = made.windows[1]
    with made.workspace.ledger() as ledger:
        for day in (window.origin.day, window.origin.day + timedelta(3)):
            standing = as_frame(live_on(ledger.connection, day, ledger.position), index="shipment_id")
            live = standing[standing["action"] != "deleted"]
            past = Past(made.workspace, ledger)
            frame = past.build(live, past.of_morning(live, day, ledger.position))
            scores = windows.predict(window.trained, frame, 1)
            ours = window.live[window.live["arrival_date"] == pd.Timestamp(day)]
            assert ours.index.tolist() == live.index.tolist()
            assert (ours[f"score_{ANY}"].to_numpy() == scores[ANY].to_numpy()).all()


def test_a_result_that_came_later_is_not_learned_from(made):
    for origin, (numbers, labels) in made.rows.known.items():
        mornings = made.rows.shipments["arrival_date"].iloc[numbers]
        assert (mornings < pd.Timestamp(origin.day)).all()
        assert len(labels) < len(made.found.labels)


def test_examined_rows_are_the_labelled_live_ones(made):
    together = pd.concat([window.examined for window in made.windows])
    days = made.found.labels.index.get_level_values("arrival_date")
    expected = made.found.labels[(days >= pd.Timestamp(made.plan[0].day)) & (days < pd.Timestamp(made.to))]
    assert sorted(together.index) == sorted(expected.index.get_level_values("shipment_id"))
    assert together["drawn"].any()
    assert (together.loc[together[f"label_{ANY}"] == 0, "amount_usd"] == 0).all()


def test_an_unexamined_shipment_has_no_label(made):
    window = made.windows[0]
    assert len(window.examined) < len(window.live) / 3
    assert not set(window.examined.index) - set(window.live.index)


def test_weights_say_how_many_a_row_stands_for(made):
    examined = pd.concat([window.examined for window in made.windows])
    known = examined[examined[f"weight_{ANY}"].notna()]
    assert (known.loc[known[f"certain_{ANY}"] & ~known["drawn"], f"weight_{ANY}"] < 3).all()
    assert (known.loc[known["drawn"], f"weight_{ANY}"] > 20).all()


def test_shipments_of_the_year_before_by_hand(made, country):
    day = country.day - timedelta(7)
    with made.workspace.ledger() as ledger:
        counts, covered = rows.imported_before(ledger, day, ledger.position)
        query = "SELECT DISTINCT importer_id, shipment_id, arrival_date, filed_day FROM shipments_log"
        log = ledger.connection.execute(query).df()
    earlier = log[(log["arrival_date"] < pd.Timestamp(day)) & ~(log["filed_day"] >= pd.Timestamp(day))]
    expected = earlier.groupby("importer_id")["shipment_id"].nunique()
    assert counts.to_dict() == expected.to_dict()
    assert covered == (pd.Timestamp(day) - log["arrival_date"].min()).days


def test_parts_change_nothing(made, table, monkeypatch, tmp_path):
    monkeypatch.setattr(gathered, "PART_ROWS", 1)
    monkeypatch.setattr(windows, "SCORED_TOGETHER", 100)
    again = make(made.workspace, made.plan, tmp_path)
    assert figures.figures(again.windows).equals(table)


def test_an_origin_with_too_little_to_learn_from_says_so(made):
    """The first origin knows three labels only; the second is as it was."""
    early, late = made.plan
    numbers, labels = made.rows.known[early]
    known = {early: (numbers[:3], labels.iloc[:3]), late: made.rows.known[late]}
    poor = dataclasses.replace(made.gathered, rows=dataclasses.replace(made.rows, known=known))
    refused, trained = windows.score_windows(made.workspace, standard(), poor, made.found)
    assert refused.trained is None
    assert trained.trained.boosters == made.windows[1].trained.boosters
    assert "before" not in trained.live
    row, _ = run.origins_table([refused, trained], made.to, 10).to_pylist()
    assert (row["trained"], row["training_rows"], row["refusal"]) == (False, None, refused.refusal)
    assert "labelled shipments" in row["refusal"]
    assert figures.figures([refused, trained]).num_rows


def test_no_origin_can_be_trained(made):
    known = {origin: (numbers[:3], labels.iloc[:3]) for origin, (numbers, labels) in made.rows.known.items()}
    poor = dataclasses.replace(made.gathered, rows=dataclasses.replace(made.rows, known=known))
    with pytest.raises(RunError, match=r"no origin has enough to learn from: .* labelled shipments"):
        windows.score_windows(made.workspace, standard(), poor, made.found)


def test_the_slow_days_are_those_of_finds():
    outcomes = pd.DataFrame({
        "result": ["released_no_discrepancy"] * 90 + ["seized"] * 10 + ["detained"],
        "exam_date": pd.Timestamp(2026, 1, 1),
        "known_at": pd.Timestamp(2026, 1, 1) + pd.to_timedelta([1] * 90 + [30] * 10 + [300], "D"),
    })  # fmt: skip
    assert rows.slow_days(outcomes) == 30
    assert rows.slow_days(outcomes[:90]) == 1
    assert rows.slow_days(outcomes[:0]) == 0
