"""The fold: the same bits day by day, all at once, in pieces, in any order; and what it adds up to."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.history import DECAYED, KINDS, MEASURES, Arrivals, Facts, State, replay
from riskscore.history.kinds import KEY_COLUMNS
from riskscore.history.snapshots import Snapshot, _read, save_snapshot
from riskscore.history.state import EPOCH_DAY, NEVER

FIRST_DAY = 20_000
DAYS = 6
NOBODY = Arrivals(
    np.empty(0, np.int32), pa.table({c: pa.array([], pa.string()) for c in KEY_COLUMNS}), np.empty(0, np.int16)
)

folds = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def random_facts(seed: int, size: int = 60) -> Facts:
    """Facts of a few entities on a few days; amounts up to the largest that validation lets in."""
    rng = np.random.default_rng(seed)
    keys = {c: pa.array(rng.choice(["a", "b", "c", "\u00e4", None], size).tolist(), pa.string()) for c in KEY_COLUMNS}
    measures = rng.integers(0, 4, (size, len(MEASURES)))
    measures[:, 1:3] = rng.integers(0, 10**14, (size, 2))
    measures[:, 0] = rng.integers(0, 2, size)
    bins = np.where(measures[:, 0] > 0, rng.integers(-1, 128, size), -1)
    day = np.sort(rng.integers(FIRST_DAY, FIRST_DAY + DAYS, size))
    return Facts(
        day.astype(np.int32), rng.integers(0, 2, size).astype(np.int8), pa.table(keys), measures, bins.astype(np.int16)
    )


def pick(facts: Facts, rows: np.ndarray) -> Facts:
    """The facts at `rows`, in that order."""
    arrays = {each.name: getattr(facts, each.name)[rows] for each in fields(facts) if each.name != "keys"}
    return Facts(**arrays, keys=facts.keys.take(pa.array(rows)))


def fold(facts: Facts, state: State | None = None, kinds=KINDS) -> State:
    return replay(state or State.empty(kinds), facts, NOBODY, kinds)[2]


def bits(state: State) -> dict[str, object]:
    """Keys and arrays of a state, as they lie in memory."""
    found: dict[str, object] = {}
    for name, kind in state.kinds.items():
        found[f"{name} keys"] = state.keys[name].to_pydict()
        for each in ("counts", "decayed", "first_day", "last_day", "values"):
            found[f"{name} {each}"] = (getattr(kind, each).shape, getattr(kind, each).tobytes())
    return found


def through_a_snapshot(state: State) -> State:
    with TemporaryDirectory() as folder:
        return _read(save_snapshot(Path(folder), Snapshot(date(2026, 1, 1), 1, state)))


@settings(folds, max_examples=8)
@given(seeds, st.integers(0, 60))
def test_folding_day_by_day_through_snapshots_gives_the_same_bits(seed, size):
    facts = random_facts(seed, size)

    state = State.empty(KINDS)
    for day in range(FIRST_DAY, FIRST_DAY + DAYS):
        state = through_a_snapshot(fold(pick(facts, np.flatnonzero(facts.day == day)), state))

    assert bits(state) == bits(fold(facts))


@folds
@given(seeds)
def test_the_order_of_the_facts_of_a_day_does_not_matter(seed):
    facts = random_facts(seed)
    shuffled = np.random.default_rng(seed + 1).permutation(len(facts.day))
    within_days = shuffled[np.argsort(facts.day[shuffled], kind="stable")]

    assert bits(fold(pick(facts, within_days))) == bits(fold(facts))


@folds
@given(seeds, st.sampled_from([kind for kind in KINDS if kind.columns]))
def test_partitions_by_entity_hold_the_same_bits(seed, kind):
    facts = random_facts(seed)
    entities = list(zip(*(facts.keys[c].to_pylist() for c in kind.columns), strict=True))
    whole = fold(facts, kinds=(kind,))

    keys = list(zip(*whole.keys[kind.name].to_pydict().values(), strict=True))
    for row, entity in enumerate(keys):
        alone = fold(pick(facts, np.flatnonzero([e == entity for e in entities])), kinds=(kind,))
        of_whole = State(
            {kind.name: whole.keys[kind.name].slice(row, 1)}, {kind.name: whole.kinds[kind.name].take(np.array([row]))}
        )
        assert bits(alone) == bits(of_whole)
    assert keys == sorted(set(entities) - {e for e in entities if None in e})


@folds
@given(seeds)
def test_what_is_read_for_a_row_does_not_depend_on_the_other_rows(seed):
    facts, rng = random_facts(seed), np.random.default_rng(seed + 1)
    asked = random_facts(seed + 2, 20)
    arrivals = Arrivals(rng.permutation(asked.day) + np.int32(1), asked.keys, asked.unit_value_bin)
    rows = rng.permutation(20)[: rng.integers(0, 20)]
    some = Arrivals(arrivals.day[rows], arrivals.keys.take(pa.array(rows)), arrivals.unit_value_bin[rows])

    tracks, peers, state = replay(State.empty(KINDS), facts, arrivals)
    tracks_of_some, peers_of_some, state_again = replay(State.empty(KINDS), facts, some)

    assert bits(state_again) == bits(state) == bits(fold(facts))
    for found, of_some in ((tracks, tracks_of_some), (peers, peers_of_some)):
        for name, whole in found.items():
            for each in fields(whole):
                assert getattr(whole.take(rows), each.name).tobytes() == getattr(of_some[name], each.name).tobytes()


@folds
@given(seeds)
def test_the_state_is_the_plain_sum_of_its_facts(seed):
    facts = random_facts(seed)
    state = fold(facts).kinds["country"]

    for side in (0, 1):
        own = facts.side == side
        assert state.counts[0, side].tolist() == facts.measures[own].sum(axis=0).tolist()
        for at, (measure, half_life) in enumerate(DECAYED):
            counted = zip(facts.day[own], facts.measures[own, MEASURES.index(measure)], strict=True)
            total = sum(int(n) * 2.0 ** ((int(day) - EPOCH_DAY) / half_life) for day, n in counted)
            assert state.decayed[0, side, at] == pytest.approx(total, rel=1e-12)
    filings = facts.day[(facts.side == 0) & (facts.measures[:, 0] > 0)]
    assert (state.first_day[0], state.last_day[0]) == (
        filings.min(initial=filings.max(initial=NEVER)),
        filings.max(initial=NEVER),
    )


def test_a_half_life_halves():
    [row] = np.flatnonzero(random_facts(0).side == 0)[:1]
    one = replace(pick(random_facts(0), np.array([row])), measures=np.ones((1, len(MEASURES)), np.int64))
    mornings = one.day[0] + np.array([30, 60, 365, 730], np.int32)
    asked = Arrivals(mornings, pa.concat_tables([one.keys] * 4), np.full(4, -1, np.int16))

    country = replay(State.empty(KINDS), one, asked)[0]["country"]

    assert country.recent("shipments", 30)[:2] == pytest.approx([0.5, 0.25], rel=1e-12)
    assert country.recent("exams", 365)[2:] == pytest.approx([0.5, 0.25], rel=1e-12)
    assert country.recent("hits", 365)[2:] == pytest.approx([0.5, 0.25], rel=1e-12)


def test_a_fact_counts_from_the_morning_after_its_day():
    one = replace(
        pick(random_facts(0), np.array([0])), side=np.zeros(1, np.int8), measures=np.ones((1, len(MEASURES)), np.int64)
    )
    mornings = one.day[0] + np.array([1, -1, 0], np.int32)
    asked = Arrivals(mornings, pa.concat_tables([one.keys] * 3), np.full(3, -1, np.int16))

    country = replay(State.empty(KINDS), one, asked)[0]["country"]

    assert country.count("shipments").tolist() == [1, 0, 0]
    assert country.days_since_first().tolist()[0] == 1
    assert np.isnan(country.days_since_first()[1:]).all()


def test_an_unknown_measure_is_refused():
    country = replay(State.empty(KINDS), random_facts(0), NOBODY)[0]["country"]

    with pytest.raises(ValueError, match="not in tuple"):
        country.count("nonsense")
    with pytest.raises(ValueError, match="not in tuple"):
        country.recent("shipments", 31)


def test_decayed_counters_stay_finite_on_every_day_that_validation_lets_in():
    # riskscore.validation accepts 1990-01-01 to 2100-01-01, and a typing error in there must not cost more than itself.
    days = np.array([(day - date(1970, 1, 1)).days for day in (date(1990, 1, 1), date(2100, 1, 1))], np.int32)
    facts = replace(
        pick(random_facts(0), np.array([0, 0])),
        day=days,
        side=np.zeros(2, np.int8),
        measures=np.ones((2, len(MEASURES)), np.int64),
    )
    asked = Arrivals(days, facts.keys, np.full(2, -1, np.int16))

    tracks, _, state = replay(State.empty(KINDS), facts, asked)

    assert (state.kinds["country"].decayed[0, 0] > 0).all()
    assert np.isfinite(state.kinds["country"].decayed).all()
    assert np.isfinite(tracks["country"].decayed).all()
