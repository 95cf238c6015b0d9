"""What is not spoiled passes `FaultProxy` as if it were not there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from operator import methodcaller
from typing import Final

import aiohttp
import pytest
from aiohttp import web

from tests.emulator.worlds import until
from tests.support.fault_bench import (
    CHUNKED,
    GET,
    HEADED,
    HOST,
    LAST,
    NEVER,
    POST,
    SERVE,
    WHOLE,
    between,
    calling,
    every,
    lines,
    nth,
    serving,
)
from tests.support.fault_courier import Courier, reset
from tests.support.fault_proxy import Choose, Fault, FaultProxy, Spoil
from tests.support.raw_server import CLOSE, HANG, READ, RESET, Drip, RawServer, Script, Send, answer

ENDING = {
    "sized": (GET, WHOLE),
    "after a body": (POST, WHOLE),
    "in chunks": (GET, CHUNKED),
    "no content": (POST, b"HTTP/1.1 204 No Content\r\n\r\n"),
    "not modified": (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n"),
    "to HEAD": (b"HEAD /one" + HOST + b"\r\n", HEADED + b"Content-Length: 12\r\n\r\n"),
    "after an interim one": (POST, b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE),
    "refused": (GET, answer(b"{}", "500 Oh")),
}
CLOSING = {
    "until it closes": HEADED + b"\r\nsome text",
    "cut": WHOLE[:-3],
    "cut in chunks": CHUNKED[:-9],
    "no HTTP": b"220 mail.example ESMTP\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize(("request_bytes", "reply"), ENDING.values(), ids=ENDING.keys())
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_an_answer_passes_and_its_end_is_known(request_bytes: bytes, reply: bytes, size: int) -> None:
    # The second request is answered by the proxy, which it can do only once it knows the first is over.
    choose = nth({2: Spoil(Fault.BAD_GATEWAY_BEFORE)})
    async with between(choose, [READ, Drip(reply, size, 0), HANG]) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(request_bytes)
            await caller.hear(reply)
            caller.say(LAST)
            assert (await caller.to_the_end()).startswith(b"HTTP/1.1 502 ")
        assert (len(server.requests), proxy.requests, proxy.connections) == (1, 2, 1)


@pytest.mark.parametrize("reply", CLOSING.values(), ids=CLOSING.keys())
async def test_an_answer_passes_to_its_fin(reply: bytes) -> None:
    async with between(None, [READ, Send(reply), CLOSE]) as (_, proxy), calling(proxy.port) as caller:
        caller.say(GET)
        assert await caller.to_the_end() == reply


@pytest.mark.parametrize("reply", [b"", WHOLE[:9], HEADED + b"\r\nsome"])
async def test_rst_passes_as_rst(reply: bytes) -> None:
    async with between(None, [READ, Send(reply), RESET]) as (_, proxy), calling(proxy.port) as caller:
        caller.say(GET)
        with pytest.raises(ConnectionResetError):
            await caller.to_the_end()


async def test_requests_arrive_as_they_were_sent() -> None:
    odd = (
        b"PUT /a%2Fb?c=%00 HTTP/1.1\r\nhost:x\r\nX-A:  b \r\nCONTENT-LENGTH: 300000\r\n\r\n"
        + b"\r\n\r\n" * 75_000
    )
    seen = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            seen.extend(data)
            if len(seen) in {len(odd), len(odd) + len(POST)}:
                writer.write(WHOLE)

    async with serving(serve) as port, FaultProxy("127.0.0.1", port) as proxy, calling(proxy.port) as caller:
        for start in range(0, len(odd), 50_001):
            caller.say(odd[start : start + 50_001])
            await asyncio.sleep(0)
        await caller.hear(WHOLE)
        for at in range(len(POST)):
            caller.say(POST[at : at + 1])
            await caller.writer.drain()
            await asyncio.sleep(0)
        await caller.hear(WHOLE)
        assert bytes(seen) == odd + POST
        assert (proxy.requests, proxy.connections) == (2, 1)


async def test_an_answer_may_overtake_its_request() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(WHOLE)
        await reader.readexactly(4)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED)
        await reader.read()

    async with serving(serve) as port, FaultProxy("127.0.0.1", port) as proxy, calling(proxy.port) as caller:
        caller.say(POST[:-4])
        await caller.hear(WHOLE)
        caller.say(POST[-4:] + GET)
        await caller.hear(CHUNKED)


async def test_pipelined_requests_are_answered_in_order() -> None:
    choose = nth({2: Spoil(Fault.BAD_GATEWAY_BEFORE), 4: Spoil(Fault.DELAY, seconds=0)})
    replies = [answer(b"first"), CHUNKED, answer(b"fourth"), answer(b"last")]
    script = [step for reply in replies for step in (READ, Send(reply))]
    async with between(choose, [*script, CLOSE]) as (server, proxy), calling(proxy.port) as caller:
        caller.say(GET + POST + b"PUT /three" + HOST + b"\r\n" + b"GET /four" + HOST + b"\r\n" + LAST)
        heard = await caller.to_the_end()
        assert lines(server) == [b"/one", b"/three", b"/four", b"/last"]
        first, rest = heard[: len(replies[0])], heard[len(replies[0]) :]
        page, after = rest.split(b"\r\n\r\n", 1)
        assert first == replies[0]
        assert page.startswith(b"HTTP/1.1 502 ")
        assert after.endswith(b"".join(replies[1:]))
        assert server.connections == 1


async def test_what_is_no_request_passes_too() -> None:
    refusal = answer(b"what?", "400 Bad Request")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"EHLO me\r\n"
        writer.write(refusal)
        await writer.drain()
        writer.close()

    async with (
        serving(serve) as port,
        FaultProxy("127.0.0.1", port, every(Fault.RESET_BEFORE)) as proxy,
        calling(proxy.port) as caller,
    ):
        caller.say(b"EHLO me\r\n")
        assert await caller.to_the_end() == refusal
        assert (proxy.requests, proxy.done) == (0, [])


async def test_a_server_may_speak_without_being_asked() -> None:
    goodbye = answer(b"", "408 Request Timeout")
    async with (
        between(None, [READ, Send(WHOLE + goodbye), CLOSE]) as (_, proxy),
        calling(proxy.port) as caller,
    ):
        caller.say(GET)
        assert await caller.to_the_end() == WHOLE + goodbye


async def test_a_client_that_leaves_is_missed() -> None:
    for leave in (asyncio.StreamWriter.write_eof, asyncio.StreamWriter.close):
        async with between(None, [READ, HANG]) as (server, proxy), calling(proxy.port) as caller:
            caller.say(GET)
            await server.received(1)
            leave(caller.writer)
            await server.left.wait()


async def test_a_client_that_only_finished_gets_its_answers() -> None:
    slow: Script = [READ, Drip(WHOLE, 20, 0.001), READ, Send(WHOLE), HANG]
    async with between(None, slow) as (server, proxy), calling(proxy.port) as caller:
        caller.say(GET + POST)
        caller.writer.write_eof()
        assert await caller.to_the_end() == WHOLE + WHOLE
        await server.left.wait()


@pytest.mark.parametrize("leave", [methodcaller("close"), reset], ids=["FIN", "RST"])
async def test_a_request_of_a_client_that_left_at_once_still_arrives(
    leave: Callable[[asyncio.WriteTransport], None],
) -> None:
    async with between(None, [READ, HANG]) as (server, proxy), calling(proxy.port) as caller:
        caller.say(POST)
        leave(caller.writer.transport)
        await server.received(1)
        await server.left.wait()


async def test_without_a_server_the_client_is_reset() -> None:
    async with RawServer(SERVE) as server:
        port = server.port
    for choose in (None, every(Fault.CUT, size=9)):
        async with FaultProxy("127.0.0.1", port, choose) as proxy, calling(proxy.port) as caller:
            caller.say(GET)
            if choose is None:
                with pytest.raises(ConnectionResetError):
                    await caller.to_the_end()
            else:
                assert await caller.to_the_end() == b""


MUCH: Final = 64 * 1024 * 1024
"""Bytes; more than the kernel takes for sockets that nobody reads from."""


class Source:
    """A server that answers with much, as fast as it is taken."""

    sent = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEADED + b"Content-Length: %d\r\n\r\n" % MUCH)
        while self.sent < MUCH:
            writer.write(bytes(65_536))
            self.sent += 65_536
            await writer.drain()
        await reader.read()


async def stuck(progress: Callable[[], int]) -> None:
    """Wait until something has stopped moving."""
    still, last = 0, -1
    while still < 30:
        await asyncio.sleep(0.001)
        still, last = (still + 1, last) if progress() == last else (0, progress())


def held(proxy: FaultProxy) -> int:
    """Bytes that the proxy holds because somebody does not take them."""
    transports = list(proxy._courier._open)
    return sum(transport.get_write_buffer_size() for transport in transports)


@pytest.mark.parametrize("choose", [None, every(Fault.DELAY, seconds=0)], ids=["clean", "delayed"])
async def test_a_server_waits_for_a_slow_client(choose: Choose | None) -> None:
    source = Source()
    async with (
        serving(source.serve) as port,
        FaultProxy("127.0.0.1", port, choose) as proxy,
        calling(proxy.port) as caller,
    ):
        caller.say(GET)
        await caller.reader.readexactly(1)
        await stuck(lambda: source.sent)
        assert source.sent < MUCH
        assert held(proxy) < 1024 * 1024
        await caller.reader.readuntil(b"\r\n\r\n")
        left = MUCH
        while left:
            left -= len(await caller.reader.read(1024 * 1024))


async def test_a_server_waits_while_its_answer_drips() -> None:
    source = Source()
    choose = every(Fault.DRIP, size=1, seconds=NEVER)
    async with (
        serving(source.serve) as port,
        FaultProxy("127.0.0.1", port, choose) as proxy,
        calling(proxy.port) as caller,
    ):
        caller.say(GET)
        await caller.reader.readexactly(1)
        await stuck(lambda: source.sent)
        assert source.sent < MUCH


async def test_a_client_waits_for_a_slow_server() -> None:
    taking = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await taking.wait()
        await reader.readuntil(b"\r\n\r\n")
        left = MUCH
        while left:
            left -= len(await reader.read(1024 * 1024))
        writer.write(WHOLE)
        await reader.read()

    async with serving(serve) as port, FaultProxy("127.0.0.1", port) as proxy, calling(proxy.port) as caller:
        sent = 0

        async def upload() -> None:
            nonlocal sent
            caller.say(b"POST /" + HOST + b"Content-Length: %d\r\n\r\n" % MUCH)
            while sent < MUCH:
                caller.say(bytes(65_536))
                sent += 65_536
                await caller.writer.drain()

        task = asyncio.create_task(upload())
        await stuck(lambda: sent)
        assert sent < MUCH
        assert held(proxy) < 1024 * 1024
        taking.set()
        await task
        await caller.hear(WHOLE)


class Slow(Courier):
    """Takes its time to connect."""

    go: asyncio.Event

    async def connect(self, protocol: asyncio.Protocol) -> None:
        await self.go.wait()
        await super().connect(protocol)


@asynccontextmanager
async def slowly(port: int) -> AsyncIterator[tuple[FaultProxy, asyncio.Event]]:
    """A proxy that connects to its server when the event is set."""
    proxy = FaultProxy("127.0.0.1", port)
    proxy._courier = slow = Slow("127.0.0.1", port)
    slow.go = asyncio.Event()
    async with proxy:
        yield proxy, slow.go


async def test_a_client_waits_while_the_server_is_being_connected() -> None:
    async with RawServer(SERVE) as server, slowly(server.port) as (proxy, go), calling(proxy.port) as caller:
        sent = 0

        async def upload() -> None:
            nonlocal sent
            caller.say(b"POST /" + HOST + b"Content-Length: %d\r\n\r\n" % MUCH)
            while sent < MUCH:
                caller.say(bytes(65_536))
                sent += 65_536
                await caller.writer.drain()

        task = asyncio.create_task(upload())
        await stuck(lambda: sent)
        assert sent < MUCH
        go.set()
        await task
        await caller.hear(WHOLE)


@pytest.mark.parametrize("leave", [methodcaller("close"), reset], ids=["FIN", "RST"])
async def test_a_client_may_leave_while_the_server_is_being_connected(
    leave: Callable[[asyncio.WriteTransport], None],
) -> None:
    async with RawServer([READ, HANG]) as server, slowly(server.port) as (proxy, go):
        async with calling(proxy.port) as caller:
            caller.say(POST)
            await until(lambda: proxy.requests)
            leave(caller.writer.transport)
        await until(lambda: leave is not reset or not proxy._courier._open)
        go.set()
        await server.received(1)
        await server.left.wait()
        await until(lambda: not proxy._courier._open)


async def test_very_many_pipelined_requests_are_all_answered() -> None:
    count = 2500
    async with between(None) as (server, proxy), calling(proxy.port) as caller:
        caller.say(GET * count)
        await caller.hear(WHOLE * count)
        caller.say(POST)
        await caller.hear(WHOLE)
        assert (len(server.requests), server.connections) == (count + 1, 1)


async def test_many_pipelined_requests_are_not_hoarded() -> None:
    sent = 0
    async with between(None, [READ, HANG]) as (_, proxy), calling(proxy.port) as caller:

        async def flood() -> None:
            nonlocal sent
            while sent < MUCH:
                caller.say(GET * 2000)
                sent += len(GET) * 2000
                await caller.writer.drain()

        task = asyncio.create_task(flood())
        await stuck(lambda: sent)
        assert sent < MUCH
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_real_server_and_a_real_client() -> None:
    peers: list[str] = []

    async def echo(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        body = await request.read()
        if request.method == "DELETE":
            return web.Response(status=204)
        if request.path == "/chunks":
            response = web.StreamResponse()
            await response.prepare(request)
            for start in range(0, len(body), 1000):
                await response.write(body[start : start + 1000])
            return response
        return web.Response(body=body)

    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with FaultProxy("127.0.0.1", port) as proxy:
            direct = await _roundtrips(f"http://127.0.0.1:{port}")
            used = len(set(peers))
            peers.clear()
            assert await _roundtrips(proxy.url) == direct
            assert (proxy.requests, proxy.connections, len(set(peers))) == (len(direct), used, used)
            assert used < 4
    finally:
        await runner.cleanup()


async def _roundtrips(url: str) -> list[tuple[int, bytes, tuple[str, ...]]]:
    """Ask in several ways; return what was answered, with the headers but not their date."""
    heard = []
    async with aiohttp.ClientSession(url) as session:
        for body in (b"", b"x", bytes(range(256)) * 1200):
            for method, path in (("POST", "/a"), ("PUT", "/chunks"), ("DELETE", "/a"), ("HEAD", "/a")):
                async with session.request(method, path, data=body) as reply:
                    received = await reply.read()
                    assert received == (body if method in {"POST", "PUT"} else b"")
                    fields = (f"{name}: {value}" for name, value in reply.headers.items() if name != "Date")
                    heard.append((reply.status, received, tuple(fields)))
    return heard
