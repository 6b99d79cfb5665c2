"""Published files: whole or absent, the same bytes every time, damage found."""

import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskscore import publication, reference, tables
from riskscore.errors import RunError, WorkspaceError

DAY = date(2026, 3, 2)
FOOTER_TAIL = 8  # footer length and the closing magic


def recommendations(rows=300, seed=0):
    random = np.random.default_rng(seed)
    chances = [dict.fromkeys(reference.exams(), 0.0) | {"nii": float(p)} for p in random.random(rows)]
    reason = {"concept": "random", "direction": "none", "contribution": None}
    columns = {
        "run_id": ["r"] * rows,
        "shipment_id": [f"S{number:05d}" for number in range(rows)],
        "version": [0] * rows,
        "port": random.choice(["2704", "1001"], rows).tolist(),
        "priority": random.permutation(rows).tolist(),
        "inclusion_probability": [row["nii"] for row in chances],
        "exam_probabilities": chances,
        "reasons": [[{**reason, "text": f"drawn at random ({number})"}] for number in range(rows)],
        "scored_at": [datetime(2026, 3, 2, tzinfo=UTC)] * rows,
    }
    schema = tables.recommendations_schema()
    return pa.table({name: columns.get(name, [None] * rows) for name in schema.names}, schema=schema)


@pytest.fixture(scope="module")
def table():
    return recommendations()


def test_what_is_read_is_what_was_written(tmp_path, table):
    publication.write_parquet(table, tmp_path / "new" / "deep" / "t.parquet")
    assert publication.read_parquet(tmp_path / "new" / "deep" / "t.parquet").equals(table)


def test_the_bytes_depend_on_the_content_alone(tmp_path, table):
    noted = table.replace_schema_metadata({"pandas": "notes"})
    in_chunks = pa.concat_tables([noted.slice(0, 7), noted.slice(7)])
    digests = set()
    for number, variant in enumerate((table, in_chunks, table)):
        publication.write_parquet(variant, tmp_path / f"{number}.parquet")
        digests.add(publication.sha256_of(tmp_path / f"{number}.parquet"))
    assert len(digests) == 1


def test_many_small_chunks_write_the_same_bytes_as_one(tmp_path):
    # Over 1 MB of distinct text: where the writer gives up its dictionary depends on the chunks.
    whole = pa.table({"name": [f"S{number:080d}" for number in range(20_000)]})
    pieces = pa.concat_tables([whole.slice(start, 77) for start in range(0, len(whole), 77)])
    for table, name in ((whole, "whole"), (pieces, "pieces")):
        publication.write_parquet(table, tmp_path / name)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "pieces").read_bytes()


def test_rows_in_any_order_are_published_as_the_same_bytes(tmp_path, table):
    shuffled = table.take(np.random.default_rng(1).permutation(len(table)))
    first = publication.publish_recommendations(table, tmp_path / "a", DAY)
    other = publication.publish_recommendations(shuffled.select(table.column_names[::-1]), tmp_path / "b", DAY)
    assert publication.sha256_of(first) == publication.sha256_of(other)


def test_publishing_what_was_read_changes_no_byte(tmp_path, table):
    path = publication.publish_recommendations(table, tmp_path, DAY)
    digest = publication.sha256_of(path)
    publication.publish_recommendations(publication.read_parquet(path), tmp_path, DAY)
    assert publication.sha256_of(path) == digest


def test_flipped_bits_are_never_read_as_data(tmp_path, table):
    path = tmp_path / "t.parquet"
    publication.write_parquet(table, path)
    whole = path.read_bytes()
    data_end = len(whole) - FOOTER_TAIL - int.from_bytes(whole[-8:-4], "little")
    caught = 0
    for bit in np.random.default_rng(7).integers(4 * 8, data_end * 8, size=200):
        path.write_bytes(flipped(whole, int(bit)))
        try:
            # A bit without meaning, as in a page's statistics, may be read past.
            assert publication.read_parquet(path).equals(table)
        except WorkspaceError:
            caught += 1
    assert caught >= 180


def flipped(content, bit):
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << (bit % 8)
    return bytes(damaged)


def test_the_digest_covers_every_bit_of_the_file(tmp_path, table):
    path = tmp_path / "t.parquet"
    publication.write_parquet(table, path)
    whole, digest = path.read_bytes(), publication.sha256_of(path)
    assert publication.read_parquet(path, sha256=digest).equals(table)
    for bit in np.random.default_rng(8).integers(0, len(whole) * 8, size=50):
        path.write_bytes(flipped(whole, int(bit)))
        with pytest.raises(WorkspaceError, match="its SHA-256 is not the recorded one"):
            publication.read_parquet(path, sha256=digest)


