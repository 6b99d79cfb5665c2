"""The subtle rules of history, one small and readable case each: worked out by hand, told by oracle and log alike."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from riskscore.frames import as_frame
from riskscore.ledger import live_on
from riskscore.pipelines.past import Past
from tests import factories
from tests.factories import DAY, append_rows, noon, opened
from tests.history.answers import answers, differing, expected
from tests.history.entities import first_number, wording
from tests.history.oracle import Oracle

if TYPE_CHECKING:
    from tests.factories import Row
    from tests.history.answers import Question

PLAIN = {
    "importer_id": "I1",
    "importer_name": "Zenith Imports Inc",
    "importer_address": "12 Harbor Rd, Long Beach CA 90802",
    "shipper_id": "H1",
    "consignee_id": "C1",
    "filer_id": "F1",
    "hts": "851712",
    "origin_country": "CN",
    "value_usd": 100.0,
    "weight_kg": 10.0,
}
NEVER_SEEN = {"importer_id": "I9", "shipper_id": "H9", "consignee_id": "C9", "importer_address": None}


def shipment(name: str, days: int, **stated: Any) -> Row:
    """A shipment like all others here, arriving `days` after DAY, but for what is stated."""
    return PLAIN | {"shipment_id": name, "arrival_date": DAY + timedelta(days)} | stated


def amended(row: Row, days: int, **stated: Any) -> Row:
    """The next version of a shipment, filed `days` after DAY."""
    version = row.get("version", 0) + 1
    return row | {"version": version, "action": "amended", "filed_at": noon(DAY, days)} | stated


def exam(name: str, days: int, result: str = "seized", **stated: Any) -> Row:
    """What an exam of a shipment found, known `days` after DAY."""
    return {"shipment_id": name, "result": result, "known_at": noon(DAY, days)} | stated


def event(name: str, days: int, of: str = "cf28", **stated: Any) -> Row:
    """Something that became of a shipment's entry, known `days` after DAY."""
    return {"shipment_id": name, "event": of, "known_at": noon(DAY, days)} | stated


def told(
    shipments: list[Row], outcomes: list[Row] = (), post_entry: list[Row] = (), today: Row = PLAIN, days: int = 0
) -> dict[Question, Any]:
    """What is known of a shipment `today` on the morning of the day `days` after DAY; log and oracle agree on it."""
    asked = today | {"shipment_id": "today", "arrival_date": DAY + timedelta(days)}
    tables = {
        "shipments": factories.shipments(*shipments, asked),
        "outcomes": factories.outcomes(*outcomes),
        "post_entry": factories.post_entry(*post_entry),
    }
    with opened() as (workspace, ledger):
        append_rows(workspace, ledger, **tables)
        live = as_frame(live_on(ledger.connection, asked["arrival_date"], ledger.position), index="shipment_id")
        live = live[live["action"] != "deleted"]
        history = Past(workspace, ledger).of_morning(live, asked["arrival_date"], ledger.position)
    at = list(live.index).index("today")
    found = {question: values[at] for question, values in answers(history).items()}
    oracle = Oracle(workspace.config.zone, **{name: list(rows) for name, rows in tables.items()})
    assert differing(found, expected(oracle.live_on(asked["arrival_date"])["today"], oracle)) == {}
    return found


# When a fact counts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known", "hits"), [(-3, 1), (-1, 1), (0, 0), (5, 0)])
def test_an_outcome_counts_from_the_morning_after_it_is_known(known, hits):
    found = told([shipment("S1", -10)], [exam("S1", known)])

    assert (found["importer", "hits"], found["importer", "exams"]) == (hits, hits)
    assert found["importer", "days since last hit"] == (-known if hits else None)
    assert found["importer", "hits", 90] == pytest.approx(2 ** (known / 90) if hits else 0)


