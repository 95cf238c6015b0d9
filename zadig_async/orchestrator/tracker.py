"""What one more sight of a task means: a pure step from sight to sight.

No clock, no socket: the caller says when a sight was taken. That opened gates are told once, that logs
are opened and closed once, and that an end is told once are properties of this file alone.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from zadig_async.model.gate import Gate
from zadig_async.model.status import NOT_STARTED, Phase, Status
from zadig_async.model.task import JobStatus, TaskStatus

LIVE_LOG_TYPES: Final = frozenset(
    {
        "zadig-build",
        "zadig-vm-deploy",
        "freestyle",
        "zadig-test",
        "zadig-scanning",
        "zadig-distribute-image",
        "plugin",
        "build",
    }
)
"""Job types whose log the server streams (Zadig v4.1.0 .../log/service/sse.go:182)."""

MAYBE_LIVE_LOG_TYPES: Final = frozenset({"zadig-deploy", "zadig-helm-deploy"})
"""Job types whose log the server streams from Zadig v4.2 on; before, it answers with silence."""

LIVE_LOG_STATUSES: Final = frozenset({"prepare", "running", "debug_before", "debug_after"})
"""Statuses in which a job's own container exists; before them the server may stream another task's log."""


def may_have_log(job_type: str) -> bool:
    """Whether jobs of a type have a log of their own, on some server at least."""
    return job_type in LIVE_LOG_TYPES or job_type in MAYBE_LIVE_LOG_TYPES


_UNQUIET: Final = 6
"""How many times longer a cancelled task is watched while one of its jobs still shows as running."""


@attrs.frozen(kw_only=True)
class Step:
    """What one sight added to those before it.

    Attributes:
        task_before: The task's status before, where it changed, else None.
        jobs: Pairs of the job's status before and the job now, for every job that changed.
        opened: Gates that began to wait.
        closed: Gates that no longer wait, as last seen.
        logs_to_open: Jobs whose live log can be read from now on.
        logs_to_close: Jobs whose log has been open and whose container has ended; one that has begun again
            is among `logs_to_open` too.
        logs_to_fetch: Jobs that began and ended between two sights: only the archive has their log.
        final: Whether the task has come to its end, for good.
    """

    task_before: Status | None = None
    jobs: tuple[tuple[Status, JobStatus], ...] = ()
    opened: tuple[Gate, ...] = ()
    closed: tuple[Gate, ...] = ()
    logs_to_open: tuple[JobStatus, ...] = ()
    logs_to_close: tuple[JobStatus, ...] = ()
    logs_to_fetch: tuple[JobStatus, ...] = ()
    final: bool = False


class Tracker:
    """Remembers what was seen of one task.

    A cancelled task is not believed at once: its workers may still write passed or failed over it
    (Zadig v4.1.0 .../workflowcontroller/workflow.go:535), so it counts as ended only after `settle`
    seconds of the same sight. One that never started has no workers and is believed. One whose jobs go
    on as running is believed later: a restart of the server leaves them so for ever.
    """

    def __init__(self, *, settle: float) -> None:
        self._settle = settle
        self._status: Status | None = None
        self._jobs: dict[str, JobStatus] = {}
        self._gates: dict[str, Gate] = {}
        self._logs: set[str] = set()
        self._settling_since: float | None = None
        self._ended = False

    def observe(self, seen: TaskStatus, now: float) -> Step:
        """Take one more sight of the task.

        Args:
            seen: The task as read.
            now: When, in seconds of any clock that never jumps.
        """
        before, self._status = self._status, seen.status
        pairs = [(self._jobs.get(job.name), job) for job in seen.jobs]
        self._jobs = {job.name: job for job in seen.jobs}
        gates = {gate.key: gate for gate in seen.gates}
        opened = tuple(gate for key, gate in gates.items() if key not in self._gates)
        closed = tuple(gate for key, gate in self._gates.items() if key not in gates)
        self._gates = gates
        to_open, to_close, to_fetch = self._logs_step(pairs)
        final = self._is_final(seen, now)
        told, self._ended = self._ended and before == seen.status, final
        return Step(
            task_before=(before or NOT_STARTED) if before != seen.status else None,
            jobs=tuple((was, job) for known, job in pairs if (was := _status_of(known)) != job.status),
            opened=opened,
            closed=closed,
            logs_to_open=to_open,
            logs_to_close=to_close,
            logs_to_fetch=to_fetch,
            final=final and not told,
        )

    def _logs_step(
        self, pairs: Iterable[tuple[JobStatus | None, JobStatus]]
    ) -> tuple[tuple[JobStatus, ...], tuple[JobStatus, ...], tuple[JobStatus, ...]]:
        to_open, to_close, to_fetch = [], [], []
        for known, job in pairs:
            if not may_have_log(job.type):
                continue
            again = known is not None and _began_again(known, job)
            # A word nobody knows counts as running: the log goes on, and is not read twice.
            over = job.status not in LIVE_LOG_STATUSES and job.status.phase is not Phase.RUNNING
            open_before = job.name in self._logs
            if open_before and (again or over):
                self._logs.discard(job.name)
                to_close.append(job)
            if job.status in LIVE_LOG_STATUSES:
                if job.name not in self._logs:
                    self._logs.add(job.name)
                    to_open.append(job)
            elif (
                not open_before
                and job.status.final
                and (again or not _status_of(known).final)
                and job.started_at is not None
                and job.status != "skipped"
            ):
                to_fetch.append(job)
        return tuple(to_open), tuple(to_close), tuple(to_fetch)

    def _is_final(self, seen: TaskStatus, now: float) -> bool:
        if not seen.status.final:
            self._settling_since = None
            return False
        if seen.status.phase is not Phase.CANCELLED or _never_started(self._jobs):
            return True
        if self._settling_since is None:
            self._settling_since = now
        settling_for = now - self._settling_since
        quiet = all(job.status.phase is not Phase.RUNNING for job in seen.jobs)
        return settling_for >= self._settle * (1 if quiet else _UNQUIET)


def _never_started(jobs: Mapping[str, JobStatus]) -> bool:
    return all(job.status == "" for job in jobs.values())


def _status_of(known: JobStatus | None) -> Status:
    return known.status if known is not None else NOT_STARTED


def _began_again(known: JobStatus, job: JobStatus) -> bool:
    """Whether a job runs anew, in another container: its own error policy repeated it, or a retry did.

    It may show as running the whole time (Zadig v4.1.0 .../jobcontroller/job.go:217).
    """
    if job.status == "prepare" and known.status in LIVE_LOG_STATUSES - {"prepare"}:
        return True
    return None not in (known.started_at, job.started_at) and known.started_at != job.started_at
