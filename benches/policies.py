"""Who finds what with the same exam slots: the demo's table over several simulated countries, one per seed.

    python benches/policies.py --seeds 1,2,3,4,5

Each seed makes a country, ingests its past, trains on what its unit examined, and lives through the last days. Each
figure is a mean over seeds with its 95 % t-interval: a country is one draw, so the interval speaks of countries, not of
shipments. Ratios are taken within a seed first (same country, same days, same slots), then averaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import counts, head, parser, save, scratch, show, t_interval

from riskscore.pipelines.demo import POLICIES, run_demo
from riskscore.pipelines.demo.story import PER_DAY, SCORED_DAYS, WEEKS

if TYPE_CHECKING:
    from pathlib import Path

    from riskscore.pipelines.demo import Story

WORDS = {
    "random": "drawn by lot",
    "legacy": "the unit's old rules",
    "riskscore": "published recommendations",
    "top-k": "same scores, no random floor",
    "oracle": "knows the truth, not the luck",
}


def run(seeds: list[int], weeks: int, per_day: int, days: int, threads: int = 1) -> list[dict[str, Any]]:
    """The comparison of each seed: seed, live, hazardous, and per policy exams, hits, hit_rate and recall."""
    found = []
    for seed in seeds:
        with scratch() as folder:
            found.append(_one(folder, seed, weeks=weeks, per_day=per_day, days=days, threads=threads))
        line = ", ".join(f"{name} {figures['hit_rate']:.1%}" for name, figures in found[-1]["policies"].items())
        print(f"seed {seed}: {line}", flush=True)
    return found


def _one(folder: Path, seed: int, *, weeks: int, per_day: int, days: int, threads: int) -> dict[str, Any]:
    story = run_demo(folder / "demo", seed=seed, threads=threads, weeks=weeks, per_day=per_day, scored_days=days)
    policies = {
        result.policy: {
            "exams": result.exams,
            "hits": result.hits,
            "hit_rate": result.hit_rate[0],
            "recall": result.recall[0],
        }
        for result in story.comparison
    }
    return {"seed": seed, "live": story.live, "hazardous": story.hazardous, "auc": _auc(story), "policies": policies}


def _auc(story: Story) -> float | None:
    auc: float | None = story.trained.evaluations["any"]["auc"]
    return auc


def ratios(found: list[dict[str, Any]], over: str, policy: str = "riskscore") -> list[float]:
    """Hit rate of `policy` over that of `over`, per seed; seeds in which `over` found nothing are left out."""
    pairs = [(seed["policies"][policy]["hit_rate"], seed["policies"][over]["hit_rate"]) for seed in found]
    return [ours / theirs for ours, theirs in pairs if theirs]


def _print(found: list[dict[str, Any]]) -> None:
    rows = []
    for policy in POLICIES:
        mine = [seed["policies"][policy] for seed in found]
        exams, hits = sum(figures["exams"] for figures in mine), sum(figures["hits"] for figures in mine)
        rates = [_percent(t_interval([figures[name] for figures in mine])) for name in ("hit_rate", "recall")]
        lifts = [
            "1" if policy == over else _times(t_interval(ratios(found, over, policy))) for over in ("random", "legacy")
        ]
        rows.append([policy, WORDS[policy], exams, round(hits), *rates, *lifts])
    columns = ["policy", "", "exams", "found", "hit rate", "of all hazards", "x random", "x legacy"]
    show(f"Mean of {len(found)} seeds, with 95 % t-intervals over seeds", columns, rows)
    _print_seeds(found)


def _print_seeds(found: list[dict[str, Any]]) -> None:
    columns = ["seed", "live", "hazardous", "AUC, examined", *POLICIES, "riskscore / legacy"]
    rows = []
    for seed in found:
        rates = {policy: seed["policies"][policy]["hit_rate"] for policy in POLICIES}
        ratio = rates["riskscore"] / rates["legacy"] if rates["legacy"] else float("nan")
        auc = "-" if seed["auc"] is None else f"{seed['auc']:.3f}"
        body = [f"{rate:.1%}" for rate in rates.values()]
        rows.append([seed["seed"], seed["live"], seed["hazardous"], auc, *body, f"{ratio:.2f}"])
    show("Hit rate per seed", columns, rows)


def _percent(figure: tuple[float, float, float]) -> str:
    return f"{figure[0]:.1%} ({figure[1]:.1%} to {figure[2]:.1%})"


def _times(figure: tuple[float, float, float]) -> str:
    return f"{figure[0]:.2f} ({figure[1]:.2f} to {figure[2]:.2f})"


def main() -> int:
    """Run with the seeds and sizes named on the command line."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=counts, default="1,2,3,4,5", help="one country each")
    options.add_argument("--weeks", type=int, default=WEEKS)
    options.add_argument("--per-day", type=int, default=PER_DAY, help="mean shipments a day")
    options.add_argument("--days", type=int, default=SCORED_DAYS, help="days scored after training")
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    head(f"policies: {len(given.seeds)} countries of {given.weeks} weeks, {given.per_day} shipments a day")
    found = run(given.seeds, given.weeks, given.per_day, given.days, given.threads)
    _print(found)
    save("policies", {"weeks": given.weeks, "per_day": given.per_day, "days": given.days, "seeds": found})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
