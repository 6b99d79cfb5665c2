"""What becomes of an entity's record when facts overtake each other, case by case."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from riskscore.errors import ConfigError
from riskscore.frames import as_frame
from riskscore.history import Arrivals, EntityKind, Replay, State, read_facts
from riskscore.history.facts import SIDES
from riskscore.history.windows import epoch_day
from riskscore.tables import SHIPMENTS
from tests import factories
from tests.factories import DAY, append_rows, noon, opened

if TYPE_CHECKING:
    from riskscore.history import Facts, Track
    from tests.factories import Row

FIRST = {"shipment_id": "S0", "importer_id": "I0", "value_usd": 100.0, "weight_kg": 10.0}
SECOND = FIRST | {"version": 1, "action": "amended"}
DELETED = FIRST | {"version": 2, "action": "deleted"}
FOUND = {"shipment_id": "S0", "result": "seized", "amount_usd": 12.5}
ASKED = {"shipment_id": "S0", "event": "cf28", "event_date": DAY, "amount_usd": 30.0, "status": None}
LAST = DAY + timedelta(8)
IMPORTER = (EntityKind("importer", ("importer_id",), "importer of record"),)


def facts_of(days=(None, LAST), kinds=IMPORTER, **tables: list[Row]) -> Facts:
    """The facts that a log of these rows tells of the days after the first of `days` up to the second."""
    with opened() as (workspace, ledger):
        append_rows(workspace, ledger, **tables)
        return read_facts(ledger.connection, after=days[0], through=days[1], position=ledger.position, kinds=kinds)


def record(importer: str = "I0", days: int = 8, **tables: list[Row]) -> Track:
    """An importer's record on the mornings of DAY and the days after it."""
    mornings = [{"importer_id": importer, "arrival_date": DAY + timedelta(n)} for n in range(days)]
    asked = Arrivals.of(as_frame(factories.accepted(SHIPMENTS, factories.shipments(*mornings))))
    replay = Replay(State.empty(IMPORTER), asked)
    replay.fold(facts_of(kinds=IMPORTER, **tables), epoch_day(LAST))
    return replay.result()[0]["importer"]


def counts(track: Track, *measures: str) -> list[list[float]]:
    return [track.count(measure).tolist() for measure in measures]


def booked(facts: Facts, account: str) -> list[tuple[int, str, int]]:
    """(day, side, weight day) of each fact of an account, in days after DAY."""
    entries, start = facts[account], epoch_day(DAY)
    rows = zip(entries.day.tolist(), entries.side.tolist(), entries.weight_day.tolist(), strict=True)
    return sorted((day - start, SIDES[side], weight - start) for day, side, weight in rows)


# Traffic ------------------------------------------------------------------------------------------------------


def test_a_shipment_counts_from_the_morning_after_its_arrival():
    track = record(shipments=factories.shipments(FIRST))

    assert counts(track, "shipments", "value_cents", "weight_g") == [
        [0, 1, 1, 1, 1, 1, 1, 1],
        [0, *[10_000] * 7],
        [0, *[10_000] * 7],
    ]


def test_a_late_filing_counts_from_the_morning_after_it():
    track = record(shipments=factories.shipments(FIRST | {"filed_at": noon(DAY, 2)}))

    assert counts(track, "shipments") == [[0, 0, 0, 1, 1, 1, 1, 1]]
    assert track.days_since_first()[3:].tolist() == [1, 2, 3, 4, 5]


def test_an_amendment_takes_the_place_of_the_version_it_overtakes():
    rows = factories.shipments(FIRST, SECOND | {"filed_at": noon(DAY, 3), "value_usd": 40.0})
    track = record(shipments=rows)

    assert counts(track, "shipments", "value_cents", "amendments") == [
        [0, 1, 1, 1, 1, 1, 1, 1],
        [0, 10_000, 10_000, 10_000, 4_000, 4_000, 4_000, 4_000],
        [0, 0, 0, 0, 1, 1, 1, 1],
    ]
    assert booked(facts_of(shipments=rows), "traffic") == [(0, "filed", 0), (3, "filed", 3), (3, "withdrawn", 0)]
    # What stands is the amendment, as old as it is; what it overtook weighs nothing any more.
    assert track.recent("shipments", 7)[5] == pytest.approx(0.5 ** (2 / 7), rel=1e-12)


def test_a_lower_version_that_comes_late_changes_nothing():
    rows = factories.shipments(SECOND, FIRST | {"filed_at": noon(DAY, 3), "value_usd": 1.0})

    assert counts(record(shipments=rows), "shipments", "value_cents") == [[0, *[1] * 7], [0, *[10_000] * 7]]
    assert booked(facts_of(shipments=rows), "traffic") == [(0, "filed", 0)]


