"""The watch-lists of a run: those of the workspace, or, in a replay, those that the recorded run used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskscore.selection.watch_lists import named_lists, parse, read_watch_lists

if TYPE_CHECKING:
    from datetime import date

    from riskscore.config import Config
    from riskscore.ledger import Ledger, Run
    from riskscore.selection.watch_lists import WatchList
    from riskscore.workspace import Workspace


def watch_lists_of(
    workspace: Workspace, ledger: Ledger, config: Config, day: date, recorded: Run | None
) -> dict[str, WatchList]:
    """The watch-lists that the rules in force on `day` name, by name.

    Args:
        workspace: its folder watch_lists holds them.
        ledger: keeps the content of those that runs have used.
        config: of the run.
        day: the run date.
        recorded: the run that is replayed, with the lists as they stood; None = a new run.

    Raises:
        ConfigError: a list is absent or faulty.
        WorkspaceError: the ledger does not hold a list that the recorded run used.
    """
    if recorded is None:
        return present_lists(workspace, config, day)
    used = recorded.record.get("watch_lists", [])
    return {one["name"]: parse(one["name"], ledger.watch_list(one["digest"])) for one in used}


def present_lists(workspace: Workspace, config: Config, day: date) -> dict[str, WatchList]:
    """The watch-lists that the rules in force on `day` name, as they stand in the workspace now, by name.

    Raises:
        ConfigError: a list is absent or faulty.
    """
    return read_watch_lists(workspace.root / "watch_lists", named_lists(config.must_exam, day))
