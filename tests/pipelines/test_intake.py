"""From files to the ledger: every row is in exactly one place, whatever the files are called and how they are cut."""

from __future__ import annotations

import random
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.config import Config
from riskscore.errors import InputError
from riskscore.pipelines.intake import read_sources, take_in
from riskscore.tables import SHIPMENTS
from tests.factories import DAY, noon, opened, shipments
from tests.pipelines.country import write_csv

FATES = ("new", "superseded", "duplicate")


def take(ledger, workspace, paths):
    with ledger.transaction("test") as transaction:
        return take_in(
            transaction, read_sources(paths, "shipments", "auto", Config()), SHIPMENTS, workspace.config.zone
        )


def log(ledger):
    return ledger.connection.execute("SELECT * EXCLUDE (seq) FROM shipments_log ORDER BY row_digest").fetchall()


def reasons(ledger):
    found = ledger.connection.execute("SELECT raw, reasons FROM quarantine").fetchall()
    return Counter(str(reason) for _, reason in found)


ROWS = st.fixed_dictionaries(
    {
        "shipment_id": st.sampled_from(["S0", "S1", ""]),
        "version": st.sampled_from(["", "0", "1", "x"]),
        "action": st.sampled_from(["", "new", "amended"]),
        "filed_at": st.sampled_from(["", "2026-03-01T12:00:00Z", "2026-03-01T21:00:00+09:00"]),
        "arrival_date": st.just(str(DAY)),
        "mode": st.sampled_from(["air", "air", "boat"]),
        "port": st.just("2704"),
        "value_usd": st.sampled_from(["1", "1.0", "2"]),
    }
)


@settings(max_examples=6, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=9), st.integers(0, 9), st.randoms(use_true_random=False))
def test_cutting_and_shuffling_the_files_changes_nothing(folder, rows, cut, shuffler):
    shuffled = list(rows)
    shuffler.shuffle(shuffled)
    whole = [write_csv(folder / "whole.csv", rows)]
    parts = [write_csv(folder / "z.csv", shuffled[:cut]), write_csv(folder / "a.csv", shuffled[cut:])]
    results = []
    for paths in (whole, parts):
        with opened() as (workspace, ledger):
            taken = take(ledger, workspace, paths)
            fates = {fate: taken.count(fate) for fate in FATES}
            assert taken.read == len(rows) == taken.quarantined + sum(fates.values())
            results.append((fates, taken.quarantined, taken.findings, log(ledger), reasons(ledger)))
    assert results[0] == results[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


def test_conflicting_rows_are_kept_in_quarantine_with_file_and_row(tmp_path):
    rows = [
        dict(row, filed_at=row["filed_at"].isoformat())
        for row in shipments({}, {}, {"shipment_id": "S0", "value_usd": 9.5})
    ]
    paths = [write_csv(tmp_path / "a.csv", rows[:2]), write_csv(tmp_path / "b.csv", rows[2:])]
    with opened() as (workspace, ledger):
        taken = take(ledger, workspace, paths)
        assert (taken.read, taken.quarantined, taken.count("new")) == (3, 2, 1)
        refused = ledger.connection.execute(
            "SELECT source, row_number, reasons[1] FROM quarantine ORDER BY ALL"
        ).fetchall()
    reason = "conflicts with another row of the same shipment_id + version and filed_at"
    assert refused == [(str(paths[0]), 1, reason), (str(paths[1]), 1, reason)]


def test_nothing_is_read_when_one_file_is_unusable(tmp_path):
    good = write_csv(tmp_path / "a.csv", [])
    (tmp_path / "b.csv").write_text("shipment_id,prot\n")
    with pytest.raises(InputError, match=r"unknown column 'prot'.*b\.csv"):
        read_sources([good, tmp_path / "b.csv"], "shipments", "auto", Config())
    with pytest.raises(InputError, match=r"no such file: .*absent\.csv"):
        read_sources([good, tmp_path / "absent.csv"], "shipments", "auto", Config())


def test_the_same_row_as_text_and_as_parquet_is_one_row(tmp_path):
    [row] = shipments({"filed_at": noon(DAY, -1)})
    as_text = write_csv(tmp_path / "a.csv", [row])
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "b.parquet")
    with opened() as (workspace, ledger):
        taken = take(ledger, workspace, [as_text, tmp_path / "b.parquet"])
        assert (taken.count("new"), taken.count("duplicate")) == (1, 1)


def test_a_file_given_twice_is_counted_twice(tmp_path):
    rows = shipments(*[{}] * 5)
    random.Random(1).shuffle(rows)  # noqa: S311
    path = write_csv(tmp_path / "a.csv", rows, "broken")
    with opened() as (workspace, ledger):
        taken = take(ledger, workspace, [path, path])
        assert (taken.read, taken.count("new"), taken.count("duplicate"), taken.quarantined) == (12, 5, 5, 2)
