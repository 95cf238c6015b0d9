"""What each fault of `FaultProxy` does at both ends, byte by byte."""

import asyncio

import pytest

from tests.emulator.worlds import until
from tests.support.fault_bench import (
    CHUNKED,
    GET,
    HEADED,
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
from tests.support.fault_proxy import Fault, FaultProxy, Spoil
from tests.support.raw_server import CLOSE, HANG, READ, RESET, Drip, RawServer, Script, Send, Step, answer


@pytest.mark.parametrize("request_bytes", [GET, POST])
async def test_reset_before(request_bytes: bytes) -> None:
    async with between(every(Fault.RESET_BEFORE)) as (server, proxy), calling(proxy.port) as caller:
        caller.say(request_bytes[:-1])
        assert await caller.silent()
        caller.say(request_bytes[-1:])
        with pytest.raises(ConnectionResetError):
            await caller.to_the_end()
        assert (server.connections, server.requests) == (0, [])
        assert proxy.counts == {Fault.RESET_BEFORE: 1}


async def test_reset_after() -> None:
    async with between(every(Fault.RESET_AFTER)) as (server, proxy), calling(proxy.port) as caller:
        caller.say(POST)
        with pytest.raises(ConnectionResetError):
            await caller.to_the_end()
        assert [(request.line, request.body) for request in server.requests] == [
            (b"POST /two HTTP/1.1", b"body")
        ]


@pytest.mark.parametrize("reply", [WHOLE, CHUNKED, b"HTTP/1.1 204 No Content\r\n\r\n"])
async def test_cut_by_size_at_every_byte_but_never_whole(reply: bytes) -> None:
    sizes = [*range(len(reply) + 1), len(reply) + 1, 10 * len(reply)]
    spoils = {number: Spoil(Fault.CUT, size=size) for number, size in enumerate(sizes, 1)}
    async with between(nth(spoils), [READ, Drip(reply, 30, 0), HANG]) as (server, proxy):
        for size in sizes:
            async with calling(proxy.port) as caller:
                caller.say(GET)
                assert await caller.to_the_end() == reply[: min(size, len(reply) - 1)]
        assert len(server.requests) == len(sizes)


async def test_cut_by_time() -> None:
    stream = HEADED + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"
    async with between(every(Fault.CUT, seconds=NEVER), [READ, Send(stream), HANG]) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(GET)
            await caller.hear(stream)
            assert await caller.silent()
            proxy.hurry()
            assert await caller.to_the_end() == b""
        await server.left.wait()


async def test_cut_by_time_by_itself() -> None:
    async with between(every(Fault.CUT, seconds=0.01), [READ, HANG]) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(GET)
            assert await caller.to_the_end() == b""
        await server.left.wait()


async def test_cut_by_time_comes_too_late_for_an_answer_that_is_over() -> None:
    async with between(every(Fault.CUT, seconds=NEVER)) as (_, proxy), calling(proxy.port) as caller:
        for _ in range(2):
            caller.say(GET)
            await caller.hear(WHOLE)
        assert proxy.connections == 1


async def test_cut_by_size_before_its_time() -> None:
    async with (
        between(every(Fault.CUT, size=20, seconds=NEVER), [READ, Send(WHOLE), HANG]) as (_, proxy),
        calling(proxy.port) as caller,
    ):
        caller.say(GET)
        assert await caller.to_the_end() == WHOLE[:20]


async def test_a_cut_may_be_hard() -> None:
    stream = HEADED + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"
    spoil = every(Fault.CUT, seconds=NEVER, hard=True)
    async with between(spoil, [READ, Send(stream), HANG]) as (_, proxy), calling(proxy.port) as caller:
        caller.say(GET)
        await caller.hear(stream)
        proxy.hurry()
        with pytest.raises(ConnectionResetError):
            await caller.to_the_end()


@pytest.mark.parametrize(("kind", "arrived"), [(Fault.BLACK_HOLE, 0), (Fault.BLACK_HOLE_AFTER, 1)])
@pytest.mark.parametrize("end", [HANG, CLOSE, RESET])
async def test_black_holes(kind: Fault, arrived: int, end: Step) -> None:
    async with between(every(kind), [READ, Send(WHOLE), end]) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(POST + GET)
            await server.received(arrived)
            assert await caller.silent()
            assert len(server.requests) == arrived
            assert len(proxy.done) == 1
        await until(lambda: not proxy._courier._open)


async def test_half_open() -> None:
    async with between(every(Fault.HALF_OPEN, size=30), [READ, Send(WHOLE), CLOSE]) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(GET)
            await caller.hear(WHOLE[:30])
            assert await caller.silent()
            caller.say(GET)
            assert await caller.silent()
        await until(lambda: not proxy._courier._open)
        assert len(server.requests) == 1


async def test_half_open_by_time() -> None:
    stream = HEADED + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"
    go = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(stream)
        await go.wait()
        writer.write(b"2\r\ncd\r\n")
        assert await reader.read() == b""

    async with (
        serving(serve) as port,
        FaultProxy("127.0.0.1", port, every(Fault.HALF_OPEN, seconds=NEVER)) as proxy,
        calling(proxy.port) as caller,
    ):
        caller.say(GET)
        await caller.hear(stream)
        proxy.hurry()
        assert await caller.silent()
        go.set()
        assert await caller.silent()


async def test_a_half_open_answer_never_gets_its_last_byte() -> None:
    async with between(every(Fault.HALF_OPEN, size=9999)) as (_, proxy), calling(proxy.port) as caller:
        caller.say(GET)
        await caller.hear(WHOLE[:-1])
        assert await caller.silent()


async def test_delay() -> None:
    async with between(nth({1: Spoil(Fault.DELAY, seconds=NEVER)})) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(POST)
            assert await caller.silent()
            assert server.connections == 0
            proxy.hurry()
            await caller.hear(WHOLE)
            caller.say(GET)
            await caller.hear(WHOLE)
        assert lines(server) == [b"/two", b"/one"]


async def test_a_delayed_request_outlives_its_client() -> None:
    async with between(every(Fault.DELAY, seconds=NEVER)) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(POST)
            await until(lambda: proxy.done)
        await until(lambda: proxy._courier._late)
        assert server.requests == []
        proxy.hurry()
        await proxy.settled()
        assert [request.body for request in server.requests] == [b"body"]


async def test_deliver_late() -> None:
    async with between(nth({1: Spoil(Fault.DELIVER_LATE, seconds=NEVER)})) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(POST)
            with pytest.raises(ConnectionResetError):
                await caller.to_the_end()
        async with calling(proxy.port) as caller:
            caller.say(GET)
            await caller.hear(WHOLE)
        settling = asyncio.create_task(proxy.settled())
        await asyncio.sleep(0)
        assert (lines(server), settling.done()) == ([b"/one"], False)
        proxy.hurry()
        await settling
        assert lines(server) == [b"/one", b"/two"]
        assert server.requests[1].body == b"body"
        assert proxy.undelivered == 0


async def test_late_by_itself() -> None:
    async with between(every(Fault.DELIVER_LATE, seconds=0.01)) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(POST)
            with pytest.raises(ConnectionResetError):
                await caller.to_the_end()
            await proxy.settled()
        assert len(server.requests) == 1


@pytest.mark.parametrize("end", [CLOSE, RESET])
async def test_a_late_delivery_without_an_answer_is_counted(end: Step) -> None:
    async with between(every(Fault.DELIVER_LATE, seconds=0), [READ, end]) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(POST)
            await until(lambda: server.requests)
            await proxy.settled()
        assert proxy.undelivered == 1


async def test_a_late_delivery_without_a_server_is_counted() -> None:
    async with RawServer(SERVE) as server:
        port = server.port
    async with FaultProxy("127.0.0.1", port, every(Fault.DELIVER_LATE, seconds=0)) as proxy:
        async with calling(proxy.port) as caller:
            caller.say(POST)
            with pytest.raises(ConnectionResetError):
                await caller.to_the_end()
        await proxy.settled()
        assert proxy.undelivered == 1


async def test_a_late_stream_does_not_keep_us() -> None:
    stream = HEADED + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"
    async with between(every(Fault.GATEWAY_TIMEOUT, seconds=0), [READ, Send(stream), HANG]) as (_, proxy):
        async with calling(proxy.port) as caller:
            caller.say(LAST)
            await caller.to_the_end()
        await proxy.settled()
        assert proxy.undelivered == 0


async def test_gateway_timeout() -> None:
    async with between(nth({1: Spoil(Fault.GATEWAY_TIMEOUT, seconds=NEVER)})) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(POST + LAST)
            heard = await caller.reader.readuntil(b"</html>\r\n")
            assert heard.startswith(b"HTTP/1.1 504 ")
            await caller.hear(WHOLE)
        assert lines(server) == [b"/last"]
        proxy.hurry()
        await proxy.settled()
        assert lines(server) == [b"/last", b"/two"]


@pytest.mark.parametrize(
    ("kind", "arrived"),
    [(Fault.BAD_GATEWAY_BEFORE, [b"/last"]), (Fault.BAD_GATEWAY_AFTER, [b"/two", b"/last"])],
)
async def test_bad_gateway(kind: Fault, arrived: list[bytes]) -> None:
    async with between(nth({1: Spoil(kind)})) as (server, proxy), calling(proxy.port) as caller:
        caller.say(POST)
        heard = await caller.reader.readuntil(b"</html>\r\n")
        head, _, page = heard.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 502 ")
        assert head.endswith(b"Content-Length: %d" % len(page))
        caller.say(LAST)
        await caller.hear(WHOLE)
        assert lines(server) == arrived


@pytest.mark.parametrize("end", [CLOSE, RESET])
async def test_a_bad_gateway_is_the_last_answer_where_the_server_closes(end: Step) -> None:
    async with (
        between(every(Fault.BAD_GATEWAY_AFTER), [READ, end]) as (_, proxy),
        calling(proxy.port) as caller,
    ):
        caller.say(GET)
        assert (await caller.to_the_end()).endswith(b"</html>\r\n")


async def test_a_page_for_head_has_no_body() -> None:
    async with between(every(Fault.BAD_GATEWAY_BEFORE)) as (_, proxy), calling(proxy.port) as caller:
        caller.say(b"HEAD" + LAST[3:])
        assert (await caller.to_the_end()).endswith(b"\r\n\r\n")


async def test_garbage() -> None:
    async with between(every(Fault.GARBAGE)) as (server, proxy), calling(proxy.port) as caller:
        caller.say(POST)
        heard = await caller.to_the_end()
        assert heard
        assert not heard.startswith(b"HTTP/")
        assert len(server.requests) == 1


@pytest.mark.parametrize(("reply", "body"), [(WHOLE, b'{"ok":true}'), (CHUNKED, b"abc\r\n")])
async def test_wrong_length(reply: bytes, body: bytes) -> None:
    script: Script = [READ, Drip(reply, 11, 0), HANG]
    async with between(every(Fault.WRONG_LENGTH), script) as (server, proxy), calling(proxy.port) as caller:
        caller.say(POST)
        head, _, heard = (await caller.to_the_end()).partition(b"\r\n\r\n")
        assert heard == body
        assert int(head.rpartition(b"Content-Length: ")[2]) > len(body)
        assert head.lower().count(b"content-length") == 1
        assert b"chunked" not in head
        assert len(server.requests) == 1


async def test_drip() -> None:
    async with (
        between(every(Fault.DRIP, size=3, seconds=0)) as (server, proxy),
        calling(proxy.port) as caller,
    ):
        for _ in range(2):
            caller.say(GET)
            first = await caller.reader.read(1000)
            assert len(first) < len(WHOLE)
            await caller.hear(WHOLE[len(first) :])
        assert (len(server.requests), server.connections) == (2, 1)


async def test_duplicate() -> None:
    replies = [answer(b"first"), answer(b"second"), answer(b"third")]
    scripts: list[Script] = [
        [READ, Send(replies[0]), READ, Send(replies[2]), HANG],
        [READ, Send(replies[1]), HANG],
    ]
    async with between(nth({1: Spoil(Fault.DUPLICATE)}), *scripts) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(POST)
            await caller.hear(replies[0])
            await proxy.settled()
            caller.say(GET)
            await caller.hear(replies[2])
        assert lines(server) == [b"/two", b"/two", b"/one"]
        assert server.requests[0] == server.requests[1]


async def test_a_double_waits_for_the_first_answer_to_begin() -> None:
    seen: list[bytes] = []
    go = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readexactly(len(POST)))
        await go.wait()
        writer.write(WHOLE)
        await reader.read()

    async with (
        serving(serve) as port,
        FaultProxy("127.0.0.1", port, every(Fault.DUPLICATE)) as proxy,
        calling(proxy.port) as caller,
    ):
        caller.say(POST)
        assert await caller.silent()
        assert seen == [POST]
        go.set()
        await caller.hear(WHOLE)
        await proxy.settled()
        assert seen == [POST, POST]


