"""Exam slots per port and day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from riskscore.config import Capacity

DECIMALS = 9
"""Products of a share and a count are rounded to this many decimals before `ceil` or `floor`: 0.07 * 100
is 7.000000000000001 in binary and must not buy an eighth slot."""


def slots_per_port(capacity: Capacity, ports: pd.Series[str]) -> pd.DataFrame:
    """Slots of every port that has arrivals.

    Args:
        capacity: the [capacity] section of riskscore.toml.
        ports: port code of each live shipment of the day, no nulls; order and index do not matter.

    Returns:
        One row per port, sorted by port code (the index). int64 columns, in shipments:
        `arrivals` (live shipments), `capacity` (slots: the port's own number, else the default share of
        its arrivals, rounded up), `used` (slots the design fills: the lesser of the two).
        A port named in the configuration without an arrival has no row.

    >>> from riskscore.config import Capacity
    >>> day = pd.Series(["2704"] * 30 + ["1001", "1001", "5301"])
    >>> slots_per_port(Capacity(default_share=0.1, ports={"1001": 5, "5301": 0}), day)
          arrivals  capacity  used
    port
    1001         2         5     2
    2704        30         3     3
    5301         1         0     0
    """
    arrivals = ports.astype("str").rename("port").value_counts(sort=False).sort_index()
    slots = [_slots(capacity, port, int(count)) for port, count in arrivals.items()]
    table = pd.DataFrame({"arrivals": arrivals, "capacity": np.array(slots, dtype="int64")})
    return table.assign(used=table.min(axis="columns"))


def _slots(capacity: Capacity, port: object, arrivals: int) -> int:
    default = math.ceil(round(capacity.default_share * arrivals, DECIMALS))
    return capacity.ports.get(str(port), default)
