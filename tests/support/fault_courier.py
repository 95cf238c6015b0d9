"""What stands behind the links of a `FaultProxy`: the way to the server, late deliveries, and a clean end."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.support.http_ends import AnswerEnd

_LINGER_NOT: Final = struct.pack("ii", 1, 0)


def reset(transport: asyncio.WriteTransport) -> None:
    """Drop a connection with RST, throwing away what was not sent yet."""
    raw: socket.socket | None = transport.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()


class Courier:
    """Opens connections to the server, and ends all that was begun.

    Attributes:
        failures: What went wrong with the proxy itself.
        undelivered: How many late deliveries found no server, or no answer.
        closing: Whether nothing new is begun any more.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._open: set[asyncio.Transport] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()
        self._deadlines: set[asyncio.Timeout] = set()
        self.failures: list[BaseException] = []
        self.undelivered = 0
        self.closing = False

    def opened(self, transport: asyncio.Transport) -> None:
        """Take note of a connection, so that `close` can end it."""
        self._open.add(transport)

    def closed(self, transport: asyncio.Transport) -> None:
        """Take note that a connection is over."""
        self._open.discard(transport)

    def reset_all(self) -> None:
        """Drop every connection."""
        for transport in self._open:
            reset(transport)

    async def connect(self, protocol: asyncio.Protocol) -> None:
        """Open a connection to the server.

        Raises:
            OSError: There is no server.
        """
        await asyncio.get_running_loop().create_connection(lambda: protocol, self._host, self._port)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that ends with the proxy at the latest, and keep its failure."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def deliver(self, request: bytes, method: str, seconds: float) -> None:
        """Send a whole request some seconds from now, on a connection of its own."""
        if self.closing:
            return
        task = self.spawn(self._deliver(request, method, seconds))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def settled(self) -> None:
        """Wait until no late delivery is under way."""
        while self._late:
            await asyncio.wait(self._late)

    @asynccontextmanager
    async def limit(self, seconds: float) -> AsyncIterator[None]:
        """Cut what is done inside short after so many seconds, or at `hurry`.

        Raises:
            TimeoutError: It was cut short.
        """
        async with asyncio.timeout(seconds) as deadline:
            self._deadlines.add(deadline)
            try:
                yield
            finally:
                self._deadlines.discard(deadline)

    async def pause(self, seconds: float) -> None:
        """Wait so many seconds, or until `hurry`."""
        try:
            async with self.limit(seconds):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            return

    def hurry(self) -> None:
        """Let every wait and limit under way be over."""
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(asyncio.get_running_loop().time())

    async def close(self) -> None:
        """End everything, and wait until it has ended."""
        self.closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.reset_all()
        while self._open:  # noqa: ASYNC110 - the loop tells of each end in its next round
            await asyncio.sleep(0)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.failures.append(failure)

    async def _deliver(self, request: bytes, method: str, seconds: float) -> None:
        await self.pause(seconds)
        delivery = _Delivery(self, request, method)
        try:
            await self.connect(delivery)
        except OSError:
            self.undelivered += 1
            return
        if not await delivery.answered:
            self.undelivered += 1


class _Delivery(asyncio.Protocol):
    """Sends one request and throws its answer away.

    Attributes:
        answered: Whether an answer began, known when the connection is over. An answer of unknown length is
            not heard to its end: it may have none.
    """

    def __init__(self, courier: Courier, request: bytes, method: str) -> None:
        self._courier = courier
        self._request = request
        self._end = AnswerEnd(method)
        self.answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._courier.opened(transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._end.take(data)
        if self._end.done or (self._end.begun and self._end.endless):
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._courier.closed(self._transport)
        if not self.answered.done():
            self.answered.set_result(self._end.begun)
