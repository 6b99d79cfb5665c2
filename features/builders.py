"""The builders in use, and running them: a plain tuple, no registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.errors import ConfigError
from riskscore.features.agriculture import Agriculture
from riskscore.features.commodity import Commodity
from riskscore.features.documentation import Documentation
from riskscore.features.ecommerce import ECommerce
from riskscore.features.forced_labour import ForcedLabour
from riskscore.features.network import Network
from riskscore.features.novelty import Novelty
from riskscore.features.post_entry import PostEntry
from riskscore.features.preferences import Preferences
from riskscore.features.programme import Programme
from riskscore.features.route import Route
from riskscore.features.track_record import TrackRecord
from riskscore.features.trust_erosion import TrustErosion
from riskscore.features.valuation import Valuation
from riskscore.history import KINDS
from riskscore.reference import PACKAGED
from riskscore.tables import SHIPMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from riskscore.features.protocol import Feature, FeatureBuilder
    from riskscore.history import EntityKind, History
    from riskscore.reference import Tables


def standard(tables: Tables = PACKAGED) -> tuple[FeatureBuilder, ...]:
    """The builders of riskscore, reading the reference facts of `tables`."""
    return (
        Programme(tables),
        TrustErosion(tables),
        TrackRecord(),
        PostEntry(),
        Novelty(),
        Network(),
        Valuation(),
        Commodity(tables),
        Route(tables),
        Preferences(tables),
        ForcedLabour(tables),
        Agriculture(tables),
        ECommerce(tables),
        Documentation(tables),
    )


BUILDERS: tuple[FeatureBuilder, ...] = standard()
"""The builders of riskscore, reading the packaged reference facts."""


def kinds(builders: Sequence[FeatureBuilder]) -> tuple[EntityKind, ...]:
    """The standard entity kinds, then those that the builders bring.

    Raises:
        ConfigError: two different kinds have one name.
    """
    known = {kind.name: kind for kind in KINDS}
    for builder in builders:
        for kind in getattr(builder, "kinds", ()):
            if known.setdefault(kind.name, kind) != kind:
                raise ConfigError(f"two entity kinds named {kind.name!r}", where=f"builder {builder.name!r}")
    return tuple(known.values())


def catalogue(builders: Sequence[FeatureBuilder] = BUILDERS) -> tuple[Feature, ...]:
    """Every feature of `builders`, in the order of the feature frame.

    Raises:
        ConfigError: two features have the same name, or one has the name of a shipments column (rules name both).
    """
    features = tuple(feature for builder in builders for feature in builder.features)
    names = [feature.name for feature in features]
    repeated = sorted({name for name in names if names.count(name) > 1 or name in SHIPMENTS.names})
    if repeated:
        raise ConfigError(f"feature names that are taken: {repeated}", fix="rename one of them")
    return features


def monotone(builders: Sequence[FeatureBuilder] = BUILDERS) -> dict[str, int]:
    """The features whose sign the trade demands: name to +1 (may only raise the risk) or -1 (only lower it).

    What `riskscore.models.train` takes as `monotone`.

    Raises:
        ConfigError: as `catalogue`; a categorical feature has a sign, but its codes have no order.

    >>> monotone()["importer_seizures"], "importer_exams" in monotone()
    (1, False)
    """
    signed = [feature for feature in catalogue(builders) if feature.monotone]
    if unordered := [feature.name for feature in signed if feature.categorical]:
        raise ConfigError(f"categorical features with a sign: {unordered}", fix="leave monotone at 0")
    return {feature.name: feature.monotone for feature in signed}


def build(shipments: pd.DataFrame, history: History, builders: Sequence[FeatureBuilder] = BUILDERS) -> pd.DataFrame:
    """The feature frame of `shipments`: float64 columns in catalogue order, indexed like `shipments`.

    Raises:
        ConfigError: a builder returns other columns than it declares, or another index.
    """
    parts = [_checked(builder, builder.build(shipments, history), shipments) for builder in builders]
    names = [feature.name for feature in catalogue(builders)]
    frame = pd.concat(parts, axis=1) if parts else pd.DataFrame(index=shipments.index)
    return frame[names].astype(np.float64)


def _checked(builder: FeatureBuilder, frame: pd.DataFrame, shipments: pd.DataFrame) -> pd.DataFrame:
    declared = [feature.name for feature in builder.features]
    if list(frame.columns) != declared:
        raise ConfigError(f"builder {builder.name!r} declares {declared} but made {list(frame.columns)}")
    if not frame.index.equals(shipments.index):
        raise ConfigError(f"builder {builder.name!r} returned another index than its shipments have")
    return frame
