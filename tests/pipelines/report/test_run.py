"""What a report is made of: one recorded run, what was known then, and nothing that came later."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from riskscore.errors import RunError
from riskscore.ledger import append
from riskscore.pipelines.report import report
from riskscore.publication import recommendations_path
from riskscore.tables import OUTCOMES, SHIPMENTS, TRADERS
from riskscore.workspace import Workspace
from tests import factories
from tests.factories import DAY, noon
from tests.pipelines.report import days
from tests.pipelines.report.conftest import data_of


def contents(written):
    return {path.name: path.read_bytes() for path in written.files}


def test_three_files_and_what_they_count(day, written):
    assert list(contents(written)) == ["worklist.html", "worklist.xlsx", "worklist.csv"]
    examine = pc.sum(pc.equal(day.table["recommendation"], "examine")).as_py()
    assert (written.examine, written.released) == (examine, len(day.table) - examine)
    assert written.folder == day.workspace.out / "reports" / f"run_date={DAY.isoformat()}"


def test_later_facts_change_nothing(tmp_path):
    made = days.make(tmp_path / "ws", arrivals=60, examine=30)
    written = report(made.workspace)
    before, shown = contents(written), data_of(written.page)["traders"]
    lately = [row for row in made.past if row["arrival_date"] >= DAY - timedelta(700)]
    old = next(row for row in lately if f"importer {row['importer_id']}" in shown)
    importer = old["importer_id"]
    filed = {"importer_id": importer, "hts": made.live[0]["hts"], "origin_country": "CN"}
    late = [
        (SHIPMENTS, factories.shipments({**filed, "shipment_id": "L1", "arrival_date": DAY - timedelta(9)})),
        (
            OUTCOMES,
            factories.outcomes({"shipment_id": old["shipment_id"], "known_at": noon(DAY, -5), "result": "seized"}),
        ),
        (TRADERS, factories.traders({"trader_id": importer, "ctpat_tier": 3, "valid_from": DAY - timedelta(2)})),
        (SHIPMENTS, factories.shipments({**made.live[0], "version": 1, "description": "later", "filed_at": noon(DAY)})),
        (SHIPMENTS, factories.shipments({**old, "version": 8, "action": "amended", "importer_id": "ELSE"})),
    ]
    with made.workspace.ledger() as ledger, ledger.transaction("late") as transaction:
        for table, rows in late:
            append(transaction, table, factories.accepted(table, rows), made.workspace.config.zone)
    assert contents(report(made.workspace)) == before


def test_facts_of_the_same_morning_do_count(tmp_path):
    """The counterpart: the same facts, had they been known, would have changed the page."""
    made = days.make(tmp_path / "ws", arrivals=60, examine=30)
    before = data_of(report(made.workspace).page)["traders"]
    importer = before and next(iter(before)).removeprefix("importer ")
    with made.workspace.ledger() as ledger:
        row = {"shipment_id": "E1", "importer_id": importer, "arrival_date": DAY - timedelta(9)}
        factories.append_rows(made.workspace, ledger, shipments=factories.shipments(row))
        again = pa.array(["6" * 64] * len(made.table))
        days.record(ledger, made.table.set_column(0, "run_id", again))
    after = data_of(report(made.workspace).page)["traders"]
    assert after[f"importer {importer}"]["shipments"] == before[f"importer {importer}"].get("shipments", 0) + 1


def test_a_day_that_was_not_scored_is_refused(day):
    with pytest.raises(RunError, match=r"2026-03-09 has not been scored.*riskscore score"):
        report(day.workspace, DAY + timedelta(7))


def test_a_workspace_without_a_scored_day_says_so(tmp_path):
    with pytest.raises(RunError, match="no day has been scored here"):
        report(factories.make_workspace(tmp_path / "ws"))


def test_a_day_without_exams_has_a_page(tmp_path):
    made = days.make(tmp_path / "ws", arrivals=20, examine=0)
    written = report(made.workspace)
    assert (written.examine, written.released) == (0, 20)
    assert data_of(written.page)["rows"] == []


def test_a_day_as_the_daily_job_scores_it(scored, tmp_path):
    workspace, result = scored
    written = report(Workspace(workspace.root), result.run.run_date)
    table = pq.ParquetFile(recommendations_path(workspace.out, result.run.run_date)).read()
    chosen = table.filter(pc.equal(table["recommendation"], "examine"))
    data = data_of(written.page)
    assert [row["id"] for row in data["rows"]] == chosen["shipment_id"].to_pylist()
    assert data["figures"]["counts"]["scored"] == result.counts.scored
    assert sum(port["used"] for port in data["figures"]["ports"]) == len(chosen)
