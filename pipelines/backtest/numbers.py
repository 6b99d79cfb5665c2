"""Looking figures up in the long table, and writing them for people: always with interval, rows and positives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from riskscore.models import segments
from riskscore.models.estimates import UNDEFINED, Estimate
from riskscore.models.labels import ANY

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pyarrow as pa

    Writer = Callable[[float], str]

SMALL_GROUP = "small"
"""Segment of the burden of small importers, which are two of the size classes together."""

_ORDERED = (*segments.SIZES, "no tier", "tier 1", "tier 2", "tier 3", "no record")


class Place(TypedDict):
    """Which group a figure is asked for."""

    kind: str
    segment: str


class Numbers:
    """The figures of a backtest by their place."""

    def __init__(self, figures: pa.Table) -> None:
        self._of: dict[tuple[date | None, str, str, str, str], Estimate] = {}
        for row in figures.to_pylist():
            key = row["origin"], row["segment_kind"], row["segment"], row["target"], row["figure"]
            value, low, high = (math.nan if row[name] is None else row[name] for name in ("value", "low", "high"))
            self._of[key] = Estimate(value, low, high, row["rows"], row["positives"])

    def at(
        self, figure: str, *, origin: date | None = None, kind: str = "all", segment: str = "all", target: str = ANY
    ) -> Estimate:
        """A figure, undefined where it was not made."""
        return self._of.get((origin, kind, segment, target, figure), UNDEFINED)

    def segments(self, kind: str, at_most: int | None = None) -> list[str]:
        """Groups of a kind: sizes of importers and tiers in their order, others by traffic, most first."""
        names = {segment for _, there, segment, _, _ in self._of if there == kind}
        traffic = {name: self.at("examined.share", kind=kind, segment=name).rows for name in names}
        return sorted(names - {SMALL_GROUP}, key=lambda name: (_place(name), -traffic[name], name))[:at_most]

    def targets(self) -> list[str]:
        """Targets with a model at any origin, `any` first."""
        return list(dict.fromkeys(target for _, kind, _, target, _ in self._of if kind == "all"))


def _place(name: str) -> int:
    return _ORDERED.index(name) if name in _ORDERED else 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell: the figure, and below it, line by line, its interval and what it rests on."""

    value: str
    notes: tuple[str, ...] = ()


def percent(value: float) -> str:
    """A share as a percentage with two digits that tell.

    >>> percent(0.3333), percent(0.0123), percent(0.05), percent(0.0), percent(float("nan"))
    ('33 %', '1.2 %', '5 %', '0 %', '-')
    """
    return "-" if math.isnan(value) else f"{_digits(100 * value)} %"


def _digits(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value < 9.95 else f"{value:.0f}"


def times(value: float) -> str:
    """A ratio.

    >>> times(0.456), times(12.3)
    ('0.46', '12')
    """
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" if value < 2 else f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def dollars(value: float) -> str:
    """USD, rounded to what such an estimate can bear.

    >>> dollars(1234567.0), dollars(45678.0), dollars(12.0)
    ('1.23 M USD', '46 k USD', '12 USD')
    """
    if math.isnan(value):
        return "-"
    if value >= 999_500:
        return f"{value / 1e6:,.2f} M USD"
    return f"{value / 1e3:,.0f} k USD" if value >= 999.5 else f"{value:.0f} USD"


def points(value: float) -> str:
    """A difference of shares in percentage points.

    >>> points(0.0123)
    '1.23'
    """
    return "-" if math.isnan(value) else f"{100 * value:.2f}"


def between(estimate: Estimate, write: Writer = percent) -> str:
    """The 95 % interval in words; empty when nothing is known of it.

    >>> between(Estimate(0.2, 0.1, 0.35, 10, 2)), between(Estimate(0.0, 0.0, float("nan"), 3, 0))
    ('10 to 35 %', 'at least 0 %')
    """
    if math.isnan(estimate.low):
        return ""
    if math.isnan(estimate.high):
        return f"at least {write(estimate.low)}"
    low, high = write(estimate.low), write(estimate.high)
    # One unit for both, where it is the same.
    number, _, unit = low.partition(" ")
    return f"{number if unit and high.endswith(f' {unit}') else low} to {high}"


def rests_on(estimate: Estimate) -> str:
    """Rows and findings behind a figure.

    >>> rests_on(Estimate(0.1, 0.0, 0.2, 1200, 1))
    '1,200 rows, 1 finding'
    """
    rows, found = estimate.rows, estimate.positives
    return f"{rows:,} row{'s' * (rows != 1)}, {found:,} finding{'s' * (found != 1)}"


def shown(estimate: Estimate, write: Writer = percent, *, basis: bool = True) -> Shown:
    """A figure as a cell, with its interval, rows and positives."""
    counts = rests_on(estimate) if basis else ""
    if not estimate.defined:
        return Shown("not measurable", (counts,) if counts else ())
    return Shown(write(estimate.value), tuple(note for note in (between(estimate, write), counts) if note))


def counted(number: int | None) -> Shown:
    """A plain count as a cell."""
    return Shown("-" if number is None else f"{number:,}")
