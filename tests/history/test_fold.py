"""The fold: the same bits day by day, all at once, in pieces, in any order; and what it adds up to."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.history import DECAYED, Arrivals, EntityKind, Entries, Replay, State, archive, batch
from riskscore.history.bins import BINS, QUANTITIES, middle
from riskscore.history.keys import Coded
from riskscore.history.measures import ACCOUNTS, BOOKS, NEVER, decayed_of
from riskscore.history.merging import merge

if TYPE_CHECKING:
    from riskscore.history import Facts, Track

FIRST_DAY = 20_000
DAYS = 6
LAST = FIRST_DAY + DAYS - 1
PAIR = "importer_x_shipper"
KINDS = (
    EntityKind("country", (), "all"),
    EntityKind("importer", ("importer_id",), "importer", fans=(PAIR,)),
    EntityKind("shipper", ("shipper_id",), "shipper", fans=(PAIR,)),
    EntityKind(PAIR, ("importer_id", "shipper_id"), "pair"),
    EntityKind("goods", ("hs6", "origin_country", "quantity_unit"), "three columns", peers=("value_per_unit",)),
)
COLUMNS = ("hs6", "importer_id", "origin_country", "quantity_unit", "shipper_id")

folds = settings(max_examples=8, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def random_facts(seed: int, size: int = 60) -> Facts:
    """Facts of a few entities on a few days; amounts up to the largest that validation lets in."""
    rng = np.random.default_rng(seed)
    facts = {account: _entries(rng, account, size if account == "traffic" else size // 3) for account in ACCOUNTS}
    traffic = facts["traffic"]
    traffic.amounts["shipments"][:] = 1
    traffic.amounts["amendments"][:] = rng.random(size) < 0.2
    traffic.amounts["deletions"][:] = (traffic.side > 0) & (rng.random(size) < 0.5)
    for measure in ("value_cents", "weight_g"):
        traffic.amounts[measure][:] = rng.integers(0, 10**14, size)
    return facts


def _entries(rng: np.random.Generator, account: str, size: int) -> Entries:
    day = np.sort(rng.integers(FIRST_DAY, LAST + 1, size)).astype(np.int32)
    side = rng.integers(0, 2, size).astype(np.int8)
    bins = {quantity: rng.integers(-1, BINS, size).astype(np.int16) for quantity in QUANTITIES}
    amounts = {measure: rng.integers(0, 2, size) for measure in ACCOUNTS[account]}
    earlier = day - np.where(side > 0, rng.integers(0, 9, size), 0)
    return Entries(day, side, earlier.astype(np.int32), keys(rng, size), amounts, bins)


def keys(rng: np.random.Generator, size: int) -> dict[str, Coded]:
    return {c: Coded.of(pa.array(rng.choice(["b", "a", "\u00e4", None], size), pa.string())) for c in COLUMNS}


def random_arrivals(seed: int, size: int = 25) -> Arrivals:
    rng = np.random.default_rng(seed)
    bins = {quantity: rng.integers(-1, BINS, size).astype(np.int16) for quantity in QUANTITIES}
    day = rng.integers(FIRST_DAY - 1, LAST + 3, size).astype(np.int32)
    return Arrivals(day, keys(rng, size), bins, rng.integers(0, 1000, size) / 8)


NOBODY = random_arrivals(0, 0)


def pick(facts: Facts, chosen) -> Facts:
    """Of each account the facts that `chosen` names rows of, in that order."""
    return {account: entries.take(chosen(entries)) for account, entries in facts.items()}


def of_days(facts: Facts, first: int, last: int) -> Facts:
    return pick(facts, lambda entries: np.flatnonzero((entries.day >= first) & (entries.day <= last)))


def fold(facts: Facts, state: State | None = None, kinds=KINDS, through: int = LAST) -> State:
    replay = Replay(state or State.empty(kinds), NOBODY)
    replay.fold(facts, through)
    return replay.state


def read(facts: Facts, arrivals: Arrivals, *, cuts=(LAST,), whole: bool = True):
    replay = Replay(State.empty(KINDS), arrivals, whole=whole)
    for first, last in zip([FIRST_DAY - 1, *cuts], cuts, strict=False):
        replay.fold(of_days(facts, first + 1, last), last)
    return replay.result()


def bits(state: State) -> dict[str, bytes]:
    """A state as it would lie on disk."""
    return dict(archive.packed(state))


def bits_read(result) -> dict[str, bytes]:
    """All that was read, to the last bit."""
    tracks, peers, exposures = result
    found = {}
    for name, track in tracks.items():
        columns = {f"{b} {m}": track.count(m) for b in BOOKS for m in BOOKS[b]}
        columns |= {str(counter): track.recent(*counter) for counter in DECAYED}
        columns |= {pair: track.fan(pair) for pair in track.fans}
        days = (track.days_since_first(), track.days_since_last(), track.days_since_last_hit(), track.stated)
        found |= {f"{name} {c}": each.tobytes() for c, each in columns.items()}
        found[f"{name} days"] = b"".join(each.tobytes() for each in days)
    parts = {f"{k} {q}": p for k, of_kind in peers.items() for q, p in of_kind.items()} | exposures
    found |= {f"{k} {f.name}": getattr(part, f.name).tobytes() for k, part in parts.items() for f in fields(part)}
    return found


def of_entity(state: State, kind: str, row: int) -> dict[str, bytes]:
    """Everything the state says of one entity."""
    of_kind = state.kinds[kind]
    found = {name: tally.array[row].tobytes() for name, tally in archive._dense(of_kind).items()}
    for name, book in of_kind.books.items():
        slot = book.slot[row]
        if slot >= 0:
            arrays = (book.counts.array[slot], book.fading.array[slot], book.last_hit.array[slot])
            found[name] = b"".join(array.tobytes() for array in arrays)
    return found


def entities(state: State, kind: str) -> list[tuple[str, ...]]:
    """The entities of a kind, by row."""
    of_kind = state.kinds[kind]
    columns = of_kind.kind.columns
    codes = [np.arange(len(of_kind))] if len(columns) == 1 else of_kind.entities.codes()
    texts = [state.texts[c].take(pa.array(code)).to_pylist() for c, code in zip(columns, codes, strict=True)]
    return list(zip(*texts, strict=True))


def named(entries: Entries, columns: tuple[str, ...]) -> list[tuple[str | None, ...]]:
    """The entity that each fact names, column by column."""
    texts = ([None if c < 0 else column.values[int(c)].as_py() for c in column.codes]
             for column in (entries.keys[name] for name in columns))  # fmt: skip
    return list(zip(*texts, strict=True))


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


# What it adds up to -------------------------------------------------------------------------------------------


def asking(days, **texts: str | None) -> Arrivals:
    """Arrivals on `days`, all naming the same."""
    n = len(days)
    columns = {c: Coded.of(pa.array([texts.get(c)] * n, pa.string())) for c in COLUMNS}
    bins = {quantity: np.full(n, -1, np.int16) for quantity in QUANTITIES}
    return Arrivals(np.array(days, np.int32), columns, bins, np.zeros(n))


@folds
@given(seeds)
def test_a_record_is_the_plain_sum_of_its_facts(seed):
    facts = random_facts(seed)
    arrivals = asking(range(FIRST_DAY, LAST + 3))
    country = read(facts, arrivals)[0]["country"]

    for n, morning in enumerate(arrivals.day):
        for account, entries in facts.items():
            known = entries.day < morning
            sign = np.where(entries.side == 0, 1, -1)
            for measure, amounts in entries.amounts.items():
                if measure == "deletions":
                    expected = amounts[known & (entries.side > 0)].sum()
                elif account == "findings" and measure.startswith("hits_"):
                    continue  # told apart below: only facts with a hit name a hazard
                else:
                    expected = (amounts * sign)[known].sum()
                assert country.count(measure)[n] == expected, measure
        check_decayed(country, facts, n, morning)


def check_decayed(country: Track, facts: Facts, n: int, morning: int) -> None:
    for account, entries in facts.items():
        known, sign = entries.day < morning, np.where(entries.side == 0, 1, -1)
        for measure, half_life in (c for book in BOOKS for c in decayed_of(book) if c[0] in ACCOUNTS[account]):
            amounts = (entries.amounts[measure] * sign)[known].astype(float)
            total = float((amounts * 0.5 ** ((morning - entries.weight_day[known]) / half_life)).sum())
            gross = float(np.abs(amounts).sum())
            net = country.count(measure)[n]
            found = country.recent(measure, half_life)[n]
            assert found == (0 if net == 0 else pytest.approx(max(total, 0), abs=1e-12 * gross, rel=1e-12))


@folds
@given(seeds)
def test_fans_count_the_pairs_first_filed_before(seed):
    facts = random_facts(seed)
    arrivals = asking(range(FIRST_DAY, LAST + 3), importer_id="a", shipper_id="b")
    tracks = read(facts, arrivals)[0]
    traffic = facts["traffic"]
    pairs = named(traffic, ("importer_id", "shipper_id"))

    for n, morning in enumerate(arrivals.day):
        filed = {p for p, d, s in zip(pairs, traffic.day, traffic.side, strict=True) if d < morning and s == 0}
        filed = {pair for pair in filed if None not in pair}
        assert tracks["importer"].fan(PAIR)[n] == sum(importer == "a" for importer, _ in filed)
        assert tracks["shipper"].fan(PAIR)[n] == sum(shipper == "b" for _, shipper in filed)


@folds
@given(seeds, st.booleans())
def test_exposure_is_what_a_loop_over_the_partners_finds(seed, whole):
    facts, arrivals = random_facts(seed, 90), random_arrivals(seed + 1)
    exposure = read(facts, arrivals, whole=whole)[2]["importer_via_shipper"]
    texts = arrivals.keys["importer_id"]

    for n, (code, morning) in enumerate(zip(texts.codes, arrivals.day, strict=True)):
        found = [getattr(exposure, name)[n] for name in ("partners", "offenders", "hits", "exams")]
        if code < 0:
            assert np.isnan(found).all()
        else:
            assert found == beside(facts, texts.values[int(code)].as_py(), morning)


def beside(facts: Facts, importer: str, morning: int) -> list[int]:
    """Partners, offenders, hits and exams of an importer, in their business with others."""
    traffic = zip(named(facts["traffic"], ("importer_id", "shipper_id")), facts["traffic"].day,
                  facts["traffic"].side, strict=True)  # fmt: skip
    shippers = {s for (i, s), day, side in traffic if i == importer and s is not None and day < morning and side == 0}
    totals: dict[str, Counter[str]] = {shipper: Counter() for shipper in shippers}
    entries = facts["findings"]
    for row, (i, s) in enumerate(named(entries, ("importer_id", "shipper_id"))):
        if s in shippers and i != importer and entries.day[row] < morning:
            for measure in ("hits", "exams"):
                totals[s][measure] += int(entries.amounts[measure][row]) * (1 - 2 * int(entries.side[row]))
    hits = [total["hits"] for total in totals.values()]
    return [len(shippers), sum(h > 0 for h in hits), sum(hits), sum(total["exams"] for total in totals.values())]


@folds
@given(seeds)
def test_peers_stand_where_sorting_them_puts_them(seed):
    facts = random_facts(seed, 90)
    traffic = facts["traffic"]
    traffic.side[:] = 0  # what is filed only: a histogram of random withdrawals is none
    goods = {"hs6": "a", "origin_country": "b", "quantity_unit": "a"}
    arrivals = replace(asking([LAST + 1], **goods), bins={q: np.array([60], np.int16) for q in QUANTITIES})
    position = read(facts, arrivals)[1]["goods"]["value_per_unit"]
    own = [x == tuple(goods.values()) for x in named(traffic, tuple(goods))]
    bins = np.sort(traffic.bins["value_per_unit"][own & (traffic.bins["value_per_unit"] >= 0)])

    assert position.peers.tolist() == [len(bins)]
    if len(bins):
        lower, median, upper = (bins[int(np.ceil(len(bins) * q / 4)) - 1] for q in (1, 2, 3))
        assert position.below[0] == pytest.approx(((bins < 60).sum() + (bins == 60).sum() / 2) / len(bins))
        assert position.median[0] == middle(np.float64(median))
        assert position.spread[0] == np.log2(middle(np.float64(upper)) / middle(np.float64(lower)))


@folds
@given(seeds)
def test_a_batch_is_summed_up_entity_by_entity(seed):
    crowd = random_arrivals(seed, 40)
    rows = np.random.default_rng(seed).permutation(40)[:9]
    asked, kind = crowd.take(rows), KINDS[3]
    found = batch(kind, asked, crowd)
    who = named(Entries(crowd.day, None, None, crowd.keys, {}, {}), kind.columns)  # type: ignore[arg-type]

    for n, row in enumerate(rows):
        together = [i for i in range(40) if who[i] == who[row] and crowd.day[i] == crowd.day[row]]
        values = crowd.value_usd[together]
        expected = [np.nan] * 3 if None in who[row] else [len(together), values.sum(), values.max()]
        read_of_row = [found.shipments[n], found.value_usd[n], found.highest_value_usd[n]]
        assert read_of_row == pytest.approx(expected, nan_ok=True)


# One fact -----------------------------------------------------------------------------------------------------


def one_fact(*days: int) -> Facts:
    """One shipment with one exam on each of `days`, all of the same entities."""
    n = len(days)
    day, side = np.array(days, np.int32), np.zeros(n, np.int8)
    columns = {c: Coded.of(pa.array(["a"] * n, pa.string())) for c in COLUMNS}
    bins = {quantity: np.full(n, -1, np.int16) for quantity in QUANTITIES}
    amounts = {account: {m: np.ones(n, np.int64) for m in ACCOUNTS[account]} for account in ACCOUNTS}
    return {account: Entries(day, side, day, columns, amounts[account], bins) for account in ACCOUNTS}


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
