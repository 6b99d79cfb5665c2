"""Two hops away: what was found at the partners of an entity, in their business with others.

Nothing is kept for it in the state. What is asked for is the sum over an entity's partners of what was found at each
by a morning; it changes only on days on which something was found at a partner, and only matters on mornings somebody
asks. Of each pair the shorter of the two lists is walked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.history.postings import grouped, summed
from riskscore.history.reading import Exposure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int32]
    Days = NDArray[np.int32]
    Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Steps:
    """What was found at entities, as running sums: from the morning after `day` on.

    Attributes:
        key: int64, entity row and day in one word, ascending and distinct.
        sums: int64, k x 2: net hits and exams of the entity by then.
        begin: int64, per entity where its steps begin; one more at the end.
    """

    key: Longs
    sums: Longs
    begin: Longs

    @staticmethod
    def of(entities: int, row: Codes, day: Days, amounts: Longs) -> Steps:
        """Of changes (n x 2: hits, exams) of the net counts of `entities` entities, in any order."""
        order, starts = grouped(row, day)
        first = order.take(starts)
        changes = np.stack([summed(amounts[:, column].take(order), starts) for column in (0, 1)], axis=1)
        key = _key(row.take(first), day.take(first))
        begin = np.searchsorted(key, _key(np.arange(entities + 1), np.full(entities + 1, -1)))
        return Steps(key, _running(changes, begin), begin)

    def before(self, row: Longs | Codes, morning: Longs | Days) -> Longs:
        """Hits and exams (n x 2) of each entity by each morning; 0 for row -1."""
        at = np.searchsorted(self.key, _key(row, morning))
        none = (row < 0) | (at == self.begin.take(np.maximum(row, 0)))
        sums = np.append(self.sums, np.zeros((1, 2), np.int64), axis=0)
        return sums.take(np.where(none, -1, at - 1), axis=0)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Who has dealt with whom, and since when.

    Attributes:
        entity: int32 row of the entity.
        partner: int32 row of the partner.
        row: int32 row of the pair itself, in the steps of pairs; -1 = what they did together is not told apart.
        day: int32 day of their first filing; pairs never filed are left out.
    """

    entity: Codes
    partner: Codes
    row: Codes
    day: Days


def exposure(entity: Codes, morning: Days, pairs: Pairs, of_partner: Steps, of_pair: Steps) -> Exposure:
    """For each of n questions, what was found by `morning` at the partners of `entity` (-1 = one never seen)."""
    asked = np.flatnonzero(entity >= 0)
    order, starts = grouped(entity.take(asked), morning.take(asked))
    first = asked.take(order.take(starts))
    questions = _key(entity.take(first), morning.take(first))
    partners = _counted(pairs, questions)
    found = _found(_relevant(pairs, of_partner, entity), questions, of_partner, of_pair)
    of = np.full(len(entity), len(questions), np.int64)
    of[asked.take(order)] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
    partners, found = np.append(partners, 0), np.append(found, np.zeros((1, 3), np.int64), axis=0)
    offenders, hits, exams = (found[of, column].astype(np.float64) for column in (2, 0, 1))
    return Exposure(partners[of].astype(np.float64), offenders, hits, exams)


def _counted(pairs: Pairs, questions: Longs) -> Longs:
    """Number of pairs of the entity of each question filed before its morning."""
    key = np.sort(_key(pairs.entity, pairs.day))
    return np.searchsorted(key, questions) - np.searchsorted(key, questions >> 32 << 32)


def _relevant(pairs: Pairs, of_partner: Steps, entity: Codes) -> Pairs:
    """The pairs that matter: somebody asks for the entity, and something was ever found at the partner."""
    size = int(max(pairs.entity.max(initial=-1), entity.max(initial=-1))) + 1
    wanted = np.zeros(size, np.bool_)
    wanted[entity[entity >= 0]] = True
    having = of_partner.begin[1:] > of_partner.begin[:-1]
    some = np.flatnonzero(wanted[pairs.entity] & having[pairs.partner])
    return Pairs(*(each.take(some) for each in (pairs.entity, pairs.partner, pairs.row, pairs.day)))