def test_an_outcome_known_before_its_shipment_is_history_waits_for_it():
    early = [exam("S1", -30)]

    assert told([shipment("S1", 0)], early)["importer", "hits"] == 0
    found = told([shipment("S1", -2)], early)
    assert (found["importer", "hits"], found["importer", "days since last hit"]) == (1, 2)


def test_a_shipment_filed_after_its_arrival_is_history_after_its_filing():
    late = shipment("S1", -10, filed_at=noon(DAY, -3))

    found = told([late, shipment("S2", -10, filed_at=noon(DAY, 0))])

    assert (found["importer", "shipments"], found["importer", "days since first"]) == (1, 3)


# What stands --------------------------------------------------------------------------------------------------


def test_a_corrected_outcome_is_gone_at_every_age():
    words = [exam("S1", -9), exam("S1", -3, "released_no_discrepancy")]

    found = told([shipment("S1", -400)], words)

    assert (found["importer", "exams"], found["importer", "hits"], found["importer", "seizures"]) == (1, 0, 0)
    assert found["importer", "hits", 90] == found["importer", "hits", 365] == 0
    assert found["importer", "days since last hit"] is None


def test_a_deleted_bill_takes_all_that_stood_on_it_along_but_was_filed():
    gone = amended(shipment("S1", -10), -2, action="deleted")

    found = told([shipment("S1", -10), gone], [exam("S1", -5)], [event("S1", -5)])

    counts = {m: found["importer", m] for m in ("shipments", "value_cents", "exams", "hits", "cf28", "deletions")}
    assert counts == {"shipments": 0, "value_cents": 0, "exams": 0, "hits": 0, "cf28": 0, "deletions": 1}
    assert {found["importer", m, hl] for m, hl in (("shipments", 7), ("hits", 90), ("cf28", 365))} == {0}
    assert (found["importer", "days since first"], found["importer", "days since last"]) == (10, 10)
    assert found["importer", "fan", "importer_x_shipper"] == 1


def test_a_bill_that_was_deleted_and_filed_again_stands_with_what_was_found():
    first = shipment("S1", -10)
    gone = amended(first, -6, action="deleted")
    again = amended(gone, -2, action="new")

    found = told([first, gone, again], [exam("S1", -8)])

    assert (found["importer", "shipments"], found["importer", "deletions"], found["importer", "hits"]) == (1, 1, 1)
    assert (found["importer", "days since first"], found["importer", "days since last"]) == (10, 2)


def test_an_amendment_takes_the_place_of_what_it_amends():
    first = shipment("S1", -10)

    found = told([first, amended(first, -4, value_usd=250.0, weight_kg=None)])

    counts = [found["importer", m] for m in ("shipments", "value_cents", "weight_g", "amendments", "deletions")]
    assert counts == [1, 25_000, 0, 1, 0]
    assert found["importer", "shipments", 7] == pytest.approx(2 ** (-4 / 7))


def test_an_amendment_moves_a_shipment_and_its_hits_to_another_importer():
    first = shipment("S1", -10, importer_id="I2")
    log = [first, amended(first, -4, importer_id="I1")]

    new, old = told(log, [exam("S1", -8)]), told(log, [exam("S1", -8)], today=PLAIN | {"importer_id": "I2"})

    assert (new["importer", "shipments"], new["importer", "hits"], new["importer", "days since first"]) == (1, 1, 4)
    assert (old["importer", "shipments"], old["importer", "hits"], old["importer", "days since first"]) == (0, 0, 10)
    assert (old["importer", "shipments", 365], old["importer", "hits", 365]) == (0, 0)


def test_a_hit_does_not_grow_young_when_its_shipment_is_amended_or_examined_again():
    first = shipment("S1", -300)
    words = [exam("S1", -200), exam("S1", -5, "released_no_discrepancy", exam_type="nii")]

    found = told([first, amended(first, -10, weight_kg=11.0)], words)

    assert found["importer", "hits", 365] == pytest.approx(2 ** (-200 / 365))
    assert found["importer", "days since last hit"] == 200


