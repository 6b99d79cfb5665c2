"""Every row of a manifest is accounted for, as of the morning of its own day."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from riskscore.errors import InputError
from riskscore.pipelines.score import score
from tests.pipelines.country import position, published, run, write_csv
from tests.pipelines.scoring import counts, late, line, live

BAD_VALUES = (
    {"shipment_id": ""},
    {"arrival_date": ""},
    {"mode": ""},
    {"port": ""},
    {"mode": "boat"},
    {"action": "cancelled"},
    {"version": "-1"},
    {"version": "1.5"},
    {"version": "first"},
    {"filed_at": "yesterday"},
    {"filed_at": "2026-02-30T00:00:00Z"},
    {"arrival_date": "02/03/2025"},
    {"arrival_date": "1066-10-14"},
    {"value_usd": "1e400"},
    {"value_usd": "NaN"},
    {"value_usd": "-1"},
    {"weight_kg": "heavy"},
    {"weight_kg": "1e13"},
    {"quantity": "-inf"},
    {"in_bond": "perhaps"},
    {"duty_rate_pct": "5%"},
    {"importer_id": "x" * 201},
    {"description": "x" * 20_001},
    {"hts": "85\x0001"},
    {"shipment_id": "NUL\x00"},
)
BAD_LINES = ("just one field", "too,few,fields", 'BAD,"unclosed', "," * 60)


def test_the_identity_holds_on_every_kind_of_row(country, workspace, tmp_path):
    day, known = country.day, country.rows()[0]
    yesterday, tomorrow = day - timedelta(1), day + timedelta(1)
    in_time, later = f"{yesterday}T13:00:00Z", late(country)
    run_before = next(r for r in country.rows(yesterday) if r["arrival_date"] == yesterday and r["shipment_id"])
    rows = {
        "scored": [line(country, f"G{n}") for n in range(10)]
        + [
            line(country, "A1", version=1, action="amended", filed_at=in_time),
            line(country, "NULLS", version="", action=""),
        ]
        + [line(country, "L1"), line(country, "L2", filed_at="")],
        "superseded": [
            line(country, "A1"),
            line(country, "D1"),
            line(country, "G-old", filed_at=f"{yesterday}T01:00:00Z"),
        ],
        "deleted": [line(country, "D1", version=1, action="deleted", filed_at=in_time)],
        "duplicate": [line(country, "G3"), line(country, "G3"), run_before],
        "deferred": [
            line(country, "O1", arrival_date=tomorrow),
            line(country, "O2", arrival_date=yesterday),
            line(country, "F1", filed_at=later),
            line(country, "L1", version=1, action="deleted", filed_at=later),
        ],
        "quarantined": [line(country, f"Q{n}") | bad for n, bad in enumerate(BAD_VALUES)]
        + [line(country, "CONFLICT", value_usd=v) for v in (1, 2)],
    }
    rows["scored"].append(line(country, "G-old", filed_at=f"{yesterday}T02:00:00Z", value_usd=7))
    assert len(BAD_VALUES) + len(BAD_LINES) >= 20
    everything = [row for group in rows.values() for row in group]
    random.Random(1).shuffle(everything)  # noqa: S311
    path = write_csv(tmp_path / "all.csv", everything, *BAD_LINES)
    result = run(workspace, path, day)
    expected = {name: len(group) for name, group in rows.items()}
    expected["quarantined"] += len(BAD_LINES)
    assert counts(result) == expected
    assert result.counts.read == len(everything) + len(BAD_LINES)
    names = set(result.recommendations["shipment_id"].to_pylist())
    assert names >= {f"G{n}" for n in range(10)} | {"A1", "NULLS", "L1", "L2", "G-old"}
    assert not names & {"D1", "F1", "O1", "O2", "CONFLICT", known["shipment_id"]}
    [refused] = [p for p in sorted((workspace.out / "quarantine").iterdir()) if f"{result.run.seq:06d}" in p.name]
    written = pq.ParquetFile(refused).read()
    assert written.num_rows == expected["quarantined"]
    assert all(written["reasons"].to_pylist())
    assert set(written["row_number"].to_pylist()) <= set(range(1, len(everything) + len(BAD_LINES) + 1))


def test_a_version_that_moved_the_arrival_overtakes(country, workspace, tmp_path):
    moved = line(
        country,
        "MOVED",
        version=1,
        action="amended",
        arrival_date=country.day + timedelta(1),
        filed_at=f"{country.day - timedelta(1)}T20:00:00Z",
    )
    path = write_csv(tmp_path / "m.csv", [line(country, "G1"), line(country, "MOVED"), moved])
    result = run(workspace, path, country.day)
    assert "MOVED" not in result.recommendations["shipment_id"].to_pylist()
    assert counts(result) == {"scored": 1, "superseded": 1, "deferred": 1}


def test_late_versions_are_deferred_however_many(country, workspace, tmp_path):
    rows = [
        line(country, "S1"),
        *[line(country, "S1", version=n, action="amended", filed_at=late(country)) for n in (1, 2)],
        *[line(country, "S2", version=n, filed_at=late(country)) for n in (0, 1)],
    ]
    result = run(workspace, write_csv(tmp_path / "late.csv", rows), country.day)
    assert counts(result) == {"scored": 1, "deferred": 4}


def test_every_day_in_turn_is_as_of_its_own_morning(country, tmp_path):
    """Without a date, a day is scored as with it: what its file knew in time counts, whatever day it arrives on."""
    tomorrow = country.day + timedelta(1)
    moved = line(
        country,
        "MOVED",
        version=1,
        action="amended",
        arrival_date=tomorrow,
        filed_at=f"{country.day - timedelta(1)}T20:00:00Z",
    )
    path = write_csv(
        tmp_path / "m.csv",
        [line(country, "G1"), line(country, "MOVED"), moved, line(country, "T1", arrival_date=tomorrow)],
    )
    one = run(country.copy(tmp_path / "one"), path, country.day)
    two = score(country.copy(tmp_path / "two"), [path])
    assert [result.run.run_date for result in two] == [country.day, tomorrow]
    ids = [set(result.recommendations["shipment_id"].to_pylist()) for result in (one, *two)]
    assert ids[0] == ids[1]
    assert "MOVED" in ids[2]
    assert sum(result.counts.read for result in two) == 4
    for result in two:
        counts(result)


def test_days_in_turn_account_for_each_row_once(country, workspace, tmp_path):
    days = [country.day + timedelta(n) for n in range(3)]
    rows = [line(country, f"S{n}", arrival_date=day, filed_at="") for n, day in enumerate(days * 4)]
    path = write_csv(tmp_path / "days.csv", [*rows, line(country, "Q", arrival_date="soon")], "broken")
    results = score(workspace, [path])
    assert [r.run.run_date for r in results] == days
    assert sum(r.counts.read for r in results) == 14
    assert sum(r.counts.quarantined for r in results) == 2
    assert [counts(r).get("scored") for r in results] == [4, 4, 4]


def test_a_manifest_of_another_day_is_refused_and_leaves_nothing(country, workspace, tmp_path):
    before = position(workspace)
    for path in (country.manifest, write_csv(tmp_path / "empty.csv", [])):
        with pytest.raises(InputError, match=r"no shipment in this file arrives on 2031-01-01"):
            run(workspace, path, date(2031, 1, 1))
    with pytest.raises(InputError, match="arrives on"):
        run(
            workspace,
            [country.manifest, write_csv(tmp_path / "o.csv", [line(country, "S", arrival_date="2031-01-01")])],
            country.day,
        )
    with pytest.raises(InputError, match="no readable row was filed before the morning"):
        score(workspace, [write_csv(tmp_path / "bad.csv", [], "broken")])
    assert position(workspace) == before
    assert not published(workspace, country.day).exists()


def test_a_day_of_deletions_only_publishes_an_empty_list(country, tmp_path, workspace):
    names = live(country)
    rows = [
        line(country, "S1", version=1, action="deleted"),
        *[line(country, name, version=99, action="deleted") for name in names],
    ]
    result = run(workspace, write_csv(tmp_path / "gone.csv", rows), country.day)
    assert (result.counts.deleted, result.counts.scored) == (len(rows), 0)
    assert pq.ParquetFile(published(workspace, country.day)).read().num_rows == 0
    assert run(workspace, write_csv(tmp_path / "gone.csv", rows), country.day).replayed


def test_a_day_withdrawn_whole_does_not_stop_the_next(country, workspace, tmp_path):
    today, tomorrow = country.day, country.day + timedelta(1)
    rows = [
        line(country, "W1", filed_at=f"{today - timedelta(5)}T00:00:00Z"),
        line(country, "W1", version=1, action="deleted", filed_at=f"{today - timedelta(4)}T00:00:00Z"),
        line(country, "W2", arrival_date=tomorrow),
    ]
    first, second = score(workspace, [write_csv(tmp_path / "w.csv", rows)])
    assert (first.counts.deleted, first.counts.superseded) == (1, 1)
    assert second.counts.scored == 1