def test_a_corrected_or_deleted_fact_vanishes_at_all_ages():
    kept = FIRST | {"shipment_id": "S1", "filed_at": noon(DAY, 1)}
    gone = factories.shipments(FIRST, kept, DELETED | {"filed_at": noon(DAY, 5)})
    never = factories.shipments(kept)

    with_it, without = record(shipments=gone), record(shipments=never)

    for half_life in (7, 30, 365):
        left = with_it.recent("shipments", half_life)[6:]
        assert left == pytest.approx(without.recent("shipments", half_life)[6:], rel=1e-12)


def test_nothing_is_left_exactly_where_the_count_is_zero():
    track = record(shipments=factories.shipments(FIRST, DELETED | {"filed_at": noon(DAY, 5)}))

    assert (track.recent("shipments", 30)[1:6] > 0).all()
    assert track.recent("shipments", 30)[6:].tolist() == [0, 0]


def test_a_deletion_takes_everything_back_and_a_new_version_brings_it_again():
    gone, again = DELETED | {"filed_at": noon(DAY, 2)}, SECOND | {"version": 3, "filed_at": noon(DAY, 4)}
    track = record(shipments=factories.shipments(FIRST, gone, again), outcomes=factories.outcomes(FOUND))

    assert counts(track, "shipments", "exams", "hits", "deletions") == [
        [0, 1, 1, 0, 0, 1, 1, 1],
        [0, 1, 1, 0, 0, 1, 1, 1],
        [0, 1, 1, 0, 0, 1, 1, 1],
        [0, 0, 0, 1, 1, 1, 1, 1],
    ]
    assert track.days_since_first()[1:].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert track.days_since_last()[1:].tolist() == [1, 2, 3, 4, 1, 2, 3]


def test_a_bill_deleted_before_it_counts_was_never_there():
    track = record(shipments=factories.shipments(FIRST, DELETED), outcomes=factories.outcomes(FOUND))

    assert counts(track, "shipments", "exams", "deletions") == [[0] * 8, [0] * 8, [0] * 8]
    assert np.isnan(track.days_since_first()).all()


# Findings -----------------------------------------------------------------------------------------------------


def test_a_shipment_changes_hands_with_its_exams():
    sold = SECOND | {"filed_at": noon(DAY, 3), "importer_id": "I1"}
    tables = {
        "shipments": factories.shipments(FIRST, sold),
        "outcomes": factories.outcomes(FOUND | {"known_at": noon(DAY, 1)}),
    }

    assert counts(record(**tables), "shipments", "exams", "recovered_cents") == [
        [0, 1, 1, 1, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0, 0, 0],
        [0, 0, 1250, 1250, 0, 0, 0, 0],
    ]
    assert counts(record("I1", **tables), "shipments", "exams", "recovered_cents") == [
        [0, 0, 0, 0, 1, 1, 1, 1],
        [0, 0, 0, 0, 1, 1, 1, 1],
        [0, 0, 0, 0, 1250, 1250, 1250, 1250],
    ]
    # Another version does not make it young: nothing was found on day 3.
    assert booked(facts_of(**tables), "findings") == [(1, "filed", 1), (3, "filed", 1), (3, "withdrawn", 1)]
    assert record("I1", **tables).days_since_last_hit()[4:].tolist() == [3, 4, 5, 6]


def test_the_latest_word_on_a_finding_counts():
    words = [
        FOUND | {"known_at": noon(DAY, 1)},
        FOUND | {"known_at": noon(DAY, 3), "amount_usd": 20.0},
        FOUND | {"known_at": noon(DAY, 5), "result": "detained_released", "amount_usd": None},
    ]
    track = record(shipments=factories.shipments(FIRST), outcomes=factories.outcomes(*words))

    assert counts(track, "exams", "hits", "seizures", "recovered_cents") == [
        [0, 0, 1, 1, 1, 1, 1, 1],
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0, 0, 1250, 1250, 2000, 2000, 0, 0],
    ]
    assert track.recent("hits", 90)[6:].tolist() == [0, 0]


def test_a_word_that_repeats_what_is_known_is_no_fact():
    words = [FOUND | {"known_at": noon(DAY, 1)}, FOUND | {"known_at": noon(DAY, 3), "waiver_text": "said again"}]
    tables = {"shipments": factories.shipments(FIRST), "outcomes": factories.outcomes(*words)}

    assert booked(facts_of(**tables), "findings") == [(1, "filed", 1)]


def test_the_last_hit_is_known_as_long_as_a_hit_stands():
    words = [FOUND | {"known_at": noon(DAY, 1)}, FOUND | {"known_at": noon(DAY, 4), "result": "detained_released"}]
    track = record(shipments=factories.shipments(FIRST), outcomes=factories.outcomes(*words))

    assert track.days_since_last_hit()[2:5].tolist() == [1, 2, 3]
    assert np.isnan(track.days_since_last_hit()[[0, 1, 5, 6, 7]]).all()


