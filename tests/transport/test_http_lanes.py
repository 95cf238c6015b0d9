"""Three kinds of calls in three pools: none can starve another."""

import asyncio
import zlib
from collections.abc import Callable

import attrs
import pytest

from tests.support.calls import as_is, follow, get, make_call, post
from tests.support.canary import failure_of
from tests.support.raw_server import AGAIN, CLOSE, HANG, READ, RESET, Drip, RawServer, Script, Send, answer
from zadig_async.errors import ConfigError, ConnectError, DeadlineError, DecodeError, TransportError
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Limits, Timeouts
from zadig_async.wire.call import AnyCall, Lane

MakeCarrier = Callable[..., HttpCarrier]

OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LINE = b"6\r\ndata:a\r\n"
END = b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("call", "limits"), [(get(), Limits(poll=2)), (post(), Limits(write=2))], ids=["reads", "writes"]
)
async def test_further_calls_wait_their_turn(carrier: MakeCarrier, call: AnyCall, limits: Limits) -> None:
    async with RawServer([READ, Drip(answer(), size=30, pause=0.01), AGAIN]) as server:
        sender = carrier(server.url, limits=limits)
        waiting = [asyncio.create_task(sender.send(call)) for _ in range(6)]
        await server.received(2)
        for _ in range(5):
            await asyncio.sleep(0)
            assert len(server.requests) == 2
        replies = await asyncio.gather(*waiting)
    assert [reply.status for reply in replies] == [200] * 6
    assert len(server.requests) == 6


async def test_waiting_does_not_use_up_the_time_outs(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Drip(answer(), size=30, pause=0.01), AGAIN]) as server:
        waits = Timeouts(connect=0.3, poll_total=0.3)
        sender = carrier(server.url, limits=Limits(poll=1), timeouts=waits)
        replies = await asyncio.gather(*(sender.send(get()) for _ in range(10)))
    assert [reply.status for reply in replies] == [200] * 10


async def test_one_who_leaves_the_queue_takes_no_turn(carrier: MakeCarrier) -> None:
    async with RawServer([READ, HANG], [READ, Send(answer()), AGAIN]) as server:
        sender = carrier(server.url, limits=Limits(write=1))
        first, second, third = (asyncio.create_task(sender.send(post())) for _ in range(3))
        await server.received(1)
        second.cancel()
        await asyncio.wait([second])
        first.cancel()
        assert (await third).status == 200
        assert len(server.requests) == 2
        await asyncio.wait([first])


async def test_full_lanes_do_not_hold_up_others(carrier: MakeCarrier) -> None:
    async with RawServer([READ, HANG], [READ, HANG], [READ, Send(answer()), AGAIN]) as server:
        sender = carrier(server.url, limits=Limits(write=1, stream=1, poll=1))
        stuck = asyncio.create_task(sender.send(post()))
        await server.received(1)
        opening = asyncio.create_task(sender.stream(follow()).__aenter__())
        await server.received(2)
        assert (await sender.send(get())).status == 200
        for task in (stuck, opening):
            task.cancel()
        await asyncio.wait([stuck, opening])


async def test_closing_sends_nobody_out_of_the_queue(carrier: MakeCarrier) -> None:
    async with RawServer([READ, HANG]) as server:
        sender = carrier(server.url, limits=Limits(write=1))
        waiting = [asyncio.create_task(sender.send(post())) for _ in range(3)]
        await server.received(1)
        await sender.aclose()
        errors = [await failure_of(task) for task in waiting]
        assert [type(error) for error in errors] == [TransportError, ConfigError, ConfigError]
        assert len(server.requests) == 1
        assert server.connections == 1


async def chunks_of(sender: HttpCarrier, call: AnyCall) -> list[bytes]:
    async with sender.stream(call) as body:
        return [chunk async for chunk in body]


async def test_a_stream_gives_head_and_body(carrier: MakeCarrier) -> None:
    async with (
        RawServer([READ, Send(OPEN), Drip(LINE * 20, size=7, pause=0), Send(END)]) as server,
        carrier(server.url).stream(follow("/log?tail=5")) as body,
    ):
        assert body.head.status == 200
        assert body.head.body == b""
        assert body.head.header("content-type") == "text/event-stream"
        assert b"".join([chunk async for chunk in body]) == b"data:a" * 20
    assert server.requests[0].target == b"/log?tail=5"


async def test_bytes_come_while_the_stream_is_open(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(OPEN + LINE), HANG]) as server:
        async with carrier(server.url).stream(follow()) as body:
            assert await anext(aiter(body)) == b"data:a"
            assert not server.left.is_set()
        await server.left.wait()


@pytest.mark.parametrize("status", ["204 No Content", "301 Moved", "401 Unauthorized", "500 Oops"])
async def test_another_status_has_its_body_in_the_head(carrier: MakeCarrier, status: str) -> None:
    body_sent = b"" if status.startswith("204") else b'{"code":1}'
    script: Script = [READ, Send(answer(body_sent, status, sized=bool(body_sent))), CLOSE]
    async with RawServer(script) as server, carrier(server.url).stream(follow()) as body:
        assert (body.head.status, body.head.body) == (int(status[:3]), body_sent)