@pytest.mark.parametrize("kind", [Fault.DELAY, Fault.BLACK_HOLE])
async def test_a_server_may_leave_while_a_request_is_held(kind: Fault) -> None:
    leave = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(WHOLE)
        await leave.wait()
        writer.write(answer(b"", "408 Request Timeout"))
        writer.close()
        await writer.wait_closed()

    spoil = Spoil(kind, seconds=NEVER) if kind is Fault.DELAY else Spoil(kind)
    async with (
        serving(serve) as port,
        FaultProxy("127.0.0.1", port, nth({2: spoil})) as proxy,
        calling(proxy.port) as caller,
    ):
        caller.say(GET)
        await caller.hear(WHOLE)
        caller.say(GET)
        await until(lambda: proxy.done)
        leave.set()
        await until(lambda: len(proxy._courier._open) == 1)
        assert await caller.silent()
        if kind is Fault.DELAY:
            proxy.hurry()
            await caller.hear(WHOLE)


async def test_a_double_outlives_its_client() -> None:
    choose = every(Fault.DUPLICATE, seconds=NEVER)
    async with between(choose, [READ, HANG], SERVE) as (server, proxy):
        async with calling(proxy.port) as caller:
            caller.say(POST)
            await server.received(1)
        await until(lambda: proxy._courier._late)
        assert len(server.requests) == 1
        proxy.hurry()
        await proxy.settled()
        assert len(server.requests) == 2


async def test_a_client_that_left_wants_no_more() -> None:
    for kind in (Fault.RESET_AFTER, Fault.BLACK_HOLE_AFTER, Fault.DRIP):
        async with between(every(kind), [READ, HANG]) as (server, proxy):
            async with calling(proxy.port) as caller:
                caller.say(POST)
                await server.received(1)
            await server.left.wait()
            assert proxy._courier._late == set()
