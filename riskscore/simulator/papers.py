"""What identifies each shipment on paper, and when its security filing was made: one position per shipment.

Identifiers check, save where the pattern of false documents shows. The security filing (ISF) is due 24 hours before
lading (19 CFR 149.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore import tables
from riskscore.simulator import addresses, identifiers, lists
from riskscore.simulator.arrays import Bools, Floats, Ints, Texts, texts
from riskscore.simulator.filings import DAY_US, morning_us
from riskscore.simulator.streams import pick, stream
from riskscore.simulator.traffic import bears, shows

if TYPE_CHECKING:
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traders import Population
    from riskscore.simulator.traffic import Traffic

# Serials run through all seven-digit numbers in a scattered order: both are prime to 10**7.
_STRIDE, _OFFSET = 3_819_887, 1_234_567
_SERIALS = 10**7

ISF_LATE_SHARE = 0.06
ISF_NONE_SHARE = 0.02
BAD_BOX_SHARE = 0.003
"""How often, innocently, a security filing is late or missing, and a container number has a wrong check digit."""

FALSE_SHARE = 0.75
"""How often each of these, and a missing seal, shows on false documents."""

_TRANSIT_DAYS = {"chinese": 16, "korean": 14, "japanese": 13, "spanish": 6, "english": 12}
_FLEET = 12
"""Vessels per line."""


@dataclass(frozen=True)
class Papers:
    """Numbers, seals and times of every shipment; `shipment_ids` go on with those of damaged lines."""

    shipment_ids: Texts
    conveyances: Texts
    box_serials: Ints
    seal_serials: Ints
    bad_box: Bools
    no_maker: Bools
    withheld: Bools
    no_seal: Bools
    no_address: Bools
    spelling: Ints
    laden: Ints
    """Microseconds since 1970 UTC; -1 = not stated, or not by sea."""
    isf: Ints
    """As `laden`."""


def papers(settings: Settings, people: Population, traffic: Traffic, extra: Ints) -> Papers:
    """Numbers of every shipment, then of the damaged lines (`extra`: positions of the shipments they look like)."""
    rng = stream(settings.seed, "papers")
    n = len(traffic)
    false = bears(traffic, "documentation")
    like = np.concatenate([np.arange(n), extra]).astype(np.int64)
    laden, isf = _security_filing(stream(settings.seed, "isf"), settings, traffic)
    return Papers(
        shipment_ids=_shipment_ids(settings, people, traffic, like),
        conveyances=_conveyances(settings, traffic),
        box_serials=rng.integers(0, 1_000_000, n),
        seal_serials=rng.integers(0, 10_000_000, n),
        bad_box=_either_way(rng, false, BAD_BOX_SHARE),
        no_maker=shows(traffic, "no_maker") & ~bears(traffic, "forced labour"),
        withheld=shows(traffic, "withheld") & ~bears(traffic, "parties and network"),
        no_seal=shows(traffic, "no_seal") | _either_way(rng, false, 0.0),
        no_address=rng.random(n) < _NO_ADDRESS_SHARE,
        spelling=pick(rng, np.array(addresses.SPELLING_WEIGHTS), n),
        laden=laden,
        isf=isf,
    )


_NO_ADDRESS_SHARE = 0.08


def _either_way(rng: np.random.Generator, false: Bools, innocent: float) -> Bools:
    """A fault that false documents show often, others with the chance `innocent`."""
    return np.asarray(rng.random(len(false)) < np.where(false, FALSE_SHARE, innocent))


def _security_filing(rng: np.random.Generator, settings: Settings, traffic: Traffic) -> tuple[Ints, Ints]:
    """When the goods were laden and the ISF filed, by sea; nothing is later than an hour before the arrival day."""
    n = len(traffic)
    sea = traffic.mode == tables.MODES.index("ocean")
    transit = _transit()[traffic.export] * rng.uniform(0.8, 1.5, n)
    morning = morning_us(settings, traffic.day)
    laden = morning - _microseconds(transit)
    late = _either_way(rng, bears(traffic, "documentation"), ISF_LATE_SHARE)
    ahead = np.where(late, rng.uniform(-4, 0.95, n), rng.uniform(1.05, 9, n))
    isf = np.minimum(laden - _microseconds(ahead), morning - DAY_US // 24)
    none = ~sea | (rng.random(n) < ISF_NONE_SHARE)
    return np.where(sea & (rng.random(n) >= 0.02), laden, -1), np.where(none, -1, isf)


def _transit() -> Floats:
    """Days at sea from each country, roughly."""
    return np.array([float(_TRANSIT_DAYS.get(like, 20)) for like in lists.country_texts("names_like")])


def _microseconds(days: Floats) -> Ints:
    return (days * DAY_US).astype(np.int64) // 1_000_000 * 1_000_000


def _conveyances(settings: Settings, traffic: Traffic) -> Texts:
    """IMO number of the vessel, flight, trailer or rail car; None for mail.

    A line's vessels call by turns: what arrives on one day at one port from one line came on one hull, or one flight.
    """
    carriers = lists.table("carriers")
    hulls = [
        [identifiers.vessel(910_000 + 131 * (_FLEET * c + k)) for k in range(_FLEET)] for c in range(len(carriers))
    ]
    boxes = stream(settings.seed, "trailers").integers(100_000, 1_000_000, len(traffic))
    turn = (traffic.day // 2 + 5 * traffic.port + 3 * traffic.foreign_port) % _FLEET
    return texts(
        [
            _conveyance(tables.MODES[mode], carriers[carrier]["conveyance"], hulls[carrier][at], int(port), int(box))
            for mode, carrier, at, port, box in zip(
                traffic.mode, traffic.carrier, turn, traffic.port, boxes, strict=True
            )
        ]
    )


def _conveyance(mode: str, code: str, hull: str, port: int, box: int) -> str | None:
    if mode == "ocean":
        return hull
    if mode in ("air", "express"):
        return f"{code}{100 + 7 * port + box % 9}"
    return f"{code} {box}" if code else None


def _shipment_ids(settings: Settings, people: Population, traffic: Traffic, like: Ints) -> Texts:
    """Bill numbers by sea, waybills by air, entry numbers by land, S10 numbers by mail, tracking numbers."""
    serials = ((np.arange(len(like), dtype=np.int64) + settings.seed % 97) * _STRIDE + _OFFSET) % _SERIALS
    wraps = np.arange(len(like), dtype=np.int64) // _SERIALS
    carriers = lists.table("carriers")
    origins = np.array(lists.COUNTRIES, dtype=object)
    return texts(
        [
            _number(tables.MODES[mode], carriers[carrier], filer, int(serial), int(wrap), origin)
            for mode, carrier, filer, serial, wrap, origin in zip(
                traffic.mode[like],
                traffic.carrier[like],
                people.filers.ids[traffic.filer[like]],
                serials,
                wraps,
                origins[traffic.export[like]],
                strict=True,
            )
        ]
    )


def _number(mode: str, carrier: dict[str, str], filer: str, serial: int, wrap: int, origin: str) -> str:
    tail = f"-{wrap}" if wrap else ""
    if mode == "ocean":
        return f"{carrier['scac']}{serial * 97 % 1_000_000_000:09d}{tail}"
    if mode == "air":
        return identifiers.air_waybill(carrier["prefix"], serial) + tail
    if mode == "mail":
        return identifiers.postal_item("LX", serial, origin) + tail
    if mode == "express":
        return f"{carrier['prefix']}{serial:07d}{serial * 31 % 100:02d}{tail}"
    return identifiers.entry_number(filer, serial) + tail
