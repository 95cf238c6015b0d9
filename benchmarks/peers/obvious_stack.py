"""The obvious stack: Semaphore, aiolimiter, tenacity and `asyncio.timeout` around every call.

tenacity is used in its fastest documented way that is safe for concurrent calls: `async for` over an
`AsyncRetrying` of the call's own. One object shared by all calls would mix up their attempts.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypeVar

import aiohttp
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from benchmarks.payloads import Document
from benchmarks.peers.typed import Task
from benchmarks.peers.urls import HEADERS, task_url
from benchmarks.worker import ActAsync

T = TypeVar("T")

_STOP: Final = stop_after_attempt(4)
_WAIT: Final = wait_random_exponential(multiplier=0.5, max=10)
_AGAIN: Final = retry_if_exception_type((OSError, aiohttp.ClientError))
_UNLIMITED: Final = 1e9
"""Calls per second that the limiter lets through: it never holds one back here."""


class Stack:
    """Retries, limits and a deadline for calls."""

    def __init__(self, *, limiter: bool) -> None:
        self._slots = asyncio.Semaphore(16)
        self._limiter = AsyncLimiter(_UNLIMITED, 1) if limiter else None

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Run a call under all of them."""
        async with self._slots:
            if self._limiter is not None:
                await self._limiter.acquire()
            async for attempt in AsyncRetrying(stop=_STOP, wait=_WAIT, retry=_AGAIN, reraise=True):
                with attempt:
                    async with asyncio.timeout(60):
                        return await call()
        raise AssertionError


async def _nothing() -> None:
    return None


@asynccontextmanager
async def call(_: str) -> AsyncIterator[ActAsync]:
    """A call that does nothing, under the whole stack."""
    stack = Stack(limiter=True)
    yield lambda _: stack.run(_nothing)


@asynccontextmanager
async def call_without_limiter(_: str) -> AsyncIterator[ActAsync]:
    """The same without the rate limiter, which our client has none of."""
    stack = Stack(limiter=False)
    yield lambda _: stack.run(_nothing)


@asynccontextmanager
async def get(server: str) -> AsyncIterator[ActAsync]:
    """aiohttp and pydantic under the stack: the same duties as ours."""
    stack = Stack(limiter=False)
    async with AsyncExitStack() as opened:
        session = await opened.enter_async_context(aiohttp.ClientSession(headers=HEADERS))

        async def act(document: Document) -> object:
            async def fetch() -> Task:
                async with session.get(task_url(server, document)) as response:
                    response.raise_for_status()
                    return Task.model_validate_json(await response.read())

            return await stack.run(fetch)

        yield act
