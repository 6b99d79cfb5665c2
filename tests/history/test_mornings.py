"""The past of a shipment on its morning, against loops over the events of random worlds.

By default a few worlds, large ones; `make test-slow` draws new ones every time. A thousand of each property:
`CASES=1000 pytest -n 0 -m slow tests/history/test_mornings.py` (twenty minutes for each property).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from riskscore.frames import as_frame
from riskscore.history import DECAYED as FORGETTING
from riskscore.history import KINDS as DECLARED
from riskscore.history import MEASURES as COUNTED
from riskscore.ledger import live_on
from riskscore.pipelines.past import Past
from tests.factories import append_rows, opened
from tests.history import entities
from tests.history.answers import answers, differing, expected
from tests.history.records import HALF_LIVES, MEASURES
from tests.history.worlds import DAYS, World, worlds

if TYPE_CHECKING:
    from datetime import date
    from random import Random

    from riskscore.ledger import Ledger
    from riskscore.workspace import Workspace
    from tests.history.answers import Question

QUICK = settings(max_examples=10, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
"""The same worlds every time; what fails is not shrunk, which would take minutes."""
BRIEF = settings(QUICK, max_examples=3)
FULL = settings(max_examples=int(os.environ.get("CASES", "30")), deadline=None)
STRIDES = (1, 1, 1, 9, 400, 3000)
"""Most worlds are a week; of others the days lie apart, so that half-lives pass, and lifetimes."""
SMALL, LARGE = worlds(most=30, strides=STRIDES), worlds(most=60, strides=STRIDES)
NTH = st.integers(0, DAYS - 1)


def live(ledger: Ledger, *mornings: date) -> pd.DataFrame:
    """What the daily job scores: the live shipments of some mornings, one below the other."""
    tables = [live_on(ledger.connection, morning, ledger.position) for morning in mornings]
    standing = as_frame(pa.concat_tables(tables), index="shipment_id")
    return standing[standing["action"] != "deleted"]


def scored(
    workspace: Workspace, ledger: Ledger, shipments: pd.DataFrame, day: date, crowd: pd.DataFrame | None = None
) -> dict[Question, list[Any]]:
    """The answers about shipments of one morning, as scoring reads them; they may be a part of the day's `crowd`."""
    return answers(Past(workspace, ledger).of_morning(shipments, day, ledger.position, crowd=crowd))


def replayed(workspace: Workspace, ledger: Ledger, shipments: pd.DataFrame, end: date) -> dict[Question, list[Any]]:
    """The answers about shipments of many mornings, as training reads them: to the end of time, each as of its own."""
    return answers(Past(workspace, ledger).of_replay(shipments, end, ledger.position))


def of_rows(found: dict[Question, list[Any]], rows: list[int]) -> dict[Question, list[Any]]:
    """The answers about some of the shipments."""
    return {question: [values[row] for row in rows] for question, values in found.items()}


def changed(before: dict[Question, list[Any]], after: dict[Question, list[Any]]) -> dict[Question, tuple[Any, Any]]:
    """What differs at all."""
    assert list(before) == list(after)
    return {question: (values, after[question]) for question, values in before.items() if values != after[question]}


def test_the_oracle_asks_about_everything_that_is_declared():
    assert {kind.name: kind.columns for kind in DECLARED} == entities.KINDS
    assert {kind.name: kind.peers for kind in DECLARED if kind.peers} == entities.PEERS
    assert {kind.name: kind.fans for kind in DECLARED if kind.fans} == entities.FANS
    assert tuple(kind.name for kind in DECLARED if kind.batch) == entities.BATCHES
    assert (set(COUNTED), set(FORGETTING)) == (set(MEASURES), set(HALF_LIVES))


# Equal to the oracle, and training equal to scoring -----------------------------------------------------------


