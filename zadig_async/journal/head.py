"""The head of a journal: a small file that says how far the journal must reach.

A database that lost its end looks whole: SQLite stops reading at the first bad page of its log, and a copy
without the log is a valid, older database. So the number and sum of the last record are kept beside it. They
are written after each commit, before anybody is told that a record is kept, and what they say must be found.

Two slots are written in turn, each on a disk block of its own: whatever interrupts a write, the other slot is
whole. A lock keeps processes from writing at a time, and the head never moves back.
"""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from zadig_async.errors import JournalError
from zadig_async.journal import files
from zadig_async.journal.rows import START, Link

_TAG: Final = b"ZAHEAD01"
_BODY: Final = struct.Struct(">8sQI")
"""Format tag, last seq, its sum."""
_SUM: Final = struct.Struct(">I")
_SLOT: Final = 4096
"""Bytes from slot to slot: no disk tears two blocks of this size at once."""

_MEND: Final = (
    "Restore the journal with all its files (PATH, PATH-wal, PATH-head). Where that cannot be done, look in "
    "Zadig at what was started, move the files away and begin a new journal."
)


class Head:
    """An open head file. Its methods block."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd

    @classmethod
    def open(cls, path: Path, is_empty: Callable[[], bool]) -> Self:
        """Open a head, or make one for a journal without records.

        Args:
            path: The file.
            is_empty: Tells whether the journal has no records.

        Raises:
            JournalError: It is not ours alone, or missing or unreadable where the journal has records.
        """
        # A head is made before the first record is. So one that is still missing after this was lost.
        if not is_empty() and not files.check(path):
            raise JournalError(f"{path}: is missing, so nothing tells whether records are", hint=_MEND)
        head = cls(path, files.open_private(path))
        try:
            with files.locked(head._fd):
                if is_empty() and not any(head._slots()):
                    head._put(0, START)
                    head._put(1, START)
                    files.sync(head._fd)
                head.read()
        except BaseException:
            head.close()
            raise
        return head

    def read(self) -> Link:
        """Return the last record that must be there.

        Raises:
            JournalError: The file can no longer be read.
        """
        found = [link for link in self._slots() if link is not None]
        if not found:
            raise JournalError(
                f"{self._path}: is damaged, so nothing tells whether records are missing", hint=_MEND
            )
        return max(found, key=lambda link: link.seq)

    def advance(self, to: Link) -> None:
        """Vouch for all records up to one that is committed; does not move back. It survives a loss of power.

        Raises:
            JournalError: The file can no longer be read.
            OSError: It cannot be written.
        """
        with files.locked(self._fd):
            last = self.read()
            if to.seq > last.seq:
                self._put(1 if self._slots()[0] == last else 0, to)
            # Even where another process has written it: that one may have died before it was on the disk.
            files.sync(self._fd)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _slots(self) -> tuple[Link | None, Link | None]:
        os.lseek(self._fd, 0, os.SEEK_SET)
        content = os.read(self._fd, 2 * _SLOT)
        return _parse(content[:_SLOT]), _parse(content[_SLOT:])

    def _put(self, slot: int, link: Link) -> None:
        body = _BODY.pack(_TAG, link.seq, link.crc)
        content = (body + _SUM.pack(zlib.crc32(body))).ljust(_SLOT, b"\0")
        os.lseek(self._fd, slot * _SLOT, os.SEEK_SET)
        if os.write(self._fd, content) != len(content):
            raise OSError("only a part was written")


def _parse(slot: bytes) -> Link | None:
    if len(slot) < _BODY.size + _SUM.size:
        return None
    body = slot[: _BODY.size]
    tag, seq, crc = _BODY.unpack(body)
    (total,) = _SUM.unpack_from(slot, _BODY.size)
    return Link(seq, crc) if tag == _TAG and total == zlib.crc32(body) else None
