"""Feature builders: shipments and their point-in-time history to a feature frame, one module per concept."""

from riskscore.features.builders import BUILDERS, build, catalogue, kinds, monotone, standard
from riskscore.features.protocol import Feature, FeatureBuilder

__all__ = ["BUILDERS", "Feature", "FeatureBuilder", "build", "catalogue", "kinds", "monotone", "standard"]
