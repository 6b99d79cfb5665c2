"""A backtest of the small country, with its figures and its page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from riskscore.pipelines.backtest import figures, rows, run
from tests.pipelines.backtest.made import make, render


@pytest.fixture(scope="package")
def made(country, tmp_path_factory):
    workspace = country.copy(tmp_path_factory.mktemp("backtest") / "ws")
    plan = rows.origins(country.day - timedelta(21), country.day, 14)
    return make(workspace, plan, tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="package")
def table(made):
    return figures.figures(made.windows)


@pytest.fixture(scope="package")
def origins(made):
    return run.origins_table(made.windows, made.to, made.found.slow_days)


@pytest.fixture(scope="package")
def page(made, table, origins):
    return render(made, table, origins)
