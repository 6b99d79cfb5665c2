"""Ingestion: what is printed adds up, what is refused is kept, an error leaves nothing."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskscore.errors import InputError, LockedError
from riskscore.pipelines.ingest import FEEDS, ingest
from riskscore.workspace import Workspace
from tests.factories import DAY, make_workspace, noon, outcomes, post_entry, reviews, shipments, traders
from tests.pipelines.country import position, write_csv
from tests.pipelines.recommended import recommend


@pytest.fixture
def empty(tmp_path):
    return make_workspace(tmp_path / "empty")


def write(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def accounted(result):
    assert result.read == result.accepted + result.quarantined + result.superseded + result.duplicate
    return result.accepted, result.quarantined, result.superseded, result.duplicate


@pytest.mark.parametrize("feed", FEEDS)
def test_each_feed_is_taken_once(empty, tmp_path, feed):
    make = {"manifest": shipments, "traders": traders, "outcomes": outcomes, "post-entry": post_entry,
            "reviews": reviews}[feed]  # fmt: skip
    key = "trader_id" if feed == "traders" else "shipment_id"
    with empty.writing() as ledger:
        recommend(ledger, DAY, {f"K{n}": None for n in range(8)})
    path = write(tmp_path / "feed.parquet", make(*[{key: f"K{n}"} for n in range(8)]))
    [first] = ingest(empty, feed, [path])
    [again] = ingest(empty, feed, [path])
    assert (first.table, accounted(first)) == (FEEDS[feed], (8, 0, 0, 0))
    assert accounted(again) == (0, 0, 0, 8)


def test_post_entry_rows_are_refused_in_conflict_and_corrected_later(empty, tmp_path):
    first, other = post_entry({}), post_entry({"amount_usd": 77.0}, {"event": "CF-28"})
    later = post_entry({"status": "withdrawn", "known_at": noon(DAY, 40)})
    assert [accounted(*ingest(empty, "post-entry", [write(tmp_path / f"{n}.parquet", rows)]))
            for n, rows in enumerate((first, other, later))] == [(1, 0, 0, 0), (0, 2, 0, 0), (1, 0, 0, 0)]  # fmt: skip
    with empty.ledger(read_only=True) as ledger:
        rows = ledger.connection.execute("SELECT status, known_day FROM post_entry_log ORDER BY seq").fetchall()
        reasons = ledger.connection.execute("SELECT reasons FROM quarantine ORDER BY row_number").fetchall()
    assert rows == [("open", DAY), ("withdrawn", DAY + timedelta(40))]
    assert reasons[0][0][0].startswith("conflicts with another row of the same shipment_id + event + event_date")
    assert reasons[1][0][0].startswith("event: expected one of cf28, cf29, protest, post_summary_correction")


def test_refused_rows_are_written_with_their_reasons(empty, tmp_path):
    rows = shipments({}, {"mode": "boat", "value_usd": -1.0})
    [result] = ingest(empty, "manifest", [write_csv(tmp_path / "day.csv", rows, "broken")])
    assert accounted(result) == (1, 2, 0, 0)
    [path] = (empty.out / "quarantine").iterdir()
    refused = pq.ParquetFile(path).read().to_pylist()
    assert [row["row_number"] for row in refused] == [2, 3]
    assert [len(row["reasons"]) for row in refused] == [2, 1]
    assert all(row["source"].endswith("day.csv") for row in refused)


def test_a_folder_of_days(empty, tmp_path):
    for n in range(3):
        folder = tmp_path / "days" / f"date={DAY + timedelta(n)}"
        folder.mkdir(parents=True)
        write(folder / "part-0.parquet", shipments({"shipment_id": f"S{n}"}))
    [result] = ingest(empty, "manifest", [tmp_path / "days"])
    assert accounted(result) == (3, 0, 0, 0)


def test_findings_are_counted_and_kept(empty, tmp_path):
    [result] = ingest(empty, "manifest", [write_csv(tmp_path / "d.csv", shipments({"hts": "85.01"}))])
    assert accounted(result) == (1, 0, 0, 0)
    assert result.findings == {"hts": 1}


@pytest.mark.parametrize("content", ["shipment_id,prot\nS,1\n", "", "\n", "\xff\xfe"])
def test_an_unusable_file_leaves_nothing(empty, tmp_path, content):
    good = write_csv(tmp_path / "good.csv", shipments({}))
    bad = tmp_path / "bad.csv"
    bad.write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match=r"bad\.csv"):
        ingest(empty, "manifest", [good, bad])
    assert position(empty) == 0
    assert not empty.out.exists()


def test_unknown_feed(empty, tmp_path):
    with pytest.raises(InputError, match=r"unknown feed 'manifests'.*manifest, traders, outcomes, post-entry"):
        ingest(empty, "manifests", [tmp_path])


def test_a_locked_workspace_is_left_alone(empty, tmp_path):
    path = write_csv(tmp_path / "good.csv", shipments({}))
    with empty.writing(), pytest.raises(LockedError, match="another riskscore command"):
        ingest(Workspace.open(empty.root), "manifest", [path])
    assert position(empty) == 0


def test_an_error_in_the_second_table_undoes_the_first(empty, tmp_path, monkeypatch):
    from riskscore.pipelines import ingest as module
    from tests.readers.test_kcs import row
    from tests.readers.test_kcs import write as write_kcs

    real = module.take_in

    def fail(transaction, sources, table, zone):
        return 1 / 0 if table.name == "outcomes" else real(transaction, sources, table, zone)

    monkeypatch.setattr(module, "take_in", fail)
    with pytest.raises(ZeroDivisionError, match="division"):
        ingest(empty, "manifest", [write_kcs(tmp_path / "k.csv", [row("1")])])
    assert position(empty) == 0
    with empty.ledger(read_only=True) as ledger:
        assert ledger.last_arrival() is None
