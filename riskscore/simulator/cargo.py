"""What the filing says about the goods: value, weight, quantity, tariff line, words, entry, preference, flags.

Values and weights are lognormal around the list price of what is truly inside. A hazard shows only through its
traces (data/traces.csv); every trace also occurs innocently.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from riskscore.simulator import lists
from riskscore.simulator.arrays import Bools, Floats, Ints, Texts, either, texts
from riskscore.simulator.streams import pick_rows, stream
from riskscore.simulator.traffic import bears, has, shows
from riskscore.tables import MODES

if TYPE_CHECKING:
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traffic import Traffic
    from riskscore.simulator.turns import Turns


@dataclass(frozen=True)
class Cargo:
    """One position per shipment; texts are None where the filing says nothing."""

    hts: Texts
    description: Texts
    value_usd: Floats
    weight_kg: Floats
    quantity: Floats
    unit: Texts
    duty_pct: Floats
    regime: Texts
    entry_type: Texts
    preference: Texts
    bond: Texts
    in_bond: Bools
    pga: Texts
    wood: Texts
    """Whether packed in solid wood: True, False or None."""
    containers: Ints
    """Number of containers; 0 = not containerised."""


_TYPICAL_USD = {"ocean": 30_000, "air": 18_000, "truck": 26_000, "rail": 48_000, "mail": 140, "express": 900}
_MOST_KG = {"ocean": 96_000, "air": 9_000, "truck": 21_000, "rail": 90_000, "mail": 20, "express": 70}
_KG_PER_CONTAINER = 22_000

UNSTEADY_SIZE = 3.0
"""How much larger consignments are while a trusted trader's record erodes."""

VAGUE = (
    "GENERAL MERCHANDISE",
    "SAID TO CONTAIN CONSUMER GOODS",
    "FAK",
    "PARTS",
    "SAMPLES",
    "HOUSEHOLD GOODS",
    "ASSORTED ITEMS",
    "GIFT",
    "ACCESSORIES",
    "CONSOLIDATED CARGO",
)

DE_MINIMIS_USD = 800
DE_MINIMIS_ENDS = {True: date(2025, 5, 2), False: date(2025, 8, 29)}
"""First day without the de minimis exemption: for China and Hong Kong (True), for every other origin (False)."""


def load(settings: Settings, turns: Turns, traffic: Traffic) -> Cargo:
    """The declared goods of every shipment."""
    rng = stream(settings.seed, "cargo")
    grown = np.where(turns.unsteady(traffic.importer, traffic.day), UNSTEADY_SIZE, 1.0)
    value, weight = _true_value_and_weight(rng, traffic, grown)
    declared = _declared_value(rng, traffic, value)
    goods = lists.goods()
    mode = texts(list(MODES))[traffic.mode]
    entry, regime, preference, duty = _entry(rng, settings, traffic, declared)
    boxed = np.isin(mode, ("ocean", "rail"))
    return Cargo(
        hts=_hts(rng, traffic, mode),
        description=_descriptions(rng, traffic),
        value_usd=_sometimes_missing(rng, declared, np.where(np.isin(mode, ("ocean", "mail")), 0.06, 0.01)),
        weight_kg=_declared_weight(rng, traffic, weight),
        quantity=_quantity(rng, traffic, weight),
        unit=goods.unit[traffic.good],
        duty_pct=duty,
        regime=regime,
        entry_type=entry,
        preference=preference,
        bond=_bond(entry, shows(traffic, "single_bond")),
        in_bond=entry == "61",
        pga=_pga(rng, traffic),
        wood=_wood(stream(settings.seed, "wood"), traffic),
        containers=np.where(boxed, np.ceil(weight / _KG_PER_CONTAINER).clip(1, 4), 0).astype(int),
    )


def _per_mode(table: dict[str, int], mode: Ints) -> Floats:
    return np.array([float(table[m]) for m in MODES])[mode]


def _true_value_and_weight(rng: np.random.Generator, traffic: Traffic, size: Floats) -> tuple[Floats, Floats]:
    n = len(traffic)
    goods = lists.goods()
    price = goods.usd_per_kg[traffic.content] * np.exp(traffic.unit_value + rng.normal(0, 0.18, n))
    wanted = _per_mode(_TYPICAL_USD, traffic.mode) * rng.lognormal(0, 0.9, n) * size
    # A split order is sized to stay under the threshold.
    wanted = np.where(bears(traffic, "e-commerce"), rng.uniform(0.3, 0.95, n) * DE_MINIMIS_USD, wanted)
    weight = np.clip(wanted / price, 0.02, _per_mode(_MOST_KG, traffic.mode) * rng.uniform(0.5, 1, n))
    return weight * price, weight


