"""History is a fold over the log, and training is a replay: one kernel, read before each day is folded in."""

from riskscore.history.facts import MEASURES, Facts, read_facts
from riskscore.history.kinds import KINDS, EntityKind
from riskscore.history.reading import History, PeerPosition, Track
from riskscore.history.replay import Arrivals, replay
from riskscore.history.snapshots import latest_snapshot, save_snapshot
from riskscore.history.state import DECAYED, State

__all__ = [
    "DECAYED",
    "KINDS",
    "MEASURES",
    "Arrivals",
    "EntityKind",
    "Facts",
    "History",
    "PeerPosition",
    "State",
    "Track",
    "latest_snapshot",
    "read_facts",
    "replay",
    "save_snapshot",
]
