"""Keeps pytest-asyncio from leaking an event loop into the first asynchronous test of this directory."""

import asyncio

# Python 3.11 makes a loop for whoever asks first, and pytest-asyncio asks only to remember it; nobody closes
# that loop, and its ResourceWarning strikes whichever test collects garbage. "There is none" prevents it.
asyncio.set_event_loop(None)
