"""Track records in memory: the features that depend on a policy's own exams, as of each Monday."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.features.track_record import smoothed_hit_rate

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
