"""`riskscore report`: the day's worklist, from what the ledger recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskscore.pipelines.report.listing import as_csv, as_xlsx, listed
from riskscore.pipelines.report.morning import read_morning
from riskscore.pipelines.report.overview import overview
from riskscore.pipelines.report.page import render
from riskscore.pipelines.report.past import Asked, read_past
from riskscore.pipelines.report.payload import payload
from riskscore.pipelines.report.standing import standing_reports
from riskscore.publication import write_bytes

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from riskscore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Report:
    """What was written.

    Attributes:
        day: the run date.
        folder: where worklist.html, worklist.xlsx and worklist.csv stand.
        examine: shipments listed.
        released: shipments of the day that are only counted.
        files: every file written.
    """

    day: date
    folder: Path
    examine: int
    released: int
    files: tuple[Path, ...]

    @property
    def page(self) -> Path:
        """The page to open."""
        return self.folder / "worklist.html"


def report(workspace: Workspace, day: date | None = None, *, standing: bool = False) -> Report:
    """Write the worklist of a scored day: a page, a spreadsheet and a CSV file, replacing what was there.

    The same run gives the same bytes, whatever became known since.

    Args:
        workspace: with the day scored.
        day: the run date; None = the last scored day.
        standing: also write the standing reports on the year before: centers.html and trusted.html.

    Raises:
        RunError: the day has not been scored.
        OSError: a file cannot be written.
    """
    with workspace.ledger(read_only=True) as ledger:
        morning = read_morning(ledger, day)
        run = morning.run
        past = read_past(ledger.connection, run.run_date, run.position, Asked.by(morning.shipments))
        figures = overview(morning, ledger.connection)
        more = standing_reports(workspace, ledger, run.run_date, run.position) if standing else {}
    rows = listed(morning)
    content = {
        "worklist.html": render(payload(morning, past, figures, workspace.tables)).encode(),
        "worklist.xlsx": as_xlsx(rows, morning),
        "worklist.csv": as_csv(rows).encode(),
        **{name: page.encode() for name, page in more.items()},
    }
    folder = workspace.out / "reports" / f"run_date={run.run_date.isoformat()}"
    for name, made in content.items():
        write_bytes(made, folder / name)
    files = tuple(folder / name for name in content)
    return Report(run.run_date, folder, len(rows), morning.published.num_rows - len(rows), files)
