"""The backtest from end to end: shuffled labels, the same bytes again, and its command."""

from __future__ import annotations

import re
from datetime import date, timedelta
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from riskscore.cli.backtest import backtest as backtest_command
from riskscore.models.labels import ANY
from riskscore.pipelines import backtest as backtests
from riskscore.pipelines.backtest import backtest, shuffled
from tests.pipelines.backtest.made import CHECKS


def test_shuffled_labels_pass(made):
    finding = shuffled.shuffled_labels(made.workspace, made.gathered, made.plan[-1])
    assert finding.passed, finding.detail
    assert re.search(r"AUC 0\.\d+ on \d+ held-out rows with \d+ positives; 0\.5 is expected", finding.detail)


def test_shuffled_labels_find_a_leak(made, monkeypatch):
    """Planted: a training that tells dealt-out labels apart on held-out days, as if it had been fitted on them."""
    _, labels, _ = made.gathered.sample(made.plan[-1])

    booster = SimpleNamespace(evaluation={"rows": 200, "positives": 40, "auc": 0.93})
    knowing = SimpleNamespace(boosters={ANY: booster})
    monkeypatch.setattr("riskscore.pipelines.backtest.shuffled.models.train", lambda *_, **__: knowing)
    finding = shuffled.shuffled_labels(made.workspace, made.gathered, made.plan[-1])
    assert not finding.passed
    assert "AUC 0.930" in finding.detail
    dealt = shuffled.dealt(labels)
    assert dealt[ANY].sum() == labels[ANY].sum()
    assert (dealt[ANY] != labels[ANY]).any()


def test_from_end_to_end(country, tmp_path):
    workspace = country.copy(tmp_path / "ws")
    stages = []
    result = backtest(workspace, country.day - timedelta(7), country.day, report=lambda stage, *_: stages.append(stage))
    name = f"{country.day - timedelta(7)}_{country.day}"
    assert result.folder == workspace.out / "backtests" / name
    assert pq.ParquetFile(result.folder / "figures.parquet").read().equals(result.figures)
    assert pq.ParquetFile(result.folder / "origins.parquet").read().equals(result.origins)
    assert "Backtest" in (result.folder / "report.html").read_text(encoding="utf-8")
    assert result.checks[-1].name == "shuffled labels"
    assert all(check.passed for check in result.checks), result.checks
    assert stages[0] == "replaying history"
    assert stages[-1] == "done"


@pytest.mark.slow
def test_the_same_backtest_has_the_same_bytes(country, tmp_path):
    workspace = country.copy(tmp_path / "ws")
    days = country.day - timedelta(7), country.day
    one, two = (backtest(workspace, *days, out=tmp_path / name) for name in "ab")
    for name in ("figures.parquet", "origins.parquet", "report.html"):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


@pytest.fixture
def command(made):
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command()(backtest_command)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["backtest", *arguments], obj=(made.workspace.root, 1))


def test_the_command_says_where_the_report_is(made, command, monkeypatch, tmp_path, origins):
    asked = {}

    def answer(workspace, first, to, **options):
        asked.update(options, first=first, to=to)
        return backtests.Backtest(tmp_path, None, origins, CHECKS)

    monkeypatch.setattr("riskscore.pipelines.backtest.backtest", answer)
    said = command("--from", "2026-01-05", "--to", "2026-03-02", "--step-days", "7", "--out", str(tmp_path))
    assert said.exit_code == 0, said.output
    assert (asked["first"], asked["to"]) == (date(2026, 1, 5), date(2026, 3, 2))
    assert (asked["step_days"], asked["out"]) == (7, tmp_path)
    assert f"report: {tmp_path / 'report.html'}" in said.output
    assert "WARNING shuffled labels: AUC 0.9" in said.output
    assert "leakage checks passed: 1 of 2" in said.output
    assert made.plan[0].day.isoformat() in said.output


def test_the_command_wants_dates(command):
    assert command("--from", "yesterday", "--to", "2026-03-02").exit_code == 2
    assert command("--to", "2026-03-02").exit_code == 2
