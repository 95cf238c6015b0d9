"""`HttpCarrier`: calls over HTTP with aiohttp, and the border at which aiohttp's exceptions end.

Those exceptions carry request headers in `args` and `repr`, the token among them, so none of them and
nothing they say leaves this module: each becomes one of our errors, in words written here, raised only
after the handler that caught it is left, so that it is not the new error's `__context__` either.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import lru_cache
from typing import Any, Final, NoReturn, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
import attrs
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDictProxy
from yarl import URL

from zadig_async.errors import ConfigError, ConnectError, DecodeError, ZadigError
from zadig_async.model.secret import MASK
from zadig_async.transport.base import ByteStream
from zadig_async.transport.dns import Lookups
from zadig_async.transport.explain import BROKEN, Unrepeated, explain
from zadig_async.transport.inflate import Inflater, too_large
from zadig_async.transport.options import Connection, Limits, Timeouts
from zadig_async.transport.sockets import probing_socket
from zadig_async.wire.call import AnyCall, Lane, Reply

T = TypeVar("T")

SocketFactory = Callable[[tuple[Any, ...]], socket.socket]
"""Makes the unconnected socket for one `getaddrinfo` row."""

KEEPALIVE_SECONDS: Final = 15.0
"""How long an idle connection is kept; below the idle limit of common gateways, so ours ends first."""

STREAM_BUFFER: Final = 16 * 1024
"""Bytes of a stream waiting to be read at which the server is let go on; at twice that it is made to wait.

aiohttp's own figure is 256 KiB. Below that mark aiohttp 3.14 does extra work for each HTTP chunk, and Zadig
sends one for each line: with 16 KiB a line costs a third less, and what is read stays in the CPU cache.
"""

_BUFFER: Final = 256 * 1024
"""The same for whole answers: aiohttp's own figure."""


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating GET, PUT and DELETE by itself when a connection is lost.

    It does so once for each request, on a fresh connection too: a cancelled task would be cancelled
    twice, and the retry budget would count half of what is sent.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # not sent, and not repeated by aiohttp either
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        lost = Unrepeated(type(error).__name__, getattr(error, "errno", None))
    raise lost


