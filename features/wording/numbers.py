"""Numbers as an analyst reads them: amounts, days, shares, multiples; always with their unit."""

from __future__ import annotations

import math

_SMALL = 10
"""Below it a fraction is shown: 4.1 USD/kg, but 19 USD/kg."""


def amount(number: float) -> str:
    """Two or three digits that matter, thousands apart.

    >>> [amount(number) for number in (0.0, 0.034, 4.12, 19.4, 2500.0, 1234567.0)]
    ['0', '0.034', '4.1', '19', '2,500', '1,234,567']
    """
    if number and abs(number) < 1:
        return f"{number:.2g}"
    # "-0" and "10.0" would be read as something.
    return f"{number:.1f}".removesuffix(".0") if abs(number) < _SMALL else f"{number:,.0f}"


def count(number: float, unit: str) -> str:
    """A number of things, the unit's plural cut to the singular where it is one.

    >>> count(1, "shipments"), count(3, "addresses"), count(1, "addresses"), count(1.5, "hits")
    ('1 shipment', '3 addresses', '1 address', '1.5 hits')
    """
    if number != 1:
        return f"{amount(number)} {unit}"
    return f"1 {_SINGULAR.get(unit, unit.removesuffix('s'))}"


_SINGULAR = {
    "addresses": "address",
    "agencies": "agency",
    "parties": "party",
    "requests for information (CF-28)": "request for information (CF-28)",
    "notices of action (CF-29)": "notice of action (CF-29)",
}


def days(number: float) -> str:
    """A stretch of time.

    >>> days(0), days(1), days(12.2), days(800)
    ('less than a day', '1 day', '12 days', '2.2 years')
    """
    if number < 0.5:
        return "less than a day"
    return count(round(number), "days") if number < 730 else f"{number / 365.25:.1f} years"


def ago(number: float) -> str:
    """How long ago, in days.

    >>> ago(0), ago(1), ago(40)
    ('today', 'yesterday', '40 days ago')
    """
    whole = round(number)
    return {0: "today", 1: "yesterday"}.get(whole, f"{days(whole)} ago")


def share(number: float) -> str:
    """A share of one, in percent.

    >>> share(0.0), share(0.004), share(0.1234), share(1.0)
    ('0 %', '0.4 %', '12 %', '100 %')
    """
    percent = 100 * number
    return f"{percent:.1f} %" if 0 < abs(percent) < 1 or 99 < percent < 100 else f"{percent:.0f} %"


def multiple(number: float) -> str:
    """A ratio.

    >>> multiple(0.5), multiple(2.34), multiple(1.0), multiple(40.0)
    ('0.50 times', '2.3 times', '1.0 times', '40 times')
    """
    if abs(number) < 0.995:
        return f"{number:.2f} times"
    shown = float(f"{number:.2g}") if math.isfinite(number) else number
    return f"{amount(shown) if shown != 1 else '1.0'} times"
