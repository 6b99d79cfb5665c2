"""Train at each origin and score everything that arrives until the next: one `Window` per origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from riskscore import features, models
from riskscore.errors import ModelError, RunError
from riskscore.models.labels import ANY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from riskscore.features import FeatureBuilder
    from riskscore.models import TrainedModel
    from riskscore.pipelines.backtest.gathered import Arrived, Gathered
    from riskscore.pipelines.backtest.rows import Findings, Origin
    from riskscore.workspace import Workspace

    Report = Callable[[str, int, int], None]

SCORED_TOGETHER = 100_000
"""Rows whose feature matrix is copied for the boosters at a time."""


@dataclass(frozen=True, slots=True)
class Window:
    """One origin: what its model makes of everything that arrives until the next.

    Attributes:
        origin: training morning and end of the arrivals.
        trained: the model, or None when there was too little to learn from.
        refusal: why there is none; empty when there is one.
        live: live shipments in canonical order, indexed by shipment_id: GROUPS, a probability column per target of
            the model, and `before`, that of any hazard by the previous origin's model (absent without one).
        examined: the labelled among them, same columns and those of `rows.Findings`.
    """

    origin: Origin
    trained: TrainedModel | None
    refusal: str
    live: pd.DataFrame
    examined: pd.DataFrame

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets with a booster; empty without a model."""
        return tuple(self.trained.boosters) if self.trained else ()


def score_windows(
    workspace: Workspace,
    builders: Sequence[FeatureBuilder],
    gathered: Gathered,
    found: Findings,
    report: Report | None = None,
) -> list[Window]:
    """All windows, in the order of their origins.

    Raises:
        RunError: at no origin is there enough to learn from.
    """
    windows: list[Window] = []
    for arrived in gathered.windows:
        if report:
            report("training and scoring", len(windows), len(gathered.windows))
        trained, refusal = _trained(workspace, builders, gathered, arrived.origin)
        live = arrived.live
        if trained:
            before = windows[-1].trained if windows else None
            live = _scored(arrived, trained, before, workspace.threads)
        windows.append(Window(arrived.origin, trained, refusal, live, _examined(live, found)))
    if all(window.trained is None for window in windows):
        raise RunError(f"no origin has enough to learn from: {windows[-1].refusal}", fix="let --from be later")
    return windows


def _trained(
    workspace: Workspace, builders: Sequence[FeatureBuilder], gathered: Gathered, origin: Origin
) -> tuple[TrainedModel | None, str]:
    """The model that `riskscore train --as-of` the origin's day makes, or why there is none."""
    frame, labels, days = gathered.sample(origin)
    try:
        trained = models.train(
            frame,
            labels,
            days,
            workspace.config.model,
            categorical=[feature.name for feature in features.catalogue(builders) if feature.categorical],
            monotone=features.monotone(builders),
            threads=workspace.threads,
            as_of=origin.day,
            provenance={"ledger_position": gathered.rows.position, "config_digest": workspace.config.digest()},
        )
    except ModelError as error:
        return None, error.what
    return trained, ""


def _scored(arrived: Arrived, trained: TrainedModel, before: TrainedModel | None, threads: int) -> pd.DataFrame:
    """The live shipments with their probabilities by this origin's model, and by that of the origin before."""
    frame = arrived.features()
    live = pd.concat([arrived.live, predict(trained, frame, threads).add_prefix("score_")], axis=1)
    return live.assign(before=predict(before, frame, threads)[ANY].to_numpy()) if before else live


def predict(trained: TrainedModel, frame: pd.DataFrame, threads: int) -> pd.DataFrame:
    """Probabilities of the rows of `frame`, a bounded number of them at a time."""
    model = models.Model(trained)
    starts = range(0, max(1, len(frame)), SCORED_TOGETHER)
    return pd.concat([model.predict(frame.iloc[start : start + SCORED_TOGETHER], threads) for start in starts])


def _examined(live: pd.DataFrame, found: Findings) -> pd.DataFrame:
    """The labelled among the live shipments, with what was found."""
    keys = pd.MultiIndex.from_arrays([live["arrival_date"], live.index])
    at = found.labels.index.get_indexer(keys)
    rows = live[at >= 0]
    facts = found.labels.iloc[at[at >= 0]]
    return pd.concat([rows, facts.set_axis(rows.index)], axis=1)
