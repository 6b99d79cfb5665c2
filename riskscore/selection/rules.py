"""Must-exam rules: dated, versioned conditions over columns, features and scores, compiled to vectorised checks."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.config import MustExam
from riskscore.errors import ConfigError
from riskscore.selection.conditions import compile_condition
from riskscore.selection.rule_columns import Columns, ConditionFaultError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import numpy.typing as npt

    from riskscore.selection.rule_checks import Check, Listing
    from riskscore.selection.watch_lists import WatchList

_NO_LISTS: Mapping[str, WatchList] = MappingProxyType({})


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
    version: int = 1
    digest: str = ""
    """SHA-256 of the rule's text, see `riskscore.config.MustExam.digest`; empty = not stated."""

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

    def as_record(self) -> dict[str, object]:
        """What a run record says of the rule; `rule_history.rule_history` reads it back."""
        return {name: getattr(self, name) for name in (*self.__slots__, "flag")}


@dataclass(frozen=True, slots=True)
class Matches:
    """Which rule, if any, each shipment matched."""

    frame: pd.DataFrame
    """Index shipment_id, in the order of the input; text columns rule_id, exam, reason: null = no rule. Where a rule
    rests on a watch-list, the reason adds the list's own."""
    report: tuple[RuleReport, ...]
    """One entry per rule, in configuration order."""

    def order(self) -> npt.NDArray[np.int64]:
        """Place of each shipment's rule in configuration order, 1 = first; 0 = no rule."""
        places = {rule.rule_id: at for at, rule in enumerate(self.report, start=1) if rule.in_force}
        return np.array([places.get(rule, 0) for rule in self.frame["rule_id"]], dtype=np.int64)


def match(
    rules: Sequence[MustExam],
    frame: pd.DataFrame,
    run_date: date,
    lists: Mapping[str, WatchList] = _NO_LISTS,
) -> Matches:
    """Hold every rule against every shipment; the first rule in configuration order wins.

    Args:
        rules: the [[must_exam]] entries of riskscore.toml. A rule out of force on `run_date` is not looked
            at: neither can it match, nor can its columns be amiss.
        frame: shipments columns, features and scores (`rule_columns.score_columns`), index shipment_id.
        run_date: the day scored; valid_from and expires are both inclusive, of rules and of entries of lists.
        lists: the watch-lists that rules in force name (`watch_lists.named_lists`), by name.

    Raises:
        ConfigError: two rules of one id are in force on one day; a rule names an unknown column or watch-list, or a
            value or operator that does not suit the column; all faults are named at once.

    >>> from datetime import date
    >>> from riskscore.config import Condition, MustExam
    >>> unsealed = Condition(column="seal_ids", op="is_null")
    >>> rule = MustExam(id="no-seal", exam="nii", owner="port", reason="no seal", where=(unsealed,))
    >>> day = pd.DataFrame({"seal_ids": ["A1", None]}, index=["S1", "S2"])
    >>> match((rule,), day, date(2026, 3, 2)).frame.loc["S2"].to_dict()
    {'rule_id': 'no-seal', 'exam': 'nii', 'reason': 'no seal'}
    """
    compiled = _compile(rules, frame, run_date, lists)
    winner = np.full(len(frame), -1)
    report = []
    for position, (rule, checks) in enumerate(zip(rules, compiled, strict=True)):
        hit = _all(checks, len(frame))
        winner[hit & (winner < 0)] = position
        counts = (bool(checks), int(hit.sum()), len(frame))
        report.append(RuleReport(rule.id, *counts, rule.version, rule.digest()))
    return Matches(_claims(rules, compiled, winner, frame.index), tuple(report))


def _compile(
    rules: Sequence[MustExam], frame: pd.DataFrame, run_date: date, lists: Mapping[str, WatchList]
) -> list[tuple[Check, ...]]:
    compiled, faults, columns = [], _clashes(rules), Columns(frame)
    for rule in rules:
        checks = []
        for condition in rule.where if rule.in_force(run_date) else ():
            try:
                checks.append(compile_condition(condition, columns, lists, run_date))
            except ConditionFaultError as fault:
                faults.append(f"rule {rule.id!r}: {fault}")
        compiled.append(tuple(checks))
    if faults:
        raise ConfigError("; ".join(faults), where="[[must_exam]]", fix="mend the rules in riskscore.toml")
    return compiled


def _clashes(rules: Sequence[MustExam]) -> list[str]:
    try:
        MustExam.require_one_a_day(rules)
    except ValueError as error:
        return [str(error)]
    return []


def _all(checks: tuple[Check, ...], rows: int) -> npt.NDArray[np.bool_]:
    # No checks means not in force (a rule in force has at least one condition), so nothing matches.
    hit = np.full(rows, bool(checks))
    for check in checks:
        if hit.any():
            hit &= check.holds()
    return hit


def _claims(
    rules: Sequence[MustExam], compiled: list[tuple[Check, ...]], winner: npt.NDArray[np.intp], index: pd.Index[str]
) -> pd.DataFrame:
    # Position -1 picks the last entry: the null for "no rule".
    columns = {
        "rule_id": [*(rule.id for rule in rules), None],
        "exam": [*(rule.exam for rule in rules), None],
        "reason": [*(rule.reason for rule in rules), None],
    }
    claims = {name: pd.array(values, dtype="str").take(winner) for name, values in columns.items()}
    listings = [(at, found) for at, checks in enumerate(compiled) for check in checks for found in check.listings()]
    if listings:
        claims["reason"] = pd.array(_told(claims["reason"].to_numpy(dtype=object), listings, winner), dtype="str")
    return pd.DataFrame(claims, index=index)


def _told(
    reasons: npt.NDArray[np.object_], listings: list[tuple[int, Listing]], winner: npt.NDArray[np.intp]
) -> npt.NDArray[np.object_]:
    """The reasons, with those of the watch-list entries that the rule rests on."""
    for position, listing in listings:
        entry_of = listing.entry_of()
        for row in np.flatnonzero((winner == position) & (entry_of >= 0)):
            entry = listing.entries[entry_of[row]]
            said = f"; watch-list {listing.name}: {entry.reason} ({entry.owner})"
            # Two parties of a shipment may stand there for one reason.
            reasons[row] += said if said not in reasons[row] else ""
    return reasons
