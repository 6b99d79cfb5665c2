"""Search for better `[model]` settings on rolling origins: learn before a morning, be judged on the days after it.

    labelled days ->   |---- first half ----|-- 1 --|-- 2 --|-- 3 --|
    origin 1: fit on   labels known before -^ tested
    origin 2: fit on   labels known before ---------^ tested
    origin 3: fit on   labels known before -----------------^ tested

Every trial is scored on the same days after the same origins, by the weighted AUC of the `any` booster fitted on what
was known before each origin (docs/adr/0014-training-settings.md: what it chose ranked later days best). A label that
became known on or after an origin is not fitted on, however early its shipment arrived. The settings that came in are
trial 0; another is chosen only if it ranks better after every origin: the best of many trials is often merely lucky.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from riskscore.errors import ModelError
from riskscore.models import boosting, calibration, evaluation
from riskscore.models.labels import ANY
from riskscore.models.matrix import to_matrix
from riskscore.models.split import FIX, temporal_split
from riskscore.models.weights import weigh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import optuna
    from numpy.typing import NDArray
    from optuna.distributions import BaseDistribution

    from riskscore import config

    Floats = NDArray[np.float64]
    Days = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Progress = Callable[[str, int, int], None]

GAP_DAYS = 49
"""Days before an origin whose labels are left out where nobody knows when they became known: some exam results take
seven weeks. Too long a gap costs data, too short a one leaks."""

_TESTED_SHARE = 0.5  # of the labelled days: the first origin must still have half of them to learn from
_MIN_TESTED_POSITIVES = 3  # with fewer the score of a fold is one shipment's luck
_DIGITS = 3  # significant digits of a proposed value: more would be noise, and nobody could read them


@dataclass(frozen=True, slots=True)
class Tuned:
    """The outcome of a search.

    Attributes:
        settings: of the settings better than those that came in after every origin, the best on average; those that
            came in when there are none.
        trials: one row per trial, in the order tried, trial 0 the settings that came in. Columns: each field of
            `config.Model` that differs between them; `origin_1` ... the weighted AUC after each origin; `score`,
            their mean, higher is better; `chosen` (bool).
    """

    settings: config.Model
    trials: pd.DataFrame

    def toml(self) -> str:
        """The settings as the `[model]` part of riskscore.toml.

        >>> from riskscore import config
        >>> print(Tuned(config.Model(leaves=7), pd.DataFrame()).toml().splitlines()[:3])
        ['[model]', 'trees = 150', 'leaves = 7']
        """
        lines = (f"{key} = {json.dumps(value)}" for key, value in self.settings.model_dump().items())
        return "\n".join(["[model]", *lines]) + "\n"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with an `any` label, in canonical order: (arrival day, shipment_id).

    `known` is the day each label became known; a label may be fitted on from the next morning on.
    """

    matrix: Floats
    labels: Floats
    weights: Floats
    days: Days
    known: Days

    def sample(self, which: Flags, settings: config.Model) -> boosting.Sample:
        """The rows as a fit under `settings` weighs them."""
        return boosting.Sample(
            self.matrix[which], self.labels[which], self._weights(which, settings, settings.max_weight)
        )

    def calibrator(self, which: Flags, log_odds: Floats, settings: config.Model) -> calibration.Calibrator:
        """What turns raw scores of the rows, by a booster that had not seen them, into probabilities."""
        weights = self._weights(which, settings, settings.max_calibration_weight)
        return calibration.fit(log_odds, self.labels[which], weights)

    def _weights(self, which: Flags, settings: config.Model, clip: float) -> Floats:
        return weigh(self.weights[which], self.days[which], clip, settings.half_life_days)


@dataclass(frozen=True, slots=True)
class Fold:
    """One origin: labels known before the morning of day `origin`; tested are arrivals from it to before `end`."""

    origin: int
    end: int

    def fitted(self, rows: Rows) -> Flags:
        """Rows that may be learned from."""
        return np.asarray((rows.known < self.origin) & (rows.days < self.origin))

    def tested(self, rows: Rows) -> Flags:
        """Rows the forecast is held against."""
        return np.asarray((rows.days >= self.origin) & (rows.days < self.end))


