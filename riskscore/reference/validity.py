"""Shapes of codes: what can be asked of a table at all. A code of another shape is unknown, and unknown is null."""

from __future__ import annotations

import re

_HTS = re.compile(r"\d{4,10}")
_COUNTRY = re.compile(r"[A-Z]{2}")
# ISO 3166 leaves these to its users; in a feed they stand for "unknown". XK (Kosovo) is in common use.
_USER_ASSIGNED = re.compile(r"AA|Q[M-Z]|X[A-JL-Z]|ZZ")
_PORT = re.compile(r"\d{4}")


def is_country(code: str) -> bool:
    """Whether `code` may name a country: two capital letters, none of the user-assigned codes of ISO 3166.

    >>> is_country("CN"), is_country("ZZ"), is_country("cn")
    (True, False, False)
    """
    return _COUNTRY.fullmatch(code) is not None and _USER_ASSIGNED.fullmatch(code) is None


def is_goods(hts: str) -> bool:
    """Whether `hts` may name goods: 4 to 10 digits in chapters 01 to 97, of which 77 is empty.

    Chapters 98 and 99 hold special provisions, which say nothing about the goods.

    >>> is_goods("8471300100"), is_goods("9801001098"), is_goods("84")
    (True, False, False)
    """
    return _HTS.fullmatch(hts) is not None and "01" <= hts[:2] <= "97" and hts[:2] != "77"


def is_port(code: str) -> bool:
    """Whether `code` has the shape of a Schedule D port: 4 digits.

    >>> is_port("2704"), is_port("USLAX")
    (True, False)
    """
    return _PORT.fullmatch(code) is not None


def in_range(hts: str, low: str, high: str) -> bool:
    """Whether `hts` falls under the prefixes `low` to `high`, which are of equal length.

    A number shorter than the prefixes is too coarse to tell: not in the range.

    >>> in_range("8517130000", "8517", "8529"), in_range("8541", "854142", "854143")
    (True, False)
    """
    return len(hts) >= len(low) and low <= hts[: len(low)] <= high
