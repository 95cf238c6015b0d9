"""Our side: the client as a user holds it, and its parts alone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from typing import Final

from benchmarks.logs import Log
from benchmarks.payloads import DOCUMENTS, PROJECT, WORKFLOW, Document
from benchmarks.worker import Act, ActAsync, ReadLog
from zadig_async import Task, TaskRef, ZadigClient
from zadig_async.transport.base import ByteStream
from zadig_async.transport.retry import Sender
from zadig_async.wire import detail
from zadig_async.wire.call import AnyCall, Call, Reply

_REFS: Final = {name: TaskRef(PROJECT, WORKFLOW, document.task_id) for name, document in DOCUMENTS.items()}

_LOG: Final = TaskRef(PROJECT, WORKFLOW, 1)


def look_at_states(task: Task) -> int:
    """Look at the status of every stage and job, which is what makes their values."""
    return sum(
        stage.status.phase.final + sum(job.status.phase.final for job in stage.jobs) for stage in task.stages
    )


def look_at_all(task: Task) -> None:
    """Look at every part that is made when it is looked at, job specs included."""
    _ = task.params, task.gates, task.raw
    for job in task.jobs():
        _ = job.spec


@asynccontextmanager
async def get(url: str) -> AsyncIterator[ActAsync]:
    """`await zadig.tasks.get(ref)`."""
    async with ZadigClient.connect(url, token="benchmark") as zadig:  # noqa: S106 - no server checks it
        yield lambda document: zadig.tasks.get(_REFS[document.name])


@asynccontextmanager
async def get_and_look(url: str) -> AsyncIterator[ActAsync]:
    """The same, and the status of every stage and job looked at."""
    async with ZadigClient.connect(url, token="benchmark") as zadig:  # noqa: S106 - no server checks it

        async def act(document: Document) -> int:
            return look_at_states(await zadig.tasks.get(_REFS[document.name]))

        yield act


@asynccontextmanager
async def status(url: str) -> AsyncIterator[ActAsync]:
    """`await zadig.tasks.status(ref)`."""
    async with ZadigClient.connect(url, token="benchmark") as zadig:  # noqa: S106 - no server checks it
        yield lambda document: zadig.tasks.status(_REFS[document.name])


@asynccontextmanager
async def open_log(url: str) -> AsyncIterator[ReadLog]:
    """`async with zadig.logs.open(...)`, in batches."""
    async with ZadigClient.connect(url, token="benchmark") as zadig:  # noqa: S106 - no server checks it

        async def read(log: Log) -> int:
            lines = 0
            async with zadig.logs.open(_LOG, log.job, tail=log.lines) as stream:
                async for batch in stream:
                    lines += len(batch)
            return lines

        yield read


@asynccontextmanager
async def follow_log(url: str) -> AsyncIterator[ReadLog]:
    """`async for line in zadig.logs.follow(...)`."""
    async with ZadigClient.connect(url, token="benchmark") as zadig:  # noqa: S106 - no server checks it

        async def read(log: Log) -> int:
            lines = 0
            async for _ in zadig.logs.follow(_LOG, log.job, tail=log.lines):
                lines += 1
            return lines

        yield read


def _decoder(decode: Callable[[bytes], object]) -> Callable[[str], AbstractContextManager[Act]]:
    @contextmanager
    def subject(_: str) -> Iterator[Act]:
        yield lambda document: decode(document.body)

    return subject


def _looked_at(look: Callable[[Task], object], body: bytes) -> Task:
    task = detail.read_task(body)
    look(task)
    return task


def _status_and_jobs(body: bytes) -> object:
    seen = detail.read_status(body)
    _ = seen.jobs
    return seen


decode_task = _decoder(detail.read_task)
decode_task_and_look = _decoder(partial(_looked_at, look_at_states))
decode_task_whole = _decoder(partial(_looked_at, look_at_all))
decode_status = _decoder(detail.read_status)
decode_status_and_jobs = _decoder(_status_and_jobs)
body_alone = _decoder(lambda body: body)


_REPLY: Final = Reply(200, {}, b"")
_CALL: Final[Call[None]] = Call("GET /nothing", "GET", "/nothing", lambda _: None, repeatable=True)


class _Nothing:
    """A carrier that answers at once: the retry path is measured over it and nothing else."""

    async def send(self, call: AnyCall) -> Reply:
        return _REPLY

    def stream(self, call: AnyCall) -> AbstractAsyncContextManager[ByteStream]:
        raise NotImplementedError

    async def aclose(self) -> None:
        """There is nothing to close."""


class _Gated(_Nothing):
    """The same behind the concurrency gate, taken and given back as `HttpCarrier.send` does."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(16)

    async def send(self, call: AnyCall) -> Reply:
        await self._slots.acquire()
        try:
            return _REPLY
        finally:
            self._slots.release()


class _GatedInTime(_Gated):
    """The same with a deadline of its own around each attempt; `HttpCarrier` leaves that to aiohttp."""

    async def send(self, call: AnyCall) -> Reply:
        async with asyncio.timeout(60):
            return await super().send(call)


@asynccontextmanager
async def call_bare(_: str) -> AsyncIterator[ActAsync]:
    """The carrier's answer, read: what is left without retry, limits and deadline."""
    carrier = _Nothing()

    async def act(_: Document) -> None:
        return _CALL.read(await carrier.send(_CALL))

    yield act


def _sender(carrier: Callable[[], _Nothing]) -> Callable[[str], AbstractAsyncContextManager[ActAsync]]:
    @asynccontextmanager
    async def subject(_: str) -> AsyncIterator[ActAsync]:
        sender = Sender(carrier())

        async def act(_: Document) -> None:
            return await sender.send(_CALL)

        yield act

    return subject


call_sent = _sender(_Gated)
call_sent_in_time = _sender(_GatedInTime)
