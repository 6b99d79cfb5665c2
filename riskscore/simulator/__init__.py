"""A synthetic country whose files look like real manifests, with the truth kept apart.

Only the command line, the demo and the benches import this package; no model or feature may see it.
"""

from riskscore.simulator.examine import ExamResults, findings, oracle_scores, simulate_exams
from riskscore.simulator.legacy import legacy_scores
from riskscore.simulator.settings import Scenario
from riskscore.simulator.world import SimulatedWorld, open_world, simulate, truth

__all__ = [
    "ExamResults",
    "Scenario",
    "SimulatedWorld",
    "findings",
    "legacy_scores",
    "open_world",
    "oracle_scores",
    "simulate",
    "simulate_exams",
    "truth",
]
