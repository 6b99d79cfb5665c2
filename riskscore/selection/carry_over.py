"""Must-exams that found no slot on an earlier day: the goods are still held, so they come before today's.

They take slots of their port, oldest first, and leave room for at least one exam of today: the random floor must be
able to reach every shipment of today, whatever waits from yesterday.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from riskscore import reference

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from riskscore.selection.room import Room


@dataclass(frozen=True, slots=True, order=True)
class Carried:
    """A must-exam of an earlier day that is still to be held; ordered as they are worked.

    Attributes:
        since: day of the run that could not give it.
        shipment_id: whose exam.
        port: where.
        rule_id: the rule that orders it.
        exam: the exam that it orders.
    """

    since: date
    shipment_id: str
    port: str
    rule_id: str
    exam: str

    def as_record(self) -> dict[str, str]:
        """What a run record says of it."""
        return {**asdict(self), "since": self.since.isoformat()}


def hold(room: Room, waiting: Iterable[Carried], *, spare: bool = True) -> tuple[Room, tuple[Carried, ...]]:
    """Give a port's waiting must-exams their slots.

    Args:
        room: the port's room of today.
        waiting: must-exams carried over at this port, in any order.
        spare: leave room for an exam of today; not where nothing arrives.

    Returns:
        What is left of the room, and those that are held today; the others wait on.

    >>> from datetime import date
    >>> from riskscore.selection.room import Room
    >>> yesterday = [Carried(date(2026, 3, 1), name, "2704", "watch", "nii") for name in ("S1", "S2", "S3")]
    >>> left, held = hold(Room(3, (3,) * 7, None, (60.0,) * 7), yesterday)
    >>> left.slots, [each.shipment_id for each in held]
    (1, ['S1', 'S2'])
    """
    exams = reference.exams()
    taken, held = [0] * len(exams), []
    for each in sorted(waiting):
        kind = exams.index(each.exam)
        more = [count + (position == kind) for position, count in enumerate(taken)]
        if not room.refusal(taken, kind) and not (spare and not room.less(more).open().any()):
            taken = more
            held.append(each)
    return room.less(taken), tuple(held)
