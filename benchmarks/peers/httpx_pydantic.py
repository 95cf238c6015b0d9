"""httpx with its default limits, and pydantic; the same for httpx2, which has the same interface."""

import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from benchmarks.payloads import Document
from benchmarks.peers.typed import Task
from benchmarks.peers.urls import HEADERS, task_url
from benchmarks.worker import ActAsync


def _get(library: str) -> Callable[[str], AbstractAsyncContextManager[ActAsync]]:
    @asynccontextmanager
    async def subject(server: str) -> AsyncIterator[ActAsync]:
        # By name, because only one of the two has to be installed.
        httpx = importlib.import_module(library)
        async with httpx.AsyncClient(headers=HEADERS) as client:

            async def act(document: Document) -> object:
                response = await client.get(task_url(server, document))
                response.raise_for_status()
                return Task.model_validate_json(response.content)

            yield act

    return subject


get = _get("httpx")
get2 = _get("httpx2")
