"""Do the intervals of `riskscore oversight` cover? Windows of the design, drawn many times, with every truth known.

    python benches/prevalence.py --windows 1000

A window is some weeks at a few ports: each day the highest scores are examined with certainty, the rest of the slots
are drawn by the design's own random floor (riskscore.selection.floor: strata, an alike and a proportional part,
novelty, randomised rounding). Some ranked exams cannot see the hazard, so that the shipments examined for sure by them
stand outside; some results are never recorded. Truth: what exams able to see it would find on the shipments that could
get one. Coverage is the share of windows whose interval holds it.

Widths are held against Clopper and Pearson's interval at the effective sample size: Kish's, from the weights alone, and
the true one, from the variance of the estimates over all windows (the number of exams drawn evenly from everybody that
would tell as much).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from harness import head, parser, save, show
from scipy import stats

from riskscore.models.estimates import weighted_share
from riskscore.models.evaluation import Z95
from riskscore.models.prevalence import Exams, Population, assisted, prevalence
from riskscore.models.prevalence_sequence import confidence_sequence
from riskscore.selection import floor
from riskscore.selection.drift import drifted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PREVALENCES = (0.005, 0.01, 0.03)
NAMES = {
    "ours": "design-based, mid-P (riskscore)",
    "assisted": "difference estimator (riskscore)",
    "normal": "naive normal",
    "wilson": "Wilson at effective size, two strata (backtest)",
    "kish": "Clopper-Pearson, Kish's effective size",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a window is made of.

    Attributes:
        prevalence: mean chance that an exam able to see the hazard finds it.
        ports: number of ports, of 60 to 300 shipments a day each.
        days: number of days.
        least_floor: expected random exams per port and day, drawn from here ...
        most_floor: ... to here.
        spread: standard deviation of the logarithm of the risks.
        trusted: logarithm of the ratio of trusted to other traders' risk.
        blur: standard deviation of the logarithm of score / risk: 0.7 ranks well, 3 hardly at all.
        blind: share of ranked exams that cannot see the hazard.
        recorded: share of exams whose result is recorded.
    """

    prevalence: float
    ports: int = 4
    days: int = 28
    least_floor: float = 2.0
    most_floor: float = 10.0
    spread: float = 1.3
    trusted: float = -1.0
    blur: float = 0.7
    blind: float = 0.2
    recorded: float = 0.95


SCENARIOS: dict[str, dict[str, Any]] = {
    "main": {},
    "short": {"ports": 3, "days": 14, "most_floor": 4.0},
    "hidden among trusted": {"spread": 0.2, "trusted": 1.5, "blur": 1.5},
}
"""The window of the requirement; one with few finds; one whose hazards sit where weights are large and scores blind."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One window: per live shipment the truth, chances of an exam that can see it, exam and result, score, groups."""

    truth: NDArray[np.bool_]
    chance: Floats
    examined: NDArray[np.bool_]
    recorded: NDArray[np.bool_]
    score: Floats
    port: NDArray[np.int64]
    trusted: NDArray[np.bool_]

    def take(self, rows: NDArray[np.bool_]) -> Drawn:
        """Some of the shipments."""
        return Drawn(*(getattr(self, name)[rows] for name in self.__slots__))

    @property
    def exams(self) -> Exams:
        """The exams, as the estimators take them."""
        rows = self.examined
        found = np.where(self.recorded, self.truth, np.nan)[rows]
        return Exams(self.chance[rows], found, self.score[rows], np.ones(int(rows.sum())))

    @property
    def population(self) -> Population:
        """The live shipments, as the estimators take them."""
        certain = int((self.chance >= 1).sum())
        return Population(certain, len(self.chance) - certain, float(self.score.sum()))


def window(setting: Setting, rng: np.random.Generator) -> Drawn:
    """One window, without the shipments that no exam able to see the hazard could reach."""
    days = []
    for port in range(setting.ports):
        size, meant = rng.integers(60, 300), rng.uniform(setting.least_floor, setting.most_floor)
        slots = int(np.ceil(meant)) + int(rng.integers(2, 8)) + round(0.03 * size)
        days += [
            _day(setting, rng, max(int(rng.poisson(size)), 2 * slots), slots, meant, port) for _ in range(setting.days)
        ]
    whole = Drawn(*(np.concatenate([getattr(day, name) for day in days]) for name in Drawn.__slots__))
    return whole.take(whole.chance > 0)


