"""Planted effects: for each concept of the features one pattern that a hazard can be told by.

A pattern is something that the filing, the record or the day's batch shows; some shipments bear it, and a stated part
of these carries a hazard because of it (data/patterns.csv: `shown`, the share of all shipments that bear the pattern,
and the share of each hazard's prevalence that it causes). So every pattern also occurs innocently, and a hazard that
is planted leaves no other trace. What the pattern looks like is drawn where its column is: cargo, papers, filings,
traffic, programme, post_entry. Habits (track record) and sudden events (novelty and change) are older: risk.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from riskscore.reference import agriculture, forced_labour
from riskscore.simulator import lanes as ln
from riskscore.simulator import lists, risk
from riskscore.simulator.settings import MOVED_SHARE
from riskscore.simulator.streams import stream
from riskscore.tables import MODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from riskscore.simulator.arrays import Bools, Floats, Ints
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traders import Population
    from riskscore.simulator.traffic import Traffic
    from riskscore.simulator.turns import Turns

CAP = 0.6
"""No pattern is a proof."""

PARCELS = (5, 12)
"""Parcels that one consignee's goods are split over: at least, and less than."""


@dataclass(frozen=True)
class Scene:
    """What a pattern may look at to choose its shipments."""

    settings: Settings
    people: Population
    turns: Turns
    traffic: Traffic

    @property
    def month(self) -> Ints:
        """Month of arrival, 1 to 12."""
        days = np.datetime64(self.settings.start, "D") + self.traffic.day
        return np.asarray(days.astype("datetime64[M]").astype(int) % 12 + 1)

    @property
    def lure(self) -> Floats:
        """(shipment, hazard): how well each hazard goes with goods and origin; far less with trusted importers."""
        moves = self.traffic
        fits = lists.goods().hazards[moves.good] * lists.country_hazards()[moves.origin]
        trust = risk.TRUST[self.people.tier[moves.importer]]
        # The square root keeps a pattern from being told by its goods and origin alone.
        return np.asarray(np.sqrt(fits) * trust[:, None] ** 2)


@dataclass(frozen=True)
class Pattern:
    """One planted effect: who could bear it, and whether by lot, or all of them."""

    concept: str
    could: Callable[[Scene], Bools]
    by_lot: bool = True


def _by(traffic: Traffic, *modes: str) -> Bools:
    return np.isin(traffic.mode, [MODES.index(mode) for mode in modes])


def _in_turn(concept: str) -> Callable[[Scene], Bools]:
    return lambda scene: scene.turns.turned(concept, scene.traffic.importer, scene.traffic.day)


def _cargo(scene: Scene) -> Bools:
    return ~_by(scene.traffic, "mail", "express")


def _of_lane(kind: int) -> Callable[[Scene], Bools]:
    return lambda scene: np.asarray(scene.traffic.lane_kind == kind)


def _detoured(scene: Scene) -> Bools:
    neighbours = [lists.COUNTRIES.index(country) for country in lists.NEIGHBOURS]
    return _by(scene.traffic, "ocean", "air") & ~np.isin(scene.traffic.origin, neighbours)


def _presumed(scene: Scene) -> Bools:
    """Goods of the UFLPA's priority sectors from China."""
    days = np.datetime64(scene.settings.start, "D") + scene.traffic.day
    priority = forced_labour.in_priority_sector(lists.goods().hts[scene.traffic.good], days) == 1
    return np.asarray(priority & (scene.traffic.origin == lists.COUNTRIES.index("CN")))


def _in_season(scene: Scene) -> Bools:
    """The warm half of the year at the origin, when the pests of wood are about."""
    south = agriculture.hemisphere(np.array(lists.COUNTRIES, dtype=object)) == "south"
    month = (scene.month + 6 * south[scene.traffic.origin] - 1) % 12 + 1
    return np.asarray((month >= 4) & (month <= 9))


def _crated(scene: Scene) -> Bools:
    """Goods by sea in the season that seldom need solid wood."""
    goods = lists.goods()
    light = ~np.isin(goods.sector, [lists.SECTORS.index(sector) for sector in lists.HEAVY])
    return _by(scene.traffic, "ocean") & _in_season(scene) & light[scene.traffic.good]


def _undeserving(scene: Scene) -> Bools:
    """Origins without any preference programme."""
    return np.asarray(_cargo(scene) & (lists.country_texts("spi")[scene.traffic.origin] == ""))


