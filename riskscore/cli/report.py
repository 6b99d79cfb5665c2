"""`riskscore report`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from riskscore.cli.options import day_of, open_workspace


def report(
    context: typer.Context,
    day: Annotated[
        date | None,
        typer.Option(
            "--date", parser=day_of, metavar="YYYY-MM-DD", help="The scored day.", show_default="the last scored day"
        ),
    ] = None,
    standing: Annotated[
        bool, typer.Option("--standing", help="Also the standing reports: Centers, and trusted traders.")
    ] = False,
) -> None:
    """Write the day's worklist as a page to open, as a spreadsheet and as CSV.

    Example: riskscore report --date 2026-03-02
    """
    from riskscore.pipelines.report import report as run

    written = run(open_workspace(context), day, standing=standing)
    print(f"{written.examine:,} shipments to examine, {written.released:,} released, on {written.day.isoformat()}")
    for path in written.files:
        print(path)
