"""Readers of event streams, each by its documentation, with no limit or time-out that would end a stream."""

import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import httpx

from benchmarks.logs import Log, body_size
from benchmarks.peers.urls import HEADERS, log_url
from benchmarks.worker import ReadLog


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers=HEADERS,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
    )


def _raw(buffer: int | None) -> Callable[[str], AbstractAsyncContextManager[ReadLog]]:
    @asynccontextmanager
    async def subject(server: str) -> AsyncIterator[ReadLog]:
        async with _session() as session:

            async def read(log: Log) -> int:
                size = 0
                async with session.get(log_url(server, log), read_bufsize=buffer) as response:
                    async for data in response.content.iter_any():
                        size += len(data)
                return size * log.lines // body_size(log)

            yield read

    return subject


raw = _raw(None)
"""aiohttp's `iter_any`: bytes counted and nothing read in them."""
raw_small = _raw(16 * 1024)
"""The same with the small buffer that our own streams have."""


@asynccontextmanager
async def by_line(server: str) -> AsyncIterator[ReadLog]:
    """aiohttp's lines and the simple parser one writes around them."""
    async with _session() as session:

        async def read(log: Log) -> int:
            lines = 0
            data: list[str] = []
            async with session.get(log_url(server, log)) as response:
                async for raw_line in response.content:
                    line = raw_line.decode().rstrip("\r\n")
                    if line.startswith("data:"):
                        data.append(line[5:])
                    elif not line and data:
                        _ = "\n".join(data)
                        data.clear()
                        lines += 1
            return lines

        yield read


@asynccontextmanager
async def by_httpx_sse(server: str) -> AsyncIterator[ReadLog]:
    """httpx-sse."""
    aconnect_sse = importlib.import_module("httpx_sse").aconnect_sse  # by name, because it may be missing
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(headers=HEADERS, limits=limits, timeout=None) as client:  # noqa: S113 - see above

        async def read(log: Log) -> int:
            lines = 0
            async with aconnect_sse(client, "GET", log_url(server, log)) as source:
                async for _ in source.aiter_sse():
                    lines += 1
            return lines

        yield read


@asynccontextmanager
async def by_aiohttp_sse_client2(server: str) -> AsyncIterator[ReadLog]:
    """aiohttp-sse-client2, left at the last line: at the end of a body it would wait and connect again."""
    event_source = importlib.import_module("aiohttp_sse_client2.client").EventSource
    async with _session() as session:

        async def read(log: Log) -> int:
            lines = 0
            async with event_source(log_url(server, log), session=session) as source:
                async for _ in source:
                    lines += 1
                    if lines == log.lines:
                        break
            return lines

        yield read
