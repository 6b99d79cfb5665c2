"""The past of shipments: snapshot, facts and replay put together for scoring (one morning) and training (many)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from riskscore.history import KINDS, Arrivals, History, State, latest_snapshot, read_facts, replay, save_snapshot
from riskscore.history.snapshots import Snapshot, is_usable
from riskscore.ledger import statuses_on

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pandas as pd

    from riskscore.ledger import Ledger
    from riskscore.workspace import Workspace

ROLES_WITH_STATUS = ("importer", "shipper")
"""Parties whose programme status a builder can read."""


class Past:
    """Gives shipments their history, and remembers the last state folded.

    Args:
        workspace: for its snapshots.
        ledger: open ledger to read facts from.
    """

    def __init__(self, workspace: Workspace, ledger: Ledger) -> None:
        self._workspace, self._ledger = workspace, ledger
        self._reached: Snapshot | None = None

    def of_morning(self, shipments: pd.DataFrame, day: date, position: int) -> History:
        """History of shipments that all arrive on `day`, from the newest usable state."""
        start = self._start(day, position)
        yesterday = day - timedelta(days=1)
        after = start.through if start else None
        facts = read_facts(self._ledger.connection, after=after, through=yesterday, position=position)
        tracks, peers, state = replay(start.state if start else State.empty(KINDS), facts, Arrivals.of(shipments))
        self._reached = Snapshot(yesterday, position, state)
        return History(tracks, peers, self._statuses(shipments, position))

    def of_replay(
        self,
        shipments: pd.DataFrame,
        as_of: date,
        position: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> History:
        """History of shipments of many days, each as of its own morning, by replaying the log from its beginning."""
        through = as_of - timedelta(days=1)
        facts = read_facts(self._ledger.connection, after=None, through=through, position=position)
        tracks, peers, _ = replay(State.empty(KINDS), facts, Arrivals.of(shipments), progress=progress)
        return History(tracks, peers, self._statuses(shipments, position))

    def keep(self) -> None:
        """Write the last state reached as a snapshot, for tomorrow morning."""
        if self._reached:
            save_snapshot(self._workspace.snapshots, self._reached)

    def _start(self, day: date, position: int) -> Snapshot | None:
        connection = self._ledger.connection
        if self._reached and is_usable(self._reached, connection, before=day, position=position):
            return self._reached
        return latest_snapshot(self._workspace.snapshots, connection, before=day, position=position)

    def _statuses(self, shipments: pd.DataFrame, position: int) -> dict[str, pd.DataFrame]:
        return {
            role: statuses_on(self._ledger.connection, shipments[f"{role}_id"], shipments["arrival_date"], position)
            for role in ROLES_WITH_STATUS
        }
