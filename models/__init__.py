"""Hazard models: labels, training, calibration, evaluation, bundles and the registry.

The names below are imported on first use: reading labels does not load LightGBM, and nothing loads MLflow
before a registry is asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from riskscore.models.bundle import digest, load, save
    from riskscore.models.evaluation import evaluate, hits_at_capacity, lift
    from riskscore.models.labels import label
    from riskscore.models.registry import Registry
    from riskscore.models.scoring import Model
    from riskscore.models.trained import TrainedModel, feature_hash
    from riskscore.models.training import train

_HOME = {
    "Model": "scoring",
    "Registry": "registry",
    "TrainedModel": "trained",
    "digest": "bundle",
    "evaluate": "evaluation",
    "feature_hash": "trained",
    "hits_at_capacity": "evaluation",
    "label": "labels",
    "lift": "evaluation",
    "load": "bundle",
    "save": "bundle",
    "train": "training",
}

__all__ = [
    "Model",
    "Registry",
    "TrainedModel",
    "digest",
    "evaluate",
    "feature_hash",
    "hits_at_capacity",
    "label",
    "lift",
    "load",
    "save",
    "train",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
