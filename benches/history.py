"""Point-in-time history: replay against as-of joins, one morning from a snapshot, and folding one day.

    python benches/history.py --quick
    python benches/history.py --facts 1000000,5000000,20000000 --history 5000000,20000000,50000000

(a) The same facts, the same question: for each labelled row the record of its entities of seven kinds as they stood
on its morning (history_joins.COUNTERS, first and last day). Facts are bitemporal: some are withdrawn later and weigh
what they weighed, findings come late. The baselines sum up a running ledger per entity and day and join it as of the
morning: DuckDB's ASOF JOIN and pandas' merge_asof, on entities numbered beforehand, which replay must do itself from
texts. All are checked to give the same figures; the kernel reads every other measure too.

(b) A morning of a ledger: snapshot read, the last day's facts read and folded, history read for every arrival.
(c) The last day alone: its facts read from the log and folded into the state. Both at growing logs of the same
entities, fourteen kinds.

Each measurement has a process of its own: CPU seconds of all its threads, seconds, and its peak of memory, input
included.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import history_joins
import history_mornings
import pandas as pd
from harness import counts, head, parser, save, scratch, show

if TYPE_CHECKING:
    from collections.abc import Callable

_QUICK = {"facts": [100_000], "rows": 10_000, "history": [200_000, 400_000], "day": 20_000}
_GIB = 2**20
METHODS = ("replay", "replay, whole state", "DuckDB ASOF", "pandas merge_asof")


class Timer:
    """Seconds, and CPU seconds of all threads, of what runs inside `with`."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> None:
        self._begin = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        wall, cpu = self._begin
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


# In a process of its own -----------------------------------------------------------------------------------------


def join(method: str, folder: Path) -> Timer:
    """Answer by one method; the answers are kept beside the facts."""
    timer = Timer()
    work: dict[str, Callable[[], dict[str, pd.DataFrame]]] = {
        "replay": lambda: history_joins.by_replay(folder, timer, whole=False),
        "replay, whole state": lambda: history_joins.by_replay(folder, timer, whole=True),
        "DuckDB ASOF": lambda: history_joins.by_duckdb(folder, timer),
        "pandas merge_asof": lambda: history_joins.by_pandas(folder, timer),
    }
    for kind, frame in work[method]().items():
        frame.to_parquet(folder / f"{method}.{kind}.parquet")
    return timer


def require_same(method: str, folder: Path) -> Timer:
    """Compare a method's answers with those of replay."""
    first, other = (
        {kind.name: pd.read_parquet(folder / f"{name}.{kind.name}.parquet") for kind in history_joins.JOINED}
        for name in (METHODS[0], method)
    )
    history_joins.require_same(first, other)
    return Timer()


def _work(task: list[str], folder: Path) -> Timer:
    if task[0] == "make":
        history_joins.make(folder, *(int(number) for number in task[1:]))
    elif task[0] == "join":
        return join(task[1], folder)
    elif task[0] == "same":
        return require_same(task[1], folder)
    elif task[0] == "ledger":
        history_mornings.make(folder, *(int(number) for number in task[1:]))
    else:
        timer = Timer()
        history_mornings.TASKS[task[0]](folder, timer)
        return timer
    return Timer()


def measured(folder: Path, *task: object) -> dict[str, float]:
    """Run a task in a process of its own: its seconds, CPU seconds and peak of memory."""
    command = [sys.executable, str(Path(__file__)), "--task", json.dumps([str(part) for part in task]), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own script
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _one(task: list[str], folder: Path) -> None:
    timer = _work(task, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _GIB
    print(json.dumps({"cpu": timer.cpu, "wall": timer.wall, "peak_gib": peak}))


# All of them -----------------------------------------------------------------------------------------------------


def run_joins(sizes: list[int], rows: int, seed: int, pandas_up_to: int) -> list[dict[str, Any]]:
    """Table (a): figures of each method at each number of facts, after checking that they agree."""
    found = []
    for size in sizes:
        with scratch() as folder:
            asked = min(rows, size // 5)
            measured(folder, "make", size, asked, seed)
            for method in METHODS:
                if method == METHODS[-1] and size > pandas_up_to:
                    continue
                figures = measured(folder, "join", method)
                measured(folder, "same", method)
                found.append({"facts": size, "rows": asked, "method": method, **figures})
                print(f"  {size} {method}: {figures['cpu']:.1f} CPU-s", file=sys.stderr, flush=True)
    return found


def run_mornings(sizes: list[int], day: int, seed: int) -> list[dict[str, Any]]:
    """Tables (b) and (c): figures of each step at each size of the log."""
    found = []
    for size in sizes:
        with scratch() as folder:
            measured(folder, "ledger", size, day, seed)
            measured(folder, "snapshot")
            for task in ("morning", "fold"):
                figures = measured(folder, task)
                found.append({"history": size, "day": day, "task": task, **figures})
                print(f"  {size} {task}: {figures['cpu']:.1f} CPU-s", file=sys.stderr, flush=True)
    return found


def _print(joins: list[dict[str, Any]], mornings: list[dict[str, Any]]) -> None:
    of_replay = {case["facts"]: case["cpu"] for case in joins if case["method"] == METHODS[0]}
    rows = [
        [case["facts"], case["rows"], case["method"], f"{case['cpu']:.1f}", f"{case['wall']:.1f}",
         f"{case['peak_gib']:.1f}", f"{case['cpu'] / of_replay[case['facts']]:.1f}"]
        for case in joins
    ]  # fmt: skip
    columns = ["facts", "labelled rows", "method", "CPU s", "s", "peak GiB", "CPU / replay"]
    show("(a) As-of history of labelled rows, 7 kinds, checked equal", columns, rows)
    titles = {"morning": "(b) One morning from a snapshot, 14 kinds", "fold": "(c) Folding one day, 14 kinds"}
    for task, title in titles.items():
        of_task = [case for case in mornings if case["task"] == task]
        rows = [
            [case["history"], case["day"], f"{case['cpu']:.1f}", f"{case['wall']:.1f}", f"{case['peak_gib']:.1f}",
             f"{case['cpu'] / of_task[0]['cpu']:.2f}"]
            for case in of_task
        ]  # fmt: skip
        show(title, ["rows of history", "rows of the day", "CPU s", "s", "peak GiB", "CPU / first"], rows)


def main() -> int:
    """Run with the sizes named on the command line."""
    options = parser(__doc__)
    options.add_argument("--facts", type=counts, default="1000000,5000000,20000000", help="numbers of facts, (a)")
    options.add_argument("--rows", type=int, default=1_000_000, help="labelled rows; a fifth of the facts at most")
    options.add_argument("--history", type=counts, default="5000000,20000000,50000000", help="rows of the log, (b, c)")
    options.add_argument("--day", type=int, default=1_000_000, help="shipments of a day, (b, c)")
    options.add_argument("--pandas-up-to", type=int, default=5_000_000, help="facts that fit its memory")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--quick", action="store_true", help="small sizes, to try it")
    options.add_argument("--task", help="used by the bench itself")
    options.add_argument("folder", nargs="?", help="used by the bench itself")
    given = options.parse_args()
    if given.task:
        _one(json.loads(given.task), Path(given.folder))
        return 0
    if given.quick:
        vars(given).update(_QUICK)
    head("history: replay against as-of joins, mornings against the length of the log")
    joins = run_joins(given.facts, given.rows, given.seed, given.pandas_up_to)
    mornings = run_mornings(given.history, given.day, given.seed)
    _print(joins, mornings)
    save("history", {"joins": joins, "mornings": mornings})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
