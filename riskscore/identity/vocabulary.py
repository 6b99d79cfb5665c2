"""The tables of identity/data, as look-ups over words.

Phrases of several words are stated as people write them, and stored as the words read after the
abbreviations of single words were applied: "new york" and "north carolina" are found as such.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Field: TypeAlias = Literal["name", "address"]
Words: TypeAlias = tuple[str, ...]


@cache
def rows(table: str) -> tuple[Mapping[str, str], ...]:
    """Rows of data/`table`.csv, as text.

    >>> sorted(rows("units")[0])
    ['conf', 'source', 'standard', 'written']
    """
    text = files("riskscore.identity").joinpath(f"data/{table}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def abbreviations(field: Field) -> Mapping[str, str]:
    """Single words and their standard writing; "" for a word to leave out.

    >>> abbreviations("address")["boulevard"]
    'blvd'
    """
    stated = [(r["written"], r["standard"]) for r in rows("words") if r["field"] == field]
    return {written: standard for written, standard in stated if " " not in written + standard}


def abbreviated(words: Iterable[str], field: Field) -> list[str]:
    """Words in their standard writing, one at a time.

    >>> abbreviated(["the", "garden", "center"], "name")
    ['garden', 'ctr']
    """
    standard = abbreviations(field)
    return [word for word in (standard.get(w, w) for w in words) if word]


class Phrases:
    """Phrases to be found in a list of words, the longest first.

    Args:
        standards: each phrase and what to write instead of it.

    >>> Phrases({("po", "bx"): ("po", "box")}).replaced(["po", "bx", "7"])
    ['po', 'box', '7']
    """

    def __init__(self, standards: Mapping[Words, Words]) -> None:
        self._by_first: dict[str, list[Words]] = {}
        self._by_last: dict[str, list[Words]] = {}
        self._standards = standards
        for phrase in sorted(standards, key=lambda p: (-len(p), p)):
            self._by_first.setdefault(phrase[0], []).append(phrase)
            self._by_last.setdefault(phrase[-1], []).append(phrase)

    def at(self, words: Sequence[str], position: int) -> Words | None:
        """The longest phrase that begins at a position; None when none does."""
        for phrase in self._by_first.get(words[position], ()):
            if tuple(words[position : position + len(phrase)]) == phrase:
                return phrase
        return None

    def found(self, words: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Start and end of every phrase, from left to right."""
        end = 0
        for position, word in enumerate(words):
            if position >= end and word in self._by_first and (phrase := self.at(words, position)):
                end = position + len(phrase)
                yield position, end

    def replaced(self, words: list[str]) -> list[str]:
        """The words with phrases in their standard writing, as soon as they are complete; none is left."""
        if self._by_last.keys().isdisjoint(words):
            return words
        done: list[str] = []
        for word in words:
            done.append(word)
            while phrase := self._at_end(done):
                done[-len(phrase) :] = self._standards[phrase]
        return done

    def _at_end(self, words: Sequence[str]) -> Words | None:
        candidates = self._by_last.get(words[-1], ()) if words else ()
        return next((phrase for phrase in candidates if tuple(words[-len(phrase) :]) == phrase), None)


@cache
def phrases(field: Field) -> Phrases:
    """Abbreviations of, or to, several words."""
    stated = [(r["written"], r["standard"]) for r in rows("words") if r["field"] == field]
    return Phrases({_read(w, field): tuple(s.split()) for w, s in stated if " " in w + s})


@cache
def markers(field: Field) -> Phrases:
    """Words that end one name and begin another: DBA, C/O, ATTN."""
    return Phrases({_read(r["written"], field): () for r in rows("markers") if r["field"] in (field, "both")})


@cache
def designators() -> Mapping[str, str]:
    """Words that announce a part of a building, and the kind of part: unit, fl, bldg."""
    return {r["written"]: r["standard"] for r in rows("units")} | {r["standard"]: r["standard"] for r in rows("units")}


@cache
def legal_forms(position: Literal["start", "end"]) -> Mapping[str, tuple[Words, ...]]:
    """Legal forms as words, the longest first, by the word at that end of a name."""
    forms = {_read(r["form"], "name") for r in rows("legal_forms") if r["position"] == position}
    outer = 0 if position == "start" else -1
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return {word: tuple(f for f in longest_first if f[outer] == word) for word in {form[outer] for form in forms}}


@cache
def glued_forms() -> Words:
    """Legal forms of scripts without blanks, the longest first; they stand at either end of a word."""
    return tuple(sorted((r["form"] for r in rows("legal_forms") if r["position"] == "glued"), key=len, reverse=True))


@cache
def placeholders(field: Field) -> tuple[frozenset[Words], Phrases]:
    """What names nobody: whole texts, and beginnings of texts."""
    stated = [r for r in rows("placeholders") if r["field"] in (field, "both")]
    whole = frozenset(_read(r["words"], field) for r in stated if r["match"] == "whole")
    return whole, Phrases({_read(r["words"], field): () for r in stated if r["match"] == "start"})


@cache
def generic_words(kind: Literal["trade", "town"] | None = None) -> frozenset[str]:
    """Words that name a trade or a town, not a trader, in their standard writing and in all others."""
    stated = [r["word"] for r in rows("generic_words") if kind in (None, r["kind"])]
    standard = frozenset(abbreviated(stated, "name"))
    return standard | {written for written, word in abbreviations("name").items() if word in standard}


@cache
def cyrillic(word: Literal["whole", "mixed"]) -> dict[int, str]:
    """Latin for Cyrillic letters: in words wholly of them, and in words where they stand among Latin ones."""
    return {ord(r["letter"]): r["latin"] for r in rows("cyrillic") if r["word"] == word}


def _read(phrase: str, field: Field) -> Words:
    return tuple(abbreviated(phrase.split(), field))
