"""Sudden events: lanes that open and close, and what changes when a scenario breaks.

A shell importer appears, ships for some weeks and is gone; so do newcomers, who are honest, and phoenixes, who resemble
an importer that was burnt. A hijacked identity is a known importer suddenly filed by somebody else, with other goods
from other people. A volume jump is a known importer shipping several times as much. A sleeper is a known importer that
ships as ever, after months of nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from riskscore.simulator import lanes as ln
from riskscore.simulator import lists
from riskscore.simulator.streams import stream
from riskscore.simulator.traders import ESTABLISHED, NEWCOMER, PHOENIX, SHELL

if TYPE_CHECKING:
    from riskscore.simulator.arrays import Bools, Floats, Ints
    from riskscore.simulator.lanes import Lanes
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traders import Population

SHARES = {
    ln.SHELL: 0.0014,
    ln.HIJACK: 0.0042,
    ln.JUMP: 0.0012,
    ln.WAKE: 0.0014,
    ln.NEWCOMER: 0.015,
    ln.PHOENIX: lists.shown("parties and network"),
}
"""Share of the country's shipments that each kind of event carries."""

_LASTS = {SHELL: (25, 80), NEWCOMER: (30, 120), PHOENIX: (20, 45)}
"""Days that an importer of each kind is in business: at least, and less than."""

TURNED_SHARE = 0.045
"""Share of shipments on standing lanes of traders that turn bad at a break."""

NEW_GOODS_SHARE = 0.025
"""Share of shipments, after a break, of trusted traders in goods new to them."""

WAVE_SHARE = 0.03
"""Share of shipments, after a break, of the wave of shell importers."""

STEALTH_SHARE = 0.09
"""Share of shipments on the lanes that a stealthy break turns bad."""


def sudden(settings: Settings, people: Population) -> Lanes:
    """The event lanes of the whole simulation."""
    rng = stream(settings.seed, "events")
    established = np.flatnonzero((people.kind == ESTABLISHED) & (people.importers.start < -200))
    jumping = rng.choice(established, max(3, len(established) // 60))
    return ln.concat(
        [
            *(_brief(rng, people, kind, lane) for kind, lane in _BRIEF.items()),
            _hijacks(rng, settings, people, established),
            ln.draw(rng, people, _burst(rng, settings, jumping, ln.JUMP, (10, 30))),
        ]
    )


def _hijacks(rng: np.random.Generator, settings: Settings, people: Population, established: Ints) -> Lanes:
    """Strange goods from fronts, filed by somebody else in the name of small importers, who do not miss their name."""
    volume, fronts = people.importers.volume[established], people.fronts
    small = established[volume < np.median(volume)]
    opening = _burst(rng, settings, rng.choice(small, len(fronts.good)), ln.HIJACK, (14, 35))
    lanes = ln.draw(rng, people, replace(opening, good=fronts.good, origin=fronts.country))
    return replace(lanes, shipper=fronts.shipper, manufacturer=fronts.manufacturer)


def sleepers(settings: Settings, people: Population, standing: Lanes) -> Lanes:
    """The standing lanes, those of some importers closed for months, and then open again for some weeks."""
    rng = stream(settings.seed, "sleepers")
    honest = (people.kind == ESTABLISHED) & (people.importers.start < -200) & (people.tier == 0)
    able = np.flatnonzero(honest & ~people.importers.bad.any(axis=1))
    who = rng.choice(able, len(able) // 20, replace=False)
    asleep = rng.integers(10, max(11, settings.days - ASLEEP_DAYS[0]), len(people.kind))
    awake = asleep + rng.integers(*ASLEEP_DAYS, len(people.kind))
    theirs = np.isin(standing.importer, who) & (standing.start <= asleep[standing.importer])
    closed = replace(standing, end=np.where(theirs, asleep[standing.importer], standing.end))
    again = standing.take(theirs)
    start = awake[again.importer]
    waking = replace(
        again,
        start=start,
        end=start + rng.integers(20, 45, len(people.kind))[again.importer],
        kind=np.full(len(again), ln.WAKE),
    )
    return ln.concat([closed, waking])


ASLEEP_DAYS = (75, 140)
"""How long sleepers sleep: at least, and less than."""


def _brief(rng: np.random.Generator, people: Population, kind: int, lane: int) -> Lanes:
    """Lanes of the importers of a kind that comes and goes."""
    importer = np.repeat(np.flatnonzero(people.kind == kind), 2)
    start = people.importers.start[importer]
    end = start + rng.integers(*_LASTS[kind], len(importer))
    return ln.draw(rng, people, ln.Opening(importer, start, _volumes(rng, len(importer)), lane, end))


_BRIEF = {SHELL: ln.SHELL, NEWCOMER: ln.NEWCOMER, PHOENIX: ln.PHOENIX}
"""Kinds of importers that come and go, and of their lanes."""


def _burst(rng: np.random.Generator, settings: Settings, who: Ints, kind: int, lasts: tuple[int, int]) -> ln.Opening:
    """One lane for each of `who`, some weeks long, at any time."""
    start = rng.integers(0, settings.days, len(who))
    return ln.Opening(who, start, _volumes(rng, len(who)), kind, start + rng.integers(*lasts, len(who)))


def _volumes(rng: np.random.Generator, n: int) -> Floats:
    return rng.exponential(1.0, n) + 0.3


def new_goods(settings: Settings, people: Population) -> Lanes:
    """Lanes that trusted traders open at a break, in goods with hazards that are new to them."""
    rng = stream(settings.seed, "new goods")
    trusted = np.flatnonzero(people.tier >= 2)
    if settings.scenario != "break" or len(trusted) == 0:
        return ln.draw(rng, people, ln.Opening(trusted[:0], trusted[:0], np.zeros(0), ln.NEW_GOODS))
    who = np.repeat(rng.choice(trusted, max(3, len(trusted) // 6), replace=False), 2)
    start = np.maximum(settings.break_day, settings.break_day + rng.integers(-7, 21, len(who)))
    risky = lists.goods().hazards.sum(axis=1)
    good = rng.choice(len(risky), len(who), p=risky / risky.sum())
    return ln.draw(rng, people, ln.Opening(who, start, _volumes(rng, len(who)), ln.NEW_GOODS, good=good))


def turned(settings: Settings, people: Population, lanes: Lanes, exposure: Floats) -> Bools:
    """Standing lanes that turn bad at the break, in a break those of trusted traders, in a stealthy one of anybody.

    Whole importers turn, drawn until their lanes carry the scenario's share of `exposure` (shipments per lane).
    """
    if settings.scenario == "steady":
        return np.zeros(len(lanes), dtype=bool)
    rng = stream(settings.seed, "turned")
    honest = ~people.importers.bad.any(axis=1) & (people.kind == ESTABLISHED) & (people.importers.start < -200)
    eligible = honest & (people.tier >= 2) if settings.scenario == "break" else honest & (people.tier < 2)
    share = TURNED_SHARE if settings.scenario == "break" else STEALTH_SHARE
    standing = (lanes.kind == ln.ORDINARY) & (lanes.start < settings.break_day - 60)
    volume = np.bincount(lanes.importer, exposure * standing, len(eligible)) / exposure.sum()
    # Nobody so large that one trader's turn would be the whole story.
    order = rng.permutation(np.flatnonzero(eligible & (volume > 0) & (volume < share / 8)))
    chosen = order[np.cumsum(volume[order]) <= share]
    return np.asarray(standing & np.isin(lanes.importer, chosen))
