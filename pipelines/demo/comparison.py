"""What each policy would have found with the same slots: the same ports, the same days, the same luck.

This is the only place beside the simulator where the simulated truth is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference, simulator
from riskscore.models.evaluation import wilson
from riskscore.selection.values import expected_finds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from riskscore.simulator import SimulatedWorld

POLICIES = ("random", "legacy", "riskscore", "top-k", "oracle")
"""random: by lot; legacy: the simulated unit's old rules; riskscore: the published recommendations; top-k: the same
scores without the random floor; oracle: knows the truth, not the luck."""

# The random policy is the mean of this many draws, so that its own luck does not blur the comparison.
RANDOM_DRAWS = 20
_RANDOM_SEED = 20_260_101
_RANDOM_EXAM = "intensive"


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """One policy over all days.

    Attributes:
        policy: one of POLICIES.
        exams: slots used.
        hits: exams that found something (a mean over draws for random).
        hit_rate: hits per exam, with the ends of its 95 % Wilson interval.
        recall: hits per shipment that truly carries a hazard, with the same.
    """

    policy: str
    exams: int
    hits: float
    hit_rate: tuple[float, float, float]
    recall: tuple[float, float, float]


def compare(
    world: SimulatedWorld, recommendations: Sequence[pa.Table], shipments: pd.DataFrame, traders: pd.DataFrame
) -> list[PolicyResult]:
    """Compare POLICIES on scored days.

    Args:
        world: the simulated country.
        recommendations: published recommendations, one table per day.
        shipments: the shipments columns of the same days as scored, with shipment_id as a column.
        traders: the traders table, all rows.
    """
    day = _scored(recommendations).merge(
        simulator.legacy_scores(shipments, traders)[["shipment_id", "legacy_score", "exam_type"]],
        on="shipment_id", suffixes=("", "_legacy"), validate="one_to_one",
    )  # fmt: skip
    truths = simulator.truth(world).set_index("shipment_id").loc[day["shipment_id"]].reset_index()
    hazardous = int(truths["any"].sum())
    slots = day.groupby(["run_date", "port"])["examined"].transform("sum").to_numpy()
    results = [_random(world, day, slots, hazardous)]
    for policy, (merit, exam) in _merits(day, truths).items():
        picks = day["examined"].to_numpy() if policy == "riskscore" else _top(day, merit, slots)
        results.append(_result(policy, _hits(world, day, picks, exam), int(picks.sum()), hazardous))
    return sorted(results, key=lambda result: POLICIES.index(result.policy))


def _scored(recommendations: Sequence[pa.Table]) -> pd.DataFrame:
    """All days in one frame, each row with the exam that its risk alone would order."""
    frames = []
    for table in recommendations:
        frame = table.drop_columns(["reasons", "exam_probabilities"]).to_pandas()
        frame["run_date"] = frame["scored_at"].dt.date
        frames.append(frame)
    day: pd.DataFrame = pd.concat(frames, ignore_index=True)
    hazards = pd.DataFrame(day["hazard_scores"].tolist(), columns=list(reference.hazards())).astype(np.float64)
    day["exam_of_risk"] = expected_finds(hazards.assign(any=day["risk_score"])).idxmax(axis="columns")
    day["examined"] = day["recommendation"] == "examine"
    del day["hazard_scores"]
    return day


def _merits(day: pd.DataFrame, truths: pd.DataFrame) -> dict[str, tuple[NDArray[np.float64], pd.Series]]:
    """Per policy the merit it ranks by, and the exam it would order."""
    oracle_exam = simulator.best_exams(truths)
    return {
        "legacy": (day["legacy_score"].to_numpy(), day["exam_type_legacy"]),
        "riskscore": (day["risk_score"].to_numpy(), day["exam_type"]),
        "top-k": (day["risk_score"].to_numpy(), day["exam_of_risk"]),
        "oracle": (_chance_to_find(truths, oracle_exam), oracle_exam),
    }


def _chance_to_find(truths: pd.DataFrame, exam: pd.Series) -> NDArray[np.float64]:
    missed = np.ones(len(truths))
    for hazard in reference.hazards():
        seen = exam.map({e: reference.sensitivity()[e, hazard] for e in reference.exams()}).to_numpy(np.float64)
        missed *= 1 - seen * truths[hazard].to_numpy(np.float64)
    return 1 - missed


def _top(day: pd.DataFrame, merit: NDArray[np.float64], slots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The best by `merit` within the slots of each day and port; ties by shipment_id."""
    order = np.lexsort((day["shipment_id"].to_numpy(dtype=object).astype(str), -merit))
    rank = day.iloc[order].groupby(["run_date", "port"]).cumcount().sort_index().to_numpy()
    return rank < slots


def _hits(world: SimulatedWorld, day: pd.DataFrame, picks: NDArray[np.bool_], exam: pd.Series) -> int:
    chosen = pd.DataFrame({"shipment_id": day["shipment_id"], "exam_type": exam.to_numpy()})[picks]
    return int(simulator.findings(world, chosen)["any"].sum())


def _random(world: SimulatedWorld, day: pd.DataFrame, slots: NDArray[np.int64], hazardous: int) -> PolicyResult:
    exam = pd.Series(_RANDOM_EXAM, index=day.index)
    every = np.ones(len(day), dtype=bool)
    chosen = pd.DataFrame({"shipment_id": day["shipment_id"], "exam_type": exam})[every]
    found = simulator.findings(world, chosen)["any"].to_numpy()
    draws = np.random.default_rng(_RANDOM_SEED).random((RANDOM_DRAWS, len(day)))
    picks = [_top(day, merit, slots) for merit in draws]
    hits = float(np.mean([found[chosen_rows].sum() for chosen_rows in picks]))
    return _result("random", hits, int(picks[0].sum()), hazardous)


def _result(policy: str, hits: float, exams: int, hazardous: int) -> PolicyResult:
    return PolicyResult(
        policy=policy,
        exams=exams,
        hits=hits,
        hit_rate=(hits / exams, *wilson(hits, exams)),
        recall=(hits / hazardous, *wilson(hits, hazardous)),
    )
