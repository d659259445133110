"""How many examples a property is tried with.

``HYPOTHESIS_PROFILE=nightly`` tries many more.
"""

import os

from hypothesis import HealthCheck, settings

_SHARED = {
    "deadline": None,  # no unit test measures time
    "suppress_health_check": [HealthCheck.too_slow],
    "database": None,
}
settings.register_profile(
    "fast",
    max_examples=int(os.environ.get("N", 12)),
    derandomize=True,
    **_SHARED,
)
settings.register_profile("nightly", max_examples=300, **_SHARED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