def test_a_moved_arrival_is_history_after_the_arrival_it_was_moved_to():
    first = shipment("S1", 3, filed_at=noon(DAY, -9))
    log = [first, amended(first, -8, arrival_date=DAY - timedelta(2))]

    assert told(log)["importer", "days since first"] == 2
    assert told([*log, amended(log[1], -7, arrival_date=DAY + timedelta(5))])["importer", "days since first"] == 2
    assert told([*log, amended(log[1], -7, arrival_date=DAY + timedelta(5))])["importer", "amendments"] == 1


def test_of_one_version_filed_twice_the_later_filing_stands():
    first = shipment("S1", -10, filed_at=noon(DAY, -12))

    found = told([first, first | {"filed_at": noon(DAY, -11), "value_usd": 7.0}])

    assert (found["importer", "shipments"], found["importer", "value_cents"]) == (1, 700)


# What is counted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "hits", "minor", "seizures"),
    [
        (["released_with_discrepancy"], 1, 1, 0),
        (["released_with_discrepancy", "released_no_discrepancy"], 1, 1, 0),
        (["released_with_discrepancy", "seized"], 1, 0, 1),
        (["released_no_discrepancy"], 0, 0, 0),
        (["detained"], 0, 0, 0),
        (["seized", "cargo_never_arrived"], 0, 0, 0),
    ],
)
def test_a_shipment_has_one_verdict(results, hits, minor, seizures):
    exams = ("intensive", "nii")
    words = [exam("S1", -5, result, exam_type=of) for result, of in zip(results, exams, strict=False)]

    found = told([shipment("S1", -10)], words)

    assert [found["importer", m] for m in ("hits", "minor_hits", "seizures")] == [hits, minor, seizures]


def test_a_hit_counts_once_for_each_hazard_it_names():
    words = [
        exam("S1", -5, hazard="ipr"),
        exam("S1", -5, hazard="agriculture"),
        exam("S1", -4, hazard="ipr", exam_type="nii"),
        exam("S1", -4, "released_no_discrepancy", hazard="adcvd_evasion"),
        exam("S2", -4, hazard=None),
    ]

    found = told([shipment("S1", -10), shipment("S2", -10)], words)

    assert (found["importer", "hits"], found["importer", "hits_ipr"], found["importer", "hits_agriculture"]) == (
        2,
        1,
        1,
    )
    assert found["importer", "hits_adcvd_evasion"] == found["importer", "hits_narcotics"] == 0


def test_the_last_word_on_an_event_after_release_counts():
    events = [
        event("S1", -9, amount_usd=10.0),
        event("S1", -5, amount_usd=25.5, status="closed"),
        event("S1", -5, "cf29", amount_usd=100.0, status=None),
        event("S1", -4, "protest", amount_usd=1000.0),
        event("S1", -4, "protest", amount_usd=1000.0, event_date=DAY - timedelta(9)),
        event("S1", -3, "protest", status="withdrawn", event_date=DAY - timedelta(9)),
        event("S1", -4, "post_summary_correction", amount_usd=1000.0),
        event("S1", 0, "cf29", event_date=DAY - timedelta(1)),
    ]

    found = told([shipment("S1", -10)], post_entry=events)

    counts = [found["importer", m] for m in ("cf28", "cf29", "protests", "corrections", "claimed_cents")]
    assert counts == [1, 1, 1, 1, 12_550]
    assert found["importer", "cf29", 365] == pytest.approx(2 ** (-5 / 365))


# Others -------------------------------------------------------------------------------------------------------


def test_a_fan_counts_the_pairs_that_were_filed_withdrawn_later_or_not():
    log = [shipment("S1", -9), shipment("S2", -9, shipper_id="H2"), shipment("S3", -9, shipper_id=None)]
    log += [amended(log[1], -5, action="deleted"), shipment("S4", 0, shipper_id="H3"), shipment("S5", -9)]

    found = told(log)

    assert found["importer", "fan", "importer_x_shipper"] == 2
    assert told(log, today=PLAIN | NEVER_SEEN)["importer", "fan", "importer_x_shipper"] == 0
    assert told(log, today=PLAIN | {"importer_id": None})["importer", "fan", "importer_x_shipper"] is None


