"""A scored day of plain values and one of hostile ones, each with its written report."""

from __future__ import annotations

import json
import re

import pytest

from riskscore.pipelines.report import report
from tests.factories import DAY
from tests.pipelines.report import days

_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def data_of(page):
    """What the page knows."""
    [found] = _DATA.findall(page.read_text(encoding="utf-8"))
    return json.loads(found)


@pytest.fixture(scope="package")
def day(tmp_path_factory):
    return days.make(tmp_path_factory.mktemp("plain") / "ws")


@pytest.fixture(scope="package")
def written(day):
    return report(day.workspace, DAY)


@pytest.fixture(scope="package")
def data(written):
    return data_of(written.page)


@pytest.fixture(scope="package")
def bad(tmp_path_factory):
    return days.make(tmp_path_factory.mktemp("hostile") / "ws", hostile=True)


@pytest.fixture(scope="package")
def bad_written(bad):
    return report(bad.workspace, DAY, standing=True)


@pytest.fixture(scope="package")
def bad_data(bad_written):
    return data_of(bad_written.page)
