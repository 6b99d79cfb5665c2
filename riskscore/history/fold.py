"""Handing the facts of some days to the state of one kind: sorted and summed up here, added as mornings pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.history.bins import BINS
from riskscore.history.facts import Entries
from riskscore.history.measures import NEVER
from riskscore.history.postings import grouped, summed, totals, weighed
from riskscore.history.state import FADING, FILED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from riskscore.history.facts import Facts
    from riskscore.history.postings import Totals
    from riskscore.history.state import Book, KindState

    Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class FirstFilings:
    """Entities filed for the first time: their rows and the days, ascending."""

    day: NDArray[np.int32]
    row: Codes


def post_facts(state: KindState, facts: Facts, rows: Mapping[str, Codes]) -> tuple[FirstFilings, Totals]:
    """Hand `facts` in.

    Args:
        state: of one kind. Entities beyond those it has room for get no record; their first filing is noted all the
            same.
        facts: of days after all that were handed in before.
        rows: per account the row of each fact's entity, -1 = none.

    Returns:
        The entities filed for the first time, and the totals of the findings, of all entities.
    """
    traffic, of_traffic = facts["traffic"], rows["traffic"]
    fresh = _first_filings(state, traffic, of_traffic)
    recorded = np.where(of_traffic < len(state), of_traffic, np.int32(-1))
    _post_filings(state, traffic, recorded)
    changes = np.flatnonzero(((traffic.side > 0) | (traffic.amounts["amendments"] > 0)) & (recorded >= 0))
    _post_book(state.books["traffic"], _only_changes(traffic, changes), recorded.take(changes))
    _post_book(state.books["post_entry"], facts["post_entry"], rows["post_entry"])
    findings = _post_book(state.books["findings"], facts["findings"], rows["findings"])
    hits = np.flatnonzero(facts["findings"].amounts["hits"] > 0)
    _post_book(state.books["hazards"], facts["findings"].take(hits), rows["findings"].take(hits))
    for quantity, histogram in state.peers.items():
        bins = traffic.bins[quantity]
        stated = np.flatnonzero((bins >= 0) & (recorded >= 0))
        cell = recorded.take(stated).astype(np.int64) * BINS + bins.take(stated)
        histogram.post(traffic.day.take(stated), cell, 1 - 2 * traffic.side.take(stated).astype(np.int32))
    return fresh, findings


def _first_filings(state: KindState, traffic: Entries, rows: Codes) -> FirstFilings:
    stated = np.flatnonzero((rows >= 0) & (traffic.side == 0))
    new = stated[state.first.array[:, 0].take(rows.take(stated)) == NEVER]
    # Of several writes to one place the last one stays: backwards, that is the first filing.
    place = np.empty(len(state.first.array), np.int64)
    place[rows[new[::-1]]] = new[::-1]
    first = new[place.take(rows.take(new)) == new]
    fresh = FirstFilings(traffic.day.take(first), rows.take(first))
    state.first.post(fresh.day, fresh.row.astype(np.int64), fresh.day)
    return fresh


def _post_filings(state: KindState, traffic: Entries, rows: Codes) -> None:
    """The filed side of shipments, value and weight: the one thing every entity has."""
    filed = np.flatnonzero((traffic.side == 0) & (rows >= 0))
    order, starts = grouped(traffic.day.take(filed), rows.take(filed))
    order = filed.take(order)
    first = order.take(starts)
    day, row = traffic.day.take(first), rows.take(first)
    amounts = np.empty((len(starts), len(FILED)), np.int64)
    amounts[:, 0] = np.diff(starts, append=len(order))  # a filing is one shipment
    for column, measure in enumerate(FILED[1:], start=1):
        amounts[:, column] = summed(traffic.amounts[measure].take(order), starts)
    state.filed.post(day, row.astype(np.int64) * len(FILED), amounts)
    fading = weighed(amounts, [FILED.index(measure) for measure, _ in FADING], day, day, state.fading.lives)
    state.fading.post(day, row.astype(np.int64) * len(FADING), fading)
    state.last.post(day, row.astype(np.int64), day)


def _only_changes(traffic: Entries, rows: NDArray[np.intp]) -> Entries:
    """What _post_filings leaves of the facts at `rows`: of a filing, that it amends; of a withdrawal, everything."""
    side = traffic.side.take(rows)
    amounts = {name: each.take(rows) * (side if name in FILED else 1) for name, each in traffic.amounts.items()}
    return Entries(traffic.day.take(rows), side, traffic.weight_day.take(rows), {}, amounts, {})


def _post_book(book: Book, entries: Entries, rows: Codes) -> Totals:
    """Both sides of a book's measures, cells that are 0 left out."""
    found = totals(
        entries.day, entries.side, entries.weight_day, rows, [entries.amounts[name] for name in book.measures]
    )
    everybody, found = found, found.of_first(len(book.slot))
    book.open(found.row)
    slot, side = book.slot.take(found.row).astype(np.int64), found.side.astype(np.int64)
    n, k = len(book.measures), len(book.decayed)
    cell, column = np.nonzero(found.amounts)
    book.counts.post(found.day[cell], (2 * slot + side)[cell] * n + column, found.amounts[cell, column])
    counted = [book.measures.index(measure) for measure, _ in book.decayed]
    fading = weighed(found.amounts, counted, found.day, found.weight_day, book.fading.lives[:k])
    cell, column = np.nonzero(found.amounts[:, counted])
    book.fading.post(found.day[cell], (2 * slot + side)[cell] * k + column, fading[cell, column])
    if "hits" in book.measures:
        hit = np.flatnonzero((found.side == 0) & (found.amounts[:, book.measures.index("hits")] > 0))
        book.last_hit.post(found.day[hit], slot[hit], found.weight_day[hit])
    return everybody
