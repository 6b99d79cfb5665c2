"""Options and arguments that several commands share."""

from __future__ import annotations

import getpass
import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from riskscore.readers import Format
from riskscore.workspace import Workspace


def day_of(text: str) -> date:
    """A date in ISO form, or a usage error that says so.

    >>> day_of("2026-03-01")
    datetime.date(2026, 3, 1)
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        message = f"expected a date like 2026-01-31, got {text!r}"
        raise typer.BadParameter(message) from None


Files = Annotated[list[Path], typer.Argument(help="Parquet or CSV files, or folders of them.", metavar="FILE...")]
FormatOption = Annotated[Format, typer.Option("--format", help="How to read the files; auto goes by their names.")]


def open_workspace(context: typer.Context) -> Workspace:
    """The workspace named before the command."""
    root, threads = context.obj
    return Workspace.open(root, threads)


def user_name() -> str:
    """The user of this machine; its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
