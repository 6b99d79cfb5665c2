"""The standing report as a page for people; its own words stand in templates/oversight.html."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from riskscore.models.labels import ANY, targets
from riskscore.pipelines import pages
from riskscore.pipelines.backtest import pictures
from riskscore.pipelines.backtest.numbers import Shown, times
from riskscore.pipelines.oversight.sheets import Standing, cell, number, plain, rate, sheets

if TYPE_CHECKING:
    import pyarrow as pa
    from markupsafe import Markup

    from riskscore.models.estimates import Estimate
    from riskscore.pipelines.oversight.span import Span

SHOWN_GROUPS = 12
"""Groups in a picture: more cannot be told apart."""


def render(figures: pa.Table, span: Span) -> str:
    """The page, self-contained: no network, no script.

    Args:
        figures: see `book.SCHEMA`.
        span: the days of the report.
    """
    made = Standing(figures)
    sections = ("prevalence", "objective", "trusted traders", "coverage", "referrals", "rules", "must-exams", "drift")
    return pages.page(
        "oversight.html",
        title=f"Oversight through {span.through.isoformat()}",
        span=span,
        answers=answers(made),
        tiles=_tiles(made),
        sheets=sheets(made),
        dates={section: made.dates(section) for section in sections},
        pictures={"hazards": _by_hazard(made), "ports": _by_port(made), "arms": _by_arm(made)},
    )


def answers(made: Standing) -> list[tuple[str, str]]:
    """What an auditor asks first, and the answer in a sentence or two."""
    return [
        ("What is still getting through?", _through(made)),
        ("Does targeting beat chance?", _lift(made)),
        ("Are trusted traders better?", _trusted(made)),
        ("What is not on record?", _records(made)),
    ]


def _through(made: Standing) -> str:
    found, missed = made.at("prevalence", "prevalence"), made.at("prevalence", "missed")
    if not found.defined:
        return "Not measurable: no exam with a result speaks for the shipments that nobody examined."
    return (
        f"The design's exams would find something on {_said(plain(found, rate))} of the shipments, and "
        f"{_said(plain(missed, number))} such shipments passed without being found. {found.rows:,} exams with a result "
        f"stand behind it; {found.positives:,} of them found something."
    )


def _lift(made: Standing) -> str:
    over = made.at("lift", "lift_over_population", kind="arm", segment="targeted")
    hits = made.at("objective", "hit_rate", kind="arm", segment="targeted")
    if not over.defined:
        return f"Not measurable. Targeted exams find something in {_said(cell(hits))}."
    word = "Yes" if over.low > 1 else "No" if over.high < 1 else "Not shown"
    return (
        f"{word}. Exams ordered by rules and risk find something in {_said(cell(hits))}: {_said(plain(over, times))} "
        "times the rate of all shipments."
    )


def _trusted(made: Standing) -> str:
    place = {"kind": "trader", "segment": "trusted against other"}
    over = made.at("trusted traders", "prevalence_ratio", **place)
    if not over.defined:
        return "Not measurable: too few exams with a result, or nothing found, on one side or the other."
    word = "Yes" if over.high < 1 else "No, worse" if over.low > 1 else "Not shown"
    return (
        f"{word}. What exams would find on shipments of trusted traders is {_said(plain(over, times))} times what they "
        "would find on those of others."
    )


def _records(made: Standing) -> str:
    recorded, still_open = made.at("coverage", "recorded"), made.at("referrals", "open")
    oldest = made.at("referrals", "open_days_oldest")
    age = f"; the oldest is {number(oldest.value)} days old" if oldest.defined else ""
    never = made.at("must-exams", "never_held")
    lapsed = f" {number(never.value)} must-exams were never held." if never.defined else ""
    return (
        f"A result is recorded for {_said(cell(recorded))} ordered. {number(still_open.value)} referrals are "
        f"open{age}.{lapsed}"
    )


def _said(shown: Shown) -> str:
    return f"{shown.value} ({'; '.join(shown.notes)})" if shown.notes else shown.value


def _tiles(made: Standing) -> list[dict[str, str]]:
    over = made.at("lift", "lift_over_population", kind="arm", segment="targeted")
    listed: list[tuple[str, str, Shown]] = [
        ("what exams would find, any hazard", "prevalence", cell(made.at("prevalence", "prevalence"))),
        ("targeted exams, times the rate of all shipments", "lift", plain(over, times)),
        ("exams ordered with a result", "coverage", cell(made.at("coverage", "recorded"))),
        ("open referrals", "referrals", Shown(number(made.at("referrals", "open").value))),
    ]
    return [
        {"title": title, "value": shown.value, "basis": "; ".join([*shown.notes[:1], made.dates(section)])}
        for title, section, shown in listed
    ]


def _bars(name: str, rows: list[tuple[str, Estimate]], unit: str, **options: Any) -> Markup | None:  # noqa: ANN401
    known = [(label, figure) for label, figure in rows if figure.defined]
    return pictures.bars(name, known[:SHOWN_GROUPS], unit=unit, **options) if known else None


def _by_hazard(made: Standing) -> Markup | None:
    rows = [(target, made.at("prevalence", "prevalence", target=target)) for target in targets() if target != ANY]
    return _bars("hazards", rows, "shipments on which exams would find it, %")


def _by_port(made: Standing) -> Markup | None:
    names = made.segments("prevalence", "prevalence", "port")
    rows = [(name, made.at("prevalence", "prevalence", kind="port", segment=name)) for name in names]
    everybody = made.at("prevalence", "prevalence")
    line = everybody.value if everybody.defined else None
    widest = sorted(rows, key=lambda row: (-row[1].rows, row[0]))
    return _bars("ports", widest, "shipments on which exams would find anything, %", line=line)


def _by_arm(made: Standing) -> Markup | None:
    names = made.segments("objective", "hit_rate", "arm")
    rows = [(name, made.at("objective", "hit_rate", kind="arm", segment=name)) for name in names]
    everybody = made.at("prevalence", "prevalence")
    line = everybody.value if everybody.defined else None
    return _bars("arms", rows, "exams that find something, %", line=line)
