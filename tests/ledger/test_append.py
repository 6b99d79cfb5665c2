"""What becomes of appended rows: held against a naive account, and independent of order and of files."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.errors import ConfigError, LockedError, RiskscoreError, WorkspaceError
from riskscore.ledger import Ledger, append, live_on, outcomes_known
from riskscore.tables import OUTCOMES, SHIPMENTS, TRADERS
from riskscore.workspace import Workspace
from tests.factories import (
    DAY,
    accepted,
    append_rows,
    make_workspace,
    noon,
    opened,
    outcomes,
    post_entry,
    shipments,
    traders,
)

ROOT = Path(__file__).parents[2]
PLAIN = {"shipments": shipments({})[0], "outcomes": outcomes({})[0], "traders": traders({})[0],
         "post_entry": post_entry({})[0]}  # fmt: skip
CHANGED = {"outcomes": {"amount_usd": 77.0}, "traders": {"name": "other"}, "post_entry": {"status": "closed"}}


def shipment(**given):
    return PLAIN["shipments"] | {"shipment_id": "S0"} | given


def log(ledger, table):
    columns = ", ".join(table.names)
    return sorted(map(str, ledger.connection.execute(f"SELECT {columns} FROM {table.name}_log").fetchall()))


# A naive account of the contract.


def as_meant(row):
    return row | {"version": row["version"] or 0, "action": row["action"] or "new"}


def naive(held, rows):
    """Fates of shipments rows, given the rows of earlier commands, and what the log then holds."""

    def content(row):
        return tuple(sorted((k, str(v)) for k, v in as_meant(row).items()))

    def fact(row):
        return (row["shipment_id"], as_meant(row)["version"], row["filed_at"])

    known = {content(row): row for row in held}
    facts = {fact(row) for row in held}
    variants = {}
    for row in rows:
        variants.setdefault(fact(row), set()).add(content(row))
    seen, found, log = set(), [], list(held)
    for row in rows:
        if content(row) in known:
            fate = "duplicate"
        elif fact(row) in facts or len(variants[fact(row)]) > 1:
            fate = "conflict"
        elif content(row) in seen:
            fate = "duplicate"
        else:
            fate = "new"
            log.append(row)
        seen.add(content(row))
        found.append(fate)
    order = {}
    for row in log:
        rank = (as_meant(row)["version"], row["filed_at"] or datetime.min)  # noqa: DTZ901
        order[row["shipment_id"]] = max(order.get(row["shipment_id"], rank), rank)
    late = [
        "superseded"
        if fate == "new" and (as_meant(row)["version"], row["filed_at"] or datetime.min) < order[row["shipment_id"]]  # noqa: DTZ901
        else fate
        for row, fate in zip(rows, found, strict=True)
    ]
    return late, log


ROWS = st.builds(
    shipment,
    shipment_id=st.sampled_from(["S0", "S1"]),
    version=st.sampled_from([None, 0, 1]),
    action=st.sampled_from([None, "new", "amended"]),
    filed_at=st.sampled_from([None, noon(DAY, -2), noon(DAY, 1)]),
    value_usd=st.sampled_from([1.0, 2.0]),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(ROWS, max_size=5), st.lists(ROWS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_fates_are_those_of_the_naive_account_in_any_order(before, rows, shuffler):
    shuffled = list(rows)
    shuffler.shuffle(shuffled)
    held = naive([], before)[1]
    logs = []
    for batch in (rows, shuffled):
        with opened() as (workspace, ledger):
            append_rows(workspace, ledger, shipments=before)
            found = append_rows(workspace, ledger, shipments=batch)["shipments"]
            assert list(found.fates["fate"]) == naive(held, batch)[0]
            logs.append(log(ledger, SHIPMENTS))
    assert logs[0] == logs[1]


@settings(max_examples=6, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_same_rows_again_change_nothing(rows, shuffler):
    with opened() as (workspace, ledger):
        append_rows(workspace, ledger, shipments=rows)
        before, live = log(ledger, SHIPMENTS), live_on(ledger.connection, DAY, 10)
        shuffler.shuffle(rows)
        again = append_rows(workspace, ledger, shipments=rows)["shipments"]
        assert set(again.fates["fate"]) <= {"duplicate", "conflict"}
        assert log(ledger, SHIPMENTS) == before
        assert live_on(ledger.connection, DAY, 10).equals(live)


@pytest.fixture
def books(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    with workspace.ledger() as ledger:
        yield workspace, ledger


@pytest.mark.parametrize("table", CHANGED)
def test_a_row_without_known_time_is_the_same_row_when_it_comes_again(books, table):
    row = PLAIN[table] | {"known_at": None}
    assert append_rows(*books, **{table: [row]})[table].count("new") == 1
    assert append_rows(*books, **{table: [row]})[table].count("duplicate") == 1
    other = row | CHANGED[table]
    assert append_rows(*books, **{table: [other]})[table].count("new") == 1


def test_missing_known_time_is_the_time_of_ingestion(books):
    append_rows(*books, outcomes=[PLAIN["outcomes"] | {"known_at": None}])
    assert outcomes_known(books[1].connection, DAY, 1).num_rows == 0
    [(known, began)] = books[1].connection.execute("SELECT known_at, began_at FROM outcomes_log, commands").fetchall()
    assert known == began


@pytest.mark.parametrize("table", CHANGED)
def test_conflicts_within_one_command_and_against_the_ledger(books, table):
    first, second = PLAIN[table], PLAIN[table] | CHANGED[table]
    assert append_rows(*books, **{table: [first, second]})[table].count("conflict") == 2
    assert append_rows(*books, **{table: [first]})[table].count("new") == 1
    found = append_rows(*books, **{table: [second, first]})[table]
    assert list(found.fates["fate"]) == ["conflict", "duplicate"]
    assert "+".join(found.conflict_reason.split(" + ")).count("+") >= 1
    later = second | {"known_at": noon(DAY, 30)}
    assert append_rows(*books, **{table: [later]})[table].count("new") == 1


def test_null_version_is_zero_and_null_action_is_new(books):
    append_rows(*books, shipments=[shipment(version=None, action=None)])
    assert append_rows(*books, shipments=[shipment(version=0, action="new")])["shipments"].count("duplicate") == 1
    assert append_rows(*books, shipments=[shipment(version=0, value_usd=3.5)])["shipments"].count("conflict") == 1


@pytest.mark.parametrize(("arrivals", "filed", "known", "newest"), [
    ([0, 1, 2, 3], 1, None, 2), ([0, 1, 13_000], 1, None, 1), ([0, 1], None, None, 1), ([1, 13_000], 0, None, 1),
    ([0, 1, 2, 3, 4], 0, 2, 3), ([0, 1, 2, 3, 4], None, 2, 3),
])  # fmt: skip
def test_an_arrival_that_nothing_has_reached_yet_is_not_the_last(books, arrivals, filed, known, newest):
    rows = [shipment(shipment_id=f"S{n}", arrival_date=DAY + timedelta(n),
                     filed_at=None if filed is None else noon(DAY, min(n, filed))) for n in arrivals]  # fmt: skip
    words = [] if known is None else [PLAIN["outcomes"] | {"known_at": noon(DAY, known)}]
    append_rows(*books, shipments=rows, outcomes=words)
    assert books[1].last_arrival() == DAY + timedelta(newest)


def test_a_post_entry_event_reaches_a_day_too(books):
    assert books[1].last_arrival() is None
    rows = [shipment(shipment_id=f"S{n}", arrival_date=DAY + timedelta(n), filed_at=None) for n in range(4)]
    append_rows(*books, shipments=rows, post_entry=[PLAIN["post_entry"] | {"known_at": noon(DAY, 1)}])
    assert books[1].last_arrival() == DAY + timedelta(2)


def test_rows_lie_in_the_log_by_day(books):
    days = [3, 1, 2, 0, 1]
    append_rows(*books, shipments=[shipment(shipment_id=f"S{n}", arrival_date=DAY + timedelta(day))
                                   for n, day in enumerate(days)])  # fmt: skip
    found = books[1].connection.execute("SELECT history_day FROM shipments_log ORDER BY rowid").fetchall()
    assert [day for (day,) in found] == [DAY + timedelta(day) for day in sorted(days)]


def test_an_overtaken_version_is_superseded_and_kept(books):
    newer = shipment(version=2, action="amended", filed_at=noon(DAY, -1))
    append_rows(*books, shipments=[newer])
    found = append_rows(*books, shipments=[shipment(version=1, action="amended", filed_at=noon(DAY, -2)), shipment()])
    assert found["shipments"].count("superseded") == 2
    assert len(log(books[1], SHIPMENTS)) == 3
    assert live_on(books[1].connection, DAY, 9)["version"].to_pylist() == [2]


def test_outcomes_of_unknown_shipments_wait_for_them(books):
    workspace, ledger = books
    assert append_rows(workspace, ledger, outcomes=[PLAIN["outcomes"] | {"shipment_id": "LATER"}])["outcomes"].count(
        "new"
    )
    append_rows(workspace, ledger, shipments=[shipment(shipment_id="LATER")])
    joined = ledger.connection.execute(
        "SELECT result FROM outcomes_log JOIN shipments_log USING (shipment_id)"
    ).fetchall()
    assert joined == [("released_no_discrepancy",)]


@pytest.mark.parametrize(("timezone", "day"), [("UTC", 1), ("Asia/Seoul", 2), ("America/Los_Angeles", 1)])
def test_days_are_days_of_the_workspace(tmp_path, timezone, day):
    workspace = make_workspace(tmp_path / "ws", timezone)
    late = datetime(2026, 3, 1, 20)  # noqa: DTZ001 - UTC, as the tables say
    with workspace.ledger() as ledger:
        append_rows(workspace, ledger, shipments=[shipment(filed_at=late)],
                    outcomes=[PLAIN["outcomes"] | {"known_at": late}])  # fmt: skip
        days = ledger.connection.execute("SELECT filed_day, known_day FROM shipments_log, outcomes_log").fetchall()
    assert days == [(date(2026, 3, day),) * 2]


def test_the_cut_off_is_midnight_and_exclusive(books):
    rows = [shipment(shipment_id="before", filed_at=datetime(2026, 3, 1, 23, 59, 59, 999_999)),  # noqa: DTZ001
            shipment(shipment_id="at", filed_at=datetime(2026, 3, 2)), shipment(shipment_id="null", filed_at=None)]  # fmt: skip # noqa: DTZ001, E501
    append_rows(*books, shipments=rows)
    assert live_on(books[1].connection, DAY, 1)["shipment_id"].to_pylist() == ["before", "null"]


def append_and_fail(workspace, ledger):
    with ledger.transaction("test") as transaction:
        rows = accepted(SHIPMENTS, [shipment(shipment_id="S9")])
        append(transaction, SHIPMENTS, rows, workspace.config.zone)
        append(transaction, TRADERS, accepted(TRADERS, [PLAIN["traders"]]), workspace.config.zone)
        1 / 0  # noqa: B018


def test_an_exception_leaves_nothing(books):
    workspace, ledger = books
    append_rows(workspace, ledger, shipments=[shipment()])
    before = log(ledger, SHIPMENTS), ledger.position
    with pytest.raises(ZeroDivisionError, match="division"):
        append_and_fail(workspace, ledger)
    assert (log(ledger, SHIPMENTS), ledger.position) == before
    assert log(ledger, TRADERS) == []
    assert append_rows(workspace, ledger, shipments=[shipment(shipment_id="S9")])["shipments"].count("new") == 1
    assert ledger.position == before[1] + 1


def test_what_was_acknowledged_is_in_the_file_alone(books, tmp_path):
    workspace, ledger = books
    append_rows(workspace, ledger, shipments=[shipment()], outcomes=[PLAIN["outcomes"]])
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes((workspace.root / "ledger.duckdb").read_bytes())
    with Ledger(copy, read_only=True) as kept:
        assert kept.position == 1
        assert log(kept, SHIPMENTS) == log(ledger, SHIPMENTS)
        assert log(kept, OUTCOMES) == log(ledger, OUTCOMES)


def test_a_second_writer_is_refused_and_readers_read_or_are_told(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    with workspace.writing() as ledger:
        append_rows(workspace, ledger, shipments=[shipment()])
        with (
            pytest.raises(LockedError, match=r"another riskscore command.*ws"),
            Workspace.open(workspace.root).writing(),
        ):
            pass
        script = f"""
