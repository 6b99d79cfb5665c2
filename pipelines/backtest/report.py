"""The backtest as a page for people: answers first, then pictures, then every number in tables.

What the page says of its own accord stands in templates/backtest.html; here are the pictures and tables it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from riskscore.models.evaluation import SHARES
from riskscore.models.labels import ANY
from riskscore.pipelines import pages
from riskscore.pipelines.backtest import pictures, words
from riskscore.pipelines.backtest.figures import MAIN_SHARE, TOP
from riskscore.pipelines.backtest.numbers import (
    SMALL_GROUP,
    Numbers,
    Shown,
    counted,
    dollars,
    percent,
    points,
    shown,
    times,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pyarrow as pa
    from markupsafe import Markup

    from riskscore.models.gate import Finding
    from riskscore.pipelines.backtest.numbers import Place, Writer

    Origins = Sequence[Mapping[str, Any]]

_GROUPS = (
    ("port", "port"),
    ("center", "Center of Excellence and Expertise"),
    ("ctpat_tier", "CTPAT tier of the importer"),
    ("mode", "mode of transport"),
    ("importer_size", "size of the importer"),
)
_CAPTIONS = {
    "examined": "Counted among examined shipments, all periods together, with 95 % intervals",
    "population": "Estimated for all live shipments, all periods together, with 95 % intervals",
}


def render(figures: pa.Table, origins: pa.Table, checks: Sequence[Finding], facts: Mapping[str, Any]) -> str:
    """The page, self-contained: no network, no script.

    Args:
        figures: see `figures.SCHEMA`.
        origins: see `run.ORIGINS`.
        checks: leakage checks.
        facts: to (date), step_days, position, config_digest, slow_days.
    """
    numbers, rows = Numbers(figures), origins.to_pylist()
    return pages.page(
        "backtest.html",
        title=f"Backtest, {rows[0]['origin'].isoformat()} to {facts['to'].isoformat()}",
        main=percent(MAIN_SHARE),
        shown_groups=pictures.SHOWN_GROUPS,
        answers=words.answers(numbers, rows, checks, facts),
        tiles=words.tiles(numbers),
        pictures=_pictures(numbers, rows),
        tables=_tables(numbers, rows),
        checks=checks,
        facts=facts,
    )


def _pictures(numbers: Numbers, origins: Origins) -> dict[str, Any]:
    """Pictures by name; None where there is nothing to draw."""
    trained = [(row["origin"], row["mature"]) for row in origins if row["trained"]]
    days = [day for day, _ in trained]
    return {
        "precision": pictures.over_origins(numbers, trained, "precision"),
        "recall": pictures.over_origins(numbers, trained, "recall"),
        "hit_rates": pictures.hit_rates(numbers),
        "lift": pictures.lift(numbers),
        "reliability": pictures.reliability(numbers),
        "predicted": _predicted(numbers, days),
        "burden": _burden(numbers),
        "groups": [(word, _group(numbers, kind)) for kind, word in _GROUPS],
        "hazards": _hazards(numbers),
        "overlap": _overlap(numbers, days[1:]),
        "shift": _shift(numbers, days[1:]),
    }


def _predicted(numbers: Numbers, days: Sequence[date]) -> Markup:
    rows = [(day, numbers.at("population.prevalence", origin=day)) for day in days]
    predicted = [numbers.at("population.predicted", origin=day) for day in days]
    return pictures.by_origin("predicted", rows, unit="share of shipments, %", scale=100, steps=predicted)


def _burden(numbers: Numbers) -> Markup:
    place: Place = {"kind": "importer_size", "segment": SMALL_GROUP}
    rows = [
        ("of all traffic", numbers.at(f"population.{TOP}.share_of_traffic", **place)),
        ("of exams made", numbers.at("examined.share_of_chosen", **place)),
        (f"of the top {percent(MAIN_SHARE)}", numbers.at(f"population.{TOP}.share_of_chosen", **place)),
    ]
    return pictures.bars("burden", rows, unit="share of small importers, %", line=rows[0][1].value)


def _group(numbers: Numbers, kind: str) -> Markup:
    figure = f"population.{TOP}.share_of_traffic_chosen"
    names = numbers.segments(kind, at_most=pictures.SHOWN_GROUPS)
    rows = [(name, numbers.at(figure, kind=kind, segment=name)) for name in names]
    return pictures.bars(f"by-{kind}", rows, unit="share of the group's shipments, %", line=MAIN_SHARE)


def _hazards(numbers: Numbers) -> Markup | None:
    figure, names = f"examined.{TOP}.recall_random", numbers.segments("hazard")
    rows = [(name, numbers.at(figure, kind="hazard", segment=name)) for name in names]
    unit = "share of confirmed cases in the top, %"
    return pictures.bars("by-hazard", rows, unit=unit, line=MAIN_SHARE) if rows else None


def _overlap(numbers: Numbers, days: Sequence[date]) -> Markup | None:
    rows = [(day, numbers.at(f"stability.{TOP}.overlap", origin=day)) for day in days]
    lines = [100 * MAIN_SHARE]
    return pictures.by_origin("overlap", rows, unit="in common, %", lines=lines, scale=100) if rows else None


def _shift(numbers: Numbers, days: Sequence[date]) -> Markup | None:
    rows = [(day, numbers.at("stability.score_shift", origin=day)) for day in days]
    return pictures.by_origin("shift", rows, unit="index", lines=[0.1, 0.25]) if rows else None


def _tables(numbers: Numbers, origins: Origins) -> dict[str, Any]:
    return {
        "capacity": [_capacity_table(numbers, basis) for basis in _CAPTIONS],
        "calibration": _calibration_table(numbers),
        "groups": [_group_table(numbers, kind, word) for kind, word in _GROUPS],
        "hazards": _hazard_table(numbers),
        "periods": _period_table(origins),
    }


def _table(caption: str, columns: str, rows: Sequence[tuple[str, list[Shown]]]) -> dict[str, Any]:
    return {"caption": caption, "columns": columns.split("|"), "rows": rows}


def _capacity_table(numbers: Numbers, basis: str) -> dict[str, Any]:
    rows = []
    for share in SHARES:
        place = f"{basis}.top.{share:g}"
        cells = [
            shown(numbers.at(f"{place}.precision_random")),
            _ties(numbers, f"{place}.precision"),
            shown(numbers.at(f"{place}.recall_random")),
            _ties(numbers, f"{place}.recall"),
            shown(numbers.at(f"{place}.harm_usd_random"), dollars, basis=False),
            shown(numbers.at(f"{place}.lift_over_random_floor"), times, basis=False),
        ]
        rows.append((f"top {percent(share)}", cells))
    columns = "capacity|hit rate|by ties|findings caught|by ties|amount found|times random exams"
    return _table(_CAPTIONS[basis], columns, rows)


def _ties(numbers: Numbers, figure: str) -> Shown:
    """The worst and the best way for ties to fall."""
    worst, best = numbers.at(f"{figure}_worst"), numbers.at(f"{figure}_best")
    if worst.value == best.value or not (worst.defined and best.defined):
        return Shown("no difference" if worst.defined else "not measurable")
    return Shown(f"{percent(worst.value)} to {percent(best.value)}")


def _calibration_table(numbers: Numbers) -> dict[str, Any]:
    rows = []
    for target in numbers.targets():
        at = {name: numbers.at(f"population.{name}", target=target) for name in _CALIBRATION}
        cells = [
            Shown(percent(at["predicted"].value)),
            shown(at["prevalence"]),
            shown(at["calibration_ratio"], times, basis=False),
            shown(at["calibration_error"], points, basis=False),
            Shown(points(at["calibration_error_of_noise"].value)),
            shown(at["auc"], times, basis=False),
        ]
        rows.append((target, cells))
    columns = "target|predicted|found|predicted over found|calibration error, points|by noise alone, points|AUC"
    return _table("Calibration, whole population, all periods together", columns, rows)


_CALIBRATION = (
    "predicted",
    "prevalence",
    "calibration_ratio",
    "calibration_error",
    "calibration_error_of_noise",
    "auc",
)


def _group_table(numbers: Numbers, kind: str, word: str) -> dict[str, Any]:
    rows = []
    for name in numbers.segments(kind):
        place: Place = {"kind": kind, "segment": name}
        cells = [
            counted(numbers.at("examined.share", **place).rows),
            shown(numbers.at(f"population.{TOP}.share_of_traffic_chosen", **place), basis=False),
            shown(numbers.at("examined.share", **place), basis=False),
            shown(numbers.at("examined.base_rate", **place)),
            shown(numbers.at(f"examined.{TOP}.recall_random", **place)),
            shown(numbers.at("population.calibration_ratio", **place), times, basis=False),
        ]
        rows.append((name, cells))
    columns = f"{word}|shipments|chosen|examined so far|exams that find something|findings caught|predicted over found"
    return _table(f"By {word}: counts among examined shipments; predicted over found is estimated", columns, rows)


def _hazard_table(numbers: Numbers) -> dict[str, Any]:
    confirmed, learned = numbers.segments("hazard"), [target for target in numbers.targets() if target != ANY]
    own: tuple[tuple[str, Writer], ...] = (
        ("auc", times), (f"{TOP}.precision_random", percent), (f"{TOP}.recall_random", percent)
    )  # fmt: skip
    rows = []
    for name in [*confirmed, *(target for target in learned if target not in confirmed)]:
        cells = [shown(numbers.at(f"examined.{TOP}.recall_random", kind="hazard", segment=name))]
        for figure, write in own:
            made = shown(numbers.at(f"examined.{figure}", target=name), write)
            cells.append(made if name in learned else Shown("no model"))
        rows.append((name, cells))
    columns = "hazard|confirmed cases in the top|own model: AUC|own model: hit rate|own model: findings caught"
    return _table("By hazard, counted among examined shipments", columns, rows)


def _period_table(origins: Origins) -> dict[str, Any]:
    rows = []
    for row in origins:
        cells = [
            Shown(row["until"].isoformat()),
            Shown("most" if row["mature"] else "still coming"),
            counted(row["training_rows"]) if row["trained"] else Shown("no model", (row["refusal"],)),
            *(counted(row[name]) for name in ("training_positives", "live", "examined", "positives", "drawn")),
            counted(len(row["targets"])),
        ]
        rows.append((row["origin"].isoformat(), cells))
    columns = (
        "arrivals from|until before|results in|learned from|findings in it|scored|examined|findings|random|targets"
    )
    return _table("Periods", columns, rows)
