"""`riskscore backtest`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from riskscore.cli.options import day_of, open_workspace
from riskscore.cli.terminal import console, progress, table


def backtest(
    context: typer.Context,
    first: Annotated[date, typer.Option("--from", parser=day_of, metavar="YYYY-MM-DD", help="First training morning.")],
    to: Annotated[
        date,
        typer.Option(
            "--to",
            parser=day_of,
            metavar="YYYY-MM-DD",
            help="Score arrivals before this day, with the outcomes known on its morning.",
        ),
    ],
    step_days: Annotated[int, typer.Option(min=1, help="Days from one training to the next.")] = 14,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write.", metavar="DIR", show_default="out/backtests/FROM_TO in the workspace"),
    ] = None,
) -> None:
    """Evaluate as if models had been trained in the past: every figure with its interval, as a page and as Parquet.

    Example: riskscore backtest --from 2026-01-05 --to 2026-04-06
    """
    from riskscore.pipelines.backtest import backtest as run

    workspace = open_workspace(context)
    with progress() as report:
        result = run(workspace, first, to, step_days=step_days, out=out, report=report)
    columns = ("trained", "until before", "learned from", "scored", "examined", "findings", "at random", "results in")
    rows = result.origins.to_pylist()
    console().print(table(columns, [_row(row) for row in rows]))
    for row in rows:
        if not row["trained"]:
            print(f"no model as of {row['origin'].isoformat()}: {row['refusal']}")
    for check in result.checks:
        if not check.passed:
            print(f"WARNING {check.name}: {check.detail}")
    print(f"leakage checks passed: {sum(check.passed for check in result.checks)} of {len(result.checks)}")
    print(f"report: {result.folder / 'report.html'}")
    print(f"figures: {result.folder / 'figures.parquet'}")


def _row(row: dict[str, Any]) -> list[object]:
    counts = (row[name] for name in ("training_rows", "live", "examined", "positives", "drawn"))
    return [row["origin"].isoformat(), row["until"].isoformat(), *counts, "most" if row["mature"] else "still coming"]
