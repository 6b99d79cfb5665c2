"""The closed loop: who is examined decides what is learned, and what is learned decides who is examined.

    python benches/loop.py                      # 8 seeds, 3 scenarios, about an hour on two cores
    python benches/loop.py --quick              # two small countries, under a minute or two
    python benches/loop.py --through-cli        # one small country through the commands, beside the same in memory

Each seed and scenario is one simulated country of 64 weeks with 4,000 shipments each, of which 5 % are examined. In the
first 12 weeks its unit examines by its old rules, alike for all policies; from then on each policy lives its own life:
every Monday the library's model of any hazard is trained on what is known by then (results are one to seven weeks
late), scores the week's arrivals, and the policy draws the week's exams. Features are 19 that no exam changes and 11
of the track record that the policy's own exams make. At week 36 of 64 a break moves 65 % of all hazards to trusted
traders, goods new to them and new shell importers; a stealthy break moves them to ordinary traders on their usual
lanes. Figures are means over seeds with 95 % t-intervals; differences are paired within a seed.

yield: finds per exam. recall: finds among all truly hazardous shipments; late: in the last 12 weeks. recovery: weeks
after the break until recall over four weeks is at 80 % of that before. Calibration is judged on ALL shipments, examined
or not: what the exam that the policy would order finds is the truth. ECE over 20 bins of equal size; pred/true after
the break, in the 5 % of each week that scores highest, and among trusted traders. constant: everybody gets the weighted
share of positives among the labels.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import loop_picture
from harness import OUT, counts, head, parser, save, scratch, show
from loop_country import Size, best_exams, make
from loop_figures import cell, figures, mean_of, paired
from loop_life import live
from loop_policies import BLIND, MAIN, OURS, Oracle

from riskscore import config
from riskscore.simulator.settings import SCENARIOS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from loop_country import ExamRoom
    from loop_policies import Policy

    from riskscore.simulator import Scenario

    Figures = dict[str, dict[str, Any]]

QUICK = Size(weeks=24, per_week=1_000, warm_up=8)

FOUND = ("yield", "recall", "late_recall", "late_recall_trusted", "recovery_weeks")
CALIBRATED = ("ece", "ece_after", "ratio_after", "ratio_late", "ratio_top", "ratio_trusted")

PAIRS = (
    *((policy.name, "top-k") for policy in OURS),
    *(("ours", policy.name) for policy in OURS[1:]),
    ("ours", "legacy"),
    ("a third of all labels known", "top-k"),
    ("floor, ipw + recency", "floor, neither"),
    ("floor, ipw + recency", "floor, ipw"),
    ("floor, ipw + recency", "floor, recency"),
    ("floor, ipw", "floor, neither"),
    ("floor, recency", "floor, neither"),
    ("floor, neither", "top-k"),
    ("floor, neither", "legacy"),
)
"""Policies held against each other."""

COMPARED = ("yield", "recall", "late_recall", "late_recall_trusted", "recovery_weeks", "ece_after")


def policies(room: ExamRoom) -> tuple[Policy, ...]:
    """All policies; the oracle is the only one that is shown the truth."""
    exam = best_exams(room)
    return (*BLIND, Oracle(room.chance_to_find(exam), exam))


def names() -> list[str]:
    """Names of all policies."""
    return [*(policy.name for policy in BLIND), "oracle"]


def run(
    case: tuple[Scenario, int], *, size: Size, chosen: Sequence[str], settings: config.Model, kept: Path
) -> Figures:
    """Figures per policy of one country (scenario, seed); those in the folder `kept` are not computed again."""
    scenario, seed = case
    path = kept / f"{scenario}-{seed}.json"
    found: Figures = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    missing = [name for name in chosen if name not in found]
    if missing:
        with scratch() as folder:
            country, room = make(folder, scenario, seed, size)
        for policy in policies(room):
            if policy.name in missing:
                found[policy.name] = figures(country, room, live(country, room, policy, settings))
                path.write_text(json.dumps(found), encoding="utf-8")
    return {name: found[name] for name in chosen}


def run_all(cases: Sequence[tuple[Scenario, int]], work: partial[Figures], workers: int) -> dict[str, list[Figures]]:
    """Figures per scenario, one entry per seed; progress is printed as countries are done."""
    found: dict[str, list[Figures]] = {}
    with ProcessPoolExecutor(workers) as pool:
        for (scenario, seed), one in zip(cases, pool.map(work, cases), strict=True):
            found.setdefault(scenario, []).append(one)
            line = ", ".join(f"{name} {figure['late_recall']:.1%}" for name, figure in one.items())
            print(f"{scenario}, seed {seed}: late recall: {line}", flush=True)
    return found


def tables(found: dict[str, list[Figures]], chosen: Sequence[str]) -> None:
    """Print what was found."""
    for scenario, seeds in found.items():
        note = f"{scenario}: mean of {len(seeds)} seeds, 95 % t-intervals"
        show(f"{note}; what is found", ["policy", *FOUND], [_line(seeds, name, FOUND) for name in chosen])
        scored = [name for name in chosen if "ece" in seeds[0][name]]
        rows = [_line(seeds, name, CALIBRATED) for name in scored]
        rows += [_line(seeds, name, CALIBRATED, "constant_") for name in scored]
        show(f"{note}; calibration on all shipments", ["policy", *CALIBRATED], rows)
        show(
            f"{scenario}: paired differences, shares in points",
            ["policy", "less", *COMPARED],
            _differences(seeds, chosen),
        )


def _line(seeds: Sequence[Figures], policy: str, wanted: Sequence[str], prefix: str = "") -> list[str]:
    cells = [cell(mean_of([seed[policy].get(prefix + name) for seed in seeds]), _form(name)) for name in wanted]
    return [f"constant of {policy}" if prefix else policy, *cells]


def _form(figure: str) -> Any:  # noqa: ANN401 - a bound format method
    if figure.startswith("ratio"):
        return "{:.2f}".format
    if figure.startswith("ece"):
        return "{:.4f}".format
    return "{:.1f}".format if figure == "recovery_weeks" else "{:.1%}".format


def _difference(figure: str) -> Any:  # noqa: ANN401 - a function of a float
    """Points of per cent, or as it is."""
    if figure == "recovery_weeks":
        return "{:+.1f}".format
    return "{:+.4f}".format if figure.startswith("ece") else lambda value: f"{100 * value:+.1f}"


def _differences(seeds: Sequence[Figures], chosen: Sequence[str]) -> list[list[str]]:
    rows = []
    for policy, other in PAIRS:
        if {policy, other} <= set(chosen):
            there = [name for name in COMPARED if name in seeds[0][policy] and name in seeds[0][other]]
            cells = {name: cell(paired(seeds, policy, other, name), _difference(name)) for name in there}
            rows.append([policy, other, *(cells.get(name, "-") for name in COMPARED)])
    return rows


def options() -> argparse.ArgumentParser:
    """The command line."""
    words = parser(__doc__)
    words.add_argument("--seeds", type=counts, default="1,2,3,4,5,6,7,8", help="one country each per scenario")
    words.add_argument("--weeks", type=int, default=Size().weeks)
    words.add_argument("--per-week", type=int, default=Size().per_week, help="shipments a week")
    words.add_argument("--scenarios", default=",".join(SCENARIOS))
    words.add_argument("--policies", default=";".join(MAIN), help=f"separated by semicolons; of {'; '.join(names())}")
    words.add_argument("--workers", type=int, default=2, help="countries at a time; about 3 GB each")
    words.add_argument(
        "--model", action="append", default=[], metavar="KEY=VALUE", help="another value of a key of [model]"
    )
    words.add_argument("--picture", type=Path, metavar="FILE", help="also draw recall week by week")
    words.add_argument("--resume", action="store_true", help="keep what an earlier run of the same size has computed")
    words.add_argument("--quick", action="store_true", help="two seeds, small and short countries")
    words.add_argument("--through-cli", action="store_true", help="one small country through the commands")
    return words


def main() -> int:
    """Run with the seeds, sizes and policies named on the command line."""
    given = options().parse_args()
    if given.through_cli:
        import loop_cli

        return loop_cli.main(given.seeds[0])
    size = QUICK if given.quick else Size(given.weeks, given.per_week)
    seeds = given.seeds[:2] if given.quick else given.seeds
    scenarios, chosen = given.scenarios.split(","), [name.strip() for name in given.policies.split(";")]
    if unknown := sorted({*scenarios} - {*SCENARIOS}) + sorted({*chosen} - {*names()}):
        options().error(f"unknown: {'; '.join(unknown)}; there are {', '.join(SCENARIOS)} and {'; '.join(names())}")
    head(f"closed loop: {len(seeds)} seeds, {', '.join(scenarios)}; {size.weeks} weeks of {size.per_week} shipments")
    settings = config.Model.model_validate(dict(pair.split("=") for pair in given.model))
    kept = _kept(size, settings, resume=given.resume)
    work = partial(run, size=size, chosen=chosen, settings=settings, kept=kept)
    found = run_all([(scenario, seed) for scenario in scenarios for seed in seeds], work, given.workers)
    tables(found, chosen)
    if given.picture:
        loop_picture.draw(found, round(0.5625 * size.weeks), given.picture)
    save("loop", {"options": vars(given), "scenarios": found})
    return 0


def _kept(size: Size, settings: config.Model, *, resume: bool) -> Path:
    """Folder of the figures of single countries; emptied unless they are to be kept."""
    digest = hashlib.sha256(repr((size, settings)).encode()).hexdigest()[:12]
    folder = OUT / "loop" / f"{size.weeks}x{size.per_week}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    if not resume:
        for path in folder.glob("*.json"):
            path.unlink()
    return folder


if __name__ == "__main__":
    raise SystemExit(main())
