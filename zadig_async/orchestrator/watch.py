"""Watching one task to its end: look, tell, approve, tail, wait, look again."""

import random
from contextlib import suppress
from typing import Final

import attrs

from zadig_async.errors import DeadlineError, JournalError, NotFoundError, ZadigError
from zadig_async.model.gate import Gate, Opening
from zadig_async.model.ids import TaskRef
from zadig_async.model.outcome import Verdict, verdict_behind, verdict_of
from zadig_async.model.status import Phase
from zadig_async.model.task import Task, TaskStatus
from zadig_async.orchestrator import cadence, events
from zadig_async.orchestrator.approval import Permission
from zadig_async.orchestrator.approver import Approver
from zadig_async.orchestrator.control import Control
from zadig_async.orchestrator.logs.task_logs import TaskLogs
from zadig_async.orchestrator.means import Means
from zadig_async.orchestrator.policy import MISSING_READS
from zadig_async.orchestrator.tracker import Step, Tracker
from zadig_async.orchestrator.writes import DetachedError
from zadig_async.wire.detail import status_of

_JITTER: Final = 0.1
_VOTE_SHOWS: Final = 15.0
"""Seconds more a gate may stay open before it counts as blocked where we vote ourselves: a vote takes effect
within 2 seconds, unless others must vote too, and a read or write on the way may have to be repeated."""

_LOG_GRACE: Final = 45.0
"""Seconds a watch waits for the logs of a task that has ended. What needs longer, because whoever reads it
is slow, goes on by itself."""


@attrs.frozen(kw_only=True)
class Ending:
    """How a watch ended.

    Attributes:
        verdict: How.
        seen: The last sight, or None where there was none.
        task: The task in full as last read, or None.
        error: What ended it, or None.
    """

    verdict: Verdict
    seen: TaskStatus | None = None
    task: Task | None = None
    error: ZadigError | None = None


