"""The session's simulated country, its day scored, and a browser."""

from __future__ import annotations

import pytest

from tests.pipelines import browser
from tests.pipelines import country as countries


@pytest.fixture(scope="session")
def country(tmp_path_factory):
    return countries.country(tmp_path_factory.getbasetemp())


@pytest.fixture
def workspace(country, tmp_path):
    """A fresh copy of the trained workspace, nothing scored yet."""
    return country.copy(tmp_path / "ws")


@pytest.fixture(scope="session")
def scored(country, tmp_path_factory):
    """A workspace with the day scored: for tests that only read. Returns the workspace and its result."""
    made = country.copy(tmp_path_factory.mktemp("scored") / "ws")
    return made, countries.run(made, country.manifest, country.day)


@pytest.fixture(scope="session")
def reference_bytes(country, scored):
    """The published file of the scored day."""
    return countries.published(scored[0], country.day).read_bytes()


@pytest.fixture(scope="module")
def chromium():
    """Skips the test where there is none."""
    with browser.chromium() as opened:
        yield opened
