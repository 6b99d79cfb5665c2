"""Point-in-time history: the replay kernel against two as-of joins, and a morning from a snapshot against years.

    python benches/history.py --facts 50000,200000,800000

The same facts, the same question: for each arrival the record of its importer and of its importer x HS4 as they stood
that morning (every counter of riskscore.history.MEASURES, the decayed ones, first and last day). The baselines sum up
a running ledger per entity and day and join it as of the morning: DuckDB's ASOF JOIN and pandas' merge_asof. All
three are checked to give the same figures. CPU seconds count all threads, so they can be compared on a busy machine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from harness import counts, head, parser, save, scratch, show

from riskscore.history import DECAYED, KINDS, MEASURES, Arrivals, Facts, State, latest_snapshot, replay, save_snapshot
from riskscore.history.kinds import KEY_COLUMNS
from riskscore.history.snapshots import Snapshot
from riskscore.history.state import NEVER, weights
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from riskscore.history import Track

COMPARED = tuple(kind for kind in KINDS if kind.name in ("importer", "importer_x_hs4"))
DAYS = 730
"""Days the facts spread over: two years."""
ARRIVALS_PER_FACT = 0.05
"""Rows that read their history: a unit examines about this share."""

MORNING = 1_000
"""Arrivals of the one morning that is read from a snapshot and from scratch."""

_FIRST_DAY = 20_000
_WITHDRAWN, _EXAMS, _HITS = 0.03, 0.05, 0.2
_DECAYED_NAMES = [f"{measure}_hl{half_life}d" for measure, half_life in DECAYED]
_COUNTERS = [*MEASURES, *_DECAYED_NAMES]


@dataclass(frozen=True)
class Case:
    """Facts, days ascending, and the arrivals that read them."""

    facts: Facts
    arrivals: Arrivals


def make(facts: int, seed: int) -> Case:
    """Facts of traders with Zipf-like volumes over DAYS days, and the arrivals of a random part of the same lanes."""
    rng = np.random.default_rng(seed)
    keys = _keys(rng, facts)
    day = np.sort(rng.integers(_FIRST_DAY, _FIRST_DAY + DAYS, facts)).astype(np.int32)
    side = (rng.random(facts) < _WITHDRAWN).astype(np.int8)
    made = Facts(day, side, keys, _measures(rng, side), np.full(facts, -1, np.int16))
    rows = rng.choice(facts, max(1, int(facts * ARRIVALS_PER_FACT)), replace=False)
    mornings = rng.integers(_FIRST_DAY, _FIRST_DAY + DAYS, len(rows)).astype(np.int32)
    return Case(made, Arrivals(mornings, keys.take(pa.array(rows)), np.full(len(rows), -1, np.int16)))


def _keys(rng: np.random.Generator, n: int) -> pa.Table:
    # Numbers of distinct values as in the simulated country, growing more slowly than the facts.
    sizes = {"importer_id": n // 50, "consignee_id": n // 40, "shipper_id": n // 25, "manufacturer_id": n // 25,
             "filer_id": 300, "carrier_id": 80, "hs4": 1_000, "hs6": 4_000, "origin_country": 60,
             "export_country": 60, "port": 40}  # fmt: skip
    columns = {}
    for name in KEY_COLUMNS:
        volume = rng.zipf(1.3, n) % max(sizes[name], 1)
        columns[name] = pa.array([f"{name[:3]}{code}" for code in volume.tolist()], pa.string())
    return pa.table(columns)


def _measures(rng: np.random.Generator, side: np.ndarray[Any, np.dtype[np.int8]]) -> np.ndarray[Any, Any]:
    n = len(side)
    exam = rng.random(n) < _EXAMS
    hit = exam & (rng.random(n) < _HITS)
    columns = {
        "shipments": ~exam,
        "value_cents": rng.integers(1, 10**8, n) * ~exam,
        "weight_g": rng.integers(1, 10**7, n) * ~exam,
        "amendments": (rng.random(n) < 0.05) & ~exam,
        "deletions": (side == 1) & ~exam,
        "exams": exam,
        "hits": hit,
        "seizures": hit & (rng.random(n) < 0.1),
        "recovered_cents": rng.integers(1, 10**7, n) * hit,
    }
    return np.column_stack([columns[name].astype(np.int64) for name in MEASURES])


# The kernel ------------------------------------------------------------------------------------------------------


def by_replay(case: Case) -> dict[str, pd.DataFrame]:
    """The counters of each arrival by riskscore's kernel."""
    tracks, _, _ = replay(State.empty(COMPARED), case.facts, case.arrivals, COMPARED)
    return {kind.name: _as_frame(tracks[kind.name]) for kind in COMPARED}


def _as_frame(track: Track) -> pd.DataFrame:
    frame = pd.DataFrame(np.column_stack([track.net, track.decayed]), columns=_COUNTERS)
    return frame.assign(first_day=track.first_day, last_day=track.last_day)


# The baselines ---------------------------------------------------------------------------------------------------


