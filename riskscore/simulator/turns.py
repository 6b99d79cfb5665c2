"""Importers that turn: from some day on their standing or their record foretells what they ship.

Three ways: a member loses its tier and with it what kept it honest; an importer receives requests for information and
notices of action and goes on as before; a trusted trader's filings begin to be amended, and its consignments grow,
before it turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.simulator import lanes as ln
from riskscore.simulator import lists, risk
from riskscore.simulator.streams import stream

if TYPE_CHECKING:
    from riskscore.simulator.arrays import Bools, Ints
    from riskscore.simulator.lanes import Lanes
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traders import Population

NEVER = 10**6

RAMP_DAYS = 28
"""A trusted trader departs from its record that long before it turns, and as long as it ships badly."""


@dataclass(frozen=True)
class Turn:
    """One way to turn: the first day it may begin, how many it lasts, and the daily shipments of who turns so."""

    concept: str
    earliest: int
    lasts: int
    fewest: float
    most: float
    sooner: float = 1.0
    """Above 1 more turn early than late; where a turn lasts for good that keeps their number from growing all along."""


TURNS = (
    Turn("programme and trust", earliest=-25, lasts=45, fewest=3 / 45, most=0.7),
    # Inquiries are about entries we saw, so there must have been some.
    Turn("post-entry", earliest=50, lasts=NEVER, fewest=0.05, most=0.12, sooner=1.6),
    # Without some weeks of a record, and of few shipments, nobody could say that they depart from anything.
    Turn("trust erosion", earliest=20, lasts=24, fewest=0.2, most=1.2),
)


@dataclass(frozen=True)
class Turns:
    """First day of each importer's turn, by concept, from which what it ships is suspect; NEVER = it does not turn."""

    first: dict[str, Ints]

    def turned(self, concept: str, importer: Ints, day: Ints) -> Bools:
        """Whether each importer is in its turn on a day."""
        turn = next(turn for turn in TURNS if turn.concept == concept)
        since = day - self.first[concept][importer]
        return np.asarray((since >= 0) & (since < turn.lasts))

    def unsteady(self, importer: Ints, day: Ints) -> Bools:
        """Whether each importer departs from the record that earned its trust: as it turns, and shortly before."""
        soon = self.turned("trust erosion", importer, day + RAMP_DAYS)
        return np.asarray(soon | self.turned("trust erosion", importer, day))


def draw(settings: Settings, people: Population, lanes: Lanes, arrivals: Ints) -> Turns:
    """Who turns when: honest established importers, each in one way, enough of them to carry each pattern's share."""
    rng = stream(settings.seed, "turns")
    standing = np.where(lanes.kind == ln.ORDINARY, risk.exposure(lanes, arrivals, 0, settings.days), 0.0)
    daily = np.bincount(lanes.importer, standing, len(people.kind)) / settings.days
    free = ~people.importers.bad.any(axis=1) & (people.importers.start < -200)
    first = {}
    for turn in TURNS:
        earliest = min(turn.earliest, settings.days - 1)
        spread = (settings.days - earliest) * rng.random(len(daily)) ** turn.sooner
        begins = earliest + spread.astype(np.int64)
        shipped = daily * np.clip(np.minimum(begins + turn.lasts, settings.days) - np.maximum(begins, 0), 0, None)
        able = free & _eligible(people, turn) & (daily >= turn.fewest) & (daily <= turn.most) & (shipped > 0)
        order = rng.permutation(np.flatnonzero(able))
        chosen = order[np.cumsum(shipped[order]) <= lists.shown(turn.concept) * settings.shipments]
        first[turn.concept] = np.where(np.isin(np.arange(len(daily)), chosen), begins, NEVER)
        free[chosen] = False
    return Turns(first)


def _eligible(people: Population, turn: Turn) -> Bools:
    """Only members lose a tier, only trusted traders a trust; inquiries are made of the others."""
    least = {"programme and trust": 1, "trust erosion": 2}.get(turn.concept)
    return np.asarray(people.tier == 0 if least is None else people.tier >= least)