def _declared_value(rng: np.random.Generator, traffic: Traffic, value: Floats) -> Floats:
    low = np.where(shows(traffic, "low_value"), rng.uniform(0.15, 0.5, len(value)), 1.0)
    # Ordinary trade has bargains and errors too; without them a price check would be a proof.
    odd = np.where(rng.random(len(value)) < 0.025, rng.lognormal(0, 0.7, len(value)), 1.0)
    far = np.where(bears(traffic, "valuation"), rng.uniform(0.1, 0.3, len(value)), 1.0)
    declared = value * low * odd * far
    cents = np.where(rng.random(len(value)) < 0.05, declared.round(-2).clip(min=1), declared)
    return np.asarray(cents.round(2).clip(min=0.5))


def _declared_weight(rng: np.random.Generator, traffic: Traffic, weight: Floats) -> Floats:
    gross = weight * rng.uniform(1.02, 1.15, len(weight))
    gross = np.where(shows(traffic, "round_weight"), _rounded(gross), gross)
    return _sometimes_missing(rng, gross.round(2).clip(min=0.01), np.full(len(weight), 0.01))


def _rounded(weight: Floats) -> Floats:
    """Weights rounded up to one significant digit, as guessed ones are."""
    scale = 10.0 ** np.floor(np.log10(np.maximum(weight, 0.01)))
    rounded: Floats = np.ceil(weight / scale) * scale
    return rounded


def _quantity(rng: np.random.Generator, traffic: Traffic, weight: Floats) -> Floats:
    goods = lists.goods()
    per_unit = goods.kg_per_unit[traffic.content] * np.where(goods.unit[traffic.content] == "DOZ", 12, 1)
    off = np.where(shows(traffic, "weight_off"), np.exp(rng.choice([-1, 1], len(weight)) * 0.9), 1.0)
    count = np.ceil(weight / per_unit * off * rng.uniform(0.93, 1.07, len(weight)))
    return _sometimes_missing(rng, count, np.full(len(weight), 0.04))


def _sometimes_missing(rng: np.random.Generator, values: Floats, chance: Floats) -> Floats:
    return np.where(rng.random(len(values)) < chance, np.nan, values)


_CLASSIFIED = ("commodity", "valuation", "forced labour", "agriculture and partner agencies")
"""Patterns that can only be seen in goods that are classified."""

_NO_HTS = {"ocean": 0.16, "air": 0.06, "truck": 0.02, "rail": 0.04, "mail": 0.2, "express": 0.06}


def _hts(rng: np.random.Generator, traffic: Traffic, mode: Texts) -> Texts:
    """Ten digits, often six on manifests, sometimes none."""
    full = lists.goods().hts[traffic.good]
    short = (rng.random(len(mode)) < 0.25) & np.isin(mode, ("ocean", "mail"))
    codes = np.where(short, _heads(full), full)
    absent = rng.random(len(mode)) < np.array([_NO_HTS[m] for m in MODES])[traffic.mode]
    unsaid = absent | (shows(traffic, "no_hts") & ~has(traffic, "misclassification"))
    return either(unsaid & ~np.any([bears(traffic, concept) for concept in _CLASSIFIED], axis=0), None, codes)


def _heads(codes: Texts) -> Texts:
    heads = {code: code[:6] for code in lists.goods().hts}
    return texts([heads[code] for code in codes])


def _descriptions(rng: np.random.Generator, traffic: Traffic) -> Texts:
    goods = lists.goods()
    longest = max(len(words) for words in goods.descriptions)
    variants = np.array([words + words[:1] * (longest - len(words)) for words in goods.descriptions], dtype=object)
    described = np.where(bears(traffic, "commodity"), _unlike(rng, traffic.content), traffic.content)
    words = variants[described, rng.integers(0, longest, len(traffic))]
    vague = texts(list(VAGUE))[rng.integers(0, len(VAGUE), len(traffic))]
    said = np.where(shows(traffic, "vague"), vague, words)
    return either(rng.random(len(traffic)) < 0.006, None, said)


def _unlike(rng: np.random.Generator, good: Ints) -> Ints:
    """For each of the goods one of another sector: words that do not go with the tariff line."""
    sector = lists.goods().sector
    return pick_rows(rng, (sector[None, :] != sector[good][:, None]).astype(float))


_ADCVD_ORIGINS = ("CN", "VN", "IN", "TR", "KR", "TW", "TH", "MY", "ID", "MX", "CA", "BR")


