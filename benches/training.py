"""Training: seconds, CPU and memory of `models.train`, beside one plain LightGBM booster, as labelled rows grow.

    python benches/training.py
    python benches/training.py --rows 100_000,300_000,1_000_000 --threads 2
    python benches/training.py --rows 20_000 --same 1,2,4     # the same files on any number of threads?

Data are made from a seed: 120 features, of which 8 are codes and the others heavy-tailed counts, amounts and flags,
a fifth of them null; 8 hazards, each driven by 6 features of its own and 2 shared ones, found in 0.5 to 2 % of the
shipments whose exam could see them, which is half of them per hazard. Weights are as of a mostly targeted design: 1 for
most, 20 to 200 for a tenth.

Each figure is of a process of its own, which first makes the data: memory is the peak of the whole process, and what
was resident before training is shown beside it. The baseline is `lightgbm.train` of one booster for `any` with the same
parameters and rounds on the same matrix, in a process of its own.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from harness import counts, head, parser, save, show

from riskscore import config, models, reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEATURES, CODES, HAZARDS, DAYS = 120, 8, 8, 400
"""Columns, categorical ones among them, targets beside `any`, and days the rows arrive on."""

SEED = 20260101


class Made:
    """Made data: features, labels and arrival days, as `models.train` takes them; `categorical` columns come last."""

    def __init__(self, rows: int) -> None:
        rng = np.random.default_rng(SEED)
        names = [f"f{at:03d}" for at in range(FEATURES)]
        self.categorical = names[-CODES:]
        index = pd.Index([f"S{at:09d}" for at in range(rows)], name="shipment_id")
        self.days = 20_000 + np.arange(rows) * DAYS // rows
        matrix = np.empty((FEATURES, rows))
        for at in range(FEATURES):
            matrix[at] = _column(rng, rows, at)
        self.labels = pd.DataFrame(_labels(rng, matrix), index=index)
        self.features = pd.DataFrame(matrix.T, index=index, columns=names, copy=False)


def _column(rng: np.random.Generator, rows: int, at: int) -> Floats:
    if at >= FEATURES - CODES:
        return rng.integers(0, 40, rows).astype(np.float64)
    values = (rng.lognormal(0, 1.5, rows), rng.poisson(1.0, rows), rng.random(rows) < 0.1)[at % 3]
    return np.where(rng.random(rows) < 0.2, np.nan, values.astype(np.float64))


def _labels(rng: np.random.Generator, matrix: Floats) -> dict[str, Floats]:
    """Hazards with known signal: log-odds add 0.8 for each of eight features above its median, 0 where null."""
    rows = matrix.shape[1]
    names, found = reference.learned_hazards()[:HAZARDS], {}
    for at, name in enumerate(names):
        drivers = [0, 1, *range(2 + 6 * at, 8 + 6 * at)]
        high = [matrix[driver] > np.nanmedian(matrix[driver, :10_000]) for driver in drivers]
        log_odds = -7.0 + 0.8 * np.sum(high, axis=0)
        seen = rng.random(rows) < 0.5
        found[name] = np.where(seen, rng.random(rows) < 1 / (1 + np.exp(-log_odds)), np.nan)
    anything = np.nanmax(np.column_stack([np.zeros(rows), *found.values()]), axis=1)
    weight = np.where(rng.random(rows) < 0.1, rng.uniform(20, 200, rows), 1.0)
    return {"any": anything, **found, "weight": weight, "uncorrected": np.zeros(rows, dtype=bool)}


def trained(made: Made, threads: int) -> str:
    """Train as the product does; SHA-256 over the booster texts, which name no threads."""
    model = models.train(
        made.features, made.labels, made.days, config.Model(), categorical=made.categorical, threads=threads
    )
    digest = hashlib.sha256()
    for target, booster in model.boosters.items():
        digest.update(f"{target}\n{booster.text}\n{booster.calibrator}\n".encode())
    return f"{digest.hexdigest()} {len(model.boosters)} boosters"


def baseline(made: Made, threads: int) -> str:
    """One plain booster of `any`."""
    import lightgbm as lgb

    from riskscore.models.boosting import Design

    names = list(made.features.columns)
    columns = tuple(names.index(name) for name in made.categorical)
    parameters = Design(config.Model(), columns, (0,) * len(names), threads).parameters()
    rows = lgb.Dataset(
        made.features.to_numpy(),
        made.labels["any"].to_numpy(),
        weight=made.labels["weight"].to_numpy(),
        categorical_feature=list(columns),
        params=parameters,
    )
    booster = lgb.train(parameters, rows, num_boost_round=config.Model().trees)
    return f"{booster.num_trees()} rounds"


WORK: dict[str, Callable[[Made, int], str]] = {"train": trained, "baseline": baseline}


def child(what: str, rows: int, threads: int) -> dict[str, Any]:
    """Do one piece of work here: seconds, CPU seconds, GiB before and at the peak, and what it says."""
    made = Made(rows)
    before = _peak()
    begin, cpu = time.perf_counter(), time.process_time()
    said = WORK[what](made, threads)
    took = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu}
    return took | {
        "data_gib": made.features.to_numpy().nbytes / 2**30,
        "before_gib": before,
        "peak_gib": _peak(),
        "said": said,
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measured(what: str, rows: int, threads: int) -> dict[str, Any]:
    """`child` in a process of its own."""
    command = [sys.executable, __file__, "--child", what, "--rows", str(rows), "--threads", str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - this very script
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"what": what, "rows": rows, "threads": threads} | figures


COLUMNS = (
    "rows",
    "threads",
    "work",
    "seconds",
    "CPU s",
    "data GiB",
    "before GiB",
    "peak GiB",
    "CPU / baseline",
    "made",
)


def cells(found: Sequence[dict[str, Any]]) -> list[list[str]]:
    """One row per piece of work; the ratio is to the baseline of the same size and threads."""
    base = {(one["rows"], one["threads"]): one["cpu"] for one in found if one["what"] == "baseline"}
    return [
        [
            f"{one['rows']:,}",
            str(one["threads"]),
            one["what"],
            *(f"{one[name]:.1f}" for name in ("seconds", "cpu", "data_gib", "before_gib", "peak_gib")),
            f"{one['cpu'] / base[one['rows'], one['threads']]:.1f}",
            one["said"][:12] if one["what"] == "train" else one["said"],
        ]
        for one in found
    ]


def main() -> int:
    """Run with the sizes named on the command line."""
    options = parser(__doc__)
    options.add_argument("--rows", type=counts, default="100_000,300_000,1_000_000", help="labelled shipments")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument(
        "--same", type=lambda text: set(counts(text)), default="1,2", help="threads that must give the same files"
    )
    options.add_argument("--child", choices=WORK, help="do one piece of work here, print its figures as JSON")
    given = options.parse_args()
    if given.child:
        print(json.dumps(child(given.child, given.rows[0], given.threads)))
        return 0
    head(f"training: {FEATURES} features, {HAZARDS} hazards")
    found = [measured(what, rows, given.threads) for rows in given.rows for what in ("baseline", "train")]
    show("Training", COLUMNS, cells(found))
    files = {given.threads: next(one["said"] for one in found if one["what"] == "train")}
    files |= {threads: measured("train", given.rows[0], threads)["said"] for threads in given.same - files.keys()}
    for threads, said in files.items():
        print(f"{given.rows[0]:,} rows, {threads} threads: sha256 {said}")
    print("the same files" if len(set(files.values())) == 1 else "DIFFERENT FILES")
    save("training", {"work": found, "files": files})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
