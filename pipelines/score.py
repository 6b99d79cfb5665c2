"""`riskscore score`: read the files once, then score their arrival days in turn, each as of its own morning."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.errors import InputError
from riskscore.frames import as_frame
from riskscore.pipelines.intake import Source, read_sources
from riskscore.pipelines.model_store import load_model, require_past
from riskscore.pipelines.past import Past
from riskscore.pipelines.projection import project
from riskscore.pipelines.score_day import DayResult, score_day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from pathlib import Path

    from riskscore.ledger import Ledger
    from riskscore.pipelines.model_store import LoadedModel
    from riskscore.readers import Format
    from riskscore.validation import Validated
    from riskscore.workspace import Workspace

    Report = Callable[[str, int, int], None]


def score(  # noqa: PLR0913 - the options of the command
    workspace: Workspace,
    paths: Sequence[Path],
    day: date | None = None,
    *,
    file_format: Format = "auto",
    model: str = "champion",
    refresh: bool = False,
    allow_future_model: bool = False,
    report: Report | None = None,
) -> list[DayResult]:
    """Score the shipments arriving on `day`, or on every arrival day of the files in turn, and publish.

    Labels that a file carries (kcs) are not read. Each day is a transaction of its own: if a later day fails, the
    earlier ones stand.

    Args:
        workspace: with history and a model.
        paths: manifest files, or folders of them.
        day: the arrival day; None = every day in the files.
        file_format: see riskscore.readers.FORMATS.
        model: alias or version; a day that was scored before is replayed with its recorded version.
        refresh: score a day anew, with all facts known now; the old run stays in the ledger.
        allow_future_model: permit a model that has learned from days on or after the one scored.
        report: called with stage, days done, days in all.

    Raises:
        InputError: a file cannot be read, or none of its readable rows arrives on `day`.
        ModelError: no model, one that fails verification, or one that knows later days.
        RunError: see riskscore.pipelines.score_day.
        LockedError: another command is writing.
    """
    sources = _manifests(read_sources(paths, "shipments", file_format, workspace.config))
    days = [day] if day else _days(sources)
    _require_arrivals(sources, days, day)
    first_days = _first_days(sources)
    with workspace.writing() as ledger:
        project(workspace, ledger)
        loaded = load_model(workspace, ledger, model)
        past, results = Past(workspace, ledger), []
        for done, morning in enumerate(days):
            if report:
                report(f"scoring {morning.isoformat()}", done, len(days))
            chosen = loaded if refresh else _recorded_model(workspace, ledger, loaded, morning)
            if not allow_future_model:
                require_past(chosen, morning)
            part = sources if day else [_of_day(s, morning, first_days, first=done == 0) for s in sources]
            results.append(score_day(workspace, ledger, past, chosen, part, morning, refresh=refresh))
            project(workspace, ledger, morning)
        past.keep()
        if report:
            report("done", len(days), len(days))
    return results


def _manifests(sources: list[Source]) -> list[Source]:
    return [replace(source, tables={"shipments": source.tables["shipments"]}) for source in sources]


def _days(sources: Sequence[Source]) -> list[date]:
    arrivals = [source.tables["shipments"].accepted["arrival_date"] for source in sources]
    return sorted({d for column in arrivals for d in pc.unique(column).to_pylist()})


def _require_arrivals(sources: Sequence[Source], days: Sequence[date], day: date | None) -> None:
    if not days:
        where = ", ".join(source.path for source in sources)
        raise InputError("no row of the manifest can be read", where=where, fix="see riskscore ingest manifest")
    for source in sources:
        found = _days([source])
        if day and day not in found:
            arrivals = f"{found[0].isoformat()} to {found[-1].isoformat()}" if found else "nothing readable"
            raise InputError(
                f"no shipment in this file arrives on {day.isoformat()} (it holds {arrivals})",
                where=source.path,
                fix="give the manifest of that day, or another --date",
            )


def _recorded_model(workspace: Workspace, ledger: Ledger, loaded: LoadedModel, day: date) -> LoadedModel:
    """The model of the day's recorded run, so that a re-run is a replay; else the one asked for."""
    run = ledger.run_of(day)
    if run is None or run.record["model"]["version"] == loaded.version:
        return loaded
    return load_model(workspace, ledger, run.record["model"]["version"])


def _first_days(sources: Sequence[Source]) -> pd.Series[pd.Timestamp]:
    """The earliest arrival day of each shipment in the files, by shipment_id."""
    parts = [source.tables["shipments"].accepted.select(["shipment_id", "arrival_date"]) for source in sources]
    return as_frame(pa.concat_tables(parts)).groupby("shipment_id")["arrival_date"].min()


def _of_day(source: Source, day: date, first_days: pd.Series[pd.Timestamp], *, first: bool) -> Source:
    """The part of a file that is appended with one arrival day; rows without a readable day go with the first.

    All versions of a shipment go with its earliest day: one that was filed in time may have moved it to another.
    """
    validated: Validated = source.tables["shipments"]
    days = validated.accepted["shipment_id"].to_pandas().map(first_days)
    accepted = validated.accepted.filter(pa.array((days == pd.Timestamp(day)).to_numpy(dtype=bool)))
    arrival = validated.quarantined["arrival_date"]
    of_this_day = pc.fill_null(pc.equal(arrival, pa.scalar(day)), fill_value=first)
    quarantined = validated.quarantined.filter(of_this_day)
    part = replace(validated, accepted=accepted, quarantined=quarantined, findings=validated.findings if first else {})
    return replace(source, tables={"shipments": part})
