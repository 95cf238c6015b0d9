"""Verbs on logs."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Final, Self

import attrs

from zadig_async.errors import DecodeError
from zadig_async.model.ids import TaskRef
from zadig_async.transport.base import ByteStream
from zadig_async.transport.retry import Sender
from zadig_async.wire import endpoints
from zadig_async.wire.loglines import ArchiveParser, LogLine, LogParser

WHOLE_LOG: Final = 0
"""As `tail`: replay the log from its start (Zadig v4.1.0 .../log/service/sse.go takes 0 for no limit)."""


class LogStream:
    """A live log: once entered, it is open, and gives the lines each piece of the answer completed.

    Attributes:
        announced: Whether the answer says that it is an event stream. One that does not has nothing to send
            and never will, but does not end either: the job's type has no live log on this server, or its
            pod never came (Zadig v4.1.0 pkg/shared/handler/sse.go:31-65).
    """

    # Its own context manager: a generator made one takes 1 KB more for as long as it is open.
    __slots__ = ("_call", "_opening", "_stream", "announced")

    announced: bool
    _stream: ByteStream

    def __init__(self, opening: AbstractAsyncContextManager[ByteStream], call: str) -> None:
        self._opening = opening
        self._call = call

    async def __aenter__(self) -> Self:
        stream = await self._opening.__aenter__()
        kind = stream.head.header("content-type").lower()
        if kind and not kind.startswith("text/event-stream"):
            await self._opening.__aexit__(None, None, None)
            raise DecodeError(
                f"{self._call}: the answer is no event stream",
                problems=["content type: not text/event-stream"],
                call=self._call,
                status=stream.head.status,
                hint="Is there a login page or a proxy before Zadig? Check the URL.",
            )
        self.announced = bool(kind)
        self._stream = stream
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opening.__aexit__(kind, error, trace)

    async def __aiter__(self) -> AsyncIterator[list[LogLine]]:
        """Yield lines in batches, none of them empty.

        Raises:
            TransportError: The connection broke. Zadig never ends a stream itself, so an end without
                error is a cut as well.
        """
        parser = LogParser()
        async for chunk in self._stream:
            lines = parser.feed(chunk)
            if lines:
                yield lines


class ArchiveStream:
    """An open archived log, as batches of the lines each piece of the answer completed."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[list[LogLine]]:
        """Yield lines in batches, none of them empty, to the end of the archive. Of use once.

        Raises:
            TransportError: The connection broke, or the answer ended before its declared end: what came so
                far is a part of the archive.
        """
        parser = ArchiveParser()
        async for chunk in self._stream:
            lines = parser.feed(chunk)
            if lines:
                yield lines
        lines = parser.finish()
        if lines:
            yield lines


@attrs.frozen
class Logs:
    """Logs of jobs: live while the job runs, archived a few seconds after it ended."""

    _sender: Sender

    def open(
        self, ref: TaskRef, job: str, *, tail: int = WHOLE_LOG
    ) -> AbstractAsyncContextManager[LogStream]:
        """Open a job's live log; leaving the context closes its connection.

        The stream never ends by itself, not even after the job: the caller decides when it is over. Open
        it only while the job runs: before that the server may stream another task's log (Zadig v4.1.0
        .../log/service/sse.go:281). Nothing, not even an answer, may come for up to 5 minutes.

        Args:
            ref: The task.
            job: Job task name, such as `job-0-0-0-build`.
            tail: How many past lines to replay first; `WHOLE_LOG` for all.

        Raises:
            TransportError: No usable answer arrived.
            ApiError: Zadig said no.
            DecodeError: Something that is no event stream answered.
        """
        call = endpoints.follow_log(ref, job, tail)
        return LogStream(self._sender.stream(call), call.label)

    async def follow(self, ref: TaskRef, job: str, *, tail: int = WHOLE_LOG) -> AsyncIterator[LogLine]:
        """Yield the lines of a job's live log as they come; see `open` for what to know.

        Leaving the loop early keeps the connection until the iterator is closed: wrap it in
        `contextlib.aclosing`, or use `open`.

        Raises:
            TransportError: No usable answer arrived, or the connection broke.
            ApiError: Zadig said no.
            DecodeError: Something that is no event stream answered.
        """
        async with self.open(ref, job, tail=tail) as stream:
            async for batch in stream:
                for line in batch:
                    yield line

    async def fetch(self, ref: TaskRef, job: str) -> str:
        """Read a job's archived log as one text, of 16 MiB at most; `open_archive` reads any.

        It is empty while the job runs, until a few seconds after it ended, where the job has no log or
        does not exist, where it has expired, and always for workflow keys with capital letters (Zadig
        v4.1.0 .../log/handler/log.go:135): emptiness proves nothing.

        Raises:
            TransportError: No usable answer arrived.
            ApiError: Zadig said no.
            DecodeError: It is larger, or a web page answered.
        """
        return await self._sender.send(endpoints.fetch_log(ref, job))

    def open_archive(self, ref: TaskRef, job: str) -> AbstractAsyncContextManager[ArchiveStream]:
        """Open a job's archived log to be read line by line; leaving the context closes its connection.

        Memory does not grow with the log, however large it is. A line longer than
        `zadig_async.wire.sse.DEFAULT_MAX_LINE` bytes is cut and says so. No batch at all is an empty archive,
        which proves as little as an empty text of `fetch`.

        One attempt, never repeated here. It travels with the streams: once open, the client's own time-outs
        bound silence only if `Timeouts.stream_read` is set, so put a deadline of your own around it.

        Args:
            ref: The task.
            job: Job task name, such as `job-0-0-0-build`.

        Raises:
            TransportError: No usable answer arrived.
            ApiError: Zadig said no.
            DecodeError: A web page answered.
        """
        return self._open_archive(ref, job)

    @asynccontextmanager
    async def _open_archive(self, ref: TaskRef, job: str) -> AsyncIterator[ArchiveStream]:
        call = endpoints.stream_log_archive(ref, job)
        async with self._sender.stream(call) as stream:
            call.read(stream.head)
            yield ArchiveStream(stream)
