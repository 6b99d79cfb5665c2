"""A model whose reasons are known: log-odds that add up over a few features of the catalogue."""

from __future__ import annotations

from functools import cache

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit

from riskscore import features
from riskscore.models import boosting
from riskscore.models.calibration import Calibrator
from riskscore.models.scoring import Model
from riskscore.models.trained import TrainedBooster, TrainedModel, as_features

EFFECTS = {"isf_late": 2.0, "seals_missing": 1.5, "importer_hits": 1.0, "importer_ctpat_lost": 0.5, "mode_code": 0.0}
"""Log-odds that a feature of 1 adds to one of 0, in `any`; in `ipr` isf_late and importer_hits change places."""

CONCEPTS = {feature.name: feature.concept for feature in features.catalogue()}


def rows(size, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.integers(0, 2, size).astype(float) for name in EFFECTS})
    frame.index = pd.Index([f"S{n:05d}" for n in range(size)], name="shipment_id")
    return frame.mask(rng.random(frame.shape) < 0.05)


@cache
def planted():
    """The model: targets `any` and `ipr`."""
    effects = np.array(list(EFFECTS.values()))
    swapped = effects[[2, 1, 0, 3, 4]]
    boosters = {"any": _boosted(effects, 1), "ipr": _boosted(swapped, 2)}
    return Model(TrainedModel(as_features(list(EFFECTS), ["mode_code"]), boosters, {}))


def _boosted(effects, seed):
    frame = rows(20_000, seed)
    labels = np.random.default_rng(seed).random(len(frame)) < expit(np.nan_to_num(frame.to_numpy()) @ effects - 3)
    params = {"objective": "binary", "num_leaves": 7, "verbosity": -1, "num_threads": 1, "learning_rate": 0.2}
    data = lgb.Dataset(frame.to_numpy(), labels.astype(float), categorical_feature=[4])
    text = boosting.without_threads(lgb.train(params, data, 40).model_to_string())
    return TrainedBooster(text, Calibrator(0.9, -0.1), {})