from pathlib import Path
from riskscore.errors import RiskscoreError, LockedError
from riskscore.workspace import Workspace
workspace = Workspace.open(Path({str(workspace.root)!r}))
try:
    with workspace.writing(): print("writing")
except LockedError: print("LockedError")
try:
    with workspace.ledger(read_only=True) as ledger: print(ledger.position)
except RiskscoreError as error: print(type(error).__name__)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                              env={"PYTHONPATH": str(ROOT)})  # fmt: skip
        first, second = done.stdout.split()
        assert first == "LockedError"
        assert second in {"1", "WorkspaceError", "LockedError"}
    with workspace.writing() as ledger:
        assert ledger.position == 1


def test_the_lock_is_given_back_after_an_error(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    with pytest.raises(ZeroDivisionError, match="division"), workspace.writing():
        1 / 0  # noqa: B018
    with workspace.writing() as ledger:
        assert ledger.position == 0


def test_another_time_zone_than_the_ledgers_is_refused(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    (workspace.root / "riskscore.toml").write_text('timezone = "Asia/Seoul"\n')
    with pytest.raises(ConfigError, match=r"Asia/Seoul.*UTC"), workspace.writing():
        pass


@pytest.mark.parametrize("damage", [b"", b"no database", None])
def test_a_damaged_ledger_is_a_typed_error(tmp_path, damage):
    workspace = make_workspace(tmp_path / "ws")
    path = workspace.root / "ledger.duckdb"
    path.write_bytes(path.read_bytes()[:5000] if damage is None else damage)
    with pytest.raises(WorkspaceError, match=r"ledger"):
        use(workspace)


def use(workspace):
    with workspace.ledger() as ledger:
        append_rows(workspace, ledger, shipments=[shipment()])
        log(ledger, SHIPMENTS)


def test_texts_that_look_like_separators_keep_rows_apart(books):
    rows = [shipment(shipment_id="A", importer_name="x", description="y\tz"),
            shipment(shipment_id="B", importer_name="x\ty", description="z"),
            shipment(shipment_id="C", importer_name=None, description=""),
            shipment(shipment_id="C", importer_name=None, description=None, filed_at=noon(DAY, -3))]  # fmt: skip
    assert append_rows(*books, shipments=rows)["shipments"].count("new") >= 3
    digests = books[1].connection.execute("SELECT count(DISTINCT row_digest) FROM shipments_log").fetchone()
    assert digests == (4,)


def test_many_rows_in_any_order_and_number_of_threads(tmp_path):
    rows = [shipment(shipment_id=f"S{n % 700}", version=n % 3, value_usd=float(n % 2)) for n in range(2500)]
    counts, logs = [], []
    for threads in (1, 2):
        random.Random(threads).shuffle(rows)  # noqa: S311
        workspace = make_workspace(tmp_path / f"ws{threads}")
        with Ledger(workspace.root / "ledger.duckdb", threads=threads) as ledger:
            found = append_rows(workspace, ledger, shipments=rows)["shipments"]
            counts.append(Counter(found.fates["fate"]))
            logs.append(log(ledger, SHIPMENTS))
    assert counts[0] == counts[1]
    assert logs[0] == logs[1]


def test_errors_have_one_root():
    for error in (LockedError, WorkspaceError, ConfigError):
        assert issubclass(error, RiskscoreError)
