"""Track records in memory: the features that depend on a policy's own exams, as of each Monday."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.features.track_record import smoothed_hit_rate
from riskscore.simulator import exams, lists

if TYPE_CHECKING:
    from loop_country import Country, Flags, Floats, Ints

RECENT_WEEKS = 13
"""Half-life of the importer's recent rate, as of importer_hit_rate_hl90d."""

RATED = ("importer", "consignee", "shipper", "manufacturer", "filer", "importer_x_hs4", "hs4_x_origin")
"""Kinds whose smoothed hit rate is a feature."""

NAMES: tuple[str, ...] = (
    *(f"{kind}_hit_rate" for kind in RATED),
    "importer_exams",
    "importer_hits",
    "importer_hit_rate_hl90d",
    "importer_last_hit_weeks",
)
"""Columns of `track_record`; named and meant as those of riskscore.features.track_record, in weeks instead of days."""


@dataclass(frozen=True, slots=True)
class Results:
    """Concluded exams known on a Monday: position of the shipment, whether anything was found, week it became known."""

    rows: Ints
    hit: Flags
    known_week: Ints


def track_record(country: Country, rows: slice, results: Results, week: int) -> Floats:
    """Features NAMES of the shipments at `rows`, from results known before the Monday of `week`; NaN = null."""
    age = week - results.known_week
    recent = 0.5 ** (age / RECENT_WEEKS)
    usual, usual_recent = _rate(results.hit, np.ones(len(age))), _rate(results.hit, recent)
    columns = []
    for kind in RATED:
        exams, hits = _sums(country, kind, rows, results, np.ones(len(age)))
        columns.append(_smoothed(hits, exams, usual))
    exams, hits = _sums(country, "importer", rows, results, np.ones(len(age)))
    late_exams, late_hits = _sums(country, "importer", rows, results, recent)
    last = _last_hit(country.entities["importer"], rows, results)
    return np.column_stack([*columns, exams, hits, _smoothed(late_hits, late_exams, usual_recent), week - last])


SMOOTHING = (8.0, 3.0)
"""Exams' worth of weight that the goods' rate gives to that of all goods, and the importer's to that of its goods."""


def hazard_rates(country: Country, rows: slice, known: pd.DataFrame) -> Floats:
    """How often exams that could see a hazard found it: (shipment at `rows`, hazard of simulator.lists.HAZARDS).

    Finds over the summed chances of the exams to find the hazard were it there; by chapter of the goods, drawn to that
    of all goods, then by importer, drawn to that of its goods. Models of single hazards read it, as the library's read
    the hits per hazard of a track record.

    Args:
        country: what may be known.
        rows: whose rates are asked.
        known: outcomes known on the Monday.
    """
    concluded = known[known["result"].isin([*reference.CLEAR, *reference.POSITIVE])]
    at = country.shipments.index.get_indexer(concluded["shipment_id"])
    first = ~concluded.duplicated(["shipment_id", "exam_type"]).to_numpy()
    exposed = exams.sensitivities(concluded["exam_type"].to_numpy(dtype=object)) * first[:, None]
    hazard = pd.Index(lists.HAZARDS).get_indexer(pd.Index(concluded["hazard"], dtype=object))
    found = (hazard[:, None] == np.arange(len(lists.HAZARDS))) & concluded["result"].isin(
        list(reference.POSITIVE)
    ).to_numpy()[:, None]
    chapter = country.shipments["hs_chapter"].fillna(-1).to_numpy().astype(np.int64)
    rates = (found.sum(axis=0) + 1e-4) / (exposed.sum(axis=0) + 1e-4)
    for codes, weight in zip((chapter, country.entities["importer"]), SMOOTHING, strict=True):
        hits, chances = (_summed(codes, at, values, rows) for values in (found.astype(np.float64), exposed))
        rates = (hits + weight * rates) / (chances + weight)
    return np.asarray(rates)


def _summed(codes: Ints, at: Ints, values: Floats, rows: slice) -> Floats:
    """Sums of `values` over the entity of each of `rows`; 0 where none is stated."""
    sums = np.zeros((int(codes.max()) + 2, values.shape[1]))
    np.add.at(sums, codes[at] + 1, values)
    sums[0] = 0.0
    return sums[codes[rows] + 1]


def _rate(hit: Flags, weight: Floats) -> float:
    return float(weight[hit].sum() / weight.sum()) if weight.sum() > 0 else np.nan


def _smoothed(hits: Floats, exams: Floats, usual: float) -> Floats:
    return smoothed_hit_rate(hits, exams, np.full(len(hits), usual))


def _sums(country: Country, kind: str, rows: slice, results: Results, weight: Floats) -> tuple[Floats, Floats]:
    """Weighted exams and hits of the entity of each of `rows`; NaN where none is stated."""
    codes = country.entities[kind]
    of_exam, asked = codes[results.rows] + 1, codes[rows] + 1
    many = int(codes.max()) + 2
    exams = np.bincount(of_exam, weight, many)[asked]
    hits = np.bincount(of_exam, weight * results.hit, many)[asked]
    return np.where(asked == 0, np.nan, exams), np.where(asked == 0, np.nan, hits)


def _last_hit(codes: Ints, rows: slice, results: Results) -> Floats:
    """Week in which the last hit of each importer became known; NaN without one."""
    last = np.full(int(codes.max()) + 2, -np.inf)
    np.maximum.at(last, codes[results.rows[results.hit]] + 1, results.known_week[results.hit].astype(np.float64))
    last[0] = -np.inf
    found = last[codes[rows] + 1]
    return np.where(np.isfinite(found), found, np.nan)
