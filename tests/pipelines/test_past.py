"""The past of shipments: the same in training and scoring, whatever snapshots there are, whoever brings the kinds.

That it is right is the business of tests/history/test_mornings.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore import features
from riskscore.errors import ConfigError
from riskscore.frames import as_frame
from riskscore.history import Batch, EntityKind, Exposure, PeerPosition, Track, read_facts
from riskscore.ledger import live_on, read_mornings
from riskscore.ledger.views import live_on_days
from riskscore.pipelines.past import Past
from tests import factories
from tests.factories import append_rows, make_workspace, opened
from tests.history.folding import bits_read
from tests.history.worlds import END, MORNINGS, QUICK, THOROUGH, World, worlds

if TYPE_CHECKING:
    from datetime import date
    from random import Random

    from riskscore.history import History
    from riskscore.ledger import Ledger
    from riskscore.workspace import Workspace


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
    tracks = {name: Track.joined([part.tracks[name] for part in parts]) for name in whole.tracks}
    peers = {
        name: {q: PeerPosition.joined([part.peers[name][q] for part in parts]) for q in of_kind}
        for name, of_kind in whole.peers.items()
    }
    exposure = {name: Exposure.joined([part.exposure[name] for part in parts]) for name in whole.exposure}
    expected = bits_read((tracks, peers, exposure))
    found = bits_read((whole.tracks, whole.peers, whole.exposure))
    assert [name for name in expected if expected[name] != found[name]] == []
    for name, batch in whole.batch.items():
        together = Batch.joined([part.batch[name] for part in parts])
        np.testing.assert_array_equal(batch.shipments, together.shipments, name)
        np.testing.assert_array_equal(batch.value_usd, together.value_usd, name)
        np.testing.assert_array_equal(batch.highest_value_usd, together.highest_value_usd, name)
    for role, status in whole.statuses.items():
        pd.testing.assert_frame_equal(status, pd.concat([p.statuses[role] for p in parts]), check_dtype=False)


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


@settings(QUICK, max_examples=2)
@given(worlds())
def test_training_sees_what_scoring_saw(world):
    check_training_sees_what_scoring_saw(world)


@pytest.mark.slow
@THOROUGH
@given(worlds(most=40))
def test_training_sees_what_scoring_saw_thoroughly(world):
    check_training_sees_what_scoring_saw(world)


@settings(QUICK, max_examples=5)
@given(worlds())
def test_the_live_shipments_of_many_mornings_are_those_of_each(world):
    with opened(world.timezone) as (workspace, ledger):
        append_rows(workspace, ledger, **world.tables)
        together = as_frame(live_on_days(ledger.connection, MORNINGS, ledger.position, ("shipment_id", "arrival_date")))
        one_by_one = all_live(ledger).reset_index()[["shipment_id", "arrival_date"]]

    assert sorted(map(tuple, together.to_numpy())) == sorted(map(tuple, one_by_one.to_numpy()))


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


@settings(QUICK, max_examples=2)
@given(worlds(), st.sampled_from(MORNINGS), st.randoms(use_true_random=False))
def test_no_result_depends_on_a_snapshot(world, kept_on, random):
    check_snapshots_do_not_matter(world, kept_on, random)


@pytest.mark.slow
@THOROUGH
@given(worlds(most=40), st.sampled_from(MORNINGS), st.randoms(use_true_random=False))
def test_no_result_depends_on_a_snapshot_thoroughly(world, kept_on, random):
    check_snapshots_do_not_matter(world, kept_on, random)


@pytest.fixture
def starts(monkeypatch) -> list[date | None]:
    """The last day folded before each reading of facts."""
    found: list[date | None] = []

    def reading(connection: object, *, after: date | None, **limits: Any) -> object:
        found.append(after)
        return read_facts(connection, after=after, **limits)

    monkeypatch.setattr("riskscore.pipelines.past.read_facts", reading)
    return found


def test_a_morning_starts_from_the_last_state_folded(tmp_path, starts):
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


def test_a_late_fact_costs_a_fold_from_the_snapshot_before_it(tmp_path, starts):
    workspace = make_workspace(tmp_path)
    with workspace.ledger() as ledger:
        append_rows(workspace, ledger, shipments=factories.shipments({"arrival_date": MORNINGS[0]}))
        for morning in MORNINGS[:6]:
            past = Past(workspace, ledger)
            past.of_morning(live(ledger, morning), morning, ledger.position)
            past.keep()
        late = {"shipment_id": "late", "arrival_date": MORNINGS[4], "filed_at": None}
        append_rows(workspace, ledger, shipments=factories.shipments(late))
        starts.clear()
        Past(workspace, ledger).of_morning(live(ledger, MORNINGS[6]), MORNINGS[6], ledger.position)

    assert starts == [MORNINGS[3]]


def test_history_read_in_many_windows_is_the_same(tmp_path, monkeypatch, starts):
    workspace = make_workspace(tmp_path)
    with workspace.ledger() as ledger:
        rows = [{"arrival_date": MORNINGS[n % 5], "importer_id": f"I{n % 3}"} for n in range(30)]
        append_rows(workspace, ledger, shipments=factories.shipments(*rows))
        shipments = all_live(ledger)
        whole = Past(workspace, ledger).of_replay(shipments, END, ledger.position)
        monkeypatch.setattr("riskscore.history.windows.FACTS", 8)
        in_windows = Past(workspace, ledger).of_replay(shipments, END, ledger.position)

    assert len(starts) == 1 + 5
    assert_same_bits(in_windows, [whole])


# Part of a day, and kinds of one's own ------------------------------------------------------------------------


def test_a_part_of_a_day_has_the_batch_of_the_whole(tmp_path):
    workspace, day = make_workspace(tmp_path), MORNINGS[0]
    with workspace.ledger() as ledger:
        rows = [{"arrival_date": day, "importer_id": f"I{n % 2}", "value_usd": 10.0 * n} for n in range(6)]
        append_rows(workspace, ledger, shipments=factories.shipments(*rows))
        crowd = live(ledger, day)
        part = Past(workspace, ledger).of_morning(crowd.iloc[[2]], day, ledger.position, crowd=crowd)

    batch = part.batch["importer"]
    assert (batch.shipments[0], batch.value_usd[0], batch.highest_value_usd[0]) == (3, 60, 40)


class Bonds:
    """A builder that brings entity kinds of its own."""

    name = "bonds"
    features = ()
    kinds = (
        EntityKind("bond", ("bond_type",), "type of bond", fans=("bond_x_importer",), batch=True),
        EntityKind("bond_x_importer", ("bond_type", "importer_id"), "type of bond of an importer"),
    )

    def build(self, shipments, history):
        return pd.DataFrame(index=shipments.index)


def test_a_kind_of_ones_own_is_folded_from_the_beginning(tmp_path, starts):
    workspace, (first, second) = make_workspace(tmp_path), MORNINGS[:2]
    builders = (*features.BUILDERS, Bonds())
    rows = [{"arrival_date": first, "bond_type": "8", "importer_id": f"I{n}"} for n in range(3)]
    asked = {"shipment_id": "asked", "arrival_date": second, "bond_type": "8"}
    with workspace.ledger() as ledger:
        append_rows(workspace, ledger, shipments=factories.shipments(*rows, asked))
        for morning in (first, second):
            past = Past(workspace, ledger, builders)
            scored = past.of_morning(live(ledger, morning), morning, ledger.position)
            past.keep()
        trained = past.of_replay(live(ledger, second), END, ledger.position)

    assert starts == [None, None, first - timedelta(1), None, None]
    assert [scored.tracks["bond"].count("shipments")[0], scored.tracks["bond"].fan("bond_x_importer")[0]] == [3, 3]
    assert scored.batch["bond"].shipments.tolist() == [1]
    assert_same_bits(trained, [scored])


def test_a_fan_of_no_kind_is_refused(tmp_path):
    class Lost(Bonds):
        kinds = Bonds.kinds[:1]

    workspace = make_workspace(tmp_path)
    with workspace.ledger() as ledger, pytest.raises(ConfigError, match="'bond_x_importer' is no entity kind"):
        Past(workspace, ledger, (Lost(),))
