"""Every feature of the catalogue, by the oracles of all builders."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from riskscore.features import BUILDERS
from tests.features.oracles.past import Past

if TYPE_CHECKING:
    from collections.abc import Callable

    from riskscore.features import FeatureBuilder
    from tests.history.entities import Row
    from tests.history.oracle import Oracle

Values = dict[str, float | None]


def oracle_of(builder: FeatureBuilder) -> Callable[[Row, Past], Values]:
    """What tests.features.oracles has for a builder: the module of the same name."""
    module = type(builder).__module__.rpartition(".")[2]
    return import_module(f"tests.features.oracles.{module}").of


def features_of(row: Row, oracle: Oracle) -> Values:
    """All features of one shipments row, as of the morning it arrives."""
    past = Past(row, oracle)
    return {name: value for builder in BUILDERS for name, value in oracle_of(builder)(row, past).items()}
