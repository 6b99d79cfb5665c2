"""Feature builders: shipments and their point-in-time history to a feature frame, one module per concept."""

# Loaded first, so that the function of the same name below keeps the name whoever imports the module later.
import riskscore.features.catalogue  # noqa: F401
from riskscore.features.builders import BUILDERS, build, catalogue
from riskscore.features.protocol import Feature, FeatureBuilder

__all__ = ["BUILDERS", "Feature", "FeatureBuilder", "build", "catalogue"]
