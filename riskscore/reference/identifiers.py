"""Identifiers that check themselves: containers, vessels, entry numbers, carriers, importers of record.

python-stdnum checks ISO 6346, IMO and EIN. The entry number is checked here (CBP AE Table 1: letters fold to digits,
then Luhn), and the formats of importer numbers are those of ior_formats.csv. A check that passes says
that a number is well formed, not that it was issued.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from stdnum import imo, iso6346, luhn
from stdnum.us import ein

from riskscore.errors import ConfigError
from riskscore.reference.asof import by_code, numbers
from riskscore.reference.facts import Fact, fact
from riskscore.reference.loading import PACKAGED, Tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from riskscore.reference.asof import Floats, Keys, Objects
    from riskscore.reference.facts import Row

# A and J are 1; B, K and S are 2; ... I, R and Z are 9: S to Z start at 2.
_FOLDED = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789", strict=True))
_ENTRY = re.compile(r"([A-Z0-9]{3})-?(\d{7})-?(\d)")
_SCAC = re.compile(r"[A-Z]{2,4}")
_BARE_EIN = re.compile(r"\d{2}-?\d{7}(?:[A-Z0-9]{2})?")
_ITIN = re.compile(r"9\d{2}-\d{2}-\d{4}")
# Formats that ior_formats.csv gives in words only.
_IN_WORDS = {"CIN": re.compile(r"-[A-Z0-9]{11}"), "AEF": re.compile(r"[A-Z0-9]{1,15}")}


def container(number: Keys) -> Floats:
    """Whether each container number is well formed and its check digit holds (ISO 6346).

    A remainder of 10 is written 0: ISO advises against such numbers, but boxes carry them.

    Returns:
        1 yes, 0 no; NaN for a null.

    >>> container(["CSQU3054383", "CSQU3054384", "CSQU3054383XXX", None])
    array([ 1.,  0.,  0., nan])
    """
    return _checked(iso6346.is_valid, number)


def vessel(number: Keys) -> Floats:
    """Whether each IMO number checks, with or without the letters IMO: 1 yes, 0 no, NaN for a null.

    >>> vessel(["IMO 9319466", "9319467"])
    array([1., 0.])
    """
    return _checked(imo.is_valid, number)


def employer(number: Keys) -> Floats:
    """Whether each EIN has the form NN-NNNNNNN and a prefix that is issued: 1 yes, 0 no, NaN for a null.

    >>> employer(["91-1144442", "07-1144442"])
    array([1., 0.])
    """
    return _checked(ein.is_valid, number)


def carrier(code: Keys) -> Floats:
    """Whether each code has the form of a SCAC, 2 to 4 letters: 1 yes, 0 no, NaN for a null.

    Membership needs the list of its owner (NMFTA), which is not packaged.

    >>> carrier(["MAEU", "M1"])
    array([1., 0.])
    """
    return _checked(lambda text: _SCAC.fullmatch(text) is not None, code)


def entry_check_digit(filer: str, serial: str) -> str:
    """The check digit of an entry number: Luhn over filer code and serial, letters folded to digits.

    Args:
        filer: filer code, 3 capital letters or digits.
        serial: 7 digits.

    >>> entry_check_digit("ABC", "1234567"), entry_check_digit("999", "9999999")
    ('6', '0')
    """
    return luhn.calc_check_digit("".join(_FOLDED.get(c, c) for c in filer) + serial)


def entry_number(number: Keys) -> Floats:
    """Whether each entry number is well formed and its check digit holds: 1 yes, 0 no, NaN for a null.

    >>> entry_number(["ABC-1234567-6", "ABC12345676", "ABC-1234567-0", None])
    array([ 1.,  1.,  0., nan])
    """
    return _checked(_is_entry_number, number)


def importer_kind(number: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The kind of an importer-of-record number, by its format: the first of `importer_candidates` seen in a source.

    Args:
        number: importer-of-record numbers; null = not stated.
        tables: reference tables in use (ior_formats.csv).

    Returns:
        Qualifier: EI (EIN with suffix), 34 (social security), ANI (assigned by CBP), ...; None for a null, or a
        number of none of the exact formats.

    >>> importer_kind(["91-1144442XX", "123-45-6789", "240110-12345", "91-1144442", None])
    array(['EI', '34', 'ANI', None, None], dtype=object)
    """
    return by_code(lambda text: _kind(text, tables), number)


def importer_candidates(number: str, *, tables: Tables = PACKAGED) -> tuple[Fact[str], ...]:
    """The kinds an importer-of-record number may be, exact formats first, with their evidence.

    Of low confidence: an EIN without its suffix or hyphen, a number in the 900 series of ITINs (sources disagree on
    whether these may import), and formats which the table gives in words only.

    >>> [(f.value, f.low_confidence) for f in importer_candidates("91-1144442")]
    [('EI', True)]
    """
    exact = [f for f, pattern in _formats(tables) if pattern.fullmatch(number)]
    if _ITIN.fullmatch(number):
        exact = [Fact(f.value, None, None, "conflict", f.source) for f in exact]
    rough = [f for f in _worded(tables) if _matches_words(f.value, number)]
    found = {f.value: f for f in [*rough, *exact]}
    return tuple(sorted(found.values(), key=lambda f: f.low_confidence))


def _checked(check: Callable[[str], bool], keys: Keys) -> Floats:
    # stdnum takes letters and digits of any script for its own, then fails on those its alphabet lacks.
    return numbers(by_code(lambda text: text.isascii() and _plain(text) and check(text), keys))


def _plain(text: str) -> bool:
    return text.replace(" ", "").replace("-", "").isalnum()


def _is_entry_number(text: str) -> bool:
    match = _ENTRY.fullmatch(text)
    return match is not None and entry_check_digit(match[1], match[2]) == match[3]


def _kind(number: str, tables: Tables) -> str | None:
    exact = [f.value for f, pattern in _formats(tables) if pattern.fullmatch(number)]
    return exact[0] if exact else None


def _matches_words(qualifier: str, number: str) -> bool:
    if qualifier == "EI":
        return _BARE_EIN.fullmatch(number) is not None and _checks_as_ein(number)
    return qualifier in _IN_WORDS and _IN_WORDS[qualifier].fullmatch(number) is not None


def _checks_as_ein(number: str) -> bool:
    return ein.is_valid(number.replace("-", "")[:9])


@lru_cache(maxsize=16)
def _formats(tables: Tables) -> tuple[tuple[Fact[str], re.Pattern[str]], ...]:
    """Qualifiers with an exact format."""
    return tuple((_of(row), _pattern(row)) for row in tables.rows("ior_formats") if row["regex"])


@lru_cache(maxsize=16)
def _worded(tables: Tables) -> tuple[Fact[str], ...]:
    """Qualifiers to be recognised by something less than the exact format."""
    facts = (_of(row) for row in tables.rows("ior_formats") if row["qualifier"] != "note")
    return tuple(Fact(f.value, None, None, f"{f.conf}; format inexact", f.source) for f in facts)


def _of(row: Row) -> Fact[str]:
    return fact(row["qualifier"], row, "", "")


def _pattern(row: Row) -> re.Pattern[str]:
    try:
        return re.compile(row["regex"])
    except re.error as error:
        raise ConfigError(f"{row['regex']!r} is no pattern: {error}", where="ior_formats.csv, regex") from None
