"""A mistyped known time is refused; what is late, old or simulated is not; and every row is still accounted for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskscore.pipelines import promotion_evidence
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.refusals import LATEST_KNOWN_DAYS, refusals
from riskscore.tables import INGESTED
from tests.factories import (
    DAY,
    accepted,
    make_workspace,
    noon,
    opened,
    outcomes,
    post_entry,
    reviews,
    shipments,
    traders,
)
from tests.pipelines.recommended import recommend

FEEDS = {"manifest": shipments, "traders": traders, "outcomes": outcomes, "post-entry": post_entry, "reviews": reviews}
EVENT_DAYS = {"manifest": "arrival_date", "traders": "valid_from", "outcomes": "exam_date", "post-entry": "event_date",
              "reviews": "run_date"}  # fmt: skip
KNOWN = dict.fromkeys(FEEDS, "known_at") | {"manifest": "filed_at"}
KEYS = dict.fromkeys(FEEDS, "shipment_id") | {"traders": "trader_id"}
MISTYPED = datetime(2062, 3, 5, 8)  # noqa: DTZ001 - UTC throughout
TODAY = datetime.now(UTC).date()
SPAN = timedelta(LATEST_KNOWN_DAYS)


@pytest.fixture
def workspace(tmp_path):
    return make_workspace(tmp_path / "ws")


def take(workspace, tmp_path, feed, *rows):
    """Ingest rows of K0, K1, ...; what became of them."""
    made = FEEDS[feed](*[{KEYS[feed]: f"K{n}"} | row for n, row in enumerate(rows)])
    pq.write_table(pa.Table.from_pylist(made), tmp_path / "feed.parquet")
    if feed == "reviews":
        with workspace.writing() as ledger:
            for day in {row["run_date"] for row in made}:
                recommend(ledger, day, {row["shipment_id"]: None for row in made})
    [result] = ingest(workspace, feed, [tmp_path / "feed.parquet"])
    assert result.read == len(rows) == result.accepted + result.quarantined + result.superseded + result.duplicate
    return result


@pytest.mark.parametrize("feed", FEEDS)
def test_a_mistyped_year_is_quarantined_and_the_others_are_not(workspace, tmp_path, feed):
    result = take(workspace, tmp_path, feed, {}, {KNOWN[feed]: MISTYPED}, {})
    assert (result.accepted, result.quarantined) == (2, 1)
    word = "any valid_from" if feed == "traders" else EVENT_DAYS[feed]
    assert list(result.reasons) == [f"{KNOWN[feed]}: expected at most 366 days after {word} while it is still to come"]
    with workspace.ledger(read_only=True) as ledger:
        kept = ledger.connection.execute("SELECT row_number, reasons[1], raw FROM quarantine").fetchall()
    assert [row[0] for row in kept] == [2]
    assert kept[0][1].endswith("got '2062-03-05 08:00:00'")
    assert "2062-03-05" in kept[0][2]
    assert take(workspace, tmp_path, feed, {}, {KNOWN[feed]: MISTYPED}, {}).duplicate == 2
    with workspace.ledger(read_only=True) as ledger:
        assert ledger.connection.execute("SELECT count(*) FROM quarantine").fetchone() == (1,)


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(
    ("event", "known"),
    [
        (date(2012, 5, 1), datetime(2019, 5, 1)),  # noqa: DTZ001 - old facts, known years late
        (date(2012, 5, 1), datetime.combine(TODAY - timedelta(1), time())),  # old facts, known yesterday
        (date(2060, 1, 1), datetime(2060, 4, 1)),  # noqa: DTZ001 - a simulated country ahead of the clock
        (TODAY, datetime.combine(TODAY + SPAN, time())),  # the last moment that is believed
    ],
)
def test_what_is_late_old_or_simulated_is_kept(workspace, tmp_path, feed, event, known):
    assert take(workspace, tmp_path, feed, {EVENT_DAYS[feed]: event, KNOWN[feed]: known}).accepted == 1


@pytest.mark.parametrize("feed", FEEDS)
def test_a_second_later_is_not(workspace, tmp_path, feed):
    known = datetime.combine(TODAY + SPAN, time(0, 0, 1))
    assert take(workspace, tmp_path, feed, {EVENT_DAYS[feed]: TODAY, KNOWN[feed]: known}).quarantined == 1


def test_a_status_that_began_long_ago_may_end_in_a_simulated_year(workspace, tmp_path):
    """The closing of a status is known when the next one begins, which may be years after its own beginning."""
    old, new = date(2050, 1, 1), date(2060, 1, 1)
    closing = {"valid_from": old, "valid_to": new - timedelta(1), "known_at": noon(new)}
    assert take(workspace, tmp_path, "traders", closing, {"valid_from": new, "known_at": noon(new)}).accepted == 2
    assert take(workspace, tmp_path, "traders", closing | {"trader_id": "K9"}).quarantined == 1


def test_what_is_believed_does_not_depend_on_the_order_of_the_rows():
    rows = [row for n in range(6) for row in outcomes({"shipment_id": f"K{n}", "known_at": noon(DAY, n * 10_000)})]
    with opened() as (_, ledger), ledger.transaction("test") as transaction:
        found = [refusals(transaction, INGESTED["outcomes"], accepted(INGESTED["outcomes"], some))
                 for some in (rows, rows[::-1])]  # fmt: skip
    assert sorted(found[0]) == [1, 2, 3, 4, 5]
    assert sorted(5 - row for row in found[1]) == sorted(found[0])


def test_the_last_day_reached_and_the_mornings_of_the_evidence_do_not_move(country, tmp_path):
    """The plant: one result and one status of 2062 in files of good ones."""
    reached = {}
    for name, known in (("good", noon(country.day)), ("bad", MISTYPED)):
        copy = country.copy(tmp_path / name)
        plain = {"shipment_id": "PLANT", "exam_date": country.day - timedelta(1), "known_at": noon(country.day, -1)}
        good, bad = outcomes(plain), outcomes(plain | {"known_at": known, "shipment_id": "PLANT2"})
        pq.write_table(pa.Table.from_pylist(good + bad), tmp_path / "planted.parquet")
        assert ingest(copy, "outcomes", [tmp_path / "planted.parquet"])[0].quarantined == (name == "bad")
        with copy.ledger(read_only=True) as ledger:
            evidence = promotion_evidence.Gatherer(copy, ledger)
            reached[name] = (ledger.last_arrival(), ledger.last_outcome(), evidence._until())
    assert reached["bad"] == reached["good"]
    assert max(reached["bad"]) < MISTYPED.date()
