"""`Run`: the handle of one launch or attached task."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from zadig_async.client.client import ZadigClient
from zadig_async.model.ids import TaskRef
from zadig_async.model.launch import Launch
from zadig_async.model.outcome import Outcome
from zadig_async.orchestrator import events
from zadig_async.orchestrator.watch import Watch

_HELD: Final = 10_000
"""Events held for a reader of `Run.events` that lags behind."""


class Run:
    """A task that is being watched.

    Attributes:
        ref: The task.
        launch: The launch it came from, or None where it was attached to.
    """

    def __init__(self, zadig: ZadigClient, ref: TaskRef, launch: Launch | None) -> None:
        self.ref = ref
        self.launch = launch
        self._zadig = zadig
        self._watch: Watch | None = None
        self._task: asyncio.Task[Outcome] | None = None
        self._readers: list[_Reader] = []

    def begin(self, watch: Watch, task: "asyncio.Task[Outcome]") -> None:
        """Take the watch that runs for this handle; called once by the orchestrator."""
        self._watch = watch
        self._task = task
        task.add_done_callback(self._close_readers)

    def _close_readers(self, _: "asyncio.Task[Outcome]") -> None:
        for reader in self._readers:
            reader.close()

    def tell(self, event: events.Event) -> None:
        """Pass an event to whoever reads `events`."""
        for reader in self._readers:
            reader.put(event)

    async def wait(self) -> Outcome:
        """Wait for the outcome. Cancelling this stops the waiting, neither the watch nor the task."""
        return await asyncio.shield(self._running())

    async def cancel(self, reason: str = "asked to") -> None:
        """Cancel the task on the server, unless it has ended; `wait` then tells what really became of it.

        Raises:
            ZadigError: It could not be read, or the server did not take the cancellation.
        """
        if self._watch is None:
            raise RuntimeError("the run has not begun")
        await self._watch.cancel(reason)

    async def events(self) -> AsyncIterator[events.Event]:
        """Yield what happens from now on, ending after `Ended`.

        A reader that lags far behind loses the oldest events and is told how many.
        """
        task = self._running()
        if task.done():
            return
        reader = _Reader()
        self._readers.append(reader)
        try:
            async for event in reader:
                yield event
        finally:
            self._readers.remove(reader)

    def _running(self) -> "asyncio.Task[Outcome]":
        if self._task is None:
            raise RuntimeError("the run has not begun")
        return self._task


class _Reader:
    """A bounded queue of events that drops its oldest and says so."""

    def __init__(self) -> None:
        self._events: deque[events.Event] = deque()
        self._dropped = 0
        self._more = asyncio.Event()
        self._closed = False

    def put(self, event: events.Event) -> None:
        if len(self._events) >= _HELD:
            self._events.popleft()
            self._dropped += 1
        self._events.append(event)
        self._more.set()

    def close(self) -> None:
        self._closed = True
        self._more.set()

    async def __aiter__(self) -> AsyncIterator[events.Event]:
        while True:
            while self._events:
                event = self._events.popleft()
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    yield events.EventsDropped(workflow=event.workflow, ref=event.ref, count=dropped)
                yield event
            if self._closed:
                return
            self._more.clear()
            await self._more.wait()
