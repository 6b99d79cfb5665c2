"""A scored day of plain values and one of hostile ones, each with its written report, and a browser to open it."""

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


@pytest.fixture
def open_page(chromium):
    """Opens a file; at the end nothing may have been complained of or asked of the network."""
    contexts, complaints, requests = [], [], []

    def call(path, width=1280, **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield call
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
