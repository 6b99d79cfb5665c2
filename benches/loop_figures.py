"""What the closed loop measures of one policy's life, and how policies compare over seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from harness import t_interval
from loop_policies import SHARE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loop_country import Country, ExamRoom, Flags, Floats, Ints
    from loop_life import Lived

LATE_WEEKS = 12
"""The last weeks, in which a policy should have recovered."""

RECOVERED = 0.8
"""Share of the recall before the break at which a policy has recovered."""

WINDOW = 4
"""Weeks that are taken together to see it: one week's hits are too few."""

BINS = 20
"""Bins of equal size for the calibration error; the highest is what could be examined."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which shipments each figure speaks of."""

    scored: Flags
    """Arrivals after the warm-up."""
    late: Flags
    after: Flags
    """From the break on; in a steady country from where it would have been."""
    trusted: Flags

    @classmethod
    def of(cls, country: Country) -> Scope:
        """The scope of a country."""
        week, size = country.week, country.size
        late, scored = week >= size.weeks - LATE_WEEKS, week >= size.warm_up
        return cls(scored, scored & late, scored & (week >= changed(country)), country.trusted)


def changed(country: Country) -> int:
    """First week after the break, or where a steady country would have had it."""
    return int(country.size.weeks * 0.56) if country.break_week is None else country.break_week


def figures(country: Country, room: ExamRoom, lived: Lived) -> dict[str, Any]:
    """Every figure of one life; None where it is not defined."""
    scope, hazardous = Scope.of(country), room.hazardous
    hits = lived.examined & lived.finds
    found = {
        "exams": int(lived.examined.sum()),
        "yield": _share(hits, lived.examined),
        "recall": _share(hits, hazardous & scope.scored),
        "late_recall": _share(hits & scope.late, hazardous & scope.late),
        "late_recall_trusted": _share(hits & scope.late & scope.trusted, hazardous & scope.late & scope.trusted),
        "recovery_weeks": None,
    }
    weekly = _weekly(country, hits, hazardous)
    if country.break_week is not None and country.break_week > country.size.warm_up:
        found["recovery_weeks"] = recovery(weekly, country.break_week, country.size.warm_up)
    if not np.isnan(lived.score[scope.scored]).any():
        found |= calibration("", lived.score, lived.finds, country.week, scope)
        found |= calibration("constant_", lived.constant, lived.finds, country.week, scope)
    return found | {"weekly_recall": weekly.round(4).tolist()}


def _share(part: Flags, whole: Flags) -> float | None:
    return float(part.sum() / whole.sum()) if whole.any() else None


def _weekly(country: Country, hits: Flags, hazardous: Flags) -> Floats:
    found = np.bincount(country.week, hits, country.size.weeks)
    return found / np.maximum(np.bincount(country.week, hazardous, country.size.weeks), 1)


def recovery(weekly: Floats, break_week: int, first: int) -> float:
    """Weeks from the break until recall over WINDOW weeks is back at RECOVERED of what it was before the break.

    Args:
        weekly: recall by week.
        break_week: first week of the changed world.
        first: first week that counts.

    Returns:
        Weeks to the first week of that window; never = the weeks there were: a lower bound.

    >>> recovery(np.array([1.0] * 4 + [0.1] * 3 + [0.9] * 5), break_week=4, first=0)
    3.0
    """
    before = weekly[first:break_week].mean()
    after = np.convolve(weekly[break_week:], np.full(WINDOW, 1 / WINDOW), "valid")
    back = np.flatnonzero(after >= RECOVERED * before)
    return float(back[0] if len(back) else len(weekly) - break_week)


def calibration(prefix: str, score: Floats, finds: Flags, week: Ints, scope: Scope) -> dict[str, float | None]:
    """Calibration on all shipments, examined or not: what their exams would find is the truth."""
    top = top_share(score, week) & scope.after
    return {
        f"{prefix}ece": ece(score[scope.scored], finds[scope.scored]),
        f"{prefix}ece_after": ece(score[scope.after], finds[scope.after]),
        f"{prefix}ratio_before": _ratio(score, finds, scope.scored & ~scope.after),
        f"{prefix}ratio_after": _ratio(score, finds, scope.after),
        f"{prefix}ratio_late": _ratio(score, finds, scope.late),
        f"{prefix}ratio_top": _ratio(score, finds, top),
        f"{prefix}ratio_trusted": _ratio(score, finds, scope.after & scope.trusted),
    }


def _ratio(score: Floats, finds: Flags, rows: Flags) -> float | None:
    """Predicted over true."""
    true = finds[rows].sum()
    return float(score[rows].sum() / true) if true else None


def ece(score: Floats, finds: Flags, bins: int = BINS) -> float:
    """Expected calibration error over bins of equally many rows, ordered by score; equal scores share their outcome.

    >>> ece(np.array([0.1, 0.1, 0.6, 0.6]), np.array([False, False, True, False]), bins=2)
    0.1
    """
    levels, at = np.unique(score, return_inverse=True)
    # Rows of one score are interchangeable: each gets the mean outcome, so that no order of rows matters.
    mean = np.bincount(at, finds) / np.bincount(at)
    order = np.argsort(at, kind="stable")
    parts = np.array_split(levels[at[order]] - mean[at[order]], bins)
    return float(round(sum(abs(part.sum()) for part in parts) / len(score), 12))


def top_share(score: Floats, week: Ints) -> Flags:
    """The share SHARE of each week that scores highest; by position among equals."""
    top = np.zeros(len(score), dtype=bool)
    for number in np.unique(week):
        rows = np.flatnonzero(week == number)
        order = np.argsort(-score[rows], kind="stable")
        top[rows[order[: round(SHARE * len(rows))]]] = True
    return top


def paired(
    seeds: Sequence[Mapping[str, Mapping[str, Any]]], policy: str, other: str, figure: str
) -> tuple[float, float, float]:
    """Mean and 95 % t-interval over seeds of `policy`'s figure less that of `other`; NaN where there is none."""
    both = [(seed[policy][figure], seed[other][figure]) for seed in seeds]
    return mean_of([a - b for a, b in both if a is not None and b is not None])


def mean_of(values: Sequence[float | None]) -> tuple[float, float, float]:
    """Mean and 95 % t-interval of the figures there are."""
    there = [value for value in values if value is not None]
    return t_interval(there) if there else (math.nan, math.nan, math.nan)


def cell(figure: tuple[float, float, float], form: Callable[[float], str]) -> str:
    """A mean with its interval as text; "-" where there is none."""
    mean, low, high = figure
    if math.isnan(mean):
        return "-"
    return form(mean) if math.isnan(low) else f"{form(mean)} ({form(low)} to {form(high)})"
