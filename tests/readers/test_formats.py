"""Which reader takes which file, and that this computer's time zone has no say in what a file means."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskscore
from riskscore import readers
from riskscore.config import Config
from riskscore.errors import InputError

ROOT = Path(__file__).parents[2]
CSV = "shipment_id,arrival_date,mode,port\nS1,2026-03-02,air,2704\n"


def test_auto_goes_by_suffix_and_header(tmp_path):
    for name in ("day.csv", "day.CSV"):
        path = tmp_path / name
        path.write_text(CSV)
        assert riskscore.read_table(path).accepted.num_rows == 1
    for name in ("day.parquet", "DAY.PARQUET"):
        pq.write_table(pa.table({"shipment_id": ["S1"], "arrival_date": ["2026-03-02"], "mode": ["air"],
                                 "port": ["2704"]}), tmp_path / name)  # fmt: skip
        assert riskscore.read_table(tmp_path / name).accepted.num_rows == 1


def test_post_entry_is_a_table_like_the_others(tmp_path):
    csv, parquet = tmp_path / "events.csv", tmp_path / "events.parquet"
    csv.write_text("shipment_id,event,event_date,amount_usd\nS1,cf28,2026-03-02,12.5\nS1,letter,2026-03-02,\n")
    pq.write_table(pa.table({"shipment_id": ["S1"], "event": ["cf28"], "event_date": [date(2026, 3, 2)],
                             "amount_usd": [12.5]}), parquet)  # fmt: skip
    found = riskscore.read_table(csv, "post_entry")
    assert found.accepted.equals(riskscore.read_table(parquet, "post_entry").accepted)
    assert found.quarantined["_row"].to_pylist() == [2]
    with pytest.raises(InputError, match=r"kcs format carries manifests, not post_entry"):
        riskscore.read_table(csv, "post_entry", "kcs")


def test_unknown_suffix_needs_a_format(tmp_path):
    path = tmp_path / "day.txt"
    path.write_text(CSV)
    with pytest.raises(InputError, match=r"cannot tell the format.*day\.txt.*--format"):
        riskscore.read_table(path)
    assert riskscore.read_table(path, file_format="csv").accepted.num_rows == 1


@pytest.mark.parametrize("file_format", ["parquet", "kcs"])
def test_the_wrong_format_is_refused(tmp_path, file_format):
    path = tmp_path / "day.csv"
    path.write_text(CSV)
    with pytest.raises(InputError, match=r"day\.csv"):
        riskscore.read_table(path, file_format=file_format)


@pytest.mark.parametrize("file_format", ["csv", "kcs"])
def test_parquet_taken_for_text_is_refused(tmp_path, file_format):
    path = tmp_path / "day.parquet"
    pq.write_table(pa.table({"shipment_id": [f"S{n}" for n in range(500)]}), path)
    with pytest.raises(InputError, match=r"day\.parquet"):
        riskscore.read_table(path, file_format=file_format)


def test_expand_takes_folders_and_names_what_is_missing(tmp_path):
    inner = tmp_path / "date=2026-03-02"
    inner.mkdir()
    (inner / "part-0.parquet").touch()
    (tmp_path / "a.csv").touch()
    (tmp_path / "notes.txt").touch()
    assert readers.expand([tmp_path]) == [tmp_path / "a.csv", inner / "part-0.parquet"]
    with pytest.raises(InputError, match=r"no such file: .*absent.csv"):
        readers.expand([tmp_path / "absent.csv"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no .*file in this folder: .*empty"):
        readers.expand([tmp_path / "empty"])


def test_digest_and_row_count_are_of_the_file(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text(CSV + "broken\n")
    raw = readers.read(path, "shipments", "auto", Config())
    assert raw.rows == 2
    assert raw.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


SCRIPT = """
import json, sys, riskscore
rows = [riskscore.read_table(path).accepted.select(["shipment_id", "arrival_date", "filed_at"]).to_pylist()
        for path in sys.argv[1:]]
print(json.dumps(rows, default=str))
"""


@pytest.fixture(scope="module")
def times(tmp_path_factory):
    """Times with and without offsets as text, and as Arrow columns with and without a zone."""
    folder = tmp_path_factory.mktemp("times")
    filed = ["2026-03-01T23:30:00Z", "2026-03-01 23:30:00", "2026-03-02T08:30:00+09:00", "2026-03-01T18:30:00-0500",
             "2026-03-01T23:30:00.000000+00:00", "2026-03-01T23:30"]  # fmt: skip
    lines = [f"S{n},2026-03-02,air,2704,{text}" for n, text in enumerate(filed)]
    (folder / "text.csv").write_text("\n".join(["shipment_id,arrival_date,mode,port,filed_at", *lines]))
    instant = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    for name, zone in (("naive", None), ("utc", "UTC"), ("chicago", "America/Chicago")):
        kind = pa.timestamp("us", zone)
        moment = instant.replace(tzinfo=None) if zone is None else instant
        arrival = midnight.replace(tzinfo=None) if zone is None else midnight
        arrivals = pa.array([arrival], pa.timestamp("us", "UTC" if zone else None))
        table = pa.table({"shipment_id": ["S0"], "arrival_date": arrivals, "mode": ["air"], "port": ["2704"],
                          "filed_at": pa.array([moment], kind)})  # fmt: skip
        pq.write_table(table, folder / f"{name}.parquet")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/Chicago"])
def test_this_computers_zone_has_no_say(times, zone):
    env = os.environ | {"TZ": zone, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, times)], capture_output=True, text=True, env=env, check=True
    )
    for rows in json.loads(done.stdout):
        for row in rows:
            assert (row["arrival_date"], row["filed_at"]) == ("2026-03-02", "2026-03-01 23:30:00"), row
    assert [len(rows) for rows in json.loads(done.stdout)] == [1, 1, 6, 1]
