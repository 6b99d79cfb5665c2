"""A backtest with everything it was made of, and its report."""

from __future__ import annotations

import dataclasses

from riskscore.models.gate import Finding
from riskscore.pipelines.backtest import gathered, report, rows, windows
from riskscore.pipelines.past import Past

CHECKS = (Finding("labels", True, "all of them"), Finding("shuffled labels", False, "AUC 0.9"))


@dataclasses.dataclass(frozen=True)
class Made:
    """A backtest, and what it was made of."""

    workspace: object
    plan: tuple
    rows: rows.Rows
    found: rows.Findings
    gathered: gathered.Gathered
    windows: list

    @property
    def to(self):
        return self.plan[-1].until


def make(workspace, plan, scratch):
    """Everything up to the figures."""
    with workspace.ledger() as ledger:
        read = rows.read_rows(workspace, ledger, plan, ledger.position)
        found = rows.findings(workspace, ledger, plan[-1].until, ledger.position)
        past = Past(workspace, ledger)
        everything = gathered.gather(workspace, ledger, past, read, scratch)
    scored = windows.score_windows(workspace, past.builders, everything, found)
    return Made(workspace, plan, read, found, everything, scored)


def render(made, table, origins):
    facts = {"to": made.to, "step_days": 14, "position": 4, "config_digest": "ab" * 32, "slow_days": 34}
    return report.render(table, origins, CHECKS, facts)
