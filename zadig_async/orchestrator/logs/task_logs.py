"""`TaskLogs`: the logs of one task, opened and closed as its jobs come and go."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import attrs

from zadig_async.errors import NotFoundError, ZadigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.secret import Secret
from zadig_async.model.status import Phase
from zadig_async.model.task import JobStatus
from zadig_async.orchestrator import events
from zadig_async.orchestrator.cadence import back_off
from zadig_async.orchestrator.logs.tail import Tail
from zadig_async.orchestrator.logs.teller import Teller
from zadig_async.orchestrator.logs.told import Told
from zadig_async.orchestrator.means import Means
from zadig_async.orchestrator.tracker import LIVE_LOG_TYPES, Step, may_have_log
from zadig_async.wire.credentials import credentials
from zadig_async.wire.masking import Mask, log_mask

_TAKES_NOTHING: Final = 3.0
"""Seconds in which a reader that takes nothing shows that it is not to be waited for."""

_READS: Final = 6
"""How often the task is read for its credentials before its logs are given up."""


@attrs.define(eq=False)
class TaskLogs:
    """Reads the logs of one task.

    Attributes:
        means: What we work with.
        ref: The task.
    """

    means: Means
    ref: TaskRef
    _open: dict[str, Tail] = attrs.field(init=False, factory=dict)
    _last: dict[str, Tail] = attrs.field(init=False, factory=dict)
    _readers: "dict[asyncio.Task[None], Tail | None]" = attrs.field(init=False, factory=dict)
    _secrets: set[Secret] = attrs.field(init=False, factory=set)
    _known_at: float = attrs.field(init=False, default=-1.0)
    _knowing: asyncio.Lock = attrs.field(init=False, factory=asyncio.Lock)

    def take(self, step: Step) -> None:
        """Open and close logs as one more sight of the task asks for."""
        policy = self.means.policy
        if not policy.follow_logs:
            return
        for job in step.logs_to_close:  # first: a job that has begun again is in both
            self._end(job)
        for job in step.logs_to_open:
            self._start(job, live=True)
        for job in step.logs_to_fetch:
            self._start(job, live=False)
            self._end(job)
        for _, job in step.jobs:
            if _has_none(job):
                self._tell_none(job)

    def _start(self, job: JobStatus, *, live: bool) -> None:
        if not self.means.policy.logs.wants(job.name):
            return
        earlier = self._last.get(job.name)
        opened = self.means.now()
        tail = Tail(
            zadig=self.means.zadig,
            teller=Teller(
                ref=self.ref,
                job=job.name,
                attempt=1 if earlier is None else earlier.teller.attempt + 1,
                take=self.means.tell_log,
                told=Told(from_start=self.means.policy.logs.tail is None),
            ),
            type=job.type,
            certain=job.type in LIVE_LOG_TYPES,
            policy=self.means.policy.logs,
            mask=lambda: self._mask(opened),
            archives=self.means.archives,
            earlier=earlier,
            every=min(1.0, self.means.policy.poll_every),
        )
        self._open[job.name] = self._last[job.name] = tail
        self._run(tail.run(live=live), f"log {self.ref} {job.name}", tail)

    def _end(self, job: JobStatus) -> None:
        if job.name in self._open:
            self._open.pop(job.name).job_ended(job.ended_at)

    def _tell_none(self, job: JobStatus) -> None:
        if not self.means.policy.logs.wants(job.name):
            return
        event = events.LogUnavailable(
            workflow=self.ref.of,
            ref=self.ref,
            job=job.name,
            type=job.type,
            reason="Zadig keeps no log of such jobs",
        )
        self._run(self.means.tell_log(event), f"no log {self.ref} {job.name}")

    def _run(self, work: Coroutine[Any, Any, None], name: str, tail: Tail | None = None) -> None:
        reader = asyncio.create_task(work, name=name)
        self._readers[reader] = tail
        reader.add_done_callback(self._readers.pop)

    async def _mask(self, since: float) -> Mask:
        """Return what hides the task's credentials as they were at a time or later.

        Nothing of a log is told before they are known: a credential shown cannot be taken back.

        Raises:
            ZadigError: The task cannot be read.
        """
        async with self._knowing:
            failures = 0
            while self._known_at < since:
                read_at = self.means.now()
                try:
                    task = await self.means.zadig.tasks.get(self.ref)
                    self._secrets.update(credentials(task.raw))
                    self._known_at = read_at
                except ZadigError as failure:
                    failures += 1
                    if isinstance(failure, NotFoundError) or failures == _READS:
                        raise
                    await asyncio.sleep(back_off(failures, every=self.means.policy.poll_every))
        secrets = (*self._secrets, *self.means.zadig.secrets, *self.means.voter.secrets)
        return log_mask(secrets)

    async def close(self, grace: float) -> None:
        """Let the open logs come to their end, now that the task has.

        Those that need longer are cut short, unless it is their reader who is slow: they go on by themselves,
        and a reader that takes nothing at all is not waited for.

        Args:
            grace: Seconds they are waited for.
        """
        for tail in self._open.values():
            tail.job_ended()
        self._open.clear()
        until = self.means.now() + grace
        stuck: dict[asyncio.Task[None], int] = {}
        while self._readers and self.means.now() < until:
            await asyncio.wait(self._readers, timeout=_TAKES_NOTHING)
            before, stuck = stuck, self._stuck()
            if stuck == before and len(stuck) == len(self._readers):
                return
        await _cut([reader for reader in self._readers if reader not in self._stuck()])

    def _stuck(self) -> "dict[asyncio.Task[None], int]":
        """Return the logs whose reader has not taken the last event yet, with how many it has taken."""
        return {
            reader: tail.teller.taken
            for reader, tail in self._readers.items()
            if tail is not None and tail.teller.telling
        }

    async def cut(self) -> None:
        """Read no further; each log that was open says so."""
        self._open.clear()
        await _cut(list(self._readers))

    async def finish(self) -> None:
        """Wait until every log has come to its end."""
        while self._readers:
            await asyncio.wait(self._readers)

    @property
    def reading(self) -> bool:
        """Whether a log is still being read."""
        return bool(self._readers)


async def _cut(readers: "list[asyncio.Task[None]]") -> None:
    for reader in readers:
        reader.cancel()
    if readers:
        await asyncio.wait(readers)


def _has_none(job: JobStatus) -> bool:
    return job.status.phase is Phase.RUNNING and not may_have_log(job.type)
