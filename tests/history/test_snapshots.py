"""Snapshots are a cache: used when they may be, passed over when not, and no result ever depends on them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from riskscore import identity, reference
from riskscore.history import Arrivals, EntityKind, Replay, State, archive, read_facts
from riskscore.history.snapshots import Snapshot, is_usable, kept, latest_snapshot, save_snapshot, shape
from riskscore.history.windows import epoch_day
from tests import factories
from tests.factories import DAY, append_rows, make_workspace, noon, opened
from tests.history.folding import bits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from riskscore.ledger import Ledger
    from riskscore.workspace import Workspace

TODAY = DAY + timedelta(5)
YESTERDAY = TODAY - timedelta(1)
PAIR = "importer_x_shipper"
KINDS = (
    EntityKind("importer", ("importer_id",), "importer", fans=(PAIR,)),
    EntityKind(PAIR, ("importer_id", "shipper_id"), "pair"),
    EntityKind("importer_identity", ("importer_identity",), "identity"),
    EntityKind("goods", ("hs6", "origin_country", "port"), "three columns", peers=("value_per_kg",)),
)


@pytest.fixture
def books(tmp_path) -> Iterator[tuple[Workspace, Ledger]]:
    """A workspace with a few shipments, one of them examined, all known by TODAY."""
    workspace = make_workspace(tmp_path / "workspace")
    with workspace.ledger() as ledger:
        append_rows(workspace, ledger, **rows())
        yield workspace, ledger


def rows() -> dict[str, list[factories.Row]]:
    """Shipments of importers whose names are nearly the same; one is examined, one has a CF-28."""
    names = {"importer_name": "Blue Harbor Trading", "importer_address": "12 Dock Road, Newark NJ"}
    shipped = [
        names | {"importer_id": f"I{n % 2}", "importer_name": f"Blue Harbor Tradin{'g' * (n % 2)}",
                 "arrival_date": DAY + timedelta(n), "hts": "8517120000"}
        for n in range(4)
    ]  # fmt: skip
    found = factories.outcomes({"result": "seized", "hazard": "ipr", "known_at": noon(DAY, 2)})
    return {"shipments": factories.shipments(*shipped), "outcomes": found, "post_entry": factories.post_entry({})}


def state_of(ledger: Ledger, through=YESTERDAY) -> State:
    facts = read_facts(ledger.connection, after=None, through=through, position=ledger.position, kinds=KINDS)
    return folded(State.empty(KINDS), facts, through)


def folded(state: State, facts, through: date) -> State:
    from tests.history.folding import asking

    nobody = asking([])
    every = ("hs6", "importer_id", "importer_identity", "origin_country", "port", "shipper_id")
    keys = dict.fromkeys(every, nobody.keys["hs6"])
    replay = Replay(state, Arrivals(nobody.day, keys, nobody.bins, nobody.value_usd))
    replay.fold(facts, epoch_day(through))
    replay.result()
    return replay.state


def keep(workspace: Workspace, ledger: Ledger, through=YESTERDAY) -> Path:
    snapshot = Snapshot(through, ledger.position, state_of(ledger, through))
    return save_snapshot(workspace.snapshots, snapshot, ledger.connection)


def found(workspace: Workspace, ledger: Ledger, before=TODAY, position: int | None = None, **limits) -> Snapshot | None:
    at = ledger.position if position is None else position
    limits = {"kinds": KINDS} | limits
    return latest_snapshot(workspace.snapshots, ledger.connection, before=before, position=at, **limits)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Coming back --------------------------------------------------------------------------------------------------


def test_a_snapshot_comes_back_to_the_same_bits(books):
    keep(*books)

    snapshot = found(*books)

    assert (snapshot.through, snapshot.position) == (YESTERDAY, 1)
    assert bits(snapshot.state) == bits(state_of(books[1]))
    assert snapshot.state.links.tolist() == [[0, 1]]


def test_a_deleted_snapshot_is_rebuilt_to_the_same_bytes(books, tmp_path):
    kept_files = files(keep(*books))
    snapshot = Snapshot(YESTERDAY, 1, state_of(books[1]))
    elsewhere = save_snapshot(tmp_path / "elsewhere", snapshot, books[1].connection)

    assert files(elsewhere) == kept_files
    assert sorted(kept_files) == sorted([*dict(archive.packed(snapshot.state)), "meta.json"])


def test_a_snapshot_of_an_empty_ledger_comes_back(tmp_path):
    workspace = make_workspace(tmp_path)
    with workspace.ledger() as ledger:
        keep(workspace, ledger)

        assert bits(found(workspace, ledger).state) == bits(state_of(ledger))


def test_folding_on_from_a_snapshot_gives_the_same_bits(books):
    _, ledger = books
    keep(*books, through=DAY + timedelta(1))
    snapshot = found(*books)
    facts = read_facts(ledger.connection, after=snapshot.through, through=YESTERDAY, position=1, kinds=KINDS)

    state = folded(snapshot.state, facts, YESTERDAY)

    assert bits(state) == bits(state_of(ledger))
    assert facts["traffic"].day.min() > epoch_day(snapshot.through)


# May it serve? ------------------------------------------------------------------------------------------------


def test_a_snapshot_serves_later_mornings_only(books):
    keep(*books)

    assert found(*books, before=TODAY + timedelta(30)) is not None
    assert found(*books, before=YESTERDAY) is None


def test_a_snapshot_never_serves_an_earlier_position(books):
    keep(*books)

    assert found(*books, position=0) is None


@pytest.mark.parametrize(
    ("late", "usable"),
    [
        ({"shipments": factories.shipments({"shipment_id": "S9", "arrival_date": YESTERDAY})}, False),
        ({"shipments": factories.shipments({"shipment_id": "S0", "version": 1, "filed_at": noon(DAY, 1)})}, False),
        ({"outcomes": factories.outcomes({"shipment_id": "S1", "known_at": noon(YESTERDAY)})}, False),
        ({"post_entry": factories.post_entry({"shipment_id": "S1", "known_at": noon(YESTERDAY)})}, False),
        # What arrives or is learned later belongs to the days to come, whoever it speaks of.
        ({"shipments": factories.shipments({"shipment_id": "S9", "arrival_date": TODAY})}, True),
        ({"shipments": factories.shipments({"shipment_id": "S0", "version": 1, "filed_at": noon(TODAY)})}, True),
        ({"outcomes": factories.outcomes({"shipment_id": "S1", "known_at": noon(TODAY)})}, True),
        ({"post_entry": factories.post_entry({"shipment_id": "S1", "known_at": noon(TODAY)})}, True),
        # The status of traders is read from the log, not folded.
        ({"traders": factories.traders({"known_at": noon(DAY)})}, True),
    ],
)
def test_a_row_dated_into_the_folded_days_makes_a_snapshot_unusable(books, late, usable):
    workspace, ledger = books
    keep(workspace, ledger)
    snapshot = found(workspace, ledger)
    append_rows(workspace, ledger, **late)

    assert (found(workspace, ledger) is not None) == usable
    assert is_usable(snapshot, ledger.connection, before=TODAY, position=ledger.position) == usable
    # At the position it was taken at, nothing has changed.
    assert found(workspace, ledger, position=1) is not None


def test_of_two_snapshots_the_newest_usable_serves(books):
    workspace, ledger = books
    keep(workspace, ledger, through=DAY)
    keep(workspace, ledger, through=YESTERDAY)
    append_rows(workspace, ledger, outcomes=factories.outcomes({"known_at": noon(YESTERDAY), "hazard": "ipr"}))

    assert found(workspace, ledger).through == DAY
    assert found(workspace, ledger, position=1).through == YESTERDAY


def test_a_snapshot_of_another_ledger_is_passed_over(books):
    """The same rows, the same position: but another ledger, whose later rows may be others."""
    workspace, _ = books
    keep(*books)
    with opened() as (other, ledger):
        append_rows(other, ledger, **rows())

        assert found(workspace, ledger) is None


def test_a_snapshot_made_by_other_rules_is_passed_over(books, monkeypatch):
    workspace, ledger = books
    keep(workspace, ledger)

    assert found(workspace, ledger, kinds=KINDS[:2]) is None
    own = reference.Tables({"center_hts": reference.PACKAGED.rows("center_hts")[:-1]})
    assert found(workspace, ledger, tables=own) is None
    with monkeypatch.context() as patch:
        patch.setattr(identity, "VERSION", identity.VERSION + 1)
        assert found(workspace, ledger) is None
    assert found(workspace, ledger) is not None


@pytest.mark.parametrize(
    "change",
    [
        ("measures.BOOKS", {}),
        ("measures.DECAYED", (("shipments", 8),)),
        ("measures.ERA", 128),
        ("keys.VERSION", 0),
        ("facts_sql.query", lambda account, columns: "SELECT 1"),
    ],
    ids=lambda change: change[0],
)
def test_whatever_shapes_the_state_is_in_its_shape(monkeypatch, change):
    name, value = change
    before = shape(KINDS)
    monkeypatch.setattr(f"riskscore.history.{name}", value)

    assert shape(KINDS) != before


# How many are kept --------------------------------------------------------------------------------------------


def test_a_second_snapshot_of_a_day_takes_the_place_of_the_first(books):
    keep(*books)
    append_rows(*books, shipments=factories.shipments({"shipment_id": "S9"}))
    again = keep(*books)

    assert list(books[0].snapshots.iterdir()) == [again]
    assert found(*books).position == 2


def test_old_snapshots_are_dropped_from_the_folder(books):
    for n in range(4):
        keep(*books, through=DAY + timedelta(n))

    ages = [3 - (date.fromisoformat(path.name[8:]) - DAY).days for path in books[0].snapshots.iterdir()]
    assert sorted(ages) == [0, 1, 3]


def test_about_one_is_kept_per_power_of_two_of_age():
    there: set[date] = set()
    for n in range(700):
        today = DAY + timedelta(n)
        there = kept([*there, today])
        ages = sorted((today - day).days for day in there)
        assert ages[0] == 0
        assert len(ages) <= 2 + n.bit_length()
        # A fact as late as `late` days costs a fold of at most a few times as many.
        for late in range(1, n // 4):
            assert next(age for age in ages if age >= late) <= 4 * late
    assert len(there) > 8


# Damage -------------------------------------------------------------------------------------------------------


def cut_short(folder: Path) -> None:
    path = folder / "importer.parquet"
    path.write_bytes(path.read_bytes()[:-20])


def flip_a_bit(folder: Path) -> None:
    for path in folder.glob("importer*.parquet"):
        content = bytearray(path.read_bytes())
        content[len(content) // 4] ^= 1
        path.write_bytes(content)


def lose_a_kind(folder: Path) -> None:
    (folder / "goods.parquet").unlink()


def leave_a_file_undescribed(folder: Path) -> None:
    change(folder, lambda meta: {"files": {k: v for k, v in meta["files"].items() if k != "goods.parquet"}})


def swap_two_files(folder: Path) -> None:
    one, other = folder / "importer.parquet", folder / f"{PAIR}.parquet"
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def lose_the_description(folder: Path) -> None:
    (folder / "meta.json").unlink()


def garble_the_description(folder: Path) -> None:
    (folder / "meta.json").write_bytes(b"\xff{")


def describe_nothing(folder: Path) -> None:
    (folder / "meta.json").write_text("[]")


def be_of_another_shape(folder: Path) -> None:
    change(folder, lambda meta: {"shape": "0" * 64})


def say_nothing_of_the_files(folder: Path) -> None:
    change(folder, lambda meta: {"files": None})


def change(folder: Path, to) -> None:
    path = folder / "meta.json"
    meta = json.loads(path.read_text())
    path.write_text(json.dumps(meta | to(meta)))


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        flip_a_bit,
        lose_a_kind,
        leave_a_file_undescribed,
        swap_two_files,
        lose_the_description,
        garble_the_description,
        describe_nothing,
        be_of_another_shape,
        say_nothing_of_the_files,
    ],
)
def test_a_damaged_or_foreign_snapshot_is_passed_over(books, damage):
    keep(*books, through=DAY)
    damage(keep(*books))

    assert found(*books).through == DAY
