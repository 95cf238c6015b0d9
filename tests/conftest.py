"""What every test shares: how Hypothesis searches, and a main thread without an event loop."""

import asyncio

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    deadline=None,  # the machine is shared: time says nothing
    print_blob=True,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci")

# pytest-asyncio asks for the current loop to restore it later; asked for the first time, asyncio makes one,
# which nobody closes, and the warning about it strikes whichever test the garbage collector runs in.
asyncio.set_event_loop(None)
