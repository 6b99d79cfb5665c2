"""What the fold adds up to, against plain loops over the facts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.history import Entries, batch
from riskscore.history.bins import QUANTITIES, middle
from riskscore.history.measures import ACCOUNTS, BOOKS, decayed_of
from tests.history.folding import (
    FIRST_DAY,
    KINDS,
    LAST,
    PAIR,
    asking,
    folds,
    named,
    random_arrivals,
    random_facts,
    read,
    seeds,
)

if TYPE_CHECKING:
    from riskscore.history import Facts, Track


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
