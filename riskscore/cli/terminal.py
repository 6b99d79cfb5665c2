"""Talking to a terminal: tables and progress bars for people, plain text when piped."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

# A pipe has no width; 80 columns would fold every table that another program or a log reads.
_PIPE_WIDTH = 200


def console(*, stderr: bool = False) -> Console:
    """A console for the stream as it is now; wide and plain when it is no terminal."""
    made = Console(stderr=stderr, highlight=False, soft_wrap=True)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_PIPE_WIDTH, no_color=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> Table:
    """A table; numbers are right-aligned, everything else left, and null is shown as a dash."""
    body = [list(row) for row in rows]
    made = Table(title=title or None, title_justify="left", header_style="bold")
    for at, name in enumerate(columns):
        numeric = all(isinstance(row[at], (int, float)) or row[at] is None for row in body) and bool(body)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in body:
        made.add_row(*[_cell(value) for value in row])
    return made


def _cell(value: object) -> str:
    if value is None:
        return "-"
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    # Values come from manifests: brackets must not be read as markup.
    return text.replace("[", "\\[")


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr, driven by calls (stage, done, total); silent when stderr is no terminal."""
    screen = console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def report(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        yield report