def test_exposure_leaves_ones_own_business_out():
    log = [
        shipment("S1", -9),
        shipment("S2", -9, importer_id="I2", consignee_id="C2"),
        shipment("S3", -9, shipper_id="H2"),
        shipment("S4", -9, importer_id="I2", shipper_id="H3"),
    ]
    words = [exam(name, -5) for name in ("S1", "S2", "S3", "S4")]

    found = told(log, words)

    # H1 and H2 are its shippers: one hit of H1 with another importer, none of H2's; H3 is a stranger.
    figures = [found["exposure", "importer_via_shipper", f] for f in ("partners", "offenders", "hits", "exams")]
    assert figures == [2, 1, 1, 1]
    assert found["exposure", "consignee_via_shipper", "hits"] == 1
    stranger = told(log, words, today=PLAIN | NEVER_SEEN)
    assert stranger["exposure", "importer_via_shipper", "partners"] == 0
    assert stranger["exposure", "importer_via_place", "hits"] == 0


def test_the_look_alikes_of_a_new_shell_are_known_on_its_first_day():
    log = [shipment("S1", -9), shipment("S2", -9, importer_name="Acme Trading", importer_address="1 Elm St, Reno NV")]
    shell = PLAIN | {"importer_id": "I9", "importer_name": "Zenit Import Co"}

    found = told(log, [exam("S1", -5), exam("S2", -5)], today=shell)

    figures = [found["exposure", "importer_lookalikes", f] for f in ("partners", "offenders", "hits", "exams")]
    assert figures == [1, 1, 1, 1]
    assert told(log)["exposure", "importer_lookalikes", "partners"] == 0


def test_a_batch_is_what_was_filed_before_the_cut_off_and_stands():
    log = [
        shipment("S1", 0, value_usd=30.5),
        shipment("S2", 0, value_usd=None),
        shipment("S3", 0, filed_at=noon(DAY, 0)),
        shipment("S4", 0, filed_at=None, value_usd=1.0),
        shipment("S5", -1),
        shipment("S6", 0, importer_id="I2"),
        shipment("S7", 0),
        amended(shipment("S7", 0), -1, action="deleted"),
    ]

    found = told(log)

    # S1, S2, S4 and the shipment itself, of 100 USD.
    figures = [found["batch", "importer", f] for f in ("shipments", "value_usd", "highest_value_usd")]
    assert figures == [4, 131.5, 100]
    assert found["importer", "shipments"] == 1


def test_peers_are_compared_bin_by_bin():
    # Bins are a quarter octave from 2^-12: 1 USD/kg opens bin 48, 2 bin 52, 4 bin 56, 8 bin 60.
    log = [shipment(f"S{n}", -9, value_usd=10.0 * per_kg) for n, per_kg in enumerate((1, 2, 4, 8))]
    log += [
        shipment("none", -9, weight_kg=0.0),
        shipment("gone", -9),
        amended(shipment("gone", -9), -5, action="deleted"),
    ]

    found = told(log, today=PLAIN | {"value_usd": 45.0})

    figures = [found["peers", "hs6_x_origin", "value_per_kg", f] for f in ("peers", "below", "median", "spread")]
    # Below: 1 and 2, and half of 4, which shares the bin of 4.5. Median 2, quartiles 1 and 4.
    assert figures == [4, 2.5 / 4, pytest.approx(2 ** (1 + 1 / 8)), pytest.approx(2)]


def test_keys_are_read_from_texts():
    assert first_number(" ; csqu 305438-3;MSKU1") == "CSQU3054383"
    assert first_number(";-; ;") is None
    assert wording("Cell\u00fblar TELEPHONES, the cellular x2") == "cellular telephones the"
    assert wording("a b 12") is None