CUTS: dict[str, Script] = {
    "closed": [READ, Send(OPEN + LINE), CLOSE],
    "reset": [READ, Send(OPEN), Drip(LINE, size=20, pause=0.01), RESET],
    "cut within a chunk": [READ, Send(OPEN + LINE[:5]), CLOSE],
    "not chunks": [READ, Send(OPEN + b"zz\r\n"), CLOSE],
}


@pytest.mark.parametrize("script", CUTS.values(), ids=CUTS.keys())
async def test_a_cut_stream_says_so(carrier: MakeCarrier, script: Script) -> None:
    async with RawServer(script) as server:
        error = await failure_of(chunks_of(carrier(server.url), follow()))
        assert server.connections == 1
    assert type(error) is TransportError


@pytest.mark.parametrize(
    "script", [[READ, RESET], [READ, Send(b"noise\r\n\r\n"), CLOSE]], ids=["reset", "noise"]
)
async def test_a_stream_that_does_not_open(carrier: MakeCarrier, script: Script) -> None:
    async with RawServer(script) as server:
        error = await failure_of(chunks_of(carrier(server.url), follow()))
        assert server.connections == 1
    assert type(error) is TransportError


async def test_a_stream_that_does_not_open_in_time(carrier: MakeCarrier) -> None:
    async with RawServer([READ, HANG]) as server:
        error = await failure_of(
            chunks_of(carrier(server.url, timeouts=Timeouts(stream_open=0.03)), follow())
        )
        await server.left.wait()
    assert type(error) is DeadlineError


async def test_a_refusal_that_does_not_end(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(answer(b"{}", "500 Oops")[:-1]), HANG]) as server:
        error = await failure_of(chunks_of(carrier(server.url, timeouts=Timeouts(read=0.03)), follow()))
        await server.left.wait()
    assert type(error) is DeadlineError


async def test_silence_may_be_limited(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(OPEN + LINE), HANG]) as server:
        sender = carrier(server.url, timeouts=Timeouts(stream_read=0.03))
        error = await failure_of(chunks_of(sender, follow()))
        await server.left.wait()
    assert type(error) is TransportError
    assert "fell silent" in str(error)


async def test_streams_over_the_limit_are_refused_at_once(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(OPEN + LINE), HANG]) as server:
        sender = carrier(server.url, limits=Limits(stream=2))
        async with sender.stream(follow()), sender.stream(follow()):
            refused = [await failure_of(chunks_of(sender, follow()))]
            refused.append(await failure_of(sender.send(make_call(as_is, lane=Lane.STREAM))))
            for error in refused:
                assert type(error) is ConnectError
                assert "2 streams are open" in str(error)
                assert "Limits.stream" in error.hint
            assert server.connections == 2
        async with sender.stream(follow()) as body:
            assert body.head.status == 200


async def test_a_compressed_stream_is_inflated_in_slices(carrier: MakeCarrier) -> None:
    engine = zlib.compressobj(9, wbits=31)
    packed = engine.compress(bytes(5_000_000)) + engine.flush()
    sent = answer(packed, headers=["Content-Encoding: gzip"])
    async with RawServer([READ, Send(sent), CLOSE]) as server:
        pieces = await chunks_of(carrier(server.url), follow())
    assert sum(map(len, pieces)) == 5_000_000
    assert max(map(len, pieces)) <= 65_536


@pytest.mark.parametrize("body", [b"not gzip", b"\x1f\x8b\x08"])
async def test_a_stream_that_cannot_be_inflated(carrier: MakeCarrier, body: bytes) -> None:
    async with RawServer([READ, Send(answer(body, headers=["Content-Encoding: gzip"])), CLOSE]) as server:
        error = await failure_of(chunks_of(carrier(server.url), follow()))
    assert isinstance(error, DecodeError)


async def test_what_the_reader_raises_passes_through_and_closes(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(OPEN + LINE), HANG]) as server:
        with pytest.raises(TimeoutError, match="the reader's own"):
            async with carrier(server.url).stream(follow()):
                raise TimeoutError("the reader's own")
        await server.left.wait()


async def test_one_whose_turn_comes_is_asked_again_whether_it_is_still_wanted(carrier: MakeCarrier) -> None:
    def before_send() -> None:
        raise ConfigError("not any more")

    async with RawServer([READ, HANG], [READ, Send(answer()), AGAIN]) as server:
        sender = carrier(server.url, limits=Limits(write=1))
        first = asyncio.create_task(sender.send(post()))
        await server.received(1)
        unwanted = asyncio.create_task(sender.send(attrs.evolve(post(), before_send=before_send)))
        wanted = asyncio.create_task(sender.send(post()))
        await asyncio.sleep(0)
        assert not unwanted.done()
        first.cancel()
        with pytest.raises(ConfigError, match="not any more"):
            await unwanted
        assert (await wanted).status == 200
        assert len(server.requests) == 2
        await asyncio.wait([first])
