"""What an exam of a shipment is worth: expected finds, expected harm found, or a stated blend.

Every exam sees some hazards and not others (reference/exam_visibility.csv), so the worth of a slot depends on what
the shipment may hide and on which exam is held.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.config import Exam
from riskscore.errors import ConfigError, RunError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy.typing as npt

    from riskscore.config import Selection

ANY = "any"
"""Column of the probability of any hazard."""


def exam_values(
    scores: pd.DataFrame, harm: pd.DataFrame | None, settings: Selection, exams: Mapping[str, Exam]
) -> pd.DataFrame:
    """What the objective says an exam of a shipment is worth.

    hits: expected finds (`expected_finds`). harm: USD of expected harm found (`expected_harm_found`). revenue: that of
    the hazards of family revenue (reference/hazards.csv). blend: USD, the sum of the weighted parts of
    [selection.blend], less the weighted cost_usd of the exam; may be negative, which is: not worth holding.

    Args:
        scores: index shipment; `any`, the calibrated probability of any hazard, and one column per modelled hazard;
            NaN of a hazard = no model.
        harm: USD of expected harm per shipment and hazard (`Severity.harm_by_hazard`), same index; None = not known.
        settings: the [selection] section of riskscore.toml: objective and blend.
        exams: the [exams] section: costs.

    Returns:
        The index of `scores`; one float64 column per exam, in the order of reference.exams(); no nulls.

    Raises:
        ConfigError: the objective needs harm, and there is none.
        RunError: the indexes differ, or a column is no hazard.

    >>> from riskscore.config import Selection
    >>> scores = pd.DataFrame({"any": [0.4], "undervaluation": [0.3], "ipr": [0.1]}, index=["S1"])
    >>> exam_values(scores, None, Selection(), {}).loc["S1"].round(3).to_dict()
    {'document': 0.4, 'nii': 0.0, 'tailgate': 0.05, 'intensive': 0.373, 'agriculture': 0.0, 'pga': 0.0, 'lab': 0.0}
    """
    if settings.objective == "hits":
        return expected_finds(scores)
    known = _known(harm, scores.index, settings.objective)
    if settings.objective == "harm":
        return expected_harm_found(known)
    if settings.objective == "revenue":
        return expected_harm_found(known, revenue_hazards())
    return _blended(scores, known, settings, exams)


def expected_finds(scores: pd.DataFrame) -> pd.DataFrame:
    """Chance that an exam finds anything: `any` for the exam that suits the shipment's mix of hazards, less for others.

    `any` learned what exams found, so it already counts what they miss: it is taken to speak of the best exam, and all
    shipments rank by it. Another exam finds as much less as it sees less of the mix, which is the hazards' own
    probabilities (`relative_sensitivity`). Where no hazard has a probability above 0 the mix is not known: what an exam
    sees of all learned hazards stands in.

    Args:
        scores: as for `exam_values`.

    Returns:
        The index of `scores`; one float64 column per exam, in [0, any]; the largest of a row is `any`.

    >>> scores = pd.DataFrame({"any": [0.4, 0.4], "narcotics": [0.2, None]}, index=["S1", "S2"])
    >>> expected_finds(scores)[["document", "nii", "intensive", "lab"]].round(3)
        document    nii  intensive    lab
    S1     0.000  0.211      0.358  0.400
    S2     0.291  0.073      0.400  0.238
    """
    seen, plain = _seen(scores.drop(columns=ANY), reference.hazards()), _of_unknown_mix()
    best = np.maximum.reduce([*seen.values()])
    known, chance = best > 0, scores[ANY].to_numpy(dtype=np.float64)
    for exam, part in seen.items():
        seen[exam] = chance * np.divide(part, best, out=np.full(len(best), plain[exam]), where=known)
    return _framed(seen, scores.index)


def expected_harm_found(harm: pd.DataFrame, hazards: Collection[str] | None = None) -> pd.DataFrame:
    """Expected harm that an exam finds, in USD: over the hazards, expected harm times `relative_sensitivity`.

    Expected harm is that of what exams find; all of it is found by the exam that sees the hazard best.

    Args:
        harm: USD of expected harm per shipment and hazard; NaN = none.
        hazards: those that count; None = all.

    Returns:
        The index of `harm`; one float64 column per exam.

    Raises:
        RunError: a column is no hazard.

    >>> harm = pd.DataFrame({"undervaluation": [1000.0], "ipr": [200.0]}, index=["S1"])
    >>> expected_harm_found(harm, revenue_hazards())[["document", "nii", "intensive"]]
        document  nii  intensive
    S1    1000.0  0.0      600.0
    """
    return _framed(_seen(harm, reference.hazards() if hazards is None else hazards), harm.index)


def revenue_hazards() -> tuple[str, ...]:
    """Hazards of family revenue, in the order of reference/hazards.csv.

    >>> revenue_hazards()
    ('undervaluation', 'misclassification', 'origin_transship', 'adcvd_evasion', 'de_minimis_abuse')
    """
    return tuple(row["hazard"] for row in reference.rows("hazards") if row["family"] == "revenue")


@cache
def relative_sensitivity() -> Mapping[tuple[str, str], float]:
    """Of what the exam that sees a hazard best would find of it, the share that each exam finds, by (exam, hazard).

    From the chances of reference/exam_visibility.csv; 0 where no exam sees the hazard.

    >>> relative_sensitivity()["intensive", "undervaluation"], relative_sensitivity()["document", "undervaluation"]
    (0.6, 1.0)
    """
    sensitivity, exams = reference.sensitivity(), reference.exams()
    best = {hazard: max(sensitivity[exam, hazard] for exam in exams) for hazard in reference.hazards()}
    return {pair: chance / best[pair[1]] if chance else 0.0 for pair, chance in sensitivity.items()}


def _of_unknown_mix() -> dict[str, float]:
    """By exam, how much of the learned hazards it sees, relative to the exam that sees most."""
    sensitivity, learned = reference.sensitivity(), reference.learned_hazards()
    seen = {exam: sum(sensitivity[exam, hazard] for hazard in learned) for exam in reference.exams()}
    return {exam: part / max(seen.values()) for exam, part in seen.items()}


def _blended(scores: pd.DataFrame, harm: pd.DataFrame, settings: Selection, exams: Mapping[str, Exam]) -> pd.DataFrame:
    weight = settings.blend
    cost = pd.Series({exam: exams.get(exam, Exam()).cost_usd for exam in reference.exams()})
    usd = weight.hits * expected_finds(scores) + weight.harm * expected_harm_found(harm)
    return usd + weight.revenue * expected_harm_found(harm, revenue_hazards()) - weight.cost * cost


def _known(harm: pd.DataFrame | None, index: pd.Index[str], objective: str) -> pd.DataFrame:
    if harm is None:
        raise ConfigError(
            f"objective {objective!r} needs the harm of each hazard, and this model knows none",
            where="[selection] objective",
            fix="train again, or set objective = 'hits'",
        )
    if not harm.index.equals(index):
        raise RunError("scores and harm speak of different shipments", where="selection")
    return harm


def _seen(parts: pd.DataFrame, counted: Collection[str]) -> dict[str, npt.NDArray[np.float64]]:
    """By exam, the sum over the hazards that count of their part times the exam's share of what can be found."""
    unknown = parts.columns.difference(list(reference.hazards()))
    if len(unknown):
        raise RunError(f"unknown hazards: {', '.join(map(str, unknown))}", where="selection")
    share = relative_sensitivity()
    found = {exam: np.zeros(len(parts)) for exam in reference.exams()}
    # Hazard by hazard in one fixed order, not a matrix product: its sums may differ in the last bit with
    # the number of rows and threads, and a last bit decides ties.
    for hazard in (h for h in reference.hazards() if h in parts.columns and h in counted):
        own = _chance(parts[hazard])
        for exam, total in found.items():
            if share[exam, hazard]:
                total += own * share[exam, hazard]  # noqa: PLW2901 - added to in place
    return found


def _chance(part: pd.Series[float]) -> npt.NDArray[np.float64]:
    chance: npt.NDArray[np.float64] = np.nan_to_num(part.to_numpy(dtype=np.float64, na_value=np.nan))
    return chance


def _framed(columns: Mapping[str, npt.NDArray[np.float64]], index: pd.Index[str]) -> pd.DataFrame:
    return pd.DataFrame(dict(columns), index=index, dtype="float64")
