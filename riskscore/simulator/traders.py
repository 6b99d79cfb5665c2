"""The traders of the country: who they are, how much they ship, and the risk each carries for good.

Volumes follow Zipf's law. Risk is latent and lasting: a few in each role are bad for one to three hazards, so a
trader's past says something about its future; nobody in the country can see it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from riskscore.reference import manufacturers
from riskscore.simulator import addresses, identifiers, lists, names
from riskscore.simulator.arrays import Bools, Floats, Ints, Texts, texts
from riskscore.simulator.streams import pick, pick_rows, stream

if TYPE_CHECKING:
    from riskscore.simulator.settings import Settings

# EIN prefixes in use by the Internal Revenue Service's campuses; 00, 07 to 09 and others are not issued.
_EIN_PREFIXES = (10, 12, 20, 26, 27, 30, 35, 36, 41, 45, 46, 47, 58, 59, 61, 68, 74, 75, 76, 77, 81, 82, 91, 94, 95)
_CODE_CHARACTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"

BAD_SHARE = {"importer": 0.05, "shipper": 0.035, "manufacturer": 0.03, "filer": 0.06}
"""Share of a role's traders that are lastingly bad."""

# The largest traders are watched by everyone and have the most to lose.
_TOO_BIG_TO_CHEAT = 0.03


@dataclass(frozen=True)
class Traders:
    """One role's traders, one position each."""

    ids: Texts
    names: Texts
    addresses: Texts
    """(trader, spelling); every row one address."""
    country: Ints
    sector: Ints
    volume: Floats
    """Share of the role's volume, Zipf; not normalised."""
    start: Ints
    """First day in business, counted from the first simulated day; negative = before."""
    bad: Bools
    """(trader, hazard): ships this hazard habitually."""


ESTABLISHED, SHELL, NEWCOMER, PHOENIX = range(4)
"""Kinds of importers: lasting ones, shells without a past, honest newcomers, and shells of burnt importers."""

_SHARE = {NEWCOMER: 1 / 10, PHOENIX: 1 / 20}
"""Importers of these kinds per established one."""


@dataclass(frozen=True)
class Fronts:
    """Suppliers set up for one fraud: a shipper and a manufacturer each, of one country and one kind of goods."""

    good: Ints
    country: Ints
    shipper: Ints
    """Position among the shippers, as `manufacturer` is among the manufacturers."""
    manufacturer: Ints


@dataclass(frozen=True)
class Population:
    """All traders. `tier` is the CTPAT tier of each importer on the first day."""

    importers: Traders
    consignees: Traders
    shippers: Traders
    manufacturers: Traders
    filers: Traders
    tier: Ints
    kind: Ints
    """Kind of each importer: ESTABLISHED and so on."""
    fronts: Fronts
    tainted: Ints
    """Positions of the manufacturers in a region under the UFLPA presumption; no lane names them."""