def _ledger(case: Case, columns: tuple[str, ...]) -> pa.Table:
    """One row per fact: entity, day, the signed counters, and the day of a filing (null for other facts)."""
    facts = case.facts
    sign = np.where(facts.side == 0, 1, -1)
    signed = facts.measures * sign[:, None]
    signed[:, MEASURES.index("deletions")] = facts.measures[:, MEASURES.index("deletions")] * (facts.side == 1)
    weight = weights(facts.day)
    decayed = {
        name: signed[:, MEASURES.index(measure)] * weight[:, at]
        for at, (name, (measure, _)) in enumerate(zip(_DECAYED_NAMES, DECAYED, strict=True))
    }
    filing = (facts.side == 0) & (facts.measures[:, 0] > 0)
    return pa.table(
        {
            "entity": _entities(facts.keys, columns),
            "day": facts.day,
            **dict(zip(MEASURES, signed.T, strict=True)),
            **decayed,
            "filing": pa.array(facts.day, mask=~filing),
        }
    )


def _arrivals(case: Case, columns: tuple[str, ...]) -> pa.Table:
    arrivals = case.arrivals
    return pa.table(
        {"n": np.arange(len(arrivals.day)), "entity": _entities(arrivals.keys, columns), "morning": arrivals.day}
    )


def _entities(keys: pa.Table, columns: tuple[str, ...]) -> pa.Array:
    joined = keys[columns[0]].to_pandas()
    for column in columns[1:]:
        joined = joined + "|" + keys[column].to_pandas()
    return pa.array(joined)


_ASOF = f"""
WITH daily AS (
    SELECT entity, day, {", ".join(f"sum({name}) AS {name}" for name in _COUNTERS)},
        min(filing) AS first_filing, max(filing) AS last_filing
    FROM facts GROUP BY entity, day),
running AS (
    SELECT entity, day, {", ".join(f"sum({name}) OVER so_far AS {name}" for name in _COUNTERS)},
        min(first_filing) OVER so_far AS first_day, max(last_filing) OVER so_far AS last_day
    FROM daily WINDOW so_far AS (PARTITION BY entity ORDER BY day))
SELECT n, morning, {", ".join(f"{name}::DOUBLE AS {name}" for name in _COUNTERS)}, first_day, last_day
FROM arrivals a ASOF LEFT JOIN running r ON a.entity = r.entity AND a.morning > r.day ORDER BY n"""


def by_duckdb(case: Case) -> dict[str, pd.DataFrame]:
    """The same by DuckDB: running sums per entity and day, then an ASOF JOIN."""
    found = {}
    with duckdb.connect() as connection:
        for kind in COMPARED:
            connection.register("facts", _ledger(case, kind.columns))
            connection.register("arrivals", _arrivals(case, kind.columns))
            found[kind.name] = _finished(connection.sql(_ASOF).to_arrow_table().to_pandas())
    return found


def by_pandas(case: Case) -> dict[str, pd.DataFrame]:
    """The same by pandas: running sums per entity and day, then merge_asof."""
    found = {}
    for kind in COMPARED:
        facts = _ledger(case, kind.columns).to_pandas()
        daily = facts.groupby(["entity", "day"], sort=True).agg(
            **{name: (name, "sum") for name in _COUNTERS}, first_day=("filing", "min"), last_day=("filing", "max")
        )
        by_entity = daily.groupby("entity", sort=False)
        running = by_entity[_COUNTERS].cumsum()
        running["first_day"] = by_entity["first_day"].cummin().groupby("entity", sort=False).ffill()
        running["last_day"] = by_entity["last_day"].cummax().groupby("entity", sort=False).ffill()
        running = running.reset_index().sort_values("day", kind="stable")
        arrivals = _arrivals(case, kind.columns).to_pandas().sort_values("morning", kind="stable")
        joined = pd.merge_asof(
            arrivals, running, left_on="morning", right_on="day", by="entity", allow_exact_matches=False
        )
        found[kind.name] = _finished(joined.sort_values("n"))
    return found


def _finished(joined: pd.DataFrame) -> pd.DataFrame:
    frame = joined[_COUNTERS].fillna(0.0).reset_index(drop=True)
    frame[_DECAYED_NAMES] = frame[_DECAYED_NAMES].clip(lower=0.0) / weights(joined["morning"].to_numpy())
    days = joined[["first_day", "last_day"]].fillna(NEVER).astype(np.int32).reset_index(drop=True)
    return pd.concat([frame, days], axis=1)


def require_same(ours: dict[str, pd.DataFrame], theirs: dict[str, pd.DataFrame]) -> None:
    """Counts and days equal, decayed counters within 1e-9: the baselines add the same numbers in another order."""
    for kind, mine in ours.items():
        for name in mine.columns:
            near = 1e-9 if name in _DECAYED_NAMES else 0.0
            np.testing.assert_allclose(theirs[kind][name], mine[name], rtol=near, atol=near, err_msg=f"{kind} {name}")


# Measuring -------------------------------------------------------------------------------------------------------


def _timed(work: Callable[[], Any], repeats: int) -> tuple[Any, float, float]:
    """The result, and the least wall-clock and CPU seconds of `repeats` runs."""
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return result, min(walls), min(cpus)


