"""The bars: the most each ratio is to be, and the most it may be where that is not reached yet.

A ratio that is not here is shown and not judged.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

BARS: Final[Mapping[str, float]] = MappingProxyType(
    {
        # A typed answer costs little more than the bytes alone.
        "tasks.get / aiohttp+orjson, 3 KB running, c=16": 1.20,
        "tasks.get / aiohttp+orjson, 30 KB running, c=16": 1.00,
        "tasks.get / aiohttp+orjson, 300 KB running, c=16": 0.65,
        # Far below what others would write instead.
        "tasks.get / httpx+pydantic, 3 KB running, c=16": 0.10,
        "tasks.get / httpx+pydantic, 30 KB running, c=16": 0.10,
        "tasks.get / httpx+pydantic, 3 KB running, c=1": 0.25,
        "tasks.get / httpx+pydantic, 30 KB running, c=1": 0.25,
        "tasks.get / httpx2+pydantic, 3 KB running, c=16": 0.25,
        "tasks.get / httpx2+pydantic, 30 KB running, c=16": 0.25,
        "tasks.get / requests+threads+pydantic, 3 KB running, c=16": 0.20,
        "tasks.get / requests+threads+pydantic, 30 KB running, c=16": 0.20,
        # Retries and limits are paid for by calls that fail.
        "retry+gate / tenacity+aiolimiter+Semaphore+timeout": 0.10,
        "retry+gate+deadline / tenacity+aiolimiter+Semaphore+timeout": 0.25,
        # A poll reads, and keeps, only what a watch needs.
        "read_status / orjson.loads, 30 KB running": 0.40,
        "read_status / orjson.loads, 300 KB running": 0.30,
        "status kept / body, 30 KB running": 0.60,
        "status kept / body, 300 KB running": 0.60,
        # A line of a live log costs little more than its bytes.
        "logs.open / aiohttp raw read, 1 stream": 1.25,
        "logs.open / aiohttp raw read, 100 streams": 1.25,
        # Far below what others would write instead.
        "logs.open / aiohttp readline, 1 stream": 0.33,
        "logs.open / aiohttp readline, 100 streams": 0.33,
        "logs.open / httpx-sse, 1 stream": 0.125,
        "logs.open / httpx-sse, 100 streams": 0.125,
        # At least 0.80 of the lines a second.
        "logs.open / aiohttp raw read, 1 stream, by the clock": 1.25,
        "logs.open / aiohttp raw read, 100 streams, by the clock": 1.25,
        # A stream held open keeps little more than its connection.
        "logs.open / aiohttp raw read, 200 streams open, idle": 1.15,
        "logs.open / aiohttp raw read, 200 streams open, 5 lines/s": 1.15,
        "logs.open / httpx-sse, 200 streams open, idle": 0.60,
        "logs.open / httpx-sse, 200 streams open, 5 lines/s": 0.60,
        # A command starts about as fast as aiohttp.
        "import zadig_async / import aiohttp": 1.15,
        "import zadig_async + connect / import aiohttp": 1.15,
    }
)
"""What each ratio is to be at most."""

HOLDS: Final[Mapping[str, float]] = MappingProxyType(
    {
        # msgspec alone takes 0.37 of it, most of that to skip what nobody reads.
        "read_status / orjson.loads, 30 KB running": 0.48,
        # `asyncio.timeout` alone is four fifths of it; the carrier does without on success.
        "retry+gate+deadline / tenacity+aiolimiter+Semaphore+timeout": 0.30,
        # At the bar, on either side of it from run to run.
        "tasks.get / aiohttp+orjson, 3 KB running, c=16": 1.30,
        "tasks.get / httpx+pydantic, 30 KB running, c=16": 0.12,
        "tasks.get / requests+threads+pydantic, 3 KB running, c=16": 0.23,
        "tasks.get / requests+threads+pydantic, 30 KB running, c=16": 0.23,
        "tasks.get / httpx2+pydantic, 3 KB running, c=16": 0.29,
        "tasks.get / httpx2+pydantic, 30 KB running, c=16": 0.28,
        # At the bar where others use the machine.
        "logs.open / httpx-sse, 1 stream": 0.14,
        # A clock also counts what the neighbours take.
        "logs.open / aiohttp raw read, 1 stream, by the clock": 1.45,
        "logs.open / aiohttp raw read, 100 streams, by the clock": 1.45,
        # At the bar, on either side of it from run to run.
        "logs.open / aiohttp raw read, 200 streams open, idle": 1.25,
        "logs.open / aiohttp raw read, 200 streams open, 5 lines/s": 1.25,
        # It imports aiohttp itself, which leaves 0.15 for attrs, cattrs, msgspec and some 70 classes of ours.
        "import zadig_async + connect / import aiohttp": 1.75,
    }
)
"""Bars not reached, or not surely: what the ratio must not pass all the same. Why, stands beside it."""
