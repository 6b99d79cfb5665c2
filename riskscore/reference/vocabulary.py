"""The vocabulary of hazards, exams and results that every table shares; part of the contract, never replaced."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from riskscore.reference.facts import number
from riskscore.reference.loading import PACKAGED, Tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from riskscore.reference.facts import Row

UNLABELLED = ("not_examined", "waived_standard_exception", "waived_articulable_reason")
"""Results that say nothing about the cargo: unexamined is unlabelled, never innocent."""

CLEAR = ("released_no_discrepancy", "detained_released")
"""Results that clear the hazards which the exam can see."""

POSITIVE = (
    "released_with_discrepancy",
    "excluded_reexported",
    "seized",
    "abandoned",
    "penalty_assessed",
    "duty_billed",
    "emergency_action_notice",
)
"""Results that confirm a hazard."""

PENDING = ("detained",)
"""Results not decided yet: censored."""

EXCLUDED = ("cargo_never_arrived", "bill_deleted", "scored_after_release")
"""Results of shipments that must leave every evaluation (GAO-15-294)."""

RULE_ONLY_HAZARDS = ("wmd_terror", "export_control_sanctions")
"""Hazards screened by rules and never by a learned probability (reference/hazards.csv)."""


def rows(name: str) -> tuple[Row, ...]:
    """All rows of the packaged table `name` (without .csv), as read-only mappings of text.

    Raises:
        ConfigError: no such table is packaged.

    >>> rows("hazards")[0]["hazard"]
    'narcotics'
    """
    return PACKAGED.rows(name)


def hazards() -> tuple[str, ...]:
    """The 14 hazards, in the order of reference/hazards.csv.

    >>> len(hazards()), hazards()[0]
    (14, 'narcotics')
    """
    return tuple(row["hazard"] for row in rows("hazards"))


def learned_hazards() -> tuple[str, ...]:
    """Hazards a model may be trained for: all but the rule-only ones.

    >>> "wmd_terror" in learned_hazards()
    False
    """
    return tuple(h for h in hazards() if h not in RULE_ONLY_HAZARDS)


def exams() -> tuple[str, ...]:
    """The exam types, in the order of reference/exam_visibility.csv.

    >>> exams()
    ('document', 'nii', 'tailgate', 'intensive', 'agriculture', 'pga', 'lab')
    """
    return tuple(dict.fromkeys(row["exam"] for row in rows("exam_visibility")))


def results() -> tuple[str, ...]:
    """Every exam result an outcome may carry (reference/outcomes.csv)."""
    return UNLABELLED + CLEAR + POSITIVE + PENDING + EXCLUDED


@cache
def sensitivity(tables: Tables = PACKAGED) -> Mapping[tuple[str, str], float]:
    """Chance that an exam finds a hazard that is there, by (exam, hazard); 0 where the exam cannot see it.

    Working assumptions (conf M in reference/exam_visibility.csv); replace them with local experience.

    Raises:
        ConfigError: a sensitivity of the user's own table is no number.

    >>> sensitivity()["nii", "undervaluation"], sensitivity()["intensive", "ipr"]
    (0.0, 0.8)
    """
    table = "exam_visibility"
    return MappingProxyType(
        {(row["exam"], row["hazard"]): number(table, row, "sensitivity") for row in tables.rows(table)}
    )
