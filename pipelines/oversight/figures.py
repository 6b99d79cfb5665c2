"""What exams say of targeting and of what is still getting through: hit rates, lift, prevalence, trusted traders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from riskscore.models.estimates import UNDEFINED, Estimate, bootstrap, ratio, scaled
from riskscore.models.labels import ANY, targets
from riskscore.models.prevalence import Exams, Population, assisted, prevalence
from riskscore.models.prevalence_intervals import difference, share
from riskscore.models.prevalence_sequence import confidence_sequence
from riskscore.pipelines.oversight.book import Place
from riskscore.pipelines.oversight.population import KINDS
from riskscore.selection.drift import LEVEL, drifted, tail

if TYPE_CHECKING:
    import pandas as pd

    from riskscore.pipelines.oversight.book import Book
    from riskscore.pipelines.oversight.population import Window

TARGETED = ("must_exam", "risk")
"""Arms that go by rules and risk."""

FLOOR = "random_floor"


def add_figures(book: Book, window: Window) -> None:
    """Write down all that rests on results of exams."""
    _lift(book, window)
    _prevalence(book, window)
    _trust(book, window)
    _drift(book, window)


def exams_for(exams: pd.DataFrame, target: str) -> Exams:
    """The exams of shipments that an exam able to see `target` could reach, as the estimators take them.

    Without those carried over: what is drawn on their day stands for them already, by its chances of that day.
    """
    rows = exams[(exams[f"chance_{target}"] > 0) & ~exams["carried"]]
    names = (f"chance_{target}", f"found_{target}", f"score_{target}", f"held_up_{target}")
    return Exams(*(rows[name].to_numpy(np.float64) for name in names))


def population_for(groups: pd.DataFrame, target: str) -> Population:
    """The shipments of some groups, as the estimators take them."""
    certain, by_chance, predicted, unscored = (
        float(groups[f"{name}_{target}"].sum()) for name in ("certain", "by_chance", "predicted", "unscored")
    )
    return Population(certain, by_chance, float("nan") if unscored else predicted)


def hit_rate(exams: pd.DataFrame) -> Estimate:
    """Share of exams with a result that found anything: a plain count of what was examined."""
    told = exams[f"found_{ANY}"].dropna()
    return share(int(told.sum()), len(told))


def _harm(exams: pd.DataFrame) -> Estimate:
    """USD found per exam with a result; the upper end is not known where nothing was found."""
    told = exams[exams[f"found_{ANY}"].notna()]
    amounts, found = told["amount_usd"].to_numpy(np.float64), int(told[f"found_{ANY}"].sum())
    if not len(amounts):
        return UNDEFINED
    low, high = bootstrap(lambda drawn: float((amounts * drawn).sum() / drawn.sum()), len(amounts))
    return Estimate(float(amounts.mean()), low, high if amounts.any() else float("nan"), len(amounts), found)


def _lift(book: Book, window: Window) -> None:
    """How much better than chance: hit rate and harm of each arm, over the population's rate and over random exams."""
    exams = window.exams
    everybody = prevalence(exams_for(exams, ANY), population_for(window.groups, ANY))
    at_random = hit_rate(exams[exams["arm"] == FLOOR])
    arms = [name for name in (*TARGETED, "novelty", FLOOR) if (exams["arm"] == name).any()]
    parts = {name: exams[exams["arm"] == name] for name in arms}
    for name, part in {"targeted": exams[exams["arm"].isin(TARGETED)], **parts}.items():
        rate = hit_rate(part)
        book.add("objective", "hit_rate", rate, Place("arm", name))
        book.add("objective", "harm_usd_per_exam", _harm(part), Place("arm", name))
        if name != FLOOR:
            book.add("lift", "lift_over_population", ratio(rate, everybody), Place("arm", name))
            book.add("lift", "lift_over_random_exams", ratio(rate, at_random), Place("arm", name))


def _prevalence(book: Book, window: Window) -> None:
    for target in targets():
        _of_group(book, window.groups, window.exams, target, "all", "all")
    for kind in KINDS:
        for segment, groups in window.groups.groupby(kind):
            exams = window.exams[window.exams[kind] == segment]
            for target in targets():
                _of_group(book, groups, exams, target, kind, str(segment))