def _day(setting: Setting, rng: np.random.Generator, live: int, slots: int, meant: float, port: int) -> Drawn:
    trusted, new = rng.random(live) < 0.3, rng.random(live) < 0.2
    risk = np.exp(rng.normal(0, setting.spread, live) + setting.trusted * trusted + 0.8 * new)
    risk = np.minimum(setting.prevalence * risk / risk.mean(), 0.9)
    score = np.minimum(risk * np.exp(rng.normal(-(setting.blur**2) / 2, setting.blur, live)), 0.99)
    sees = rng.random(live) >= setting.blind
    chance, examined = _design(rng, score, sees, 2 * trusted + new, new * score, slots, meant)
    recorded = rng.random(live) < setting.recorded
    return Drawn(rng.random(live) < risk, chance, examined, recorded, score, np.full(live, port), trusted)


def _design(
    rng: np.random.Generator,
    score: Floats,
    sees: NDArray[np.bool_],
    stratum: NDArray[np.int64],
    novelty: Floats,
    slots: int,
    meant: float,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Chance of an exam that can see the hazard, and who gets one."""
    rank = stats.rankdata(-score, method="ordinal")
    few, extra = int(meant), meant - int(meant)
    more = rng.random() < extra
    total, examined = np.zeros(len(score)), np.zeros(len(score), dtype=bool)
    for chance, random, happens in ((1 - extra, few, not more), (extra, few + 1, more)):
        ranked = rank <= slots - random
        drawn = floor.chances(random, stratum, (~ranked).astype(float), novelty, floor.Shares(0.5, 0.2)).either
        total += chance * np.where(ranked, sees, drawn)
        if happens:
            tickets = rng.integers(0, 2**63, len(score)).astype(np.uint64)
            examined = (ranked & sees) | floor.draw(drawn, stratum, tickets, rng.random())
    return np.where(total > 1 - 1e-9, 1.0, total), examined


def intervals(drawn: Drawn) -> dict[str, tuple[float, float, float]]:
    """Value, low and high of each method, as shares."""
    exams, population = drawn.exams, drawn.population
    made = {"ours": prevalence(exams, population), "assisted": assisted(exams, population)}
    weights, found = 1 / exams.chance[exams.told], exams.found[exams.told]
    certain, size = weights <= 1, population.reached
    made["wilson"] = weighted_share(found, weights, certain, size)
    named = {name: (one.value, one.low, one.high) for name, one in made.items()}
    value = named["ours"][0]
    deviation = float(np.sqrt((weights * (weights - 1) * found).sum())) / size
    named["normal"] = value, value - Z95 * deviation, value + Z95 * deviation
    named["kish"] = value, *clopper_pearson(value, float(weights.sum() ** 2 / (weights**2).sum()))
    return named


def clopper_pearson(share: float, trials: float) -> tuple[float, float]:
    """The exact interval, at a number of trials and finds that need not be whole."""
    found = share * trials
    low = stats.beta.ppf(0.025, found, trials - found + 1) if found > 0 else 0.0
    return float(low), float(stats.beta.ppf(0.975, found + 1, trials - found))


def trials(setting: Setting, windows: int, seed: int) -> pd.DataFrame:
    """Every interval: window, domain, truth (share), size, finds by chance, method, value, low, high."""
    rows = []
    for number in range(windows):
        drawn = window(setting, np.random.default_rng([seed, number]))
        for domain, part in (
            ("all", drawn),
            ("trusted", drawn.take(drawn.trusted)),
            ("port", drawn.take(drawn.port == 0)),
        ):
            told = part.examined & part.recorded & (part.chance < 1)
            place = {"window": number, "domain": domain, "truth": part.truth.mean(), "size": len(part.truth)}
            place["finds"] = int(part.truth[told].sum())
            for method, (value, low, high) in intervals(part).items():
                rows.append({**place, "method": method, "value": value, "low": low, "high": high})
    return pd.DataFrame(rows)


def coverage(rows: pd.DataFrame) -> pd.DataFrame:
    """Per method of one domain: covered, too high, too low (shares of windows), median width and its two ratios."""
    held = rows.assign(
        width=rows["high"] - rows["low"],
        above=rows["low"] > rows["truth"] + 1e-12,
        below=rows["high"] < rows["truth"] - 1e-12,
    )
    made = held.groupby("method").agg(above=("above", "mean"), below=("below", "mean"), width=("width", "median"))
    made["covered"] = 1 - made["above"] - made["below"]
    made["of_kish"] = made["width"] / made["width"]["kish"]
    made["of_true"] = made["width"] / _true_width(rows[rows["method"] == "ours"])
    return made.reindex(list(NAMES))


def _true_width(ours: pd.DataFrame) -> float:
    """Median width of Clopper and Pearson's interval at the true effective sample size."""
    mean = ours["truth"].mean()
    size = mean * (1 - mean) / float(((ours["value"] - ours["truth"]) ** 2).mean())
    return float(np.median([np.ptp(clopper_pearson(value, size)) for value in ours["value"]]))


def looks(rates: tuple[float, ...], days: int, runs: int, seed: int) -> list[dict[str, float]]:
    """How often daily looks at a floor of five exams miss at least once, and how often drift is called falsely."""
    made = []
    for rate in rates:
        rng = np.random.default_rng([seed, round(1e6 * rate)])
        found = rng.binomial(5, rate, (runs, days)).cumsum(axis=1)
        bands = {
            (total, day): confidence_sequence(total, 5 * day + 5) for day in range(days) for total in set(found[:, day])
        }
        outside = np.array(
            [[not bands[n, day].low <= rate <= bands[n, day].high for day, n in enumerate(run)] for run in found]
        )
        exact = np.array([[_outside(int(n), 5 * day + 5, rate) for day, n in enumerate(run)] for run in found])
        recent = found - np.pad(found, ((0, 0), (14, 0)))[:, :days]
        called = np.array([[drifted(int(n), 5 * 14 * rate) for n in run[14:]] for run in recent])
        missed = {"sequence": outside.any(axis=1).mean(), "exact at each look": exact.any(axis=1).mean()}
        made.append({"rate": rate, **missed, "alarms a look": called.mean()})
    return made


_BOUNDS: dict[tuple[int, int], tuple[float, float]] = {}


def _outside(found: int, exams: int, rate: float) -> bool:
    if (found, exams) not in _BOUNDS:
        _BOUNDS[found, exams] = clopper_pearson(found / exams, exams)
    low, high = _BOUNDS[found, exams]
    return not low <= rate <= high


def _print(scenario: str, prevalence: float, rows: pd.DataFrame) -> None:
    for domain in ("all", "trusted", "port"):
        mine = rows[rows["domain"] == domain]
        finds = mine[mine["method"] == "ours"]["finds"]
        by_chance = f"{finds.mean():.1f} finds by chance, none in {(finds == 0).mean():.0%}"
        title = f"{scenario}, prevalence {prevalence:.1%}, {domain}: {by_chance}"
        columns = ["interval", "covered", "too high", "too low", "median width", "x CP, Kish", "x CP, true size"]
        made = coverage(mine)
        table = [
            [NAMES[name], *(f"{row[c]:.1%}" for c in ("covered", "above", "below")), f"{row['width']:.2%}",
             f"{row['of_kish']:.2f}", f"{row['of_true']:.2f}"]
            for name, row in made.iterrows()
        ]  # fmt: skip
        show(title, columns, table)


def main() -> int:
    """Run with the sizes named on the command line."""
    options = parser(__doc__)
    options.add_argument("--windows", type=int, default=1000, help="windows per scenario and prevalence")
    options.add_argument(
        "--scenarios", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS), help="which windows"
    )
    options.add_argument("--looks", type=int, default=500, help="runs of 180 daily looks")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    head(f"prevalence: coverage of intervals over {given.windows} windows")
    found: dict[str, Any] = {}
    for scenario in given.scenarios:
        for rate in PREVALENCES:
            setting = replace(Setting(rate), **SCENARIOS[scenario])
            rows = trials(setting, given.windows, given.seed)
            _print(scenario, rate, rows)
            by_domain = {domain: coverage(part).to_dict("index") for domain, part in rows.groupby("domain")}
            found[f"{scenario}, {rate}"] = {"setting": asdict(setting), "domains": by_domain}
    found["looks"] = looks((0.005, 0.01, 0.03, 0.1), 180, given.looks, given.seed)
    columns = [
        "rate",
        "sequence misses at any of 180 looks",
        "exact interval at each look",
        "false drift alarms a look",
    ]
    show(
        "Daily looks at five random exams a day",
        columns,
        [[f"{value:.1%}" for value in row.values()] for row in found["looks"]],
    )
    save("prevalence", found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
