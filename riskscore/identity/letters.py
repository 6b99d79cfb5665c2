"""From a text as filed to plain words: one form of every letter, no marks of direction, no punctuation."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from riskscore.identity.vocabulary import cyrillic

READ = 4_096
"""Characters of a text that are read: a name or an address as filed has at most a few hundred."""

_CARE_OF = re.compile(r"\bc\s*/\s*o\b")
_STOREY = re.compile(r"\b(\d{1,3})\s*/\s*f\b")
_INITIAL = re.compile(r"\b(\w)\.(?=\w\b)")
_ZIP4 = re.compile(r"\b(\d{5})-\d{4}\b")
_GLUED = re.compile(r"\b(\d+)-([a-z])\b|\b([a-z])-(\d+)\b")
# Signs to single characters only: str.translate is many times faster so.
_SIGNS = str.maketrans({c: " " for c in map(chr, range(128)) if not c.isalnum() and c != "#"} | {"'": None, "`": None})
_SPELLED = (("&", " and "), ("+", " and "), ("#", " # "))
# Letters that Unicode does not decompose, in their usual Latin writing.
_UNDECOMPOSED = str.maketrans(dict(zip("øłđðŋ\u0131", "olddni", strict=True)) | {"æ": "ae", "œ": "oe", "þ": "th"})
_KEPT_MARKS = (0, 7, 8, 9)  # vowel signs, nukta, kana voicing, virama: they make another letter; accents do not
_QUOTES = {"\u2018": "'", "\u2019": "'"}
_FILLERS = "\u115f\u1160\u3164\uffa0"  # Hangul fillers count as letters, and show nothing


def words(text: str) -> list[str]:
    """The words of a text: letters and digits in lower case; # is a word of its own.

    >>> words("\u202eS.A. Müller & Söhne, C/O Łódź 62704-1234")
    ['sa', 'muller', 'and', 'sohne', 'careof', 'lodz', '62704']
    """
    read = text[:READ]
    if read.isascii():
        return _split(read.lower())
    latin = (word if word.isascii() else _in_latin(word) for word in _split(_folded(read)))
    return [word for word in latin if word]


def _split(text: str) -> list[str]:
    return _spelled(text).translate(_SIGNS).split()


def _in_latin(word: str) -> str:
    """Cyrillic in Latin letters; among Latin letters it stands for the one it looks like."""
    mixed = any(letter.isascii() and letter.isalpha() for letter in word)
    return word.translate(cyrillic("mixed" if mixed else "whole"))


def _spelled(text: str) -> str:
    """The text with those signs resolved that have a meaning between letters or digits."""
    if "/" in text:
        text = _STOREY.sub(r"\1th floor", _CARE_OF.sub(" careof ", text))
    if "." in text:
        text = _INITIAL.sub(r"\1", text)
    if "-" in text:
        text = _GLUED.sub(r"\1\2\3\4", _ZIP4.sub(r"\1", text))
    for sign, word in _SPELLED:
        text = text.replace(sign, word)
    return text


def _folded(text: str) -> str:
    """Compatibility forms and case folded, accents dropped, digits of any script read; other signs are blanks."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(map(_plain, folded.translate(_UNDECOMPOSED))))


@lru_cache(maxsize=4096)
def _plain(letter: str) -> str:
    """What stands for one decomposed character."""
    if letter.isascii() or letter in _FILLERS:
        return letter.strip(_FILLERS)
    kind = unicodedata.category(letter)
    if kind == "Nd":
        return str(unicodedata.decimal(letter))
    if kind[0] == "M":
        kept = unicodedata.combining(letter) in _KEPT_MARKS and unicodedata.name(letter, "").find("VARIATION") < 0
        return letter if kept else ""
    if kind[0] in "LN":
        return letter
    return _QUOTES.get(letter) or {"Cf": "", "Pd": "-"}.get(kind, " ")
