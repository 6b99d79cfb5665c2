"""Train the boosters: one for `any` hazard and one per hazard with enough confirmed cases.

The split is by time (`split.temporal_split`) and all targets share its days. The model is not refitted on the
hold-out afterwards: the figures in its manifest are those of the very boosters that will score.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore import reference
from riskscore.errors import ModelError
from riskscore.models import boosting, calibration, evaluation
from riskscore.models.labels import ANY, POLICY, targets
from riskscore.models.matrix import to_matrix
from riskscore.models.split import FIX, Split, temporal_split
from riskscore.models.trained import TrainedBooster, TrainedModel, as_features

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from riskscore import config

    Floats = NDArray[np.float64]
    Days = NDArray[np.int64]
    Progress = Callable[[str, int, int], None]

# With fewer confirmed cases than this on the calibration days a hazard gets no booster: nobody could say what
# its scores mean. The prior of the calibrator carries small counts above it.
MIN_CALIBRATION_POSITIVES = 3

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class _Data:
    """Labelled rows in canonical order, (arrival day, shipment_id); `orphans` are labels without features."""

    matrix: Floats
    days: Days
    labels: pd.DataFrame
    orphans: int

    def target(self, name: str) -> tuple[Floats, Floats]:
        """Labels and weights of one target."""
        return self.labels[name].to_numpy(), self.labels["weight"].to_numpy()


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
    chosen = [n for n in targets() if n in labels and _shortfall(data, split, n, settings) is None]
    boosters = {}
    for done, name in enumerate(chosen):
        _report(progress, name, done, len(chosen))
        boosters[name] = _fit_target(data, split, name, design)
    _report(progress, "", len(chosen), len(chosen))
    manifest = _manifest(data, split, settings, as_of) | {"provenance": dict(provenance or {})}
    return TrainedModel(schema, boosters, manifest)


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
    outcome, _ = data.target(ANY)
    rows, positives = int(np.isfinite(outcome).sum()), int(np.nansum(outcome))
    if positives in (0, rows):
        raise ModelError(f"{_found(rows, positives)}, training needs both classes", fix=FIX)
    split = temporal_split(data.days[np.isfinite(outcome)], settings.holdout_share)
    fitting = outcome[split.fit(data.days)]
    rows, positives = int(np.isfinite(fitting).sum()), int(np.nansum(fitting))
    if positives in (0, rows):
        where = f"the days before {_iso(split.calibrate_from)}"
        raise ModelError(f"{_found(rows, positives)} to fit on", where=where, fix=FIX)
    return split


def _found(rows: int, positives: int) -> str:
    return f"{rows} labelled shipments, {positives} of them positive"


def _shortfall(data: _Data, split: Split, name: str, settings: config.Model) -> str | None:
    """Why a hazard gets no booster; None when it gets one. `any` always does."""
    if name == ANY:
        return None
    outcome, _ = data.target(name)
    fitting, checking = outcome[split.fit(data.days)], outcome[split.calibrate(data.days)]
    if (cases := int(np.nansum(fitting))) < settings.min_positives:
        return f"{cases} confirmed cases to fit on, {settings.min_positives} needed"
    if (cases := int(np.nansum(checking))) < MIN_CALIBRATION_POSITIVES:
        return f"{cases} confirmed cases to calibrate on, {MIN_CALIBRATION_POSITIVES} needed"
    if not (fitting == 0).any():
        return "no cleared shipment to fit on"
    return None


def _fit_target(data: _Data, split: Split, name: str, design: boosting.Design) -> TrainedBooster:
    outcome, weight = data.target(name)
    known = np.isfinite(outcome)
    fitting, checking = known & split.fit(data.days), known & split.calibrate(data.days)
    booster = boosting.boost(
        boosting.Sample(data.matrix[fitting], outcome[fitting], weight[fitting]),
        boosting.Sample(data.matrix[checking], outcome[checking], weight[checking]),
        design,
    )
    later = split.evaluate(data.days)
    raw, unseen = (boosting.log_odds(booster.booster, data.matrix[rows], design.threads) for rows in (checking, later))
    calibrator = calibration.fit(raw, outcome[checking], weight[checking])
    figures = evaluation.evaluate(calibrator(unseen), outcome[later], weight[later])
    return TrainedBooster(booster.text, calibrator, figures)


def _manifest(data: _Data, split: Split, settings: config.Model, as_of: date | None) -> dict[str, Any]:
    parts = {"fit": split.fit, "calibrate": split.calibrate, "evaluate": split.evaluate}
    return {
        "as_of": as_of.isoformat() if as_of else _iso(int(data.days.max()) + 1),
        "rows": len(data.days),
        "labels_without_features": data.orphans,
        "uncorrected": int(data.labels["uncorrected"].sum()) if "uncorrected" in data.labels else None,
        "days": {name: _window(data.days[part(data.days)]) for name, part in parts.items()},
        "targets": {name: _counts(data, split, name, settings) for name in targets() if name in data.labels},
        "settings": settings.model_dump(mode="json"),
        "label_policy": POLICY,
        "rule_only": list(reference.RULE_ONLY_HAZARDS),
        "libraries": {name: version(name) for name in ("lightgbm", "numpy", "scipy")},
    }


def _counts(data: _Data, split: Split, name: str, settings: config.Model) -> dict[str, Any]:
    outcome, _ = data.target(name)
    figures: dict[str, Any] = {"no_booster_because": _shortfall(data, split, name, settings)}
    for part in (split.fit, split.calibrate, split.evaluate):
        rows = outcome[part(data.days)]
        figures[part.__name__] = {"rows": int(np.isfinite(rows).sum()), "positives": int(np.nansum(rows))}
    return figures


def _window(days: Days) -> dict[str, Any]:
    return {"first": _iso(int(days.min())), "last": _iso(int(days.max())), "days": len(np.unique(days))}


def _iso(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()
