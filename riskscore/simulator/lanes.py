"""Lanes: the standing relationships along which goods flow.

A lane is one importer buying one kind of goods from one shipper by one mode through one port. Shipments repeat their
lane, so pairs of traders have histories; lanes open all the time, so new pairs are ordinary too. Sudden events
(shell importers, hijacked identities, volume jumps) are lanes that open and close.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from riskscore.simulator import lists
from riskscore.simulator.streams import pick_rows, stream
from riskscore.simulator.traders import ESTABLISHED

if TYPE_CHECKING:
    from riskscore.simulator.arrays import Bools, Floats, Ints
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traders import Population, Traders

ORDINARY, SHELL, HIJACK, JUMP, NEW_GOODS, NEWCOMER, PHOENIX, WAKE = range(8)
"""Kinds of lanes."""


@dataclass(frozen=True)
class Lanes:
    """One position per lane; party columns are positions in the population."""

    importer: Ints
    consignee: Ints
    """-1 = the importer itself."""
    shipper: Ints
    manufacturer: Ints
    filer: Ints
    good: Ints
    origin: Ints
    export: Ints
    mode: Ints
    port: Ints
    carrier: Ints
    start: Ints
    end: Ints
    """First day after the lane's last; a large number = open."""
    volume: Floats
    unit_value: Floats
    """The lane's own log price level against the list price."""
    kind: Ints

    def take(self, index: Ints | Bools) -> Lanes:
        """The lanes at `index`."""
        return Lanes(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def __len__(self) -> int:
        """Number of lanes."""
        return len(self.importer)


FOREVER = 10**6


def concat(parts: list[Lanes]) -> Lanes:
    """Several sets of lanes as one, in order."""
    return Lanes(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Lanes)})


def ordinary(settings: Settings, people: Population) -> Lanes:
    """The standing lanes: more for larger importers, a quarter of them opening during the simulation."""
    rng = stream(settings.seed, "lanes")
    importers = people.importers
    size = importers.volume / importers.volume.mean()
    count = np.where(people.kind != ESTABLISHED, 0, 1 + rng.poisson(1.6 + 1.2 * np.minimum(size, 5)))
    importer = np.repeat(np.arange(len(count)), count)
    share = rng.exponential(1.0, len(importer)) + 0.05
    opens = np.where(rng.random(len(importer)) < 0.75, -FOREVER, rng.integers(0, settings.days, len(importer)))
    start = np.maximum(opens, importers.start[importer])
    volume = importers.volume[importer] * share / count[importer]
    return draw(rng, people, Opening(importer, start, volume, ORDINARY))


@dataclass(frozen=True)
class Opening:
    """What is given of new lanes: everything else is drawn. One position per lane."""

    importer: Ints
    start: Ints
    volume: Floats
    kind: int
    end: Ints | None = None
    """None = open for good."""
    good: Ints | None = None
    """None = of the importer's sector."""
    origin: Ints | None = None
    """None = one that the goods come from."""


def draw(rng: np.random.Generator, people: Population, opening: Opening) -> Lanes:
    """Lanes with everything not given drawn: goods, fitting origins, modes and ports, parties, prices."""
    importer, n = opening.importer, len(opening.importer)
    good = _goods(rng, people.importers.sector[importer]) if opening.good is None else opening.good
    origin = pick_rows(rng, lists.goods().origins[good]) if opening.origin is None else opening.origin
    mode = _modes(rng, good, origin)
    return Lanes(
        importer=importer,
        consignee=np.where(rng.random(n) < 0.85, -1, _zipf_pick(rng, people.consignees, n)),
        shipper=counterparts(rng, people.shippers, origin, good),
        manufacturer=counterparts(rng, people.manufacturers, origin, good),
        filer=_filers(rng, people, importer),
        good=good,
        origin=origin,
        export=exports(rng, origin),
        mode=mode,
        port=ports(rng, mode, origin, importer),
        carrier=pick_rows(rng, lists.carrier_modes().T[mode] * lists.serves("carriers").T[origin]),
        start=opening.start,
        end=np.full(n, FOREVER) if opening.end is None else opening.end,
        volume=opening.volume,
        unit_value=rng.normal(0.0, 0.3, n),
        kind=np.full(n, opening.kind),
    )


def _goods(rng: np.random.Generator, sector: Ints) -> Ints:
    """Goods of the importer's sector; one lane in twelve is of another."""
    goods = lists.goods()
    strays = rng.random(len(sector)) < 1 / 12
    sector = np.where(strays, rng.integers(0, len(lists.SECTORS), len(sector)), sector)
    return pick_rows(rng, (goods.sector[None, :] == sector[:, None]).astype(float))


def _modes(rng: np.random.Generator, good: Ints, origin: Ints) -> Ints:
    neighbours = np.array([lists.COUNTRIES.index(country) for country in lists.NEIGHBOURS])
    route = np.isin(origin, neighbours).astype(int)
    return pick_rows(rng, lists.mode_shares()[lists.goods().profile[good], route])


def _zipf_pick(rng: np.random.Generator, traders: Traders, n: int) -> Ints:
    return rng.choice(len(traders.volume), n, p=traders.volume / traders.volume.sum())


def counterparts(rng: np.random.Generator, traders: Traders, country: Ints, good: Ints) -> Ints:
    """A trader of each country and trade asked for, larger ones oftener; of the country, or any, where none is."""
    result = _zipf_pick(rng, traders, len(country))
    for wanted, offered in (
        (country, traders.country),
        (_cell(country, lists.goods().sector[good]), _cell(traders.country, traders.sector)),
    ):
        for cell in np.intersect1d(wanted, offered):
            local, asked = np.flatnonzero(offered == cell), np.flatnonzero(wanted == cell)
            weight = traders.volume[local] / traders.volume[local].sum()
            result[asked] = rng.choice(local, len(asked), p=weight)
    return result


def _cell(country: Ints, sector: Ints) -> Ints:
    return country * len(lists.SECTORS) + sector


def exports(rng: np.random.Generator, origin: Ints) -> Ints:
    """Country of export: the origin, or in one lane of 20 a hub that trades for it."""
    hubs = lists.matrix("countries", "export_hubs", lists.COUNTRIES)[origin]
    via = (rng.random(len(origin)) < 0.05) & (hubs.sum(axis=1) > 0)
    return np.where(via, pick_rows(rng, hubs + 1e-12), origin)


def ports(rng: np.random.Generator, mode: Ints, origin: Ints, importer: Ints) -> Ints:
    """A port that handles the mode and, by land, lies on the right border; each importer favours its own."""
    shares = lists.port_modes().T[mode] * lists.serves("ports").T[origin]
    # An importer's taste is a fixed function of its position: it needs no state and never changes.
    taste = 1 + 5 * ((np.arange(shares.shape[1])[None, :] * 7 + importer[:, None] * 3) % 5 == 0)
    return pick_rows(rng, shares * taste)


def _filers(rng: np.random.Generator, people: Population, importer: Ints) -> Ints:
    """Each importer's usual filer, in one lane of ten another."""
    usual = _zipf_pick(rng, people.filers, len(people.importers.ids))
    return np.where(rng.random(len(importer)) < 0.9, usual[importer], _zipf_pick(rng, people.filers, len(importer)))
