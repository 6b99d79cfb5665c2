"""The figures of a backtest, each with its interval, rows and positives: one long table.

Two bases, never mixed. `examined`: plain counts over examined rows, which targeting chose; what was seen. `population`:
weighted estimates of what a ranking of all live shipments would find; what is out there. Harm counts the USD on record;
a finding without an amount adds nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from riskscore.models import evaluation, population, reliability, segments, stability
from riskscore.models.estimates import UNDEFINED, Estimate
from riskscore.models.labels import ANY
from riskscore.models.labels import targets as targets_of_labels
from riskscore.models.population import TIES, Cut, Sample
from riskscore.pipelines.backtest.gathered import GROUPS
from riskscore.pipelines.backtest.numbers import SMALL_GROUP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from riskscore.models.population import Tie
    from riskscore.pipelines.backtest.windows import Window

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

Basis = Literal["examined", "population"]
MAIN_SHARE = 0.05
"""The capacity at which segments, burden and stability are read."""

FEWEST_FOR_AUC = 5
"""A bootstrap of fewer positives, or negatives, repeats the same few and claims a certainty that is not there."""

TOP = f"top.{MAIN_SHARE:g}"
"""Prefix of the figures at that capacity."""

SCHEMA = pa.schema(
    [
        ("origin", pa.date32()),
        ("segment_kind", pa.string()),
        ("segment", pa.string()),
        ("target", pa.string()),
        ("figure", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("rows", pa.int64()),
        ("positives", pa.int64()),
    ]
)
"""Columns of figures.parquet. origin: null = all together; value, low, high: null = not defined or not known."""


@dataclass(frozen=True)
class View:
    """One target over some windows with a model for it, on one basis."""

    windows: tuple[Window, ...]
    target: str
    basis: Basis

    @cached_property
    def sample(self) -> Sample:
        """The labelled rows; for the population, those whose weight is known."""
        return Sample.joined([self._sample(window) for window in self.windows])

    @cached_property
    def scores(self) -> Floats:
        """Scores of all live shipments."""
        return np.concatenate([self._live(window) for window in self.windows])

    @property
    def ranked(self) -> float:
        """Shipments that are ranked: all live ones, or the examined ones."""
        return float(len(self.scores) if self.basis == "population" else len(self.sample))

    def members(self, share: float) -> tuple[dict[Tie, Floats], float]:
        """By tie, the part of each row of `sample` in the top of its own window's ranking; and the slots in all."""
        cuts = [self._cut(window, share) for window in self.windows]
        rows = [self._sample(window) for window in self.windows]
        made = {tie: np.concatenate([c.members(r, tie) for c, r in zip(cuts, rows, strict=True)]) for tie in TIES}
        return made, float(sum(cut.slots for cut in cuts))

    def chances(self, share: float) -> Floats:
        """Chance of each live shipment to be in the top of its window."""
        cuts = [Cut.of(self._live(window), share) for window in self.windows]
        return np.concatenate([c.chances(self._live(w)) for c, w in zip(cuts, self.windows, strict=True)])

    def column(self, name: str) -> NDArray[np.object_]:
        """A column of the rows of `sample`."""
        return np.concatenate([w.examined.loc[self._kept(w), name].to_numpy(dtype=object) for w in self.windows])

    def of_live(self, name: str) -> NDArray[np.object_]:
        """A column of all live shipments."""
        return np.concatenate([window.live[name].to_numpy(dtype=object) for window in self.windows])

    def _live(self, window: Window) -> Floats:
        return window.live[f"score_{self.target}"].to_numpy(dtype=np.float64)

    def _cut(self, window: Window, share: float) -> Cut:
        ranked = self._live(window) if self.basis == "population" else self._sample(window).scores
        return Cut.of(ranked, share)

    def _kept(self, window: Window) -> Flags:
        name = "weight" if self.basis == "population" else "label"
        return np.asarray(window.examined[f"{name}_{self.target}"].notna())

    def _sample(self, window: Window) -> Sample:
        rows = window.examined[self._kept(window)]
        names = (f"score_{self.target}", f"label_{self.target}", f"weight_{self.target}", "amount_usd")
        scores, labels, weights, amounts = (rows[name].to_numpy(dtype=np.float64) for name in names)
        certain, drawn = (rows[name].to_numpy(dtype=bool) for name in (f"certain_{self.target}", "drawn"))
        if self.basis == "examined":
            return Sample(scores, labels, weights, certain, amounts, drawn).unweighted()
        return Sample(scores, labels, self._for_all_certain(window, weights, certain), certain, amounts, drawn)

    def _for_all_certain(self, window: Window, weights: Floats, certain: Flags) -> Floats:
        """Certain exams whose results are in stand for those of the window on which it is too early to tell, too.

        Left to chance, those would be spoken for by random exams, which know nothing of shipments so risky.
        """
        held = window.examined[~window.examined["uncorrected"]]
        ordered = int((held[f"certain_{self.target}"] & held[f"label_{self.target}"].notna()).sum())
        settled = float(weights[certain].sum())
        return np.where(certain, weights * max(1.0, ordered / settled), weights) if settled else weights


