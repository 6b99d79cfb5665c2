"""What the state knows of an entity's partners, put as riskscore.history.network asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from riskscore import identity
from riskscore.history.entities import lookup
from riskscore.history.kinds import IDENTITY
from riskscore.history.measures import BOOKS, NEVER
from riskscore.history.network import Pairs, Steps, exposure
from riskscore.history.reading import Exposure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from riskscore.history.keys import Coded
    from riskscore.history.kinds import Tie
    from riskscore.history.postings import Totals
    from riskscore.history.state import KindState, State

    Codes = NDArray[np.int32]

_COUNTED = [BOOKS["findings"].index("hits"), BOOKS["findings"].index("exams")]


@dataclass(slots=True)
class Found:
    """Hits and exams of the entities of one kind as they became known: rows, days and net amounts (n x 2)."""

    _rows: list[Codes] = field(default_factory=list)
    _days: list[NDArray[np.int32]] = field(default_factory=list)
    _amounts: list[NDArray[np.int64]] = field(default_factory=list)

    @staticmethod
    def so_far(state: KindState) -> Found:
        """What a state holds, as of a day before all others."""
        book, n = state.books["findings"], len(BOOKS["findings"])
        counts = book.counts.array
        net = counts[:, _COUNTED] - counts[:, [n + column for column in _COUNTED]]
        return Found([book.rows.copy()], [np.full(len(net), NEVER, np.int32)], [net])

    def add(self, totals: Totals) -> None:
        """More findings of later days."""
        sign = np.where(totals.side == 0, 1, -1)[:, None]
        self._rows.append(totals.row)
        self._days.append(totals.day)
        self._amounts.append(totals.amounts[:, _COUNTED] * sign)

    def steps(self, entities: int) -> Steps:
        """All of it as running sums."""
        rows, days = np.concatenate(self._rows), np.concatenate(self._days)
        return Steps.of(entities, rows, days, np.concatenate(self._amounts))


def exposed(state: State, tie: Tie, found: Mapping[str, Found], entity: Codes, morning: NDArray[np.int32]) -> Exposure:
    """For each of n arrivals what was found at the partners of its entity (row, -1 = not known)."""
    pair = state.kinds[tie.pair]
    columns = [state.kinds[name].kind.columns[0] for name in (tie.entity, tie.partner)]
    codes = dict(zip(pair.kind.columns, pair.entities.codes(), strict=True))
    filed = np.flatnonzero(pair.first.array[:, 0] != NEVER)
    of_entity, of_partner = (codes[column].take(filed) for column in columns)
    pairs = Pairs(of_entity, of_partner, filed.astype(np.int32), pair.first.array[:, 0].take(filed))
    of_partners = found[tie.partner].steps(len(state.kinds[tie.partner].first.array))
    return exposure(entity, morning, pairs, of_partners, found[tie.pair].steps(len(pair.first.array)))


def lookalikes(state: State, names: Coded, morning: NDArray[np.int32], found: Found) -> Exposure:
    """For each of n arrivals what was found at importers of nearly its own name and address.

    The importer itself may be new; a lookalike must have been filed before the morning.
    """
    kind = state.kinds[IDENTITY]
    known = state.texts[kind.kind.columns[0]]
    code = np.append(lookup(known, names.values), np.int32(-1))
    new = np.flatnonzero(code[:-1] < 0)
    code[new] = len(known) + np.arange(len(new), dtype=np.int32)
    links = _links(state, known, names.values.take(pa.array(new)))
    entity, partner = np.concatenate([links, links[:, ::-1]]).T
    filed = np.append(kind.first.array[:, 0], np.full(len(new), NEVER, np.int32))
    some = np.flatnonzero(filed.take(partner) != NEVER)
    partner = partner.take(some)
    pairs = Pairs(entity.take(some), partner, np.full(len(some), -1, np.int32), filed.take(partner))
    none = Steps.of(0, *(np.empty(0, np.int32),) * 2, np.empty((0, 2), np.int64))
    return exposure(code[names.codes], morning, pairs, found.steps(len(kind.first.array)), none)


def compare(state: State) -> None:
    """Link the importer identities of a state that were not compared yet."""
    if IDENTITY in state.kinds:
        known = state.texts[state.kinds[IDENTITY].kind.columns[0]]
        _links(state, known, known.slice(0, 0))


def stated_only(exposure: Exposure, stated: NDArray[np.bool_]) -> Exposure:
    """Null for arrivals that name no entity."""
    return Exposure(*(np.where(stated, getattr(exposure, each.name), np.nan) for each in fields(exposure)))


def _links(state: State, known: pa.Array, new: pa.Array) -> NDArray[np.int32]:
    """Links (k x 2 codes, the earlier first) among `known` texts and `new` ones, numbered on; known ones are kept."""
    if state.linked == len(known) and not len(new):
        return state.links
    texts = pa.concat_arrays([known, new]).to_pylist()
    left, right = identity.links(texts, since=state.linked)
    order = np.lexsort((left, right))
    links = np.stack([left[order], right[order]], axis=1).astype(np.int32)
    own = links[:, 1] < len(known)
    state.links, state.linked = np.concatenate([state.links, links[own]]), len(known)
    return np.concatenate([state.links, links[~own]])
