"""Reading what there is of a job's log now: its archive, or what a running job has written so far."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import attrs

from zadig_async.cli.render.words import error_words
from zadig_async.client.client import ZadigClient
from zadig_async.client.logs import WHOLE_LOG
from zadig_async.errors import ZadigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.task import JobRun, Task
from zadig_async.orchestrator import events
from zadig_async.orchestrator.logs.archive import Archive
from zadig_async.orchestrator.logs.patience import Patience
from zadig_async.orchestrator.logs.teller import Teller
from zadig_async.orchestrator.logs.told import Told, fingerprints
from zadig_async.orchestrator.tracker import LIVE_LOG_STATUSES, may_have_log
from zadig_async.wire.credentials import credentials
from zadig_async.wire.masking import Mask, log_mask

_FIRST_LINE: Final = 10.0
"""Seconds to wait for the first line of a running job: Zadig answers nothing before there is one."""

_SILENCE: Final = 2.0
"""Seconds without a line after which what a running job has written so far is taken to be all."""

_NO_ARCHIVE: Final = (
    "Zadig has no archived log. It comes a few seconds after the job's end, and goes when it expires."
)


@attrs.frozen(eq=False, kw_only=True)
class LogReading:
    """Reads logs as they are now, one after the other.

    Attributes:
        zadig: The server.
        take: Takes the events of a log; may take its time.
        tail: How many of its last lines to tell of each, or None for all.
        remark: Takes what a person is to know about a log beside its events.
    """

    zadig: ZadigClient
    take: Callable[[events.LogEvent], Awaitable[None]]
    tail: int | None
    remark: Callable[[events.LogEvent, str], Awaitable[None]]

    async def read(self, ref: TaskRef, task: Task, job: JobRun) -> None:
        """Tell what there is of one job's log. What goes wrong with it is told as its end.

        Args:
            ref: The task.
            task: The task as read in full: its credentials are masked.
            job: The job.
        """
        mask = log_mask([*self.zadig.secrets, *credentials(task.raw)])
        told = Told(from_start=self.tail is None)
        teller = Teller(ref=ref, job=job.name, attempt=1, take=self.take, told=told)
        if not may_have_log(job.type):
            await teller.unavailable(job.type, f"a job of type {job.type} has no log of its own.")
            return
        if not job.status.final and job.status not in LIVE_LOG_STATUSES:
            await teller.unavailable(job.type, f"it is {job.status or 'not started'}.")
            return
        try:
            if job.status.final:
                await self._archive(teller, mask, job)
            else:
                await self._so_far(teller, mask)
        except ZadigError as error:
            await teller.open()
            await teller.closed(False, error_words(error))

    async def _archive(self, teller: Teller, mask: Mask, job: JobRun) -> None:
        await Archive(zadig=self.zadig, teller=teller, mask=mask, tail=self.tail).look()
        if teller.told.count:
            await teller.closed(True, "the archive" if self.tail is None else "the end of the archive")
        else:
            await teller.unavailable(job.type, _NO_ARCHIVE)

    async def _so_far(self, teller: Teller, mask: Mask) -> None:
        """Tell what a running job has written, until it is silent for a moment."""

        def until(heard: float) -> float:
            return heard + (_SILENCE if teller.told.count else _FIRST_LINE)

        asked = WHOLE_LOG if self.tail is None else self.tail
        await teller.open()
        with suppress(TimeoutError):
            async with (
                Patience(until) as patience,
                self.zadig.logs.open(teller.ref, teller.job, tail=asked) as stream,
            ):
                if stream.announced:
                    async for batch in stream:
                        patience.busy()
                        lines = mask.lines(batch)
                        await teller.lines(lines, fingerprints(lines))
                        patience.heard()
                        patience.look()
        event = events.LogOpened(workflow=teller.ref.of, ref=teller.ref, job=teller.job)
        await self.remark(event, "still running; --follow goes on.")
