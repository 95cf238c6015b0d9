"""Whole calls over loopback: request, answer, value."""

from typing import Final

from benchmarks.payloads import SIZES
from benchmarks.ratio import Cell, Manner, Ratio, Variant

_GET: Final = Variant("tasks.get", "benchmarks.ours:get", Manner.ASYNC)
_GET_LOOK: Final = Variant("tasks.get + states", "benchmarks.ours:get_and_look", Manner.ASYNC)
_STATUS: Final = Variant("tasks.status", "benchmarks.ours:status", Manner.ASYNC)
_RAW: Final = Variant("aiohttp+orjson", "benchmarks.peers.raw_aiohttp:get", Manner.ASYNC)
_READ: Final = Variant("aiohttp read only", "benchmarks.peers.raw_aiohttp:read", Manner.ASYNC)
_STACK: Final = Variant("aiohttp+obvious stack+pydantic", "benchmarks.peers.obvious_stack:get", Manner.ASYNC)
_HTTPX: Final = Variant("httpx+pydantic", "benchmarks.peers.httpx_pydantic:get", Manner.ASYNC)
_HTTPX2: Final = Variant(
    "httpx2+pydantic", "benchmarks.peers.httpx_pydantic:get2", Manner.ASYNC, needs="httpx2"
)
_REQUESTS: Final = Variant(
    "requests+threads+pydantic", "benchmarks.peers.requests_pydantic:get", Manner.THREADS
)


def _over(ours: Variant, peer: Variant, size: str, concurrency: int = 16, state: str = "running") -> Ratio:
    document = f"{size} {state}"
    name = f"{ours.name} / {peer.name}, {document}, c={concurrency}"
    return Ratio(name, Cell(ours, document, concurrency), Cell(peer, document, concurrency))


RATIOS: Final = (
    *(_over(_GET, _RAW, size) for size in SIZES),
    *(_over(_GET_LOOK, _RAW, size) for size in SIZES),
    *(_over(_GET, _READ, size) for size in SIZES),
    *(_over(_STATUS, _RAW, size) for size in SIZES),
    *(_over(_STATUS, _RAW, size, state="passed") for size in SIZES),
    *(_over(_GET, _STACK, size) for size in SIZES),
    *(_over(_GET, _HTTPX, size) for size in SIZES),
    *(_over(_GET, _HTTPX, size, 1) for size in ("3 KB", "30 KB")),
    *(_over(_GET, _HTTPX2, size) for size in ("3 KB", "30 KB")),
    *(_over(_GET, _REQUESTS, size) for size in ("3 KB", "30 KB")),
)
