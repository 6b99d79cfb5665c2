"""What training makes and the bundle stores: booster texts, calibrators, figures; nothing to execute."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from riskscore.models.calibration import Calibrator
    from riskscore.models.severity import Severity

Kind = Literal["numeric", "categorical"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One input column of the boosters. Categorical columns hold integer codes as floats, NaN = null."""

    name: str
    kind: Kind = "numeric"


@dataclass(frozen=True, slots=True)
class TrainedBooster:
    """One target's booster in LightGBM's text format, its calibrator and its `evaluate` figures."""

    text: str
    calibrator: Calibrator
    evaluation: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """All boosters of one training.

    Attributes:
        features: input columns, in the order the boosters know them.
        boosters: `any` first, then the hazards with enough labels.
        training: the training manifest, see riskscore.models.manifest.
        severity: what each hazard costs, in USD; None = not learned, expected harm is null.
    """

    features: tuple[Feature, ...]
    boosters: Mapping[str, TrainedBooster]
    training: Mapping[str, Any]
    severity: Severity | None = None

    @property
    def feature_hash(self) -> str:
        """`feature_hash` of the features."""
        categorical = [feature.name for feature in self.features if feature.kind == "categorical"]
        return feature_hash([feature.name for feature in self.features], categorical)

    def metrics(self) -> dict[str, float]:
        """Evaluation figures by names such as `any.auc`, `ipr.top.0.05.lift`; undefined ones are absent."""
        from riskscore.models.evaluation import flatten

        return {
            name: value
            for target, booster in self.boosters.items()
            for name, value in flatten(booster.evaluation, f"{target}.").items()
        }


def as_features(names: Sequence[str], categorical: Collection[str] = ()) -> tuple[Feature, ...]:
    """Name and kind of each column, in order.

    >>> as_features(["a", "b"], ["b"])
    (Feature(name='a', kind='numeric'), Feature(name='b', kind='categorical'))
    """
    return tuple(Feature(name, "categorical" if name in categorical else "numeric") for name in names)


def feature_hash(names: Sequence[str], categorical: Collection[str] = ()) -> str:
    """SHA-256 of the ordered feature list, names and kinds.

    >>> feature_hash(["a", "b"]) == feature_hash(["b", "a"])
    False
    """
    pairs = [[feature.name, feature.kind] for feature in as_features(names, categorical)]
    return hashlib.sha256(json.dumps(pairs, separators=(",", ":")).encode()).hexdigest()
