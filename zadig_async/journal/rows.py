"""Records as rows of a database, each sealed with a sum over itself and the row before it.

The sum is a CRC32. It finds what breaks by itself: flipped bits, lost, doubled or swapped rows. It is no
protection against somebody who wants to deceive; the file's mode is.
"""

import json
import zlib
from typing import Any, Final

import attrs

from zadig_async.errors import JournalError
from zadig_async.journal import canonical
from zadig_async.journal.records import Act, Kind, Record, Scope
from zadig_async.journal.store import Write
from zadig_async.model.ids import WorkflowRef

COLUMNS: Final = "seq, at, server, project, workflow, token, kind, run, act, data, crc"

Row = tuple[int, float, str, str, str, int, str, str, str, str, int]
"""A record's columns, in the order of `COLUMNS`."""


@attrs.frozen
class Link:
    """A place in the chain of records.

    Attributes:
        seq: Number of a record, or 0 before the first.
        crc: Its sum, or 0.
    """

    seq: int
    crc: int


START: Final = Link(0, 0)
"""Where a journal begins."""


def crc_of(*fields: object) -> int:
    """Return the sum over fields; 1, 1.0 and "1" have three."""
    return zlib.crc32(json.dumps(fields, separators=(",", ":")).encode("ascii"))


def decoded(value: Any) -> Any:
    """Return a column's value with its text as text; see `schema.connect`.

    Raises:
        UnicodeDecodeError: The text is none.
    """
    return value.decode() if isinstance(value, bytes) else value


def seal(before: Link, at: float, write: Write, data: str) -> Row:
    """Return the row of a new record.

    Args:
        before: The record before it.
        at: Unix seconds.
        write: What is written, and the right to do so.
        data: Its data as canonical JSON.
    """
    lease, draft = write.lease, write.draft
    workflow = lease.scope.workflow
    names = (lease.scope.server, workflow.project, workflow.workflow)
    fields = (before.seq + 1, at, *names, lease.token, draft.kind.value, draft.run, draft.act.value, data)
    return (*fields, _crc(before, fields))


def record_of(seq: int, at: float, write: Write, data: str) -> Record:
    """Return the record that a write becomes.

    Args:
        seq: Its number.
        at: Unix seconds.
        write: What is written, and the right to do so.
        data: Its data as canonical JSON.
    """
    return Record(
        seq=seq,
        at=at,
        scope=write.lease.scope,
        token=write.lease.token,
        kind=write.draft.kind,
        run=write.draft.run,
        act=write.draft.act,
        data=canonical.mapping(data),
    )


def unseal(row: tuple[Any, ...], before: Link) -> tuple[Record, Link]:
    """Return the record of a row as it was read, and its place in the chain.

    Raises:
        JournalError: The row is damaged, out of its place, or written by a newer version.
    """
    place = f"record {before.seq + 1}"
    try:
        *fields, crc = map(decoded, row)
    except UnicodeDecodeError:
        raise JournalError(f"{place} is damaged") from None
    seq, at, server, project, workflow, token, kind, run, act, data = fields
    if seq != before.seq + 1:
        raise JournalError(f"{place} is missing")
    if crc != _crc(before, tuple(fields)):
        raise JournalError(f"{place} is damaged: its checksum does not fit")
    try:
        what, about = Kind(kind), Act(act)
    except ValueError:
        raise JournalError(
            f"{place} was written by a newer version of zadig-async",
            hint="Use that version with this journal.",
        ) from None
    try:
        content = canonical.mapping(data)
    except ValueError:
        raise JournalError(f"{place} is damaged: its data is no JSON object") from None
    record = Record(
        seq=seq,
        at=at,
        scope=Scope(server, WorkflowRef(project, workflow)),
        token=token,
        kind=what,
        run=run,
        act=about,
        data=content,
    )
    return record, Link(seq, crc)


def _crc(before: Link, fields: tuple[object, ...]) -> int:
    seq, at, *others = fields
    return crc_of(before.crc, seq, repr(at), *others)
