"""Exam slots per port and day, and what the limits of single exams and of working time leave of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference

if TYPE_CHECKING:
    from riskscore.config import Capacity
    from riskscore.selection.room import Room

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


def is_plain(room: Room) -> bool:
    """Whether the slots alone bind: no limit of an exam, no limit of time."""
    return room.minutes is None and min(room.exams) >= room.slots


def random_exam(room: Room, wanted: str) -> str:
    """The exam of a random pick: the one wanted, or where there is no room for it, the one that sees most.

    >>> from riskscore.selection.room import Room
    >>> random_exam(Room(9, (9, 9, 9, 0, 9, 9, 9), None, (60.0,) * 7), wanted="intensive")
    'document'
    """
    fits = [exam for exam, held in zip(reference.exams(), room.open(), strict=True) if held]
    if wanted in fits or not fits:
        return wanted
    sees = reference.sensitivity()
    return max(fits, key=lambda exam: sum(sees[exam, hazard] for hazard in reference.hazards()))
