"""Company names put together from parts common in each country, and the identifiers that go with them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from riskscore.simulator import lists
from riskscore.simulator.arrays import Ints, Texts, texts

if TYPE_CHECKING:
    import numpy as np


@cache
def words(like: str, kind: str) -> tuple[str, ...]:
    """The words of one kind (place, name, suffix, …) used by one kind of names."""
    return next(
        tuple(row["words"].split("|"))
        for row in lists.table("name_parts")
        if (row["like"], row["kind"]) == (like, kind)
    )


def companies(rng: np.random.Generator, country: Ints, sector: Ints) -> tuple[Texts, Texts]:
    """Names and places of companies, one per row of `country` (position; -1 = United States) and `sector`.

    A name drawn twice gets a number, as registers do.
    """
    dice = rng.random((len(country), 5))
    names, places, seen = [], [], dict[str, int]()
    for home, trade, rolls in zip(country, sector, dice, strict=True):
        full, place = _company(int(home), lists.SECTORS[int(trade)], rolls.tolist())
        seen[full] = seen.get(full, 0) + 1
        names.append(full if seen[full] == 1 else f"{full} NO {seen[full]}")
        places.append(place)
    return texts(names), texts(places)


def _company(home: int, sector: str, rolls: list[float]) -> tuple[str, str]:
    like = "american" if home < 0 else lists.country_texts("names_like")[home]
    place = _roll(words("american" if home < 0 else lists.COUNTRIES[home], "place"), rolls[0])
    name, suffix = _roll(words(like, "name"), rolls[1]), _roll(words(like, "suffix"), rolls[2])
    stem = f"{name} {_roll(words('trade', sector), rolls[3])} {suffix}"
    return (f"{place} {stem}" if rolls[4] < _WITH_PLACE else stem).upper(), place


_WITH_PLACE = 0.6
"""Share of companies that bear the name of their place."""


def _roll(options: tuple[str, ...], die: float) -> str:
    return options[int(die * len(options))]
