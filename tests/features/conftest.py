"""Samples that many tests read, each made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.features import samples

if TYPE_CHECKING:
    from tests.features.samples import Log, Sample


@pytest.fixture(scope="session")
def log() -> Log:
    """Arrivals of all sorts and the past they share, as rows."""
    return samples.log()


@pytest.fixture(scope="session")
def some(log) -> Sample:
    """The same with their history."""
    return log.sample()


@pytest.fixture(scope="session")
def extremes() -> Sample:
    """Arrivals with extreme amounts, and no past."""
    return samples.with_history(shipments=samples.extreme())
