"""What retries, limits and deadlines cost a call that succeeds, on top of the bare call.

Our client has a concurrency gate and no rate limiter, so the stack is measured with and without one.
"""

from typing import Final

from benchmarks.ratio import Cell, Manner, Ratio, Variant


def _call(name: str, where: str) -> Cell:
    return Cell(Variant(name, where, Manner.ASYNC))


_BARE: Final = _call("bare call", "benchmarks.ours:call_bare")
_OURS: Final = _call("retry+gate", "benchmarks.ours:call_sent")
_OURS_IN_TIME: Final = _call("retry+gate+deadline", "benchmarks.ours:call_sent_in_time")
_STACK: Final = _call("tenacity+aiolimiter+Semaphore+timeout", "benchmarks.peers.obvious_stack:call")
_STACK_LESS: Final = _call(
    "tenacity+Semaphore+timeout", "benchmarks.peers.obvious_stack:call_without_limiter"
)


def _over(ours: Cell, peer: Cell) -> Ratio:
    return Ratio(f"{ours.variant.name} / {peer.variant.name}", ours, peer, net_of=_BARE)


RATIOS: Final = tuple(_over(ours, peer) for ours in (_OURS, _OURS_IN_TIME) for peer in (_STACK, _STACK_LESS))
