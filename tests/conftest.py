"""What every test shares: how Hypothesis searches."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    deadline=None,  # the machine is shared: time says nothing
    print_blob=True,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci")