def _found(pairs: Pairs, questions: Longs, of_partner: Steps, of_pair: Steps) -> Longs:
    """Net hits, exams and number of offenders (k x 3) for each question."""
    pair, morning = _points(pairs, questions, of_partner)
    beside = of_partner.before(pairs.partner.take(pair), morning) - of_pair.before(pairs.row.take(pair), morning)
    standing = np.concatenate([beside, beside[:, :1] > 0], axis=1)
    # From one point of a pair to its next, the change; the first one brings all there is.
    changes = np.diff(standing, axis=0, prepend=np.zeros((1, 3), np.int64))
    fresh = np.flatnonzero(np.diff(pair, prepend=-1))
    changes[fresh] = standing[fresh]
    order, starts = grouped(pairs.entity.take(pair), morning)
    first = order.take(starts)
    key = _key(pairs.entity.take(pair).take(first), morning.take(first))
    sums = np.stack([summed(changes[:, column].take(order), starts) for column in range(3)], axis=1)
    total = np.concatenate([np.zeros((1, 3), np.int64), np.cumsum(sums, axis=0)])
    result: Longs = total[np.searchsorted(key, questions, "right")] - total[np.searchsorted(key, questions >> 32 << 32)]
    return result


def _points(pairs: Pairs, questions: Longs, of_partner: Steps) -> tuple[Longs, Longs]:
    """Mornings at which to look at each pair: number of the pair and the morning, ascending.

    Either every morning somebody asks after the first filing, or the morning after it and after each later find at
    the partner, whichever is fewer. What was found of the pair itself was found at the partner too.
    """
    ask_from = np.searchsorted(questions, _key(pairs.entity, pairs.day + 1))
    ask_to = np.searchsorted(questions, _key(pairs.entity + 1, np.zeros(len(pairs.day), np.int64)))
    find_from = np.searchsorted(of_partner.key, _key(pairs.partner, pairs.day), "right")
    find_to = of_partner.begin[pairs.partner.astype(np.int64) + 1]
    asks = ask_to - ask_from
    by_asks = asks <= find_to - find_from + 1
    some = asks > 0
    of_asks, at = _ranges(np.where(by_asks, ask_from, 0), np.where(by_asks, ask_to, 0))
    of_finds, at_find = _ranges(np.where(some & ~by_asks, find_from, 0), np.where(some & ~by_asks, find_to, 0))
    at_first = np.flatnonzero(some & ~by_asks)
    pair = np.concatenate([of_asks, of_finds, at_first])
    morning = np.concatenate(
        [_day(questions[at]), _day(of_partner.key[at_find]) + 1, pairs.day[at_first].astype(np.int64) + 1]
    )
    order, _ = grouped(pair, morning)
    return pair.take(order), morning.take(order)


def _ranges(begin: Longs, end: Longs) -> tuple[Longs, Longs]:
    """All positions from each `begin` to before its `end`, and the number of the range each is in."""
    lengths = end - begin
    of = np.repeat(np.arange(len(begin)), lengths)
    return of, np.arange(len(of)) - np.repeat(np.cumsum(lengths) - lengths - begin, lengths)


def _running(changes: Longs, begin: Longs) -> Longs:
    """Sums from the beginning of each run."""
    total = np.concatenate([np.zeros((1, changes.shape[1]), np.int64), np.cumsum(changes, axis=0)])
    running: Longs = total[1:] - np.repeat(total[begin[:-1]], np.diff(begin), axis=0)
    return running


def _key(row: Longs | Codes, day: Longs | Days) -> Longs:
    """Row and day in one word; day -1, which is no day, comes before all."""
    return row.astype(np.int64) << 32 | (day.astype(np.int64) + 1)


def _day(key: Longs) -> Longs:
    return (key & 0xFFFFFFFF) - 1
