"""Samples that many tests read, each made once."""

from __future__ import annotations

import pytest

from tests.features.samples import Sample, bare, drawn, extreme, hostile, past_rows, with_history


@pytest.fixture(scope="session")
def some() -> Sample:
    """Arrivals of all sorts on one day, and the past they share."""
    past = past_rows()
    today = [*drawn(), *hostile(), *bare()]
    return with_history(**past | {"shipments": [*past["shipments"], *today]})


@pytest.fixture(scope="session")
def extremes() -> Sample:
    """Arrivals with extreme amounts, and no past."""
    return with_history(shipments=extreme())
