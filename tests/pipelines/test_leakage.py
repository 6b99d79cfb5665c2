"""Leakage checks: nothing is found where nothing is wrong, and each planted leak is."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskscore import reference
from riskscore.features import standard
from riskscore.models.labels_digest import labels_digest
from riskscore.pipelines import leakage, train
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.truncation import scratch_copy
from riskscore.tables import INGESTED
from riskscore.workspace import Workspace
from tests.factories import noon, outcomes
from tests.pipelines import plants
from tests.pipelines.country import sha256

LOGS = [f"{name}_log" for name in INGESTED]


@pytest.fixture(scope="session")
def trained(country):
    """The country's workspace, to read."""
    return Workspace.open(country.root)


def rows_of(ledger):
    return {name: ledger.connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in LOGS}


def failed(findings):
    return {finding.name for finding in findings if not finding.passed}


# The copy -----------------------------------------------------------------------------------------------------


def test_a_copy_holds_the_same_facts_and_its_changes_stay_there(country, trained):
    before = sha256(trained.root / "ledger.duckdb")
    with trained.ledger(read_only=True) as ledger:
        facts = rows_of(ledger)
        with scratch_copy(trained, ledger, ledger.position) as scratch:
            assert rows_of(scratch.ledger) == facts
            assert scratch.ledger.position == ledger.position
            assert scratch.workspace.config == trained.config
            assert scratch.alter(country.day - timedelta(20)) > 500
            scratch.cut(country.day - timedelta(30))
        assert not scratch.workspace.root.exists()
        assert rows_of(ledger) == facts
    assert sha256(trained.root / "ledger.duckdb") == before


def test_a_copy_of_an_earlier_position_knows_no_later_command(trained):
    with trained.ledger(read_only=True) as ledger, scratch_copy(trained, ledger, 1) as scratch:
        assert scratch.ledger.position == 1
        assert all(row[-1] is not None for row in rows_of(scratch.ledger)["shipments_log"])
        assert rows_of(scratch.ledger)["outcomes_log"] == []


def test_a_cut_leaves_what_the_morning_knows(country, trained):
    """Told by the rule of the design, row by row: a fact is known on every morning after its day."""
    day = country.day - timedelta(20)
    kept = {
        "shipments_log": lambda row: row["filed_day"] < day if row["filed_day"] else row["arrival_date"] <= day,
        **dict.fromkeys(LOGS[1:], lambda row: row["known_day"] < day),
    }
    with trained.ledger(read_only=True) as ledger, scratch_copy(trained, ledger, ledger.position) as scratch:
        scratch.cut(day)
        for name in LOGS:
            query = f"SELECT * FROM {name} ORDER BY ALL"
            whole = ledger.connection.sql(query).to_arrow_table().to_pylist()
            left = scratch.ledger.connection.sql(query).to_arrow_table().to_pylist()
            assert left == [row for row in whole if kept[name](row)]
            assert name in {"post_entry_log", "reviews_log"} or 0 < len(left) < len(whole)


def test_an_alteration_changes_every_later_fact_and_no_earlier_one(country, trained):
    day = country.day - timedelta(20)
    with trained.ledger(read_only=True) as ledger, scratch_copy(trained, ledger, ledger.position) as scratch:
        later = {name: set(rows_of(ledger)[name]) for name in LOGS}
        changed = scratch.alter(day)
        altered = {name: set(rows) for name, rows in rows_of(scratch.ledger).items()}
        scratch.cut(day)
        known = {name: set(rows) for name, rows in rows_of(scratch.ledger).items()}
    for name in LOGS:
        assert known[name] == altered[name] & later[name]
    assert changed == sum(len(altered[name] - later[name]) for name in LOGS)


def test_the_design_of_exams_is_copied_with_their_results(country, scored, tmp_path):
    """Weights of labels come from the recommendations of past days."""
    shutil.copytree(scored[0].root, tmp_path / "ws")
    workspace, after = Workspace.open(tmp_path / "ws"), country.day + timedelta(5)
    chosen = [row["shipment_id"] for row in scored[1].recommendations.to_pylist() if row["recommendation"] == "examine"]
    found = outcomes(*[{"shipment_id": name, "exam_type": "nii", "result": "released_no_discrepancy", "hazard": None,
                        "exam_date": country.day, "known_at": noon(country.day, 1), "inclusion_probability": None}
                       for name in chosen])  # fmt: skip
    pq.write_table(pa.Table.from_pylist(found), tmp_path / "found.parquet")
    ingest(workspace, "outcomes", [tmp_path / "found.parquet"])
    with workspace.ledger(read_only=True) as ledger:
        _, expected = train.read_labelled(workspace, ledger, after, ledger.position)
        with scratch_copy(workspace, ledger, ledger.position) as scratch:
            scratch.cut(after)
            _, labels = train.read_labelled(scratch.workspace, scratch.ledger, after, ledger.position)
            scratch.cut(country.day)
            [(runs,)] = scratch.ledger.connection.execute("SELECT count(*) FROM runs").fetchall()
    pd.testing.assert_frame_equal(labels, expected)
    assert set(chosen) <= set(labels.index)
    assert (labels.loc[chosen].filter(like="weight_") > 1).any(axis=None)
    assert runs == 0


