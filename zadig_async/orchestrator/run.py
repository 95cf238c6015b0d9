"""`Run`: the handle of one launch or attached task."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from zadig_async.model.ids import TaskRef
from zadig_async.model.launch import Launch
from zadig_async.model.outcome import Outcome
from zadig_async.orchestrator import events
from zadig_async.orchestrator.watch import Watch

HELD: Final = 10_000
"""Events held for a reader of `Run.events` that lags behind."""

HELD_TEXT: Final = 16_777_216
"""Characters of log lines held for it."""


class Readers:
    """Passes the events of one run on to whoever reads them."""

    def __init__(self) -> None:
        self._readers: list[_Reader] = []

    def tell(self, event: events.Event) -> None:
        """Pass an event on; the last one is `Ended`."""
        for reader in self._readers:
            reader.put(event)

    async def read(self) -> AsyncGenerator[events.Event, None]:
        """Yield what is told from now on, up to `Ended`."""
        reader = _Reader()
        self._readers.append(reader)
        try:
            async for event in reader:
                yield event
                if isinstance(event, events.Ended):
                    return
        finally:
            self._readers.remove(reader)


class Run:
    """A task that is being watched.

    Attributes:
        ref: The task.
        launch: The launch it came from, or None where it was attached to.
    """

    def __init__(
        self,
        ref: TaskRef,
        launch: Launch | None,
        watch: Watch,
        outcome: "asyncio.Task[Outcome]",
        readers: Readers,
    ) -> None:
        """Hold what an orchestrator has begun; only it makes runs."""
        self.ref = ref
        self.launch = launch
        self._watch = watch
        self._outcome = outcome
        self._readers = readers

    async def wait(self) -> Outcome:
        """Wait for the outcome. Cancelling this stops the waiting, neither the watch nor the task."""
        return await asyncio.shield(self._outcome)

    async def cancel(self, reason: str = "asked to") -> None:
        """Cancel the task on the server, unless it has ended; `wait` then tells what really became of it.

        Raises:
            ZadigError: It could not be read, or the server did not take the cancellation.
        """
        await self._watch.cancel(reason)

    async def events(self) -> AsyncGenerator[events.Event, None]:
        """Yield what happens from now on, ending after `Ended`.

        A reader that lags far behind loses the oldest events and is told how many.
        """
        if self._outcome.done():
            return
        async for event in self._readers.read():
            yield event


class _Reader:
    """A bounded queue of events that drops its oldest and says so."""

    def __init__(self) -> None:
        self._events: deque[events.Event] = deque()
        self._text = 0
        self._dropped = 0
        self._more = asyncio.Event()

    def put(self, event: events.Event) -> None:
        self._events.append(event)
        self._text += _text_of(event)
        while len(self._events) > HELD or (self._text > HELD_TEXT and len(self._events) > 1):
            self._take()
            self._dropped += 1
        self._more.set()

    def _take(self) -> events.Event:
        event = self._events.popleft()
        self._text -= _text_of(event)
        return event

    async def __aiter__(self) -> AsyncIterator[events.Event]:
        while True:
            await self._more.wait()
            while self._events:
                event = self._take()
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    yield events.EventsDropped(workflow=event.workflow, ref=event.ref, count=dropped)
                yield event
            self._more.clear()


def _text_of(event: events.Event) -> int:
    """Return how many characters of log lines an event holds."""
    return event.characters if isinstance(event, events.LogLines) else 0
