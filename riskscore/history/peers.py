"""Where a unit value stands in the histogram of its peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from riskscore.history.bins import middle, octaves
from riskscore.history.reading import PeerPosition

if TYPE_CHECKING:
    from numpy.typing import NDArray


def position(
    counts: NDArray[np.int32], of: NDArray[np.int32], bins: NDArray[np.int16], stated: NDArray[np.bool_]
) -> PeerPosition:
    """Place n values among their peers.

    Args:
        counts: shipments per bin (k entities x bins.BINS).
        of: for each value the entity, -1 = none that is known.
        bins: the bin of each value, -1 = no value.
        stated: whether the value's shipment names an entity.
    """
    if not len(counts):
        return no_peers(stated)
    up_to = np.cumsum(counts, axis=1)
    total = up_to[:, -1:]
    lower, mid, upper = (_first(up_to, total, quarters) for quarters in (1, 2, 3))
    own, some = np.maximum(bins, 0), total[:, 0].take(of)
    placed = (of >= 0) & (some > 0)
    at = of.astype(np.int64) * counts.shape[1] + own
    below = up_to.reshape(-1).take(at) - counts.reshape(-1).take(at) / 2
    return PeerPosition(
        peers=np.where(stated, np.where(of >= 0, some, 0), np.nan).astype(np.float64),
        below=np.where(placed & (bins >= 0), below / np.maximum(some, 1), np.nan),
        median=np.where(placed, middle(mid.take(of).astype(np.float64)), np.nan),
        spread=np.where(placed, octaves((upper - lower).take(of)), np.nan),
    )


def no_peers(stated: NDArray[np.bool_]) -> PeerPosition:
    """Of values whose entities nobody has seen."""
    nothing = np.full(len(stated), np.nan)
    return PeerPosition(np.where(stated, 0.0, np.nan), nothing, nothing, nothing)


def _first(up_to: NDArray[np.int32], total: NDArray[np.int32], quarters: int) -> NDArray[np.int64]:
    """The first bin up to which `quarters` of four of the total lie."""
    found: NDArray[np.int64] = np.argmax(up_to * 4 >= total * quarters, axis=1)
    return found
