"""The reasons of a day's ranked exams, after the one that names arm and rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from riskscore.pipelines.explain.reasons import driving_hazards, explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from riskscore.features import FeatureBuilder
    from riskscore.models import Model
    from riskscore.selection import SelectionResult
    from riskscore.selection.reasons import Reason

EXPLAINED = ("must_exam", "risk")
"""Arms whose exams follow from the scores or may be judged by them. A random pick carries no inference."""


def with_reasons(
    chosen: SelectionResult,
    frame: pd.DataFrame,
    models: tuple[Model, Model | None],
    builders: Sequence[FeatureBuilder],
    threads: int = 1,
) -> SelectionResult:
    """The selection with the reasons of its must-exams and ranked picks: after the arm's own, those of the model.

    Args:
        chosen: the day's selection.
        frame: features of its shipments, same index.
        models: the champion, and the challenger that may have won slots; None = no trial.
        builders: those that made the features.
        threads: threads to use; changes no bit.
    """
    reasons: dict[str, list[Reason]] = dict(zip(chosen.frame.index, chosen.frame["reasons"], strict=True))
    ranked = chosen.frame.index[chosen.frame["arm"].isin(EXPLAINED)]
    theirs = ranked.isin([one.challenger for one in chosen.disputed if one.examined == "challenger"])
    for model, names in ((models[0], ranked[~theirs]), (models[1], ranked[theirs])):
        if model is not None and len(names):
            asked = frame.loc[names, [feature.name for feature in model.features]]
            hazards = driving_hazards(model.predict(asked, threads), chosen.frame.loc[names, "exam_type"])
            told = explain(model, asked, hazards, threads, builders=builders)
            reasons |= {name: [*reasons[name], *more] for name, more in zip(names, told, strict=True)}
    told_all = pd.Series(reasons, dtype="object").reindex(chosen.frame.index)
    return replace(chosen, frame=chosen.frame.assign(reasons=told_all))
