"""The day's own batch: what arrives together, filed before the cut-off, and names the same entity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from riskscore.history.entities import Entities
from riskscore.history.keys import Coded
from riskscore.history.reading import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history.arrivals import Arrivals
    from riskscore.history.kinds import EntityKind


def batch(kind: EntityKind, asking: Arrivals, crowd: Arrivals) -> Batch:
    """For each of `asking` the sums over the shipments of `crowd` on its day that name its entity.

    Args:
        kind: names the entities.
        asking: n shipments.
        crowd: every live shipment of their days, `asking` included.
    """
    both = _groups(kind, asking, crowd)
    group, of_crowd = both[: len(asking.day)], both[len(asking.day) :]
    value = crowd.value_usd
    # By entity, day and value: so the sum has one order of addition, whatever the order of the rows.
    order = np.lexsort((value, of_crowd))
    order = order[np.searchsorted(of_crowd[order], 0) :]
    starts = np.flatnonzero(np.diff(of_crowd[order], prepend=-1))
    at = np.searchsorted(of_crowd[order[starts]], group) if len(starts) else np.zeros(len(group), np.int64)
    if not len(starts):
        nothing = np.where(group >= 0, 0.0, np.nan)
        return Batch(nothing, nothing, nothing)
    sums = np.add.reduceat(value[order], starts)
    last = np.append(starts[1:], len(order)) - 1
    found = np.diff(starts, append=len(order)), sums, value[order[last]]
    at = np.minimum(at, len(starts) - 1)
    there = (of_crowd[order[starts]][at] == group) & (group >= 0)
    return Batch(*(np.where(group < 0, np.nan, np.where(there, each[at], 0.0)) for each in found))


def _groups(kind: EntityKind, asking: Arrivals, crowd: Arrivals) -> NDArray[np.int64]:
    """Number of each row's entity and day, rows of `asking` first; -1 = no entity."""
    days = np.concatenate([asking.day, crowd.day])
    codes = [_both(asking.keys[column], crowd.keys[column]) for column in kind.columns]
    rows = Entities(len(kind.columns)).rows(codes, len(days), days).astype(np.int64)
    return np.where(rows < 0, -1, rows << 32 | days)


def _both(first: Coded, second: Coded) -> NDArray[np.int32]:
    import pyarrow as pa

    texts = Coded.of(pa.concat_arrays([first.values, second.values]).cast(pa.large_string())).codes
    of_first, of_second = texts[: len(first.values)], texts[len(first.values) :]
    padded = [np.append(each, np.int32(-1)) for each in (of_first, of_second)]
    return np.concatenate([padded[0][first.codes], padded[1][second.codes]])
