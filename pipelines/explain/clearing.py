"""What would clear a shipment: facts to verify that would take its risk under the cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.features.verifiable import FACTS, concerned, settled
from riskscore.models.explanation import probability

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from riskscore.models import Model

    Floats = NDArray[np.float64]

MOST = 3
"""Facts of a set: who must verify more had better examine."""


@dataclass(frozen=True, slots=True)
class Clearing:
    """Facts that together would clear a shipment.

    Attributes:
        facts: what to verify, in the order it was found to help.
        risk: the risk score if all of them are verified.
        text: a sentence saying so.
    """

    facts: tuple[str, ...]
    risk: float
    text: str


def port_cuts(day: pd.DataFrame) -> pd.Series[float]:
    """The cut of each shipment's port: the highest risk score below all that were examined for their rank.

    A shipment whose risk falls under it would have been passed over, and that one examined in its place.

    Args:
        day: all shipments of a day; columns port, arm and risk_score.

    Returns:
        Same index; NaN at a port where nothing was examined for its rank, or nothing was passed over.

    >>> import pandas as pd
    >>> arms = ["risk", "risk", "random_floor", "none"]
    >>> day = pd.DataFrame({"port": "2704", "arm": arms, "risk_score": [0.4, 0.2, 0.1, 0.05]})
    >>> port_cuts(day).tolist()
    [0.1, 0.1, 0.1, 0.1]
    """
    ranked = day["arm"] == "risk"
    lowest = day["port"].map(day["risk_score"].where(ranked).groupby(day["port"]).min())
    below = day["risk_score"].where(day["risk_score"] < lowest)
    return day["port"].map(below.groupby(day["port"]).max()).astype("float64")


def clearing(model: Model, frame: pd.DataFrame, cuts: pd.Series[float], threads: int = 1) -> list[list[Clearing]]:
    """What would take each shipment under its port's cut: every single fact that would, else one set of up to three.

    The model is asked again with the features that the fact would set right (riskscore.features.verifiable). That is
    what the score would have been; it says nothing of the goods until the fact is verified.

    Args:
        model: the model that scored.
        frame: features of the shipments, as the model reads them.
        cuts: see `port_cuts`, same index; NaN = none.
        threads: threads to use; changes no bit.

    Returns:
        One list per shipment, the lowest risk first; empty where it is under the cut already, there is no cut, or
        nothing that can be verified would clear it. A set is built greedily: the fact that helps most, then the next.
    """
    limits = np.asarray(cuts, dtype=np.float64)
    before = probability(model, frame, threads)
    asked = np.flatnonzero(before >= limits)
    risks = _risks(model, frame.iloc[asked], threads)
    found: list[list[Clearing]] = [[] for _ in range(len(frame))]
    for row, own in zip(asked.tolist(), risks, strict=True):
        clears = [at for at in np.argsort(own, kind="stable").tolist() if own[at] < limits[row]]
        found[row] = [_clearing((FACTS[at].what,), before[row], own[at], limits[row]) for at in clears]
    left = np.array([row for row in asked.tolist() if not found[row]], dtype=np.int64)
    for row, (facts, risk) in _sets(model, frame.iloc[left], before[left], limits[left], threads).items():
        found[left[row]] = [_clearing(facts, before[left[row]], risk, limits[left[row]])]
    return found


def _sets(
    model: Model, frame: pd.DataFrame, before: Floats, limits: Floats, threads: int
) -> dict[int, tuple[tuple[str, ...], float]]:
    """The greedy set of each row that a set clears: its facts and the risk then."""
    cleared: dict[int, tuple[tuple[str, ...], float]] = {}
    taken: list[tuple[str, ...]] = [()] * len(frame)
    rows, lowest = np.arange(len(frame)), before.copy()
    for _ in range(MOST):
        risks = _risks(model, frame.iloc[rows], threads)
        best, risk = risks.argmin(axis=1), risks.min(axis=1)
        helps = risk < lowest[rows]
        rows, best, risk = rows[helps], best[helps], risk[helps]
        frame, lowest[rows] = _settled(frame, rows, best), risk
        for row, fact in zip(rows.tolist(), best.tolist(), strict=True):
            taken[row] = (*taken[row], FACTS[fact].what)
        under = risk < limits[rows]
        cleared |= {row: (taken[row], lowest[row]) for row in rows[under].tolist()}
        rows = rows[~under]
    return cleared


def _risks(model: Model, frame: pd.DataFrame, threads: int) -> Floats:
    """Rows x facts: the risk if the fact held; inf where it would change nothing."""
    risks = np.full((len(frame), len(FACTS)), np.inf)
    for at, fact in enumerate(FACTS):
        now = frame[concerned(frame, fact)]
        then = settled(now, fact)
        changes = (then.ne(now) & now.notna()).any(axis=1).to_numpy()
        rows = frame[changes].assign(**{name: then.loc[changes, name] for name in then.columns})
        risks[changes, at] = probability(model, rows, threads)
    return risks


def _settled(frame: pd.DataFrame, rows: NDArray[np.intp], facts: NDArray[np.intp]) -> pd.DataFrame:
    """`frame` with one fact settled in each of `rows`."""
    made = frame.copy()
    for fact in np.unique(facts).tolist():
        own = rows[facts == fact]
        made.iloc[own] = settled(made.iloc[own], FACTS[fact])
    return made


def _clearing(facts: tuple[str, ...], before: float, risk: float, cut: float) -> Clearing:
    alone = "alone would" if len(facts) == 1 else "together would"
    text = (
        f"if verified, {', and '.join(facts)} {alone} take the risk score from {before:.3f} to {risk:.3f}, "
        f"under the port's cut, {cut:.3f}"
    )
    return Clearing(facts, float(risk), text)
