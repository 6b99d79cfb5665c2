"""The room of a port: its limits, whose they are, and what is left of it."""

import pytest

from riskscore import reference
from riskscore.config import Capacity, Exam
from riskscore.errors import RunError
from riskscore.selection.room import Room
from tests.selection.instances import HOUR, limited


@pytest.mark.parametrize(
    "fields", [(-1, (1,), None, (HOUR,)), (1, (-1,), None, (HOUR,)), (1, (1,), -1.0, (HOUR,)), (1, (1,), None, (0.0,))]
)
def test_a_room_with_impossible_limits_is_refused(fields):
    with pytest.raises(RunError, match="at least 0 and durations above 0"):
        Room(*fields)


def test_a_room_needs_a_duration_for_every_limit():
    with pytest.raises(RunError, match="as many exam limits as durations"):
        Room(1, (1, 1), None, (HOUR,))


def test_a_port_s_own_entry_goes_before_that_of_all_ports():
    capacity = Capacity(exams={"*": {"nii": 2, "lab": 0}, "2704": {"nii": 9}}, minutes={"2704": 480.0})
    exams = {"nii": Exam(minutes=20.0)}
    own, other = (Room.of(capacity, exams, port, 5) for port in ("2704", "1001"))
    assert dict(zip(reference.exams(), own.exams, strict=True))["nii"] == 5
    assert dict(zip(reference.exams(), other.exams, strict=True)) == dict.fromkeys(reference.exams(), 5) | {
        "nii": 2,
        "lab": 0,
    }
    assert (own.minutes, other.minutes, own.minutes_of[:2]) == (480.0, None, (HOUR, 20.0))


def test_what_is_left_of_a_room():
    left = limited(5, (2, 3), 200.0, (60.0, 20.0)).less([1, 2])
    assert left == limited(2, (1, 1), 100.0, (60.0, 20.0))
