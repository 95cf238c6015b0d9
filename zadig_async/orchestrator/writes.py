"""Writes that must not be torn from their answers."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from zadig_async.errors import ConfigError

T = TypeVar("T")

GRACE: Final = 10.0
"""Seconds a cancelled caller still waits for the answer of a write that is under way."""


class DetachedError(ConfigError):
    """We were told to stop, so nothing new is begun; nothing was sent."""

    hint = "Make a new orchestrator to go on."


async def finish(write: Coroutine[Any, Any, T], *, grace: float = GRACE) -> T:
    """Await a write; if we are cancelled meanwhile, give it time to end before passing that on.

    A request that was sent takes effect whether or not anybody waits for its answer. So the write, which
    also records what became of it, runs on in a task of its own, and only then cancellation goes on.

    Args:
        write: Sends the request and records its result.
        grace: Seconds to wait for it after a cancellation. Then it is cancelled as well.
    """
    task = asyncio.ensure_future(write)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait({task}, timeout=grace)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)
        if task.done() and not task.cancelled():
            task.exception()  # a failure was recorded by the write itself; the cancellation goes on
        raise
