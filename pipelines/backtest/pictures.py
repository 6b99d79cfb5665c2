"""The pictures of a backtest report, with units on their axes; templates/backtest.html says how each is read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore.models.evaluation import SHARES
from riskscore.pipelines import pages
from riskscore.pipelines.backtest.figures import MAIN_SHARE, TOP
from riskscore.pipelines.backtest.numbers import percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from markupsafe import Markup
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from riskscore.models.estimates import Estimate
    from riskscore.pipelines.backtest.numbers import Numbers

TALL = 3.1
BASES = (("examined", "examined: counted", pages.FIRST, "o"), ("population", "everybody: estimated", pages.SECOND, "s"))
SHOWN_GROUPS = 12
"""Bars in a picture; a group beyond them is in the table."""

_LONGEST = 24


def over_origins(numbers: Numbers, origins: Sequence[tuple[date, bool]], kind: str) -> Markup:
    """Precision or recall at 5 % of capacity, by origin; hollow where results are still to come."""
    with pages.drawing(TALL, f"{kind}-over-origins") as (axes, made):
        places = np.arange(len(origins))
        for shift, (basis, label, colour, marker) in zip((-0.12, 0.12), BASES, strict=True):
            figures = [numbers.at(f"{basis}.{TOP}.{kind}_random", origin=day) for day, _ in origins]
            full = [mature for _, mature in origins]
            _points(axes, places + shift, figures, colour, marker, label, full)
        chance = MAIN_SHARE if kind == "recall" else numbers.at("random_floor.hit_rate").value
        if not math.isnan(chance):
            axes.axhline(100 * chance, color=pages.MUTED, linestyle="--", linewidth=1.2)
        _dates(axes, [day for day, _ in origins])
        axes.set_ylabel(f"{kind}, %")
        axes.set_ylim(bottom=0)
        _legend(axes)
    return made[0]


def _points(
    axes: Axes,
    places: NDArray[np.floating[Any]],
    figures: Sequence[Estimate],
    colour: str,
    marker: str,
    label: str,
    full: Sequence[bool],
) -> None:
    """Points in percent with their intervals; an unknown upper end is drawn to 100 %."""
    named = False
    for place, figure, solid in zip(places, figures, full, strict=True):
        if not figure.defined:
            continue
        high = 1.0 if math.isnan(figure.high) else figure.high
        axes.plot([place, place], [100 * figure.low, 100 * high], color=colour, linewidth=1.6, alpha=0.75)
        face = colour if solid else pages.PAPER
        axes.plot(place, 100 * figure.value, marker, color=colour, markerfacecolor=face, markersize=6.5,
                  label=None if named else label)  # fmt: skip
        named = True


def _dates(axes: Axes, days: Sequence[date]) -> None:
    # Every label would not fit a telephone's width.
    step = max(1, math.ceil(len(days) / 6))
    axes.set_xticks(range(0, len(days), step), [f"{day:%d %b}\n{day:%Y}" for day in days[::step]])
    axes.set_xlim(-0.5, max(1, len(days)) - 0.5)
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("origin: the morning of training")


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handletextpad=0.4, columnspacing=1.2)


def reliability(numbers: Numbers) -> Markup | None:
    """Predicted against observed by tenth of the population, on logarithmic axes: risks are small."""
    bins = numbers.segments("score_bin")
    bins = sorted(name for name in bins if numbers.at("population.observed", kind="score_bin", segment=name).defined)
    if not bins:
        return None
    points = [tuple(numbers.at(f"population.{f}", kind="score_bin", segment=b) for f in ("predicted", "observed"))
              for b in bins]  # fmt: skip
    smallest = min([p.value for p, _ in points] + [o.value for _, o in points if o.value > 0])
    largest = max([p.value for p, _ in points] + [o.value for _, o in points])
    low, high = 100 * smallest / 3, min(100.0, 100 * largest * 3)
    with pages.drawing(3.4, "reliability") as (axes, made):
        axes.plot([low, high], [low, high], color=pages.MUTED, linestyle="--", linewidth=1.2, label="perfect")
        for number, (predicted, observed) in enumerate(points):
            at, value = 100 * predicted.value, max(low * 1.12, 100 * observed.value)
            axes.plot([at, at], [max(low, 100 * observed.low), min(high, 100 * observed.high)], color=pages.SECOND,
                      linewidth=1.6, alpha=0.75)  # fmt: skip
            face = pages.SECOND if observed.value > 0 else pages.PAPER
            axes.plot(at, value, "s", color=pages.SECOND, markerfacecolor=face, markersize=6.5,
                      label=None if number else "a tenth of all shipments")  # fmt: skip
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
        _plain_ticks(axes, low, high)
        axes.set_xlabel("predicted probability of any hazard, %")
        axes.set_ylabel("found by exams, %")
        _legend(axes)
    return made[0]


def _plain_ticks(axes: Axes, low: float, high: float) -> None:
    from matplotlib.ticker import NullFormatter, NullLocator

    ticks = [t for t in (0.001, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100) if low <= t <= high]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{t:g}" for t in ticks])
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())


def lift(numbers: Numbers) -> Markup | None:
    """Lift over the random floor by capacity, on both bases."""
    figures = _by_capacity(numbers, "lift_over_random_floor")
    if not any(figure.defined for *_, figure in figures):
        return None
    with pages.drawing(2.9, "lift") as (axes, made):
        _capacity_rows(axes, figures, unknown=1e6, smallest=1e-2)
        axes.axvline(1, color=pages.MUTED, linestyle="--", linewidth=1.2)
        _times_axis(axes, [figure for *_, figure in figures if figure.defined])
        axes.set_xlabel("times the hit rate of random exams")
        _legend(axes)
    return made[0]


def hit_rates(numbers: Numbers) -> Markup:
    """Hit rate by capacity on both bases, against that of random exams."""
    with pages.drawing(2.9, "hit-rates") as (axes, made):
        _capacity_rows(axes, _by_capacity(numbers, "precision_random"), unknown=100.0, scale=100.0)
        if (floor := numbers.at("random_floor.hit_rate")).defined:
            axes.axvline(100 * floor.value, color=pages.MUTED, linestyle="--", linewidth=1.2)
        axes.set_xlim(left=0)
        axes.set_xlabel("exams that find something, %")
        _legend(axes)
    return made[0]


def _by_capacity(numbers: Numbers, figure: str) -> list[tuple[float, str, str, str, Estimate]]:
    """Place, label, colour and marker of each capacity on each basis, and its figure."""
    return [
        (SHARES.index(share) + shift, label, colour, marker, numbers.at(f"{basis}.top.{share:g}.{figure}"))
        for share in SHARES
        for shift, (basis, label, colour, marker) in zip((-0.15, 0.15), BASES, strict=True)
    ]


def _capacity_rows(
    axes: Axes,
    figures: Sequence[tuple[float, str, str, str, Estimate]],
    *,
    unknown: float,
    scale: float = 1.0,
    smallest: float = 0.0,
) -> None:
    """Points with intervals, one line per capacity; `unknown` is drawn where the upper end is not known."""
    named: set[str] = set()
    for place, label, colour, marker, figure in figures:
        if not figure.defined:
            continue
        high = unknown if math.isnan(figure.high) else scale * figure.high
        axes.plot([max(smallest, scale * figure.low), high], [place, place], color=colour, linewidth=1.8, alpha=0.75)
        axes.plot(max(smallest, scale * figure.value), place, marker, color=colour, markersize=7,
                  label=None if label in named else label)  # fmt: skip
        named.add(label)
    axes.set_yticks(range(len(SHARES)), [f"top {percent(share)}" for share in SHARES])
    axes.set_ylim(len(SHARES) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def _times_axis(axes: Axes, figures: Sequence[Estimate]) -> None:
    from matplotlib.ticker import NullLocator

    lows = [f.low for f in figures if f.low > 0]
    highs = [f.high for f in figures if not math.isnan(f.high)]
    low, high = max(0.05, min([0.7, *lows])), min(200.0, max([2.0, *highs])) * 1.15
    ticks = [t for t in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200) if low <= t <= high]
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def bars(
    name: str, rows: Sequence[tuple[str, Estimate]], *, unit: str, colour: str = pages.FIRST, line: float | None = None
) -> Markup:
    """Horizontal bars in percent with their intervals; a row without a figure says so.

    Args:
        name: unique on the page.
        rows: label and share, top to bottom.
        unit: of the axis.
        colour: of the bars, one of the page's.
        line: share at which a dashed line stands for comparison.
    """
    with pages.drawing(0.95 + 0.31 * len(rows), name) as (axes, made):
        for place, (_, figure) in enumerate(rows):
            if not figure.defined:
                axes.annotate("not measurable", (0, place), xytext=(4, 0), textcoords="offset points",
                              va="center", color=pages.MUTED)  # fmt: skip
                continue
            high = 1.0 if math.isnan(figure.high) else figure.high
            axes.barh(place, 100 * figure.value, height=0.62, color=colour, alpha=0.45)
            axes.plot([100 * figure.low, 100 * high], [place, place], color=pages.INK, linewidth=1.5)
        if line is not None:
            axes.axvline(100 * line, color=pages.MUTED, linestyle="--", linewidth=1.2)
        axes.set_yticks(range(len(rows)), [_short(label) for label, _ in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(unit)
    return made[0]


def _short(label: str) -> str:
    """A label that leaves room for the picture; line breaks and other controls are spaces."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in label).split())
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


def by_origin(
    name: str,
    rows: Sequence[tuple[date, Estimate]],
    *,
    unit: str,
    lines: Sequence[float] = (),
    scale: float = 1.0,
    steps: Sequence[Estimate] = (),
) -> Markup:
    """One figure by origin, with its interval, and dashed lines or steps by origin to hold it against."""
    with pages.drawing(2.6, name) as (axes, made):
        for place, (_, figure) in enumerate(rows):
            if figure.defined:
                ends = [scale * figure.low, scale * figure.high]
                axes.plot([place, place], ends, color=pages.FIRST, linewidth=1.6, alpha=0.75)
                axes.plot(place, scale * figure.value, "o", color=pages.FIRST, markersize=6.5)
        for line in lines:
            axes.axhline(line, color=pages.MUTED, linestyle="--", linewidth=1.2)
        if steps:
            axes.step(range(len(rows)), [scale * step.value for step in steps], where="mid", color=pages.MUTED)
        _dates(axes, [day for day, _ in rows])
        axes.set_ylabel(unit)
        axes.set_ylim(bottom=0)
    return made[0]
