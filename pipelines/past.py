"""The past of shipments: snapshot, facts and replay put together for scoring (one morning) and training (many)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from riskscore import features
from riskscore.errors import ConfigError
from riskscore.frames import as_frame
from riskscore.history import KINDS, Arrivals, Batch, History, Replay, State, batch, read_facts
from riskscore.history.snapshots import Snapshot, is_usable, latest_snapshot, save_snapshot
from riskscore.history.windows import EPOCH, epoch_day, windows
from riskscore.ledger import statuses_on
from riskscore.ledger.views import live_on_days

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    import pandas as pd

    from riskscore.features import FeatureBuilder
    from riskscore.history import EntityKind
    from riskscore.ledger import Ledger
    from riskscore.workspace import Workspace

    Progress = Callable[[int, int], None]

ROLES_WITH_STATUS = ("importer", "shipper")
"""Parties whose programme status a builder can read."""


class Past:
    """Gives shipments their history and features, and remembers the last state folded.

    Args:
        workspace: for its snapshots and reference facts.
        ledger: open ledger to read facts from.
        builders: the feature builders; None = riskscore's own, with the workspace's reference facts.

    Raises:
        ConfigError: a builder brings an entity kind that names entities by a column that cannot, or one whose name is
            taken.
    """

    def __init__(self, workspace: Workspace, ledger: Ledger, builders: Sequence[FeatureBuilder] | None = None) -> None:
        self._workspace, self._ledger = workspace, ledger
        self.builders = features.standard(workspace.tables) if builders is None else tuple(builders)
        self._own = _own(features.kinds(self.builders))
        self._reached: Snapshot | None = None

    def of_morning(
        self, shipments: pd.DataFrame, day: date, position: int, *, crowd: pd.DataFrame | None = None
    ) -> History:
        """History of shipments that all arrive on `day`, from the newest usable state.

        Args:
            shipments: live shipments of the day.
            day: the morning.
            position: ledger position.
            crowd: all live shipments of the day, where `shipments` is only a part of them: they are its batch.
        """
        every = (*KINDS, *self._own)
        arrivals = Arrivals.of(shipments, every, self._workspace.tables)
        together = arrivals if crowd is None else Arrivals.of(crowd, every, self._workspace.tables)
        yesterday = day - timedelta(days=1)
        start, self._reached = self._start(day, position), None  # the state is changed from here on
        replay = Replay(start.state if start else State.empty(KINDS), arrivals)
        self._fold(replay, start.through if start else None, yesterday, position, KINDS)
        self._reached = Snapshot(yesterday, position, replay.state)
        replays = [replay, *self._replayed(self._own, arrivals, yesterday, position)]
        batches = {kind.name: batch(kind, arrivals, together) for kind in every if kind.batch}
        return self._history(shipments, replays, batches, position)

    def of_replay(
        self,
        shipments: pd.DataFrame,
        as_of: date,
        position: int,
        progress: Progress | None = None,
    ) -> History:
        """History of shipments of many days, each as of its own morning, by replaying the log from its beginning.

        Args:
            shipments: of days up to `as_of`.
            as_of: facts of this day and later are not read.
            position: ledger position.
            progress: called with windows of days done and in all.
        """
        every = (*KINDS, *self._own)
        arrivals = Arrivals.of(shipments, every, self._workspace.tables)
        through = as_of - timedelta(days=1)
        replay = Replay(State.empty(every), arrivals, whole=False)
        self._fold(replay, None, through, position, every, progress)
        return self._history(shipments, [replay], self._batches(arrivals, every, through, position), position)

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """The feature frame of `shipments`: float64 columns in catalogue order, indexed like them."""
        return features.build(shipments, history, self.builders)

    def keep(self) -> None:
        """Write the last state reached as a snapshot, for tomorrow morning."""
        if self._reached:
            connection, tables = self._ledger.connection, self._workspace.tables
            save_snapshot(self._workspace.snapshots, self._reached, connection, tables)

    def _start(self, day: date, position: int) -> Snapshot | None:
        connection, tables = self._ledger.connection, self._workspace.tables
        if self._reached and is_usable(self._reached, connection, before=day, position=position):
            return self._reached
        return latest_snapshot(self._workspace.snapshots, connection, before=day, position=position, tables=tables)

    def _fold(
        self,
        replay: Replay,
        after: date | None,
        through: date,
        position: int,
        kinds: Sequence[EntityKind],
        progress: Progress | None = None,
    ) -> None:
        connection, tables = self._ledger.connection, self._workspace.tables
        parts = windows(connection, after=after, through=through, position=position)
        for done, (begin, end) in enumerate(parts, start=1):
            facts = read_facts(connection, after=begin, through=end, position=position, kinds=kinds, tables=tables)
            replay.fold(facts, epoch_day(end))
            if progress:
                progress(done, len(parts))

    def _replayed(self, own: Sequence[EntityKind], arrivals: Arrivals, through: date, position: int) -> list[Replay]:
        """A builder's own kinds, which no snapshot holds, folded from the beginning."""
        if not own:
            return []
        needed = (*own, *(kind for kind in KINDS if any(kind.name in each.fans for each in own)))
        replay = Replay(State.empty(needed), arrivals, whole=False)
        self._fold(replay, None, through, position, needed)
        return [replay]

    def _batches(
        self, arrivals: Arrivals, kinds: Sequence[EntityKind], through: date, position: int
    ) -> dict[str, Batch]:
        """The batches of many mornings, a window of days at a time: the crowd of years does not fit in memory."""
        together = [kind for kind in kinds if kind.batch]
        found: dict[str, list[Batch]] = {kind.name: [] for kind in together}
        order = np.argsort(arrivals.day, kind="stable")
        latest = max(through, EPOCH + timedelta(days=int(arrivals.day.max(initial=0))))
        parts = windows(self._ledger.connection, after=None, through=latest, position=position)
        cuts = np.searchsorted(arrivals.day[order], [epoch_day(end) for _, end in parts], side="right")
        for rows in np.split(order, cuts[:-1]):
            asking = arrivals.take(rows)
            crowd = self._crowd(asking, together, position)
            for kind in together:
                found[kind.name].append(batch(kind, asking, crowd))
        back = np.argsort(order, kind="stable")
        return {name: Batch.joined(batches).take(back) for name, batches in found.items()}

    def _crowd(self, asking: Arrivals, kinds: Sequence[EntityKind], position: int) -> Arrivals:
        days = [EPOCH + timedelta(days=day) for day in np.unique(asking.day).tolist()]
        if not days:
            return asking
        live = live_on_days(self._ledger.connection, days, position, Arrivals.columns(kinds))
        return Arrivals.of(as_frame(live), kinds, self._workspace.tables)

    def _history(
        self, shipments: pd.DataFrame, replays: Sequence[Replay], batches: dict[str, Batch], position: int
    ) -> History:
        tracks, peers, exposure = replays[0].result()
        for replay in replays[1:]:
            more = replay.result()
            tracks, peers, exposure = more[0] | tracks, more[1] | peers, more[2] | exposure
        return History(tracks, peers, self._statuses(shipments, position), batches, exposure)

    def _statuses(self, shipments: pd.DataFrame, position: int) -> dict[str, pd.DataFrame]:
        return {
            role: statuses_on(self._ledger.connection, shipments[f"{role}_id"], shipments["arrival_date"], position)
            for role in ROLES_WITH_STATUS
        }


def _own(kinds: Sequence[EntityKind]) -> tuple[EntityKind, ...]:
    """The kinds beside riskscore's own."""
    names = {kind.name for kind in kinds}
    for kind in kinds:
        for fan in set(kind.fans) - names:
            raise ConfigError(f"{fan!r} is no entity kind", where=f"fans of {kind.name!r}", fix="declare it too")
    return tuple(kinds[len(KINDS) :])
