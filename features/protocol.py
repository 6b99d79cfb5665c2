"""What a feature is, and what a builder of features must offer. A user adds a builder by passing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from riskscore.history import History

Sign = Literal[-1, 0, 1]
"""Direction in which a feature may move the risk: only down, either, only up."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the feature frame, described so that an analyst and an auditor can read it.

    Attributes:
        name: column name; carries its parameters.
        concept: the group it belongs to, in words an analyst uses.
        meaning: what the number says.
        unit: its unit; for a categorical feature, what the codes are.
        null_meaning: what null says; null is information.
        look_back: how far back it sees, with open or closed ends.
        source: tables and columns it is made of, and the rule's origin where it has one.
        categorical: the numbers are codes without order.
        monotone: +1 where, all else equal, a higher number may only raise the risk, -1 where only lower it, 0 where
            the data decide (docs/adr/0013-monotone-constraints.md). It orders numbers among themselves: null is
            scored on whichever side of a split the data put it.
    """

    name: str
    concept: str
    meaning: str
    unit: str
    null_meaning: str
    look_back: str
    source: str
    categorical: bool = False
    monotone: Sign = 0


class FeatureBuilder(Protocol):
    """Makes the features of one concept.

    `build` must be a pure function of its arguments, row by row: the value of a row may not depend on which other
    rows are present, nor on their order.
    """

    @property
    def name(self) -> str:
        """The concept, unique among the builders in use."""
        ...

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns that `build` makes, in order."""
        ...

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """The features of `shipments`.

        Args:
            shipments: the shipments columns (riskscore.tables.SHIPMENTS), validated, indexed by shipment_id.
            history: what was known of each on the morning it arrived, row by row.

        Returns:
            A frame with the index of `shipments` and one number column per feature; NaN is null.
        """
        ...
