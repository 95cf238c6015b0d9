"""`Teller`: makes the events of one log, and remembers what they told."""

from collections.abc import Awaitable, Callable

import attrs

from zadig_async.model.ids import TaskRef
from zadig_async.model.log import LogGap, LogReport
from zadig_async.orchestrator import events
from zadig_async.orchestrator.logs.told import Part, Told
from zadig_async.wire.loglines import LogLine


@attrs.define(eq=False, kw_only=True)
class Teller:
    """Tells what happens to the log of one run of one job.

    Attributes:
        ref: The task.
        job: Job task name.
        attempt: Which run of the job this is within the task, from 1.
        take: Receives the events, one at a time; may take as long as it likes.
        told: The lines told so far.
        opened: Whether `LogOpened` was told.
        telling: Whether an event is on its way: whoever reads us has not taken it yet.
        taken: How many events were taken.
    """

    ref: TaskRef
    job: str
    attempt: int
    take: Callable[[events.LogEvent], Awaitable[None]]
    told: Told
    opened: bool = attrs.field(init=False, default=False)
    telling: bool = attrs.field(init=False, default=False)
    taken: int = attrs.field(init=False, default=0)
    _closed: bool = attrs.field(init=False, default=False)

    async def _send(self, event: events.LogEvent) -> None:
        self.telling = True
        try:
            await self.take(event)
        finally:
            self.telling = False
            self.taken += 1

    async def open(self) -> None:
        """Tell that the log is being read, once."""
        if not self.opened:
            self.opened = True
            await self._send(
                events.LogOpened(workflow=self.ref.of, ref=self.ref, job=self.job, attempt=self.attempt)
            )

    async def lines(self, lines: list[LogLine], prints: list[str], fills: Part | None = None) -> None:
        """Tell lines.

        Args:
            lines: The lines, credentials masked.
            prints: Their fingerprints.
            fills: The part whose hole they fill, or None where they follow those told last.
        """
        if fills is not None:
            self.told.fill(fills, len(lines))
        else:
            self.told.add(prints)
        if not lines:
            return
        await self.open()
        await self._send(
            events.LogLines(
                workflow=self.ref.of,
                ref=self.ref,
                job=self.job,
                attempt=self.attempt,
                lines=tuple(lines),
                fills=None if fills is None else fills.gap,
            )
        )

    async def missing(self, count: int | None = None) -> None:
        """Tell that lines are missing here, how many if that is known."""
        gap = self.told.miss(count)
        await self._send(
            events.LogMissing(workflow=self.ref.of, ref=self.ref, job=self.job, attempt=self.attempt, gap=gap)
        )

    async def unavailable(self, kind: str, reason: str) -> None:
        """Tell that the job has no live log.

        Args:
            kind: Zadig's job type string.
            reason: Why, in words.
        """
        await self._send(
            events.LogUnavailable(
                workflow=self.ref.of,
                ref=self.ref,
                job=self.job,
                attempt=self.attempt,
                type=kind,
                reason=reason,
            )
        )

    async def closed(
        self, complete: bool | None, reason: str, digest: str = "", *, gap: LogGap | None = None
    ) -> None:
        """Tell that the log will not go on; only the first time.

        Args:
            complete: Whether all of it was told, see `LogReport`.
            reason: Why that is so, in words.
            digest: Digest of the whole log where it is not that of the lines in the order told.
            gap: A hole that was only noticed now, or None.
        """
        if self._closed:  # cut short while its reader took the end
            return
        self._closed = True
        report = LogReport(
            lines=self.told.count + self.told.fills,
            gaps=self.told.gaps if gap is None else (*self.told.gaps, gap),
            complete=complete,
            digest=digest or self.told.digest.hex,
            reason=reason,
        )
        await self._send(
            events.LogClosed(
                workflow=self.ref.of, ref=self.ref, job=self.job, attempt=self.attempt, report=report
            )
        )