def _of_group(book: Book, groups: pd.DataFrame, exams: pd.DataFrame, target: str, kind: str, segment: str) -> None:
    """Prevalence by both estimators, what was missed, and how many shipments the estimate is about."""
    population, sample = population_for(groups, target), exams_for(exams, target)
    live, reached = int(groups["live"].sum()), population.reached
    place = Place(kind, segment, target)
    made = prevalence(sample, population)
    note = "" if made.defined or not reached else "no exam with a result speaks for the unexamined"
    book.add("prevalence", "prevalence", made, place, note=note)
    book.add("prevalence", "prevalence_assisted", assisted(sample, population), place)
    book.add("prevalence", "missed", _missed(made, reached, _carried(exams, target)), place)
    if np.isfinite(population.predicted) and reached:
        book.count("prevalence", "predicted", population.predicted / reached, int(reached), place)
    book.count("prevalence", "reached", reached / live, live, place)


def _carried(exams: pd.DataFrame, target: str) -> pd.Series[float]:
    """Known results of exams that were held on a later day, of shipments that the estimate is about."""
    mine = exams["carried"] & (exams[f"chance_{target}"] > 0)
    return exams.loc[mine, f"found_{target}"].dropna()


def _missed(made: Estimate, reached: float, carried: pd.Series[float]) -> Estimate:
    """Shipments on which the design's exams would have found something, and no exam did."""
    total, found = scaled(made, reached), made.positives + int(carried.sum())
    # NaN stays NaN: numpy's maximum, unlike max, hands it on.
    value, low, high = np.maximum(np.array([total.value, total.low, total.high]) - found, 0.0).tolist()
    return Estimate(value, low, high, made.rows + len(carried), found)


def _trust(book: Book, window: Window) -> None:
    """Trusted against other traders, by tier and programme: exams, what they find at random and overall, prevalence."""
    for kind in ("trader", "tier", "programme"):
        for segment, groups in window.groups.groupby(kind):
            exams = window.exams[window.exams[kind] == segment]
            for figure, made in _record(groups, exams).items():
                book.add("trusted traders", figure, made, Place(kind, str(segment)))
    records = {
        segment: _record(groups, window.exams[window.exams["trader"] == segment])
        for segment, groups in window.groups.groupby("trader")
    }
    if set(records) == {"trusted", "other"}:
        for figure, trusted in records["trusted"].items():
            other = records["other"][figure]
            place = Place("trader", "trusted against other")
            book.add("trusted traders", f"{figure}_difference", difference(trusted, other), place)
            book.add("trusted traders", f"{figure}_ratio", ratio(trusted, other), place)


def _record(groups: pd.DataFrame, exams: pd.DataFrame) -> dict[str, Estimate]:
    live, ordered = int(groups["live"].sum()), int(groups["ordered"].sum())
    return {
        "exam_rate": share(ordered, live),
        "hit_rate_at_random": hit_rate(exams[exams["arm"] == FLOOR]),
        "hit_rate_overall": hit_rate(exams),
        "prevalence": prevalence(exams_for(exams, ANY), population_for(groups, ANY)),
    }


def _drift(book: Book, window: Window) -> None:
    """Random exams against what the scores foretold, and their hit rate with bounds that hold at every look."""
    drawn = window.exams[(window.exams["arm"] == FLOOR) & window.exams[f"found_{ANY}"].notna()]
    found, expected = int(drawn[f"found_{ANY}"].sum()), float(drawn[f"score_{ANY}"].sum())
    book.add("drift", "random_hit_rate_every_look", confidence_sequence(found, len(drawn)))
    if len(drawn):
        note = (
            "more than foretold: raise the random floor" if drifted(found, expected) else "no more than chance allows"
        )
        book.count("drift", "found_at_random", found, len(drawn))
        book.count("drift", "foretold_at_random", expected, len(drawn))
        book.count("drift", "chance_of_so_many", tail(found, expected), len(drawn), note=f"{note} (level {LEVEL:g})")
