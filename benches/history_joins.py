"""The joins of benches/history.py: the same facts, made once, read by the kernel and by two as-of joins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.history import KINDS, Arrivals, EntityKind, Entries, Replay, State
from riskscore.history.keys import Coded, key_columns
from riskscore.history.measures import ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from riskscore.history import Facts, Track

ASKED = ("importer", "shipper", "filer", "hs6_x_origin", "importer_x_hs4", "shipper_x_consignee", "route")
JOINED = tuple(EntityKind(kind.name, kind.columns, kind.meaning) for kind in KINDS if kind.name in ASKED)
"""The kinds of the comparison; without peers and fans, which the joins are not asked for."""

AMOUNTS = ("shipments", "value_cents", "weight_g", "amendments", "deletions", "exams", "hits", "recovered_cents")
FORGETTING = (("shipments", 30), ("exams", 365), ("hits", 365))
COUNTERS = (*AMOUNTS, *(f"{measure}_hl{days}d" for measure, days in FORGETTING))

DAYS, FIRST_DAY = 1_095, 20_000
WINDOW = 2_000_000
_WITHDRAWN, _EXAMINED, _HITS, _LATE = 0.03, 0.05, 0.1, 20
_EPOCH = FIRST_DAY + DAYS


def make(folder: Path, facts: int, rows: int, seed: int) -> None:
    """Facts of traders with uneven volumes over three years, and labelled rows of the same lanes, as Parquet."""
    rng = np.random.default_rng(seed)
    lanes = max(facts // 4, 1_000)
    columns = _lanes(rng, lanes)
    traffic = _traffic(rng, facts, lanes)
    findings = _findings(rng, traffic)
    whole = pa.concat_tables([traffic, findings], promote_options="permissive").sort_by("day")
    for name, table in (("facts", whole), ("rows", _asked(rng, rows, lanes))):
        lane = table["lane"].to_numpy()
        keyed = table.drop_columns("lane")
        for column, codes in columns.items():
            keyed = keyed.append_column(column, pa.array(codes[lane]))
        for kind in JOINED:
            keyed = keyed.append_column(f"entity_{kind.name}", pa.array(_entity(kind, columns)[lane]))
        pq.write_table(keyed, folder / f"{name}.parquet", row_group_size=WINDOW)


def _lanes(rng: np.random.Generator, lanes: int) -> dict[str, NDArray[np.int32]]:
    sizes = {"importer_id": lanes // 12, "consignee_id": lanes // 2, "shipper_id": lanes // 6, "filer_id": 300,
             "hs6": 5_000, "origin_country": 60, "export_country": 60, "port": 300}  # fmt: skip
    drawn = {name: (max(size, 1) * rng.random(lanes) ** 2).astype(np.int32) for name, size in sizes.items()}
    return {**drawn, "hs4": drawn["hs6"] // 4}


def _entity(kind: EntityKind, columns: dict[str, NDArray[np.int32]]) -> NDArray[np.int64]:
    codes = [columns[column].astype(np.int64) for column in kind.columns]
    return codes[0] if len(codes) == 1 else codes[0] << 32 | codes[1]


def _traffic(rng: np.random.Generator, n: int, lanes: int) -> pa.Table:
    filed = int(n / (1 + _WITHDRAWN))
    lane = (lanes * rng.random(filed) ** 2).astype(np.int64)
    day = rng.integers(FIRST_DAY, FIRST_DAY + DAYS, filed)
    amounts = {"shipments": np.ones(filed, np.int64), "value_cents": rng.integers(1, 10**8, filed),
               "weight_g": rng.integers(1, 10**7, filed), "amendments": (rng.random(filed) < 0.05).astype(np.int64),
               "deletions": np.zeros(filed, np.int64)}  # fmt: skip
    taken_back = rng.choice(filed, n - filed, replace=False)
    later = day[taken_back] + rng.integers(1, _LATE, n - filed)
    parts = [{"day": day, "side": np.zeros(filed, np.int8), "weight_day": day, "lane": lane, **amounts},
             {"day": later, "side": np.ones(n - filed, np.int8), "weight_day": day[taken_back],
              "lane": lane[taken_back], **{name: each[taken_back] for name, each in amounts.items()},
              "deletions": (rng.random(n - filed) < 0.3).astype(np.int64)}]  # fmt: skip
    return pa.concat_tables([pa.table(part) for part in parts])


def _findings(rng: np.random.Generator, traffic: pa.Table) -> pa.Table:
    examined = pa.array(rng.choice(len(traffic), int(len(traffic) * _EXAMINED), replace=False))
    known = traffic["day"].take(examined).to_numpy() + rng.integers(0, _LATE, len(examined))
    hits = (rng.random(len(examined)) < _HITS).astype(np.int64)
    filed = {"day": known, "side": np.zeros(len(known), np.int8), "weight_day": known,
             "lane": traffic["lane"].take(examined).to_numpy(), "exams": np.ones(len(known), np.int64), "hits": hits,
             "recovered_cents": hits * rng.integers(1, 10**7, len(known))}  # fmt: skip
    some = rng.choice(len(known), len(known) // 50, replace=False)
    corrected = {name: each[some] for name, each in filed.items()}
    corrected |= {"day": known[some] + rng.integers(1, _LATE, len(some)), "side": np.ones(len(some), np.int8)}
    return pa.concat_tables([pa.table(filed), pa.table(corrected)])


def _asked(rng: np.random.Generator, rows: int, lanes: int) -> pa.Table:
    lane = (lanes * rng.random(rows) ** 2).astype(np.int64)
    return pa.table({"morning": rng.integers(FIRST_DAY, FIRST_DAY + DAYS, rows), "lane": lane})


# The kernel ------------------------------------------------------------------------------------------------------


def by_replay(folder: Path, timed: AbstractContextManager[object], *, whole: bool) -> dict[str, pd.DataFrame]:
    """The counters of each row by riskscore's kernel, window by window of days."""
    arrivals = _arrivals(pq.read_table(folder / "rows.parquet"))
    with timed:
        replay = Replay(State.empty(JOINED), arrivals, whole=whole)
    for facts, through in _windows(folder):
        with timed:
            replay.fold(facts, through)
    with timed:
        tracks = replay.result()[0]
    return {name: _read(track) for name, track in tracks.items()}


