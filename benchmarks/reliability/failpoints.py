"""Places at which a driver kills itself, reached through seams: the package itself knows nothing of them."""

import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum, unique
from pathlib import Path
from typing import Self

import attrs

from zadig_async.errors import TransportError
from zadig_async.journal.records import Act, Kind
from zadig_async.journal.rows import Link, Row
from zadig_async.journal.sqlite import SqliteStore
from zadig_async.transport.base import ByteStream, Carrier
from zadig_async.wire.call import AnyCall, Reply

TRIGGER = "POST /openapi/workflows/custom/task"
APPROVE = "POST /openapi/workflows/custom/task/approve"
CANCEL = "DELETE /openapi/workflows/custom/task"


@unique
class Moment(StrEnum):
    """When, in the life of a record or a call."""

    BEFORE_WRITE = "before write"
    """Of a record: nothing of it is in the file."""
    BEFORE_FSYNC = "before fsync"
    """Of a record: it is in an open transaction."""
    BEFORE_HEAD = "before head"
    """Of a record: it is committed, and nothing says yet that it was acknowledged."""
    AFTER_WRITE = "after write"
    """Of a record: it is kept, and its writer does not know it yet."""
    BEFORE_SEND = "before send"
    """Of a call: all that it rests on is written down."""
    AFTER_RECEIVE = "after receive"
    """Of a call: the answer is here, and nobody has read it."""


@attrs.frozen
class Failpoint:
    """A place at which to die.

    Attributes:
        moment: When.
        kind: What the record says, for moments of records.
        act: What the record is about.
        call: Label of the call, for moments of calls.
    """

    moment: Moment
    kind: Kind | None = None
    act: Act = Act.TRIGGER
    call: str = ""

    def __str__(self) -> str:
        return f"{self.moment} {self.call or f'{self.kind} of {self.act}'}"

    def is_record(self, moment: Moment, rows: Sequence[Row]) -> bool:
        """Whether it is this moment of one of these records."""
        return moment is self.moment and any((row[6], row[8]) == (self.kind, self.act) for row in rows)

    def is_call(self, moment: Moment, call: AnyCall) -> bool:
        """Whether it is this moment of this call."""
        return moment is self.moment and call.label == self.call


def die() -> None:
    """End this process as `kill -9` does: nothing is closed, flushed or said."""
    os.kill(os.getpid(), signal.SIGKILL)


class MortalStore(SqliteStore):
    """A journal's store that dies at a failpoint.

    Attributes:
        failpoint: Where, or None.
    """

    failpoint: Failpoint | None = None
    _rows: Sequence[Row] = ()

    @classmethod
    async def at(cls, path: Path, failpoint: Failpoint | None) -> Self:
        """Open a store."""
        store = await cls.open(path)
        store.failpoint = failpoint
        return store

    def _reach(self, moment: Moment) -> None:
        if self.failpoint is not None and self.failpoint.is_record(moment, self._rows):
            die()

    def _insert(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._reach(Moment.BEFORE_WRITE)
        super()._insert(rows)
        self._reach(Moment.BEFORE_FSYNC)

    def _write_head(self, last: Link) -> None:
        self._reach(Moment.BEFORE_HEAD)
        super()._write_head(last)
        self._reach(Moment.AFTER_WRITE)


@attrs.define
class MortalCarrier:
    """Carries calls, dies at a failpoint, and may lose the first trigger's answer.

    Attributes:
        carrier: Who really carries them.
        failpoint: Where to die, or None.
        loses: Whether the answer of the next trigger is lost.
    """

    carrier: Carrier
    failpoint: Failpoint | None = None
    loses: bool = False

    async def send(self, call: AnyCall) -> Reply:
        self._reach(Moment.BEFORE_SEND, call)
        reply = await self.carrier.send(call)
        self._reach(Moment.AFTER_RECEIVE, call)
        if self.loses and call.label == TRIGGER:
            self.loses = False
            raise TransportError("the answer was lost on purpose", call=call.label)
        return reply

    @asynccontextmanager
    async def stream(self, call: AnyCall) -> AsyncIterator[ByteStream]:
        async with self.carrier.stream(call) as stream:
            yield stream

    async def aclose(self) -> None:
        await self.carrier.aclose()

    def _reach(self, moment: Moment, call: AnyCall) -> None:
        if self.failpoint is not None and self.failpoint.is_call(moment, call):
            die()
