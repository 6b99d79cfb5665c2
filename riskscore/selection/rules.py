"""Must-exam rules: dated conditions over table columns and features, compiled to vectorised checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.errors import ConfigError
from riskscore.selection.conditions import Check, ConditionFaultError, compile_condition

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import numpy.typing as npt

    from riskscore.config import MustExam


@dataclass(frozen=True, slots=True)
class RuleReport:
    """How one rule fared today. A rule that never fires, or always does, deserves a second look."""

    rule_id: str
    in_force: bool
    """Whether the run date lies within valid_from and expires."""
    matches: int
    """Shipments that satisfy it, whether or not an earlier rule claimed them; 0 when not in force."""
    shipments: int
    """Live shipments it was held against."""

    @property
    def flag(self) -> str:
        """What is odd about it, in words; empty when nothing is.

        >>> RuleReport("r1", in_force=True, matches=0, shipments=40).flag
        'matched nothing'
        """
        if not self.in_force:
            return "not in force"
        if not self.shipments or 0 < self.matches < self.shipments:
            return ""
        return "matched everything" if self.matches else "matched nothing"


@dataclass(frozen=True, slots=True)
class Matches:
    """Which rule, if any, each shipment matched."""

    frame: pd.DataFrame
    """Index shipment_id, in the order of the input; text columns rule_id, exam, reason: null = no rule."""
    report: tuple[RuleReport, ...]
    """One entry per rule, in configuration order."""


def match(rules: Sequence[MustExam], frame: pd.DataFrame, run_date: date) -> Matches:
    """Hold every rule against every shipment; the first rule in configuration order wins.

    Args:
        rules: the [[must_exam]] entries of riskscore.toml. A rule out of force on `run_date` is not looked
            at: neither can it match, nor can its columns be amiss.
        frame: shipments columns and features, index shipment_id.
        run_date: the day scored; valid_from and expires are both inclusive.

    Raises:
        ConfigError: a rule names an unknown column, or a value or operator that does not suit the column;
            all faults are named at once.

    >>> from datetime import date
    >>> from riskscore.config import Condition, MustExam
    >>> unsealed = Condition(column="seal_ids", op="is_null")
    >>> rule = MustExam(id="no-seal", exam="nii", owner="port", reason="no seal", where=(unsealed,))
    >>> day = pd.DataFrame({"seal_ids": ["A1", None]}, index=["S1", "S2"])
    >>> match((rule,), day, date(2026, 3, 2)).frame.loc["S2"].to_dict()
    {'rule_id': 'no-seal', 'exam': 'nii', 'reason': 'no seal'}
    """
    compiled = _compile(rules, frame, run_date)
    winner = np.full(len(frame), -1)
    report = []
    for position, (rule, checks) in enumerate(zip(rules, compiled, strict=True)):
        hit = _all(checks, len(frame))
        winner[hit & (winner < 0)] = position
        report.append(RuleReport(rule.id, bool(checks), int(hit.sum()), len(frame)))
    return Matches(_claims(rules, winner, frame.index), tuple(report))


def in_force(rule: MustExam, run_date: date) -> bool:
    """Whether the rule applies on `run_date` (both ends inclusive; null = open)."""
    begun = rule.valid_from is None or rule.valid_from <= run_date
    return begun and (rule.expires is None or run_date <= rule.expires)


def _compile(rules: Sequence[MustExam], frame: pd.DataFrame, run_date: date) -> list[tuple[Check, ...]]:
    compiled, faults = [], []
    for rule in rules:
        checks = []
        for condition in rule.where if in_force(rule, run_date) else ():
            try:
                checks.append(compile_condition(condition, frame))
            except ConditionFaultError as fault:
                faults.append(f"rule {rule.id!r}: {fault}")
        compiled.append(tuple(checks))
    if faults:
        raise ConfigError("; ".join(faults), where="[[must_exam]]", fix="mend the rules in riskscore.toml")
    return compiled


def _all(checks: tuple[Check, ...], rows: int) -> npt.NDArray[np.bool_]:
    # No checks means not in force (a rule in force has at least one condition), so nothing matches.
    hit = np.full(rows, bool(checks))
    for check in checks:
        hit &= check()
    return hit


def _claims(rules: Sequence[MustExam], winner: npt.NDArray[np.intp], index: pd.Index[str]) -> pd.DataFrame:
    # Position -1 picks the last entry: the null for "no rule".
    columns = {
        "rule_id": [*(rule.id for rule in rules), None],
        "exam": [*(rule.exam for rule in rules), None],
        "reason": [*(rule.reason for rule in rules), None],
    }
    return pd.DataFrame(
        {name: pd.array(values, dtype="str").take(winner) for name, values in columns.items()}, index=index
    )
