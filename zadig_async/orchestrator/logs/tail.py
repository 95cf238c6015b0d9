"""Reading the log of one job, from its start to its end and into its archive.

The server's stream has no end, no ids and no heartbeat, so everything is decided here: when it is over (the
job has ended and no more lines come, or its executor says so), when it is dead (silent for so long that it
is opened anew), and where one that was opened anew goes on (`splice`). After the end the archive is read and
compared (`archive`). Whatever may be missing is said.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from enum import Enum, auto, unique
from typing import Final

import attrs

from zadig_async.client.client import ZadigClient
from zadig_async.errors import ZadigError
from zadig_async.orchestrator.cadence import back_off
from zadig_async.orchestrator.logs.archive import Archive, Checked
from zadig_async.orchestrator.logs.patience import Patience
from zadig_async.orchestrator.logs.splice import WHOLE, Splice, State
from zadig_async.orchestrator.logs.teller import Teller
from zadig_async.orchestrator.logs.told import WINDOW, fingerprints
from zadig_async.orchestrator.policy import LogPolicy
from zadig_async.wire.loglines import LogLine, is_end_marker
from zadig_async.wire.masking import Mask

_SHORT: Final = 2048
"""Lines of a log that is asked for as a whole when its stream breaks: its place is known then for certain."""

_LEAST: Final = 128
"""Lines of replay to ask for where nothing new is expected, or longer replays break before they are over."""

_OVERLAP: Final = 256
"""Lines of replay to ask for of a longer log."""

_LONGER: Final = 1024
"""The same where that many do not show where it goes on."""

_WHOLE_TRIES: Final = 3
"""How often a long log is asked for as a whole to find a place in it, before a gap is said."""

_FIRST_LINE: Final = 5.0
"""Seconds to wait for the first line of a stream that was opened after the job's end."""

_LONGEST_DRAIN: Final = 25.0
"""Seconds after the job's end after which its live log is left to the archive, whatever still comes."""

_NOTHING_TO_STREAM: Final = 5.0
"""Seconds before a stream is opened again that the server has opened without anything to send."""

_LOOKS: Final = 3
"""How often a stream is opened after the job's end, at most."""

_LAST_WORD: Final = 1.0
"""Seconds that whoever reads us is given to take the last event of a log that we were told to leave."""

_LOG: Final = logging.getLogger("zadig_async")


@unique
class _Cut(Enum):
    """Why a stream is read no further."""

    OVER = auto()
    BROKEN = auto()
    SILENT = auto()
    LOST = auto()
    EMPTY = auto()


