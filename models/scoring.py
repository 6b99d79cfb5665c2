"""Scores of shipments from a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import pandas as pd

from riskscore.errors import ModelError
from riskscore.models import boosting
from riskscore.models.matrix import to_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from riskscore.models.trained import Feature, TrainedModel


class Model:
    """A trained model ready to score: native boosters and their calibrators.

    Parsing a damaged booster can crash the interpreter or, worse, change its predictions, so texts must
    come from `training.train` in this process or from `bundle.load`, which verifies the digest first and tries them
    in a process of their own.

    Raises:
        ModelError: LightGBM cannot read a booster, or it was made for another number of features.
    """

    def __init__(self, trained: TrainedModel) -> None:
        self.trained = trained
        self._boosters = {target: self._parse(target) for target in trained.boosters}

    @property
    def features(self) -> tuple[Feature, ...]:
        """Input columns, in the order the boosters know them."""
        return self.trained.features

    @property
    def feature_hash(self) -> str:
        """SHA-256 of the ordered feature list, as in the recommendations."""
        return self.trained.feature_hash

    @property
    def targets(self) -> tuple[str, ...]:
        """Columns that `predict` makes: `any` and the hazards that have a booster."""
        return tuple(self._boosters)

    @property
    def training(self) -> Mapping[str, Any]:
        """The training manifest; every fact was known before the morning of its `as_of` (ISO date)."""
        return self.trained.training

    def booster(self, target: str) -> lgb.Booster:
        """The booster of one of `targets`, before calibration; its columns are those of `features`, in order.

        Raises:
            ModelError: there is none.
        """
        if target not in self._boosters:
            raise ModelError(f"no booster of {target}", where=", ".join(self.targets))
        return self._boosters[target]

    def predict(self, features: pd.DataFrame, threads: int = 1) -> pd.DataFrame:
        """Calibrated probabilities; the same bits for any row order and number of threads.

        Args:
            features: exactly the columns of `features`, in any order: numbers or bools, NaN = null, never
                infinite.
            threads: threads LightGBM may use.

        Returns:
            A float64 frame with the index of `features` and one column per entry of `targets`, in [0, 1],
            no NaN. A hazard without a booster has no column: nothing is known about it, which is not 0.

        Raises:
            ModelError: columns are missing, unexpected, twice there, not numbers, or infinite.
        """
        matrix = to_matrix(features, [feature.name for feature in self.features])
        scores = {}
        for target, booster in self._boosters.items():
            log_odds = boosting.log_odds(booster, matrix, threads)
            scores[target] = self.trained.boosters[target].calibrator(log_odds)
        return pd.DataFrame(scores, index=features.index, columns=list(self.targets), dtype="float64")

    def _parse(self, target: str) -> lgb.Booster:
        try:
            booster = lgb.Booster(model_str=self.trained.boosters[target].text)
        except lgb.basic.LightGBMError as error:
            raise ModelError(f"LightGBM cannot read the booster: {error}", where=target) from None
        if booster.num_feature() != len(self.features):
            what = f"made for {booster.num_feature()} features, but the manifest lists {len(self.features)}"
            raise ModelError(what, where=target, fix="train again")
        return booster
