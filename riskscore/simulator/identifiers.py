"""Identifiers that look real: their check digits hold, the numbers behind them are drawn.

Sources: ISO 6346 (containers); UPU S10 (postal items); IATA Resolution 600a (air waybills, serial modulo 7); IMO hull
numbers by python-stdnum; entry numbers by riskscore.reference.identifiers.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from stdnum import imo

from riskscore.reference.identifiers import entry_check_digit

if TYPE_CHECKING:
    from riskscore.simulator.arrays import Ints

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# ISO 6346 skips the multiples of 11, so that letters keep different remainders.
_ISO6346 = dict(zip(_LETTERS, (n for n in range(10, 39) if n % 11), strict=True))
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


@cache
def _prefix_sum(prefix: str) -> int:
    return sum(_ISO6346[letter] * 2**place for place, letter in enumerate(prefix))


def container(prefix: str, serial: int) -> str:
    """The ISO 6346 number of an owner prefix (4 letters) and a serial (0 to 999999).

    >>> container("CSQU", 305438)
    'CSQU3054383'
    """
    digits = f"{serial:06d}"
    total = _prefix_sum(prefix) + sum(int(d) * 2 ** (4 + place) for place, d in enumerate(digits))
    return f"{prefix}{digits}{total % 11 % 10}"


def entry_number(filer: str, serial: int) -> str:
    """Filer code (3 characters), serial (7 digits) and check digit.

    >>> entry_number("ABC", 1234567), entry_number("999", 9999999)
    ('ABC-1234567-6', '999-9999999-0')
    """
    return f"{filer}-{serial:07d}-{entry_check_digit(filer, f'{serial:07d}')}"


def air_waybill(prefix: str, serial: int) -> str:
    """Airline prefix, serial (7 digits) and its remainder modulo 7.

    >>> air_waybill("160", 1234567)
    '160-12345675'
    """
    return f"{prefix}-{serial:07d}{serial % 7}"


def postal_item(service: str, serial: int, country: str) -> str:
    """UPU S10 number: service (2 letters), serial (8 digits), check digit, country.

    >>> postal_item("RR", 47312482, "GB")
    'RR473124829GB'
    """
    total = sum(int(d) * w for d, w in zip(f"{serial:08d}", _S10_WEIGHTS, strict=True))
    check = {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11)
    return f"{service}{serial:08d}{check}{country}"


def vessel(serial: int) -> str:
    """The IMO number of a hull: six digits and their check digit.

    >>> vessel(907472)
    '9074729'
    """
    digits = f"{serial:06d}"
    return f"{digits}{imo.calc_check_digit(digits)}"


def distinct(rng: np.random.Generator, low: int, high: int, size: int) -> Ints:
    """`size` different integers in [low, high), in random order."""
    found = np.unique(rng.integers(low, high, size * 2 + 16))
    while len(found) < size:
        found = np.unique(np.concatenate([found, rng.integers(low, high, size)]))
    return rng.permutation(found)[:size]
