"""Which lane each shipment takes, the small departures from it, and what is truly inside."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from riskscore.simulator import lanes as ln
from riskscore.simulator import lists
from riskscore.simulator.streams import pick_rows, stream

if TYPE_CHECKING:
    from riskscore.simulator.arrays import Bools, Floats, Ints
    from riskscore.simulator.lanes import Lanes
    from riskscore.simulator.risk import Risk
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traders import Population

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
    hazards: Bools
    """(shipment, hazard): truly there."""
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


def travel(settings: Settings, people: Population, lanes: Lanes, risk: Risk, per_day: Ints) -> Traffic:
    """Draw all shipments."""
    day = np.repeat(np.arange(len(per_day)), per_day)
    lane = _lanes(stream(settings.seed, "traffic"), lanes, per_day)
    after = day >= settings.break_day
    hazards = _hazards(stream(settings.seed, "hazards"), risk, lane, after)
    traces = _traces(stream(settings.seed, "traces"), hazards)
    used = lanes.take(lane)
    plain = Traffic(
        day=day,
        lane=lane,
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
        traces=traces,
    )
    return _disguised(settings, _departures(settings, people, plain))


def _lanes(rng: np.random.Generator, lanes: Lanes, per_day: Ints) -> Ints:
    """A lane per shipment: each day, open lanes in proportion to their volume."""
    chosen = []
    for day, count in enumerate(per_day):
        edges = np.cumsum(np.where((lanes.start <= day) & (day < lanes.end), lanes.volume, 0.0))
        chosen.append(np.searchsorted(edges, rng.random(count) * edges[-1], side="right"))
    return np.concatenate(chosen)


def _hazards(rng: np.random.Generator, risk: Risk, lane: Ints, after: Bools) -> Bools:
    chance = np.where(after[:, None], risk.after[lane], risk.before[lane])
    return np.asarray(rng.random(chance.shape) < chance)


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
    """Shipments with one hazard."""
    return np.asarray(traffic.hazards[:, lists.HAZARDS.index(hazard)])


def _departures(settings: Settings, people: Population, traffic: Traffic) -> Traffic:
    """Shipments that leave their lane in one respect: another shipper, filer or port, for no bad reason mostly."""
    rng = stream(settings.seed, "departures")
    other_party = shows(traffic, "new_party")
    other_filer = rng.random(len(traffic)) < np.where(has(traffic, "identity_ior"), 0.4, 0.02)
    other_port = rng.random(len(traffic)) < 0.02
    filers = rng.integers(0, len(people.filers.ids), len(traffic))
    shippers = ln.counterparts(rng, people.shippers, traffic.origin[other_party], traffic.good[other_party])
    makers = ln.counterparts(rng, people.manufacturers, traffic.origin[other_party], traffic.good[other_party])
    ports = ln.ports(rng, traffic.mode[other_port], traffic.origin[other_port], traffic.importer[other_port])
    return replace(
        traffic,
        shipper=_replaced(traffic.shipper, other_party, shippers),
        manufacturer=_replaced(traffic.manufacturer, other_party, makers),
        filer=np.where(other_filer, filers, traffic.filer),
        port=_replaced(traffic.port, other_port, ports),
    )


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
