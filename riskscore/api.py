"""The library's face: frames in, frames out, against a workspace.

    import riskscore
    workspace = riskscore.open_workspace("workspace")
    print(riskscore.recommend(workspace, frame, "2026-03-02"))

`recommend` keeps nothing: it answers what the daily job would say of these shipments, knowing what the ledger knows.
The steps it is made of are public too: validate, build_features, load_model, score, select.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pandas as pd
import pyarrow as pa

from riskscore import features, readers
from riskscore.config import Config
from riskscore.errors import InputError
from riskscore.frames import as_frame
from riskscore.pipelines import model_store
from riskscore.pipelines.past import Past
from riskscore.pipelines.recommendations import choose
from riskscore.pipelines.rule_lists import present_lists
from riskscore.tables import INGESTED, SHIPMENTS
from riskscore.validation import Validated
from riskscore.validation import validate as split
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from riskscore.features import FeatureBuilder
    from riskscore.pipelines.model_store import LoadedModel
    from riskscore.pipelines.train import Trained
    from riskscore.readers import Format
    from riskscore.selection import SelectionResult

Frame = TypeVar("Frame", pd.DataFrame, pa.Table)


def open_workspace(path: str | Path, threads: int = 1) -> Workspace:
    """An existing workspace.

    Args:
        path: its folder.
        threads: threads to use; no result depends on it.

    Raises:
        WorkspaceError: there is none at `path`.
    """
    return Workspace.open(Path(path), threads)


def read_table(path: str | Path, table: str = "shipments", file_format: Format = "auto") -> Validated:
    """Read and validate a file: accepted rows, typed, and quarantined rows with their reasons.

    Args:
        path: a Parquet or CSV file.
        table: shipments, traders, outcomes, post_entry or reviews.
        file_format: auto, parquet, csv or kcs.

    Raises:
        InputError: unreadable, unknown table, or columns the table does not know.
    """
    declared = _table(table)
    raw = readers.read(Path(path), table, file_format, Config())
    return split(raw.tables[table], INGESTED[declared], str(path))


def validate(frame: pd.DataFrame | pa.Table, table: str = "shipments") -> Validated:
    """Split a frame by the rules of a table (riskscore.tables).

    Raises:
        InputError: not a DataFrame or Arrow table, unknown table, or columns the table does not know.

    >>> frame = pd.DataFrame(
    ...     {"shipment_id": ["B1"], "arrival_date": ["2026-03-02"], "mode": ["boat"], "port": ["2704"]}
    ... )
    >>> validate(frame).quarantined["reasons"].to_pylist()
    [["mode: expected one of ocean, air, truck, rail, mail, express, got 'boat'"]]
    """
    declared = INGESTED[_table(table)]
    return split(readers.from_frame(frame, declared.names), declared)


def build_features(
    workspace: Workspace,
    shipments: pd.DataFrame | pa.Table,
    day: str | date,
    builders: Sequence[FeatureBuilder] | None = None,
) -> pd.DataFrame:
    """Features of shipments arriving on `day`, knowing what the ledger knew that morning.

    Args:
        workspace: whose history is read.
        shipments: columns of the shipments table; of several versions the latest filed in time counts, and rows that
            are deleted or arrive on another day are left out, as in the daily job.
        day: their arrival day, a date or ISO text.
        builders: the feature builders; None = riskscore's own, with the workspace's reference facts. Add your own by
            passing (*riskscore.features.BUILDERS, mine).

    Returns:
        float64 columns in catalogue order, indexed by shipment_id, sorted; NaN is null.

    Raises:
        InputError: rows that validation refuses (the message gives the first reasons), or none live on `day`.
    """
    morning = _day(day)
    return _features(workspace, _shipments(shipments, morning, workspace.config.zone), morning, builders)


def train(
    workspace: Workspace, as_of: str | date | None = None, builders: Sequence[FeatureBuilder] | None = None
) -> Trained:
    """Train on everything known before the morning of `as_of` and register the model, as `riskscore train` does.

    Args:
        workspace: where the history is.
        as_of: a date or ISO text; None = the day after the newest arrival that the ledger's filings have reached.
        builders: as in `build_features`; a model is scored with the builders it was trained with.

    Raises:
        RunError: the ledger is empty.
        ModelError: too few labels; the message says how many there are.
        LockedError: another command is writing.
    """
    from riskscore.pipelines.train import train as run

    return run(workspace, None if as_of is None else _day(as_of), builders=builders)


def load_model(workspace: Workspace, model: str = "champion") -> LoadedModel:
    """A registered model by alias or version, verified before it is loaded.

    Raises:
        ModelError: no such model, or one that fails verification.
    """
    with workspace.ledger(read_only=True) as ledger:
        return model_store.load_model(workspace, ledger, model)


def score(model: LoadedModel, frame: pd.DataFrame, threads: int = 1) -> pd.DataFrame:
    """Calibrated probabilities of the feature rows in `frame`.

    Args:
        model: as given by `load_model`.
        frame: as made by `build_features`; other columns than the model's are an error.
        threads: threads to use; no result depends on it.

    Returns:
        Column `any` and one per modelled hazard, with the index of `frame`.

    Raises:
        ModelError: columns are missing, unexpected or not numbers.
    """
    return model.model.predict(frame, threads)


def explain(
    model: LoadedModel,
    frame: pd.DataFrame,
    threads: int = 1,
    builders: Sequence[FeatureBuilder] | None = None,
) -> pd.Series:
    """What moves the score of each shipment, in words.

    Args:
        model: as given by `load_model`.
        frame: as made by `build_features`; other columns than the model's are an error.
        threads: threads to use; no result depends on it.
        builders: the feature builders the model was trained with; None = riskscore's own.

    Returns:
        Per shipment a list of reasons, strongest first, about the hazard of its highest score: dicts with concept,
        direction (raises | lowers), contribution (to the log-odds of the score) and text.

    Raises:
        ModelError: as `score`.
    """
    from riskscore.pipelines import explain as explanations

    scores = model.model.predict(frame, threads)
    none = pd.Series(None, index=frame.index, dtype="str")
    known = features.BUILDERS if builders is None else builders
    hazards = explanations.driving_hazards(scores, none)
    told = explanations.explain(model.model, frame, hazards, threads, builders=known)
    return pd.Series(told, index=frame.index, name="reasons", dtype="object")


def select(
    workspace: Workspace,
    shipments: pd.DataFrame | pa.Table,
    frame: pd.DataFrame,
    scores: pd.DataFrame,
    day: str | date,
    model: LoadedModel | None = None,
) -> SelectionResult:
    """Choose exams among scored shipments under the workspace's capacity and rules; nothing is kept.

    No slot is shared with a model on trial, whatever `trial` says: a toss counts because it is on record before the
    exam, and only `riskscore score` keeps a record. So these are the exams of one model alone.

    Args:
        workspace: whose configuration is used.
        shipments: as given to `build_features`.
        frame: their features, for rules that name one.
        scores: as made by `score`.
        day: their arrival day; with the seed it fixes every random draw.
        model: the one that scored; objectives that weigh harm need what it knows of it.

    Raises:
        InputError: as `build_features`.
        ConfigError: a must-exam rule names a column or watch-list that does not exist, or the objective needs harm and
            there is none.
    """
    morning, config = _day(day), workspace.config
    live, lists = _shipments(shipments, morning, config.zone), present_lists(workspace, config, morning)
    severity = model.model.trained.severity if model else None
    return choose(config, live, frame, scores, morning, severity=severity, lists=lists)


def recommend(
    workspace: Workspace,
    shipments: Frame,
    day: str | date,
    model: str = "champion",
    builders: Sequence[FeatureBuilder] | None = None,
) -> Frame:
    """Exam recommendations for shipments arriving on `day`; the same kind of frame out as in. Nothing is kept.

    They are those of `model` alone: as nothing is kept, no slot is tossed for with a model on trial (see `select`). To
    see what both would do, ask for each.

    Args:
        workspace: with history and a model.
        shipments: columns of the shipments table; of several versions the latest filed in time counts, and rows that
            are deleted or arrive on another day are left out, as in the daily job.
        day: their arrival day, a date or ISO text.
        model: alias or version.
        builders: the feature builders that model was trained with; None = riskscore's own.

    Returns:
        One row per shipment, most urgent first per port: shipment_id, port, recommendation, exam_type, arm, rule_id,
        inclusion_probability, risk_score, priority, reason.

    Raises:
        InputError: rows that validation refuses, or none live on `day`.
        ModelError: no model, or one that has learned from facts of `day` or later.
    """
    morning = _day(day)
    frame = _shipments(shipments, morning, workspace.config.zone)
    loaded = load_model(workspace, model)
    model_store.require_past(loaded, morning)
    built = _features(workspace, frame, morning, builders)
    scores = score(loaded, built, workspace.threads)
    severity = loaded.model.trained.severity
    lists = present_lists(workspace, workspace.config, morning)
    chosen = choose(workspace.config, frame, built, scores, morning, severity=severity, lists=lists).frame
    result = chosen.assign(
        port=frame["port"],
        risk_score=scores["any"],
        reason=[reasons[0]["text"] for reasons in chosen["reasons"]],
    )
    result = result.sort_values(["port", "priority"]).rename_axis("shipment_id").reset_index()[list(_RECOMMENDED)]
    return pa.Table.from_pandas(result, preserve_index=False) if isinstance(shipments, pa.Table) else result


_RECOMMENDED = ("shipment_id", "port", "recommendation", "exam_type", "arm", "rule_id", "inclusion_probability",
                "risk_score", "priority", "reason")  # fmt: skip


def _features(
    workspace: Workspace, frame: pd.DataFrame, morning: date, builders: Sequence[FeatureBuilder] | None
) -> pd.DataFrame:
    with workspace.ledger(read_only=True) as ledger:
        past = Past(workspace, ledger, builders)
        return past.build(frame, past.of_morning(frame, morning, ledger.position))


def _shipments(shipments: pd.DataFrame | pa.Table, morning: date, zone: ZoneInfo) -> pd.DataFrame:
    """The shipments that stand on `morning`: latest version filed in time, arriving that day, not deleted."""
    validated = validate(shipments)
    if validated.quarantined.num_rows:
        first = validated.quarantined.slice(0, 1).to_pylist()[0]
        raise InputError(
            f"{validated.quarantined.num_rows} rows are not valid shipments; row {first['_row']}: "
            f"{'; '.join(first['reasons'])}",
            fix="riskscore.validate splits them from the good rows",
        )
    rows = as_frame(validated.accepted.drop_columns(["_row"])).drop_duplicates()
    twice = rows.duplicated([*SHIPMENTS.key, SHIPMENTS.known])
    if twice.any():
        raise InputError("a version is given twice with other content", where=rows.loc[twice, "shipment_id"].iloc[0])
    filed = pd.to_datetime(rows["filed_at"]).dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    known = rows[(filed < pd.Timestamp(morning)) | (filed.isna() & (rows["arrival_date"] <= pd.Timestamp(morning)))]
    known = known.assign(version=known["version"].fillna(0)).sort_values(["version", "filed_at"], na_position="first")
    standing = known.drop_duplicates("shipment_id", keep="last")
    live = standing[(standing["arrival_date"] == pd.Timestamp(morning)) & (standing["action"] != "deleted")]
    if len(rows) and live.empty:
        raise InputError(f"none of {len(rows)} shipment rows is live and arrives on {morning.isoformat()}")
    return live.set_index("shipment_id").sort_index()


def _day(day: str | date) -> date:
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise InputError(f"expected a date like 2026-01-31, got {day!r}") from None


def _table(name: str) -> str:
    if name not in INGESTED:
        raise InputError(f"unknown table {name!r}", fix=f"one of {', '.join(INGESTED)}")
    return name
