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
    """Progress on stderr, driven by calls (stage, done, total): a bar on a terminal, a line per stage elsewhere."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield _Stages(screen)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total)


class _Stages:
    """Prints each stage once, when it begins: what a log wants of a progress bar."""

    def __init__(self, screen: Console) -> None:
        self._screen, self._stage = screen, ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage and stage != self._stage and done < total:
            self._screen.print(f"{stage} ...", markup=False)
        self._stage = stage
