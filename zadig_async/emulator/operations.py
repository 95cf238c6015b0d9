"""The operation log: who did what, with which body, noted before it is done and given its status after.

Source: Zadig v4.1.0 pkg/shared/handler/base.go:295-342, pkg/middleware/gin/audit_log.go and
core/system/repository/mongodb/operation_log.go.
"""

import re
from collections.abc import Iterator

import attrs

__all__ = ["Operation", "OperationLog", "Wanted"]


@attrs.define(kw_only=True, eq=False)
class Operation:
    """An entry. `status` is 0 until the request has been answered; `body` may hold secrets."""

    username: str
    project: str
    method: str
    function: str
    detail: str
    created: int
    body: str = attrs.field(default="", repr=False)
    body_type: str = "json"
    status: int = 0


@attrs.frozen(kw_only=True)
class Wanted:
    """What to search for.

    The texts are regular expressions, found anywhere, not names; empty ones, and status 0, fit everything.
    """

    username: str = ""
    project: str = ""
    function: str = ""
    status: int = 0


class OperationLog:
    """All entries of a world, oldest first."""

    def __init__(self) -> None:
        self._entries: list[Operation] = []
        self._by_user: dict[str, list[Operation]] = {}

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Operation) -> None:
        """Note something that is about to be done."""
        self._entries.append(entry)
        self._by_user.setdefault(entry.username, []).append(entry)

    def page(self, number: int, size: int, wanted: Wanted) -> tuple[int, list[Operation]]:
        """How many entries match, and those of one page, newest first.

        A `number` or `size` below 1 means all on one page. The server sorts by second alone; within a
        second, here the latest comes first.

        Raises:
            re.error: a text of `wanted` is no regular expression.
        """
        found = self._of(wanted.username) if wanted.username else self._entries
        for field, pattern in (("project", wanted.project), ("function", wanted.function)):
            if pattern:
                look = re.compile(pattern)
                found = [entry for entry in found if look.search(getattr(entry, field))]
        if wanted.status:
            found = [entry for entry in found if entry.status == wanted.status]
        total = len(found)
        if number < 1 or size < 1:
            return total, found[::-1]
        newest, oldest = total - (number - 1) * size, total - number * size
        return total, found[max(oldest, 0) : max(newest, 0)][::-1]

    def _of(self, username: str) -> list[Operation]:
        wanted = re.compile(username)
        names = [name for name in self._by_user if wanted.search(name)]
        if len(names) == 1:
            return self._by_user[names[0]]
        return [entry for entry in self._entries if entry.username in names]
