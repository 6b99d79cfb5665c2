"""Selection: which shipments to examine today, with which exam, and with what chance.

Per port, the must-exams come first, then the exams that are worth most, then a random draw that can reach
every shipment. Each shipment carries its inclusion probability: the exact chance that this design
examines it, so that exam results can be turned into unbiased estimates of what is out there.

Order of use: `match` the rules, then `select`.
"""

from riskscore.selection.capacity import slots_per_port
from riskscore.selection.daily import select
from riskscore.selection.result import SelectionResult, Unmet
from riskscore.selection.rules import Matches, RuleReport, match
from riskscore.selection.trial import Dispute, Rival, TrialEvidence

__all__ = [
    "Dispute",
    "Matches",
    "Rival",
    "RuleReport",
    "SelectionResult",
    "TrialEvidence",
    "Unmet",
    "match",
    "select",
    "slots_per_port",
]