def populate(settings: Settings) -> Population:
    """Draw everybody. Sizes grow with shipments per day, between bounds that keep histories learnable."""
    n = int(np.clip(4 * settings.per_day, 600, 4000))
    late = {SHELL: _shells(settings, n), NEWCOMER: _late(settings, n, NEWCOMER), PHOENIX: _late(settings, n, PHOENIX)}
    kind = np.repeat([ESTABLISHED, *late], [n, *(len(starts) for starts in late.values())])
    importers = _importers(settings, kind, np.concatenate(list(late.values())))
    shippers, makers, fronts, works = int(1.2 * n), int(1.4 * n), max(4, n // 25), max(4, n // 16)
    good, country = _goods_of_fronts(settings, fronts)
    return Population(
        importers=importers,
        consignees=_consignees(settings, int(0.3 * n)),
        shippers=_foreign(settings, "shipper", shippers, good, country),
        manufacturers=_foreign(settings, "manufacturer", makers, good, country, works),
        filers=_filers(settings, int(np.clip(n // 14, 40, 160))),
        tier=_tiers(settings, importers),
        kind=kind,
        fronts=Fronts(good, country, shippers + np.arange(fronts), makers + np.arange(fronts)),
        tainted=makers + fronts + np.arange(works),
    )


def _goods_of_fronts(settings: Settings, n: int) -> tuple[Ints, Ints]:
    rng = stream(settings.seed, "fronts")
    good = rng.integers(0, len(lists.goods().hts), n)
    return good, pick_rows(rng, lists.goods().origins[good])


def _late(settings: Settings, n: int, kind: int) -> Ints:
    """First days of the newcomers, or of the phoenixes, whose models need time to be burnt."""
    first = 0 if kind == NEWCOMER else min(_BURNT_AFTER, settings.days - 1)
    return stream(settings.seed, f"late {kind}").integers(first, settings.days, max(4, int(_SHARE[kind] * n)))


_BURNT_AFTER = 28


def _shells(settings: Settings, n: int) -> Ints:
    """First days of the shell importers: a trickle all the time, and a wave after a break."""
    rng = stream(settings.seed, "shells")
    trickle = rng.integers(-60, settings.days, max(4, n // 50))
    if settings.scenario != "break":
        return trickle
    wave = rng.integers(settings.break_day, max(settings.break_day + 1, settings.days - 14), max(4, n // 50))
    return np.concatenate([trickle, wave])


def zipf(rng: np.random.Generator, n: int, exponent: float = 0.85, offset: float = 6.0) -> Floats:
    """Zipf-Mandelbrot weights in random order: rank r weighs (r + offset) ** -exponent."""
    ranked: Floats = (np.arange(1, n + 1) + offset) ** -exponent
    return rng.permutation(ranked)


def habits(rng: np.random.Generator, role: str, volume: Floats, likely: Floats) -> Bools:
    """(trader, hazard): the habits of the bad ones; one to three hazards each, `likely` (trader, hazard) ones."""
    n = len(volume)
    bad = rng.random(n) < BAD_SHARE[role]
    bad &= np.argsort(np.argsort(-volume)) > _TOO_BIG_TO_CHEAT * n
    result = np.zeros((n, len(lists.HAZARDS)), dtype=bool)
    for trader in np.flatnonzero(bad):
        count = rng.integers(1, 4)
        chances = likely[trader] / likely[trader].sum()
        result[trader, rng.choice(len(chances), size=count, replace=False, p=chances)] = True
    return result


def _hazard_weight() -> Floats:
    # The square root lets rare hazards have habitual offenders too.
    return np.sqrt(lists.numbers("hazards", "prevalence"))


def _sector_hazards(sector: Ints) -> Floats:
    goods = lists.goods()
    mean = np.array([goods.hazards[goods.sector == s].mean(axis=0) for s in range(len(lists.SECTORS))])
    return (mean[sector] + 1e-3) * _hazard_weight()


def _importers(settings: Settings, kind: Ints, starts: Ints) -> Traders:
    rng = stream(settings.seed, "importers")
    n, established = len(kind), int((kind == ESTABLISHED).sum())
    sector = pick(rng, np.bincount(lists.goods().sector).astype(float), n)
    volume = zipf(rng, n)
    company, _ = names.companies(rng, np.full(n, -1), sector)
    bad = habits(rng, "importer", volume, _sector_hazards(sector))
    bad[kind != ESTABLISHED] = False
    where = addresses.draw(rng, np.full(n, -1), company)
    _rise(rng, np.flatnonzero(kind == PHOENIX), volume * bad.any(axis=1), company, where)
    return Traders(
        ids=employer_numbers(rng, n),
        names=company,
        addresses=addresses.spelled(where),
        country=np.full(n, -1),
        sector=sector,
        volume=volume,
        start=np.concatenate([_starts(rng, established, settings.days), starts]),
        bad=bad,
    )


def _rise(rng: np.random.Generator, who: Ints, models: Floats, company: Texts, where: list[addresses.Address]) -> None:
    """Give phoenixes, in place, a name like that of a burnt importer and a unit in its building."""
    model = pick(rng, models + 1e-12, len(who))
    for at, old, rolls in zip(who, model, rng.random((len(who), 3)).tolist(), strict=True):
        company[at] = names.lookalike(company[old], rolls)
        same = rolls[2] < _SAME_UNIT
        where[at] = where[old] if same else addresses.beside(where[old], 100 + int(800 * rolls[2]))


_SAME_UNIT = 0.5


def employer_numbers(rng: np.random.Generator, n: int) -> Texts:
    """Importer numbers: an EIN and its suffix, NN-NNNNNNNXX."""
    prefixes = rng.choice(_EIN_PREFIXES, n)
    serials = identifiers.distinct(rng, 1_000_000, 10_000_000, n)
    return texts([f"{p}-{s:07d}00" for p, s in zip(prefixes, serials, strict=True)])


def _starts(rng: np.random.Generator, n: int, days: int) -> Ints:
    """Four in five are established (up to 15 years); the others appear while we watch."""
    established = -rng.integers(120, 5500, n)
    return np.where(rng.random(n) < 0.82, established, rng.integers(-120, days, n))


def _consignees(settings: Settings, n: int) -> Traders:
    rng = stream(settings.seed, "consignees")
    sector = rng.integers(0, len(lists.SECTORS), n)
    home = np.full(n, -1)
    company, _ = names.companies(rng, home, sector)
    return Traders(
        ids=employer_numbers(rng, n),
        names=company,
        addresses=addresses.spelled(addresses.draw(rng, home, company)),
        country=home,
        sector=sector,
        volume=zipf(rng, n),
        start=_starts(rng, n, settings.days),
        bad=np.zeros((n, len(lists.HAZARDS)), dtype=bool),
    )


def _foreign(settings: Settings, role: str, n: int, front_good: Ints, front_country: Ints, tainted: int = 0) -> Traders:
    """Shippers or manufacturers: `n` ordinary ones, then fronts, then `tainted` ones in Xinjiang.

    Only the ordinary ones have a volume: no lane names the others by lot.
    """
    rng = stream(settings.seed, role)
    goods = lists.goods()
    good = np.concatenate([rng.integers(0, len(goods.hts), n), front_good, rng.integers(0, len(goods.hts), tainted)])
    china = np.full(tainted, lists.COUNTRIES.index("CN"))
    country = np.concatenate([_origins(rng, good[:n]), front_country, china])
    company, place = names.companies(rng, country, goods.sector[good])
    volume = np.concatenate([zipf(rng, n), np.full(len(good) - n, 1e-12)])
    where = addresses.draw(rng, country, place)
    west = range(len(good) - tainted, len(good))
    for at, die in zip(west, rng.random(tainted), strict=True):
        where[at] = addresses.far_west(where[at], die)
    likely = goods.hazards[good] * lists.country_hazards()[country] * _hazard_weight()
    bad = habits(rng, role, volume, likely)
    bad[n:] = False
    return Traders(
        # A MID is built from the address, and a street number may have to give way to keep MIDs apart.
        ids=_mids(country, company, where) if role == "manufacturer" else _duns(rng, len(good)),
        names=company,
        addresses=addresses.spelled(where),
        country=country,
        sector=goods.sector[good],
        volume=volume,
        start=_starts(rng, len(good), settings.days),
        bad=bad,
    )


def _origins(rng: np.random.Generator, good: Ints) -> Ints:
    return pick_rows(rng, lists.goods().origins[good] + 0.02)


def _duns(rng: np.random.Generator, n: int) -> Texts:
    return texts([f"{serial:09d}" for serial in identifiers.distinct(rng, 10_000_000, 999_999_999, n)])


def _mids(country: Ints, company: Texts, where: list[addresses.Address]) -> Texts:
    """MIDs, with `where` changed in place: a second firm with the same MID gets the next street number."""
    seen: set[str] = set()
    for at, (home, name) in enumerate(zip(country, company, strict=True)):
        while (mid := _mid(lists.COUNTRIES[home], name, where[at])) in seen:
            where[at] = replace(where[at], number=where[at].number + 1, unit="")
        seen.add(mid)
    return texts([_mid(lists.COUNTRIES[h], n, w) for h, n, w in zip(country, company, where, strict=True)])


def _mid(country: str, name: str, where: addresses.Address) -> str:
    return manufacturers.build(country, name, where.line, where.city, province=where.region)


def _filers(settings: Settings, n: int) -> Traders:
    rng = stream(settings.seed, "filers")
    codes = identifiers.distinct(rng, 0, len(_CODE_CHARACTERS) ** 3, n)
    volume = zipf(rng, n, exponent=1.0, offset=3)
    surnames, kinds = names.words("american", "name"), names.words("american", "filer")
    company = [f"{surnames[i % len(surnames)]} {kinds[i // len(surnames) % len(kinds)]}".upper() for i in range(n)]
    likely = np.tile(_hazard_weight(), (n, 1))
    return Traders(
        ids=texts([_code(int(c)) for c in codes]),
        names=texts(company),
        addresses=np.empty((n, 0), dtype=object),
        country=np.full(n, -1),
        sector=np.zeros(n, dtype=int),
        volume=volume,
        start=_starts(rng, n, settings.days),
        bad=habits(rng, "filer", volume, likely),
    )


def _code(number: int) -> str:
    base = len(_CODE_CHARACTERS)
    return "".join(_CODE_CHARACTERS[number // base**place % base] for place in (2, 1, 0))


def _tiers(settings: Settings, importers: Traders) -> Ints:
    """CTPAT tiers on the first day: large, established, honest importers join more (about half of the volume)."""
    rng = stream(settings.seed, "tiers")
    size = np.argsort(np.argsort(importers.volume)) / len(importers.volume)
    joins = rng.random(len(size)) < 0.75 * size**3
    joins &= (importers.start < -700) & ~(importers.bad.any(axis=1) & (rng.random(len(size)) < 0.7))
    tier = pick(rng, np.array([0.22, 0.62, 0.16]), len(size)) + 1
    return np.where(joins, tier, 0)
