"""The standing report as tables of words, the same on the page and on the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskscore.models.estimates import UNDEFINED, Estimate
from riskscore.models.labels import ANY
from riskscore.pipelines.backtest.numbers import Shown, between, dollars, times

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    Writer = Callable[[float], str]
    Row = dict[str, Any]

KIND_WORDS = {
    "port": "port",
    "stratum": "stratum of the random floor",
    "trader": "trusted and other traders (trusted: CTPAT tier 2 or 3)",
    "tier": "CTPAT tier of the importer",
    "programme": "programmes of the importer",
}
"""Groups by which prevalence is shown, in the order of the page."""

ARMS = ("targeted", "must_exam", "risk", "novelty", "random_floor")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: caption, column names (the first of the row names), rows of name and cells."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Shown, ...]], ...]


class Standing:
    """The figures of a report by their place."""

    def __init__(self, figures: pa.Table) -> None:
        self.rows: list[Row] = figures.to_pylist()
        self._at = {_key(**{name: row[name] for name in _KEY}): row for row in self.rows}

    def row(
        self, section: str, figure: str, *, kind: str = "all", segment: str = "all", target: str = ANY
    ) -> Row | None:
        """The row of a figure; None where it was not made."""
        return self._at.get(_key(section, figure, kind, segment, target))

    def at(self, section: str, figure: str, **place: str) -> Estimate:
        """A figure, undefined where it was not made."""
        row = self.row(section, figure, **place)
        if row is None:
            return UNDEFINED
        value, low, high = (math.nan if row[name] is None else row[name] for name in ("value", "low", "high"))
        return Estimate(value, low, high, row["exams"], row["found"])

    def segments(self, section: str, figure: str, kind: str) -> list[str]:
        """Groups of a kind for which a figure was made, in the order of the table."""
        found = (row for row in self.rows if (row["section"], row["figure"], row["kind"]) == (section, figure, kind))
        return list(dict.fromkeys(row["segment"] for row in found))

    def dates(self, section: str) -> str:
        """Which arrivals a section is about, and when its facts were known."""
        row = next((row for row in self.rows if row["section"] == section), None)
        if row is None:
            return "nothing to report"
        return (
            f"arrivals {row['from'].isoformat()} to {row['to'].isoformat()}, as known on the morning of "
            f"{row['as_of'].isoformat()}, ledger position {row['position']}"
        )


_MUST = "must-exams"
_KEY = ("section", "figure", "kind", "segment", "target")


def _key(section: str, figure: str, kind: str, segment: str, target: str) -> tuple[str, ...]:
    return section, figure, kind, segment, target


def sheets(made: Standing) -> dict[str, list[Sheet]]:
    """Tables by section of the page."""
    return {
        "prevalence": [_hazards(made), *(_groups(made, kind) for kind in KIND_WORDS)],
        "objective": [_arms(made)],
        "trusted": [_traders(made, kind) for kind in ("trader", "tier", "programme")] + [_against(made)],
        "coverage": [_coverage(made, "age"), _coverage(made, "port")],
        "referrals": [_referrals(made), _waivers(made)],
        "rules": [_rules(made)],
        "must_exams": [_waits(made), _never_held(made)],
        "drift": [_drift(made)],
        "ports": [_ports(made)],
    }


def rate(value: float) -> str:
    """A share as a percentage; what is rare is given with two digits that tell.

    >>> rate(0.3333), rate(0.0123), rate(0.00034), rate(0.0), rate(1.0)
    ('33 %', '1.2 %', '0.034 %', '0 %', '100 %')
    """
    if math.isnan(value):
        return "-"
    percentage = 100 * value
    digits = sum(percentage < limit for limit in (9.95, 0.995, 0.0995)) if percentage else 0
    return f"{percentage:.{digits}f} %"


def cell(made: Estimate, write: Writer = rate, *, unit: str = "exam") -> Shown:
    """A figure with its interval and what it rests on."""
    counts = f"{made.positives:,} in {made.rows:,} {unit}{'s' * (made.rows != 1)}" if made.rows else ""
    if not made.defined:
        below = f"at least {write(made.low)}" if made.low > 0 else ""
        return Shown("not measurable", tuple(note for note in (below, counts) if note))
    return Shown(write(made.value), tuple(note for note in (between(made, write), counts) if note))


def plain(made: Estimate, write: Writer) -> Shown:
    """A figure with its interval, without counts."""
    return Shown(write(made.value), tuple(note for note in (between(made, write),) if note))


def number(value: float) -> str:
    """A count.

    >>> number(12345.4), number(float("nan"))
    ('12,345', '-')
    """
    return "-" if math.isnan(value) else f"{value:,.0f}"


def _signed(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:+.2f}"


def _prevalence_cells(made: Standing, **place: str) -> tuple[Shown, ...]:
    at = {name: made.at("prevalence", name, **place) for name in ("prevalence", "prevalence_assisted", "missed")}
    return (
        cell(at["prevalence"]),
        plain(at["missed"], number),
        plain(at["prevalence_assisted"], rate),
        Shown(rate(made.at("prevalence", "predicted", **place).value)),
        Shown(rate(made.at("prevalence", "reached", **place).value)),
    )


_PREVALENCE = ("what exams would find", "shipments missed", "with the help of the scores", "scores say", "reached")


def _hazards(made: Standing) -> Sheet:
    targets = dict.fromkeys(row["target"] for row in made.rows if row["section"] == "prevalence")
    rows = tuple((target, _prevalence_cells(made, target=target)) for target in targets)
    return Sheet("By hazard, all shipments", ("hazard", *_PREVALENCE), rows)


def _groups(made: Standing, kind: str) -> Sheet:
    names = made.segments("prevalence", "prevalence", kind)
    rows = tuple((name, _prevalence_cells(made, kind=kind, segment=name)) for name in names)
    return Sheet(f"Any hazard, by {KIND_WORDS[kind]}", (kind, *_PREVALENCE), rows)


def _arms(made: Standing) -> Sheet:
    rows = []
    for arm in (arm for arm in ARMS if arm in made.segments("objective", "hit_rate", "arm")):
        place = {"kind": "arm", "segment": arm}
        lifts = (made.at("lift", f"lift_over_{name}", **place) for name in ("population", "random_exams"))
        shown = (Shown("-") if arm == "random_floor" else plain(lift, times) for lift in lifts)
        harm = plain(made.at("objective", "harm_usd_per_exam", **place), dollars)
        rows.append((arm, (cell(made.at("objective", "hit_rate", **place)), harm, *shown)))
    columns = ("arm", "exams that find something", "found per exam", "times all shipments", "times random exams")
    return Sheet("What exams find, by the arm that ordered them", columns, tuple(rows))


_TRUST = ("exam_rate", "hit_rate_at_random", "hit_rate_overall", "prevalence")
_TRUST_WORDS = ("shipments ordered for exam", "hit rate, random exams", "hit rate, all exams", "what exams would find")


def _traders(made: Standing, kind: str) -> Sheet:
    rows = []
    for name in made.segments("trusted traders", "exam_rate", kind):
        if name != "trusted against other":
            figures = [made.at("trusted traders", figure, kind=kind, segment=name) for figure in _TRUST]
            cells = (cell(figure, unit="exam" if at else "shipment") for at, figure in enumerate(figures))
            rows.append((name, tuple(cells)))
    return Sheet(f"By {KIND_WORDS[kind]}", (kind, *_TRUST_WORDS), tuple(rows))


def _against(made: Standing) -> Sheet:
    place = {"kind": "trader", "segment": "trusted against other"}
    if made.row("trusted traders", "prevalence_ratio", **place) is None:
        return Sheet("Trusted against other traders", ("", *_TRUST_WORDS), ())
    ratios = tuple(plain(made.at("trusted traders", f"{name}_ratio", **place), times) for name in _TRUST)
    points = tuple(plain(made.at("trusted traders", f"{name}_difference", **place), _signed) for name in _TRUST)
    rows = (("trusted over other, ratio", ratios), ("trusted less other, percentage points", points))
    return Sheet("Trusted against other traders", ("", *_TRUST_WORDS), rows)


def _coverage(made: Standing, kind: str) -> Sheet:
    places = [{"kind": "all", "segment": "all"}] if made.row("coverage", "recorded") else []
    places += [{"kind": kind, "segment": name} for name in made.segments("coverage", "recorded", kind)]
    figures = ("recorded", "pending", "no_result")
    rows = tuple(
        (place["segment"], tuple(cell(made.at("coverage", name, **place)) for name in figures)) for place in places
    )
    columns = ({"age": "age of the order", "port": "port"}[kind], "result recorded", "detained, undecided", "no result")
    return Sheet(f"Exams ordered with a recorded result, by {columns[0]}", columns, rows)


def _referrals(made: Standing) -> Sheet:
    rows = [(f"status: {name}", made.at("referrals", "referrals", kind="status", segment=name).value)
            for name in made.segments("referrals", "referrals", "status")]  # fmt: skip
    rows += [(f"open for at least {name}", made.at("referrals", "open_for_at_least", kind="age", segment=name).value)
             for name in made.segments("referrals", "open_for_at_least", "age")]  # fmt: skip
    words = {"open_days_median": "open: median age in days", "open_days_oldest": "open: age of the oldest in days"}
    rows += [(word, made.at("referrals", name).value) for name, word in words.items() if made.row("referrals", name)]
    return Sheet("Shipments recommended for an exam", ("", "number"), tuple((n, (Shown(number(v)),)) for n, v in rows))


def _waivers(made: Standing) -> Sheet:
    places = [{"kind": "all", "segment": "all"}] if made.row("waivers", "waived") else []
    places += [{"kind": "code", "segment": name} for name in made.segments("waivers", "waived", "code")]
    rows = tuple((place["segment"], (cell(made.at("waivers", "waived", **place)),)) for place in places)
    return Sheet("Waivers by code", ("code", "share of the exams recommended"), rows)


def _rules(made: Standing) -> Sheet:
    rows = []
    for name in made.segments("rules", "matches", "rule"):
        place = {"kind": "rule", "segment": name}
        said = made.row("rules", "matches", **place)
        quiet = made.row("rules", "days_without_match", **place)
        days = number(quiet["value"]) if quiet else "-"
        never = quiet["note"] if quiet else None
        shipments = number(made.at("rules", "matches", **place).value)
        remark = (said["note"] if said else None) or "nothing odd"
        rows.append((name, (Shown(shipments), Shown(days, (never,) if never else ()), Shown(remark))))
    return Sheet("Must-exam rules", ("rule", "matches", "days without a match", "remark"), tuple(rows))


_WAITS = {
    "found_no_slot": "found no slot on their day",
    "held_later": "held on a later day",
    "still_waiting": "still waiting",
    "not_on_record": "not on record: kept by an older version, or scored anew since",
}


def _waits(made: Standing) -> Sheet:
    rows = [(word, made.at(_MUST, name).value) for name, word in _WAITS.items() if made.row(_MUST, name)]
    for why in made.segments(_MUST, "lapsed", "why"):
        said = made.row(_MUST, "lapsed", kind="why", segment=why) or {}
        rows.append((f"lapsed: {said['note']}", said["value"]))
    return Sheet("Must-exams without a slot, and what became of them", ("", "number"),
                 tuple((name, (Shown(number(value)),)) for name, value in rows))  # fmt: skip


def _never_held(made: Standing) -> Sheet:
    rows = []
    for kind, label in (("all", "all"), ("rule", "rule "), ("owner", "owner ")):
        for name in made.segments(_MUST, "never_held", kind):
            found = made.at(_MUST, "never_held", kind=kind, segment=name)
            shown = label if kind == "all" else f"{label}{name}"
            rows.append((shown, (Shown(number(found.value)), Shown(number(found.rows)))))
    columns = ("by rule, and by who answers for it", "never held", "of those without a slot")
    return Sheet("Must-exams never held: no slot in time, waived or overridden", columns, tuple(rows))


def _drift(made: Standing) -> Sheet:
    every = made.at("drift", "random_hit_rate_every_look")
    rows = [("hit rate of random exams; the interval holds at every daily look together", (cell(every),))]
    words = {"found_at_random": "finds of random exams", "foretold_at_random": "finds that their scores foretold"}
    known = {word: made.at("drift", name).value for name, word in words.items() if made.row("drift", name)}
    rows += [(word, (Shown(f"{value:,.1f}"),)) for word, value in known.items()]
    said = made.row("drift", "chance_of_so_many")
    if said:
        chance = Shown(f"{said['value']:.3f}", (said["note"],))
        rows.append(("chance of so many or more, if the scores are true", (chance,)))
    return Sheet("Random exams against the scores", ("", "figure"), tuple(rows))


def _ports(made: Standing) -> Sheet:
    names = made.segments("ports without exams", "shipments", "port")
    rows = tuple(
        (name, (Shown(number(made.at("ports without exams", "shipments", kind="port", segment=name).value)),))
        for name in names
    )
    return Sheet("Ports without exam capacity, outside every estimate", ("port", "shipments"), rows)
