"""A country's trained model: no booster lowers the log-odds of any shipment when a signed feature rises."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from riskscore import features
from riskscore.frames import as_frame
from riskscore.ledger import live_on
from riskscore.models import boosting
from riskscore.models.matrix import to_matrix
from riskscore.pipelines.model_store import load_model
from riskscore.pipelines.past import Past
from riskscore.workspace import Workspace

SIGNS = features.monotone()


@pytest.fixture(scope="module")
def arrivals(country):
    """The champion, and the features of the arrivals of the last day it knows."""
    workspace, day = Workspace.open(country.root, threads=1), country.day - timedelta(1)
    with workspace.ledger(read_only=True) as ledger:
        live = as_frame(live_on(ledger.connection, day, ledger.position), index="shipment_id")
        past = Past(workspace, ledger)
        return load_model(workspace, ledger).model, past.build(live, past.of_morning(live, day, ledger.position))


def splits(booster, names):
    """By feature, the numbers that the booster compares it with."""
    nodes = booster.trees_to_dataframe().dropna(subset="split_feature")
    thresholds = nodes.groupby("split_feature")["threshold"].agg(lambda texts: sorted({float(t) for t in texts}))
    return {names[int(column.removeprefix("Column_"))]: values for column, values in thresholds.items()}


def test_no_shipment_s_risk_falls_when_a_signed_feature_rises(arrivals):
    model, frame = arrivals
    names, tried = [feature.name for feature in model.features], 0
    for booster in model._boosters.values():
        for name, thresholds in splits(booster, names).items():
            if name not in SIGNS:
                continue
            tried += 1
            # On either side of every split, every shipment of the day.
            steps = np.unique([side for t in thresholds for side in (t, np.nextafter(t, np.inf))])
            matrices = [to_matrix(frame.assign(**{name: step}), names) for step in steps]
            risk = np.array([boosting.log_odds(booster, matrix, 1) for matrix in matrices])
            assert (np.diff(risk * SIGNS[name], axis=0) >= 0).all(), name
    assert tried >= 5
