"""Who arrives when: the shipments for which history is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from riskscore.frames import epoch_days
from riskscore.history.bins import bins_of, rounded
from riskscore.history.keys import Coded, derived, key_columns, source_columns
from riskscore.history.kinds import KINDS
from riskscore.reference import PACKAGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from riskscore.history.kinds import EntityKind
    from riskscore.reference import Tables


@dataclass(frozen=True, slots=True)
class Arrivals:
    """n shipments as they arrive.

    Attributes:
        day: int32 days since 1970-01-01: each row reads the state of that morning.
        keys: the key columns, n rows each.
        bins: int16 bin per quantity (riskscore.history.bins) of the row's own value, -1 when it states none.
        value_usd: declared value, 0 when it states none.
    """

    day: NDArray[np.int32]
    keys: Mapping[str, Coded]
    bins: Mapping[str, NDArray[np.int16]]
    value_usd: NDArray[np.float64]

    @staticmethod
    def of(shipments: pd.DataFrame, kinds: Iterable[EntityKind] = KINDS, tables: Tables = PACKAGED) -> Arrivals:
        """Arrivals of shipments (the shipments columns), each on the morning of its arrival_date.

        Raises:
            ConfigError: a kind named by a column that cannot name an entity.
        """
        columns = key_columns(kinds)
        sources = {name: Coded.of(pa.array(shipments[name], pa.string(), from_pandas=True))
                   for name in source_columns(columns)}  # fmt: skip
        day = epoch_days(shipments["arrival_date"])
        value, weight, quantity = (
            shipments[name].to_numpy(np.float64, na_value=np.nan) for name in ("value_usd", "weight_kg", "quantity")
        )
        # Rounded to cents and grams as the facts are, so that a row lands in the bin its fact will land in.
        bins = bins_of(rounded(value * 100), rounded(weight * 1000), quantity)
        return Arrivals(day, derived(columns, sources, day, tables), bins, np.nan_to_num(value))

    @staticmethod
    def columns(kinds: Iterable[EntityKind] = KINDS) -> tuple[str, ...]:
        """The shipments columns that `of` reads."""
        return (*source_columns(key_columns(kinds)), "arrival_date", "value_usd", "weight_kg", "quantity")

    def take(self, rows: NDArray[np.intp]) -> Arrivals:
        """The shipments at `rows`, in that order."""
        return Arrivals(
            self.day[rows],
            {name: column.take(rows) for name, column in self.keys.items()},
            {name: bins[rows] for name, bins in self.bins.items()},
            self.value_usd[rows],
        )
