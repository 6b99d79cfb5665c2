"""`riskscore oversight`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from riskscore.cli.options import day_of, open_workspace
from riskscore.cli.terminal import console, table

if TYPE_CHECKING:
    from riskscore.pipelines.backtest.numbers import Shown
    from riskscore.pipelines.oversight.sheets import Sheet


def oversight(
    context: typer.Context,
    first: Annotated[
        date | None,
        typer.Option(
            "--from",
            parser=day_of,
            metavar="YYYY-MM-DD",
            help="First arrival day of the estimates.",
            show_default="twelve weeks before the last whose results are in",
        ),
    ] = None,
    to: Annotated[
        date | None,
        typer.Option(
            "--to",
            parser=day_of,
            metavar="YYYY-MM-DD",
            help="Last day; known is what was known on the morning after it.",
            show_default="the newest day scored, or on which a result became known",
        ),
    ] = None,
) -> None:
    """The standing report: what is found and missed, trust, recorded results, referrals, waivers, must-exams.

    Each figure comes with its 95 % interval and its dates, here, as a page and as Parquet.

    Example: riskscore oversight --to 2026-06-30
    """
    from riskscore.pipelines.oversight import oversight as run
    from riskscore.pipelines.oversight.report import answers
    from riskscore.pipelines.oversight.sheets import Standing, sheets

    made = run(open_workspace(context), first, to)
    standing = Standing(made.figures)
    for question, answer in answers(standing):
        print(f"{question} {answer}")
    for section, listed in sheets(standing).items():
        for sheet in listed:
            _print(sheet, standing.dates(_SECTIONS[section]))
    print(f"page: {made.folder / 'oversight.html'}")
    print(f"figures: {made.folder / 'oversight.parquet'}")


_SECTIONS = {
    "prevalence": "prevalence",
    "objective": "objective",
    "trusted": "trusted traders",
    "coverage": "coverage",
    "referrals": "referrals",
    "rules": "rules",
    "must_exams": "must-exams",
    "drift": "drift",
    "ports": "ports without exams",
}


def _print(sheet: Sheet, dates: str) -> None:
    if not sheet.rows:
        print(f"\n{sheet.caption}: nothing to report")
        return
    print(f"\n{sheet.caption}\n{dates}")
    console().print(table(sheet.columns, [[name, *(_cell(cell) for cell in cells)] for name, cells in sheet.rows]))


def _cell(shown: Shown) -> str:
    return "\n".join([shown.value, *shown.notes])
