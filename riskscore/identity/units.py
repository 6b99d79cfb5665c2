"""Parts of a building in an address: suite 500, 2nd floor, building B."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from riskscore.identity.vocabulary import designators

if TYPE_CHECKING:
    from collections.abc import Sequence

UNITS = "#"
"""Stands before the parts of a building in a place."""

# FL is Florida wherever it cannot be a floor; FLA tells them apart in the canonical writing.
_FLOOR, _FLORIDA = "fl", "fla"
_HIGHEST_FLOOR = 3  # digits
_MOST_UNITS = 4
_UNIT_LENGTH = 12
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")


def split_units(read: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of an address without parts of a building, and those parts as words: kind, number, ...

    A designator announces the word after it when that has a digit or is a single letter; a floor may follow its
    ordinal. Designators before designators say nothing ("STE #").

    >>> split_units(["12", "main", "st", "suite", "#", "5b", "2nd", "floor"])
    (['12', 'main', 'st'], ['fl', '2', 'unit', '5b'])
    """
    base: list[str] = []
    units: set[tuple[str, str]] = set()
    position = 0
    while position < len(read):
        unit, used = _unit_at(read, position)
        if unit:
            units.add(unit)
        elif not used:
            base.append(_FLORIDA if read[position] == _FLOOR else cardinal(read[position]))
        position += used or 1
    return base, [word for unit in sorted(units)[:_MOST_UNITS] for word in unit]


def cardinal(word: str) -> str:
    """An ordinal without its ending.

    >>> cardinal("83rd"), cardinal("main")
    ('83', 'main')
    """
    found = _ORDINAL.fullmatch(word) if word[0].isdigit() else None
    return found[1] if found else word


def _unit_at(read: Sequence[str], position: int) -> tuple[tuple[str, str] | None, int]:
    """The part of a building that begins here, and the words it takes; (None, 1) for a designator to drop."""
    kinds = designators()
    word, after = read[position], read[position + 1] if position + 1 < len(read) else ""
    if kinds.get(after) == _FLOOR and _ORDINAL.fullmatch(word):
        return _unit(_FLOOR, word), 2
    if word not in kinds:
        return None, 0
    if after in kinds or word == UNITS == after:
        return None, 1
    if _announced(kinds[word], after):
        return _unit(kinds[word], after), 2
    return None, int(word == UNITS)


def _announced(kind: str, after: str) -> bool:
    """Whether a word can be the number of a part of a building."""
    if kind == _FLOOR and len(after) > _HIGHEST_FLOOR:
        return _ORDINAL.fullmatch(after) is not None
    return any(map(str.isdigit, after)) or (len(after) == 1 and after.isalpha())


def _unit(kind: str, number: str) -> tuple[str, str]:
    return kind, cardinal(number)[:_UNIT_LENGTH]