def tune(  # noqa: PLR0913 - the first four are the data, the others have sensible defaults
    features: pd.DataFrame,
    labels: pd.DataFrame,
    arrival_days: NDArray[np.integer[Any]],
    settings: config.Model,
    *,
    categorical: Sequence[str] = (),
    monotone: Mapping[str, int] | None = None,
    known_days: NDArray[np.integer[Any]] | None = None,
    gap_days: int = GAP_DAYS,
    trials: int = 30,
    origins: int = 3,
    threads: int = 1,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Look for settings that forecast later days better than `settings` do.

    The same input gives the same trials, for any order of rows and any number of threads. A trial costs two boosters
    per origin, on half to all of the labelled rows.

    Args:
        features: one row per shipment, indexed by shipment_id (unique); numbers or bools, NaN = null. Rows
            without an `any` label are not read.
        labels: as made by `labels.label`; `any` and `weight` are read.
        arrival_days: arrival day of each row of `features`, in days since 1970-01-01.
        settings: where to start; `seed`, `min_positives` and `holdout_share` are kept.
        categorical: feature columns that hold integer codes.
        monotone: by numeric column, +1 or -1, as for `training.train`.
        known_days: for each row of `features` the day its label became known, in days since 1970-01-01; read where
            there is a label. None = unknown: then labels of arrivals in the `gap_days` before an origin are not
            fitted on.
        gap_days: see `known_days`.
        trials: settings to try, those that came in included.
        origins: mornings to forecast from; the later half of the labelled days is divided among them.
        threads: threads LightGBM may use.
        seed: of the search; None = that of `settings`.
        progress: called with what is tried, trials done and trials in all, before each trial and at the end.

    Raises:
        ModelError: too few days or positives before or after an origin; features that cannot be used.
    """
    known = None if known_days is None else np.asarray(known_days, dtype=np.int64)
    rows = _rows(features, labels, np.asarray(arrival_days, dtype=np.int64), known, gap_days)
    folds = [_usable(fold, rows) for fold in rolling(rows.days, origins)]
    names = list(features.columns)
    columns = tuple(names.index(name) for name in names if name in set(categorical))
    signs = tuple((monotone or {}).get(name, 0) for name in names)

    def score(trial: config.Model) -> list[float]:
        design = boosting.Design(trial, columns, signs, threads)
        return [_ranking(rows, fold, forecast(rows, fold, design), settings.max_calibration_weight) for fold in folds]

    tried = _search(
        settings, score, search_space(settings, rows.weights), trials, settings.seed if seed is None else seed, progress
    )
    return _best(settings, tried)


def rolling(days: Days, origins: int) -> list[Fold]:
    """Divide the later half of the distinct `days` among `origins`, earliest first.

    Raises:
        ModelError: fewer than two days for each origin.

    >>> rolling(np.arange(100), 2)
    [Fold(origin=50, end=75), Fold(origin=75, end=100)]
    """
    distinct = np.unique(days)
    if origins < 1 or len(distinct) < 2 * origins:
        raise ModelError(f"labelled shipments arrived on {len(distinct)} days, too few for {origins} origins", fix=FIX)
    starts = len(distinct) - np.linspace(len(distinct) * _TESTED_SHARE, 0, origins + 1).round().astype(int)
    ends = [*distinct[starts[1:-1]], distinct[-1] + 1]
    return [Fold(int(begin), int(end)) for begin, end in zip(distinct[starts[:-1]], ends, strict=True)]


def forecast(rows: Rows, fold: Fold, design: boosting.Design) -> Floats:
    """Probabilities that the morning of the origin would have given the tested rows: a function of what it knew.

    As `training.train` does it: stopped and calibrated on the latest of the known days, then boosted on all of them.
    """
    settings, fitted = design.settings, fold.fitted(rows)
    split = temporal_split(rows.days[fitted], settings.holdout_share)
    late = fitted & (rows.days >= split.calibrate_from)
    first = boosting.boost(rows.sample(fitted & ~late, settings), rows.sample(late, settings), design)
    calibrator = rows.calibrator(late, boosting.log_odds(first.booster, rows.matrix[late], design.threads), settings)
    final = boosting.boost(rows.sample(fitted, settings), None, design, first.rounds)
    return calibrator(boosting.log_odds(final.booster, rows.matrix[fold.tested(rows)], design.threads))


def _ranking(rows: Rows, fold: Fold, chance: Floats, clip: float) -> float:
    """Weighted AUC of the tested rows: the same yardstick for every trial, whatever its own weights are."""
    tested = fold.tested(rows)
    return evaluation.auc(chance, rows.labels[tested], np.minimum(rows.weights[tested], clip))


def _rows(features: pd.DataFrame, labels: pd.DataFrame, days: Days, known: Days | None, gap_days: int) -> Rows:
    for what, array in (("arrival days", days), ("known days", days if known is None else known)):
        if len(array) != len(features):
            raise ModelError(f"{len(features)} feature rows, {len(array)} {what}")
    useful = labels.index[labels[ANY].notna()]
    chosen = np.flatnonzero(features.index.isin(useful))
    chosen = chosen[np.lexsort((features.index[chosen].to_numpy(dtype=object), days[chosen]))]
    frame = features.iloc[chosen]
    found = labels.loc[frame.index]
    when = days[chosen] + gap_days if known is None else known[chosen]
    matrix = to_matrix(frame, list(features.columns))
    return Rows(matrix, found[ANY].to_numpy(), found["weight"].to_numpy(), days[chosen], when)


def _usable(fold: Fold, rows: Rows) -> Fold:
    """The fold, if it has labels of both classes to fit on, days enough to split, and cases to test on."""
    fitted, tested = rows.labels[fold.fitted(rows)], rows.labels[fold.tested(rows)]
    where = f"origin {np.datetime64(fold.origin, 'D')}"
    if not fitted.any() or fitted.all():
        what = f"{len(fitted)} labels were known, {int(fitted.sum())} of them positive; tuning needs both classes"
        raise ModelError(what, where=where, fix="pass known_days, fewer origins, or more exam outcomes")
    if tested.sum() < _MIN_TESTED_POSITIVES or tested.all():
        what = f"{len(tested)} labels to test on, {int(tested.sum())} of them positive, {_MIN_TESTED_POSITIVES} needed"
        raise ModelError(what, where=where, fix="fewer origins, or more exam outcomes")
    return fold


def search_space(settings: config.Model, weights: Floats) -> dict[str, BaseDistribution]:
    """What is searched, by field of `config.Model`; wide enough to hold the defaults well inside."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    space: dict[str, BaseDistribution] = {
        "trees": IntDistribution(50, 600, log=True),
        "leaves": IntDistribution(4, 63, log=True),
        "learning_rate": FloatDistribution(0.01, 0.2, log=True),
        "min_leaf_rows": IntDistribution(5, 200, log=True),
        "l2": CategoricalDistribution([0.0, 0.3, 1.0, 3.0, 10.0]),
        "feature_share": FloatDistribution(0.1, 1.0),
        "random_splits": CategoricalDistribution([True, False]),
        "half_life_days": CategoricalDistribution([0.0, 28.0, 56.0, 84.0, 182.0, 365.0]),
    }
    if (widest := min(float(weights.max()), settings.max_calibration_weight)) > 1:
        space["max_weight"] = FloatDistribution(1.0, widest, log=True)
    return space