class Book:
    """Collects figures and makes the table."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []

    def add(self, figures: dict[str, Estimate], prefix: str, **place: Any) -> None:  # noqa: ANN401 - columns
        """Write `figures` down at a place: origin, segment_kind, segment, target."""
        for name, estimate in figures.items():
            numbers = {column: _null(getattr(estimate, column)) for column in ("value", "low", "high")}
            counts = {"rows": estimate.rows, "positives": estimate.positives}
            self._rows.append({"figure": f"{prefix}{name}", **place, **numbers, **counts})

    def table(self) -> pa.Table:
        """All figures, in the order they were written."""
        return pa.Table.from_pylist(self._rows, schema=SCHEMA)


def _null(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def figures(windows: Sequence[Window]) -> pa.Table:
    """Every figure of a backtest (SCHEMA): per origin and for all origins together, per target and group."""
    book = Book()
    scored = tuple(window for window in windows if window.trained)
    for window in scored:
        _whole(book, (window,), window.origin.day)
    _whole(book, scored, None)
    for basis in ("examined", "population"):
        _by_group(book, View(scored, ANY, basis))
    _by_hazard(book, scored)
    _by_score(book, scored)
    _burden(book, scored)
    _stability(book, scored)
    return book.table()


def targets(windows: Sequence[Window]) -> list[str]:
    """Targets that any window has a booster for, `any` first."""
    return list(dict.fromkeys(target for window in windows for target in window.targets))


def _whole(book: Book, windows: tuple[Window, ...], origin: Any) -> None:  # noqa: ANN401 - a date or None
    for target in targets(windows):
        having = tuple(window for window in windows if target in window.targets)
        place = {"origin": origin, "segment_kind": "all", "segment": "all", "target": target}
        examined, everybody = View(having, target, "examined"), View(having, target, "population")
        book.add({"live": _count(len(everybody.scores))}, "", **place)
        book.add(_counts(examined), "examined.", **place)
        book.add(_tops(examined), "examined.", **place)
        if everybody.sample.drawn.any():
            book.add(_estimates(everybody), "population.", **place)
            book.add({"hit_rate": population.floor_rate(everybody.sample)}, "random_floor.", **place)


def _count(number: int) -> Estimate:
    return Estimate(number, number, number, number, 0)


def _counts(view: View) -> dict[str, Estimate]:
    sample = view.sample
    rows, found = len(sample), int(sample.labels.sum())
    share = rows / len(view.scores) if len(view.scores) else math.nan
    low, high = evaluation.wilson(rows, len(view.scores))
    return {
        "share": Estimate(share, low, high, len(view.scores), rows),
        "drawn": Estimate(float(sample.drawn.sum()), math.nan, math.nan, rows, int(sample.labels[sample.drawn].sum())),
        "base_rate": population.prevalence(sample),
        "auc": _auc(sample),
        "harm_usd": Estimate(float(sample.amounts.sum()), math.nan, math.nan, rows, found) if rows else UNDEFINED,
    }


def _auc(sample: Sample) -> Estimate:
    """AUC; its interval is not known with fewer than FEWEST_FOR_AUC rows of a class."""
    columns, positives = (sample.scores, sample.labels, sample.weights), int(sample.labels.sum())
    enough = min(positives, len(sample) - positives) >= FEWEST_FOR_AUC
    bounds = evaluation.auc_interval(*columns) if enough else (math.nan, math.nan)
    return Estimate(evaluation.auc(*columns), *bounds, len(sample), positives)


def _tops(view: View) -> dict[str, Estimate]:
    """Precision, recall and harm at every capacity, and lift."""
    made: dict[str, Estimate] = {}
    for share in evaluation.SHARES:
        members, slots = view.members(share)
        tops = population.at_capacity(view.sample, members, slots, view.ranked)
        tops |= population.lifts(view.sample, members["random"], slots, view.ranked)
        made |= {f"top.{share:g}.{name}": estimate for name, estimate in tops.items()}
    return made


def _estimates(view: View) -> dict[str, Estimate]:
    """What is estimated of the whole population."""
    sample = view.sample
    predicted = float(view.scores.mean())
    observed, large = reliability.in_the_large(predicted, sample, view.ranked)
    error, noise = reliability.calibration_error(view.scores, sample)
    known = len(view.scores)
    return {
        "weight_coverage": Estimate(float(sample.weights.sum()) / known, math.nan, math.nan, len(sample), 0),
        "prevalence": observed,
        "auc": _auc(sample),
        "predicted": Estimate(predicted, predicted, predicted, known, 0),
        "calibration_ratio": large,
        "calibration_error": error,
        "calibration_error_of_noise": Estimate(noise, math.nan, math.nan, len(sample), error.positives),
        **_tops(view),
    }


def _by_group(book: Book, view: View) -> None:
    """Figures of `any` by port, Center, tier, mode and size of importer, all origins together."""
    if view.basis == "population" and not view.sample.drawn.any():
        return
    members, _ = view.members(MAIN_SHARE)
    chances = view.chances(MAIN_SHARE)
    for kind in GROUPS:
        live, rows = view.of_live(kind), view.column(kind)
        for name in sorted(set(live)):
            there, examined = live == name, rows == name
            made = _of_group(view, members["random"], examined, chances, there)
            place = {"origin": None, "segment_kind": kind, "segment": name, "target": ANY}
            book.add(made, f"{view.basis}.", **place)


def _of_group(view: View, part: Floats, examined: Flags, chances: Floats, there: Flags) -> dict[str, Estimate]:
    sample, inside = view.sample.take(examined), part[examined]
    everybody = view.basis == "population"
    slots = float(chances[there].sum() if everybody else inside.sum())
    top = population.at_capacity(sample, {"random": inside}, slots, float(there.sum() if everybody else len(sample)))
    made = {f"{TOP}.{name}": estimate for name, estimate in top.items()}
    rows = len(sample)
    if not everybody:
        low, high = evaluation.wilson(rows, there.sum())
        share = Estimate(rows / there.sum(), low, high, int(there.sum()), rows)
        return {"share": share, "base_rate": population.prevalence(sample), **made}
    low, high = evaluation.wilson(slots, there.sum())
    flagged = Estimate(slots / there.sum(), low, high, int(there.sum()), round(slots))
    observed, large = reliability.in_the_large(float(view.scores[there].mean()), sample, float(there.sum()))
    made |= {"prevalence": observed, "calibration_ratio": large}
    return made | {f"{TOP}.share_of_traffic_chosen": flagged}


def _by_hazard(book: Book, windows: tuple[Window, ...]) -> None:
    """Of the shipments with a confirmed hazard, how many stand in the top by the probability of any hazard: counts.

    Which of the hazards that nobody confirmed are out there, and where they rank, the few random exams cannot tell.
    """
    view = View(windows, ANY, "examined")
    members, _ = view.members(MAIN_SHARE)
    for hazard in targets_of_labels()[1:]:
        confirmed = view.column(f"label_{hazard}").astype(np.float64) == 1.0
        if confirmed.any():
            hits, part = view.sample.take(confirmed), members["random"][confirmed]
            made = {f"{TOP}.recall_random": population.recall(hits, part, 0, len(hits))}
            place = {"origin": None, "segment_kind": "hazard", "segment": hazard}
            book.add(made, "examined.", **place, target=ANY)


def _by_score(book: Book, windows: tuple[Window, ...]) -> None:
    """The reliability table, all origins together."""
    for target in targets(windows):
        view = View(tuple(w for w in windows if target in w.targets), target, "population")
        if not view.sample.drawn.any():
            continue
        for number, made in enumerate(reliability.reliability(view.scores, view.sample), start=1):
            predicted = Estimate(made.predicted, made.predicted, made.predicted, made.shipments, 0)
            place = {"origin": None, "segment_kind": "score_bin", "segment": f"{number:02d}", "target": target}
            book.add({"predicted": predicted, "observed": made.observed}, "population.", **place)


def _burden(book: Book, windows: tuple[Window, ...]) -> None:
    """Exam burden of small importers: of the exams made, and of the top of the ranking, against their traffic."""
    view = View(windows, ANY, "population")
    small = np.isin(view.of_live("importer_size"), segments.SMALL)
    made = np.concatenate([window.live.index.isin(window.examined.index) for window in windows]).astype(np.float64)
    place = {"origin": None, "segment_kind": "importer_size", "segment": SMALL_GROUP, "target": ANY}
    book.add(segments.burden(made, small), "examined.", **place)
    book.add(segments.burden(view.chances(MAIN_SHARE), small), f"population.{TOP}.", **place)


def _stability(book: Book, windows: tuple[Window, ...]) -> None:
    for before, after in pairwise(windows):
        place = {"origin": after.origin.day, "segment_kind": "all", "segment": "all", "target": ANY}
        now = after.live[f"score_{ANY}"].to_numpy()
        made = {"score_shift": stability.population_stability(before.live[f"score_{ANY}"].to_numpy(), now)}
        if "before" in after.live:
            made[f"{TOP}.overlap"] = stability.overlap(after.live["before"].to_numpy(), now, MAIN_SHARE)
        book.add(made, "stability.", **place)
