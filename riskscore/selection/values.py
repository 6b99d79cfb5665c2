"""What an exam of a shipment is worth: expected finds, expected harm found, or a stated blend.

Every exam sees some hazards and not others (reference/exam_visibility.csv), so the worth of a slot depends on what
the shipment may hide and on which exam is held.
"""

from __future__ import annotations

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
    {'document': 0.15, 'nii': 0.0, 'tailgate': 0.03, 'intensive': 0.17, 'agriculture': 0.0, 'pga': 0.0, 'lab': 0.0}
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
    """Chance that an exam finds anything: `any` times the mean sensitivity over the shipment's mix of hazards.

    The mix is the hazards' own probabilities, made to add up to 1. Two shipments with the same mix so rank by `any`,
    the forecast that learned from most cases. Where no hazard has a probability above 0 the mix is not known, and the
    plain mean over the learned hazards stands in: every hazard as likely as the next.

    Args:
        scores: as for `exam_values`.

    Returns:
        The index of `scores`; one float64 column per exam, in [0, any].

    >>> scores = pd.DataFrame({"any": [0.4, 0.4], "narcotics": [0.2, None]}, index=["S1", "S2"])
    >>> expected_finds(scores)[["document", "nii", "intensive"]].round(4)
        document   nii  intensive
    S1      0.00  0.20      0.340
    S2      0.12  0.03      0.165
    """
    hazards = scores.drop(columns=ANY)
    seen, mass = _seen(hazards, reference.hazards()), np.zeros(len(scores))
    for hazard in hazards:
        mass += _chance(hazards[hazard])
    known, chance = mass > 0, scores[ANY].to_numpy(dtype=np.float64)
    for exam, plain in mean_sensitivity().items():
        mix = np.divide(seen[exam], mass, out=np.full(len(mass), plain), where=known)
        seen[exam] = chance * mix
    return _framed(seen, scores.index)


def expected_harm_found(harm: pd.DataFrame, hazards: Collection[str] | None = None) -> pd.DataFrame:
    """Expected harm that an exam finds, in USD: over the hazards, expected harm times the exam's sensitivity.

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
    S1     500.0  0.0      300.0
    """
    return _framed(_seen(harm, reference.hazards() if hazards is None else hazards), harm.index)


def revenue_hazards() -> tuple[str, ...]:
    """Hazards of family revenue, in the order of reference/hazards.csv.

    >>> revenue_hazards()
    ('undervaluation', 'misclassification', 'origin_transship', 'adcvd_evasion', 'de_minimis_abuse')
    """
    return tuple(row["hazard"] for row in reference.rows("hazards") if row["family"] == "revenue")


def mean_sensitivity() -> dict[str, float]:
    """Plain mean over the learned hazards of the chance that an exam finds one that is there, by exam.

    >>> round(mean_sensitivity()["intensive"], 4)
    0.4125
    """
    sensitivity, learned = reference.sensitivity(), reference.learned_hazards()
    return {exam: sum(sensitivity[exam, h] for h in learned) / len(learned) for exam in reference.exams()}


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
    """By exam, the sum over the hazards that count of their part times the exam's sensitivity."""
    unknown = parts.columns.difference(list(reference.hazards()))
    if len(unknown):
        raise RunError(f"unknown hazards: {', '.join(map(str, unknown))}", where="selection")
    sensitivity = reference.sensitivity()
    found = {exam: np.zeros(len(parts)) for exam in reference.exams()}
    # Hazard by hazard in one fixed order, not a matrix product: its sums may differ in the last bit with
    # the number of rows and threads, and a last bit decides ties.
    for hazard in (h for h in reference.hazards() if h in parts.columns and h in counted):
        own = _chance(parts[hazard])
        for exam, total in found.items():
            if sensitivity[exam, hazard]:
                total += own * sensitivity[exam, hazard]  # noqa: PLW2901 - added to in place
    return found


def _chance(part: pd.Series[float]) -> npt.NDArray[np.float64]:
    chance: npt.NDArray[np.float64] = np.nan_to_num(part.to_numpy(dtype=np.float64, na_value=np.nan))
    return chance


def _framed(columns: Mapping[str, npt.NDArray[np.float64]], index: pd.Index[str]) -> pd.DataFrame:
    return pd.DataFrame(dict(columns), index=index, dtype="float64")
