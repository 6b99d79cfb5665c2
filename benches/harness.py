"""What every bench needs: a table, the command and the machine that made it, repeated timing, and a JSON file."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shlex
import sys
import tempfile
import time
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from riskscore.cli.terminal import console, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

ROOT = Path(__file__).parents[1]
OUT = ROOT / "build" / "benches"
"""Where figures are kept as JSON, one file per bench; git-ignored."""

_LIBRARIES = ("numpy", "pandas", "pyarrow", "duckdb", "lightgbm", "scikit-learn", "scipy")


def parser(description: str | None) -> argparse.ArgumentParser:
    """A command line whose help is the bench's docstring and shows every default."""

    class Format(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
        pass

    return argparse.ArgumentParser(description=description, formatter_class=Format)


def counts(text: str) -> list[int]:
    """A comma-separated list of whole numbers.

    >>> counts("1000,20_000")
    [1000, 20000]
    """
    return [int(part) for part in text.split(",")]


def machine() -> dict[str, Any]:
    """The machine and the libraries: figures from two of them are not comparable."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def head(title: str) -> None:
    """Print what follows, the command that makes it, and the machine it was made on."""
    here = machine()
    libraries = ", ".join(f"{name} {number}" for name, number in here["libraries"].items())
    print(f"\n== {title}")
    print(f"made by: {command()}")
    print(
        f"machine: {here['cores']} cores, {here['memory_gib']} GiB, load {here['load']} at the start; "
        f"Python {here['python']}, {libraries}"
    )


def command() -> str:
    """The command that runs this bench again, from the root of the repository."""
    script = Path(sys.argv[0])
    inside = script.resolve().is_relative_to(ROOT)
    return shlex.join(["python", str(script.resolve().relative_to(ROOT) if inside else script), *sys.argv[1:]])


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table."""
    console().print(table(columns, rows, title=title))


def save(name: str, figures: Any) -> Path:  # noqa: ANN401 - whatever JSON can hold
    """Keep figures as build/benches/NAME.json, with the command and the machine."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    content = {"command": command(), "machine": machine(), "figures": figures}
    path.write_text(json.dumps(content, indent=2, default=float) + "\n", encoding="utf-8")
    print(f"figures: {path.relative_to(ROOT)}")
    return path


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder for workspaces, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="riskscore-bench-") as folder:
        yield Path(folder)


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Wall-clock seconds of the fastest of `repeats` runs: what other programs add is only ever positive."""
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def t_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % Student t-interval of independent figures; an interval needs at least two.

    >>> [round(bound, 2) for bound in t_interval([1.0, 2.0, 3.0])]
    [2.0, -0.48, 4.48]
    """
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    if len(array) < 2:
        return mean, math.nan, math.nan
    half = float(stats.t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / math.sqrt(len(array)))
    return mean, mean - half, mean + half