@attrs.define(eq=False)
class Watch:
    """One watch over one task; survives failed reads for as long as the policy allows.

    Attributes:
        means: What we work with; the scope of the task's workflow is held.
        ref: The task.
        started: When the trigger was answered, by the event loop's clock; deadlines count from here.
        seen: The last sight, or None before the first.
        logs: The task's logs.
        ending: How the watch ended, or None before that; it is known a while before `run` returns, which
            waits for the logs.
    """

    means: Means
    ref: TaskRef
    started: float
    seen: TaskStatus | None = attrs.field(init=False, default=None)
    ending: Ending | None = attrs.field(init=False, default=None)
    logs: TaskLogs = attrs.field(init=False)
    _tracker: Tracker = attrs.field(init=False)
    _approver: Approver = attrs.field(init=False)
    _gates_tried: set[Opening] = attrs.field(init=False, factory=set)
    _gates_since: dict[Opening, float] = attrs.field(init=False, factory=dict)
    _judged: dict[Opening, Permission] = attrs.field(init=False, factory=dict)
    _running_since: float | None = attrs.field(init=False, default=None)
    _changed_at: float = attrs.field(init=False, default=0.0)
    _failing_since: float | None = attrs.field(init=False, default=None)
    _failures: int = attrs.field(init=False, default=0)
    _missing: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self._tracker = Tracker(settle=self.means.policy.settle)
        self.logs = TaskLogs(self.means, self.ref)
        self._approver = Approver(self.means, self.ref)

    async def run(self) -> Ending:
        """Watch until the task has ended, or until the policy or `stop` ends the watch."""
        self._changed_at = self._now()
        try:
            self.ending = await self._loop()
            if self.seen is not None and self.seen.status.final and not self.means.stop.is_set():
                await self.logs.close(_LOG_GRACE)
            else:
                await self.logs.cut()
        except BaseException:
            await self.logs.cut()
            raise
        return self.ending

    async def _loop(self) -> Ending:
        while not self.means.stop.is_set():
            lost = self.means.journal.lost(self.means.scope(self.ref.of))
            if lost is not None:
                return Ending(verdict=Verdict.LOST, seen=self.seen, error=lost)
            ending = await self._look()
            if ending is None:
                ending = await self._overdue()
            if ending is not None:
                return ending
            await self._pause()
        return Ending(verdict=Verdict.DETACHED, seen=self.seen)

    async def _look(self) -> Ending | None:
        try:
            seen = await self.means.zadig.tasks.status(self.ref)
        except ZadigError as error:
            return self._failed(error)
        self._recovered()
        if self._take(seen):
            return await self._end(seen)
        await self._judge(seen)
        if self._time_is_up() is None:  # never vote for a task that is about to be given up
            await self._approve(seen)
        return None

    def _take(self, seen: TaskStatus) -> bool:
        """Take one more sight of the task; return whether it has come to its end."""
        self.seen = seen
        step = self._tracker.observe(seen, self._now())
        self._tell(step, seen)
        self.logs.take(step)
        return step.final

    def _failed(self, error: ZadigError) -> Ending | None:
        now = self._now()
        if self._failing_since is None:
            self._failing_since = now
        self._failures += 1
        # Zadig never says 404 of a task: that is a gateway which has lost its route for a while.
        missing = isinstance(error, NotFoundError) and error.status != 404
        self._missing = self._missing + 1 if missing else 0
        failing_for = now - self._failing_since
        self.emit(events.PollFailed(workflow=self.ref.of, ref=self.ref, error=error, failing_for=failing_for))
        if self._missing >= MISSING_READS or failing_for >= self.means.policy.outage:
            return Ending(verdict=Verdict.LOST, seen=self.seen, error=error)
        return None

    def _recovered(self) -> None:
        if self._failing_since is not None:
            failed_for = self._now() - self._failing_since
            self.emit(events.PollRecovered(workflow=self.ref.of, ref=self.ref, failed_for=failed_for))
        self._failing_since, self._failures, self._missing = None, 0, 0

    def _tell(self, step: Step, seen: TaskStatus) -> None:
        now = self._now()
        if self._running_since is None and seen.phase is not Phase.QUEUED:
            self._running_since = now
        if step.task_before is not None or step.jobs or step.opened or step.closed:
            self._changed_at = now
        if step.task_before is not None:
            self.emit(
                events.TaskChanged(
                    workflow=self.ref.of, ref=self.ref, before=step.task_before, after=seen.status
                )
            )
        for before, job in step.jobs:
            self.emit(
                events.JobChanged(
                    workflow=self.ref.of,
                    ref=self.ref,
                    job=job.name,
                    stage=job.stage,
                    type=job.type,
                    before=before,
                    after=job.status,
                    error=job.error,
                )
            )
        for gate in step.closed:
            self._forget(gate)
            self.emit(events.GateClosed(workflow=self.ref.of, ref=self.ref, gate=gate))

    def _forget(self, gate: Gate) -> None:
        self._gates_since.pop(gate.opening, None)
        self._gates_tried.discard(gate.opening)
        self._judged.pop(gate.opening, None)
        self._approver.closed(gate)

    async def _judge(self, seen: TaskStatus) -> None:
        """Decide about every open gate, and tell each decision that is another one than before."""
        for gate in seen.gates:
            before = self._judged.get(gate.opening)
            if before is None:
                self._gates_since[gate.opening] = self._now()
                await self._approver.opened(gate)
            permission = self._approver.permission(gate, seen)
            if permission == before:
                continue
            self._judged[gate.opening] = permission
            told = events.GateOpened if before is None else events.GateJudged
            self.emit(
                told(
                    workflow=self.ref.of,
                    ref=self.ref,
                    gate=gate,
                    allowed=permission.allowed,
                    reason=permission.reason,
                )
            )
            await self._write_down(gate, permission)

    async def _write_down(self, gate: Gate, permission: Permission) -> None:
        details = {
            "gate": gate.name,
            "job": gate.key,
            "allowed": permission.allowed,
            "rule": None if permission.rule is None else str(permission.rule),
            "reason": permission.reason,
        }
        try:
            await self.means.record("gate.judged", self.ref, details)
        except JournalError as error:
            self.means.tell_unwritten(self.ref, error)

    async def _approve(self, seen: TaskStatus) -> None:
        for gate in seen.gates:
            if gate.opening in self._gates_tried or self.means.stop.is_set() or self.means.halted():
                continue
            if self._judged[gate.opening].allowed and await self._approver.approve(gate.key):
                self._gates_tried.add(gate.opening)

    async def _end(self, seen: TaskStatus) -> Ending | None:
        """Read the task once in full; its end is believed even where that read fails.

        Returns:
            None where it turns out to go on: somebody has retried it meanwhile, or rewritten its end.
        """
        try:
            task = await self.means.zadig.tasks.get(self.ref)
        except ZadigError as failure:
            return Ending(verdict=verdict_of(seen.status.phase), seen=seen, error=failure)
        if task.status != seen.status and not self._take(status_of(task)):
            return None
        return Ending(verdict=verdict_behind(task), seen=self.seen, task=task)

    async def _overdue(self) -> Ending | None:
        if self._is_current() and self.seen is not None and self.seen.status.final:
            return (
                None  # it only settles: how it ended is known in some seconds, and says more than a deadline
            )
        what = self._time_is_up()
        if what is None:
            return self._blocked()
        error = DeadlineError(f"{self.ref}: {what}")
        if self.means.policy.deadlines.cancel:
            try:
                if not await self.cancel(what):
                    return None  # it has ended; the next look tells how
            except ZadigError as failure:
                error = DeadlineError(f"{self.ref}: {what}, and it could not be cancelled: {failure}")
        return Ending(verdict=Verdict.DEADLINE, seen=self.seen, error=error)

    def _time_is_up(self) -> str | None:
        """Return which deadline of the whole watch has passed, in words, or None."""
        now, limits = self._now(), self.means.policy.deadlines
        if limits.total is not None and now - self.started >= limits.total:
            return f"not ended {limits.total:g} s after its launch"
        if self._running_since is None:
            if limits.queue is not None and self._is_current() and now - self.started >= limits.queue:
                return f"not started {limits.queue:g} s after its launch"
        elif limits.run is not None and now - self._running_since >= limits.run:
            return f"not ended {limits.run:g} s after its start"
        return None

    def _blocked(self) -> Ending | None:
        """Return the end of a watch at a gate that we could pass and may not, or that nobody passes."""
        if self.seen is None or not self._is_current():
            return None
        halt = self.means.halt(f"{self.ref}: it waits at a gate, and no vote is sent")
        if halt is not None and any(self._may_pass(gate) for gate in self.seen.gates):
            return Ending(verdict=Verdict.BLOCKED, seen=self.seen, error=halt)
        limit, now = self.means.policy.deadlines.gate, self._now()
        if limit is not None and any(
            now - self._gates_since.get(gate.opening, now)
            >= limit + (_VOTE_SHOWS if self._may_pass(gate) or gate.opening in self._gates_tried else 0.0)
            for gate in self.seen.gates
        ):
            return Ending(verdict=Verdict.BLOCKED, seen=self.seen)
        return None

    def _may_pass(self, gate: Gate) -> bool:
        judged = self._judged.get(gate.opening)
        return judged is not None and judged.allowed and gate.opening not in self._gates_tried

    def _is_current(self) -> bool:
        """Whether the last read worked: nothing else says that a task still waits."""
        return self.seen is not None and self._failing_since is None

    async def _pause(self) -> None:
        every = self.means.policy.poll_every
        if self._failures:
            seconds = cadence.back_off(self._failures, every=every)
        else:
            phase = self.seen.phase if self.seen is not None else Phase.QUEUED
            seconds = cadence.next_look(phase, since_change=self._now() - self._changed_at, every=every)
        seconds *= random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load, guards nothing
        with suppress(DetachedError):
            await self.means.pause(seconds)

    async def cancel(self, reason: str) -> bool:
        """Cancel the task on the server, unless it has ended; see `Control.cancel`."""
        return await Control(self.means).cancel(self.ref, reason)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates the task was last seen to wait at."""
        return self.seen.gates if self.seen is not None else ()

    def emit(self, event: events.Event) -> None:
        """Tell what happened."""
        self.means.emit(event)

    def _now(self) -> float:
        return self.means.now()
