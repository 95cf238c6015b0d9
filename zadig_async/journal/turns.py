"""`Turns`: one after the other, for each workflow."""

import asyncio
from weakref import WeakValueDictionary

from zadig_async.journal.records import Scope


class Turns:
    """Locks by scope, forgotten when nobody needs them.

    Two launches of one workflow that are sent at the same time make tasks that look alike; where no variable
    marks them, the second one waits until the first one's task is known.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Scope, asyncio.Lock] = WeakValueDictionary()

    def of(self, scope: Scope) -> asyncio.Lock:
        """Return the lock of a scope."""
        lock = self._locks.get(scope)
        if lock is None:
            lock = self._locks[scope] = asyncio.Lock()
        return lock
