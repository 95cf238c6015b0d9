"""One thread for the blocking work of one file, so that the event loop never waits for a disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from zadig_async.errors import JournalError

T = TypeVar("T")


class FileThread:
    """Does jobs one at a time, in the order in which they were asked for."""

    def __init__(self, name: str) -> None:
        """Begin without a thread; the first job starts it.

        Args:
            name: What to call the file in messages.
        """
        self._name = name
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._ended = False

    async def run(self, job: Callable[..., T], *args: Any) -> T:
        """Do a job. Whoever is cancelled here does not know whether it was done.

        Raises:
            JournalError: The last job was asked for already.
        """
        if self._ended:
            raise JournalError(f"{self._name}: is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, job, *args)

    async def end(self, last: Callable[[], None]) -> None:
        """Do a last job, cancelled or not. Calling it again does nothing."""
        if self._ended:
            return
        self._ended = True
        job = asyncio.get_running_loop().run_in_executor(self._thread, last)
        self._thread.shutdown(wait=False)
        await asyncio.shield(job)

    def abandon(self, last: Callable[[], None]) -> None:
        """Have a last job done behind whatever is being done, without waiting for it."""
        self._ended = True
        self._thread.submit(last)
        self._thread.shutdown(wait=False)
