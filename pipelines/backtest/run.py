"""The backtest from end to end: read, replay, train and score origin by origin, evaluate, check for leaks, write."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskscore.pipelines import leakage
from riskscore.pipelines.backtest.figures import figures
from riskscore.pipelines.backtest.gathered import gather
from riskscore.pipelines.backtest.report import render
from riskscore.pipelines.backtest.rows import findings, origins, read_rows
from riskscore.pipelines.backtest.shuffled import shuffled_labels
from riskscore.pipelines.backtest.windows import score_windows
from riskscore.pipelines.past import Past
from riskscore.pipelines.projection import project
from riskscore.publication import write_bytes, write_parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from riskscore.features import FeatureBuilder
    from riskscore.models.gate import Finding
    from riskscore.pipelines.backtest.windows import Window
    from riskscore.workspace import Workspace

    Report = Callable[[str, int, int], None]

ORIGINS = pa.schema(
    [
        ("origin", pa.date32()),
        ("until", pa.date32()),
        ("trained", pa.bool_()),
        ("refusal", pa.string()),
        ("mature", pa.bool_()),
        ("training_rows", pa.int64()),
        ("training_positives", pa.int64()),
        ("targets", pa.list_(pa.string())),
        ("live", pa.int64()),
        ("examined", pa.int64()),
        ("positives", pa.int64()),
        ("drawn", pa.int64()),
        ("uncorrected", pa.int64()),
    ]
)
"""Columns of origins.parquet.

origin, until: training morning and end (not included) of the arrivals scored; trained, refusal: whether a model could
be trained, and why not; mature: 95 % of finds are known by now after so many days as have passed since `until`;
training_rows, training_positives: labelled shipments learned from; targets: those with a booster; live: shipments
scored; examined: those of them with a label of `any`; positives: of these; drawn: of these, by a random lottery;
uncorrected: of these, with no known chance of an exam.
"""


@dataclass(frozen=True, slots=True)
class Backtest:
    """A finished backtest.

    Attributes:
        folder: holds figures.parquet, origins.parquet and report.html.
        figures: see `figures.SCHEMA`.
        origins: see ORIGINS.
        checks: leakage checks, shuffled labels last.
    """

    folder: Path
    figures: pa.Table
    origins: pa.Table
    checks: tuple[Finding, ...]


def backtest(
    workspace: Workspace,
    first: date,
    to: date,
    *,
    step_days: int = 14,
    out: Path | None = None,
    report: Report | None = None,
    builders: Sequence[FeatureBuilder] | None = None,
) -> Backtest:
    """Evaluate as if the models had been trained every `step_days` from the morning of `first`.

    Each is trained on what was known before its own morning and scores every live shipment arriving until the next;
    outcomes known before the morning of `to` say how good it was.

    Args:
        workspace: where the history is.
        first: first origin.
        to: end of the arrivals scored (not included), and the morning before which outcomes were known.
        step_days: days from one origin to the next.
        out: folder to write; default: out/backtests/<first>_<to> of the workspace.
        report: called with stage, steps done, steps in all.
        builders: the feature builders; None = riskscore's own.

    Raises:
        RunError: no days between `first` and `to`, or no origin with enough labels to learn from.
        LockedError: another command is writing.
    """
    plan = origins(first, to, step_days)
    folder = out or workspace.out / "backtests" / f"{first.isoformat()}_{to.isoformat()}"
    with tempfile.TemporaryDirectory() as scratch:
        with workspace.writing() as ledger:
            project(workspace, ledger)
            rows = read_rows(workspace, ledger, plan, ledger.position)
            found = findings(workspace, ledger, to, rows.position)
            past = Past(workspace, ledger, builders)
            gathered = gather(workspace, ledger, past, rows, Path(scratch), report)
            checks = leakage.check(workspace, plan[-1].day, builders, report, ledger=ledger, position=rows.position)
        # From here on the ledger is free: training takes long, and the day's work must not wait for it.
        windows = score_windows(workspace, past.builders, gathered, found, report)
        checks = (*checks, shuffled_labels(workspace, gathered, plan[-1]))
    if report:
        report("evaluating", 0, 1)
    made = figures(windows)
    table = origins_table(windows, to, found.slow_days)
    _write(
        folder,
        made,
        table,
        render(made, table, checks, _facts(workspace, to, step_days, rows.position, found.slow_days)),
    )
    if report:
        report("done", 1, 1)
    return Backtest(folder, made, table, checks)


def _facts(workspace: Workspace, to: date, step_days: int, position: int, slow_days: int) -> dict[str, Any]:
    return {
        "to": to,
        "step_days": step_days,
        "position": position,
        "config_digest": workspace.config.digest(),
        "slow_days": slow_days,
    }


def origins_table(windows: Sequence[Window], to: date, slow_days: int) -> pa.Table:
    """One row per window (ORIGINS), seen from the morning of `to`; `slow_days` as in `rows.Findings`."""
    return pa.Table.from_pylist([_origin(window, to, slow_days) for window in windows], schema=ORIGINS)


def _origin(window: Window, to: date, slow_days: int) -> dict[str, Any]:
    examined = window.examined[window.examined["label_any"].notna()]
    learned = window.trained.training["targets"]["any"] if window.trained else {}
    parts = [part for part in learned.values() if isinstance(part, dict)]
    return {
        "origin": window.origin.day,
        "until": window.origin.until,
        "trained": window.trained is not None,
        "refusal": window.refusal or None,
        "mature": (to - window.origin.until).days >= slow_days,
        "training_rows": sum(part["rows"] for part in parts) if parts else None,
        "training_positives": sum(part["positives"] for part in parts) if parts else None,
        "targets": list(window.targets),
        "live": len(window.live),
        "examined": len(examined),
        "positives": int(examined["label_any"].sum()),
        "drawn": int(examined["drawn"].sum()),
        "uncorrected": int(examined["uncorrected"].sum()),
    }


def _write(folder: Path, made: pa.Table, table: pa.Table, page: str) -> None:
    write_parquet(made, folder / "figures.parquet")
    write_parquet(table, folder / "origins.parquet")
    write_bytes(page.encode(), folder / "report.html")
