"""How soon to look again: pure arithmetic, no clock and no chance."""

from typing import Final

from zadig_async.model.status import Phase

QUEUE_TICK: Final = 3.0
"""Seconds between two steps of the server's queue (Zadig v4.1.0 .../workflowcontroller/queue.go:139)."""

_HUMAN_PACE: Final = 5.0
_CALM_AFTER: Final = 120.0
_LONGEST_BACK_OFF: Final = 30.0


def next_look(phase: Phase, *, since_change: float, every: float) -> float:
    """Return the seconds until a task should be read again.

    Args:
        phase: The task's phase as last seen.
        since_change: Seconds since anything about it changed.
        every: Seconds between two reads of a task that moves.
    """
    match phase:
        case Phase.QUEUED:
            return min(max(every, QUEUE_TICK), every * 4)
        case Phase.ATTENTION:
            return max(every, min(_HUMAN_PACE, every * 4))
        case Phase.RUNNING if since_change > _CALM_AFTER:
            return every * 2
        case _:
            return every


def back_off(failures: int, *, every: float) -> float:
    """Return the seconds until a task should be read again after failed reads in a row, at least one."""
    return float(min(every * 2.0 ** min(failures - 1, 10), max(_LONGEST_BACK_OFF, every)))
