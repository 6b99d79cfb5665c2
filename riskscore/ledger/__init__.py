"""The append-only log: one DuckDB file, one transaction per command, nothing ever rewritten."""

from riskscore.ledger.append import Appended, append
from riskscore.ledger.store import DecisionRecord, Ledger, Run, Transaction
from riskscore.ledger.views import exam_chances, live_on, outcomes_known, read_mornings, statuses_on

__all__ = [
    "Appended",
    "DecisionRecord",
    "Ledger",
    "Run",
    "Transaction",
    "append",
    "exam_chances",
    "live_on",
    "outcomes_known",
    "read_mornings",
    "statuses_on",
]
