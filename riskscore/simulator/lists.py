"""The reference lists in simulator/data, as arrays. Countries, goods and hazards are addressed by position.

Prices, weights, shares and risk weights are working assumptions. HTS numbers, port codes and carrier codes are
written from memory of the public lists (`conf` M): plausible, not authoritative.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from riskscore.simulator.arrays import Floats, Ints, Texts, texts
from riskscore.tables import MODES

if TYPE_CHECKING:
    from collections.abc import Sequence


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Rows of data/`name`.csv as text."""
    text = files("riskscore.simulator").joinpath(f"data/{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def column(name: str, key: str) -> list[str]:
    """One column of data/`name`.csv."""
    return [row[key] for row in table(name)]


def numbers(name: str, key: str) -> Floats:
    """One numeric column of data/`name`.csv."""
    return np.array([float(value) for value in column(name, key)])


HAZARDS = tuple(column("hazards", "hazard"))
"""The simulated hazards, in the order of every (row, hazard) array of the simulator."""

COUNTRIES = tuple(column("countries", "country"))
SECTORS = tuple(dict.fromkeys(column("goods", "sector")))
PROFILES = tuple(dict.fromkeys(column("modes", "profile")))
TRACES = tuple(table("traces")[0])[1:]

HEAVY = ("furniture", "machinery", "metals", "building")
"""Sectors whose goods often travel in crates or on pallets of solid wood."""

NEIGHBOURS = ("MX", "CA")
"""Countries whose goods come by land."""


def weights(text: str, names: Sequence[str], default: float = 0.0) -> Floats:
    """`a:2;b:1` as a vector over `names`; names not mentioned get `default`.

    >>> weights("air:2;rail:1", ("truck", "air", "rail")).tolist()
    [0.0, 2.0, 1.0]
    """
    row = np.full(len(names), default)
    for part in filter(None, text.split(";")):
        name, _, weight = part.partition(":")
        row[names.index(name)] = float(weight)
    return row


def matrix(name: str, key: str, names: Sequence[str], default: float = 0.0) -> Floats:
    """A column of `a:2;b:1` cells as a (row, name) matrix."""
    return np.array([weights(text, names, default) for text in column(name, key)])


@dataclass(frozen=True)
class Goods:
    """Tariff lines, one position each; matrices are (good, country) and (good, hazard)."""

    hts: Texts
    descriptions: list[list[str]]
    usd_per_kg: Floats
    kg_per_unit: Floats
    unit: Texts
    duty_pct: Floats
    sector: Ints
    center: Texts
    profile: Ints
    pga: Texts
    origins: Floats
    hazards: Floats
    declared_as: Ints
    """What a misclassified shipment is declared as: the cheapest duty of another line in the sector."""


# Every line of goods can be manifested badly or imported under a false name.
_EVERYWHERE = {"manifest_quality": 1.0, "identity_ior": 1.0, "undervaluation": 0.5, "misclassification": 0.3}


def _good_hazards() -> Floats:
    stated = matrix("goods", "hazards", HAZARDS)
    everywhere = weights(";".join(f"{k}:{v}" for k, v in _EVERYWHERE.items()), HAZARDS)
    return np.maximum(stated, everywhere)


def _declared_as(sector: Ints, duty: Floats) -> Ints:
    order = np.lexsort((np.arange(len(duty)), duty))
    result = np.empty(len(duty), dtype=np.int64)
    for good in range(len(duty)):
        same = order[(sector[order] == sector[good]) & (order != good)]
        result[good] = same[0] if len(same) else good
    return result


@cache
def goods() -> Goods:
    """The goods list (data/goods.csv): 130 tariff lines in 15 sectors."""
    sector = np.array([SECTORS.index(s) for s in column("goods", "sector")])
    duty = numbers("goods", "duty_pct")
    return Goods(
        hts=texts(column("goods", "hts")),
        descriptions=[text.split("|") for text in column("goods", "descriptions")],
        usd_per_kg=numbers("goods", "usd_per_kg"),
        kg_per_unit=numbers("goods", "kg_per_unit"),
        unit=texts(column("goods", "unit")),
        duty_pct=duty,
        sector=sector,
        center=texts(column("goods", "center")),
        profile=np.array([PROFILES.index(p) for p in column("goods", "profile")]),
        pga=texts(column("goods", "pga")),
        origins=matrix("goods", "origins", COUNTRIES),
        hazards=_good_hazards(),
        declared_as=_declared_as(sector, duty),
    )


@cache
def country_hazards() -> Floats:
    """Risk multipliers by (country, hazard); 1 = ordinary."""
    return matrix("countries", "hazards", HAZARDS, default=1.0)


@cache
def country_texts(key: str) -> Texts:
    """A column of data/countries.csv, by country position."""
    return texts(column("countries", key))


@cache
def mode_shares() -> Floats:
    """Shares of modes by (profile, route, mode); route 0 = overseas, 1 = neighbour."""
    shares = np.zeros((len(PROFILES), 2, len(MODES)))
    for row in table("modes"):
        route = ("overseas", "neighbour").index(row["route"])
        shares[PROFILES.index(row["profile"]), route] = [float(row[mode]) for mode in MODES]
    return shares


@cache
def port_modes() -> Floats:
    """Volume weights by (port, mode)."""
    return matrix("ports", "modes", MODES)


@cache
def carrier_modes() -> Floats:
    """Volume weights by (carrier, mode)."""
    shares = np.zeros((len(table("carriers")), len(MODES)))
    for i, row in enumerate(table("carriers")):
        shares[i, MODES.index(row["mode"])] = float(row["weight"])
    return shares


@cache
def serves(name: str) -> Floats:
    """1 where a port or carrier (data/`name`.csv) takes goods of a country, else 0: (row, country).

    A row that names no country serves all.
    """
    listed = [[country for country in cell.split(";") if country] for cell in column(name, "countries")]
    return np.array([[float(not row or country in row) for country in COUNTRIES] for row in listed])


@cache
def foreign_ports() -> tuple[Floats, Texts]:
    """Volume weights by (country, foreign port), and the Schedule K codes by foreign port."""
    shares = np.zeros((len(COUNTRIES), len(table("foreign_ports"))))
    for i, row in enumerate(table("foreign_ports")):
        shares[COUNTRIES.index(row["country"]), i] = float(row["weight"])
    return shares, texts(column("foreign_ports", "code"))


PATTERNS = tuple(column("patterns", "concept"))
"""What a planted hazard shows in, by concept of the features that can tell it."""

CONCEPTS = ("track record", "novelty and change", *PATTERNS)
"""Every concept that a hazard can be told by: habits, sudden events, then the patterns."""


def shown(concept: str) -> float:
    """Share of all shipments that show a pattern, hazardous or not."""
    return float(next(row["shown"] for row in table("patterns") if row["concept"] == concept))


@cache
def planted() -> Floats:
    """Share of each hazard's prevalence that each pattern causes: (pattern, hazard)."""
    return np.array([[float(row[hazard]) for hazard in HAZARDS] for row in table("patterns")])


@cache
def traces() -> tuple[Floats, Floats]:
    """Chances of each trace: on an innocent shipment (trace), and added by each hazard (hazard, trace)."""
    rows = {row["hazard"]: [float(row[trace]) for trace in TRACES] for row in table("traces")}
    return np.array(rows["innocent"]), np.array([rows[hazard] for hazard in HAZARDS])