# The checks ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def clean(country, trained):
    """What the checks find where nothing is wrong, with the labels that training reads."""
    with trained.ledger(read_only=True) as ledger:
        _, labels = train.read_labelled(trained, ledger, country.day, ledger.position)
    training = {"labels_digest": labels_digest(labels), "latest_known": (country.day - timedelta(1)).isoformat()}
    return leakage.check(trained, country.day, training=training)


def test_nothing_is_found_where_nothing_is_wrong(clean):
    assert failed(clean) == set()
    assert [finding.name.split(":")[0] for finding in clean] == [
        "builders can be checked",
        *[finding.name for finding in clean if finding.name.startswith("labels as of")][:1],
        "future permutation",
        "future permutation",
        *[finding.name for finding in clean if finding.name.startswith("labels as of")][1:],
        "training equals scoring",
        "labels of the model",
    ]


def test_something_was_looked_at(clean):
    for finding in clean:
        assert any(character.isdigit() for character in finding.detail) or finding.name == "builders can be checked"


@pytest.mark.slow
@pytest.mark.parametrize("plant", [plants.target_mean, plants.tomorrows_filings, plants.todays_results])
def test_a_planted_builder_is_found(country, trained, plant):
    assert "training equals scoring" in failed(leakage.check(trained, country.day, plant))


def test_labels_by_exam_date_are_found(country, trained, monkeypatch):
    """The code itself ignores the delay: labels as of a day differ from those of a ledger that ends then."""
    monkeypatch.setattr(train, "outcomes_known", by_exam_date)
    monkeypatch.setattr(leakage, "_replayed", lambda *_: pd.DataFrame())
    monkeypatch.setattr(leakage, "_served", lambda *_: "")
    monkeypatch.setattr(leakage, "_altered", lambda *_: leakage.Finding("altered", True, ""))
    monkeypatch.setattr(leakage, "_forgotten", lambda *_: leakage.Finding("forgotten", True, ""))
    found = failed(leakage.check(trained, country.day))
    assert f"labels as of {country.day.isoformat()}" in found
    assert len(found) == 2


def by_exam_date(connection, as_of, position):
    """`outcomes_known` of somebody who takes a result for known on the day of its exam."""
    query = "SELECT * FROM outcomes_log WHERE seq <= $position AND exam_date < $as_of ORDER BY ALL"
    return connection.sql(query, params={"position": position, "as_of": as_of}).to_arrow_table()


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({}, "does not say which labels"),
        ({"labels_digest": "0" * 64}, "are not the"),
        ({"labels_digest": "0" * 64, "latest_known": "2999-01-01"}, "became known on 2999-01-01"),
    ],
)
def test_labels_of_a_model_that_are_not_those_of_the_rules(country, trained, training, words):
    with trained.ledger(read_only=True) as ledger:
        shipments, labels = train.read_labelled(trained, ledger, country.day, ledger.position)
        whole = leakage._Whole(trained, ledger, None, country.day, ledger.position, shipments, labels)
        finding = leakage._of_model(whole, training)
    assert not finding.passed
    assert words in finding.detail


def test_labels_are_read_under_the_settings_of_the_training(country, workspace):
    """A challenger may be trained with other settings than those of riskscore.toml now."""
    settings = workspace.root / "riskscore.toml"
    now = Workspace.open(workspace.root).config.model
    training = {"settings": now.model_dump(mode="json") | {"of_a_later_version": 1}}
    settings.write_text(settings.read_text().replace("[model]", "[model]\nsettled_after_days = 15"))
    changed = Workspace.open(workspace.root)
    assert changed.config.model != now
    trained_with = leakage.as_trained(changed, training)
    assert trained_with.config.model == now
    assert trained_with.config.selection == changed.config.selection
    assert leakage.as_trained(changed, {}).config == changed.config
    digests = set()
    with workspace.ledger(read_only=True) as ledger:
        for each in (workspace, changed, trained_with):
            with scratch_copy(each, ledger, ledger.position) as scratch:
                _, labels = train.read_labelled(scratch.workspace, scratch.ledger, country.day, ledger.position)
            digests.add(labels_digest(labels))
    assert len(digests) == 2


def test_a_builder_that_carries_data_must_be_given_as_a_function(country, trained):
    with trained.ledger(read_only=True) as ledger:
        made = plants.target_mean(trained, ledger)
        assert not leakage._rebuildable(made).passed
        assert leakage._rebuildable(plants.target_mean).passed
    assert leakage._rebuildable(standard(reference.PACKAGED)).passed


def test_too_few_days_are_not_enough_to_pass(country, trained):
    found = leakage.check(trained, country.world.first_day + timedelta(3))
    assert "future permutation" in failed(found)
