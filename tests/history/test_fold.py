"""The fold: the same bits day by day, all at once, in pieces, in any order; and what one fact does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.history import DECAYED, Entries, Replay, State, archive
from riskscore.history.keys import Coded
from riskscore.history.measures import NEVER
from riskscore.history.merging import merge
from tests.history.folding import (
    DAYS,
    FIRST_DAY,
    KINDS,
    LAST,
    PAIR,
    asking,
    bits,
    bits_read,
    entities,
    fold,
    folds,
    named,
    of_days,
    of_entity,
    one_fact,
    pick,
    random_arrivals,
    random_facts,
    read,
    seeds,
)

# The same bits ------------------------------------------------------------------------------------------------


@folds
@given(seeds, st.integers(0, 60))
def test_folding_day_by_day_through_an_archive_gives_the_same_bits(seed, size):
    facts = random_facts(seed, size)

    state = State.empty(KINDS)
    for day in range(FIRST_DAY, LAST + 1):
        state = archive.unpacked(bits(fold(of_days(facts, day, day), state, through=day)), KINDS, day)

    assert bits(state) == bits(fold(facts))


@folds
@given(seeds)
def test_the_order_of_the_facts_of_a_day_does_not_matter(seed):
    facts, rng = random_facts(seed), np.random.default_rng(seed + 1)

    def within_days(entries: Entries):
        shuffled = rng.permutation(len(entries.day))
        return shuffled[np.argsort(entries.day[shuffled], kind="stable")]

    assert bits(fold(pick(facts, within_days))) == bits(fold(facts))


@folds
@given(seeds, st.sampled_from(KINDS[1:]))
def test_partitions_by_entity_hold_the_same_bits(seed, kind):
    facts = random_facts(seed)
    whole = fold(facts)

    for row, entity in enumerate(entities(whole, kind.name)):
        own = pick(facts, lambda e, entity=entity: np.flatnonzero([x == entity for x in named(e, kind.columns)]))
        alone = fold(own)
        assert entities(alone, kind.name) == [entity]
        assert of_entity(alone, kind.name, 0) == of_entity(whole, kind.name, row)


@folds
@given(seeds, st.integers(0, DAYS - 1))
def test_two_spans_of_time_merge(seed, cut):
    facts = random_facts(seed)
    first = fold(of_days(facts, FIRST_DAY, FIRST_DAY + cut - 1), through=FIRST_DAY + cut - 1)
    second = fold(of_days(facts, FIRST_DAY + cut, LAST))

    merged, whole = merge(first, second), fold(facts)

    for kind in whole.kinds:
        rows = {entity: row for row, entity in enumerate(entities(merged, kind))} if kind != "country" else {(): 0}
        expected = entities(whole, kind) if kind != "country" else [()]
        assert sorted(rows) == sorted(expected)
        for row, entity in enumerate(expected):
            check_merged(merged, whole, kind, rows[entity], row)


def check_merged(merged: State, whole: State, kind: str, at: int, row: int) -> None:
    mine, theirs = merged.kinds[kind], whole.kinds[kind]
    for name, tally in archive._dense(theirs).items():
        other = archive._dense(mine)[name].array[at]
        if name == "fading":
            assert other == pytest.approx(tally.array[row], rel=1e-12)
        else:
            assert other.tolist() == tally.array[row].tolist(), name
    for name, book in theirs.books.items():
        slots = mine.books[name].slot[at], book.slot[row]
        assert (slots[0] < 0) == (slots[1] < 0)
        if slots[1] >= 0:
            assert mine.books[name].counts.array[slots[0]].tolist() == book.counts.array[slots[1]].tolist()
            assert mine.books[name].last_hit.array[slots[0]] == book.last_hit.array[slots[1]]
            assert mine.books[name].fading.array[slots[0]] == pytest.approx(book.fading.array[slots[1]], rel=1e-12)


@folds
@given(seeds, st.sets(st.integers(FIRST_DAY, LAST - 1)), st.booleans())
def test_what_is_read_depends_neither_on_windows_nor_on_what_else_is_folded(seed, cuts, whole):
    facts, arrivals = random_facts(seed), random_arrivals(seed + 1)

    cut = read(facts, arrivals, cuts=[*sorted(cuts), LAST], whole=whole)

    assert bits_read(cut) == bits_read(read(facts, arrivals))


@folds
@given(seeds)
def test_what_is_read_for_a_row_does_not_depend_on_the_other_rows(seed):
    facts, rng = random_facts(seed), np.random.default_rng(seed + 1)
    arrivals = random_arrivals(seed + 2)
    rows = rng.permutation(25)[: rng.integers(0, 25)]

    tracks, peers, exposures = read(facts, arrivals)
    taken = (
        {name: track.take(rows) for name, track in tracks.items()},
        {name: {q: p.take(rows) for q, p in of_kind.items()} for name, of_kind in peers.items()},
        {name: exposure.take(rows) for name, exposure in exposures.items()},
    )

    assert bits_read(read(facts, arrivals.take(rows))) == bits_read(taken)


# One fact -----------------------------------------------------------------------------------------------------


def test_a_half_life_halves():
    for counter in DECAYED:
        mornings = FIRST_DAY + counter[1] * np.array([1, 2, 3])
        country = read(one_fact(FIRST_DAY), asking(mornings))[0]["country"]

        assert country.recent(*counter) == pytest.approx([0.5, 0.25, 0.125], rel=1e-12), counter


def test_a_fact_counts_from_the_morning_after_its_day():
    tracks = read(one_fact(FIRST_DAY), asking([FIRST_DAY + 1, FIRST_DAY - 1, FIRST_DAY], importer_id="a"))[0]

    for name in ("country", "importer"):
        assert tracks[name].count("shipments").tolist() == [1, 0, 0]
        assert tracks[name].days_since_first().tolist()[0] == 1
        assert np.isnan(tracks[name].days_since_first()[1:]).all()


def test_who_names_no_entity_reads_null_and_who_is_new_reads_zero():
    stranger, nobody = (read(one_fact(FIRST_DAY), asking([LAST + 1], importer_id=who)) for who in ("new", None))

    assert stranger[0]["importer"].count("shipments").tolist() == [0]
    assert stranger[0]["importer"].fan(PAIR).tolist() == [0]
    assert stranger[2]["importer_via_shipper"].partners.tolist() == [0]
    assert np.isnan(nobody[0]["importer"].count("hits")).all()
    assert np.isnan(nobody[0]["importer"].recent("hits", 90)).all()
    assert np.isnan(nobody[2]["importer_via_shipper"].partners).all()


def test_only_who_was_examined_has_a_row_among_the_findings():
    facts = one_fact(*range(FIRST_DAY, FIRST_DAY + 3))
    for account, entries in facts.items():
        texts = pa.array(["x", "y", "z"], pa.string())
        facts[account] = replace(entries, keys=entries.keys | {"importer_id": Coded.of(texts)})
    facts["findings"], facts["post_entry"] = (
        facts[account].take(np.array(rows, np.intp)) for account, rows in (("findings", [1]), ("post_entry", []))
    )
    facts["traffic"].amounts["amendments"][:] = 0
    importer = fold(facts).kinds["importer"]

    assert importer.books["findings"].rows.tolist() == [1]
    assert importer.books["findings"].slot.tolist() == [-1, 0, -1]
    assert [len(importer.books[name].rows) for name in ("traffic", "hazards", "post_entry")] == [0, 1, 0]
    assert importer.books["findings"].last_hit.array.tolist() == [[FIRST_DAY + 1]]


def test_a_kind_of_three_columns_ignores_what_lacks_the_third():
    facts = one_fact(FIRST_DAY, FIRST_DAY + 1)
    for account, entries in facts.items():
        units = Coded.of(pa.array([None, "kg"], pa.string()))
        facts[account] = replace(entries, keys=entries.keys | {"quantity_unit": units})

    goods = fold(facts).kinds["goods"]

    assert len(goods) == 1
    assert goods.first.array.tolist() == [[FIRST_DAY + 1]]
    # Nor does it leave a trace: who folds that entity alone gets the same rows.
    assert [len(level.keys) for level in goods.entities.levels] == [1, 1]


def test_an_unknown_measure_is_refused():
    country = read(one_fact(FIRST_DAY), asking([LAST]))[0]["country"]

    with pytest.raises(ValueError, match="'nonsense' is no measure; there are shipments, value_cents"):
        country.count("nonsense")
    with pytest.raises(ValueError, match=r"\('shipments', 31\) is no decayed counter"):
        country.recent("shipments", 31)
    with pytest.raises(KeyError, match="nonsense"):
        country.fan("nonsense")


def test_decayed_counters_stay_right_on_every_day_that_validation_lets_in():
    # riskscore.validation accepts 1990-01-01 to 2100-01-01, and a typing error in there must not cost more than itself.
    days = [(day - date(1970, 1, 1)).days for day in (date(1990, 1, 1), date(2026, 1, 1), date(2100, 1, 1))]
    mornings = [days[0] + 7, days[1] + 7, days[2], days[2] + 7]
    replay = Replay(State.empty(KINDS), asking(mornings))
    replay.fold(one_fact(*days), days[-1])
    country = replay.result()[0]["country"]

    assert country.recent("shipments", 7) == pytest.approx([0.5, 0.5, 0, 0.5], rel=1e-12)
    for counter in DECAYED:
        assert np.isfinite(country.recent(*counter)).all()


def test_a_fact_withdrawn_ages_later_leaves_the_others_as_they_were():
    facts = one_fact(FIRST_DAY, FIRST_DAY, FIRST_DAY + 6_000)
    sides, ages = np.array([0, 0, 1], np.int8), np.full(3, FIRST_DAY, np.int32)
    facts = {account: replace(entries, side=sides, weight_day=ages) for account, entries in facts.items()}

    country = read(facts, asking([FIRST_DAY + 6_001]), cuts=(FIRST_DAY + 6_000,))[0]["country"]

    assert country.count("shipments").tolist() == [1]
    for counter in DECAYED:
        assert country.recent(*counter) == pytest.approx([0.5 ** (6_001 / counter[1])], rel=1e-12), counter
    assert country.last_hit_day.tolist() != [NEVER]
