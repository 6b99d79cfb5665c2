"""Arrays with a row per entity that grow by postings, days ascending: the state, and the fold itself.

A posting adds an amount to one cell. Between two mornings all that comes due is added in one go, in the order of the
postings; so it makes no difference at which mornings somebody reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore.history.measures import eras, moved_on

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Days = NDArray[np.int32]


class Tally:
    """Sums, n entities x width cells.

    Attributes:
        array: what has come due so far.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self._day: Days = np.empty(0, np.int32)
        self._cell: NDArray[np.int64] = np.empty(0, np.int64)
        self._amount: NDArray[Any] = np.empty(0, array.dtype)
        self._done = 0

    def grow(self, rows: int) -> None:
        """Make room for `rows` entities; the new ones hold `blank`."""
        known = len(self.array)
        if rows > known:
            # In place: a copy of millions of rows for the few entities of a day would cost more than the day.
            self.array.resize((rows, self.array.shape[1]), refcheck=False)
            self._blank(self.array[known:])

    def post(self, day: Days, cell: NDArray[np.int64], amount: NDArray[Any]) -> None:
        """Hand in postings, days ascending and later than all before; what was handed in before must be settled.

        Args:
            day: int32, length n.
            cell: int64 row * width + column, length n.
            amount: one for the cell, length n; or for k cells from it on, n x k.
        """
        self._day, self._cell, self._amount, self._done = day, cell, amount, 0

    def advance(self, morning: int) -> None:
        """Add what has a day before `morning`."""
        if self._done == len(self._day) or self._day[self._done] >= morning:
            return
        # As int32: for a number of another type NumPy would convert all the days first.
        end = int(np.searchsorted(self._day, np.int32(morning)))
        self._add(self._done, end)
        self._done = end

    def settle(self, through: int) -> None:
        """Add all that was handed in; `through` is the last day folded."""
        self.advance(through + 1)
        self.post(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, self.array.dtype))

    def _add(self, begin: int, end: int) -> None:
        np.add.at(self.array.reshape(-1), *self._due(begin, end))

    def _due(self, begin: int, end: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        cell, amount = self._cell[begin:end], self._amount[begin:end]
        if amount.ndim == 2:
            cell = (cell[:, None] + np.arange(amount.shape[1])).reshape(-1)
        return cell, amount.reshape(-1)

    def _blank(self, rows: NDArray[Any]) -> None:
        """New rows are zero as they come."""


class Latest(Tally):
    """The last amount handed in for each cell; -1 (measures.NEVER) before the first."""

    def _add(self, begin: int, end: int) -> None:
        # Of several writes to one cell the last one stays.
        cell, amount = self._due(begin, end)
        self.array.reshape(-1)[cell] = amount

    def _blank(self, rows: NDArray[Any]) -> None:
        rows[:] = -1


class Greatest(Latest):
    """The greatest amount handed in for each cell; -1 (measures.NEVER) before the first."""

    def _add(self, begin: int, end: int) -> None:
        np.maximum.at(self.array.reshape(-1), *self._due(begin, end))


class Decayed(Tally):
    """Sums of amounts times the weight of their day (measures.weights), float64.

    Attributes:
        lives: int64 half-life of each column, in days.
        era: int64 era that each column is kept in; the caller of `post` weighs in the era of the posting's day.
    """

    def __init__(self, array: NDArray[np.float64], lives: NDArray[np.int64], era: NDArray[np.int64]) -> None:
        super().__init__(array)
        self.lives, self.era = lives, era

    def settle(self, through: int) -> None:
        """As Tally; the era is that of `through` then, whatever was posted."""
        super().settle(through)
        self._move(eras(through, self.lives))

    def _add(self, begin: int, end: int) -> None:
        while begin < end:
            era = eras(int(self._day[begin]), self.lives)
            self._move(era)
            last = int(self._day[end - 1])
            stop = end if (eras(last, self.lives) == era).all() else self._end_of_era(begin, end)
            super()._add(begin, stop)
            begin = stop

    def _end_of_era(self, begin: int, end: int) -> int:
        days = self._day[begin:end]
        same = (eras(days, self.lives) == eras(int(days[0]), self.lives)).all(axis=1)
        return begin + int(np.argmin(same))

    def _move(self, era: NDArray[np.int64]) -> None:
        if (era > self.era).any():
            self.array[:] = moved_on(self.array, self.era, era)
        self.era = np.maximum(era, self.era)
