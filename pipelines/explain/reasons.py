"""Reasons in words: exact contributions of a model, grouped by concept, said with the facts in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import features, reference
from riskscore.features.wording import sentence, topic
from riskscore.models.explanation import by_concept, contributions
from riskscore.models.labels import ANY
from riskscore.selection.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from riskscore.features import Feature, FeatureBuilder
    from riskscore.models import Model

    Floats = NDArray[np.float64]

RAISING, LOWERING = 3, 1
"""Concepts named per shipment: an analyst has minutes, and what speaks for the trader must not go unsaid."""

_FACTS = 2
_WORTH_SAYING = 0.25
"""A second fact of a concept is said when it contributes at least this share of the first one."""
_LEAST = 0.01
"""Log-odds: a concept that moves the odds by less than 1 % is no reason."""
_DIGITS = 4

NOTHING = "nothing known of this shipment moves its score: it stands at the average of what was examined"


def driving_hazards(scores: pd.DataFrame, exams: pd.Series[str]) -> pd.Series[str]:
    """The hazard that drives each selection: the one of which its exam is expected to find most.

    Args:
        scores: calibrated probability per shipment and hazard; NaN or no column = no model. Other columns are ignored.
        exams: exam ordered per shipment, same index; null = none is: the likeliest hazard counts.

    Returns:
        Same index: the hazard of the highest chance x sensitivity, the earliest of reference.hazards() among equals;
        of the highest chance where the exam sees none; `any` where no hazard has a model.

    >>> scores = pd.DataFrame({"narcotics": [0.2, 0.2], "undervaluation": [0.1, 0.1]})
    >>> driving_hazards(scores, pd.Series(["document", None], dtype="str")).tolist()
    ['undervaluation', 'narcotics']
    """
    names = [hazard for hazard in reference.hazards() if hazard in scores.columns]
    chances = np.nan_to_num(scores[names].to_numpy(dtype="float64", na_value=np.nan))
    table = reference.sensitivity()
    seen = {exam: np.array([table[exam, hazard] for hazard in names]) for exam in reference.exams()}
    blind = np.ones(len(names))
    found = chances * np.array([seen.get(exam, blind) for exam in exams.tolist()]).reshape(chances.shape)
    found = np.where(found.max(axis=1, initial=0.0)[:, None] > 0, found, chances)
    # The leading column of zeros wins where nothing exceeds it.
    best = np.column_stack([np.zeros(len(found)), found]).argmax(axis=1)
    return pd.Series(np.array([ANY, *names], dtype=object)[best], index=scores.index, dtype="str")


def explain(
    model: Model,
    frame: pd.DataFrame,
    hazards: pd.Series[str],
    threads: int = 1,
    *,
    builders: Sequence[FeatureBuilder] = features.BUILDERS,
    everything: bool = False,
) -> list[list[Reason]]:
    """The reasons of each shipment, strongest first: up to 3 concepts that raise its score, and 1 that lowers it.

    Args:
        model: the model that selected.
        frame: features of the shipments to explain, as the model reads them.
        hazards: hazard, or `any`, to explain per shipment, same index; one without a booster is explained by `any`.
        threads: threads to use; changes no bit.
        builders: the builders of the features, for what they mean.
        everything: all concepts, not only the strongest.

    Returns:
        One list per shipment, never empty. `contribution` is what the concept adds to the log-odds of the calibrated
        probability (to 4 digits); `text` has the facts behind it, those that pull its way.

    Raises:
        ModelError: as `riskscore.models.explanation.contributions`.
    """
    given = contributions(model, frame, hazards, threads)
    known = {feature.name: feature for feature in features.catalogue(builders)}
    concepts = {name: known[name].concept for name in given.frame.columns}
    sums = by_concept(given.frame, concepts)
    columns = given.frame.columns.tolist()
    members = [np.array([at for at, name in enumerate(columns) if concepts[name] == concept]) for concept in sums]
    described = [known[name] for name in columns]
    parts_of = given.frame.to_numpy().round(_DIGITS)
    rows = zip(sums.to_numpy().round(_DIGITS), parts_of, frame[columns].to_numpy(dtype=np.float64), strict=True)
    groups, reasons = sums.columns.tolist(), []
    for totals, parts, values in rows:
        facts = dict(zip(columns, values.tolist(), strict=True))
        chosen = _strongest(totals, everything=everything)
        made = [
            _reason(groups[at], totals[at], _telling(described, members[at], (parts, values), totals[at]), facts)
            for at in chosen
        ]
        reasons.append(made or [Reason(concept="score", direction="none", contribution=0.0, text=NOTHING)])
    return reasons


def _strongest(totals: Floats, *, everything: bool) -> list[int]:
    """Concepts by strength, in catalogue order among equals."""
    order = np.argsort(-np.abs(totals), kind="stable").tolist()
    told = [at for at in order if abs(totals[at]) >= _LEAST]
    if everything:
        return told
    raising = [at for at in told if totals[at] > 0][:RAISING]
    lowering = [at for at in told if totals[at] < 0][:LOWERING]
    return [at for at in told if at in raising or at in lowering]


def _telling(
    described: Sequence[Feature], members: NDArray[np.intp], row: tuple[Floats, Floats], total: float
) -> list[Feature]:
    """The features of a concept that pull its way hardest, one of each topic; what is known before what is not."""
    parts, values = row
    pull = parts[members] if total > 0 else -parts[members]
    pull = np.where(np.isnan(values[members].astype(np.float64)) & (pull > 0), pull * _WORTH_SAYING, pull)
    found: dict[str, Feature] = {}
    order = np.argsort(-pull, kind="stable").tolist()
    for at in order:
        if len(found) == _FACTS or pull[at] <= 0 or pull[at] < _WORTH_SAYING * pull[order[0]]:
            break
        feature = described[members[at]]
        found.setdefault(topic(feature.name), feature)
    return list(found.values())


def _reason(concept: str, total: float, telling: Sequence[Feature], facts: Mapping[str, float]) -> Reason:
    text = "; ".join(dict.fromkeys(_sentences(telling, facts)))
    direction = "raises" if total > 0 else "lowers"
    return Reason(concept=concept, direction=direction, contribution=float(total), text=text)


def _sentences(telling: Sequence[Feature], facts: Mapping[str, float]) -> Iterator[str]:
    return (sentence(feature, facts) for feature in telling)