def _split(scene: Scene) -> Bools:
    """Parcels of one day that one consignee's goods are split over, day by day in groups of PARCELS."""
    rng = stream(scene.settings.seed, "split")
    parcels = np.flatnonzero(_by(scene.traffic, "mail", "express"))
    wanted = round(lists.shown("e-commerce") * len(scene.traffic))
    chosen = np.zeros(len(scene.traffic), dtype=bool)
    for day in rng.permutation(scene.settings.days):
        today = parcels[scene.traffic.day[parcels] == day]
        if chosen.sum() >= wanted:
            break
        chosen[rng.permutation(today)[: rng.integers(*PARCELS)]] = True
    return chosen


PATTERNS = (
    Pattern("programme and trust", _in_turn("programme and trust"), by_lot=False),
    Pattern("post-entry", _in_turn("post-entry"), by_lot=False),
    Pattern("trust erosion", _in_turn("trust erosion"), by_lot=False),
    Pattern("parties and network", _of_lane(ln.PHOENIX), by_lot=False),
    Pattern("e-commerce", _split, by_lot=False),
    Pattern("forced labour", _presumed),
    Pattern("agriculture and partner agencies", _crated),
    Pattern("preference claims", _undeserving),
    Pattern("route", _detoured),
    Pattern("documentation", lambda scene: _by(scene.traffic, "ocean")),
    Pattern("valuation", _cargo),
    Pattern("commodity", _cargo),
)
"""In the order in which they take their shipments: no shipment bears two."""


def plant(settings: Settings, people: Population, turns: Turns, traffic: Traffic) -> Traffic:
    """The traffic with patterns on some shipments, and their hazards."""
    scene = Scene(settings, people, turns, traffic)
    pattern = np.full(len(traffic), -1)
    for one in PATTERNS:
        free = one.could(scene) & (pattern < 0)
        chosen = _drawn(scene, one, free) if one.by_lot else np.flatnonzero(free)
        pattern[chosen] = lists.PATTERNS.index(one.concept)
    return _caused(settings, replace(traffic, pattern=pattern), scene.lure)


def _drawn(scene: Scene, pattern: Pattern, free: Bools) -> Ints:
    """Ordinary shipments drawn by lot, rather those that the pattern's hazards go with."""
    rng = stream(scene.settings.seed, f"pattern {pattern.concept}")
    mix = lists.planted()[lists.PATTERNS.index(pattern.concept)] * lists.numbers("hazards", "prevalence")
    weight = scene.lure @ mix * (free & (scene.traffic.lane_kind == ln.ORDINARY))
    # The smallest of exponential draws over weights are a weighted sample without replacement (Efraimidis).
    lot = rng.exponential(1.0, len(weight)) / np.maximum(weight, 1e-300)
    wanted = min(round(lists.shown(pattern.concept) * len(free)), int((weight > 0).sum()))
    return np.argsort(lot, kind="stable")[:wanted]


def _caused(settings: Settings, traffic: Traffic, lure: Floats) -> Traffic:
    """Hazards because of patterns: at most one per shipment, as many as data/patterns.csv states."""
    rng = stream(settings.seed, "planted")
    chance = _chances(traffic, lure) * np.where(traffic.day >= settings.break_day, 1 - MOVED_SHARE, 1.0)[:, None]
    edges = np.cumsum(chance, axis=1)
    die = rng.random(len(traffic))
    which = (edges <= die[:, None]).sum(axis=1)
    guilty = (traffic.pattern >= 0) & (die < edges[:, -1])
    hazards = traffic.hazards.copy()
    hazards[np.flatnonzero(guilty), which[guilty]] = True
    cause = np.where(guilty, len(lists.CONCEPTS) - len(lists.PATTERNS) + traffic.pattern, traffic.cause)
    return replace(traffic, hazards=hazards, cause=cause)


def _chances(traffic: Traffic, lure: Floats) -> Floats:
    """(shipment, hazard): chance because of the pattern; 0 where the shipment bears none."""
    wanted = lists.planted() * lists.numbers("hazards", "prevalence") * len(traffic)
    chance = np.zeros(lure.shape)
    for at in range(len(lists.PATTERNS)):
        bearing = traffic.pattern == at
        chance[bearing] = _fitted(lure[bearing], wanted[at])
    return chance


def _fitted(lure: Floats, wanted: Floats) -> Floats:
    """Chances in proportion to `lure` that add up to `wanted` hazards, as far as CAP per shipment allows."""
    chance = lure * (wanted / np.maximum(lure.sum(axis=0), 1e-12))
    for _ in range(20):
        chance *= np.minimum(1.0, CAP / np.maximum(chance.sum(axis=1), 1e-300))[:, None]
        chance *= wanted / np.maximum(chance.sum(axis=0), 1e-12)
    return np.asarray(chance * np.minimum(1.0, CAP / np.maximum(chance.sum(axis=1), 1e-300))[:, None])
