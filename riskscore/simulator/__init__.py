"""A synthetic country whose files look like real manifests, with the truth kept apart.

Only the command line, the demo and the benches import this package; no model or feature may see it.
"""

from riskscore.simulator.examine import ExamResults, best_exams, findings, simulate_exams
from riskscore.simulator.legacy import legacy_scores
from riskscore.simulator.settings import Scenario
from riskscore.simulator.simulation import simulate
from riskscore.simulator.world import SimulatedWorld, open_world, truth

__all__ = [
    "ExamResults",
    "Scenario",
    "SimulatedWorld",
    "best_exams",
    "findings",
    "legacy_scores",
    "open_world",
    "simulate",
    "simulate_exams",
    "truth",
]
