"""History is a fold over the log, and training is a replay: one kernel, read before each day is folded in."""

from riskscore.history.arrivals import Arrivals
from riskscore.history.batch import batch
from riskscore.history.facts import Entries, Facts, read_facts
from riskscore.history.kinds import KINDS, EntityKind
from riskscore.history.measures import DECAYED, MEASURES
from riskscore.history.reading import Batch, Exposure, History, PeerPosition, Track
from riskscore.history.replay import Replay
from riskscore.history.state import State

__all__ = [
    "DECAYED",
    "KINDS",
    "MEASURES",
    "Arrivals",
    "Batch",
    "EntityKind",
    "Entries",
    "Exposure",
    "Facts",
    "History",
    "PeerPosition",
    "Replay",
    "State",
    "Track",
    "batch",
    "read_facts",
]