def test_hits_are_told_apart_by_hazard_and_weight():
    found = factories.outcomes(
        FOUND | {"hazard": "ipr", "result": "released_with_discrepancy"},
        FOUND | {"hazard": "narcotics", "result": "released_no_discrepancy"},
    )
    minor = record(shipments=factories.shipments(FIRST), outcomes=found, days=2)
    seized = factories.outcomes(FOUND | {"hazard": "narcotics"}, FOUND | {"hazard": "ipr"})
    major = record(shipments=factories.shipments(FIRST), outcomes=seized, days=2)

    measures = ("exams", "hits", "minor_hits", "seizures", "hits_ipr", "hits_narcotics")
    assert [track[1] for track in counts(minor, *measures)] == [1, 1, 1, 0, 1, 0]
    assert [track[1] for track in counts(major, *measures)] == [1, 1, 0, 1, 1, 1]


def test_an_exam_may_be_known_before_its_shipment():
    found = factories.outcomes(FOUND | {"known_at": noon(DAY, -5)})
    track = record(shipments=factories.shipments(FIRST | {"arrival_date": DAY + timedelta(2)}), outcomes=found)

    assert counts(track, "shipments", "exams") == [[0, 0, 0, 1, 1, 1, 1, 1]] * 2


# Post-entry ---------------------------------------------------------------------------------------------------


def test_an_event_counts_from_the_later_of_its_word_and_its_shipment():
    events = factories.post_entry(
        ASKED | {"known_at": noon(DAY, -3)}, ASKED | {"event": "protest", "known_at": noon(DAY, 2)}
    )
    track = record(shipments=factories.shipments(FIRST), post_entry=events)

    assert counts(track, "cf28", "protests", "claimed_cents") == [
        [0, *[1] * 7],
        [0, 0, 0, 1, 1, 1, 1, 1],
        [0, *[3_000] * 7],  # a protest claims nothing
    ]


def test_an_event_withdrawn_is_gone_and_one_closed_stays_as_old_as_it_is():
    events = factories.post_entry(
        ASKED | {"known_at": noon(DAY, 0)},
        ASKED | {"known_at": noon(DAY, 3), "status": "withdrawn"},
        ASKED | {"event": "cf29", "known_at": noon(DAY, 0)},
        ASKED | {"event": "cf29", "known_at": noon(DAY, 3), "status": "closed"},
    )
    track = record(shipments=factories.shipments(FIRST), post_entry=events)

    assert counts(track, "cf28", "cf29") == [[0, 1, 1, 1, 0, 0, 0, 0], [0, *[1] * 7]]
    assert track.recent("cf28", 365)[4:].tolist() == [0] * 4
    assert track.recent("cf29", 365)[7] == pytest.approx(0.5 ** (7 / 365), rel=1e-12)


def test_events_of_a_deleted_bill_are_gone():
    rows = factories.shipments(FIRST, DELETED | {"filed_at": noon(DAY, 2)})
    track = record(shipments=rows, post_entry=factories.post_entry(ASKED | {"known_at": noon(DAY, 0)}))

    assert counts(track, "cf28", "claimed_cents") == [[0, 1, 1, 0, 0, 0, 0, 0], [0, 3_000, 3_000, 0, 0, 0, 0, 0]]


# Reading a part -----------------------------------------------------------------------------------------------


def test_days_read_one_by_one_tell_what_all_of_them_tell():
    tables = {
        "shipments": factories.shipments(
            FIRST, SECOND | {"filed_at": noon(DAY, 3)}, DELETED | {"filed_at": noon(DAY, 5)}, {"shipment_id": "S1"}
        ),
        "outcomes": factories.outcomes(FOUND | {"known_at": noon(DAY, 1)}, FOUND | {"shipment_id": "S1"}),
        "post_entry": factories.post_entry(ASKED | {"known_at": noon(DAY, 4)}),
    }
    for account in ("traffic", "findings", "post_entry"):
        parts = []
        for n in range(-1, 8):
            window = (DAY + timedelta(n - 1), DAY + timedelta(n))
            found = booked(facts_of(window, **tables), account)
            assert {day for day, _, _ in found} <= {n}
            parts += found
        assert sorted(parts) == booked(facts_of(**tables), account)


def test_a_kind_may_be_named_by_any_text_column_of_shipments():
    kind = EntityKind("bond", ("bond_type", "duty_regime"), "bond and regime")
    facts = facts_of(kinds=(kind,), shipments=factories.shipments({"bond_type": "8", "duty_regime": "C1"}))

    assert {name: column.values.to_pylist() for name, column in facts["traffic"].keys.items()} == {
        "bond_type": ["8"],
        "duty_regime": ["C1"],
    }


@pytest.mark.parametrize("column", ["value_usd", "nonsense", "row_digest"])
def test_a_kind_named_by_what_is_no_text_column_is_refused(column):
    with pytest.raises(ConfigError, match=rf"'{column}' can name no entity: entity kind 'mine'. Hint: use a text"):
        facts_of(kinds=(EntityKind("mine", (column,), "mine"),))
