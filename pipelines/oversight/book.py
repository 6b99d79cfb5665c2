"""The long table of a standing report: one row per figure, each with its interval and its dates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskscore.models.estimates import Estimate
from riskscore.models.labels import ANY
from riskscore.models.prevalence_intervals import LEVEL

if TYPE_CHECKING:
    from datetime import date

    from riskscore.pipelines.oversight.span import Span

SCHEMA = pa.schema(
    [
        ("section", pa.string()),
        ("figure", pa.string()),
        ("target", pa.string()),
        ("kind", pa.string()),
        ("segment", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("level", pa.float64()),
        ("exams", pa.int64()),
        ("found", pa.int64()),
        ("from", pa.date32()),
        ("to", pa.date32()),
        ("as_of", pa.date32()),
        ("position", pa.int64()),
        ("note", pa.string()),
    ]
)
"""Columns of oversight.parquet.

section, figure: what it is (docs/oversight.md); target: hazard, or any; kind, segment: the group, all = everybody;
value, low, high: the figure and its interval, null = not measurable or not known; level: nominal coverage of the
interval, null = a plain count, which has none; exams: exams (or shipments) that it rests on; found: those of them that
the figure counts, finds where it speaks of results; from, to: first and last arrival day; as_of: the morning before
which facts were known; position: ledger position; note: in words, what the number leaves out.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Whom a figure is about: a group (`segment`) of some `kind`, and a hazard (`target`)."""

    kind: str = "all"
    segment: str = "all"
    target: str = ANY


EVERYBODY = Place()


class Book:
    """Collects figures of one report."""

    def __init__(self, span: Span) -> None:
        self._span, self._rows = span, list[dict[str, Any]]()

    def add(
        self,
        section: str,
        figure: str,
        made: Estimate,
        place: Place = EVERYBODY,
        *,
        level: float | None = LEVEL,
        note: str = "",
        days: tuple[date, date] | None = None,
    ) -> None:
        """Write a figure down.

        Args:
            section: of the report.
            figure: name of the figure.
            made: the figure.
            place: whom it is about.
            level: of the interval; None = a plain count.
            note: in words.
            days: first and last arrival day; None = the window of the estimates.
        """
        first, last = days or (self._span.first, self._span.until)
        self._rows.append(
            {
                "section": section, "figure": figure,
                "target": place.target, "kind": place.kind, "segment": place.segment,
                "value": _null(made.value), "low": _null(made.low), "high": _null(made.high), "level": level,
                "exams": made.rows, "found": made.positives, "from": first, "to": last, "as_of": self._span.as_of,
                "position": self._span.position, "note": note or None,
            }
        )  # fmt: skip

    def count(
        self,
        section: str,
        figure: str,
        number: float,
        of: int,
        place: Place = EVERYBODY,
        *,
        note: str = "",
        days: tuple[date, date] | None = None,
    ) -> None:
        """Write down what is known without error, such as a count; `of` is how many were looked at."""
        made = Estimate(number, number, number, of, round(number))
        self.add(section, figure, made, place, level=None, note=note, days=days)

    def table(self) -> pa.Table:
        """All figures, in the order they were written."""
        return pa.Table.from_pylist(self._rows, schema=SCHEMA)


def _null(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
