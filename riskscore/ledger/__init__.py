"""The append-only log: one DuckDB file, one transaction per command, nothing ever rewritten."""

from riskscore.ledger.append import Appended, append
from riskscore.ledger.store import Ledger, Run, Transaction
from riskscore.ledger.views import live_on, outcomes_known, read_mornings, statuses_on

__all__ = [
    "Appended",
    "Ledger",
    "Run",
    "Transaction",
    "append",
    "live_on",
    "outcomes_known",
    "read_mornings",
    "statuses_on",
]
