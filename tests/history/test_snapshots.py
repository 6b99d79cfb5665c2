"""Snapshots are a cache: used when they may be, passed over when not, and no result ever depends on them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from riskscore.history import KINDS, State, latest_snapshot, read_facts, replay, save_snapshot
from riskscore.history.snapshots import Snapshot
from tests import factories
from tests.factories import DAY, append_rows, make_workspace, noon
from tests.history.test_fold import NOBODY, bits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from riskscore.ledger import Ledger
    from riskscore.workspace import Workspace

TODAY = DAY + timedelta(5)
YESTERDAY = TODAY - timedelta(1)


@pytest.fixture
def books(tmp_path) -> Iterator[tuple[Workspace, Ledger]]:
    """A workspace with a few shipments, one of them examined, all known by TODAY."""
    workspace = make_workspace(tmp_path / "workspace")
    with workspace.ledger() as ledger:
        rows = [{"importer_id": f"I{n % 2}", "arrival_date": DAY + timedelta(n)} for n in range(4)]
        found = factories.outcomes({"result": "seized", "known_at": noon(DAY, 2)})
        append_rows(workspace, ledger, shipments=factories.shipments(*rows), outcomes=found)
        yield workspace, ledger


def state_of(ledger: Ledger, through=YESTERDAY) -> State:
    facts = read_facts(ledger.connection, after=None, through=through, position=ledger.position)
    return replay(State.empty(KINDS), facts, NOBODY)[2]


def keep(workspace: Workspace, ledger: Ledger, through=YESTERDAY) -> Path:
    return save_snapshot(workspace.snapshots, Snapshot(through, ledger.position, state_of(ledger, through)))


def found(workspace: Workspace, ledger: Ledger, before=TODAY, position: int | None = None) -> Snapshot | None:
    at = ledger.position if position is None else position
    return latest_snapshot(workspace.snapshots, ledger.connection, before=before, position=at)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_snapshot_comes_back_to_the_same_bits(books):
    keep(*books)

    snapshot = found(*books)

    assert (snapshot.through, snapshot.position) == (YESTERDAY, 1)
    assert bits(snapshot.state) == bits(state_of(books[1]))


def test_a_deleted_snapshot_is_rebuilt_to_the_same_bytes(books, tmp_path):
    kept = files(keep(*books))
    elsewhere = save_snapshot(tmp_path / "elsewhere", Snapshot(YESTERDAY, 1, state_of(books[1])))

    assert sorted(kept) == sorted([*(f"{kind.name}.parquet" for kind in KINDS), "meta.json"])
    assert files(elsewhere) == kept


def test_a_snapshot_of_an_empty_ledger_comes_back(tmp_path):
    workspace = make_workspace(tmp_path)
    with workspace.ledger() as ledger:
        keep(workspace, ledger)

        assert bits(found(workspace, ledger).state) == bits(State.empty(KINDS)) | {"country keys": {"everything": []}}


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
        # What arrives or is learned later belongs to the days to come, whoever it speaks of.
        ({"shipments": factories.shipments({"shipment_id": "S9", "arrival_date": TODAY})}, True),
        ({"shipments": factories.shipments({"shipment_id": "S0", "version": 1, "filed_at": noon(TODAY)})}, True),
        ({"outcomes": factories.outcomes({"shipment_id": "S1", "known_at": noon(TODAY)})}, True),
        # The status of traders is read from the log, not folded.
        ({"traders": factories.traders({"known_at": noon(DAY)})}, True),
    ],
)
def test_a_row_dated_into_the_folded_days_makes_a_snapshot_unusable(books, late, usable):
    keep(*books)
    append_rows(*books, **late)

    assert (found(*books) is not None) == usable
    # At the position it was taken at, nothing has changed.
    assert found(*books, position=1) is not None


def test_of_two_snapshots_the_newest_usable_serves(books):
    workspace, ledger = books
    keep(workspace, ledger, through=DAY)
    keep(workspace, ledger, through=YESTERDAY)
    append_rows(workspace, ledger, outcomes=factories.outcomes({"known_at": noon(YESTERDAY), "hazard": "ipr"}))

    assert found(workspace, ledger).through == DAY
    assert found(workspace, ledger, position=1).through == YESTERDAY


def test_the_newest_two_are_kept(books):
    folders = [keep(*books, through=DAY + timedelta(n)) for n in range(4)]

    assert sorted(books[0].snapshots.iterdir()) == folders[2:]


def test_a_second_snapshot_of_a_day_takes_the_place_of_the_first(books):
    keep(*books)
    append_rows(*books, shipments=factories.shipments({"shipment_id": "S9"}))
    again = keep(*books)

    assert list(books[0].snapshots.iterdir()) == [again]
    assert found(*books).position == 2


def cut_short(folder: Path) -> None:
    path = folder / "importer.parquet"
    path.write_bytes(path.read_bytes()[:-20])


def flip_a_bit_of_data(folder: Path) -> None:
    path = folder / "importer.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 1
    path.write_bytes(content)


def rename_a_column(folder: Path) -> None:
    # Page checksums do not cover the names at the end of the file.
    path = folder / "importer.parquet"
    path.write_bytes(path.read_bytes().replace(b"counts", b"bounts"))


def rename_a_key(folder: Path) -> None:
    path = folder / "importer.parquet"
    path.write_bytes(path.read_bytes().replace(b"key_importer_id", b"key_importer_ie"))


def lose_a_kind(folder: Path) -> None:
    (folder / "route.parquet").unlink()


def lose_the_description(folder: Path) -> None:
    (folder / "meta.json").unlink()


def garble_the_description(folder: Path) -> None:
    (folder / "meta.json").write_bytes(b"\xff{")


def describe_nothing(folder: Path) -> None:
    (folder / "meta.json").write_text("[]")


def be_of_another_format(folder: Path) -> None:
    path = folder / "meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 0}))


def know_other_kinds(folder: Path) -> None:
    path = folder / "meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kinds": [["importer", "importer_id"]]}))


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        flip_a_bit_of_data,
        rename_a_column,
        rename_a_key,
        lose_a_kind,
        lose_the_description,
        garble_the_description,
        describe_nothing,
        be_of_another_format,
        know_other_kinds,
    ],
)
def test_a_damaged_or_foreign_snapshot_is_passed_over(books, damage):
    keep(*books, through=DAY)
    damage(keep(*books))

    assert found(*books).through == DAY


def test_folding_on_from_a_snapshot_reads_the_later_facts_only(books):
    _, ledger = books
    keep(*books, through=DAY + timedelta(1))
    snapshot = found(*books)
    facts = read_facts(ledger.connection, after=snapshot.through, through=YESTERDAY, position=1)

    _, _, state = replay(snapshot.state, facts, NOBODY)

    assert bits(state) == bits(state_of(ledger))
    assert facts.day.min() > (snapshot.through - date(1970, 1, 1)).days
