"""The leases in a journal's database, each sealed: a flipped bit gives nobody a workflow, and takes none."""

import sqlite3
from typing import Any, Final

from zadig_async.journal import schema
from zadig_async.journal.leases import Held
from zadig_async.journal.records import Scope
from zadig_async.journal.rows import crc_of, decoded
from zadig_async.model.ids import WorkflowRef

_QUERY: Final = "SELECT server, project, workflow, owner, token, until, crc FROM leases"


class LeaseTable:
    """Reads and writes leases, within the caller's transaction."""

    def __init__(self, database: sqlite3.Connection, name: str) -> None:
        self._database = database
        self._name = name

    def get(self, scope: Scope) -> Held | None:
        """Return what is known of a scope, or None.

        Raises:
            JournalError: Its row is damaged.
        """
        row = self._database.execute(
            f"{_QUERY} WHERE server = ? AND project = ? AND workflow = ?",
            (scope.server, scope.workflow.project, scope.workflow.workflow),
        ).fetchone()
        return None if row is None else self._unseal(row)[1]

    def put(self, scope: Scope, held: Held) -> None:
        """Replace what is known of a scope."""
        names = (scope.server, scope.workflow.project, scope.workflow.workflow)
        row = (*names, held.owner, held.token, float(held.until))
        self._database.execute("REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, _crc(row)))

    def all(self) -> dict[Scope, Held]:
        """Return what is known of every scope.

        Raises:
            JournalError: A row is damaged.
        """
        return dict(map(self._unseal, self._database.execute(_QUERY).fetchall()))

    def _unseal(self, row: tuple[Any, ...]) -> tuple[Scope, Held]:
        try:
            *fields, crc = map(decoded, row)
        except UnicodeDecodeError:
            raise schema.damage(self._name, "is damaged: a lease is no text") from None
        if crc != _crc(tuple(fields)):
            raise schema.damage(self._name, "is damaged: a lease's checksum does not fit")
        server, project, workflow, owner, token, until = fields
        return Scope(server, WorkflowRef(project, workflow)), Held(owner, token, until)


def _crc(fields: tuple[object, ...]) -> int:
    *names, until = fields
    return crc_of(*names, repr(until))
