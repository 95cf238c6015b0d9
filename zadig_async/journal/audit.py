"""The audit trail: one line of JSON per event, each sealed over itself and the line before it.

A line is `{"at", "data", "event", "hash", "prev", "seq"}` as canonical JSON: `prev` is the `hash` of the line
before, 64 zeros in the first, and `hash` is the SHA-256 of the line without `hash`. Whoever changes, removes,
adds or swaps a line breaks the chain there. That last lines were cut off cannot be seen in the file: compare
`AuditSummary.last_hash` with one that was noted elsewhere.

A crash may leave a last line that ends in its middle. It is kept: the next writer ends it with a line break,
and adds an `audit.torn` event with its length and SHA-256. `verify` takes a line that is no record only where
the next one is that event. A last line that lacks nothing but its line break is a record like any other.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, Self

import attrs

from zadig_async.errors import JournalError
from zadig_async.journal import canonical, files
from zadig_async.journal.thread import FileThread

TORN: Final = "audit.torn"
"""Event that says of the line before it that a crash has cut it."""

_BEGINNING: Final = "0" * 64


class AuditTrail(Protocol):
    """Where it is written down for people what was decided and done."""

    async def write(self, event: str, data: Mapping[str, Any]) -> None:
        """Add an event; when this returns it survives a loss of power.

        Args:
            event: What happened, as a short name such as `gate.approved`.
            data: The rest, as JSON values. Never a secret.

        Raises:
            JournalError: It could not be written.
        """
        ...

    async def close(self) -> None:
        """Give back what is held open. Calling it again does nothing."""
        ...


class NoAudit:
    """An `AuditTrail` that keeps nothing."""

    async def write(self, event: str, data: Mapping[str, Any]) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


@attrs.frozen
class AuditSummary:
    """What a whole audit trail amounts to.

    Attributes:
        records: How many records it has.
        last_hash: Hash of the last one; 64 zeros where there is none.
        torn: How many lines a crash has cut.
    """

    records: int
    last_hash: str
    torn: int


class Audit:
    """An `AuditTrail` in a file. Made by `open`; one writer at a time."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._thread = FileThread(str(path))
        self._fd = -1
        self._chain = _Chain()
        self._failed = False

    @classmethod
    async def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Self:
        """Open an audit trail, or begin one, and check all of it.

        Args:
            path: The file.
            clock: Unix time in seconds; called in a thread.

        Raises:
            JournalError: It is not ours alone, another writer has it, or the chain is broken.
        """
        audit = cls(path, clock)
        try:
            await audit._thread.run(audit._open)
        except JournalError:
            await audit.close()
            raise
        except BaseException:
            audit._thread.abandon(audit._close)
            raise
        return audit

    async def write(self, event: str, data: Mapping[str, Any]) -> None:
        """See `AuditTrail.write`. After one of which nobody knows what was kept, every other is refused."""
        await self._thread.run(self._write, event, data)

    async def close(self) -> None:
        """See `AuditTrail.close`."""
        await self._thread.end(self._close)

    # All that follows runs in the thread.

    def _open(self) -> None:
        self._fd = files.open_private(self._path, append=True)
        try:
            free = files.lock(self._fd)
        except OSError as error:
            raise self._unusable(error) from None
        if not free:
            raise JournalError(
                f"{self._path}: another process writes this audit trail", hint="Name another file."
            )
        with open(os.dup(self._fd), "rb") as lines:  # noqa: PTH123 - the very file that was checked
            tail = self._chain.walk(self._path, lines)
        if tail is not None and tail.is_record:
            self._put(b"\n")
        elif tail is not None:
            self._add(TORN, _about(tail.line), before=b"\n")

    def _close(self) -> None:
        if self._fd != -1:
            os.close(self._fd)
            self._fd = -1

    def _write(self, event: str, data: Mapping[str, Any]) -> None:
        if self._failed:
            raise JournalError(
                f"{self._path}: nothing is written after a write that failed",
                hint="Open the audit trail anew.",
            )
        self._add(event, data)

    def _add(self, event: str, data: Mapping[str, Any], before: bytes = b"") -> None:
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="microseconds")
        line = self._chain.seal({"at": at.replace("+00:00", "Z"), "data": data, "event": event})
        self._put(before + line + b"\n")
        self._chain.take(line)

    def _put(self, content: bytes) -> None:
        """Write at the end; what was written only in part is taken back."""
        try:
            size = os.fstat(self._fd).st_size
            written = os.write(self._fd, content)
            self._failed = True  # until it is known what became of it
            if written == len(content):
                files.sync(self._fd)
            else:
                os.ftruncate(self._fd, size)
            self._failed = False
        except OSError as error:
            raise self._unusable(error) from None
        if written != len(content):
            raise JournalError(f"{self._path}: cannot be written: no room", hint="Make room on its disk.")

    def _unusable(self, error: OSError) -> JournalError:
        return JournalError(f"{self._path}: cannot be used as an audit trail: {error.strerror or error}")


