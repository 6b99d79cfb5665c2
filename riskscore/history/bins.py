"""Histograms of unit values on a fixed logarithmic scale: bins never move, so counting is all there is to learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUANTITIES = ("value_per_kg", "value_per_unit", "weight_per_unit")
"""USD per kilogram, USD per unit and kilograms per unit (of quantity_unit)."""

BINS = 128
_PER_OCTAVE = 4
# From 2^-12 to 2^20 (for values: 0.02 cents to a million USD); what lies outside goes to the end bins.
_FIRST_OCTAVE = -12
_LEAST_QUANTITY = 1e-9


def bins_of(
    value_cents: NDArray[np.int64], weight_g: NDArray[np.int64], quantity: NDArray[np.float64]
) -> dict[str, NDArray[np.int16]]:
    """Bin of each of QUANTITIES; -1 where a part of it is null or rounds to 0, or the quantity is not above 1e-9.

    Args:
        value_cents: whole cents, 0 where not stated.
        weight_g: whole grams, 0 where not stated.
        quantity: number of units, NaN where not stated.

    >>> found = bins_of(np.array([100, 200, 0]), np.array([1000, 1000, 5]), np.array([2.0, np.nan, 1.0]))
    >>> {name: bins.tolist() for name, bins in found.items()}
    {'value_per_kg': [48, 52, -1], 'value_per_unit': [44, -1, -1], 'weight_per_unit': [44, -1, 17]}
    """
    value, weight = value_cents.astype(np.float64), weight_g.astype(np.float64)
    counted = np.where(quantity > _LEAST_QUANTITY, quantity, 0.0)
    return {
        "value_per_kg": _bins(value * 10, weight),
        "value_per_unit": _bins(value / 100, counted),
        "weight_per_unit": _bins(weight / 1000, counted),
    }


def middle(bins: NDArray[np.float64]) -> NDArray[np.float64]:
    """The value at the middle of each bin, in the unit of the quantity."""
    return np.exp2((bins + 0.5) / _PER_OCTAVE + _FIRST_OCTAVE)


def octaves(bins: NDArray[np.int64]) -> NDArray[np.float64]:
    """Width of a number of bins in octaves (powers of two)."""
    return bins / _PER_OCTAVE


def rounded(amounts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole amounts, halves up as SQL's round() takes them (np.round takes them to the even number); null is 0."""
    whole = np.floor(amounts)
    numbers: NDArray[np.int64] = np.nan_to_num(whole + (amounts - whole >= 0.5)).astype(np.int64)
    return numbers


def _bins(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> NDArray[np.int16]:
    stated = (upper > 0) & (lower > 0)
    ratio = np.divide(upper, lower, out=np.ones(len(upper)), where=stated)
    bins = np.clip(np.floor((np.log2(ratio) - _FIRST_OCTAVE) * _PER_OCTAVE), 0, BINS - 1)
    return np.where(stated, bins, -1).astype(np.int16)
