"""Descriptions of goods that describe nothing. Table: vague_descriptions.csv.

Cargo must be described precisely (19 CFR 4.7a(c)(4)(vii) for vessels, 122.48a for aircraft). The table holds phrases
that are not acceptable: those of match "within" spoil any short description that has them, those of match "alone" are
vague only where they are all that is said. It is not exhaustive, nor is CBP's own list.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference.asof import by_code, numbers
from riskscore.reference.loading import PACKAGED, Tables

if TYPE_CHECKING:
    from riskscore.reference.asof import Floats, Keys

MOST_WORDS = 3
"""A longer description is taken to say something beside the phrase."""


def vague(text: Keys, *, tables: Tables = PACKAGED) -> Floats:
    """Whether each description describes nothing.

    Phrases are found by whole words, a word being a run of the letters a to z in any case.

    Args:
        text: descriptions; null = none given.
        tables: reference tables in use (vague_descriptions.csv).

    Returns:
        1 = at most three words (separated by blanks) that have a phrase of the table within, or are one; 0 = not;
        NaN for a null.

    >>> vague(["GENERAL MERCHANDISE", "Machinery", "Metal working machinery", "Merchandise: cotton shirts, knit", None])
    array([ 1.,  1.,  0.,  0., nan])
    """
    return numbers(by_code(lambda words: is_vague(words, tables=tables), text))


def is_vague(text: str, *, tables: Tables = PACKAGED) -> bool:
    """Whether one description describes nothing; see `vague`."""
    if len(text.split()) > MOST_WORDS:
        return False
    words = f" {' '.join(re.findall('[a-z]+', text.lower()))} "
    within, alone = _phrases(tables)
    return within.search(words) is not None or words.strip() in alone


@lru_cache(maxsize=16)
def _phrases(tables: Tables) -> tuple[re.Pattern[str], frozenset[str]]:
    """A pattern of the phrases that spoil what they are part of, and the phrases that are vague alone."""
    found: dict[str, list[str]] = {"within": [], "alone": []}
    for row in tables.rows("vague_descriptions"):
        if row["match"] not in found or not re.fullmatch("[a-z]+( [a-z]+)*", row["phrase"]):
            fix = "write the phrase in letters a to z, and match as within or alone"
            raise ConfigError(f"phrase {row['phrase']!r} is none", where="vague_descriptions.csv", fix=fix)
        found[row["match"]].append(row["phrase"])
    # A pattern without alternatives would match everything; this one matches nothing.
    within = f" (?:{'|'.join(found['within'])}) " if found["within"] else "(?!)"
    return re.compile(within), frozenset(found["alone"])
