"""aiohttp and orjson with nothing around them: what we would cost if we did nothing for the caller."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson

from benchmarks.payloads import Document
from benchmarks.peers.urls import HEADERS, task_url
from benchmarks.worker import ActAsync


@asynccontextmanager
async def get(server: str) -> AsyncIterator[ActAsync]:
    """One session, one request, `orjson.loads`."""
    async with aiohttp.ClientSession(headers=HEADERS) as session:

        async def act(document: Document) -> object:
            async with session.get(task_url(server, document)) as response:
                return orjson.loads(await response.read())

        yield act


@asynccontextmanager
async def read(server: str) -> AsyncIterator[ActAsync]:
    """The same without decoding."""
    async with aiohttp.ClientSession(headers=HEADERS) as session:

        async def act(document: Document) -> object:
            async with session.get(task_url(server, document)) as response:
                return await response.read()

        yield act
