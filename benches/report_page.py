"""The worklist: seconds to write it, weight of the page, and milliseconds of every interaction, at growing sizes.

    python benches/report_page.py --examine 50,500,5000

A day is made directly, without a model: six arrivals for five exams, and a past of twice as many shipments. Baselines
in the same run: openpyxl writing the same cells, and matplotlib drawing a card's two pictures for the server to send,
which Observable Plot draws in the browser when the card is opened. Needs the test requirements and Chromium.
"""

from __future__ import annotations

import io
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from harness import ROOT, counts, head, parser, save, scratch, seconds, show

from riskscore.pipelines import pages
from riskscore.pipelines.report import report
from riskscore.pipelines.report.listing import FIELDS, as_csv, as_xlsx, listed
from riskscore.pipelines.report.morning import read_morning
from riskscore.pipelines.report.overview import overview
from riskscore.pipelines.report.page import render
from riskscore.pipelines.report.past import Asked, read_past
from riskscore.pipelines.report.payload import payload

sys.path.insert(0, str(ROOT))  # the days and the browser are those of the tests

from tests.pipelines import browser
from tests.pipelines.report import days
from tests.pipelines.report.driving import WATCH, interactions

if TYPE_CHECKING:
    from pathlib import Path

    from riskscore.workspace import Workspace

_CARDS = """() => {
  const begun = performance.now();
  state.shown.slice(0, 30).forEach((row, at) => { state.at = at; drawCard(); document.body.offsetHeight; });
  const all = performance.now() - begun, rows = state.shown.slice(0, 30).filter((row) => data.peers[row.peers]);
  const again = performance.now();
  for (const row of rows) {
    pricePicture(row, data.peers[row.peers], 700);
    timelinePicture(data.traders[row.trader], 700);
  }
  return [all / 30, (performance.now() - again) / rows.length];
}"""


def written(workspace: Workspace, arrivals: int) -> list[Any]:
    """Seconds of each part of a report, and what the page weighs."""
    with workspace.ledger(read_only=True) as ledger:
        morning = read_morning(ledger, None)
        run, asked = morning.run, Asked.by(morning.shipments)
        read = partial(read_past, ledger.connection, run.run_date, run.position, asked)
        past_s, past = seconds(read), read()
        figures = overview(morning, ledger.connection)
    data, rows = payload(morning, past, figures, workspace.tables), listed(morning)
    csv_s, xlsx_s = seconds(lambda: as_csv(rows)), seconds(lambda: as_xlsx(rows, morning))
    page_s = seconds(lambda: render(data))
    baseline = seconds(lambda: by_openpyxl(rows), repeats=1)
    whole = seconds(lambda: report(workspace))
    weight = report(workspace).page.stat().st_size / 1e6
    return [arrivals, len(rows), *(round(s, 3) for s in (whole, past_s, page_s, csv_s, xlsx_s, baseline)),
            round(baseline / xlsx_s, 1), round(weight, 2)]  # fmt: skip


def by_openpyxl(rows: list[list[Any]]) -> bytes:
    """The same cells, by the other library."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([field.name for field in FIELDS])
    for row in rows:
        sheet.append(row)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def by_matplotlib() -> tuple[float, float]:
    """Milliseconds and kilobytes of a card's two pictures drawn on the server: 80 prices, 24 months and 10 exams."""
    dice = np.random.default_rng(1)
    prices, months = dice.lognormal(2, 0.6, 80), dice.poisson(6, 24)
    made: list[Any] = []

    def draw() -> None:
        made.clear()
        with pages.drawing(1.3, "price") as (axes, first):
            axes.scatter(prices, dice.normal(0, 0.1, 80), s=9, color=pages.FIRST)
            axes.set_xscale("log")
        with pages.drawing(1.7, "timeline") as (axes, second):
            axes.bar(range(24), months, color=pages.FIRST)
            axes.plot(dice.uniform(0, 24, 10), [12] * 10, "o", color=pages.SECOND)
        made.extend([first[0], second[0]])

    return 1000 * seconds(draw), sum(len(svg) for svg in made) / 1000


def shown(page_path: Path, examine: int) -> tuple[dict[str, float], list[float]]:
    """Milliseconds of the interactions (the best of three rounds), of a card, and of its two pictures."""
    with browser.chromium() as opened:
        page = opened.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(page_path.as_uri())
        page.evaluate(WATCH)
        rounds = [interactions(page) for _ in range(3)]
        card = min(page.evaluate(_CARDS) for _ in range(3))
    best = {name: min(each[name] for each in rounds if name in each) for name in rounds[0]}
    return {"examine": examine, **best}, card


def main() -> None:
    """Print and keep the figures."""
    arguments = parser(__doc__)
    arguments.add_argument("--examine", type=counts, default=counts("50,500,5000"), help="shipments to examine")
    sizes = arguments.parse_args().examine
    head("the worklist: writing it and working with it")
    rows, spent, cards = [], [], []
    with scratch() as folder:
        for size in sizes:
            made = days.make(folder / str(size), arrivals=size * 6 // 5, examine=size)
            rows.append(written(made.workspace, size * 6 // 5))
            best, card = shown(report(made.workspace).page, size)
            spent.append(best)
            cards.append([size, *(round(ms, 1) for ms in card)])
    show(
        "seconds to write",
        ("arrivals", "examine", "in all", "past", "page", "csv", "xlsx", "openpyxl", "times ours", "page MB"),
        rows,
    )
    names = sorted({name for best in spent for name in best})
    show("milliseconds until painted, best of three", names, [[round(best.get(n, 0)) for n in names] for best in spent])
    server_ms, server_kb = by_matplotlib()
    show("a card in the browser, ms", ("examine", "card", "its two pictures"), cards)
    print(f"the two pictures by matplotlib on the server: {server_ms:.0f} ms and {server_kb:.0f} kB a card")
    save("report_page", {"written": rows, "interactions": spent, "cards": cards, "matplotlib": [server_ms, server_kb]})


if __name__ == "__main__":
    main()
