"""The emulator on a real socket: a thin aiohttp face over `Dialect`, and control under `/_emulator`.

Example::

    async with Emulator() as emulator:
        ...  # emulator.url, emulator.token, emulator.world, emulator.ledger, emulator.faults
"""

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Coroutine, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Self, TypeVar

from aiohttp import web

from zadig_async.emulator.clock import Clock, LoopClock, ManualClock
from zadig_async.emulator.dialect import Dialect
from zadig_async.emulator.exchange import Answer, Dropped, Garbage, Request, Response, Stream, json_body
from zadig_async.emulator.faults import Fault, FaultError, Faults
from zadig_async.emulator.ledger import Ledger
from zadig_async.emulator.script import Script, ScriptError
from zadig_async.emulator.world import World

__all__ = ["Emulator"]

T = TypeVar("T")

_SERVER_NAME = "istio-envoy"
_CONTROL = "/_emulator/"
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
_LARGEST_BODY = 64 * 1024 * 1024


class Emulator:
    """A small Zadig on 127.0.0.1.

    `port` 0 takes a free one; without a `clock` world time follows the loop at `speed`.

    Raises:
        ScriptError: when built from a scenario that cannot be used.
    """

    def __init__(
        self,
        script: Script | Mapping[str, Any] | str | os.PathLike[str] | None = None,
        *,
        clock: Clock | None = None,
        speed: float = 1.0,
        port: int = 0,
    ) -> None:
        self.script = Script.load(script)
        self.clock: Clock = LoopClock(speed=speed) if clock is None else clock
        self.faults = Faults()
        self._wanted_port = port
        self._port: int | None = None
        self._dialect: Dialect | None = None
        self._runner: web.ServerRunner | None = None
        self._busy: set[asyncio.Task[Any]] = set()
        self._streams: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Begin the world and listen.

        Raises:
            OSError: the port is taken.
        """
        if self._runner is not None:
            return
        self._begin_world(self.script)
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", self._wanted_port)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = int(runner.addresses[0][1])

    async def close(self) -> None:
        """Stop listening and break every open connection. May be called any number of times."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        doomed = [*self._busy, *self._streams]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        await runner.cleanup()

    @property
    def url(self) -> str:
        """Where it listens, `http://127.0.0.1:PORT`.

        Raises:
            RuntimeError: it has not been started.
        """
        if self._port is None:
            raise RuntimeError("the emulator has not been started")
        return f"http://127.0.0.1:{self._port}"

    @property
    def token(self) -> str:
        """The first token of the first user."""
        return next(token for user in self.script.users for token in user.tokens)

    @property
    def dialect(self) -> Dialect:
        """The face behind the socket.

        Raises:
            RuntimeError: it has not been started.
        """
        if self._dialect is None:
            raise RuntimeError("the emulator has not been started")
        return self._dialect

    @property
    def world(self) -> World:
        """The present world, moved to the present moment."""
        world = self.dialect.world
        world.advance(self.clock.now())
        return world

    @property
    def ledger(self) -> Ledger:
        """What truly happened in the present world."""
        return self.dialect.ledger

    def _begin_world(self, script: Script) -> None:
        self.script = script
        self._dialect = Dialect(World(script, self.clock.now()), self.clock, faults=self.faults)

    async def _handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        body = await _read_body(incoming)
        request = Request(
            method=incoming.method, target=incoming.raw_path, headers=dict(incoming.headers), body=body
        )
        if request.target.startswith(_CONTROL):
            return self._plain(self._control(request, incoming.host))
        try:
            return await self._send(incoming, await self._answer(request))
        except Dropped as broken:
            _break(incoming, hard=broken.hard)
            return web.Response()  # goes nowhere: aiohttp finds the connection closed

    async def _send(self, incoming: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        match answer:
            case Stream():
                return await self._track(self._streams, self._send_stream(incoming, answer))
            case Garbage():
                _transport_of(incoming).write(answer.data)
                raise Dropped("garbage was sent")
            case Response() if answer.declared_length is not None:
                _transport_of(incoming).write(self._head(answer, answer.declared_length) + answer.body)
                raise Dropped("the answer was cut short")
            case _:
                return self._plain(answer)

    async def _answer(self, request: Request) -> Answer:
        """Answer even if the client has gone: a server that has taken a request finishes it.

        Reading is the exception, nobody would notice; so an abandoned stream does not wait for its pod.
        """
        task = asyncio.ensure_future(self.dialect.respond(request))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if request.method == "GET":
                task.cancel()
            else:
                task.add_done_callback(_forget)
            raise

    async def _track(self, group: set[asyncio.Task[Any]], work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        group.add(task)
        task.add_done_callback(group.discard)
        return await task

    def _headers(self, answer: Response | Stream) -> dict[str, str]:
        """The headers of an answer; its date is of the world, as are the times that stand in bodies."""
        headers = {**answer.headers, "Server": _SERVER_NAME}
        if "date" not in {name.lower() for name in headers}:
            headers["Date"] = formatdate(self.clock.now(), usegmt=True)
        return headers

    def _head(self, answer: Response | Stream, length: int | None) -> bytes:
        headers = self._headers(answer)
        if length is None:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(length)
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _plain(self, answer: Response) -> web.Response:
        return web.Response(status=answer.status, headers=self._headers(answer), body=answer.body)

    async def _send_stream(self, incoming: web.BaseRequest, answer: Stream) -> web.StreamResponse:
        async with contextlib.aclosing(answer.events) as events:
            if not answer.headers:
                # aiohttp insists on a content type; the server's silent answer has none
                _transport_of(incoming).write(self._head(answer, None))
                async for _ in events:
                    pass
            response = web.StreamResponse(status=answer.status, headers=self._headers(answer))
            await response.prepare(incoming)
            async for piece in events:
                await response.write(piece)
            return response

    def _control(self, request: Request, host: str) -> Response:
        """Serve `/_emulator/…`, but only under a loopback name: no DNS rebinding, and no foreign web page."""
        origin = request.header("Origin")
        callers = [host] if origin is None else [host, origin.partition("://")[2]]
        for caller in callers:
            name = caller if caller.endswith("]") else caller.rsplit(":", 1)[0]
            if name not in _LOOPBACK_NAMES:
                return json_body({"error": f"control is refused to {caller!r}"}, 403)
        match request.method, request.path.removeprefix(_CONTROL):
            case "GET", "ledger":
                return json_body(self.ledger.as_json())
            case "PUT", "scenario":
                return self._replace_scenario(request.body)
            case "POST", "faults":
                return self._order_faults(request.body)
            case "DELETE", "faults":
                self.faults.clear()
                return json_body({"faults": 0})
            case "POST", "clock":
                return self._move_clock(request.body)
            case _:
                return json_body({"error": f"no control {request.method} {request.path}"}, 404)

    def _replace_scenario(self, body: bytes) -> Response:
        try:
            script = Script.parse(body.decode("utf-8"))
        except UnicodeDecodeError:
            return json_body({"error": "the scenario is not UTF-8"}, 400)
        except ScriptError as failure:
            return json_body({"error": str(failure)}, 400)
        for stream in self._streams:
            stream.cancel()
        self.faults.clear()
        self._begin_world(script)
        return json_body({"projects": [project.key for project in script.projects]})

    def _order_faults(self, body: bytes) -> Response:
        try:
            value = json.loads(body)
            for item in value if isinstance(value, list) else [value]:
                self.faults.add(Fault.from_json(item))
        except (json.JSONDecodeError, UnicodeDecodeError, FaultError) as failure:
            return json_body({"error": str(failure)}, 400)
        return json_body({"faults": len(self.faults)})

    def _move_clock(self, body: bytes) -> Response:
        if not isinstance(self.clock, ManualClock):
            return json_body({"error": "this clock moves by itself"}, 409)
        try:
            seconds = json.loads(body)["advance"]
            self.clock.advance(float(seconds))
        except (ValueError, TypeError, KeyError) as failure:
            return json_body({"error": f'expected {{"advance": seconds}}: {failure}'}, 400)
        return json_body({"now": self.world.now})


def _forget(task: "asyncio.Task[Any]") -> None:
    """Take note of how an unattended request ended, so that nobody warns about it."""
    if not task.cancelled():
        task.exception()


async def _read_body(incoming: web.BaseRequest) -> bytes:
    pieces: list[bytes] = []
    size = 0
    chunks: AsyncIterator[bytes] = incoming.content.iter_any()
    async for piece in chunks:
        size += len(piece)
        if size > _LARGEST_BODY:
            raise web.HTTPRequestEntityTooLarge(max_size=_LARGEST_BODY, actual_size=size)
        pieces.append(piece)
    return b"".join(pieces)


def _transport_of(incoming: web.BaseRequest) -> asyncio.Transport:
    transport = incoming.transport
    if not isinstance(transport, asyncio.Transport) or transport.is_closing():
        raise Dropped("the client has gone")
    return transport


def _break(incoming: web.BaseRequest, *, hard: bool) -> None:
    """Close the connection.

    With RST, as a process that was killed, or with FIN after what has been written.
    """
    transport = incoming.transport
    if transport is None:
        return
    if not hard:
        transport.close()
        return
    channel: socket.socket | None = transport.get_extra_info("socket")
    if channel is not None:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
