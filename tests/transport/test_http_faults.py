"""Connections that break in every way they can: the right class of error, one request, nothing leaked."""

import asyncio
import errno
import gzip
import resource
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.calls import as_is, get, make_call, post
from tests.support.canary import CANARY, failure_of, sightings
from tests.support.raw_server import AGAIN, CLOSE, HANG, READ, RESET, Drip, RawServer, Script, Send, answer
from zadig_async.errors import (
    ConfigError,
    ConnectError,
    DeadlineError,
    DecodeError,
    TransportError,
    ZadigError,
)
from zadig_async.model.secret import Secret
from zadig_async.transport.dns import Lookups
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Connection, Timeouts
from zadig_async.transport.sockets import probing_socket
from zadig_async.wire.call import AnyCall, Lane

MakeCarrier = Callable[..., HttpCarrier]

WHOLE = answer(b'{"ok":true}')

METHODS = [
    make_call(as_is, method=method, body=b"{}") for method in ("GET", "POST", "PUT", "DELETE", "PATCH")
]
IDS = [call.method for call in METHODS]

BREAKS: dict[str, Script] = {
    "closed before the answer": [READ, CLOSE],
    "reset before the answer": [READ, RESET],
    "reset at once": [RESET],
    "closed within the status line": [READ, Send(WHOLE[:9]), CLOSE],
    "reset within the headers": [READ, Send(WHOLE[:40]), RESET],
    "closed within the body": [READ, Send(WHOLE[:-3]), CLOSE],
    "reset within the body": [READ, Send(WHOLE[:-3]), RESET],
    "closed within a chunk": [
        READ,
        Send(answer(b"5\r\n{}", headers=["Transfer-Encoding: chunked"], sized=False)),
        CLOSE,
    ],
    "closed before the last chunk": [
        READ,
        Send(answer(b"2\r\n{}\r\n", headers=["Transfer-Encoding: chunked"], sized=False)),
        CLOSE,
    ],
    "chunk size is no number": [
        READ,
        Send(answer(b"zz\r\n{}\r\n", headers=["Transfer-Encoding: chunked"], sized=False)),
        CLOSE,
    ],
    "another protocol": [READ, Send(b"220 mail.example ESMTP\r\n"), CLOSE],
    "noise": [READ, Send(bytes(range(256))), CLOSE],
    "a page without headers": [READ, Send(b"<html>busy</html>\r\n\r\n"), CLOSE],
    "TLS where none was asked for": [READ, Send(b"\x15\x03\x01\x00\x02\x02F"), CLOSE],
    "a status line of garbage": [READ, Send(b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\n{}"), CLOSE],
    "a status of four digits": [READ, Send(b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}"), CLOSE],
    "300 headers": [READ, Send(answer(headers=[f"X-{n}: {n}" for n in range(300)])), CLOSE],
    "an endless header": [READ, Send(answer(headers=["X-Long: " + "a" * 100_000])), CLOSE],
    "two different lengths": [READ, Send(answer(headers=["Content-Length: 9"])), CLOSE],
    "a negative length": [READ, Send(answer(headers=["Content-Length: -1"], sized=False)), CLOSE],
}


@pytest.mark.parametrize("call", METHODS, ids=IDS)
@pytest.mark.parametrize("script", BREAKS.values(), ids=BREAKS.keys())
async def test_a_broken_exchange(carrier: MakeCarrier, script: Script, call: AnyCall) -> None:
    async with RawServer(script) as server:
        error = await failure_of(carrier(server.url).send(call))
        assert server.connections == 1
        assert len(server.requests) == script.count(READ)
    assert type(error) is TransportError
    assert str(error).startswith(f"{call.label}: ")
    assert error.__context__ is None


@pytest.mark.parametrize("lane", [Lane.POLL, Lane.WRITE])
@pytest.mark.parametrize("end", [CLOSE, RESET])
async def test_a_read_on_a_stale_connection_is_not_repeated_behind_our_back(
    carrier: MakeCarrier, end: Any, lane: Lane
) -> None:
    async with RawServer([READ, Send(WHOLE), READ, end], [READ, Send(WHOLE), AGAIN]) as server:
        sender = carrier(server.url)
        call = make_call(as_is, lane=lane)
        assert (await sender.send(call)).status == 200
        if lane is Lane.POLL:
            error = await failure_of(sender.send(call))
            assert type(error) is TransportError
        assert (await sender.send(call)).status == 200
        assert len(server.requests) == (3 if lane is Lane.POLL else 2)


async def test_reads_share_connections_and_writes_do_not(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(WHOLE), AGAIN]) as server:
        sender = carrier(server.url)
        for _ in range(3):
            await sender.send(get())
        assert server.connections == 1
        for _ in range(3):
            await sender.send(post())
        assert server.connections == 4


async def test_what_must_not_be_repeated_never_uses_an_old_connection(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(WHOLE), AGAIN]) as server:
        sender = carrier(server.url)
        await sender.send(get())
        await sender.send(make_call(as_is, method="POST", lane=Lane.POLL))
        assert server.connections == 2
        assert server.requests[1].header("Connection") == "close"


@pytest.mark.parametrize("call", [get(), post()], ids=["read", "write"])
async def test_a_server_that_says_nothing(carrier: MakeCarrier, call: AnyCall) -> None:
    async with RawServer([READ, HANG]) as server:
        sender = carrier(server.url, timeouts=Timeouts(poll_total=0.05, write_total=0.05))
        error = await failure_of(sender.send(call))
        await server.left.wait()
    assert type(error) is DeadlineError


@pytest.mark.parametrize("call", [get(), post()], ids=["read", "write"])
async def test_a_server_that_drips(carrier: MakeCarrier, call: AnyCall) -> None:
    async with RawServer([READ, Drip(answer(b"a" * 100_000), size=1, pause=0.002), HANG]) as server:
        sender = carrier(server.url, timeouts=Timeouts(poll_total=0.05, write_total=0.05))
        error = await failure_of(sender.send(call))
    assert type(error) is DeadlineError


async def test_a_download_may_take_long_but_not_pause_long(carrier: MakeCarrier) -> None:
    call = make_call(as_is, lane=Lane.STREAM)
    waits = Timeouts(poll_total=0.001, write_total=5, read=0.15, stream_read=0.001)
    async with RawServer([READ, Drip(answer(b"a" * 40), size=20, pause=0.005), READ, HANG]) as server:
        assert (await carrier(server.url, timeouts=waits).send(call)).body == b"a" * 40
    async with RawServer([READ, Send(answer(b"a" * 40)[:-1]), HANG]) as server:
        error = await failure_of(carrier(server.url, timeouts=waits).send(call))
    assert type(error) is TransportError
    assert "fell silent" in str(error)


async def test_a_closed_port_is_never_sent(carrier: MakeCarrier) -> None:
    async with RawServer([CLOSE]) as server:
        url = server.url
    error = await failure_of(carrier(url).send(post()))
    assert type(error) is ConnectError
    assert "Connection refused" in str(error)


async def test_a_port_that_does_not_answer_is_never_sent(carrier: MakeCarrier) -> None:
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    occupying = [socket.socket() for _ in range(4)]
    try:
        for each in occupying:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        error = await failure_of(carrier(url, timeouts=Timeouts(connect=0.03)).send(post()))
    finally:
        for each in (*occupying, full):
            each.close()
    assert type(error) is ConnectError
    assert "in time" in str(error)


@pytest.mark.parametrize(
    "failure",
    [socket.gaierror(socket.EAI_NONAME, CANARY), OSError(errno.EAGAIN, CANARY)],
    ids=["no name", "no thread"],
)
async def test_a_name_that_is_not_found_is_never_sent_and_may_come_back(
    carrier: MakeCarrier, failure: OSError
) -> None:
    answers: list[OSError | None] = [failure, None]

    async with RawServer([READ, Send(WHOLE)]) as server:

        def directory(_host: str, port: int, *_rest: int) -> list[Any]:
            problem = answers.pop(0)
            if problem is not None:
                raise problem
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        sender = carrier(f"http://localhost:{server.port}", parts={"lookups": Lookups(directory)})
        error = await failure_of(sender.send(post()))
        assert type(error) is ConnectError
        assert "localhost" in str(error)
        assert server.connections == 0
        assert (await sender.send(post())).status == 200


async def test_no_file_descriptor_is_never_sent_and_recovers(carrier: MakeCarrier) -> None:
    left = [1]

    def scarce(address: tuple[Any, ...]) -> socket.socket:
        if left:
            left.pop()
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
            try:
                return probing_socket(address)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return probing_socket(address)

    async with RawServer([READ, Send(WHOLE)]) as server:
        sender = carrier(server.url, parts={"socket_factory": scarce})
        error = await failure_of(sender.send(post()))
        assert type(error) is ConnectError
        assert "Too many open files" in str(error)
        assert "ulimit" in error.hint
        assert server.connections == 0
        assert (await sender.send(post())).status == 200


@pytest.mark.parametrize("call", [get(), post()], ids=["read", "write"])
async def test_cancelling_closes_the_connection_at_once(carrier: MakeCarrier, call: AnyCall) -> None:
    async with RawServer([READ, Send(WHOLE[:-1]), HANG], [READ, Send(WHOLE)]) as server:
        sender = carrier(server.url)
        task = asyncio.create_task(sender.send(call))
        await server.received(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.left.wait()
        assert len(server.requests) == 1
        assert (await sender.send(call)).status == 200


async def test_nothing_is_sent_after_closing(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(WHOLE), AGAIN]) as server:
        sender = carrier(server.url)
        await sender.send(get())
        await sender.aclose()
        await sender.aclose()
        error = await failure_of(sender.send(get()))
        assert isinstance(error, ConfigError)
        assert len(server.requests) == 1
    never_used = carrier(server.url)
    await never_used.aclose()
    assert isinstance(await failure_of(never_used.send(get())), ConfigError)


async def test_closing_ends_calls_in_flight(carrier: MakeCarrier) -> None:
    async with RawServer([READ, HANG]) as server:
        sender = carrier(server.url)
        task = asyncio.create_task(sender.send(post()))
        await server.received(1)
        await sender.aclose()
        error = await failure_of(task)
    assert type(error) is TransportError


HEAD = b"HTTP/1.1 200 OK\r\n"


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=200)
    | st.binary(max_size=100).map(HEAD.__add__)
    | st.binary(max_size=100).map((HEAD + b"Content-Length: 3\r\n\r\n").__add__)
    | st.binary(max_size=100).map((HEAD + b"Transfer-Encoding: chunked\r\n\r\n").__add__)
    | st.binary(max_size=100).map((HEAD + b"Content-Encoding: gzip\r\n\r\n").__add__)
    | st.text("HTP/1.02 OK\r\n:", max_size=60).map(str.encode)
)
@example(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}"))
@example(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc")
@example(b"HTTP/1.1 100 Continue\r\n\r\n")
@example(HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n")
@example(HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n")
async def test_any_bytes_are_a_reply_or_one_of_our_errors(sent: bytes) -> None:
    async with RawServer([READ, Send(sent), CLOSE]) as server:
        sender = HttpCarrier(Connection(server.url, Secret(CANARY)))
        try:
            reply, error = await sender.send(get()), None
        except ZadigError as failure:
            reply, error = None, failure
        finally:
            await sender.aclose()
        assert len(server.requests) == 1
    if reply is not None:
        assert sent.lstrip(b"\r\n").startswith(b"HTTP/")
        assert str(reply.status).encode() in sent
    if error is not None:
        assert isinstance(error, TransportError | DecodeError)
        assert not isinstance(error, ConnectError)
        assert sightings(error) == []
