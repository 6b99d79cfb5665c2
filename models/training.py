"""Train the boosters: one for `any` hazard and one per hazard with enough confirmed cases.

Twice per target. A first booster learns from the earlier days, is stopped and calibrated on later ones and evaluated
on the latest: its figures go into the manifest. The one that will score then learns from all days, as many rounds:
labels are few, and the newest tell most. All targets share the days of the split (`split.temporal_split`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore.errors import ModelError
from riskscore.models import boosting, calibration, evaluation
from riskscore.models.labels import ANY, targets, weight_column
from riskscore.models.manifest import iso, manifest
from riskscore.models.matrix import to_matrix
from riskscore.models.split import FIX, Split, temporal_split
from riskscore.models.trained import TrainedBooster, TrainedModel, as_features
from riskscore.models.weights import weigh

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    import pandas as pd
    from numpy.typing import NDArray

    from riskscore import config

    Floats = NDArray[np.float64]
    Days = NDArray[np.int64]
    Rows = NDArray[np.bool_]
    Progress = Callable[[str, int, int], None]

# With fewer confirmed cases than this on the calibration days a hazard gets no booster: nobody could say what
# its scores mean. The prior of the calibrator carries small counts above it.
MIN_CALIBRATION_POSITIVES = 3

# With at least this many confirmed cases on the later days, the first booster's scores of them calibrate the second
# booster. With fewer, each of `_FOLDS` stretches of days is scored by a booster of the other days: two numbers are
# fitted, and a handful of cases would make them noise.
_ENOUGH_LATER_POSITIVES = 200
_FOLDS = 4


@dataclass(frozen=True, slots=True)
class _Data:
    """Labelled rows in canonical order, (arrival day, shipment_id); `orphans` are labels without features."""

    matrix: Floats
    days: Days
    labels: pd.DataFrame
    orphans: int


@dataclass(frozen=True, slots=True)
class _Target:
    """The rows that have a label for one target: their days, labels and inverse chances of an exam.

    `matrix` is that of all targets, and `at` are the target's rows in it: a copy per target would cost a GiB.
    """

    matrix: Floats
    at: NDArray[np.intp]
    days: Days
    outcome: Floats
    weight: Floats
    design: boosting.Design

    @classmethod
    def of(cls, data: _Data, name: str, design: boosting.Design) -> _Target:
        outcome = data.labels[name].to_numpy()
        column = weight_column(name) if weight_column(name) in data.labels else "weight"
        at = np.flatnonzero(np.isfinite(outcome))
        return cls(data.matrix, at, data.days[at], outcome[at], data.labels[column].to_numpy()[at], design)

    def sample(self, rows: Rows) -> boosting.Sample:
        """Rows to boost on."""
        settings = self.design.settings
        weights = weigh(self.weight[rows], self.days[rows], settings.max_weight, settings.half_life_days)
        return boosting.Sample(self.matrix[self.at[rows]], self.outcome[rows], weights)

    def wide_weight(self, rows: Rows) -> Floats:
        """Weights for figures that speak of all shipments."""
        settings = self.design.settings
        return weigh(self.weight[rows], self.days[rows], settings.max_calibration_weight, settings.half_life_days)

    def log_odds(self, booster: boosting.Boosted, rows: Rows) -> Floats:
        """Raw scores of rows."""
        return boosting.log_odds(booster.booster, self.matrix[self.at[rows]], self.design.threads)


def train(  # noqa: PLR0913 - the first four are the data, the others have sensible defaults
    features: pd.DataFrame,
    labels: pd.DataFrame,
    arrival_days: NDArray[np.integer[Any]],
    settings: config.Model,
    *,
    categorical: Sequence[str] = (),
    monotone: Mapping[str, int] | None = None,
    threads: int = 1,
    as_of: date | None = None,
    provenance: Mapping[str, str | int] | None = None,
    progress: Progress | None = None,
) -> TrainedModel:
    """Fit, stop, calibrate and evaluate the boosters on labelled shipments only.

    The result has the same bits for any order of rows and any number of threads.

    Args:
        features: one row per shipment, indexed by shipment_id (unique); numbers or bools, NaN = null. Rows
            without a label are not read.
        labels: as made by `labels.label`; indexed by shipment_id (unique). A label without features is
            counted in the manifest and not used.
        arrival_days: arrival day of each row of `features`, in days since 1970-01-01.
        settings: the `[model]` part of the configuration.
        categorical: feature columns that hold integer codes (0 and up, as floats; negative = null).
        monotone: by numeric column, +1 where a higher value may only raise the risk, -1 where only lower it.
        threads: threads LightGBM may use.
        as_of: morning before which all facts were known; default: the day after the latest labelled arrival.
        provenance: facts of the run to keep in the manifest, such as its ledger position. No wall clock.
        progress: called with target, boosters done and boosters in all, before each booster and at the end.

    Raises:
        ModelError: no labels, labels of one class only, too few days, or features that cannot be used; the
            message says how many labelled rows and positives there are and what to do.
    """
    schema = as_features(list(features.columns), categorical)
    signs = _constraints(schema, monotone or {})
    design = boosting.Design(settings, _positions(schema, categorical), signs, threads)
    data = _join(features, labels, np.asarray(arrival_days, dtype=np.int64))
    split = _split(data, settings)
    shortfalls = {name: _shortfall(data, split, name, settings) for name in targets() if name in labels}
    chosen = [name for name, reason in shortfalls.items() if reason is None]
    boosters = {}
    for done, name in enumerate(chosen):
        _report(progress, name, done, len(chosen))
        made = _fit_target(_Target.of(data, name, design), split)
        if name == ANY or made.calibrator.slope > 0:
            boosters[name] = made
        else:
            shortfalls[name] = "its scores of days it had not seen say nothing"
    _report(progress, "", len(chosen), len(chosen))
    record = manifest(data.labels, data.days, split, settings, shortfalls, as_of)
    record |= {"labels_without_features": data.orphans, "provenance": dict(provenance or {})}
    return TrainedModel(schema, boosters, record)


def _report(progress: Progress | None, target: str, done: int, total: int) -> None:
    if progress is not None:
        progress(target, done, total)


def _join(features: pd.DataFrame, labels: pd.DataFrame, days: Days) -> _Data:
    if len(days) != len(features):
        raise ModelError(f"{len(features)} feature rows, {len(days)} arrival days")
    for what, index in (("features", features.index), ("labels", labels.index)):
        if not index.is_unique:
            raise ModelError(f"{int(index.duplicated().sum())} shipments appear twice", where=what)
    if missing := sorted({ANY, "weight"} - set(labels.columns)):
        raise ModelError("missing label columns", where=", ".join(missing), fix="use labels.label")
    if not len(features.columns):
        raise ModelError("features without columns", fix="train needs at least one feature")
    present = [name for name in targets() if name in labels]
    useful = labels.index[labels[present].notna().any(axis=1)]
    rows = np.flatnonzero(features.index.isin(useful))
    ids = features.index[rows].to_numpy(dtype=object)
    rows = rows[np.lexsort((ids, days[rows]))]
    chosen = features.iloc[rows]
    matrix = to_matrix(chosen, list(features.columns))
    return _Data(matrix, days[rows], labels.loc[chosen.index], len(useful) - len(rows))


def _positions(schema: Sequence[Any], categorical: Sequence[str]) -> tuple[int, ...]:
    names = [feature.name for feature in schema]
    if unknown := sorted(set(categorical) - set(names)):
        raise ModelError("categorical columns that are no features", where=", ".join(unknown))
    return tuple(names.index(name) for name in sorted(categorical, key=names.index))


def _constraints(schema: Sequence[Any], monotone: Mapping[str, int]) -> tuple[int, ...]:
    numeric = {feature.name for feature in schema if feature.kind == "numeric"}
    if unknown := sorted(set(monotone) - numeric):
        raise ModelError("monotone columns that are no numeric features", where=", ".join(unknown))
    return tuple(monotone.get(feature.name, 0) for feature in schema)


def _split(data: _Data, settings: config.Model) -> Split:
    outcome = data.labels[ANY].to_numpy()
    rows, positives = int(np.isfinite(outcome).sum()), int(np.nansum(outcome))
    if positives in (0, rows):
        raise ModelError(f"{_found(rows, positives)}, training needs both classes", fix=FIX)
    split = temporal_split(data.days[np.isfinite(outcome)], settings.holdout_share)
    fitting = outcome[split.fit(data.days)]
    rows, positives = int(np.isfinite(fitting).sum()), int(np.nansum(fitting))
    if positives in (0, rows):
        where = f"the days before {iso(split.calibrate_from)}"
        raise ModelError(f"{_found(rows, positives)} to fit on", where=where, fix=FIX)
    return split


def _found(rows: int, positives: int) -> str:
    return f"{rows} labelled shipments, {positives} of them positive"


def _shortfall(data: _Data, split: Split, name: str, settings: config.Model) -> str | None:
    """Why a hazard gets no booster; None when it gets one. `any` always does."""
    if name == ANY:
        return None
    outcome = data.labels[name].to_numpy()
    fitting, checking = outcome[split.fit(data.days)], outcome[split.calibrate(data.days)]
    if (cases := int(np.nansum(fitting))) < settings.min_positives:
        return f"{cases} confirmed cases to fit on, {settings.min_positives} needed"
    if (cases := int(np.nansum(checking))) < MIN_CALIBRATION_POSITIVES:
        return f"{cases} confirmed cases to calibrate on, {MIN_CALIBRATION_POSITIVES} needed"
    if not (fitting == 0).any():
        return "no cleared shipment to fit on"
    return None


def _fit_target(target: _Target, split: Split) -> TrainedBooster:
    early, checking, later = split.fit(target.days), split.calibrate(target.days), split.evaluate(target.days)
    first = boosting.boost(target.sample(early), target.sample(checking), target.design)
    calibrator = _calibrate(target, target.log_odds(first, checking), checking)
    unseen, weight = calibrator(target.log_odds(first, later)), target.wide_weight(later)
    figures = evaluation.evaluate(unseen, target.outcome[later], weight)
    final = boosting.boost(target.sample(early | ~early), None, target.design, first.rounds)
    return TrainedBooster(final.text, _final_calibrator(target, first, ~early), figures)


def _final_calibrator(target: _Target, first: boosting.Boosted, held_out: Rows) -> calibration.Calibrator:
    """The calibrator of the booster of all days, from scores of rows by boosters that had not seen them."""
    if target.outcome[held_out].sum() >= _ENOUGH_LATER_POSITIVES:
        return _calibrate(target, target.log_odds(first, held_out), held_out)
    raw, everything = np.zeros(len(target.days)), np.ones(len(target.days), dtype=bool)
    for part in np.array_split(np.unique(target.days), _FOLDS):
        rows = np.isin(target.days, part)
        raw[rows] = target.log_odds(boosting.boost(target.sample(~rows), None, target.design, first.rounds), rows)
    return _calibrate(target, raw, everything)


def _calibrate(target: _Target, raw: Floats, rows: Rows) -> calibration.Calibrator:
    return calibration.fit(raw, target.outcome[rows], target.wide_weight(rows))
