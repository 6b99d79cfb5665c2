"""Which exam: the one that finds most of what the shipment may hide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference

if TYPE_CHECKING:
    import numpy.typing as npt


def expected_detections(hazards: pd.DataFrame) -> pd.DataFrame:
    """Expected number of hazards each exam would find: sum over hazards of chance x sensitivity.

    Costs and durations do not enter: a slot is a slot until the exam-selection work gives exams a price.

    Args:
        hazards: calibrated probability per shipment and hazard (columns named as in
            reference/hazards.csv, any order); NaN = no model, counted as 0.

    Returns:
        The same index; one float column per exam, in the order of reference.exams().

    >>> chances = pd.DataFrame({"narcotics": [0.1], "undervaluation": [0.3]}, index=["S1"])
    >>> expected_detections(chances).round(3).loc["S1"].to_dict()
    {'document': 0.15, 'nii': 0.05, 'tailgate': 0.03, 'intensive': 0.175,
     'agriculture': 0.0, 'pga': 0.0, 'lab': 0.095}
    """
    sensitivity, exams = reference.sensitivity(), reference.exams()
    found = np.zeros((len(hazards), len(exams)))
    # Hazard by hazard in one fixed order, not a matrix product: its sums may differ in the last bit with
    # the number of rows and threads, and a last bit decides ties.
    for hazard in (h for h in reference.hazards() if h in hazards.columns):
        chance = hazards[hazard].to_numpy(dtype="float64", na_value=np.nan)
        seen = np.array([sensitivity[exam, hazard] for exam in exams])
        found += np.nan_to_num(chance)[:, None] * seen
    return pd.DataFrame(found, index=hazards.index, columns=list(exams))


def best_exam(hazards: pd.DataFrame, otherwise: str) -> pd.Series[str]:
    """The exam with the most expected detections; the earliest of reference.exams() among equals.

    Args:
        hazards: as for `expected_detections`.
        otherwise: exam of a shipment for which no exam expects to find anything, as when no hazard has a
            model: the best exam is then the one that sees most, not the first of the list.

    >>> chances = pd.DataFrame({"undervaluation": [0.2, None]}, index=["S1", "S2"])
    >>> best_exam(chances, otherwise="intensive").to_dict()
    {'S1': 'document', 'S2': 'intensive'}
    """
    found = expected_detections(hazards).to_numpy()
    best = np.array(reference.exams(), dtype=object)[found.argmax(axis=1)]
    chosen = np.where(found.max(axis=1) > 0, best, otherwise)
    return pd.Series(chosen, index=hazards.index, name="exam", dtype="str")


def exam_probabilities(
    ranking: tuple[pd.Series[str], npt.NDArray[np.float64]],
    floor: tuple[str, npt.NDArray[np.float64]],
) -> pd.DataFrame:
    """Chance of each exam, split by the way the design may come to it.

    Args:
        ranking: exam and chance of each shipment through the ranking.
        floor: exam of every random pick, and chance of each shipment through the random floor.

    Returns:
        The index of the ranking's exams; one float column per exam, in the order of reference.exams();
        a row sums to the shipment's inclusion probability.
    """
    exams = np.array(reference.exams(), dtype=object)
    through_ranking = (ranking[0].to_numpy(dtype=object)[:, None] == exams) * ranking[1][:, None]
    through_floor = (exams == floor[0]) * floor[1][:, None]
    return pd.DataFrame(through_ranking + through_floor, index=ranking[0].index, columns=list(reference.exams()))