@attrs.define(eq=False, kw_only=True)
class Tail:
    """The log of one run of one job.

    Attributes:
        zadig: The server.
        teller: Tells what happens.
        type: Zadig's job type string.
        certain: Whether every server streams the log of jobs of this type; else it is found out.
        policy: How to read.
        mask: Returns what hides the task's credentials.
        archives: Bounds how many archives are read at once.
        earlier: The log of the attempt before, or None where none was seen.
        every: Seconds before a broken stream is opened again; doubles with every failure in a row.
    """

    zadig: ZadigClient
    teller: Teller
    type: str
    certain: bool
    policy: LogPolicy
    mask: Callable[[], Awaitable[Mask]]
    archives: asyncio.Semaphore
    earlier: "Tail | None" = None
    every: float = 1.0
    _mask: Mask = attrs.field(init=False, factory=lambda: Mask(()))
    _ended: asyncio.Event = attrs.field(init=False, factory=asyncio.Event)
    _ended_at: datetime | None = attrs.field(init=False, default=None)
    _ended_since: float = attrs.field(init=False, default=0.0)
    _patience: Patience | None = attrs.field(init=False, default=None)
    _splice: Splice | None = attrs.field(init=False, default=None)
    _heard: bool = attrs.field(init=False, default=False)
    _marker: bool = attrs.field(init=False, default=False)
    _lost: int = attrs.field(init=False, default=0)
    _least: bool = attrs.field(init=False, default=False)
    _over: bool = attrs.field(init=False, default=False)
    _digest: str = attrs.field(init=False, default="")

    def job_ended(self, at: datetime | None = None) -> None:
        """Say that the job has ended: what is still in the stream is read, then it is closed.

        Args:
            at: When, by the server's clock, or None.
        """
        if self._ended.is_set():
            return
        self._ended_at = at
        self._ended_since = asyncio.get_running_loop().time()
        self._ended.set()
        if self._patience is not None:
            self._patience.look()

    async def run(self, *, live: bool) -> None:
        """Read the log to its end, and say in any case how complete it is.

        Args:
            live: Whether to read the live stream first; False where the job has already ended.
        """
        try:
            if self.certain:
                await self.teller.open()
            self._mask = await self.mask()
            if live:
                await self._follow()
            await self._ended.wait()
            await self._finish()
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORD):
                    await self.teller.closed(False, "it was no longer read")
            raise
        except ZadigError as failure:
            why = type(failure).__name__
            await self.teller.closed(
                False, f"the task cannot be read, so what must not be shown is not known ({why})"
            )
        except Exception as fault:  # noqa: BLE001 - a lost log must not cost the outcome of a deployment
            _LOG.exception("a fault of this package in the log of %s %s", self.teller.ref, self.teller.job)
            await self.teller.closed(False, f"a fault of this package ended it: {type(fault).__name__}")

    async def _follow(self) -> None:
        failures = looks = 0
        while True:
            before = self.teller.told.count
            ended = self._ended.is_set()
            cut = await self._read_stream(*self._next_splice())
            if cut is _Cut.EMPTY and not self.certain:
                return
            quiet = cut is _Cut.SILENT and self._aligned and self.teller.told.count == before
            if cut is _Cut.OVER or (quiet and ended):
                self._over = True
                return
            if ended:
                # Its pod may still be there, and its archive may never come: one look must bring nothing new.
                looks += 1
                if not self._heard or looks == _LOOKS:
                    return
            self._lost += cut is _Cut.LOST
            if cut is _Cut.SILENT:
                failures, self._least = 0, quiet
            elif cut is not _Cut.LOST and not self._ended.is_set():
                failures = 1 if self.teller.told.count > before else failures + 1
                pause = back_off(failures, every=self.every)
                await self._ends_within(max(pause, _NOTHING_TO_STREAM) if cut is _Cut.EMPTY else pause)

    async def _ends_within(self, seconds: float) -> None:
        """Wait for a time, but not for longer than until the job has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def _next_splice(self) -> tuple[Splice, int]:
        """Return how the next stream is laid over what was told, and how many lines of replay to ask for."""
        told = self.teller.told
        if not told.count:
            asked = WHOLE if self.policy.tail is None else self.policy.tail
            return Splice(told, asked), asked
        if told.exact and told.count <= (_LEAST if self._least else _SHORT) and not self._lost:
            return Splice(told, WHOLE), WHOLE
        if not self._lost:
            asked = _LEAST if self._least else _OVERLAP
        elif self._lost == 1:
            asked = _LONGER
        elif told.exact and self._lost < 2 + _WHOLE_TRIES:
            asked = WHOLE
        else:
            return Splice(told, WINDOW, forced=True), WINDOW
        return Splice(told, asked), asked

    async def _read_stream(self, splice: Splice, asked: int) -> _Cut:
        """Read one stream until it ends in one way or another."""
        self._splice, self._heard, self._marker = splice, False, False
        began_open = splice.state is State.OPEN
        cut = _Cut.BROKEN
        try:
            async with Patience(self._until) as patience:
                self._patience = patience
                try:
                    cut = await self._take_all(splice, asked, patience)
                finally:
                    self._patience = None
        except TimeoutError:
            await self._tell(splice, *splice.settle())
            over = self._ended.is_set() and self._marker and splice.state is State.OPEN
            cut = _Cut.OVER if over else _Cut.SILENT
        except ZadigError as failure:
            _LOG.debug("%s %s: its log broke: %s", self.teller.ref, self.teller.job, failure)
        if splice.state is State.LOST:
            return _Cut.LOST
        if splice.state is State.OPEN and not began_open:
            self._lost, self._least = 0, False
        elif splice.state is State.SKIPPING and cut is _Cut.BROKEN:
            self._least = True  # it broke before it came to where we were
            self._lost += self.teller.told.count > _SHORT
        return cut

    async def _take_all(self, splice: Splice, asked: int, patience: Patience) -> _Cut:
        async with self.zadig.logs.open(self.teller.ref, self.teller.job, tail=asked) as stream:
            if not stream.announced:
                return _Cut.EMPTY
            async for batch in stream:
                patience.busy()
                self._heard = True
                lines = self._mask.lines(batch)
                self._marker = is_end_marker(lines[-1].text)
                await self._tell(splice, *splice.feed(lines, fingerprints(lines)))
                if splice.state is State.LOST:
                    return _Cut.LOST
                patience.heard()
                if splice.fits or (self._marker and self._ended.is_set()):
                    patience.look()
        return _Cut.BROKEN  # Zadig never ends a stream itself

    def _until(self, heard: float) -> float:
        """Return until when the present stream may be silent, if it was heard last at a time."""
        if self._splice is not None and self._splice.fits:
            return heard + self.policy.drain
        if self._ended.is_set():
            if self._marker:  # before the job's end it proves nothing: any script can print one
                return heard
            patience = self.policy.drain if self._heard else _FIRST_LINE
            return min(max(heard, self._ended_since) + patience, self._ended_since + _LONGEST_DRAIN)
        return heard + self.policy.silence

    async def _tell(self, splice: Splice, lines: list[LogLine], prints: list[str]) -> None:
        if splice.gap:
            splice.gap = False
            await self.teller.missing()
        if lines:
            await self.teller.lines(lines, prints)

    async def _finish(self) -> None:
        """Compare with the archive, tell what it adds, and close."""
        told = self.teller.told
        checked = await self._check() if self.policy.archive else Checked(None, "the archive was not read")
        if not told.count and checked.complete is None:
            if not self.certain:
                await self.teller.unavailable(self.type, "this server streams no log of such jobs")
                return
            await self.teller.closed(False, "no log was to be had")
            return
        self._digest = checked.digest
        complete, reason = checked.complete, checked.reason
        if complete is None and told.gaps:
            complete, reason = False, f"{reason}, and {told.gaps[0]}"
        elif complete is None and not (self._over or checked.ended):
            complete, reason = False, f"{reason}, and its stream broke before its end"
        await self.teller.closed(complete, reason, checked.digest, gap=checked.gap)

    async def _check(self) -> Checked:
        archive = Archive(
            zadig=self.zadig,
            teller=self.teller,
            mask=self._mask,
            slots=self.archives,
            tail=self.policy.tail,
            before="" if self.earlier is None else self.earlier.digest,
        )
        return await archive.check(None if self._ended_at is None else self._ended_at.timestamp())

    @property
    def _aligned(self) -> bool:
        """Whether the stream read last was heard, and came to where all of it was new."""
        return self._heard and self._splice is not None and self._splice.state is State.OPEN

    @property
    def digest(self) -> str:
        """Digest of the whole log as far as it is known; empty where there is none."""
        return self._digest or (self.teller.told.digest.hex if self.teller.told.count else "")