def verify(path: Path) -> AuditSummary:
    """Check an audit trail from its first line to its last.

    Args:
        path: The file; its owner and mode do not matter.

    Raises:
        JournalError: It cannot be read, or the chain is broken; names the first bad line.
    """
    chain = _Chain()
    try:
        with path.open("rb") as lines:
            tail = chain.walk(path, lines)
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror or error}") from None
    cut = tail is not None and not tail.is_record
    return AuditSummary(chain.seq, chain.last, chain.torn + cut)


@attrs.frozen
class _Tail:
    """A last line without a line break.

    Attributes:
        line: The line.
        is_record: Whether nothing else is missing.
    """

    line: bytes
    is_record: bool


@attrs.define
class _Chain:
    """Where a walk along the lines is.

    Attributes:
        seq: Number of the last record.
        last: Its hash.
        torn: How many lines were cut and accounted for.
    """

    seq: int = 0
    last: str = _BEGINNING
    torn: int = 0

    def seal(self, content: Mapping[str, Any]) -> bytes:
        """Return the next record as a line without its end."""
        record = {**content, "prev": self.last, "seq": self.seq + 1}
        return canonical.text({**record, "hash": _hash(record)}, "audit").encode("ascii")

    def take(self, line: bytes) -> dict[str, Any] | None:
        """Go on to the next record and return it; None where the line is none."""
        try:
            record = canonical.mapping(line)
            if canonical.text(record, "audit").encode("ascii") != line:
                return None  # a key that stands twice, or a number that reads like another one
        except (ValueError, JournalError):
            return None
        if sorted(record) != ["at", "data", "event", "hash", "prev", "seq"]:
            return None
        own = record.pop("hash")
        if (record["seq"], record["prev"], own) != (self.seq + 1, self.last, _hash(record)):
            return None
        self.seq, self.last = self.seq + 1, own
        return record

    def walk(self, path: Path, lines: Iterable[bytes]) -> _Tail | None:
        """Go along lines to the end, and return the last one if it does not end.

        Raises:
            JournalError: A line is not what was written.
        """
        cut: bytes | None = None
        number = 0
        for number, line in enumerate(lines, 1):
            body = line.removesuffix(b"\n")
            record = self.take(body)
            if cut is not None:
                if record is None or (record["event"], record["data"]) != (TORN, _about(cut)):
                    raise _broken(path, number - 1)
                self.torn += 1
                cut = None
            elif record is None:
                cut = body
            if not line.endswith(b"\n"):
                return _Tail(line, record is not None)
        if cut is not None:
            raise _broken(path, number)
        return None


def _about(line: bytes) -> dict[str, Any]:
    return {"bytes": len(line), "sha256": hashlib.sha256(line).hexdigest()}


def _hash(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical.text(record, "audit").encode("ascii")).hexdigest()


def _broken(path: Path, number: int) -> JournalError:
    return JournalError(
        f"{path}: line {number} is not what was written, or one is missing before it",
        hint="Keep the file as it is for whoever has to look into it, and name another one.",
    )
