"""The past of shipments: equal to a loop over the events, blind to the future, the same in training and scoring."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskscore import features
from riskscore.frames import as_frame
from riskscore.ledger import live_on, read_mornings
from riskscore.pipelines.past import Past
from riskscore.pipelines.train import read_labelled
from tests import factories
from tests.features.oracle import features_of
from tests.history.oracle import KINDS, entity, value_bin
from tests.history.worlds import END, MORNINGS, World, worlds

if TYPE_CHECKING:
    from datetime import date

    from riskscore.history import History
    from riskscore.ledger import Ledger
    from riskscore.workspace import Workspace
    from tests.history.oracle import Oracle, Row

# Every example fills a ledger or two, at about half a second each.
_slow_worlds = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
quick = settings(max_examples=12, derandomize=True, **_slow_worlds)
thorough = settings(max_examples=400, **_slow_worlds)


def live(ledger: Ledger, morning: date) -> pd.DataFrame:
    """What the daily job scores: the live shipments of a morning."""
    standing = as_frame(live_on(ledger.connection, morning, ledger.position), index="shipment_id")
    return standing[standing["action"] != "deleted"]


def all_live(ledger: Ledger) -> pd.DataFrame:
    """The live shipments of every morning, one below the other."""
    mornings = [live_on(ledger.connection, morning, ledger.position) for morning in MORNINGS]
    standing = as_frame(pa.concat_tables(mornings), index="shipment_id")
    return standing[standing["action"] != "deleted"]


def assert_same_bits(one: History, other: History) -> None:
    """Two histories of the same rows in the same order are equal to the last bit."""
    for name in KINDS:
        for attribute in ("stated", "net", "decayed", "first_day", "last_day", "morning"):
            left, right = getattr(one.tracks[name], attribute), getattr(other.tracks[name], attribute)
            assert left.tobytes() == right.tobytes(), (name, attribute)
    for name, peers in one.peers.items():
        for attribute in ("peers", "below", "median"):
            assert getattr(peers, attribute).tobytes() == getattr(other.peers[name], attribute).tobytes()


# The replay equals the oracle -------------------------------------------------------------------------------


def check_replay(world: World) -> None:
    oracle = world.oracle
    with factories.opened(world.timezone) as (workspace, ledger):
        factories.append_rows(workspace, ledger, **world.tables)
        shipments = all_live(ledger)
        history = Past(workspace, ledger).of_replay(shipments, END, ledger.position)
        built = features.build(shipments, history)
    rows = [row for morning in MORNINGS for _, row in sorted(oracle.live_on(morning).items())]
    rows = [row for row in rows if row["action"] != "deleted"]

    assert list(shipments.index) == [row["shipment_id"] for row in rows]
    for number, row in enumerate(rows):
        check_tracks(history, number, row, oracle)
        check_features(built.iloc[number], row, oracle)


def check_tracks(history: History, number: int, row: Row, oracle: Oracle) -> None:
    for kind in KINDS:
        who, track = entity(row, kind), history.tracks[kind].take(np.array([number]))
        if who is None:
            assert not track.stated[0]
            assert math.isnan(track.count("shipments")[0])
            assert math.isnan(track.days_since_first()[0])
            continue
        expected = oracle.track(kind, who, row["arrival_date"])
        counted = {measure: track.count(measure)[0] for measure in expected.counts}
        assert counted == expected.counts, (kind, who, row["arrival_date"])
        recent = {counter: track.recent(*counter)[0] for counter in expected.decayed}
        assert differing(recent, expected.decayed) == {}, (kind, who, row["arrival_date"])
        since = [None if d is None else (row["arrival_date"] - d).days for d in (expected.first_day, expected.last_day)]
        assert [or_none(track.days_since_first()[0]), or_none(track.days_since_last()[0])] == since, (kind, who)
    goods = entity(row, "hs6")
    if goods is not None:
        peers, expected = history.peers["hs6"], oracle.peers("hs6", goods, value_bin(row), row["arrival_date"])
        found = {name: getattr(peers, name)[number] for name in ("peers", "below", "median")}
        assert differing(found, asdict(expected)) == {}, (goods, row["arrival_date"])


def check_features(found: pd.Series, row: Row, oracle: Oracle) -> None:
    expected = features_of(row, oracle)
    assert set(found.index) == set(expected)
    assert differing(found.to_dict(), expected) == {}, (row["shipment_id"], row["arrival_date"])


def differing(found: dict[Any, float], expected: dict[Any, float | None]) -> dict[Any, tuple[float, float | None]]:
    """What was found and expected where they differ by more than the order of summation explains."""
    return {
        name: (found[name], value)
        for name, value in expected.items()
        if not np.isclose(found[name], np.nan if value is None else value, rtol=1e-9, atol=1e-9, equal_nan=True)
    }


def or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


@quick
@given(worlds())
def test_the_replay_equals_a_loop_over_the_events(world):
    check_replay(world)


@pytest.mark.slow
@thorough
@given(worlds(most=40))
def test_the_replay_equals_a_loop_over_the_events_thoroughly(world):
    check_replay(world)


# Scoring equals training ------------------------------------------------------------------------------------


def check_training_sees_what_scoring_saw(world: World) -> None:
    """Each day appends what became known, scores the morning from a reloaded snapshot, and keeps another."""
    seen: World = world.without(world)
    scored: dict[date, tuple[pd.DataFrame, History, pd.DataFrame]] = {}
    with factories.opened(world.timezone) as (workspace, ledger):
        for morning in MORNINGS:
            known = world.known_on(morning)
            factories.append_rows(workspace, ledger, **known.without(seen).tables)
            seen = known
            past, shipments = Past(workspace, ledger), live(ledger, morning)
            history = past.of_morning(shipments, morning, ledger.position)
            past.keep()
            scored[morning] = shipments, history, features.build(shipments, history)
        factories.append_rows(workspace, ledger, **world.without(seen).tables)
        for morning, (shipments, history, _) in scored.items():
            pd.testing.assert_frame_equal(live(ledger, morning), shipments)
            again = Past(workspace, ledger).of_replay(shipments, END, ledger.position)
            assert_same_bits(again, history)
        trained = replayed_mornings(workspace, ledger, world)
    for name, row in trained.iterrows():
        shipments, _, built = scored[row["arrival_date"].date()]
        pd.testing.assert_series_equal(built.loc[name], row[built.columns].astype(float), check_names=False, check_exact=True)


def replayed_mornings(workspace: Workspace, ledger: Ledger, world: World) -> pd.DataFrame:
    """What training reads of all shipments: their features, and the day they arrived."""
    asked = pa.array(sorted({row["shipment_id"] for row in world.shipments}))
    shipments = as_frame(read_mornings(ledger.connection, asked, END, ledger.position), index="shipment_id")
    history = Past(workspace, ledger).of_replay(shipments, END, ledger.position)
    return features.build(shipments, history).join(shipments[["arrival_date"]])


@settings(quick, max_examples=5)
@given(worlds())
def test_training_sees_what_scoring_saw(world):
    check_training_sees_what_scoring_saw(world)


@pytest.mark.slow
@thorough
@given(worlds(most=40))
def test_training_sees_what_scoring_saw_thoroughly(world):
    check_training_sees_what_scoring_saw(world)


# The future changes nothing ---------------------------------------------------------------------------------


def as_seen_on(workspace: Workspace, ledger: Ledger, day: date) -> dict[str, object]:
    """All that is ever read as of the mornings up to `day`: live sets, features, labels and their shipments."""
    seen: dict[str, object] = {}
    mornings = [morning for morning in MORNINGS if morning <= day]
    batches = {morning: live(ledger, morning) for morning in mornings}
    for morning, batch in batches.items():
        seen[f"live {morning}"] = batch.to_csv()
    together = pd.concat(batches.values())
    past = Past(workspace, ledger)
    # To the end of time, not to `day`: the replay itself must stop each row at its own morning.
    seen["features, replayed"] = features.build(together, past.of_replay(together, END, ledger.position)).to_csv()
    history = past.of_morning(batches[day], day, ledger.position)
    seen["features, scored"] = features.build(batches[day], history).to_csv()
    shipments, labels = read_labelled(workspace, ledger, day, ledger.position)
    seen["training shipments"], seen["labels"] = shipments.to_csv(), labels.to_csv()
    return seen


def check_future(world: World, day: date) -> None:
    past, future = world.split(day)
    with factories.opened(world.timezone) as (workspace, ledger):
        factories.append_rows(workspace, ledger, **past.tables)
        before = as_seen_on(workspace, ledger, day)
        factories.append_rows(workspace, ledger, **future.tables)
        assert as_seen_on(workspace, ledger, day) == before
    with factories.opened(world.timezone) as (workspace, ledger):
        factories.append_rows(workspace, ledger, **world.tables)
        assert as_seen_on(workspace, ledger, day) == before


@quick
@given(worlds(), st.sampled_from(MORNINGS[2:]))
def test_the_future_changes_nothing_of_an_earlier_morning(world, day):
    check_future(world, day)


@pytest.mark.slow
@thorough
@given(worlds(most=40), st.sampled_from(MORNINGS))
def test_the_future_changes_nothing_of_an_earlier_morning_thoroughly(world, day):
    check_future(world, day)
