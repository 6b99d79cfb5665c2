"""Shuffled labels: a model trained on labels dealt out at random must know nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from riskscore import models
from riskscore.errors import ModelError
from riskscore.models.gate import Finding
from riskscore.models.labels import ANY
from riskscore.models.stability import auc_tolerance

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from riskscore.pipelines.backtest.gathered import Gathered
    from riskscore.pipelines.backtest.rows import Origin
    from riskscore.workspace import Workspace

NAME = "shuffled labels"
_SEED = 0


def shuffled_labels(workspace: Workspace, gathered: Gathered, origin: Origin) -> Finding:
    """Deal the labels of an origin out at random, train, and hold the AUC on its held-out days against 0.5.

    Rows that stand on both sides of the split, or figures taken on days that were fitted, would lift it. That a
    feature tells the label itself is what the other checks are for: a shuffled label is unknown to it.
    """
    frame, labels, days = gathered.sample(origin)
    shuffled = dealt(labels)
    settings = workspace.config.model
    try:
        trained = models.train(frame, shuffled, days, settings, threads=workspace.threads, as_of=origin.day)
    except ModelError as error:
        return Finding(NAME, False, f"could not be checked: {error.what}")
    figures = trained.boosters[ANY].evaluation
    positives, rows = figures["positives"], figures["rows"]
    tolerance = auc_tolerance(positives, rows - positives)
    if math.isnan(tolerance):
        return Finding(NAME, False, f"could not be checked: {positives} positives among {rows} held-out rows")
    auc = figures["auc"]
    detail = (
        f"AUC {auc:.3f} on {rows} held-out rows with {positives} positives; "
        f"0.5 is expected, {tolerance:.3f} either way is allowed (1 false alarm in 1,000)"
    )
    return Finding(NAME, abs(auc - 0.5) <= tolerance, detail)


def dealt(labels: pd.DataFrame) -> pd.DataFrame:
    """The labels of `any`, dealt to other shipments by a fixed seed; all of weight 1: the AUC's error is known then.

    The rows must be in an order that does not depend on the labels.
    """
    order: NDArray[np.intp] = np.random.default_rng(_SEED).permutation(len(labels))
    ordered = labels.sort_index()
    return ordered[[ANY]].set_axis(ordered.index[order]).loc[labels.index].assign(weight=1.0, uncorrected=True)
