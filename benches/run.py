"""Run the benches: all of them, or those named. `make bench` runs all.

    python benches/run.py
    python benches/run.py kcs policies

Each runs in a process of its own, with its defaults; to change sizes or seeds run its script: python benches/NAME.py
--help. Figures are printed and kept as build/benches/NAME.json. None of this is a test: nothing fails for being slow.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from harness import parser

BENCHES = {
    "kcs": "fraud found in the Korean declarations, beside a look-up of repeated tuples",
    "history": "replay of history against as-of joins; snapshot and one day against a replay from scratch",
    "ledger": "appending and reading a day as the log grows",
    "identity": "near-duplicates found, beside Splink and exact matching; linking by size",
    "validation": "rows per second of validation, against merely reading the file",
    "score_day": "seconds per stage of the daily job, by size of the day",
    "policies": "who finds what in simulated countries with the same exam slots",
    "ablation": "what each group of features adds: recall lost without it",
    "categoricals": "categorical features as LightGBM reads them, beside target encodings",
    "calibration": "ways to calibrate, held against full exams of the whole population",
    "tuning": "by what to choose trials; with --single what each training setting is worth",
    "training": "seconds, CPU and memory of training by labelled rows; the same files on any number of threads",
    "rules": "CPU seconds to hold 50 must-exam rules against a day, beside reading it row by row",
    "allocation": "value and CPU seconds of allocation, beside MILP, rank-then-fill and greedy",
    "prevalence": "coverage and width of intervals for what is out there, over simulated windows",
    "explanation": "exact contributions beside pred_contrib and shap; a day of reasons; top concept over refits",
    "report_page": "the worklist at 5,000 rows: seconds to write, largest interaction in a browser",
}
"""Name of each script beside this one, and what it measures."""


def main() -> int:
    """Run the benches named on the command line; 0 when all ran."""
    words = "\n".join(f"  {name:<11} {what}" for name, what in BENCHES.items())
    options = parser(f"{__doc__}\nbenches:\n{words}")
    options.add_argument("names", nargs="*", metavar="NAME", help="benches to run; none = all")
    names: list[str] = options.parse_args().names or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        options.error(f"unknown bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    failed = [name for name in names if not _run(name)]
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str) -> bool:
    script = Path(__file__).with_name(f"{name}.py")
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, str(script)], check=False)  # noqa: S603 - our own script
    print(f"{name}: {time.perf_counter() - begin:.0f} s", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
