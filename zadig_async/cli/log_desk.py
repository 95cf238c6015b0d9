"""`LogDesk`: hands each event of a log to everything that takes it, and knows which logs are still open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

import attrs

from zadig_async.cli.log_options import LogChoice
from zadig_async.orchestrator import events
from zadig_async.orchestrator.policy import configured_name
from zadig_async.sinks.files import LogFiles, make_directory
from zadig_async.sinks.lines import Key, key_of
from zadig_async.sinks.terminal import safe
from zadig_async.sinks.writer import BackgroundWriter, UnwritableError


@attrs.define(eq=False)
class LogDesk:
    """Takes the events of logs, as `on_log` of an orchestrator.

    Attributes:
        show: Shows an event, or None where lines are not shown.
        files: Writes it into a file, or None.
        complain: Tells a person that something cannot be written.
        open: The logs that were opened and not closed yet.
        incomplete: The logs of which lines are or may be missing, in words.
    """

    show: Callable[[events.LogEvent], Awaitable[None]] | None
    files: LogFiles | None
    complain: Callable[[str], None]
    open: set[Key] = attrs.field(init=False, factory=set)
    incomplete: list[str] = attrs.field(init=False, factory=list)
    _told: set[str] = attrs.field(init=False, factory=set)
    _quiet: asyncio.Event = attrs.field(init=False, factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        choice: LogChoice,
        show: Callable[[events.LogEvent], Awaitable[None]],
        complain: Callable[[str], None],
    ) -> AsyncIterator[Self]:
        """Open what the choice names, for as long as the context is open.

        Args:
            choice: Which logs go where.
            show: Shows an event of a log.
            complain: Tells a person that something cannot be written.

        Raises:
            ConfigError: The directory cannot be used.
        """
        shown = show if choice.shown else None
        if choice.directory is None:
            yield cls(shown, None, complain)
            return
        make_directory(choice.directory)
        # Of its own: a terminal that is stopped must not stop the files, nor a slow disk the terminal.
        async with BackgroundWriter() as writer:
            files = LogFiles(choice.directory, writer)
            desk = cls(shown, files, complain)
            try:
                yield desk
            finally:
                files.close()
            await writer.flush()
            for failure in writer.failures:  # what went wrong last has been told to nobody
                desk._complain_once(failure)

    async def __call__(self, event: events.LogEvent) -> None:
        """Hand an event on; returns when everybody has taken it."""
        if isinstance(event, events.LogOpened):
            self.open.add(key_of(event))
            self._quiet.clear()
        try:
            if self.files is not None:
                await self._try(self.files, event)
            if self.show is not None:
                await self._try(self.show, event)
        finally:
            if isinstance(event, events.LogClosed):
                if event.report.complete is False:
                    self.incomplete.append(safe(f"{event.ref} {configured_name(event.job)}"))
                self.open.discard(key_of(event))
                if not self.open:
                    self._quiet.set()

    @property
    def failed(self) -> bool:
        """Whether something could not be written."""
        return bool(self._told)

    async def all_closed(self) -> None:
        """Wait until every log that was opened is closed, and everybody has taken that."""
        while self.open:
            await self._quiet.wait()

    async def _try(self, take: Callable[[events.LogEvent], Awaitable[None]], event: events.LogEvent) -> None:
        """Hand an event to one reader; what cannot be written is told once, and ends nothing."""
        try:
            await take(event)
        except UnwritableError as error:
            self._complain_once(str(error))

    def _complain_once(self, failure: str) -> None:
        if failure not in self._told:
            self._told.add(failure)
            self.complain(f"{safe(failure)}. {UnwritableError.hint}")
