"""`riskscore train`: replay the log, label what was examined, fit, evaluate on later days, register."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pyarrow as pa

from riskscore import features, models
from riskscore.errors import RunError
from riskscore.frames import as_frame, epoch_days
from riskscore.ledger import exam_chances, outcomes_known, read_mornings
from riskscore.models import bundle, evaluation, severity, tuning
from riskscore.models.card import card
from riskscore.models.delays import correct_delays
from riskscore.pipelines.model_store import artefacts_of, keep_copy, registry_of, remember, tags_of
from riskscore.pipelines.past import Past
from riskscore.pipelines.projection import project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from riskscore import config
    from riskscore.features import FeatureBuilder
    from riskscore.ledger import Ledger
    from riskscore.models import TrainedModel
    from riskscore.models.severity import Severity
    from riskscore.models.tuning import Tuned
    from riskscore.workspace import Workspace

    Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered model version.

    Attributes:
        version: its version in the registry.
        alias: champion for the first version, else challenger.
        digest: of the bundle.
        as_of: the morning before which every fact it learned from was known.
        rows: labelled shipments used.
        evaluations: per target, figures on days after those it was fitted and calibrated on.
        tuned: the search for settings; None = none was asked for.
    """

    version: str
    alias: str
    digest: str
    as_of: date
    rows: int
    evaluations: dict[str, dict[str, Any]]
    tuned: Tuned | None = None


def train(
    workspace: Workspace,
    as_of: date | None = None,
    report: Report | None = None,
    builders: Sequence[FeatureBuilder] | None = None,
    trials: int = 0,
) -> Trained:
    """Train on everything known before the morning of `as_of` and register the result.

    Args:
        workspace: where the history is.
        as_of: default: the day after the newest arrival that filings and findings have reached (Ledger.last_arrival).
        report: called with stage, steps done, steps in all.
        builders: the feature builders; None = riskscore's own.
        trials: settings to try on rolling origins before training with the best (riskscore.models.tuning); 0 = train
            with those of riskscore.toml.

    Raises:
        RunError: the ledger is empty.
        ModelError: too few labels; the message says how many there are.
        LockedError: another command is writing.
    """
    with workspace.writing() as ledger, tempfile.TemporaryDirectory() as scratch:
        project(workspace, ledger)
        morning = as_of or _default_as_of(ledger)
        position = ledger.position
        shipments, labels = read_labelled(workspace, ledger, morning, position)
        rows = _replayed(Past(workspace, ledger, builders), shipments, labels, morning, position, report)
        tuned = _tuned(workspace, rows, trials, report) if trials else None
        fitted = _fit(workspace, rows, tuned.settings if tuned else workspace.config.model, report)
        fitted = replace(
            fitted,
            severity=learn_severity(ledger, shipments, labels, morning, position),
            training={**fitted.training, "latest_known": _latest_known(workspace, labels)},
        )
        folder = Path(scratch) / "bundle"
        digest = bundle.save(fitted, folder)
        return _register(workspace, ledger, fitted, folder, digest, morning, tuned)


