"""Writes that must not be torn from their answers."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import attrs

from zadig_async.errors import ConfigError, ConnectError, LeaseLostError

T = TypeVar("T")

GRACE: Final = 10.0
"""Seconds a cancelled caller still waits for the answer of a write that is under way."""


class DetachedError(ConfigError):
    """We were told to stop, so nothing new is begun; nothing was sent."""

    hint = "Make a new orchestrator to go on."


class HaltedError(ConfigError):
    """The kill switch is pulled, or this is a rehearsal: nothing is written; nothing was sent."""


class OutdatedError(ConfigError):
    """What a write rests on was read too long ago, so it was not sent."""

    hint = "Read again and decide again."


NEVER_SENT: Final = (ConnectError, DetachedError, HaltedError, OutdatedError, LeaseLostError)
"""The errors of a write that provably never left this machine."""


@attrs.define(eq=False)
class Permit:
    """Lets one write go on the wire; asked right before each of its attempts (`Call.before_send`).

    An attempt may come long after the decision: calls wait for their turn and for a server that cannot be
    reached. By then nobody may want it any more.

    Attributes:
        guard: Raises where nothing may be sent: we were told to stop, or somebody else owns the workflow now.
        until: Time of the event loop after which the decision must be made anew, or None.
        withdrawn: Set where nobody waits for the write any more.
        granted: Whether an attempt was let through: the write may have been sent.
    """

    guard: Callable[[], None] = attrs.field(default=lambda: None)
    until: float | None = None
    withdrawn: bool = attrs.field(init=False, default=False)
    granted: bool = attrs.field(init=False, default=False)

    def __call__(self) -> None:
        """Let an attempt through.

        Raises:
            DetachedError: Nothing may be sent any more.
            HaltedError: The kill switch is pulled.
            LeaseLostError: Another driver owns the workflow now.
            OutdatedError: The decision is too old.
        """
        if self.withdrawn:
            raise DetachedError("told to stop before it was sent")
        self.guard()
        if self.until is not None and asyncio.get_running_loop().time() > self.until:
            raise OutdatedError("it could not be sent in time")
        self.granted = True


async def finish(write: Coroutine[Any, Any, T], permit: Permit | None = None, *, grace: float = GRACE) -> T:
    """Await a write; if we are cancelled meanwhile, give it time to end before passing that on.

    A request that was sent takes effect whether or not anybody waits for its answer. So the write, which
    also records what became of it, runs on in a task of its own, and only then cancellation goes on. With
    a permit, no further attempt of it is sent.

    Args:
        write: Sends the request and records its result.
        permit: What it asks before each attempt; withdrawn by a cancellation. None where it asks nothing.
        grace: Seconds to wait for it after a cancellation. Then it is cancelled as well.
    """
    task = asyncio.ensure_future(write)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if permit is not None:
            permit.withdrawn = True
        if not task.done() and (permit is None or permit.granted):
            await asyncio.wait({task}, timeout=grace)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)
        if task.done() and not task.cancelled():
            task.exception()  # a failure was recorded by the write itself; the cancellation goes on
        raise
