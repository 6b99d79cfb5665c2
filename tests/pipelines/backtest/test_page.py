"""The report of a backtest, in a real browser, as wide as a desk and as narrow as a telephone."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from riskscore.pipelines.backtest import backtest
from tests.pipelines import browser

WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def report(country, tmp_path_factory):
    """A report that was written before, by its path in RISKSCORE_REPORT, or one of the small country."""
    if given := os.environ.get("RISKSCORE_REPORT"):
        return Path(given)
    workspace = country.copy(tmp_path_factory.mktemp("page") / "ws")
    return backtest(workspace, country.day - timedelta(14), country.day, step_days=7).folder / "report.html"


@pytest.fixture(scope="module", params=[(width, dark) for width in WIDTHS for dark in (False, True)], ids=str)
def seen(request, chromium, report, tmp_path_factory):
    width, dark = request.param
    folder = Path(os.environ.get("RISKSCORE_SCREENSHOTS") or tmp_path_factory.mktemp("shots"))
    picture = folder / f"{width}-{'dark' if dark else 'light'}.png"
    return browser.show(chromium, report, width=width, dark=dark, picture=picture)


def test_nothing_is_complained_of(seen):
    assert seen.console == []


def test_nothing_is_asked_of_the_network(seen, report):
    assert [url for url in seen.requests if not url.startswith("data:")] == [report.as_uri()]


def test_the_page_does_not_scroll_sideways(seen):
    inside, width = seen.layout["page"]
    assert inside <= width
    assert seen.layout["spilling"] == []


def test_every_picture_is_there_and_readable(seen):
    pictures = seen.layout["figures"]
    assert len(pictures) >= 10
    for picture in pictures:
        assert picture["width"] > 250, picture["title"]
        assert picture["height"] > 60, picture["title"]
        assert picture["smallest"] >= 10, picture["title"]
        assert picture["outside"] == [], picture["title"]
        assert picture["title"]
        assert picture["said"].endswith(".")


def test_a_fault_would_be_seen(chromium, tmp_path):
    """A page with a script, a picture from elsewhere and a wide box fails every check above."""
    broken = tmp_path / "broken.html"
    broken.write_text(
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<main><div style='width: 3000px'>wide</div><script>1</script><img src='https://example.org/x.png'></main>",
        encoding="utf-8",
    )
    found = browser.show(chromium, broken, width=390)
    assert found.layout["page"][0] > 390
    assert found.layout["spilling"]
    assert found.layout["figures"] == []
    assert len(found.console) >= 2
