"""What all tests share."""

from hypothesis import HealthCheck, settings

# A shared machine is slow at times; a slow example is no wrong one.
settings.register_profile("riskscore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("riskscore")
