"""What the log says of a morning, against loops over its rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.ledger import live_on, outcomes_known, read_mornings, statuses_on
from riskscore.tables import OUTCOMES, SHIPMENTS, TRADERS
from tests import factories
from tests.factories import DAY, append_rows, noon, opened
from tests.history.worlds import END, MORNINGS, QUICK, World, worlds

if TYPE_CHECKING:
    from riskscore.ledger import Ledger
    from tests.history.entities import Row

DAYS = (*MORNINGS[1::2], END)


def rows_of(table: pa.Table, names: tuple[str, ...]) -> list[Row]:
    return table.select(names).to_pylist()


def as_logged(row: Row) -> Row:
    """A shipments row with what null means made plain."""
    return row | {"version": row["version"] or 0, "action": row["action"] or "new"}


def reads(ledger: Ledger, world: World, position: int) -> dict[str, object]:
    """Every view of the log, at a ledger position."""
    connection = ledger.connection
    found: dict[str, object] = {f"live {day}": live_on(connection, day, position) for day in DAYS}
    found |= {f"known {day}": outcomes_known(connection, day, position) for day in DAYS}
    ids = pa.array(sorted({row["shipment_id"] for row in world.shipments}), pa.string())
    found |= {f"mornings {day}": read_mornings(connection, ids, day, position) for day in DAYS}
    found["statuses"] = statuses_on(connection, *asked_statuses(), position).to_csv()
    return found


def asked_statuses() -> tuple[pd.Series, pd.Series]:
    pairs = [(trader, day) for trader in ("I0", "I1", "H0", "nobody", None) for day in DAYS]
    index = pd.Index([f"row {n}" for n in range(len(pairs))])
    return (pd.Series([trader for trader, _ in pairs], index, dtype="str"), pd.Series([day for _, day in pairs], index))


@QUICK
@given(worlds())
def test_every_view_equals_a_loop_over_the_rows(world):
    oracle = world.oracle
    with opened(world.timezone) as (workspace, ledger):
        append_rows(workspace, ledger, **world.tables)
        found = reads(ledger, world, ledger.position)
        statuses = statuses_on(ledger.connection, *asked_statuses(), ledger.position)

    for day in DAYS:
        live = [as_logged(row) for _, row in sorted(oracle.live_on(day).items())]
        assert rows_of(found[f"live {day}"], SHIPMENTS.names) == live
        last = [oracle.last_morning(name, day) for name in oracle.shipment_ids]
        assert rows_of(found[f"mornings {day}"], SHIPMENTS.names) == [as_logged(row) for row in last if row]
        known = rows_of(found[f"known {day}"], OUTCOMES.names)
        assert sorted(known, key=repr) == sorted(oracle.outcomes_known(day), key=repr)
    check_statuses(statuses, oracle)


def check_statuses(statuses: pd.DataFrame, oracle) -> None:
    traders, days = asked_statuses()
    assert list(statuses.index) == list(traders.index)
    for name, trader, day in zip(traders.index, traders, days, strict=True):
        row = statuses.loc[name]
        expected = oracle.status(trader, day) or dict.fromkeys(TRADERS.names)
        assert {c: None if pd.isna(row[c]) else row[c] for c in TRADERS.names} == expected


@settings(QUICK, max_examples=4)
@given(worlds(), st.randoms(use_true_random=False))
def test_commands_and_order_do_not_matter_and_a_position_never_sees_later_rows(world, random):
    first, second = world.dealt(random)
    with opened(world.timezone) as (workspace, ledger):
        append_rows(workspace, ledger, **world.tables)
        at_once = reads(ledger, world, ledger.position)
    with opened(world.timezone) as (workspace, ledger):
        append_rows(workspace, ledger, **first.tables)
        before = reads(ledger, world, ledger.position)
        append_rows(workspace, ledger, **second.tables)

        assert reads(ledger, world, 2) == at_once
        assert reads(ledger, world, 1) == before


@pytest.mark.parametrize(
    ("timezone", "filed_at", "live"),
    [
        ("UTC", "2026-03-01T23:59:59.999999", True),
        ("UTC", "2026-03-02T00:00:00", False),
        # Midnight in Seoul is 15:00 UTC the day before, in New York 05:00 UTC the same day.
        ("Asia/Seoul", "2026-03-01T14:59:59.999999", True),
        ("Asia/Seoul", "2026-03-01T15:00:00", False),
        ("Asia/Seoul", "2026-03-01T20:00:00", False),
        ("America/New_York", "2026-03-02T04:59:59.999999", True),
        ("America/New_York", "2026-03-02T05:00:00", False),
    ],
)
def test_the_cut_off_is_midnight_of_the_workspace(timezone, filed_at, live):
    with opened(timezone) as (workspace, ledger):
        append_rows(workspace, ledger, shipments=factories.shipments({"filed_at": datetime.fromisoformat(filed_at)}))

        assert live_on(ledger.connection, DAY, ledger.position).num_rows == live


def test_the_cut_off_moves_with_daylight_saving():
    # New York sprang forward on 2026-03-08: midnight was 05:00 UTC that day, and 04:00 UTC on the next.
    day = date(2026, 3, 9)
    filings = [datetime.fromisoformat(filed_at) for filed_at in ("2026-03-09T03:59", "2026-03-09T04:00")]
    rows = factories.shipments(*({"arrival_date": day, "filed_at": filed_at} for filed_at in filings))
    with opened("America/New_York") as (workspace, ledger):
        append_rows(workspace, ledger, shipments=rows)

        assert live_on(ledger.connection, day, ledger.position)["shipment_id"].to_pylist() == ["S0"]


def test_a_row_without_a_filing_time_was_filed_in_time_for_its_own_arrival():
    moved = {"shipment_id": "S0", "version": 1, "filed_at": None, "arrival_date": DAY + timedelta(3)}
    rows = factories.shipments({"filed_at": None}, moved)
    with opened() as (workspace, ledger):
        append_rows(workspace, ledger, shipments=rows)
        mornings = [live_on(ledger.connection, DAY + timedelta(n), ledger.position) for n in range(4)]

    assert [table["version"].to_pylist() for table in mornings] == [[0], [], [], [1]]


def test_a_deletion_stands_on_its_morning_and_leaves_the_labels():
    ids = pa.array(["S0", "S1"])
    gone = {"shipment_id": "S0", "version": 1, "action": "deleted", "filed_at": noon(DAY, 2)}
    in_time = {"shipment_id": "S1", "version": 1, "action": "deleted", "filed_at": noon(DAY, -1)}
    with opened() as (workspace, ledger):
        append_rows(workspace, ledger, shipments=factories.shipments({}, {"shipment_id": "S1"}, gone, in_time))
        standing = live_on(ledger.connection, DAY, ledger.position)
        before = read_mornings(ledger.connection, ids, DAY + timedelta(2), ledger.position)
        after = read_mornings(ledger.connection, ids, DAY + timedelta(3), ledger.position)

    assert list(zip(*standing.select(["shipment_id", "action"]).to_pydict().values(), strict=True)) == [
        ("S0", "new"),
        ("S1", "deleted"),
    ]
    assert before["shipment_id"].to_pylist() == ["S0"]
    assert after["shipment_id"].to_pylist() == []


def test_a_deletion_that_also_moves_the_arrival_is_known_when_it_is_filed():
    gone = {
        "shipment_id": "S0",
        "version": 1,
        "action": "deleted",
        "filed_at": noon(DAY, 1),
        "arrival_date": DAY + timedelta(30),
    }
    with opened() as (workspace, ledger):
        append_rows(workspace, ledger, shipments=factories.shipments({}, gone))
        labelled = read_mornings(ledger.connection, pa.array(["S0"]), DAY + timedelta(5), ledger.position)

    assert labelled["shipment_id"].to_pylist() == []
