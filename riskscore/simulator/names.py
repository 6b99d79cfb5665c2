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


def lookalike(name: str, rolls: list[float]) -> str:
    """A name that resembles `name`: another legal form, a word more, or two letters changed round.

    >>> [lookalike("PACIFIC HARPER TOYS INC", rolls) for rolls in ([0.0, 0.0], [0.6, 0.9], [0.8, 0.2])]
    ['PACIFIC HARPER TOYS LLC', 'PACIFIC HARPER TOYS INTL INC', 'PACIIFC HARPER TOYS INC']
    """
    stem = name.removesuffix(_suffix(name)).strip()
    if rolls[0] < _OTHER_FORM:
        others = [form.upper() for form in words("american", "suffix") if form.upper() != _suffix(name)]
        return f"{stem} {_roll(tuple(others), rolls[1])}"
    if rolls[0] < _OTHER_FORM + _WORD_MORE:
        return f"{stem} {_roll(('USA', 'GROUP', 'INTL'), rolls[1])} {_suffix(name)}"
    at = 1 + int(rolls[1] * (len(stem) - 2))
    return f"{stem[:at]}{stem[at + 1]}{stem[at]}{stem[at + 2 :]} {_suffix(name)}"


_OTHER_FORM, _WORD_MORE = 0.5, 0.2


def _suffix(name: str) -> str:
    """The legal form a name ends with; its last word where that is none we know."""
    forms = sorted((form.upper() for form in words("american", "suffix")), key=len, reverse=True)
    return next((form for form in forms if name.endswith(f" {form}")), name.rsplit(maxsplit=1)[-1])


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
