"""`riskscore score`: read the files once, then score their arrival days in turn, each as of its own morning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from riskscore.errors import ModelError
from riskscore.pipelines.arrival_days import require_arrival, split
from riskscore.pipelines.intake import Source, read_sources
from riskscore.pipelines.model_store import load_model, require_past
from riskscore.pipelines.past import Past
from riskscore.pipelines.projection import project
from riskscore.pipelines.score_day import DayResult, score_day
from riskscore.pipelines.trial import Trial, challenger_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from pathlib import Path

    from riskscore.features import FeatureBuilder
    from riskscore.ledger import Ledger, Run
    from riskscore.pipelines.model_store import LoadedModel
    from riskscore.readers import Format
    from riskscore.workspace import Workspace

    Report = Callable[[str, int, int], None]


_SHOWN = 5
"""Features named in an error."""


def score(  # noqa: PLR0913 - the options of the command
    workspace: Workspace,
    paths: Sequence[Path],
    day: date | None = None,
    *,
    file_format: Format = "auto",
    model: str = "champion",
    refresh: bool = False,
    allow_future_model: bool = False,
    builders: Sequence[FeatureBuilder] | None = None,
    report: Report | None = None,
) -> list[DayResult]:
    """Score the shipments arriving on `day`, or on every arrival day of the files in turn, and publish.

    Labels that a file carries (kcs) are not read. Each day is a transaction of its own: if a later day fails, the
    earlier ones stand.

    Args:
        workspace: with history and a model.
        paths: manifest files, or folders of them.
        day: the arrival day; None = every day in the files on which a row arrives that was filed before its morning.
        file_format: see riskscore.readers.FORMATS.
        model: alias or version; a day that was scored before is replayed with its recorded version.
        refresh: score a day anew, with all facts known now; the old run stays in the ledger.
        allow_future_model: permit a model that has learned from days on or after the one scored.
        builders: the feature builders the model was trained with; None = riskscore's own.
        report: called with stage, days done, days in all.

    Raises:
        InputError: a file cannot be read, or none of its readable rows arrives on `day`.
        ModelError: no model, one that fails verification, or one that knows later days.
        RunError: see riskscore.pipelines.score_day.
        LockedError: another command is writing.
    """
    sources = _manifests(read_sources(paths, "shipments", file_format, workspace.config))
    if day:
        for source in sources:
            require_arrival(source, day)
    plan = [(day, sources)] if day else split(sources, workspace.config.zone)
    with workspace.writing() as ledger:
        project(workspace, ledger)
        load = cache(partial(load_model, workspace, ledger))
        loaded = load(model)
        past, results = Past(workspace, ledger, builders), []
        built = frozenset(feature.name for builder in past.builders for feature in builder.features)
        for done, (morning, part) in enumerate(plan):
            if report:
                report(f"scoring {morning.isoformat()}", done, len(plan))
            recorded = None if refresh else ledger.run_of(morning)
            chosen = _model_of(workspace, ledger, recorded, loaded)
            fit = _Fitness(morning, built, recorded is not None or allow_future_model)
            fit.require(chosen)
            trial = _trial(workspace, recorded, chosen, load, fit)
            results.append(score_day(workspace, ledger, past, chosen, part, morning, trial, refresh=refresh))
            project(workspace, ledger, morning)
        past.keep()
        if report:
            report("done", len(plan), len(plan))
    return results


@dataclass(frozen=True, slots=True)
class _Fitness:
    """Whether a model may score a morning: it must read features that are built, and not know later days."""

    morning: date
    built: frozenset[str]
    later_days: bool

    def require(self, model: LoadedModel) -> None:
        """Refuse a model that may not.

        Raises:
            ModelError: it may not, and why.
        """
        missing = sorted({feature.name for feature in model.model.features} - self.built)
        if missing:
            named = ", ".join(missing[:_SHOWN])
            raise ModelError(f"model {model.version} reads {len(missing)} features that are not built: {named}")
        if not self.later_days:
            require_past(model, self.morning)


def _trial(
    workspace: Workspace,
    recorded: Run | None,
    champion: LoadedModel,
    load: Callable[[str], LoadedModel],
    fit: _Fitness,
) -> Trial:
    """The model on trial. One that cannot be used stops no morning, but a replay must be what it was."""
    try:
        challenger = challenger_of(workspace.config, recorded, champion, load)
        if challenger is not None:
            fit.require(challenger)
            _require_harm(workspace, challenger)
    except ModelError as fault:
        if recorded is not None:
            raise
        return Trial(None, str(fault))
    return Trial(challenger)


def _require_harm(workspace: Workspace, challenger: LoadedModel) -> None:
    objective = workspace.config.selection.objective
    if objective != "hits" and challenger.model.trained.severity is None:
        raise ModelError(f"model {challenger.version} does not know the harm that objective {objective!r} weighs")


def _manifests(sources: list[Source]) -> list[Source]:
    return [replace(source, tables={"shipments": source.tables["shipments"]}) for source in sources]


def _model_of(workspace: Workspace, ledger: Ledger, recorded: Run | None, loaded: LoadedModel) -> LoadedModel:
    """The model of the recorded run, so that a re-run is a replay; without one, the model asked for."""
    if recorded is None or recorded.record["model"]["version"] == loaded.version:
        return loaded
    return load_model(workspace, ledger, recorded.record["model"]["version"])