def _windows(folder: Path) -> Iterator[tuple[Facts, int]]:
    file = pq.ParquetFile(folder / "facts.parquet")
    kept: pa.Table | None = None
    for batch in file.iter_batches(WINDOW):
        table = pa.concat_tables([*([kept] if kept else []), pa.Table.from_batches([batch])])
        days = table["day"].to_numpy()
        begun = int(np.searchsorted(days, days[-1]))  # the last day may go on in the next batch
        kept = table.slice(begun)
        if begun:
            yield _facts(table.slice(0, begun)), int(days[begun - 1])
    if kept:
        yield _facts(kept), int(kept["day"][-1].as_py())


def _facts(table: pa.Table) -> Facts:
    of_traffic = table["exams"].is_null().to_numpy()
    parts = {"traffic": of_traffic, "findings": ~of_traffic, "post_entry": np.zeros(len(table), np.bool_)}
    return {account: _entries(account, table.filter(pa.array(part))) for account, part in parts.items()}


def _entries(account: str, table: pa.Table) -> Entries:
    nothing = np.zeros(len(table), np.int64)
    return Entries(
        day=table["day"].to_numpy().astype(np.int32),
        side=table["side"].to_numpy().astype(np.int8),
        weight_day=table["weight_day"].to_numpy().astype(np.int32),
        keys=_keys(table),
        amounts={name: table[name].to_numpy().astype(np.int64) if name in AMOUNTS else nothing
                 for name in ACCOUNTS[account]},
        bins={},
    )  # fmt: skip


def _arrivals(table: pa.Table) -> Arrivals:
    return Arrivals(table["morning"].to_numpy().astype(np.int32), _keys(table), {}, np.zeros(len(table)))


def _keys(table: pa.Table) -> dict[str, Coded]:
    """Texts, as read_facts gives them: the distinct ones of the rows at hand, and their codes."""
    found = {}
    for column in key_columns(JOINED):
        distinct, codes = np.unique(table[column].to_numpy(), return_inverse=True)
        texts = pa.array([f"{column} {code}" for code in distinct.tolist()], pa.large_string())
        found[column] = Coded(codes.astype(np.int32), texts)
    return found


def _read(track: Track) -> pd.DataFrame:
    columns = {name: track.count(name) for name in AMOUNTS}
    columns |= {f"{name}_hl{days}d": track.recent(name, days) for name, days in FORGETTING}
    return pd.DataFrame(columns).assign(first_day=track.first_day, last_day=track.last_day)


# The baselines ---------------------------------------------------------------------------------------------------

_SIGN = "(1 - 2 * side)"
_SIGNED = [
    *(f"coalesce({name}, 0) * {_SIGN} AS {name}" for name in AMOUNTS if name != "deletions"),
    "coalesce(deletions, 0) AS deletions",
    *(
        f"coalesce({name}, 0) * {_SIGN} * pow(2, (weight_day - {_EPOCH}) / {days}.0) AS {name}_hl{days}d"
        for name, days in FORGETTING
    ),
]
_ASOF = f"""
WITH daily AS (
    SELECT entity, day, {", ".join(f"sum({name}) AS {name}" for name in COUNTERS)},
        min(filing) AS first_filing, max(filing) AS last_filing
    FROM (
        SELECT {{entity}} AS entity, day, CASE WHEN side = 0 AND shipments = 1 THEN day END AS filing,
            {", ".join(_SIGNED)}
        FROM facts)
    GROUP BY entity, day),
running AS (
    SELECT entity, day, {", ".join(f"sum({name}) OVER so_far AS {name}" for name in COUNTERS)},
        min(first_filing) OVER so_far AS first_day, max(last_filing) OVER so_far AS last_day
    FROM daily WINDOW so_far AS (PARTITION BY entity ORDER BY day))
SELECT n, morning, {", ".join(f"r.{name}::DOUBLE AS {name}" for name in COUNTERS)}, first_day, last_day
FROM asked a ASOF LEFT JOIN running r ON a.entity = r.entity AND a.morning > r.day ORDER BY n"""


