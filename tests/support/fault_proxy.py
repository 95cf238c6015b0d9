"""A TCP proxy on loopback that spoils chosen HTTP exchanges, for faults that happen between two machines.

    async with Emulator() as emulator, FaultProxy.before(emulator.url, Dice(1, 0.05, list(Fault))) as proxy:
        ...  # a client of proxy.url
        await proxy.settled()
        print(proxy.counts, emulator.ledger.tasks)

What is not spoiled passes as it comes, byte for byte: request and answer bodies of any size, answers in
chunks, live streams, FIN and RST. Each connection of a client has one to the server, opened with its first
request that is passed on; where that finds no server, the client gets RST. It speaks no TLS, and knows
nothing of `Upgrade` and `CONNECT`.
"""

import asyncio
import ipaddress
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self
from urllib.parse import urlsplit

from tests.support.fault_courier import Courier, reset
from tests.support.fault_link import Link
from tests.support.fault_spoils import Choose, Dice, Exchange, Fault, Spoil, cut_streams

__all__ = ["Choose", "Dice", "Exchange", "Fault", "FaultProxy", "Spoil", "cut_streams"]

_HERE: Final = "127.0.0.1"

_BACKLOG: Final = 1024
"""Connections to keep for us: a client of many tasks opens hundreds at a time."""

_ROUNDS_TO_ACCEPT: Final = 4
"""Rounds of the event loop from an accepted socket to `connection_made`, and one more to close it."""


class FaultProxy:
    """See the module.

    Attributes:
        choose: Asked once for each request, when its head is complete; None lets all pass. May be changed
            at any time. What it raises ends the connection, and is raised again when the proxy closes.
        port: TCP port on 127.0.0.1; one that is free.
        done: Every exchange spoiled, in the order in which they were begun.
        requests: How many requests came, in all.
        connections: How many connections were accepted; those refused are not counted.
        refused: How many connections were refused at once.
    """

    def __init__(self, host: str, port: int, choose: Choose | None = None) -> None:
        """Make a proxy, which listens once it is entered.

        Args:
            host: Address of the server; a loopback one.
            port: Its port.
            choose: Says what to spoil.

        Raises:
            ValueError: The server is not on this machine.
        """
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"{host} is not this machine")
        self.choose = choose
        self.port = 0
        self.done: list[tuple[Exchange, Spoil]] = []
        self.requests = 0
        self.connections = 0
        self.refused = 0
        self._to_refuse = 0
        self._courier = Courier(host, port)

    @classmethod
    def before(cls, url: str, choose: Choose | None = None) -> Self:
        """Make a proxy before the server with this base URL; otherwise as the constructor.

        Raises:
            ValueError: The server is not on this machine, or speaks TLS.
        """
        parts = urlsplit(url)
        if parts.scheme != "http":
            raise ValueError(f"{url}: only plain http can be spoiled")
        return cls(parts.hostname or "", parts.port or 80, choose)

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://{_HERE}:{self.port}"

    @property
    def counts(self) -> Counter[Fault]:
        """How many exchanges were spoiled in each way."""
        return Counter(spoil.kind for _, spoil in self.done)

    @property
    def undelivered(self) -> int:
        """How many late deliveries found no server, or no answer."""
        return self._courier.undelivered

    def refuse(self, count: int) -> None:
        """Greet so many further connections with RST, before a byte of them is read.

        The client has connected by then and may have sent its request; for one that cannot connect at all
        there is `down`.
        """
        self._to_refuse += count

    @asynccontextmanager
    async def down(self) -> AsyncIterator[None]:
        """Listen no more: every connection is reset, and new ones are refused until this is left."""
        await self._deafen()
        self._courier.reset_all()
        try:
            yield
        finally:
            if not self._courier.closing:
                await self._listen()

    async def settled(self) -> None:
        """Wait until no late delivery is under way.

        Late are requests of DELIVER_LATE and GATEWAY_TIMEOUT, the doubles of DUPLICATE, and those of DELAY
        whose client has left.
        """
        await self._courier.settled()

    def hurry(self) -> None:
        """Do now what is to be done some seconds later: deliver, pass on, cut."""
        self._courier.hurry()

    async def __aenter__(self) -> Self:
        # Bound but deaf, it keeps the port for us while we are down: connecting to it is refused, and
        # nobody gets it as a source port.
        self._place = self._bound(0)
        self.port = self._place.getsockname()[1]
        try:
            await self._listen()
        except BaseException:
            self._place.close()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close every connection and drop late deliveries.

        Raises:
            Exception: The first thing that went wrong with the proxy itself, or in `choose`.
        """
        await self._deafen()
        await self._courier.close()
        await self._listener.wait_closed()
        self._place.close()
        if self._courier.failures:
            raise self._courier.failures[0]

    async def _listen(self) -> None:
        self._listener = await asyncio.get_running_loop().create_server(
            self._accept, sock=self._bound(self.port), backlog=_BACKLOG
        )

    async def _deafen(self) -> None:
        """Stop listening, but first let those in whom asyncio has accepted without telling us yet.

        It would forget the sockets of those it is about to make a transport for when its server closes.
        """
        for channel in self._listener.sockets:
            asyncio.get_running_loop().remove_reader(channel)
        for _ in range(_ROUNDS_TO_ACCEPT):
            await asyncio.sleep(0)
        self._listener.close()

    @staticmethod
    def _bound(port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((_HERE, port))
        except BaseException:
            made.close()
            raise
        return made

    def _accept(self) -> asyncio.Protocol:
        if self._to_refuse:
            self._to_refuse -= 1
            self.refused += 1
            return _Refusal()
        self.connections += 1
        return Link(self._courier, self._decide)

    def _decide(self, method: str, target: str) -> tuple[Exchange, Spoil] | None:
        self.requests += 1
        if self.choose is None:
            return None
        exchange = Exchange(self.requests, method, target)
        try:
            spoil = self.choose(exchange)
        except Exception as error:
            self._courier.failures.append(error)
            raise
        if spoil is None:
            return None
        order = exchange, spoil
        self.done.append(order)
        return order


class _Refusal(asyncio.Protocol):
    """Drops its connection at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        reset(transport)
