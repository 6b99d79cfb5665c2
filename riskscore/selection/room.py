"""Room: what one port can examine in one day, by slots, by exam and by inspector minutes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from riskscore import reference
from riskscore.config import Exam
from riskscore.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from riskscore.config import Capacity

TOLERANCE = 1e-6
"""Minutes within which a limit counts as kept: the solver's own tolerance, and sums of 33.4 are not exact."""

ANY_PORT = "*"
"""Key of [capacity.exams] for ports without an entry of their own."""


@dataclass(frozen=True, slots=True)
class Room:
    """The limits of one port and day.

    Attributes:
        slots: exams of all kinds together, at least 0.
        exams: exams of each kind, in the order of reference.exams(); `slots` where not limited, 0 = cannot be held.
        minutes: inspector minutes for all exams; None = not limited.
        minutes_of: minutes that one exam of each kind takes, more than 0.

    Raises:
        RunError: a limit is negative, a duration is not above 0, or their numbers differ.

    >>> room = Room(slots=3, exams=(3, 1), minutes=90.0, minutes_of=(60.0, 20.0))
    >>> room.refusal([0, 0], 1), room.refusal([0, 1], 1), room.refusal([1, 0], 0)
    ('', 'nii: 1 of 1 slots taken at this port by more urgent must-exams',
     'document: takes 60 minutes, 30 of 90 left at this port by more urgent must-exams')
    """

    slots: int
    exams: tuple[int, ...]
    minutes: float | None
    minutes_of: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse limits that cannot be meant."""
        given = (self.slots, *self.exams, 0.0 if self.minutes is None else self.minutes + TOLERANCE)
        if not all(limit >= 0 for limit in given) or not all(taken > 0 for taken in self.minutes_of):
            raise RunError("limits must be at least 0 and durations above 0", where=f"{self}")
        if len(self.exams) != len(self.minutes_of):
            raise RunError("as many exam limits as durations are needed", where=f"{self}")

    @classmethod
    def of(cls, capacity: Capacity, exams: Mapping[str, Exam], port: str, slots: int) -> Room:
        """The room of a port as riskscore.toml gives it.

        Args:
            capacity: the [capacity] section.
            exams: the [exams] section; one that is not named has the defaults of `config.Exam`.
            port: port code.
            slots: the port's slots today (`capacity.slots_per_port`), or what other arms left of them.

        >>> from riskscore.config import Capacity
        >>> Room.of(Capacity(exams={"*": {"nii": 2}}, minutes={"2704": 480.0}), {}, "2704", 5).exams
        (5, 2, 5, 5, 5, 5, 5)
        """
        limits = capacity.exams.get(port, capacity.exams.get(ANY_PORT, {}))
        names = reference.exams()
        durations = tuple(exams.get(name, Exam()).minutes for name in names)
        held = tuple(min(limits.get(name, slots), slots) for name in names)
        return cls(slots, held, capacity.minutes.get(port), durations)

    def less(self, taken: Sequence[int]) -> Room:
        """What is left when `taken` exams of each kind are held; never below 0."""
        return replace(
            self,
            slots=max(self.slots - sum(taken), 0),
            exams=tuple(max(limit - count, 0) for limit, count in zip(self.exams, taken, strict=True)),
            minutes=None if self.minutes is None else max(self.minutes - self.minutes_taken(taken), 0.0),
        )

    def minutes_taken(self, taken: Sequence[int]) -> float:
        """Minutes that so many exams of each kind take."""
        return float(sum(count * each for count, each in zip(taken, self.minutes_of, strict=True)))

    def holds(self, taken: Sequence[int]) -> bool:
        """Whether so many exams of each kind keep every limit."""
        kept = sum(taken) <= self.slots and all(n <= limit for n, limit in zip(taken, self.exams, strict=True))
        return kept and (self.minutes is None or self.minutes_taken(taken) <= self.minutes + TOLERANCE)

    def refusal(self, taken: Sequence[int], exam: int) -> str:
        """The limit, in words, that keeps one more `exam` (its position) from being held after `taken`; "" = none."""
        if self.holds([count + (kind == exam) for kind, count in enumerate(taken)]):
            return ""
        name, limit = reference.exams()[exam], min(self.exams[exam], self.slots)
        if not limit:
            return f"{name}: no slots at this port" if self.slots else "no exam slots at this port"
        by = "at this port by more urgent must-exams"
        if sum(taken) >= self.slots:
            return f"{name}: {self.slots} of {self.slots} slots of all exams taken {by}"
        if taken[exam] >= limit:
            return f"{name}: {limit} of {limit} slots taken {by}"
        total = self.minutes or 0.0
        left = total - self.minutes_taken(taken)
        return f"{name}: takes {self.minutes_of[exam]:g} minutes, {left:g} of {total:g} left {by}"

    def open(self) -> npt.NDArray[np.bool_]:
        """Which exams there is room for at all, in the order of `exams`."""
        nothing = [0] * len(self.exams)
        return np.array([not self.refusal(nothing, exam) for exam in range(len(self.exams))], dtype=bool)

    def tightened(self, rows: int) -> Room:
        """The same choices among `rows` shipments, each limit as low as the others make it.

        Minutes that cannot bind any more are dropped: with exams of one length they are a number of slots.
        """
        each = [min(limit, self._whole(taken)) for limit, taken in zip(self.exams, self.minutes_of, strict=True)]
        possible = [taken for limit, taken in zip(each, self.minutes_of, strict=True) if limit]
        most = self._whole(min(possible)) if possible else 0
        slots = min(self.slots, rows, sum(each), most)
        binding = self.minutes is not None and slots * max(possible, default=0.0) > self.minutes + TOLERANCE
        return replace(
            self, slots=slots, exams=tuple(min(n, slots) for n in each), minutes=self.minutes if binding else None
        )

    def _whole(self, duration: float) -> int:
        """Exams of one duration that the minutes hold; the slots where minutes are not limited."""
        if self.minutes is None or math.isinf(self.minutes):
            return self.slots
        return math.floor((self.minutes + TOLERANCE) / duration)


def counted(exam: npt.NDArray[np.int64], kinds: int) -> list[int]:
    """How many exams of each of `kinds` are given; -1 = none.

    >>> counted(np.array([1, -1, 1]), 3)
    [0, 2, 0]
    """
    return np.bincount(exam[exam >= 0], minlength=kinds).tolist()  # type: ignore[no-any-return]
