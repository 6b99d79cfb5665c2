"""The canary: a booster is tried on golden rows in a process of its own before this one parses it.

Golden rows are made from the boosters' own splits when a bundle is saved: cells just below, at and just above a
threshold, codes, and nulls. Their log-odds are kept with the bundle, and must come out the same to the bit wherever it
is loaded. A text that crashes LightGBM, hangs it or predicts something else costs a child process, never a morning.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from riskscore.models.booster_text import Split
    from riskscore.models.trained import Feature

    Floats = NDArray[np.float64]

ROWS = 64
"""Golden rows of a bundle."""

# Of how many golden cells one is null.
_NULLS = 8

SECONDS = 60
"""Processor time, and time on the clock, that the child may take; it needs well under one."""

# Address space of the child. Boosters take about three times their text; nine of 20 MB are far beyond any we train.
_BYTES = 4 * 1024**3

_CHILD = Path(__file__).with_name("canary_child.py")

# What a system's loader may need to find LightGBM's OpenMP; nothing else of the environment is the child's business.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

_FIX = "restore the bundle, or train again"


@dataclass(frozen=True, slots=True)
class Golden:
    """Golden rows and what they must give.

    Attributes:
        rows: float64, rows x features, NaN = null.
        log_odds: by target, one raw score per row, float64.
    """

    rows: Floats
    log_odds: Mapping[str, Floats]

    def as_json(self) -> dict[str, Any]:
        """JSON values, exact: a float's shortest form reads back to the same bits; null = NaN."""
        return {
            "rows": [[None if math.isnan(value) else value for value in row] for row in self.rows.tolist()],
            "log_odds": {target: scores.tolist() for target, scores in self.log_odds.items()},
        }

    @staticmethod
    def of_json(content: Mapping[str, Any]) -> Golden:
        """What `as_json` made.

        Raises:
            KeyError, TypeError, ValueError: it is not of that form.
        """
        rows = np.array([[_cell(value) for value in row] for row in content["rows"]], dtype=np.float64)
        if rows.ndim != 2 or not rows.size:
            raise ValueError("golden rows of different lengths, or none")
        scores = {name: np.array([_cell(v) for v in values]) for name, values in content["log_odds"].items()}
        return Golden(rows, scores)


def _cell(value: object) -> float:
    if value is None:
        return math.nan
    if not isinstance(value, float) or not math.isfinite(value):
        message = f"not a number: {value!r}"
        raise ValueError(message)
    return value


def golden_rows(splits: Iterable[Split], features: Sequence[Feature], rows: int = ROWS) -> Floats:
    """Rows on which the boosters of these splits show what they do: each cell next to a threshold, or null.

    Args:
        splits: of all boosters.
        features: their columns.
        rows: how many to make; the same splits give the same rows everywhere.

    Returns:
        float64, rows x features, NaN = null, never infinite.
    """
    cells: list[set[float]] = [set() for _ in features]
    for split in splits:
        cells[split.column] |= _around(split, features[split.column])
    return np.array([_column(number, sorted(values), rows) for number, values in enumerate(cells)]).T


def _column(number: int, values: Sequence[float], rows: int) -> list[float]:
    """Values spread evenly over the rows, in an order of the column's own; the first few null."""
    nulls = rows // _NULLS
    spread = [values[place * len(values) // (rows - nulls)] if values else 0.0 for place in range(rows - nulls)]
    # Not NumPy's generators: their streams may change with its version, and a bundle's bytes with them.
    order = sorted(range(rows), key=lambda row: hashlib.sha256(f"{row} {number}".encode()).digest())
    placed = dict(zip(order, [math.nan] * nulls + spread, strict=True))
    return [placed[row] for row in range(rows)]


def _around(split: Split, feature: Feature) -> set[float]:
    if feature.kind == "categorical":
        return {*map(float, split.codes), max(split.codes, default=-1) + 1.0}
    near = (math.nextafter(split.threshold, way) for way in (-math.inf, math.inf))
    return {value for value in (split.threshold, *near) if math.isfinite(value)}


def verify(texts: Mapping[str, str], golden: Golden, where: str = "", seconds: int = SECONDS) -> None:
    """Predict the golden rows in a child process; return when every bit is as recorded.

    Args:
        texts: booster text by target.
        golden: rows, and the log-odds of these targets.
        where: named in errors.
        seconds: see `SECONDS`.

    Raises:
        ModelError: LightGBM refuses a text, crashes or hangs on it, or predicts something else.
    """
    if set(texts) != set(golden.log_odds):
        raise ModelError("golden rows of other targets than the boosters'", where=where, fix=_FIX)
    found = predict(texts, golden.rows, where, seconds)
    for target, expected in golden.log_odds.items():
        if found[target].tobytes() != expected.tobytes():
            differ = int((found[target] != expected).sum()) if len(found[target]) == len(expected) else len(expected)
            what = f"the {target} booster gives other log-odds than recorded on {differ} of {len(expected)} golden rows"
            raise ModelError(what, where=where, fix=_FIX)


def predict(texts: Mapping[str, str], rows: Floats, where: str = "", seconds: int = SECONDS) -> dict[str, Floats]:
    """Log-odds of `rows` by target, computed by a child process.

    Raises:
        ModelError: LightGBM refuses a text, crashes or hangs on it.
    """
    from lightgbm import basic

    job = {
        # The very library that this process would parse with.
        "library": basic._LIB._name,  # type: ignore[attr-defined]  # noqa: SLF001
        "seconds": seconds,
        "bytes": _BYTES,
        "boosters": dict(texts),
        "rows": Golden(rows, {}).as_json()["rows"],
    }
    answers, end = _run(json.dumps(job), seconds)
    if died := next((target for target in texts if target not in answers), None):
        raise ModelError(f"the {died} booster is refused: {end}", where=where, fix=_FIX)
    return {target: np.array(answers[target], dtype=np.float64) for target in texts}


def _run(job: str, seconds: int) -> tuple[dict[str, list[float]], str]:
    """What the child answered, and how it ended."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-I", "-S", str(_CHILD)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command,
            input=job,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as late:
        return _answers(bytes(late.stdout or b"").decode(errors="replace")), f"LightGBM did not end within {seconds} s"
    return _answers(done.stdout), _end(done.returncode, done.stderr)


def _answers(said: str) -> dict[str, list[float]]:
    answers: dict[str, list[float]] = {}
    for line in said.splitlines():
        # A line cut off by a crash, or written by a process whose memory was damaged, is no answer.
        with contextlib.suppress(ValueError, TypeError):
            answers |= json.loads(line)
    return answers


def _end(code: int, said: str) -> str:
    if code < 0:
        return f"it crashes LightGBM ({signal.strsignal(-code)})"
    last = said.strip().splitlines()[-1:] or ["no reason given"]
    return f"LightGBM says {last[0][:200]!r}"