def check_equality(world: World, nth: int) -> None:
    """Every answer of the replay equals the oracle's, and on one morning scoring's equals the replay's to the bit."""
    oracle, mornings = world.oracle, world.mornings
    rows = [row for day in mornings for _, row in sorted(oracle.live_on(day).items()) if row["action"] != "deleted"]
    morning = rows[nth % len(rows)]["arrival_date"] if rows else mornings[nth]
    with opened(world.timezone) as (workspace, ledger):
        append_rows(workspace, ledger, **world.tables)
        everything = live(ledger, *mornings)
        in_training = replayed(workspace, ledger, everything, world.end)
        batch = everything[everything["arrival_date"] == pd.Timestamp(morning)]
        in_scoring = scored(workspace, ledger, batch, morning)

    assert list(everything.index) == [row["shipment_id"] for row in rows]
    for number, row in enumerate(rows):
        found = {question: values[number] for question, values in in_training.items()}
        assert differing(found, expected(row, oracle)) == {}, (row["shipment_id"], row["arrival_date"])
    of_batch = [number for number, row in enumerate(rows) if row["arrival_date"] == morning]
    assert changed(of_rows(in_training, of_batch), in_scoring) == {}


@QUICK
@given(LARGE, NTH)
def test_every_answer_equals_a_loop_over_the_events(world, nth):
    check_equality(world, nth)


@pytest.mark.slow
@FULL
@given(SMALL, NTH)
def test_every_answer_equals_a_loop_over_the_events_in_a_thousand_worlds(world, nth):
    check_equality(world, nth)


# The future changes nothing -----------------------------------------------------------------------------------


def check_future(world: World, other: World, nth: int) -> None:
    """One past with two futures, and with none: the morning is the same."""
    morning = world.mornings[nth]
    past, _ = world.split(morning)
    seen = []
    for of in (world, world.with_future(morning, other), past):
        with opened(world.timezone) as (workspace, ledger):
            append_rows(workspace, ledger, **of.tables)
            shipments = live(ledger, *world.mornings[: nth + 1])
            batch = shipments[shipments["arrival_date"] == pd.Timestamp(morning)]
            answered = replayed(workspace, ledger, shipments, world.end), scored(workspace, ledger, batch, morning)
            seen.append((shipments.drop(columns="row_digest").to_csv(), *answered))
    for csv, in_training, in_scoring in seen[1:]:
        assert csv == seen[0][0]
        assert changed(in_training, seen[0][1]) == {}
        assert changed(in_scoring, seen[0][2]) == {}


@BRIEF
@given(LARGE, LARGE, NTH)
def test_another_future_changes_nothing_of_a_morning(world, other, nth):
    check_future(world, other, nth)


@pytest.mark.slow
@FULL
@given(SMALL, SMALL, NTH)
def test_another_future_changes_nothing_of_a_thousand_mornings(world, other, nth):
    check_future(world, other, nth)


# Order and partition change nothing ---------------------------------------------------------------------------


def check_order(world: World, nth: int, random: Random) -> None:
    """The arrivals shuffled and cut in two, their log appended in another order by two commands."""
    morning, dealt = world.mornings[nth], world.dealt(random)
    with opened(world.timezone) as (workspace, ledger):
        append_rows(workspace, ledger, **world.tables)
        shipments = live(ledger, *world.mornings)
        batch = shipments[shipments["arrival_date"] == pd.Timestamp(morning)]
        in_training = replayed(workspace, ledger, shipments, world.end)
        in_scoring = scored(workspace, ledger, batch, morning)
    with opened(world.timezone) as (workspace, ledger):
        for rows in dealt:
            append_rows(workspace, ledger, **rows.tables)
        for rows, part in parts(shipments, random):
            assert changed(of_rows(in_training, rows), replayed(workspace, ledger, part, world.end)) == {}
        for rows, part in parts(batch, random):
            assert changed(of_rows(in_scoring, rows), scored(workspace, ledger, part, morning, batch)) == {}


def parts(shipments: pd.DataFrame, random: Random) -> list[tuple[list[int], pd.DataFrame]]:
    """The shipments shuffled and cut in two: the rows of each part, and the part."""
    order = random.sample(range(len(shipments)), len(shipments))
    at = random.randint(0, len(order))
    return [(rows, shipments.iloc[np.array(rows, dtype=np.intp)]) for rows in (order[:at], order[at:])]


@BRIEF
@given(LARGE, NTH, st.randoms(use_true_random=False))
def test_neither_order_nor_partition_changes_an_answer(world, nth, random):
    check_order(world, nth, random)


@pytest.mark.slow
@FULL
@given(SMALL, NTH, st.randoms(use_true_random=False))
def test_neither_order_nor_partition_changes_an_answer_in_a_thousand_worlds(world, nth, random):
    check_order(world, nth, random)