class _Resolver(AbstractResolver):
    """Gives `Lookups` the shape aiohttp wants."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        rows = await self._lookups.find(host, port, family)
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(
                hostname=host, host=row[4][0], port=row[4][1], family=row[0], proto=row[2], flags=numeric
            )
            for row in rows
        ]

    async def close(self) -> None:
        """Nothing is held: look-ups under way are in daemon threads."""


def _headers(received: "CIMultiDictProxy[str]") -> dict[str, str]:
    return {name.lower(): value for name, value in received.items()}


async def _body(response: aiohttp.ClientResponse, call: AnyCall) -> bytes:
    """Read a whole body under the call's cap, inflating it if a gateway compressed it.

    Raises:
        DecodeError: The body is too large, or compressed in a way that cannot be undone.
    """
    encoding = response.headers.get("Content-Encoding", "")
    limit = call.max_reply
    size = response.content_length
    if size is not None and size > limit:
        raise too_large(limit, call=call.label, status=response.status)
    pieces: list[bytes] = []
    try:
        if not encoding:
            total = 0
            while chunk := await response.content.readany():
                total += len(chunk)
                if total > limit:
                    raise too_large(limit, call=call.label, status=response.status)
                pieces.append(chunk)
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        inflater = Inflater(encoding, call=call.label, status=response.status)
        while chunk := await response.content.readany():
            pieces.extend(inflater.feed(chunk, limit))
        inflater.finish()
        return b"".join(pieces)
    except DecodeError:
        pieces.clear()  # the error's traceback holds on to this frame, and it may be kept for long
        raise


class _Stream:
    """A call whose answer keeps coming: once entered, it is open and its own `ByteStream`.

    A class of its own, because a generator made a context manager takes 2 KB more for as long as it is open.
    """

    __slots__ = ("_call", "_carrier", "_response", "_slots", "head")

    head: Reply
    _response: aiohttp.ClientResponse
    _slots: asyncio.Semaphore

    def __init__(self, carrier: "HttpCarrier", call: AnyCall) -> None:
        self._carrier = carrier
        self._call = call

    async def __aenter__(self) -> Self:
        self._slots, self._response, self.head = await self._carrier._open_stream(self._call)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._response.close()
        self._slots.release()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._inflated() if self.head.header("content-encoding") else self

    async def __anext__(self) -> bytes:
        chunk = await self._read()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def _read(self) -> bytes:
        """Return what came since the last time, waiting for it; nothing at the end of the body."""
        try:
            return await self._response.content.readany()
        except BROKEN as error:
            failure = explain(error, self._call, self._carrier._server)
        raise failure

    async def _inflated(self) -> AsyncIterator[bytes]:
        encoding = self.head.header("content-encoding")
        inflater = Inflater(encoding, call=self._call.label, status=self.head.status)
        while chunk := await self._read():
            for piece in inflater.feed(chunk):
                yield piece
        inflater.finish()


@attrs.frozen(eq=False)
class _Pool:
    """The connections of one lane.

    The slots are ours and aiohttp's own limit is off: waiting for a free connection then does not eat
    up the time-out for connecting, and is not mistaken for a server that does not answer.
    """

    session: aiohttp.ClientSession
    slots: asyncio.Semaphore


class HttpCarrier:
    """Carries calls over HTTP, with three separate pools of connections: writes, reads and streams.

    Redirects are never followed, cookies never kept, proxies and `.netrc` never taken from the
    environment, TLS always verified. Every request is on the wire at most once for one `send`.

    It belongs to the event loop of its first call and must be closed with `aclose`.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen, so sharing the default is safe
        limits: Limits = Limits(),  # noqa: B008 - frozen, so sharing the default is safe
        socket_factory: SocketFactory = probing_socket,
        lookups: Lookups | None = None,
    ) -> None:
        """Check what can be checked without a connection; the first socket is opened by the first call.

        Args:
            connection: Where the server is and who we are.
            timeouts: How long to wait, in seconds.
            limits: How many connections may be open at once.
            socket_factory: Makes sockets; for tests and unusual networks.
            lookups: Finds addresses; for tests and unusual networks.
        """
        self._connection = connection
        self._timeouts = timeouts
        self._limits = limits
        self._socket_factory = socket_factory
        self._resolver = _Resolver(lookups or Lookups())
        self._tls: ssl.SSLContext | bool = True
        if connection.url.startswith("https:"):
            self._tls = ssl.create_default_context(cafile=connection.ca_file)
            self._tls.set_alpn_protocols(["http/1.1"])
            # Python takes SSLKEYLOGFILE from the environment, and who can read that file can read us.
            self._tls.keylog_filename = None  # type: ignore[assignment]  # typeshed leaves out that None ends it
        parts = urlsplit(connection.url)
        self._server = parts.netloc
        self._prefix = parts.path
        # A watch asks for the same few targets again and again, and a URL remembers its parts.
        self._urls = lru_cache(maxsize=4096)(self._make_url)
        self._pools: dict[Lane, _Pool] = {}
        self._closed = False
        # Built once: a ClientTimeout made for each call costs a tenth of a small request.
        self._download = aiohttp.ClientTimeout(
            total=timeouts.write_total, connect=timeouts.connect, sock_read=timeouts.read
        )

    async def send(self, call: AnyCall) -> Reply:
        """Send a call once; see `Carrier.send`.

        A call that is not repeatable always travels in the write lane, whatever its own says. A call of
        the stream lane is read as a whole under the total time of a write: that is for downloads.

        Cancelling a call in flight closes its connection at once and settles nothing: the server may
        still act on it. Whoever sends a write shields it and keeps its answer.
        """
        lane = call.lane if call.repeatable else Lane.WRITE
        pool = self._pools.get(lane) or self._open_pool(lane)
        if lane is Lane.STREAM:
            self._refuse_when_full(pool, call)
        url = self._url(call)
        await pool.slots.acquire()
        try:
            if call.before_send is not None:
                call.before_send()  # asked before as well, but the wait for our turn may have been long
            response: aiohttp.ClientResponse | None = None
            try:
                response = await self._request(
                    pool, call, url, self._download if lane is Lane.STREAM else None
                )
                body = await _body(response, call)
                return Reply(
                    response.status, _headers(response.headers), self._without_token(response.status, body)
                )
            except BROKEN as error:
                failure: ZadigError = explain(error, call, self._server)
            finally:
                if response is not None:
                    response.close()  # a body read to the end has given its connection back by itself
        finally:
            pool.slots.release()
        raise failure

    def stream(self, call: AnyCall) -> AbstractAsyncContextManager[ByteStream]:
        """Open a call whose answer keeps coming; see `Carrier.stream`."""
        return _Stream(self, call)

    async def _open_stream(self, call: AnyCall) -> tuple[asyncio.Semaphore, aiohttp.ClientResponse, Reply]:
        """Return what an open stream is made of: where its slot goes back, the response, its head."""
        pool = self._pools.get(Lane.STREAM) or self._open_pool(Lane.STREAM)
        self._refuse_when_full(pool, call)
        url = self._url(call)
        await pool.slots.acquire()
        with ExitStack() as undo:
            undo.callback(pool.slots.release)
            response = await self._guarded(self._open(pool, call, url), call)
            undo.callback(response.close)
            body = b"" if response.status == 200 else await self._guarded(self._refusal(response, call), call)
            body = self._without_token(response.status, body)
            head = Reply(response.status, _headers(response.headers), body)
            undo.pop_all()
        return pool.slots, response, head

    async def _open(self, pool: _Pool, call: AnyCall, url: URL) -> aiohttp.ClientResponse:
        async with asyncio.timeout(self._timeouts.stream_open):
            return await self._request(pool, call, url, None)

    async def _refusal(self, response: aiohttp.ClientResponse, call: AnyCall) -> bytes:
        async with asyncio.timeout(self._timeouts.read):
            return await _body(response, call)

    def _without_token(self, status: int, body: bytes) -> bytes:
        """Mask the token in a refusal: who repeats there what we sent must not get it into our messages."""
        if status == 200:
            return body
        return body.replace(self._connection.token.reveal().encode(), MASK.encode())

    async def _guarded(self, step: Awaitable[T], call: AnyCall) -> T:
        try:
            return await step
        except BROKEN as error:
            failure = explain(error, call, self._server)
        raise failure

    async def aclose(self) -> None:
        """Close every connection. Calling it again does nothing; calls in flight fail."""
        self._closed = True
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.session.close()

    async def _request(
        self, pool: _Pool, call: AnyCall, url: URL, timeout: aiohttp.ClientTimeout | None
    ) -> aiohttp.ClientResponse:
        if pool.session.closed:
            self._refuse_closed()  # closed while this call waited for its turn
        headers = None if call.body is None else {"Content-Type": call.content_type}
        if timeout is None:
            return await pool.session.request(
                call.method, url, data=call.body, headers=headers, allow_redirects=False
            )
        return await pool.session.request(
            call.method, url, data=call.body, headers=headers, allow_redirects=False, timeout=timeout
        )

    def _url(self, call: AnyCall) -> URL:
        """Put prefix and target together and prove that just these go on the wire.

        Raises:
            ConfigError: They would not: the target is not a percent-encoded path and query.
        """
        url = self._urls(call.target)
        if url is None:
            raise ConfigError(f"{call.label}: the request path cannot be put on the wire as it is")
        return url

    def _make_url(self, target: str) -> URL | None:
        if target.startswith("/") and target.isascii() and target.isprintable() and " " not in target:
            url = URL(self._connection.url + target, encoded=True)
            if url.raw_path_qs == self._prefix + target:
                return url
        return None

    def _open_pool(self, lane: Lane) -> _Pool:
        if self._closed:
            self._refuse_closed()
        size = {
            Lane.WRITE: self._limits.write,
            Lane.POLL: self._limits.poll,
            Lane.STREAM: self._limits.stream,
        }[lane]
        keep = lane is Lane.POLL
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                ssl=self._tls,
                resolver=self._resolver,
                socket_factory=self._socket_factory,
                force_close=not keep,  # a connection that was never idle cannot have gone stale
                keepalive_timeout=KEEPALIVE_SECONDS if keep else None,
            ),
            headers={
                "Authorization": f"Bearer {self._connection.token.reveal()}",
                "Accept-Encoding": "identity",
                "User-Agent": self._connection.user_agent,
            },
            # Where a write has no body, aiohttp would guess a type for it.
            skip_auto_headers=() if keep else ("Content-Type",),
            timeout=self._client_timeout(lane),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=self._connection.proxy,
            trust_env=False,
            read_bufsize=STREAM_BUFFER if lane is Lane.STREAM else _BUFFER,
            auto_decompress=False,  # aiohttp's inflates without regard to our cap
            middlewares=(_send_once,),
        )
        pool = self._pools[lane] = _Pool(session, asyncio.Semaphore(size))
        return pool

    def _client_timeout(self, lane: Lane) -> aiohttp.ClientTimeout:
        waits = self._timeouts
        if lane is Lane.STREAM:
            return aiohttp.ClientTimeout(total=None, connect=waits.connect, sock_read=waits.stream_read)
        # No sock_read: it costs a timer for each chunk, and the total bounds silence too.
        total = waits.write_total if lane is Lane.WRITE else waits.poll_total
        return aiohttp.ClientTimeout(total=total, connect=waits.connect)

    def _refuse_when_full(self, pool: _Pool, call: AnyCall) -> None:
        if pool.slots.locked():
            raise ConnectError(
                f"{call.label}: {self._limits.stream} streams are open already, which is the limit set",
                call=call.label,
                hint="Close a stream, follow fewer logs at once, or raise Limits.stream.",
            )

    def _refuse_closed(self) -> NoReturn:
        raise ConfigError("this client is closed", hint="Use it inside its own `async with` block.")
