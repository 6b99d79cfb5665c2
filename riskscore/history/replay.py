"""The kernel: read the state for the arrivals of each morning, then fold the day in; one day or years of them alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from riskscore.history import partners
from riskscore.history.entities import coded, lookup
from riskscore.history.fold import post_facts
from riskscore.history.kinds import IDENTITY, LOOKALIKES, TIES
from riskscore.history.measures import ACCOUNTS
from riskscore.history.reader import Asked, read
from riskscore.history.reading import PeerPosition, Track

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history.arrivals import Arrivals
    from riskscore.history.facts import Facts
    from riskscore.history.fold import FirstFilings
    from riskscore.history.keys import Coded
    from riskscore.history.kinds import EntityKind, Tie
    from riskscore.history.reading import Exposure
    from riskscore.history.state import KindState, State

    Codes = NDArray[np.int32]


class Replay:
    """Folds facts, window by window of days, and reads history for arrivals on the way.

    Each arrival reads what was folded in on days before its own: facts of its day or later are not there yet. However
    the days are cut into windows, the state and what is read are the same to the bit.

    Args:
        state: to go on from; it is changed.
        arrivals: who reads, on any morning after the days that `state` holds already.
        whole: fold everything. Otherwise nothing but what the arrivals will read is folded, on top of an empty state,
            and the state that comes of it is of no use to anybody else.
    """

    def __init__(self, state: State, arrivals: Arrivals, *, whole: bool = True) -> None:
        self.state = state
        self._arrivals, self._whole = arrivals, whole
        self._looked_at = _looked_at(state)
        self._order = np.argsort(arrivals.day, kind="stable")
        self._days = arrivals.day.take(self._order)
        self._next = 0
        self._tracks: dict[str, list[Track]] = {name: [] for name in state.kinds}
        self._peers: dict[str, list[dict[str, PeerPosition]]] = {name: [] for name in state.kinds}
        self._rows: dict[str, list[Codes]] = {name: [] for name in state.kinds}
        if not whole:
            self._make_room()
        self._found = {name: partners.Found.so_far(kind) for name, kind in state.kinds.items()}

    def fold(self, facts: Facts, through: int) -> None:
        """Fold the facts of the next days.

        Args:
            facts: all facts of the days after those folded so far, up to `through`.
            through: days since 1970-01-01. Arrivals up to the morning after it are read.
        """
        codes = self._code(facts)
        due, asked = self._due(int(np.searchsorted(self._days, through + 1, side="right")))
        fresh: dict[str, FirstFilings] = {}
        for name in _pairs_first(self.state):
            self._fold_kind(name, facts, codes, fresh)
            self._read_kind(name, due, asked)
            self.state.kinds[name].settle(through)

    def result(self) -> tuple[dict[str, Track], dict[str, dict[str, PeerPosition]], dict[str, Exposure]]:
        """Tracks and exposures of all arrivals, in their order, and positions among peers per kind and quantity.

        Call it once, after the last window: arrivals of later mornings read what there is.
        """
        due, asked = self._due(len(self._days))
        for name in self.state.kinds:
            self._read_kind(name, due, asked)
        back = np.argsort(self._order, kind="stable")
        # Popped, so that the parts of one kind are gone before those of the next are joined.
        tracks = {name: Track.joined(self._tracks.pop(name)).take(back) for name in self.state.kinds}
        peers = {
            name: {q: PeerPosition.joined([part[q] for part in parts]).take(back) for q in parts[0]}
            for name, parts in self._peers.items()
            if parts[0]
        }
        return tracks, peers, self._exposures(back, tracks)

    def _make_room(self) -> None:
        """Rows for the entities of the arrivals, before all others."""
        codes, days = {}, np.zeros(len(self._days), np.int32)
        for column in self.state.texts:
            texts = self._arrivals.keys[column]
            self.state.texts[column], [codes[column]] = coded(self.state.texts[column], [(texts, days)])
        for state in self.state.kinds.values():
            state.entities.rows([codes[column] for column in state.kind.columns], len(days), days)
            state.grow(self._count(state))

    def _count(self, state: KindState) -> int:
        columns = state.kind.columns
        return state.entities.count(len(self.state.texts[columns[0]]) if columns else 0)

    def _due(self, end: int) -> tuple[Arrivals, dict[str, Codes]]:
        """The arrivals up to number `end` in order of their mornings, not read yet, and the codes of their texts."""
        due = self._arrivals.take(self._order[self._next : end])
        self._next = end
        return due, {column: _known(self.state.texts[column], due.keys[column]) for column in self.state.texts}

    def _code(self, facts: Facts) -> dict[str, dict[str, Codes]]:
        """The codes of all facts by key column and account; the state learns the texts."""
        found = {}
        for column in self.state.texts:
            parts = [(facts[account].keys[column], facts[account].day) for account in ACCOUNTS]
            self.state.texts[column], codes = coded(self.state.texts[column], parts)
            found[column] = dict(zip(ACCOUNTS, codes, strict=True))
        return found

    def _fold_kind(
        self, name: str, facts: Facts, codes: dict[str, dict[str, Codes]], fresh: dict[str, FirstFilings]
    ) -> None:
        state = self.state.kinds[name]
        columns = [np.concatenate(list(codes[column].values())) for column in state.kind.columns]
        days = np.concatenate([facts[account].day for account in ACCOUNTS])
        rows = state.entities.rows(columns, len(days), days if self._whole or name in self._looked_at else None)
        state.first.grow(self._count(state))
        if self._whole:
            state.grow(self._count(state))
        cuts = np.cumsum([len(facts[account].day) for account in ACCOUNTS])[:-1]
        by_account = dict(zip(ACCOUNTS, np.split(rows, cuts), strict=True))
        fresh[name], findings = post_facts(state, facts, by_account)
        self._found[name].add(findings)
        self._post_fans(name, fresh)

    def _post_fans(self, name: str, fresh: dict[str, FirstFilings]) -> None:
        """Each first filing of a pair makes its entity's fan wider from the next morning on."""
        state = self.state.kinds[name]
        days, cells = [], []
        for number, pair_kind in enumerate(state.kind.fans):
            owner = self._owners(state.kind, pair_kind, fresh[pair_kind].row)
            recorded = np.flatnonzero(owner < len(state))
            days.append(fresh[pair_kind].day.take(recorded))
            cells.append(owner.take(recorded).astype(np.int64) * len(state.kind.fans) + number)
        if days:
            day, cell = np.concatenate(days), np.concatenate(cells)
            order = np.argsort(day, kind="stable")
            state.fans.post(day.take(order), cell.take(order), np.ones(len(day), np.int32))

    def _owners(self, kind: EntityKind, pair_kind: str, pairs: Codes) -> Codes:
        """The entity of `kind` that each of `pairs` (rows of the pair kind) is part of."""
        of_pair = self.state.kinds[pair_kind]
        codes = [of_pair.entities.codes()[of_pair.kind.columns.index(column)].take(pairs) for column in kind.columns]
        return self.state.kinds[kind.name].entities.rows(codes, len(pairs))

    def _read_kind(self, name: str, due: Arrivals, asked: dict[str, Codes]) -> None:
        state = self.state.kinds[name]
        stated = np.ones(len(due.day), np.bool_)
        for column in state.kind.columns:
            stated &= due.keys[column].codes >= 0
        rows = state.entities.rows([asked[column] for column in state.kind.columns], len(due.day))
        track, peers = read(state, Asked(due.day, rows, stated, due.bins))
        self._tracks[name].append(track)
        self._peers[name].append(peers)
        self._rows[name].append(rows)

    def _exposures(self, back: NDArray[np.intp], tracks: dict[str, Track]) -> dict[str, Exposure]:
        found = {}
        days = self._days.take(back)
        for tie in _ties(self.state):
            rows = np.concatenate(self._rows[tie.entity]).take(back)
            exposure = partners.exposed(self.state, tie, self._found, rows, days)
            found[tie.name] = partners.stated_only(exposure, tracks[tie.entity].stated)
        if IDENTITY in self.state.kinds:
            names = self._arrivals.keys[self.state.kinds[IDENTITY].kind.columns[0]].take(np.sort(self._order))
            exposure = partners.lookalikes(self.state, names, days, self._found[IDENTITY])
            found[LOOKALIKES] = partners.stated_only(exposure, names.codes >= 0)
        return found


def _known(texts: object, column: Coded) -> Codes:
    """Code of each row of `column` among the texts known; -1 = null or not known."""
    used = np.flatnonzero(np.bincount(column.codes[column.codes >= 0], minlength=len(column.values)))
    code = np.full(len(column.values) + 1, -1, np.int32)
    code[used] = lookup(texts, column.values.take(used))
    return code[column.codes]


def _ties(state: State) -> list[Tie]:
    """The ties whose kinds are all there."""
    return [tie for tie in TIES if {tie.pair, tie.entity, tie.partner} <= state.kinds.keys()]


def _looked_at(state: State) -> set[str]:
    """The kinds of which more than the arrivals' own entities are looked at."""
    of_ties = {name for tie in _ties(state) for name in (tie.pair, tie.partner)}
    return of_ties | {IDENTITY} | {name for kind in state.kinds.values() for name in kind.kind.fans}


def _pairs_first(state: State) -> list[str]:
    """The kinds in an order in which those that make a fan come before those that have it."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        for pair_kind in state.kinds[name].kind.fans:
            visit(pair_kind)
        if name not in ordered:
            ordered.append(name)

    for name in state.kinds:
        visit(name)
    return ordered
