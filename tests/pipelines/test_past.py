"""The past of shipments: equal to a loop over the events, blind to the future, the same in training and scoring."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore import features
from riskscore.frames import as_frame
from riskscore.history import PeerPosition, Track, read_facts
from riskscore.ledger import live_on, read_mornings
from riskscore.pipelines.past import Past
from riskscore.pipelines.train import read_labelled
from tests import factories
from tests.factories import append_rows, make_workspace, opened
from tests.features.oracle import features_of
from tests.history.oracle import KINDS, entity, value_bin
from tests.history.worlds import END, MORNINGS, QUICK, THOROUGH, World, worlds

if TYPE_CHECKING:
    from datetime import date
    from random import Random

    from riskscore.history import History
    from riskscore.ledger import Ledger
    from riskscore.workspace import Workspace
    from tests.history.oracle import Oracle, Row


def live(ledger: Ledger, morning: date) -> pd.DataFrame:
    """What the daily job scores: the live shipments of a morning."""
    standing = as_frame(live_on(ledger.connection, morning, ledger.position), index="shipment_id")
    return standing[standing["action"] != "deleted"]


def all_live(ledger: Ledger) -> pd.DataFrame:
    """The live shipments of every morning, one below the other."""
    mornings = [live_on(ledger.connection, morning, ledger.position) for morning in MORNINGS]
    standing = as_frame(pa.concat_tables(mornings), index="shipment_id")
    return standing[standing["action"] != "deleted"]


def assert_same_bits(whole: History, parts: list[History]) -> None:
    """The history of all rows equals those of its parts, one below the other, to the last bit."""
    for name, track in whole.tracks.items():
        assert bits(track) == bits(Track.joined([part.tracks[name] for part in parts])), name
    for name, peers in whole.peers.items():
        assert bits(peers) == bits(PeerPosition.joined([part.peers[name] for part in parts])), name
    for role, status in whole.statuses.items():
        expected = pd.concat([part.statuses[role] for part in parts])
        pd.testing.assert_frame_equal(status, expected, check_dtype=False)


def bits(rows: Track | PeerPosition) -> dict[str, bytes]:
    """The arrays of a track or peer position, as they lie in memory."""
    return {each.name: getattr(rows, each.name).tobytes() for each in fields(rows)}


# The replay equals the oracle -------------------------------------------------------------------------------


def check_replay(world: World) -> None:
    oracle = world.oracle
    with opened(world.timezone) as (workspace, ledger):
        append_rows(workspace, ledger, **world.tables)
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


@QUICK
@given(worlds())
def test_the_replay_equals_a_loop_over_the_events(world):
    check_replay(world)


@pytest.mark.slow
@THOROUGH
@given(worlds(most=40))
def test_the_replay_equals_a_loop_over_the_events_thoroughly(world):
    check_replay(world)


# Scoring equals training ------------------------------------------------------------------------------------


def check_training_sees_what_scoring_saw(world: World) -> None:
    """Each day appends what became known, scores the morning from a reloaded snapshot, and keeps another."""
    seen = world.without(world)
    scored: list[tuple[pd.DataFrame, History]] = []
    with opened(world.timezone) as (workspace, ledger):
        for morning in MORNINGS:
            known = world.known_on(morning)
            append_rows(workspace, ledger, **known.without(seen).tables)
            seen, past, shipments = known, Past(workspace, ledger), live(ledger, morning)
            scored.append((shipments, past.of_morning(shipments, morning, ledger.position)))
            past.keep()
        append_rows(workspace, ledger, **world.without(seen).tables)
        shipments = all_live(ledger)
        replayed = Past(workspace, ledger).of_replay(shipments, END, ledger.position)
        pd.testing.assert_frame_equal(shipments, pd.concat(batch for batch, _ in scored), check_dtype=False)
        assert_same_bits(replayed, [history for _, history in scored])
        check_training_frame(workspace, ledger, world, [features.build(*batch) for batch in scored])


def check_training_frame(workspace: Workspace, ledger: Ledger, world: World, scored: list[pd.DataFrame]) -> None:
    """Training reads each shipment once, on its last morning, with the very features it was scored by."""
    asked = pa.array(sorted({row["shipment_id"] for row in world.shipments}), pa.string())
    shipments = as_frame(read_mornings(ledger.connection, asked, END, ledger.position), index="shipment_id")
    trained = features.build(shipments, Past(workspace, ledger).of_replay(shipments, END, ledger.position))
    for name, arrival in shipments["arrival_date"].items():
        expected = scored[MORNINGS.index(arrival.date())].loc[[name]]
        pd.testing.assert_frame_equal(trained.loc[[name]], expected, check_exact=True)


@settings(QUICK, max_examples=3)
@given(worlds())
def test_training_sees_what_scoring_saw(world):
    check_training_sees_what_scoring_saw(world)


@pytest.mark.slow
@THOROUGH
@given(worlds(most=40))
def test_training_sees_what_scoring_saw_thoroughly(world):
    check_training_sees_what_scoring_saw(world)


# No result depends on a snapshot ------------------------------------------------------------------------------


def check_snapshots_do_not_matter(world: World, kept_on: date, random: Random) -> None:
    """Snapshots are kept, late rows come in, and every morning is read again, from them or in spite of them."""
    first, second = world.dealt(random)
    with opened(world.timezone) as (workspace, ledger):
        append_rows(workspace, ledger, **first.tables)
        for morning in MORNINGS[: MORNINGS.index(kept_on) + 1]:
            past = Past(workspace, ledger)
            past.of_morning(live(ledger, morning), morning, ledger.position)
            past.keep()
        append_rows(workspace, ledger, **second.tables)
        past = Past(workspace, ledger)
        again = [past.of_morning(live(ledger, morning), morning, ledger.position) for morning in MORNINGS]
        assert_same_bits(past.of_replay(all_live(ledger), END, ledger.position), again)


@settings(QUICK, max_examples=3)
@given(worlds(), st.sampled_from(MORNINGS), st.randoms(use_true_random=False))
def test_no_result_depends_on_a_snapshot(world, kept_on, random):
    check_snapshots_do_not_matter(world, kept_on, random)


@pytest.mark.slow
@THOROUGH
@given(worlds(most=40), st.sampled_from(MORNINGS), st.randoms(use_true_random=False))
def test_no_result_depends_on_a_snapshot_thoroughly(world, kept_on, random):
    check_snapshots_do_not_matter(world, kept_on, random)


def test_a_morning_starts_from_the_last_state_folded(tmp_path, monkeypatch):
    starts: list[date | None] = []

    def reading(connection: object, *, after: date | None, **limits: Any) -> object:
        starts.append(after)
        return read_facts(connection, after=after, **limits)

    monkeypatch.setattr("riskscore.pipelines.past.read_facts", reading)
    workspace, (first, second, third) = make_workspace(tmp_path), MORNINGS[:3]
    with workspace.ledger() as ledger:
        append_rows(workspace, ledger, shipments=factories.shipments({"arrival_date": first}))
        past = Past(workspace, ledger)
        for morning in (first, second):
            past.of_morning(live(ledger, morning), morning, ledger.position)
        past.keep()
        Past(workspace, ledger).of_morning(live(ledger, third), third, ledger.position)
        late = {"shipment_id": "late", "arrival_date": first, "filed_at": None}
        append_rows(workspace, ledger, shipments=factories.shipments(late))
        Past(workspace, ledger).of_morning(live(ledger, third), third, ledger.position)

    assert starts == [None, first - timedelta(1), first, None]


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


def check_future(world: World, day: date, *, at_once: bool) -> None:
    """The future comes in a command of its own, or together with the past."""
    past, future = world.split(day)
    with opened(world.timezone) as (workspace, ledger):
        append_rows(workspace, ledger, **past.tables)
        before = as_seen_on(workspace, ledger, day)
        if not at_once:
            append_rows(workspace, ledger, **future.tables)
            assert as_seen_on(workspace, ledger, day) == before
    if at_once:
        with opened(world.timezone) as (workspace, ledger):
            append_rows(workspace, ledger, **world.tables)
            assert as_seen_on(workspace, ledger, day) == before


@QUICK
@given(worlds(), st.sampled_from(MORNINGS[2:]), st.booleans())
def test_the_future_changes_nothing_of_an_earlier_morning(world, day, at_once):
    check_future(world, day, at_once=at_once)


@pytest.mark.slow
@THOROUGH
@given(worlds(most=40), st.sampled_from(MORNINGS), st.booleans())
def test_the_future_changes_nothing_of_an_earlier_morning_thoroughly(world, day, at_once):
    check_future(world, day, at_once=at_once)
