"""Which lane each shipment takes, the small departures from it, and what is truly inside."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from riskscore.simulator import lanes as ln
from riskscore.simulator import lists
from riskscore.simulator import planted as planting
from riskscore.simulator.streams import pick_rows, stream
from riskscore.tables import MODES

if TYPE_CHECKING:
    from riskscore.simulator.arrays import Bools, Floats, Ints
    from riskscore.simulator.lanes import Lanes
    from riskscore.simulator.risk import Risk
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traders import Population
    from riskscore.simulator.turns import Turns

BOUGHT_SHARE = 0.6
"""Share of parcels that go to a buyer of their own, not to who imports."""

STRAYS_SHARE = 0.85
"""Share of a turned trusted trader's shipments that come from strangers, filed by others, through another port."""

_WEEK = np.array([1.08, 1.12, 1.12, 1.1, 1.08, 0.85, 0.65])
"""Arrivals by weekday, Monday first."""


@dataclass(frozen=True)
class Traffic:
    """One position per shipment, in order of arrival day. Party columns are positions in the population."""

    day: Ints
    importer: Ints
    consignee: Ints
    shipper: Ints
    manufacturer: Ints
    filer: Ints
    carrier: Ints
    good: Ints
    """The goods as declared."""
    content: Ints
    """The goods inside."""
    origin: Ints
    export: Ints
    foreign_port: Ints
    mode: Ints
    port: Ints
    unit_value: Floats
    """Log price level of the lane."""
    lane: Ints
    lane_kind: Ints
    """Kind of the lane (lanes.ORDINARY and so on)."""
    hazards: Bools
    """(shipment, hazard): truly there."""
    marked: Bools
    """(shipment, hazard): there, and leaving the traces of data/traces.csv, as planted ones and those of events do not.

    An event is trace enough: who files, for whom, and how much of a sudden.
    """
    cause: Ints
    """What brought a hazard: position in lists.CONCEPTS; -1 = nothing in particular, or no hazard."""
    pattern: Ints
    """Pattern that the filing shows, hazardous or not: position in lists.PATTERNS; -1 = none."""
    traces: Bools
    """(shipment, trace): shows in the filing."""

    def take(self, index: Ints | Bools | slice) -> Traffic:
        """The shipments at `index`."""
        return Traffic(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def __len__(self) -> int:
        """Number of shipments."""
        return len(self.day)


def arrivals(settings: Settings) -> Ints:
    """Shipments per day: a weekly rhythm, a slow season and noise; `weeks * 7 * per_day` in all."""
    rng = stream(settings.seed, "arrivals")
    days = np.arange(settings.days)
    weekday = (settings.start.weekday() + days) % 7
    rate = _WEEK[weekday] * (1 + 0.06 * np.sin(2 * np.pi * days / 364)) * rng.gamma(400, 1 / 400, len(days))
    return rng.multinomial(settings.shipments, rate / rate.sum())


def travel(settings: Settings, people: Population, lanes: Lanes, risk: Risk, turns: Turns, per_day: Ints) -> Traffic:
    """Draw all shipments."""
    day = np.repeat(np.arange(len(per_day)), per_day)
    lane = _lanes(stream(settings.seed, "traffic"), lanes, per_day)
    hazards, cause = _hazards(stream(settings.seed, "hazards"), risk, lane, day >= settings.break_day)
    marked = hazards & (cause != lists.CONCEPTS.index("novelty and change"))[:, None]
    traces = _traces(stream(settings.seed, "traces"), marked)
    used = lanes.take(lane)
    plain = Traffic(
        day=day,
        lane=lane,
        lane_kind=used.kind,
        importer=used.importer,
        consignee=used.consignee,
        shipper=used.shipper,
        manufacturer=used.manufacturer,
        filer=used.filer,
        carrier=used.carrier,
        good=used.good,
        content=used.good,
        origin=used.origin,
        export=used.export,
        foreign_port=np.zeros(len(day), dtype=np.int64),
        mode=used.mode,
        port=used.port,
        unit_value=used.unit_value,
        hazards=hazards,
        marked=marked,
        cause=cause,
        pattern=np.full(len(day), -1),
        traces=traces,
    )
    planted = planting.plant(settings, people, turns, plain)
    return _disguised(settings, _departures(settings, people, planted))


def _lanes(rng: np.random.Generator, lanes: Lanes, per_day: Ints) -> Ints:
    """A lane per shipment: each day, open lanes in proportion to their volume."""
    chosen = []
    for day, count in enumerate(per_day):
        edges = np.cumsum(np.where((lanes.start <= day) & (day < lanes.end), lanes.volume, 0.0))
        chosen.append(np.searchsorted(edges, rng.random(count) * edges[-1], side="right"))
    return np.concatenate(chosen)


def _hazards(rng: np.random.Generator, risk: Risk, lane: Ints, after: Bools) -> tuple[Bools, Ints]:
    """(shipment, hazard) there or not, and what caused the likeliest hazard that is there."""
    parts = np.where(after[:, None], risk.after[:, lane], risk.before[:, lane])
    chance = parts.sum(axis=0)
    there = np.asarray(rng.random(chance.shape) < chance)
    first = (there * chance).argmax(axis=1)
    part = pick_rows(rng, parts[:, np.arange(len(lane)), first].T + 1e-300)
    # The last part, diffuse risk, is nobody's doing in particular.
    caused = there.any(axis=1) & (part < len(parts) - 1)
    return there, np.where(caused, part, -1)


def _traces(rng: np.random.Generator, hazards: Bools) -> Bools:
    """Each trace shows with its innocent chance, or because of a hazard that leaves it."""
    innocent, left = lists.traces()
    # Absence of a trace needs every cause to fail; logs turn the product over hazards into one matrix product.
    silent = (1 - innocent) * np.exp(hazards @ np.log1p(-left))
    return np.asarray(rng.random(silent.shape) >= silent)


def shows(traffic: Traffic, trace: str) -> Bools:
    """Shipments on which one trace shows."""
    return np.asarray(traffic.traces[:, lists.TRACES.index(trace)])


def has(traffic: Traffic, hazard: str) -> Bools:
    """Shipments with one hazard that leaves the usual traces."""
    return np.asarray(traffic.marked[:, lists.HAZARDS.index(hazard)])


def bears(traffic: Traffic, concept: str) -> Bools:
    """Shipments whose filing bears one pattern."""
    return np.asarray(traffic.pattern == lists.PATTERNS.index(concept))


def _departures(settings: Settings, people: Population, traffic: Traffic) -> Traffic:
    """Shipments that leave their lane in one respect: another shipper, filer or port, for no bad reason mostly."""
    rng = stream(settings.seed, "departures")
    strays = bears(traffic, "trust erosion") & (rng.random(len(traffic)) < STRAYS_SHARE)
    other_party = shows(traffic, "new_party") | strays
    other_filer = strays | (rng.random(len(traffic)) < np.where(has(traffic, "identity_ior"), 0.4, 0.02))
    other_port = strays | (rng.random(len(traffic)) < 0.02)
    filers = rng.integers(0, len(people.filers.ids), len(traffic))
    origin, good = traffic.origin[other_party], traffic.good[other_party]
    made = _replaced(traffic.manufacturer, other_party, ln.counterparts(rng, people.manufacturers, origin, good))
    ports = ln.ports(rng, traffic.mode[other_port], traffic.origin[other_port], traffic.importer[other_port])
    return replace(
        traffic,
        consignee=_buyers(rng, settings, people, traffic),
        shipper=_replaced(traffic.shipper, other_party, ln.counterparts(rng, people.shippers, origin, good)),
        manufacturer=np.where(bears(traffic, "forced labour"), rng.choice(people.tainted, len(traffic)), made),
        filer=np.where(other_filer, filers, traffic.filer),
        port=_replaced(traffic.port, other_port, ports),
    )


def _buyers(rng: np.random.Generator, settings: Settings, people: Population, traffic: Traffic) -> Ints:
    """Consignees: of most parcels a buyer of their own, of split orders one for the whole day."""
    everyone = len(people.consignees.ids)
    parcel = np.isin(traffic.mode, (MODES.index("mail"), MODES.index("express")))
    bought = parcel & (rng.random(len(traffic)) < BOUGHT_SHARE)
    consignee = np.where(bought, rng.integers(0, everyone, len(traffic)), traffic.consignee)
    split = rng.integers(0, everyone, settings.days)[traffic.day]
    return np.where(bears(traffic, "e-commerce"), split, consignee)


def _replaced(values: Ints, where: Bools, new: Ints) -> Ints:
    result = values.copy()
    result[where] = new
    return result


_SCREENS = ("VN", "MY", "TH", "TR", "IN", "KH", "ID", "TW", "KR", "MX")
"""Countries that transshipped goods are declared from."""


def _disguised(settings: Settings, traffic: Traffic) -> Traffic:
    """What is declared instead of the truth: other goods when misclassified, another origin when transshipped."""
    rng = stream(settings.seed, "disguises")
    misclassified, transshipped = has(traffic, "misclassification"), has(traffic, "origin_transship")
    screens = np.array([lists.COUNTRIES.index(country) for country in _SCREENS])
    china = lists.COUNTRIES.index("CN")
    moved = transshipped & (traffic.origin == china)
    origin = np.where(moved, rng.choice(screens, len(traffic)), traffic.origin)
    export = np.where(moved, origin, traffic.export)
    export = np.where(bears(traffic, "route"), _detours(rng, origin), export)
    odd = shows(traffic, "odd_route")
    hubs = np.array([lists.COUNTRIES.index(country) for country in ("HK", "SG", "KR", "CN")])
    sailed = np.where(odd, np.where(transshipped, china, rng.choice(hubs, len(traffic))), export)
    shares, _ = lists.foreign_ports()
    return replace(
        traffic,
        good=np.where(misclassified, lists.goods().declared_as[traffic.good], traffic.good),
        origin=origin,
        export=export,
        foreign_port=pick_rows(rng, shares[sailed]),
    )


_DETOURS = ("AE", "SG", "MY", "TR", "ZA", "EG", "DO", "LK", "NL")
"""Trading places that goods from elsewhere seldom pass through."""


def _detours(rng: np.random.Generator, origin: Ints) -> Ints:
    """A country of export that no ordinary trade of the origin takes."""
    far = np.isin(lists.COUNTRIES, _DETOURS).astype(float)
    usual = lists.matrix("countries", "export_hubs", lists.COUNTRIES) > 0
    return pick_rows(rng, far * ~(usual | np.eye(len(far), dtype=bool))[origin])
