"""What state a task, stage or job is in: Zadig's open `Status` and our closed `Phase`."""

from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final


@unique
class Phase(StrEnum):
    """The nine states a caller has to tell apart; every status belongs to exactly one."""

    QUEUED = "queued"
    """Not started yet."""
    RUNNING = "running"
    """Moving without help, or in a state this version does not know."""
    ATTENTION = "attention"
    """A human must act before anything goes on."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    """Somebody said no at a gate."""
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"

    @property
    def final(self) -> bool:
        """Whether Zadig will not move on by itself. A retry can still start the task again."""
        return self in _FINAL


_FINAL: Final = frozenset(
    {Phase.SUCCEEDED, Phase.FAILED, Phase.REJECTED, Phase.CANCELLED, Phase.TIMED_OUT, Phase.SKIPPED}
)

PHASE_OF: Final = MappingProxyType(
    {
        "": Phase.QUEUED,
        "created": Phase.QUEUED,
        "waiting": Phase.QUEUED,
        "queued": Phase.QUEUED,
        "blocked": Phase.QUEUED,
        "pending": Phase.QUEUED,
        "prepare": Phase.RUNNING,
        "running": Phase.RUNNING,
        "distributed": Phase.RUNNING,
        "wait_for_approval": Phase.ATTENTION,
        "wait_for_manual_error_handling": Phase.ATTENTION,
        "debug_before": Phase.ATTENTION,
        "debug_after": Phase.ATTENTION,
        "pause": Phase.ATTENTION,
        "passed": Phase.SUCCEEDED,
        "unstable": Phase.SUCCEEDED,
        "changed": Phase.RUNNING,
        "failed": Phase.FAILED,
        "reject": Phase.REJECTED,
        "cancelled": Phase.CANCELLED,
        "timeout": Phase.TIMED_OUT,
        "skipped": Phase.SKIPPED,
        "disabled": Phase.QUEUED,
        "notRun": Phase.QUEUED,
        "notrun": Phase.QUEUED,
    }
)
"""Every status string of Zadig v4.1.0 (pkg/microservice/aslan/config/consts.go:103-127) and its phase.

`notrun` is how the task list spells `notRun`: it lower-cases. `changed` only names a notification; it
counts as running so that a server which ever stores it is watched rather than believed finished.
`unstable` is a failure that the workflow's own error policy ignores: the run goes on and passes.
"""


class Status(str):
    """Zadig's own word for a state, kept as it was spelt, unknown words included.

    It is a plain string with two questions: `Status("passed").phase` and `Status("passed").known`.
    A word this version has never seen counts as running: it is watched on, never taken for an end.
    """

    __slots__ = ()

    @property
    def phase(self) -> Phase:
        """The phase this status belongs to."""
        return PHASE_OF.get(self, Phase.RUNNING)

    @property
    def known(self) -> bool:
        """Whether this version knows the word."""
        return str(self) in PHASE_OF

    @property
    def final(self) -> bool:
        """Whether Zadig will not move on from here by itself."""
        return self.phase.final

    def __repr__(self) -> str:
        return f"Status({str.__repr__(self)})"


NOT_STARTED: Final = Status("")
"""The state of a stage or job that has not started, or that a retry has reset."""