def by_duckdb(folder: Path, timed: AbstractContextManager[object]) -> dict[str, pd.DataFrame]:
    """The same by DuckDB: running sums per entity and day, then an ASOF JOIN."""
    found = {}
    facts, rows = (pq.read_table(folder / f"{name}.parquet") for name in ("facts", "rows"))
    with duckdb.connect(config={"memory_limit": "14GB", "temp_directory": str(folder)}) as connection:
        connection.register("facts", facts)
        for kind in JOINED:
            asked = {"n": np.arange(len(rows)), "entity": rows[f"entity_{kind.name}"], "morning": rows["morning"]}
            connection.register("asked", pa.table(asked))
            with timed:
                joined = connection.sql(_ASOF.format(entity=f"entity_{kind.name}")).to_arrow_table()
            found[kind.name] = _finished(joined.to_pandas())
    return found


def by_pandas(folder: Path, timed: AbstractContextManager[object]) -> dict[str, pd.DataFrame]:
    """The same by pandas: running sums per entity and day, then merge_asof."""
    found = {}
    facts, rows = (pq.read_table(folder / f"{name}.parquet").to_pandas() for name in ("facts", "rows"))
    with timed:
        ledger = _signed(facts)
    for kind in JOINED:
        with timed:
            joined = _merged(ledger.assign(entity=facts[f"entity_{kind.name}"]), rows, f"entity_{kind.name}")
        found[kind.name] = _finished(joined)
    return found


def _signed(facts: pd.DataFrame) -> pd.DataFrame:
    sign = 1 - 2 * facts["side"].astype(np.int64)
    columns = {name: facts[name].fillna(0).astype(np.int64) for name in AMOUNTS}
    signed = {name: each if name == "deletions" else each * sign for name, each in columns.items()}
    for name, days in FORGETTING:
        signed[f"{name}_hl{days}d"] = signed[name] * np.exp2((facts["weight_day"] - _EPOCH) / days)
    filing = facts["day"].where((facts["side"] == 0) & (columns["shipments"] == 1))
    return pd.DataFrame({"day": facts["day"], "filing": filing, **signed})


def _merged(ledger: pd.DataFrame, rows: pd.DataFrame, entity: str) -> pd.DataFrame:
    daily = ledger.groupby(["entity", "day"], sort=True).agg(
        **{name: (name, "sum") for name in COUNTERS}, first_day=("filing", "min"), last_day=("filing", "max")
    )
    by_entity = daily.groupby("entity", sort=False)
    running = by_entity[list(COUNTERS)].cumsum()
    running["first_day"] = by_entity["first_day"].cummin().groupby("entity", sort=False).ffill()
    running["last_day"] = by_entity["last_day"].cummax().groupby("entity", sort=False).ffill()
    running = running.reset_index().sort_values("day", kind="stable")
    asked = rows[["morning", entity]].rename(columns={entity: "entity"}).rename_axis("n").reset_index()
    asked = asked.sort_values("morning", kind="stable")
    joined = pd.merge_asof(asked, running, left_on="morning", right_on="day", by="entity", allow_exact_matches=False)
    return joined.sort_values("n")


def _finished(joined: pd.DataFrame) -> pd.DataFrame:
    frame = joined[list(COUNTERS)].astype(np.float64).fillna(0.0).reset_index(drop=True)
    for name, days in FORGETTING:
        column = f"{name}_hl{days}d"
        age = np.exp2((joined["morning"].to_numpy() - _EPOCH) / days)
        frame[column] = np.where(frame[name] == 0, 0.0, np.maximum(frame[column], 0.0) / age)
    days = joined[["first_day", "last_day"]].astype(np.float64).fillna(-1).reset_index(drop=True)
    return pd.concat([frame, days], axis=1)


def require_same(ours: dict[str, pd.DataFrame], theirs: dict[str, pd.DataFrame]) -> None:
    """Counts and days equal, decayed counters within 1e-6: a running sum forgets less well than one per entity."""
    for kind, mine in ours.items():
        for name in mine.columns:
            near: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-6} if "_hl" in name else {"rtol": 0, "atol": 0}
            np.testing.assert_allclose(theirs[kind][name], mine[name], err_msg=f"{kind} {name}", **near)
