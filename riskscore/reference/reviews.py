"""What an analyst may decide about a recommendation, and the closed list of codes that say why.

Table: data/review_codes.csv. GAO-15-294 found waivers recorded under categories that nobody had defined; here each code
says what it means, whether it asks for a text, and what becomes of the exam. Of the waivers it knows two kinds: a
predetermined category (standard exception), and a reason that the analyst can state (articulable reason), such as an
error in the data. The categories are ours (conf M): the authority's own list is not public.

The list is part of the tables' contract, as hazards and results are, and never replaced; nor is it among the facts that
features are made of, so that it may grow without another model (riskscore.reference.Tables.digest).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from riskscore.reference.vocabulary import exams

if TYPE_CHECKING:
    from collections.abc import Iterable

DECISIONS = ("accept", "override", "waive")
"""accept: the recommendation stands. waive: a shipment recommended for an exam is not examined, because research shows
that it need not be. override: anything else than was recommended: an exam, another exam, no exam without a waiver."""

EFFECTS = ("stands", "exam", "release", "waived")
"""What becomes of the exam: as recommended; the exam that the decision names; none; none, by waiver."""


@dataclass(frozen=True, slots=True)
class ReviewCode:
    """A reason for a decision.

    Attributes:
        code: as it is recorded.
        decision: one of DECISIONS, the only one it goes with.
        effect: one of EFFECTS.
        needs_text: the decision must say more in its own words.
        data_error: the shipment's data were wrong; to be mended at their source.
        result: of an outcome that records the same waiver (reference/outcomes.csv); empty = no waiver.
        meaning: what it says.
        conf: S (seen in a public document) or M (a working assumption).
        source: where the category comes from.
    """

    code: str
    decision: str
    effect: str
    needs_text: bool
    data_error: bool
    result: str
    meaning: str
    conf: str
    source: str


@cache
def review_codes(decision: str | None = None) -> tuple[ReviewCode, ...]:
    """The codes of a decision, in the order of the table; of all decisions when none is named.

    >>> [each.code for each in review_codes("waive") if each.result == "waived_articulable_reason"]
    ['ar_data_error', 'ar_explained']
    """
    text = files("riskscore.reference").joinpath("data/review_codes.csv").read_text(encoding="utf-8")
    listed = tuple(_code(row) for row in csv.DictReader(text.splitlines(), strict=True))
    return tuple(each for each in listed if decision in {None, each.decision})


def disagreements() -> tuple[tuple[str, str, str], ...]:
    """Where the columns of a review do not go together: column to blame, SQL that holds then, and what was expected.

    None holds where a column has a fault of its own, such as a code of no list.

    >>> [column for column, _, _ in disagreements()]
    ['code', 'text', 'exam_type', 'exam_type']
    """
    codes = review_codes()
    every, naming = _listed(each.code for each in codes), _listed(each.code for each in codes if each.effect == "exam")
    pairs = _listed(f"{each.decision} {each.code}" for each in codes)
    known = f"decision IN ({_listed(DECISIONS)}) AND code IN ({every})"
    wordy = _listed(each.code for each in codes if each.needs_text)
    unnamed = f"code IN ({every}) AND code NOT IN ({naming}) AND exam_type IN ({_listed(exams())})"
    return (
        ("code", f"{known} AND decision || ' ' || code NOT IN ({pairs})", "a code of its decision"),
        ("text", f"code IN ({wordy}) AND text IS NULL", "the words that this code asks for"),
        ("exam_type", f"code IN ({naming}) AND exam_type IS NULL", "the exam to be done instead"),
        ("exam_type", unnamed, "nothing, for this code names no exam"),
    )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _code(row: dict[str, str]) -> ReviewCode:
    return ReviewCode(
        row["code"],
        row["decision"],
        row["effect"],
        row["text"] == "yes",
        row["data_error"] == "yes",
        row["result"],
        row["meaning"],
        row["conf"],
        row["source"],
    )