def read_labelled(
    workspace: Workspace, ledger: Ledger, as_of: date, position: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Examined shipments as they stood on their own morning, and their labels as known before `as_of`.

    Returns:
        The shipments columns and the label columns (riskscore.models.label), both indexed by shipment_id. A
        shipment nobody examined is in neither.
    """
    outcomes = as_frame(outcomes_known(ledger.connection, as_of, position))
    examined = pa.array(outcomes["shipment_id"].unique(), pa.string())
    chances = as_frame(exam_chances(ledger.connection, examined, as_of, position), index="shipment_id")
    config = workspace.config
    labels = models.label(outcomes, chances=chances)
    labels = correct_delays(labels, outcomes, as_of, config.model.settled_after_days, config.zone)
    asked = pa.array(labels.index, pa.string())
    shipments = as_frame(read_mornings(ledger.connection, asked, as_of, position), index="shipment_id")
    return shipments, labels.loc[labels.index.isin(shipments.index)]


def learn_severity(
    ledger: Ledger, shipments: pd.DataFrame, labels: pd.DataFrame, as_of: date, position: int
) -> Severity:
    """What each hazard costs, from the amounts known before `as_of`; arguments as `read_labelled` returns them."""
    outcomes = as_frame(outcomes_known(ledger.connection, as_of, position))
    known = outcomes[outcomes["shipment_id"].isin(labels.index)]
    return severity.fit(known, shipments["value_usd"], labels)


def _latest_known(workspace: Workspace, labels: pd.DataFrame) -> str:
    """The day, in the workspace's zone, on which the last of the results became known."""
    latest = labels["known_at"].max().tz_localize("UTC").tz_convert(workspace.config.zone)
    return str(latest.date().isoformat())


def fit(
    workspace: Workspace,
    past: Past,
    shipments: pd.DataFrame,
    labels: pd.DataFrame,
    as_of: date,
    position: int,
    report: Report | None = None,
) -> TrainedModel:
    """Replay history for labelled shipments and fit the boosters; nothing is written."""
    rows = _replayed(past, shipments, labels, as_of, position, report)
    return _fit(workspace, rows, workspace.config.model, report)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a model learns from: features, labels and arrival days, and what the feature columns are."""

    frame: pd.DataFrame
    labels: pd.DataFrame
    days: NDArray[np.int32]
    columns: _Columns
    as_of: date
    position: int


class _Columns(TypedDict):
    """Arguments of models.train and tuning.tune that say what the feature columns are."""

    categorical: list[str]
    monotone: dict[str, int]


def _replayed(
    past: Past, shipments: pd.DataFrame, labels: pd.DataFrame, as_of: date, position: int, report: Report | None
) -> _Rows:
    replaying = (lambda done, total: report("replaying history", done, total)) if report else None
    frame = past.build(shipments, past.of_replay(shipments, as_of, position, replaying))
    columns: _Columns = {
        "categorical": [feature.name for feature in features.catalogue(past.builders) if feature.categorical],
        "monotone": features.monotone(past.builders),
    }
    return _Rows(frame, labels, epoch_days(shipments["arrival_date"]), columns, as_of, position)


def _tuned(workspace: Workspace, rows: _Rows, trials: int, report: Report | None) -> Tuned:
    """The search. A clear waits as long as most finds take: the newest known labels are nearly all clear."""
    trying = (lambda _, done, total: report("trying settings", done, total)) if report else None
    settings = workspace.config.model
    # Days of the workspace's zone, as mornings are: east of UTC a UTC day may be one too early.
    known_at = (
        rows.labels["known_at"].reindex(rows.frame.index).dt.tz_localize("UTC").dt.tz_convert(workspace.config.zone)
    )
    known = epoch_days(known_at.dt.tz_localize(None))
    return tuning.tune(
        rows.frame,
        rows.labels,
        rows.days,
        settings,
        **rows.columns,
        known_days=np.maximum(known, rows.days + settings.settled_after_days // 2),
        trials=trials,
        threads=workspace.threads,
        progress=trying,
    )


def _fit(workspace: Workspace, rows: _Rows, settings: config.Model, report: Report | None) -> TrainedModel:
    return models.train(
        rows.frame,
        rows.labels,
        rows.days,
        settings,
        **rows.columns,
        threads=workspace.threads,
        as_of=rows.as_of,
        provenance={
            "ledger_position": rows.position,
            "config_digest": workspace.config.digest(),
            "reference_digest": workspace.tables.digest(),
        },
        progress=(lambda target, done, total: report(f"fitting {target}", done, total)) if report else None,
    )


def _default_as_of(ledger: Ledger) -> date:
    newest = ledger.last_arrival()
    if newest is None:
        raise RunError("the ledger holds no shipment", fix="run riskscore ingest manifest FILE first")
    return newest + timedelta(days=1)


def _register(
    workspace: Workspace,
    ledger: Ledger,
    fitted: TrainedModel,
    folder: Path,
    digest: str,
    as_of: date,
    tuned: Tuned | None,
) -> Trained:
    registry = registry_of(workspace)
    evaluations = {target: dict(booster.evaluation) for target, booster in fitted.boosters.items()}
    figures, written = evaluation.flatten(evaluations), card(fitted, digest)
    parameters: Mapping[str, Any] = fitted.training["settings"]
    artefacts = artefacts_of(fitted, written)
    version = registry.register(folder, digest, figures, parameters, tags_of(fitted), artefacts)
    with ledger.transaction("train") as transaction:
        transaction.record_model(version, digest, as_of, fitted.feature_hash)
    keep_copy(workspace, version, folder, written)
    # Last: an alias must never point at a version that the ledger does not vouch for.
    alias = registry.adopt(version, known=ledger.model_versions())
    remember(workspace, alias, version)
    return Trained(version, alias, digest, as_of, int(fitted.training["rows"]), evaluations, tuned)
