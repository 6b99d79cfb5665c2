"""What becomes of an entity's record when facts overtake each other, case by case."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from riskscore.frames import as_frame
from riskscore.history import KINDS, Arrivals, State, read_facts, replay
from riskscore.tables import SHIPMENTS
from tests import factories
from tests.factories import DAY, append_rows, noon, opened

if TYPE_CHECKING:
    from riskscore.history import Track
    from tests.factories import Row

FIRST = {"shipment_id": "S0", "importer_id": "I0", "value_usd": 100.0, "weight_kg": 10.0}
SECOND = FIRST | {"version": 1, "action": "amended"}
DELETED = FIRST | {"version": 2, "action": "deleted"}
FOUND = {"shipment_id": "S0", "result": "seized", "amount_usd": 12.5}


def record(shipments: list[Row], outcomes: list[Row] | None = None, importer: str = "I0", days: int = 8) -> Track:
    """An importer's record on the mornings of DAY and the days after it."""
    mornings = [{"importer_id": importer, "arrival_date": DAY + timedelta(n)} for n in range(days)]
    asked = Arrivals.of(as_frame(factories.accepted(SHIPMENTS, factories.shipments(*mornings))))
    with opened() as (workspace, ledger):
        append_rows(workspace, ledger, shipments=shipments, outcomes=outcomes or [])
        facts = read_facts(ledger.connection, after=None, through=DAY + timedelta(days), position=ledger.position)
    return replay(State.empty(KINDS), facts, asked)[0]["importer"]


def counts(track: Track, *measures: str) -> list[list[float]]:
    return [track.count(measure).tolist() for measure in measures]


def test_a_shipment_counts_from_the_morning_after_its_arrival():
    track = record(factories.shipments(FIRST))

    assert counts(track, "shipments", "value_cents", "weight_g") == [
        [0, 1, 1, 1, 1, 1, 1, 1],
        [0, *[10_000] * 7],
        [0, *[10_000] * 7],
    ]


def test_a_late_filing_counts_from_the_morning_after_it():
    track = record(factories.shipments(FIRST | {"filed_at": noon(DAY, 2)}))

    assert counts(track, "shipments") == [[0, 0, 0, 1, 1, 1, 1, 1]]
    assert track.first_day[3] - track.morning[0] == 2


def test_an_amendment_takes_the_place_of_the_version_it_overtakes():
    amended = SECOND | {"filed_at": noon(DAY, 3), "value_usd": 40.0}
    track = record(factories.shipments(FIRST, amended))

    assert counts(track, "shipments", "value_cents", "amendments") == [
        [0, 1, 1, 1, 1, 1, 1, 1],
        [0, 10_000, 10_000, 10_000, 4_000, 4_000, 4_000, 4_000],
        [0, 0, 0, 0, 1, 1, 1, 1],
    ]
    # Amending is no new shipment: its weight is still that of the day it arrived.
    assert abs(track.recent("shipments", 30)[4] - 0.5 ** (4 / 30)) < 1e-12


def test_a_lower_version_that_comes_late_changes_nothing():
    late = FIRST | {"filed_at": noon(DAY, 3), "value_usd": 1.0}
    track = record(factories.shipments(SECOND, late))

    assert counts(track, "shipments", "value_cents") == [[0, 1, 1, 1, 1, 1, 1, 1], [0, *[10_000] * 7]]


def test_a_shipment_changes_hands_with_its_exams():
    sold = SECOND | {"filed_at": noon(DAY, 3), "importer_id": "I1"}
    rows, found = factories.shipments(FIRST, sold), factories.outcomes(FOUND | {"known_at": noon(DAY, 1)})

    assert counts(record(rows, found), "shipments", "exams", "recovered_cents") == [
        [0, 1, 1, 1, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0, 0, 0],
        [0, 0, 1250, 1250, 0, 0, 0, 0],
    ]
    assert counts(record(rows, found, importer="I1"), "shipments", "exams", "recovered_cents") == [
        [0, 0, 0, 0, 1, 1, 1, 1],
        [0, 0, 0, 0, 1, 1, 1, 1],
        [0, 0, 0, 0, 1250, 1250, 1250, 1250],
    ]


def test_a_deletion_takes_everything_back_and_a_new_version_brings_it_again():
    gone, again = DELETED | {"filed_at": noon(DAY, 2)}, SECOND | {"version": 3, "filed_at": noon(DAY, 4)}
    track = record(factories.shipments(FIRST, gone, again), factories.outcomes(FOUND))

    assert counts(track, "shipments", "exams", "hits", "deletions") == [
        [0, 1, 1, 0, 0, 1, 1, 1],
        [0, 1, 1, 0, 0, 1, 1, 1],
        [0, 1, 1, 0, 0, 1, 1, 1],
        [0, 0, 0, 1, 1, 1, 1, 1],
    ]
    assert track.days_since_first()[1:].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert track.days_since_last()[1:].tolist() == [1, 2, 3, 4, 1, 2, 3]


def test_a_bill_deleted_before_it_counts_was_never_there():
    track = record(factories.shipments(FIRST, DELETED), factories.outcomes(FOUND))

    assert counts(track, "shipments", "exams", "deletions") == [[0] * 8, [0] * 8, [0] * 8]
    assert (track.first_day == -1).all()


def test_the_latest_word_on_a_finding_counts():
    words = [
        FOUND | {"known_at": noon(DAY, 1)},
        FOUND | {"known_at": noon(DAY, 3), "amount_usd": 20.0},
        FOUND | {"known_at": noon(DAY, 5), "result": "detained_released", "amount_usd": None},
    ]
    track = record(factories.shipments(FIRST), factories.outcomes(*words))

    assert counts(track, "exams", "hits", "seizures", "recovered_cents") == [
        [0, 0, 1, 1, 1, 1, 1, 1],
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0, 0, 1250, 1250, 2000, 2000, 0, 0],
    ]


def test_an_exam_may_be_known_before_its_shipment():
    found = factories.outcomes(FOUND | {"known_at": noon(DAY, -5)})
    track = record(factories.shipments(FIRST | {"arrival_date": DAY + timedelta(2)}), found)

    assert counts(track, "shipments", "exams") == [[0, 0, 0, 1, 1, 1, 1, 1]] * 2


def test_two_findings_of_a_shipment_are_one_exam():
    found = [FOUND | {"hazard": "ipr"}, FOUND | {"hazard": None, "result": "released_no_discrepancy"}]
    track = record(factories.shipments(FIRST), factories.outcomes(*found))

    assert counts(track, "exams", "hits") == [[0, 1, 1, 1, 1, 1, 1, 1]] * 2


def test_a_decayed_count_never_falls_below_zero():
    # The withdrawal of an old filing weighs as much as a new one.
    gone = DELETED | {"filed_at": noon(DAY, 5)}
    track = record(factories.shipments(FIRST, gone))

    assert (track.recent("shipments", 30)[1:6] > 0).all()
    assert track.recent("shipments", 30)[6:].tolist() == [0, 0]
