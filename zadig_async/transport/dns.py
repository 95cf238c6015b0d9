"""Name look-ups that can be walked away from.

`getaddrinfo` cannot be cancelled. In asyncio's own thread pool a stuck look-up keeps the program from
ending, because `asyncio.run` waits for the pool; in a daemon thread it keeps nothing.
"""

import asyncio
import errno
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

AddressRow = tuple[int, int, int, str, tuple[Any, ...]]
"""One row of `socket.getaddrinfo`: family, kind, protocol, canonical name, socket address."""

GetAddrInfo = Callable[[str, int, int, int, int, int], list[Any]]
"""The shape of `socket.getaddrinfo` called by position."""

_FLAGS: Final = socket.AI_ADDRCONFIG


class Lookups:
    """Look-ups in daemon threads; callers that ask for the same name at the same time share one thread.

    So a name server that hangs costs one thread per name, however often we retry.
    """

    def __init__(self, getaddrinfo: GetAddrInfo = socket.getaddrinfo) -> None:
        self._getaddrinfo = getaddrinfo
        self._running: dict[tuple[str, int, int], asyncio.Future[list[AddressRow]]] = {}

    async def find(self, host: str, port: int, family: int) -> list[AddressRow]:
        """Return the addresses of a host for TCP.

        Raises:
            OSError: The name is unknown, the name server failed, or no thread could be started.
        """
        key = (host, port, family)
        found = self._running.get(key)
        if found is None:
            found = self._start(key)
        # Unlike a plain await, this leaves the look-up to the others when this caller is cancelled.
        await asyncio.wait([found])
        return found.result()

    def _start(self, key: tuple[str, int, int]) -> asyncio.Future[list[AddressRow]]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[AddressRow]] = loop.create_future()
        worker = threading.Thread(
            target=self._work, args=(key, loop, found), name=f"zadig-async-dns-{key[0]}", daemon=True
        )
        try:
            worker.start()
        except RuntimeError:
            raise OSError(errno.EAGAIN, "no thread left for a name look-up") from None
        self._running[key] = found

        def forget(done: asyncio.Future[list[AddressRow]]) -> None:
            self._running.pop(key, None)
            if not done.cancelled():
                done.exception()  # read here, because every caller may have left

        found.add_done_callback(forget)
        return found

    def _work(
        self,
        key: tuple[str, int, int],
        loop: asyncio.AbstractEventLoop,
        found: asyncio.Future[list[AddressRow]],
    ) -> None:
        host, port, family = key
        rows: list[AddressRow] = []
        failure: OSError | None = None
        try:
            rows = self._getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, _FLAGS)
        except OSError as error:
            failure = error
        except UnicodeError:
            failure = OSError(errno.EINVAL, "the host name cannot be encoded")

        def settle() -> None:
            if found.done():
                return
            if failure is not None:
                found.set_exception(failure)
            else:
                found.set_result(rows)

        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:
            return  # the loop is closed: whoever asked is gone