def _in_scope(traffic: Traffic) -> Bools:
    """Goods and origins that an AD/CVD order is likely to cover; the lane decides whether it does."""
    relevant = lists.goods().hazards[traffic.good, lists.HAZARDS.index("adcvd_evasion")] >= 3
    origins = np.array([lists.COUNTRIES.index(country) for country in _ADCVD_ORIGINS])
    return np.asarray(relevant & np.isin(traffic.origin, origins) & (traffic.lane * 2654435761 % 100 < 55))


def _entry(
    rng: np.random.Generator, settings: Settings, traffic: Traffic, value: Floats
) -> tuple[Texts, Texts, Texts, Floats]:
    """Entry type, duty regime, preference claimed and duty rate."""
    entry = _entry_type(rng, settings, traffic, value)
    spi = _programmes(rng, traffic)
    claims = (spi != "") & ((rng.random(len(traffic)) < 0.7) | bears(traffic, "preference claims"))
    plus = claims & (spi == "S") & (rng.random(len(traffic)) < 0.3)
    china = traffic.origin == lists.COUNTRIES.index("CN")
    base = lists.goods().duty_pct[traffic.good]
    duty = np.where(claims | (entry == "86"), 0.0, base + np.where(china, 25.0, 0.0))
    regime = either(claims, "FTA", either(china, "MFN+301", "MFN"))
    unknown = rng.random(len(traffic)) < 0.05
    preference = either(plus, "S+", either(claims, spi, None))
    return entry, either(unknown, None, regime), preference, np.where(unknown, np.nan, duty)


def _programmes(rng: np.random.Generator, traffic: Traffic) -> Texts:
    """The programme that goods of each origin may claim, or one that they may not; empty where there is none."""
    spi = lists.country_texts("spi")[traffic.origin]
    wrong = texts(sorted(set(lists.country_texts("spi")) - {""}))
    return either(bears(traffic, "preference claims"), wrong[rng.integers(0, len(wrong), len(traffic))], spi)


def _entry_type(rng: np.random.Generator, settings: Settings, traffic: Traffic, value: Floats) -> Texts:
    die = rng.random(len(traffic))
    usual = np.select([die < 0.025, die < 0.045, die < 0.075], ["06", "21", "61"], "01").astype(object)
    evades = has(traffic, "adcvd_evasion") & (rng.random(len(traffic)) < 0.85)
    entry = np.where(_in_scope(traffic) & ~evades, "03", usual)
    entry = np.where((value < 2500) & (entry == "01"), "11", entry)
    return np.where(_de_minimis(settings, traffic, value), "86", entry)


def _de_minimis(settings: Settings, traffic: Traffic, value: Floats) -> Bools:
    parcel = np.isin(traffic.mode, (MODES.index("mail"), MODES.index("express")))
    china = np.isin(traffic.origin, (lists.COUNTRIES.index("CN"), lists.COUNTRIES.index("HK")))
    ends = [(DE_MINIMIS_ENDS[flag] - settings.start).days for flag in (False, True)]
    return np.asarray(parcel & (value <= DE_MINIMIS_USD) & (traffic.day < np.array(ends)[china.astype(int)]))


def _bond(entry: Texts, single: Bools) -> Texts:
    """Type of bond: informal and de minimis entries have none on file."""
    return either(np.isin(entry, ("11", "86")), None, either(single, "9", "8"))


UNFLAGGED_SHARE = 0.4
"""Share of the goods packed in untreated wood that also lack the flag of the agency that would look at them."""


def _pga(rng: np.random.Generator, traffic: Traffic) -> Texts:
    flags = lists.goods().pga[traffic.good]
    unflagged = bears(traffic, "agriculture and partner agencies") & (rng.random(len(traffic)) < UNFLAGGED_SHARE)
    return either((flags == "") | shows(traffic, "no_pga") | unflagged, None, flags)


WOOD_STATED = {"ocean": 0.6, "air": 0.2, "truck": 0.3, "rail": 0.3, "mail": 0.0, "express": 0.05}
"""Share of filings that say whether solid wood is used."""

_WOOD_SHARE = {True: 0.06, False: 0.004}
"""Share of those that say yes: for heavy goods (True) and for others."""


def _wood(rng: np.random.Generator, traffic: Traffic) -> Texts:
    heavy = np.isin(lists.goods().sector, [lists.SECTORS.index(sector) for sector in lists.HEAVY])[traffic.content]
    wood = rng.random(len(traffic)) < np.where(heavy, _WOOD_SHARE[True], _WOOD_SHARE[False])
    stated = rng.random(len(traffic)) < np.array([WOOD_STATED[mode] for mode in MODES])[traffic.mode]
    shown = bears(traffic, "agriculture and partner agencies")
    return either(stated | shown, (wood | shown).astype(object), None)
