"""The standing report from end to end: which days, what was known, figures, files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskscore.errors import RunError
from riskscore.ledger.in_force import in_force
from riskscore.pipelines.oversight.book import Book
from riskscore.pipelines.oversight.figures import add_figures
from riskscore.pipelines.oversight.must_exams import add_must_exams
from riskscore.pipelines.oversight.population import read_window
from riskscore.pipelines.oversight.report import render
from riskscore.pipelines.oversight.results import read_results
from riskscore.pipelines.oversight.span import last_word, span
from riskscore.pipelines.oversight.standing import add_coverage, add_ports, add_referrals, add_rules
from riskscore.pipelines.referrals import LEFT_OUT, referrals
from riskscore.publication import write_bytes, write_parquet

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import pyarrow as pa

    from riskscore.ledger import Ledger
    from riskscore.pipelines.oversight.span import Span
    from riskscore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Oversight:
    """A standing report.

    Attributes:
        folder: out/oversight/through=D: oversight.parquet and oversight.html.
        figures: see `book.SCHEMA`.
        span: the days it is about.
    """

    folder: Path
    figures: pa.Table
    span: Span


def oversight(workspace: Workspace, first: date | None = None, through: date | None = None) -> Oversight:
    """Make the standing report and write it to out/oversight/through=D of the workspace.

    It reads the ledger and changes nothing in it. Known is what was known on the morning after `through`; two reports
    of the same days at the same ledger position are the same bytes.

    Args:
        workspace: with scored days.
        first: first arrival day of the estimates; None = twelve weeks before their last.
        through: last day; None = the newest day scored, or on which a result became known.

    Raises:
        RunError: no day has been scored, or none between `first` and `through`, or `first` lies after `through`.
    """
    made, days = standing_figures(workspace, first, through)
    folder = workspace.out / "oversight" / f"through={days.through.isoformat()}"
    write_parquet(made, folder / "oversight.parquet")
    write_bytes(render(made, days).encode(), folder / "oversight.html")
    return Oversight(folder, made, days)


def standing_figures(workspace: Workspace, first: date | None, through: date | None) -> tuple[pa.Table, Span]:
    """The figures of `oversight` and their days, without writing anything; same arguments, same errors."""
    with workspace.ledger(read_only=True) as ledger:
        position = ledger.position
        last = through or last_word(ledger, position)
        if first and first > last:
            what = f"no days from {first.isoformat()} to {last.isoformat()}"
            raise RunError(what, fix="--from must not be after --to")
        book, days = _figures(workspace, ledger, first, last, position)
    return book.table(), days


def _figures(workspace: Workspace, ledger: Ledger, first: date | None, last: date, position: int) -> tuple[Book, Span]:
    runs, open_or_closed = in_force(ledger, last, position), referrals(ledger, last, position)
    gone = open_or_closed.loc[open_or_closed["status"].isin(LEFT_OUT), "shipment_id"]
    results = read_results(workspace, ledger, runs, last, position, gone)
    days = span(first, last, position, results.slow_days, [run.run_date for run in runs])
    book = Book(days)
    inside = [run for run in runs if days.first <= run.run_date <= days.until]
    add_figures(book, read_window(ledger, inside, results))
    add_coverage(book, results.ordered[~results.ordered.index.isin(results.left_out)], days)
    add_referrals(book, open_or_closed, days)
    latest = [run for run in ledger.runs(position) if run.run_date <= last]
    add_rules(book, latest, days)
    add_must_exams(book, latest, days)
    add_ports(book, latest, days)
    return book, days
