"""What is counted of each entity, in whole numbers, and which counters forget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from riskscore import reference

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAFFIC = ("shipments", "value_cents", "weight_g", "amendments", "deletions")
"""Of filings: shipments standing, their value and weight, those standing as an amendment; deletions as counted."""

FINDINGS = (
    *("exams", "hits", "minor_hits", "seizures", "recovered_cents"),
    *(f"hits_{hazard}" for hazard in reference.hazards()),
)
"""Of exams: concluded ones, those that confirmed a hazard, those released all the same, seizures, money, hazards."""

POST_ENTRY = ("cf28", "cf29", "protests", "corrections", "claimed_cents")
"""Of entries after release: events standing, and the sum that CF-28 and CF-29 claim."""

ACCOUNTS: dict[str, tuple[str, ...]] = {"traffic": TRAFFIC, "findings": FINDINGS, "post_entry": POST_ENTRY}
"""Measures by account, as the facts come."""

BOOKS: dict[str, tuple[str, ...]] = {
    "traffic": TRAFFIC,
    "findings": FINDINGS[:5],
    "hazards": FINDINGS[5:],
    "post_entry": POST_ENTRY,
}
"""Measures by book, as the state keeps them: who has no facts in a book has no row there, and most were never hit."""

MEASURES = tuple(measure for measures in ACCOUNTS.values() for measure in measures)

DECAYED: tuple[tuple[str, int], ...] = (
    ("shipments", 7),
    ("shipments", 30),
    ("shipments", 365),
    ("value_cents", 30),
    ("amendments", 30),
    ("exams", 90),
    ("hits", 90),
    ("exams", 365),
    ("hits", 365),
    ("cf28", 365),
    ("cf29", 365),
)
"""(measure, half-life in days) of the counters that forget."""

NEVER = np.int32(-1)
"""Stands for no day; days are whole numbers since 1970-01-01."""

# A counter is a plain sum of 2^((day - epoch) / half-life). The epoch moves on every 256 half-lives, and the sums are
# multiplied by 2^-256 then, which rounds nothing: no span of days can overflow a float64.
ERA = 256
"""Half-lives after which the epoch of a decayed counter moves on."""


def decayed_of(book: str) -> tuple[tuple[str, int], ...]:
    """The counters of DECAYED whose measure is kept in `book`, in order.

    >>> decayed_of("post_entry")
    (('cf28', 365), ('cf29', 365))
    """
    return tuple(counter for counter in DECAYED if counter[0] in BOOKS[book])


def eras(day: int | NDArray[np.int32], lives: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the era that each day falls in, per half-life: shape (..., len(lives))."""
    return np.asarray(day, np.int64)[..., None] // (ERA * lives)


def weights(day: int | NDArray[np.int32], lives: NDArray[np.int64], era: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weight of a count made on `day` in counters kept in `era`: shape (..., len(lives)).

    >>> weights(np.array([0, 7, 14]), np.array([7]), np.array([0]))[:, 0]
    array([1., 2., 4.])
    """
    whole, part = np.divmod(np.asarray(day, np.int64)[..., None] - era * ERA * lives, lives)
    # A morning ages after the last fact weighs infinitely more than it: nothing is left, and nothing is wrong.
    with np.errstate(over="ignore"):
        found: NDArray[np.float64] = np.ldexp(np.exp2(part / lives), np.clip(whole, -5_000, 5_000).astype(np.int32))
    return found


def moved_on(counters: NDArray[np.float64], since: NDArray[np.int64], to: NDArray[np.int64]) -> NDArray[np.float64]:
    """Counters kept in era `since`, kept in the later era `to`."""
    moved: NDArray[np.float64] = np.ldexp(counters, (np.maximum(since - to, -20) * ERA).astype(np.int32))
    return moved
