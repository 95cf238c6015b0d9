"""Live logs over loopback: what a line costs to read, and, in `MEMORY`, what an open stream keeps."""

from typing import Final

from benchmarks.ratio import Cell, Manner, Ratio, Variant

_PEER: Final = "benchmarks.peers.event_streams"

_OPEN: Final = Variant("logs.open", "benchmarks.ours:open_log", Manner.LINES)
_FOLLOW: Final = Variant("logs.follow", "benchmarks.ours:follow_log", Manner.LINES)
_RAW: Final = Variant("aiohttp raw read", f"{_PEER}:raw", Manner.LINES)
_RAW_SMALL: Final = Variant("aiohttp raw read with our buffer", f"{_PEER}:raw_small", Manner.LINES)
_BY_LINE: Final = Variant("aiohttp readline", f"{_PEER}:by_line", Manner.LINES)
_HTTPX: Final = Variant("httpx-sse", f"{_PEER}:by_httpx_sse", Manner.LINES, needs="httpx_sse")
_CLIENT2: Final = Variant(
    "aiohttp-sse-client2", f"{_PEER}:by_aiohttp_sse_client2", Manner.LINES, needs="aiohttp_sse_client2"
)

_OPEN_CLOCK: Final = Variant("logs.open", "benchmarks.ours:open_log", Manner.CLOCK)
_RAW_CLOCK: Final = Variant("aiohttp raw read", f"{_PEER}:raw", Manner.CLOCK)

_OPEN_HELD: Final = Variant("logs.open", "benchmarks.ours:open_log", Manner.OPEN)
_RAW_HELD: Final = Variant("aiohttp raw read", f"{_PEER}:raw", Manner.OPEN)
_HTTPX_HELD: Final = Variant("httpx-sse", f"{_PEER}:by_httpx_sse", Manner.OPEN, needs="httpx_sse")

_LOGS: Final = {1: "20,000 lines", 100: "4,000 lines"}
"""What each stream reads, by how many there are: enough that opening it does not count."""
_HELD: Final = 200
"""Streams open at a time where memory is measured."""


def _streams(number: int) -> str:
    return "1 stream" if number == 1 else f"{number} streams"


def _over(ours: Variant, peer: Variant, streams: int, log: str = "", what: str = "") -> Ratio:
    name = f"{ours.name} / {peer.name}, {_streams(streams)}{what}"
    log = log or _LOGS[streams]
    return Ratio(name, Cell(ours, log, streams), Cell(peer, log, streams))


def _memory(peer: Variant, log: str) -> Ratio:
    return _over(_OPEN_HELD, peer, _HELD, log, f" open, {log}")


RATIOS: Final = (
    *(_over(_OPEN, peer, streams) for peer in (_RAW, _BY_LINE, _HTTPX) for streams in _LOGS),
    *(_over(_OPEN_CLOCK, _RAW_CLOCK, streams, what=", by the clock") for streams in _LOGS),
    *(_over(_FOLLOW, peer, streams) for peer in (_RAW, _BY_LINE, _HTTPX) for streams in _LOGS),
    *(_over(ours, _CLIENT2, 1) for ours in (_OPEN, _FOLLOW)),
    *(_over(ours, _RAW_SMALL, streams) for ours in (_OPEN, _RAW) for streams in _LOGS),
    _over(_OPEN, _RAW, 1, "20,000 lines, some Chinese", ", some lines in Chinese"),
    *(_over(_OPEN, peer, 1, "20,000 lines of a VM job", ", of a VM job") for peer in (_RAW, _BY_LINE)),
)

MEMORY: Final = tuple(
    _memory(peer, log) for log in ("idle", "5 lines/s") for peer in (_RAW_HELD, _HTTPX_HELD)
)
