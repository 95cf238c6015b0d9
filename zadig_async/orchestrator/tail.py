"""Reading the log of one job from its start to its end.

The server's stream has no end, no ids and no heartbeat. So the caller says when the job has ended; a cut
stream is opened again with the whole log replayed and the lines already sent left out; and after the end
the archive is read and what the stream did not bring is added. Whatever may be missing is said.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Final

import attrs

from zadig_async.client.client import ZadigClient
from zadig_async.client.logs import WHOLE_LOG
from zadig_async.errors import ZadigError
from zadig_async.model.ids import TaskRef
from zadig_async.orchestrator import events
from zadig_async.orchestrator.cadence import back_off
from zadig_async.wire.loglines import LogLine, is_end_marker, log_archive_lines, normalise_line

_DRAIN: Final = 2.0
"""Seconds of silence after the job's end before its live log is taken to be over."""

_ARCHIVE_READS: Final = 6
"""How often an archive is read: it is uploaded a few seconds after the job's end. Until then it is empty, or,
where the job has run before in this task, that of the attempt before."""

_ARCHIVE_PAUSE: Final = 1.5

_LOG: Final = logging.getLogger("zadig_async")


@attrs.define(eq=False)
class Tail:
    """The log of one job.

    Attributes:
        zadig: The server.
        ref: The task.
        job: Job task name.
        emit: Receives what happens.
        earlier: The log of the attempt before, or None where none was seen.
        every: Seconds before a broken stream is opened again; doubles with every failure in a row.
    """

    zadig: ZadigClient
    ref: TaskRef
    job: str
    emit: Callable[[events.Event], None]
    earlier: "Tail | None" = None
    every: float = 1.0
    _sent: int = attrs.field(init=False, default=0)
    _digest: "blake2b" = attrs.field(init=False, factory=lambda: blake2b(digest_size=16))
    _ended: asyncio.Event = attrs.field(init=False, factory=asyncio.Event)
    _over: bool = attrs.field(init=False, default=False)

    def job_ended(self) -> None:
        """Say that the job has ended: what is still in the stream is read, then it is closed."""
        self._ended.set()

    async def run(self, *, live: bool) -> None:
        """Read the log to its end, and say in any case how complete it is.

        Args:
            live: Whether to read the live stream first; False where the job has already ended.
        """
        self.emit(events.LogOpened(workflow=self.ref.of, ref=self.ref, job=self.job))
        try:
            if live:
                await self._follow()
            await self._finish()
        except asyncio.CancelledError:
            self._close(False, "it was no longer read")
            raise
        except Exception as fault:  # noqa: BLE001 - a lost log must not cost the outcome of a deployment
            _LOG.exception("a fault of this package in the log of %s %s", self.ref, self.job)
            self._close(False, f"a fault of this package ended it: {type(fault).__name__}")

    async def _follow(self) -> None:
        failures = 0
        while not self._over:
            had = self._sent
            reading = asyncio.create_task(self._read_stream(skip=had))
            ended = asyncio.create_task(self._ended.wait())
            try:
                await asyncio.wait({reading, ended}, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    await self._drain(reading)
            finally:
                for task in (reading, ended):
                    task.cancel()
                await asyncio.wait({reading, ended})
            if not reading.cancelled():
                reading.result()
            if self._ended.is_set():
                return
            failures = 1 if self._sent > had else failures + 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), back_off(failures, every=self.every))

    async def _read_stream(self, *, skip: int) -> None:
        """Read the stream until it breaks or shows its end; lines up to `skip` were sent before."""
        with suppress(ZadigError):
            async with self.zadig.logs.open(self.ref, self.job, tail=WHOLE_LOG) as stream:
                async for batch in stream:
                    fresh = batch[skip:]
                    skip = max(0, skip - len(batch))
                    if fresh:
                        self._send(fresh)
                    if batch and is_end_marker(batch[-1].text):
                        self._over = True
                        return

    async def _drain(self, reading: "asyncio.Task[None]") -> None:
        """Let an ended job's stream run on until it has been silent for a while."""
        while not reading.done():
            had = self._sent
            await asyncio.wait({reading}, timeout=_DRAIN)
            if self._sent == had:
                return

    async def _finish(self) -> None:
        """Compare with the archive once the job has ended, and add what is missing."""
        await self._ended.wait()
        reason = ""
        for attempt in range(_ARCHIVE_READS):
            if attempt:
                await asyncio.sleep(_ARCHIVE_PAUSE)
            archive = await self._archive()
            if not archive:
                continue
            if self.earlier is not None and self.earlier.equals(archive):
                reason = "the archive is still that of the attempt before"
            elif not self._begins(archive):
                reason = "the archive differs from what was streamed"
            else:
                if len(archive) > self._sent:
                    self._send(archive[self._sent :])
                self._close(True, "equal to the archive")
                return
        if not reason:
            reason = "no archive to compare with" if self._sent else "no log was to be had"
            self._close(None if self._sent else False, reason)
        else:
            self._close(False, reason)

    def equals(self, lines: Sequence[LogLine]) -> bool:
        """Whether these are the lines that were sent, and all of them."""
        return len(lines) == self._sent and self._begins(lines)

    def _begins(self, archive: Sequence[LogLine]) -> bool:
        """Whether what was sent is the beginning of an archive."""
        same = blake2b(digest_size=16)
        for line in archive[: self._sent]:
            _add(same, line)
        return len(archive) >= self._sent and same.digest() == self._digest.digest()

    async def _archive(self) -> Sequence[LogLine]:
        with suppress(ZadigError):
            return log_archive_lines(await self.zadig.logs.fetch(self.ref, self.job))
        return ()

    def _send(self, lines: Sequence[LogLine]) -> None:
        self._sent += len(lines)
        for line in lines:
            _add(self._digest, line)
        self.emit(events.LogLines(workflow=self.ref.of, ref=self.ref, job=self.job, lines=tuple(lines)))

    def _close(self, complete: bool | None, reason: str) -> None:
        self.emit(
            events.LogClosed(
                workflow=self.ref.of,
                ref=self.ref,
                job=self.job,
                count=self._sent,
                complete=complete,
                reason=reason,
            )
        )


def _add(digest: blake2b, line: LogLine) -> None:
    """Add a line to a running digest, as the stream and the archive have it in common."""
    digest.update(normalise_line(line.text).encode("utf-8", "surrogatepass") + b"\n")
