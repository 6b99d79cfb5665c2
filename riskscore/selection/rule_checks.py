"""Compiled conditions: which rows satisfy one, and which are known not to.

A null satisfies neither, so that negation keeps its meaning (Kleene's logic of three values, as in SQL).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from riskscore.selection.rule_columns import Sets, Texts
    from riskscore.selection.watch_lists import Entry

    Bools = npt.NDArray[np.bool_]


class Check(Protocol):
    """A compiled condition."""

    def holds(self, *, wanted: bool = True) -> Bools:
        """Rows known to satisfy it; with `wanted` false, rows known not to. A row may be in neither."""
        ...

    def listings(self) -> Iterator[Listing]:
        """The watch-list tests that its being satisfied may rest on."""
        ...


@dataclass(frozen=True, slots=True)
class ColumnCheck:
    """A test of one column."""

    truth: Callable[[], Bools]
    """Rows for which it holds; what it says of unknown rows does not matter."""
    known: Callable[[], Bools]

    def holds(self, *, wanted: bool = True) -> Bools:
        """As Check."""
        truth = self.truth()
        return (truth if wanted else ~truth) & self.known()

    def listings(self) -> Iterator[Listing]:
        """As Check."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Listing:
    """A test of whether a column's identifiers stand on a watch-list."""

    name: str
    entries: tuple[Entry, ...]
    """Those in force on the day, sorted."""
    column: Texts | Sets
    at: npt.NDArray[np.int64]
    """For each distinct value of the column its entry; -1 = not listed."""

    def holds(self, *, wanted: bool = True) -> Bools:
        """As Check."""
        listed = self.column.rows(self.at >= 0)
        return (listed if wanted else ~listed) & self.column.known

    def listings(self) -> Iterator[Listing]:
        """As Check."""
        yield self

    def entry_of(self) -> npt.NDArray[np.int64]:
        """Position in `entries` of each row's entry, the first for a set of identifiers; -1 = not listed."""
        return self.column.first(self.at)


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which all or any must hold; `negated`, of which not all, or none, may."""

    parts: tuple[Check, ...]
    every: bool
    negated: bool = False

    def holds(self, *, wanted: bool = True) -> Bools:
        """As Check."""
        of_each = wanted != self.negated
        combine = np.logical_and if self.every == of_each else np.logical_or
        return reduce(combine, (part.holds(wanted=of_each) for part in self.parts))

    def listings(self) -> Iterator[Listing]:
        """As Check."""
        if not self.negated:
            for part in self.parts:
                yield from part.listings()
