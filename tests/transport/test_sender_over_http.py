"""Sender and carrier together, against a server that fails in earnest."""

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.support.calls import get, post
from tests.support.canary import failure_of
from tests.support.raw_server import AGAIN, CLOSE, HANG, READ, RESET, RawServer, Script, Send, Step, answer
from zadig_async.errors import ConnectError, DecodeError, OutcomeUnknownError, TransportError
from zadig_async.transport.budget import RetryBudget
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Timeouts
from zadig_async.transport.retry import RequestRecord, RetryPolicy, Sender

MakeCarrier = Callable[..., HttpCarrier]

FAST = RetryPolicy(first_delay=0.001, max_delay=0.002)
SERVE: Script = [READ, Send(answer(b'{"ok":1}')), AGAIN]


async def test_a_read_outlives_resets(carrier: MakeCarrier) -> None:
    records: list[RequestRecord] = []
    async with RawServer([READ, RESET], [READ, CLOSE], [RESET], SERVE) as server:
        reply = await Sender(carrier(server.url), FAST, on_request=records.append).send(get())
        await asyncio.sleep(0)
        assert len(server.requests) == 3
    assert reply.body == b'{"ok":1}'
    assert [(record.attempt, record.error) for record in records] == [
        (1, "TransportError"),
        (2, "TransportError"),
        (3, "TransportError"),
        (4, None),
    ]


@pytest.mark.parametrize("end", [RESET, CLOSE, HANG])
@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 20", b"\x00\x01\r\n\r\n", answer(b"{}")[:-1]])
async def test_a_write_is_sent_once(carrier: MakeCarrier, sent: bytes, end: Step) -> None:
    async with RawServer([READ, Send(sent), end], SERVE) as server:
        sender = Sender(carrier(server.url, timeouts=Timeouts(write_total=0.05 if end is HANG else 5)), FAST)
        error = await failure_of(sender.send(post()))
        assert type(error) is OutcomeUnknownError
        if end is not HANG:  # our own clock may run out before the server has read
            await server.received(1)
        assert len(server.requests) <= 1
        assert server.connections <= 1


async def test_a_write_is_repeated_while_nobody_listens(carrier: MakeCarrier) -> None:
    async with RawServer(SERVE) as taken:
        url, port = taken.url, taken.port
    records: list[RequestRecord] = []
    patient = RetryPolicy(attempts=10_000, first_delay=0.002, max_delay=0.002, deadline=20)
    sender = Sender(carrier(url), patient, RetryBudget(10_000), on_request=records.append)
    task = asyncio.create_task(sender.send(post()))
    while len(records) < 2:  # noqa: ASYNC110 - the observer is a plain function
        await asyncio.sleep(0.001)
    async with RawServer(SERVE, port=port) as server:
        assert (await task).status == 200
        await asyncio.sleep(0)
        assert len(server.requests) == 1
    assert {record.error for record in records[:-1]} == {"ConnectError"}
    assert records[-1].error is None


async def test_a_server_that_stays_down_is_a_connect_error(carrier: MakeCarrier) -> None:
    async with RawServer(SERVE) as server:
        url = server.url
    error = await failure_of(Sender(carrier(url), FAST).send(post()))
    assert type(error) is ConnectError
    assert "Gave up after 4 attempts" in error.__notes__[0]


async def test_one_request_on_the_wire_for_one_attempt(carrier: MakeCarrier) -> None:
    async with RawServer([READ, RESET]) as server:
        error = await failure_of(Sender(carrier(server.url), FAST).send(get()))
        assert type(error) is TransportError
        assert len(server.requests) == FAST.attempts


async def test_a_bomb_is_fetched_twice_at_most(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(answer(b"a" * 2000)), AGAIN]) as server:
        error = await failure_of(Sender(carrier(server.url), FAST).send(get(max_reply=1000)))
        assert type(error) is DecodeError
        assert len(server.requests) == 2


async def test_a_write_whose_answer_is_too_large_is_unknown(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(answer(b"a" * 2000)), AGAIN]) as server:
        error = await failure_of(Sender(carrier(server.url), FAST).send(post(max_reply=1000)))
        assert type(error) is OutcomeUnknownError
        assert "larger than the 1000 bytes" in str(error)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("module", "kept_out"),
    [
        ("zadig_async.transport.retry", {"tenacity", "aiohttp"}),
        ("zadig_async.transport.options", {"tenacity", "aiohttp"}),
        ("zadig_async.transport.http", {"tenacity"}),
    ],
)
def test_imports_stay_light(module: str, kept_out: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = ran.stdout.split()
    assert module in loaded
    assert kept_out & set(loaded) == set()