def run(sizes: list[int], seed: int, repeats: int = 2) -> list[dict[str, Any]]:
    """Per number of facts: seconds of the kernel and of each baseline, after checking that they agree."""
    found = []
    for size in sizes:
        case = make(size, seed)
        ours, *figures = _timed(partial(by_replay, case), repeats)
        methods = {"replay": figures}
        for name, method in (("duckdb", by_duckdb), ("pandas", by_pandas)):
            theirs, *methods[name] = _timed(partial(method, case), repeats)
            require_same(ours, theirs)
        everything = partial(replay, State.empty(KINDS), case.facts, case.arrivals)
        _, *methods["replay, all kinds"] = _timed(everything, repeats)
        found.append({"facts": size, "arrivals": len(case.arrivals.day), "seconds": methods})
    return found


def run_snapshot(size: int, seed: int, repeats: int = 2) -> dict[str, float]:
    """Seconds of one morning: replay of everything, and reading a snapshot and folding its last day; same tracks."""
    case = make(size, seed)
    last = _FIRST_DAY + DAYS - 1
    read = _cut(case.arrivals, MORNING)
    arrivals = Arrivals(np.full_like(read.day, last + 1), read.keys, read.unit_value_bin)
    before, of_last = _part(case.facts, case.facts.day < last), _part(case.facts, case.facts.day == last)
    none = _cut(arrivals, 0)
    (whole, _, _), scratch_wall, scratch_cpu = _timed(lambda: replay(State.empty(KINDS), case.facts, arrivals), repeats)
    _, _, state = replay(State.empty(KINDS), before, none)
    yesterday = date(1970, 1, 1) + timedelta(days=last - 1)
    with scratch() as folder:
        workspace = Workspace.create(folder / "workspace")
        with workspace.ledger(read_only=True) as ledger:
            snapshot = Snapshot(yesterday, 0, state)
            path, save_wall, _ = _timed(lambda: save_snapshot(workspace.snapshots, snapshot), 1)
            size_on_disk = sum(file.stat().st_size for file in path.iterdir())

            def morning() -> dict[str, Track]:
                kept = latest_snapshot(
                    workspace.snapshots, ledger.connection, before=yesterday + timedelta(days=1), position=0
                )
                assert kept is not None
                return replay(kept.state, of_last, arrivals)[0]

            tracks, day_wall, day_cpu = _timed(morning, repeats)
    for name, track in tracks.items():
        for part in ("net", "decayed", "first_day", "last_day"):
            np.testing.assert_array_equal(getattr(track, part), getattr(whole[name], part), err_msg=name)
    return {
        "facts": size,
        "arrivals": len(arrivals.day),
        "scratch": scratch_wall,
        "scratch_cpu": scratch_cpu,
        "morning": day_wall,
        "morning_cpu": day_cpu,
        "save": save_wall,
        "megabytes": size_on_disk / 1e6,
    }


def _part(facts: Facts, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> Facts:
    return Facts(
        facts.day[chosen], facts.side[chosen], facts.keys.filter(pa.array(chosen)), facts.measures[chosen],
        facts.unit_value_bin[chosen],
    )  # fmt: skip


def _cut(arrivals: Arrivals, rows: int) -> Arrivals:
    return Arrivals(arrivals.day[:rows], arrivals.keys.slice(0, rows), arrivals.unit_value_bin[:rows])


def _print(found: list[dict[str, Any]], mornings: list[dict[str, float]]) -> None:
    rows = []
    for case in found:
        seconds = case["seconds"]
        _, cpu = seconds["replay"]
        for name, (their_wall, their_cpu) in seconds.items():
            ratio = "" if name == "replay, all kinds" else f"{their_cpu / cpu:.1f}"
            kinds = len(KINDS) if "all" in name else len(COMPARED)
            rows.append([case["facts"], case["arrivals"], name, kinds, f"{their_wall:.2f}", f"{their_cpu:.2f}", ratio])
    columns = ["facts", "arrivals", "method", "kinds", "seconds", "CPU seconds", "CPU / replay"]
    show("Point-in-time counters of each arrival, checked equal", columns, rows)
    body = [
        [m["facts"], m["arrivals"], f"{m['scratch']:.2f}", f"{m['morning']:.2f}", f"{m['scratch'] / m['morning']:.1f}",
         f"{m['save']:.2f}", f"{m['megabytes']:.1f}"]
        for m in mornings
    ]  # fmt: skip
    columns = ["facts", "arrivals", "from scratch, s", "snapshot + 1 day, s", "ratio", "save, s", "snapshot, MB"]
    show("One morning, all kinds, checked equal to the bit (reading the log is not in either)", columns, body)


def main() -> int:
    """Run with the sizes named on the command line."""
    options = parser(__doc__)
    options.add_argument("--facts", type=counts, default="50000,200000,800000", help="numbers of facts")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--repeats", type=int, default=2, help="the fastest counts")
    given = options.parse_args()
    head("history: replay against as-of joins")
    found = run(given.facts, given.seed, given.repeats)
    mornings = [run_snapshot(size, given.seed, given.repeats) for size in given.facts]
    _print(found, mornings)
    save("history", {"joins": found, "mornings": mornings})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