@pytest.mark.parametrize("length", [0, 3, 100, -1, -9])
def test_a_torn_file_is_damage(tmp_path, table, length):
    path = tmp_path / "t.parquet"
    publication.write_parquet(table, path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WorkspaceError, match=r"damaged Parquet .*t\.parquet\. Hint"):
        publication.read_parquet(path)


def test_an_absent_file_is_an_error(tmp_path):
    with pytest.raises(WorkspaceError, match="no such file"):
        publication.read_parquet(tmp_path / "t.parquet")
    with pytest.raises(WorkspaceError, match="cannot be read"):
        publication.sha256_of(tmp_path / "t.parquet")


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt("stop")])
def test_a_failed_replacement_leaves_the_old_file_and_no_litter(tmp_path, table, monkeypatch, failure):
    path = publication.publish_recommendations(table, tmp_path, DAY)
    before = path.read_bytes()

    def fail(*_):
        raise failure

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(type(failure), match=str(failure)):
        publication.publish_recommendations(table.slice(5), tmp_path, DAY)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from riskscore.publication import write_parquet
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_parquet(pa.table({"x": [2]}), Path(sys.argv[1]))
"""


def test_a_kill_before_the_replacement_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "t.parquet"
    publication.write_parquet(pa.table({"x": [1]}), path)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], env={"PYTHONPATH": ROOT}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert publication.read_parquet(path).to_pydict() == {"x": [1]}
    left = publication.remove_stale(tmp_path)
    assert len(left) == 1
    assert list(tmp_path.iterdir()) == [path]


ROOT = str(Path(publication.__file__).parents[1])


def test_only_our_own_leftovers_are_removed(tmp_path):
    for name in (".part-0.parquet.77.tmp", ".notes.tmp", "part-0.parquet", "x.77.tmp"):
        (tmp_path / "run_date=2026-03-02").mkdir(exist_ok=True)
        (tmp_path / "run_date=2026-03-02" / name).touch()
    assert [path.name for path in publication.remove_stale(tmp_path)] == [".part-0.parquet.77.tmp"]
    assert len(list((tmp_path / "run_date=2026-03-02").iterdir())) == 3


def test_recommendations_hold_the_contract_sorted_and_without_the_run_date(tmp_path, table):
    path = publication.publish_recommendations(table, tmp_path, DAY)
    assert path == tmp_path / "recommendations" / "run_date=2026-03-02" / "part-0.parquet"
    stored = publication.read_parquet(path)
    assert stored.schema.equals(tables.recommendations_schema())
    assert "run_date" not in stored.column_names
    places = list(zip(stored["port"].to_pylist(), stored["priority"].to_pylist(), strict=True))
    assert places == sorted(places)
    assert stored.num_rows == table.num_rows
    assert pq.read_table(tmp_path / "recommendations").num_rows == table.num_rows


def test_a_day_may_be_empty(tmp_path):
    path = publication.publish_recommendations(recommendations(0), tmp_path, DAY)
    assert publication.read_parquet(path).schema.equals(tables.recommendations_schema())


def test_columns_of_nulls_and_narrower_types_are_cast(tmp_path, table):
    loose = table.set_column(2, "version", pa.array([0] * len(table), pa.int16()))
    loose = loose.set_column(4, "center", pa.nulls(len(table)))
    path = publication.publish_recommendations(loose, tmp_path, DAY)
    assert publication.read_parquet(path).schema.equals(tables.recommendations_schema())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda table: table.drop_columns(["arm"]), "columns missing, unknown or twice: arm"),
        (lambda table: table.append_column("run_date", table["arm"]), "unknown or twice: run_date"),
        (lambda table: table.append_column("arm", table["arm"]), "columns missing, unknown or twice"),
        (
            lambda table: table.set_column(2, "version", pa.array(["x"] * len(table))),
            "columns of another type",
        ),
    ],
)
def test_any_other_table_is_refused_and_nothing_is_written(tmp_path, table, spoil, message):
    with pytest.raises(RunError, match=message):
        publication.publish_recommendations(spoil(table), tmp_path, DAY)
    assert not list(tmp_path.iterdir())