def _search(
    settings: config.Model,
    score: Callable[[config.Model], list[float]],
    space: Mapping[str, BaseDistribution],
    trials: int,
    seed: int,
    progress: Progress | None,
) -> list[tuple[config.Model, list[float]]]:
    """Trial settings and their scores, the first the settings that came in."""
    report = progress or (lambda *_: None)
    report("settings as they are", 0, trials)
    tried = [(settings, score(settings))]
    with _quiet_study(seed) as study:
        _tell(study, settings, space, tried[0][1])
        for done in range(1, trials):
            report(f"trial {done}", done, trials)
            asked = study.ask(dict(space))
            proposed = settings.model_copy(update={name: rounded(value) for name, value in asked.params.items()})
            tried.append((proposed, score(proposed)))
            study.tell(asked, float(np.mean(tried[-1][1])))
    report("", trials, trials)
    return tried


@contextmanager
def _quiet_study(seed: int) -> Iterator[optuna.Study]:
    """A study in memory whose proposals depend on its seed and what it is told; its INFO lines are kept back."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
        yield optuna.create_study(
            direction="maximize", storage=None, sampler=sampler, pruner=optuna.pruners.NopPruner()
        )
    finally:
        optuna.logging.set_verbosity(verbosity)


def _tell(study: optuna.Study, settings: config.Model, space: Mapping[str, Any], scores: list[float]) -> None:
    """Let the search know the starting point, unless it lies outside what is searched."""
    import optuna

    start = {name: getattr(settings, name) for name in space}
    with suppress(ValueError):
        study.add_trial(optuna.create_trial(params=start, distributions=dict(space), value=float(np.mean(scores))))


def rounded(value: float) -> float:
    """Significant digits a person would write; counts stay counts.

    >>> rounded(0.0123456), rounded(123)
    (0.0123, 123)
    """
    return value if isinstance(value, int) else float(f"{value:.{_DIGITS}g}")


def _best(settings: config.Model, tried: Sequence[tuple[config.Model, list[float]]]) -> Tuned:
    scores = np.array([found for _, found in tried])
    sound = (scores > scores[0]).all(axis=1)
    best = int(np.where(sound, scores.mean(axis=1), -np.inf).argmax()) if sound.any() else 0
    searched = [name for name in type(settings).model_fields if len({getattr(trial, name) for trial, _ in tried}) > 1]
    table = pd.DataFrame({name: [getattr(trial, name) for trial, _ in tried] for name in searched})
    for at, column in enumerate(scores.T, start=1):
        table[f"origin_{at}"] = column
    table["score"], table["chosen"] = scores.mean(axis=1), np.arange(len(tried)) == best
    return Tuned(tried[best][0], table.rename_axis("trial"))
