"""Reading the archive of a log after the job's end: what was not told is told, and how complete it all is.

An archive is uploaded some seconds after the job's end. Until then it is empty, or, where the job has run
before in this task, that of the attempt before; where a workflow's key has capital letters it stays empty
(Zadig v4.1.0 .../log/handler/log.go:135 looks for it in lower case).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import attrs

from zadig_async.client.client import ZadigClient
from zadig_async.errors import DeadlineError, ZadigError
from zadig_async.model.log import LogGap
from zadig_async.orchestrator.logs.comparison import Comparison
from zadig_async.orchestrator.logs.patience import Patience
from zadig_async.orchestrator.logs.teller import Teller
from zadig_async.orchestrator.logs.told import Digest, fingerprints
from zadig_async.wire.loglines import LogLine
from zadig_async.wire.masking import Mask

_FROM_THERE: Final = "equal to the archive from where it was begun"

_PAUSES: Final = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)
"""Seconds before each read of an archive that is still to come."""

_PAUSES_IF_LATE: Final = (0.0, 1.0)
"""The same for one that is there, or never will be."""

_SILENCE: Final = 30.0
"""Seconds without a byte after which the reading of an archive is given up."""

_UPLOADED: Final = 120.0
"""Seconds after a job's end by which its archive has been uploaded."""


@attrs.frozen
class Checked:
    """What the archive says.

    Attributes:
        complete: True where it holds nothing that was not told, None where only its end could be compared or
            there is none, False where it says otherwise or could not be read.
        reason: In words.
        digest: Digest of its lines where `complete` is True, else empty.
        ended: Whether its end is that of what was told.
        gap: Where it differs from what was told, or None.
    """

    complete: bool | None
    reason: str
    digest: str = ""
    ended: bool = False
    gap: LogGap | None = None


@attrs.frozen(eq=False, kw_only=True)
class Archive:
    """The archive of one run of one job.

    Attributes:
        zadig: The server.
        teller: Tells what is found, and knows what was told.
        mask: Hides credentials.
        tail: How many of its last lines are wanted where nothing was told yet, or None for all.
        slots: Bounds how many archives are read at once: the server holds each as a whole in memory.
        before: Digest of the archive of the attempt before, or empty.
    """

    zadig: ZadigClient
    teller: Teller
    mask: Mask
    slots: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(1))
    tail: int | None = None
    before: str = ""

    async def check(self, ended_at: float | None) -> Checked:
        """Read it, again and again until it is there, and tell what it adds.

        Args:
            ended_at: When the job ended, in Unix seconds of the server, or None.
        """
        checked = Checked(None, "no archive to compare with")
        for pause in self._pauses(ended_at):
            await asyncio.sleep(pause)
            async with self.slots:
                try:
                    found = await self.look()
                except ZadigError as failure:
                    checked = Checked(False, f"the archive could not be read: {failure}")
                    continue
            if found is None:
                continue
            checked = found
            if checked.complete is not False:
                break
        return checked

    def _pauses(self, ended_at: float | None) -> Sequence[float]:
        now = self.zadig.server_time()
        long_ago = ended_at is not None and now is not None and now - ended_at > _UPLOADED
        workflow = self.teller.ref.workflow
        return _PAUSES_IF_LATE if long_ago or workflow != workflow.lower() else _PAUSES

    async def look(self) -> Checked | None:
        """Read it once and tell what it adds; None where there is nothing yet.

        Raises:
            ZadigError: It could not be read to its end.
        """
        if self.before and await self._digest() == self.before:
            return Checked(False, "the archive is still that of the attempt before")
        told = self.teller.told
        if self.tail is not None and not told.count:
            return await self._last_lines(self.tail)
        comparison = Comparison(told)

        async def compare(lines: list[LogLine], prints: list[str]) -> None:
            for found in comparison.feed(lines, prints):
                await self.teller.lines(found.lines, found.prints, found.fills)

        await self._read(compare)
        if comparison.empty:
            return None
        if comparison.begins_later:
            return Checked(None, "the archive lacks the beginning of the log", ended=True)
        if comparison.differs:
            return Checked(False, comparison.differs, gap=LogGap(comparison.same_until))
        for part in told.parts:
            part.filled = True  # those with nothing to fill them, too
        reason = "equal to the archive" if told.from_start else _FROM_THERE
        return Checked(True, reason, comparison.digest)

    async def _last_lines(self, count: int) -> Checked | None:
        """Tell only so many lines, the last ones."""
        kept: deque[tuple[LogLine, str]] = deque(maxlen=count)

        async def keep(lines: list[LogLine], prints: list[str]) -> None:
            kept.extend(zip(lines, prints, strict=True))

        await self._read(keep)
        if not kept:
            return None
        await self.teller.lines([line for line, _ in kept], [each for _, each in kept])
        return Checked(True, _FROM_THERE, self.teller.told.digest.hex)

    async def _digest(self) -> str:
        digest = Digest()

        async def add(_: list[LogLine], prints: list[str]) -> None:
            digest.add(prints)

        await self._read(add)
        return digest.hex

    async def _read(self, take: Callable[[list[LogLine], list[str]], Awaitable[None]]) -> None:
        """Read the archive once, piece by piece.

        Raises:
            ZadigError: It could not be read to its end.
        """
        try:
            async with (
                Patience(lambda heard: heard + _SILENCE) as patience,
                self.zadig.logs.open_archive(self.teller.ref, self.teller.job) as archive,
            ):
                async for batch in archive:
                    patience.busy()
                    lines = self.mask.lines(batch)
                    await take(lines, fingerprints(lines))
                    patience.heard()
        except TimeoutError:
            raise DeadlineError(f"its archive was silent for {_SILENCE:g} s") from None
