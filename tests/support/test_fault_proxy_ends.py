"""How `FaultProxy` refuses, goes down and closes, what it then leaves behind, and what its log tells."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.emulator.worlds import until
from tests.support.fault_bench import (
    GET,
    NEVER,
    POST,
    SERVE,
    WHOLE,
    Caller,
    between,
    calling,
    nth,
)
from tests.support.fault_proxy import Exchange, Fault, FaultProxy, Spoil
from tests.support.raw_server import HANG, READ, RawServer, Send


async def test_refuse() -> None:
    async with between(None) as (server, proxy):
        proxy.refuse(2)
        for _ in range(2):
            async with calling(proxy.port) as caller:
                with pytest.raises(ConnectionResetError):
                    await caller.to_the_end()
        async with calling(proxy.port) as caller:
            caller.say(GET)
            await caller.hear(WHOLE)
        assert (proxy.refused, proxy.connections, proxy.requests) == (2, 1, 1)
        assert server.connections == 1


async def test_down() -> None:
    async with between(None) as (_, proxy), calling(proxy.port) as caller:
        caller.say(GET)
        await caller.hear(WHOLE)
        for _ in range(2):
            async with proxy.down():
                with pytest.raises(ConnectionResetError):
                    await caller.to_the_end()
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection("127.0.0.1", proxy.port)
            async with calling(proxy.port) as again:
                again.say(GET)
                await again.hear(WHOLE)


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0"])  # noqa: S104 - refused
def test_no_other_machine(host: str) -> None:
    with pytest.raises(ValueError, match="not this machine"):
        FaultProxy(host, 80)


def test_no_tls() -> None:
    with pytest.raises(ValueError, match="only plain http"):
        FaultProxy.before("https://127.0.0.1:1")


async def test_closing_leaves_nothing_behind() -> None:
    def files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    kinds = [
        None,
        Spoil(Fault.BLACK_HOLE),
        Spoil(Fault.BLACK_HOLE_AFTER),
        Spoil(Fault.DELAY, seconds=NEVER),
        Spoil(Fault.DELIVER_LATE, seconds=NEVER),
        Spoil(Fault.DUPLICATE, seconds=NEVER),
        Spoil(Fault.CUT, seconds=NEVER),
        Spoil(Fault.HALF_OPEN, size=3),
        Spoil(Fault.DRIP, size=1, seconds=NEVER),
    ]
    spoils = {number: spoil for number, spoil in enumerate(kinds, 1) if spoil is not None}
    async with RawServer([READ, Send(WHOLE[:-1]), HANG]) as server:
        before = files(), asyncio.all_tasks()
        callers = []
        async with FaultProxy.before(server.url, nth(spoils)) as proxy:
            for number in range(1, len(kinds) + 1):
                callers.append(Caller(*await asyncio.open_connection("127.0.0.1", proxy.port)))
                callers[-1].say(POST)
                while proxy.requests < number:  # noqa: ASYNC110 - the proxy tells nobody
                    await asyncio.sleep(0.001)
            await server.received(6)
            channels = [transport.get_extra_info("socket") for transport in proxy._courier._open]
            assert len(channels) == len(kinds) * 2 - 4
        assert (proxy._courier._open, proxy._courier._tasks) == (set(), set())
        assert {channel.fileno() for channel in channels} == {-1}
        for caller in callers:
            with pytest.raises(ConnectionResetError):
                await caller.to_the_end()
            caller.writer.transport.abort()
        await until(lambda: (files(), asyncio.all_tasks()) == before)


@pytest.mark.parametrize("before", range(6))
@pytest.mark.parametrize("during", range(6))
@pytest.mark.parametrize("way", ["down", "closed"])
async def test_nobody_is_forgotten_who_has_just_come(before: int, during: int, way: str) -> None:
    proxy = FaultProxy("127.0.0.1", 1)
    await proxy.__aenter__()

    async def connect(rounds: int) -> socket.socket | None:
        for _ in range(rounds):
            await asyncio.sleep(0)
        try:
            return socket.create_connection(("127.0.0.1", proxy.port))
        except ConnectionRefusedError:
            return None

    early = asyncio.create_task(connect(0))
    for _ in range(1 + before):
        await asyncio.sleep(0)
    late = asyncio.create_task(connect(during))
    if way == "down":
        async with proxy.down():
            await _are_reset(await early, await late)
    await proxy.__aexit__()
    if way == "closed":
        await _are_reset(await early, await late)


async def _are_reset(*channels: socket.socket | None) -> None:
    await asyncio.sleep(0)
    for channel in channels:
        if channel is not None:
            channel.settimeout(1)
            with channel, pytest.raises(ConnectionResetError):
                channel.recv(1)


async def test_a_fault_in_choose_is_told() -> None:
    def choose(_exchange: Exchange) -> Spoil | None:
        raise LookupError("no such thing")

    async with RawServer(SERVE) as server:
        proxy = await FaultProxy.before(server.url, choose).__aenter__()
        async with calling(proxy.port) as caller:
            caller.say(GET)
            assert await caller.to_the_end() == b""
        with pytest.raises(LookupError, match="no such thing"):
            await proxy.__aexit__()
        assert server.requests == []


async def test_the_log_tells_what_was_done() -> None:
    spoils = {
        2: Spoil(Fault.BAD_GATEWAY_BEFORE),
        3: Spoil(Fault.DRIP, seconds=0),
        5: Spoil(Fault.RESET_AFTER),
    }
    asked: list[Exchange] = []

    def choose(exchange: Exchange) -> Spoil | None:
        asked.append(exchange)
        return spoils.get(exchange.number)

    async with between(choose) as (_, proxy), calling(proxy.port) as caller:
        caller.say((GET + POST) * 2 + GET)
        with pytest.raises(ConnectionResetError):
            await caller.to_the_end()
        targets = [("GET", "/one"), ("POST", "/two")] * 2 + [("GET", "/one")]
        assert asked == [Exchange(number, *target) for number, target in enumerate(targets, 1)]
        assert proxy.done == [(asked[number - 1], spoil) for number, spoil in spoils.items()]
        assert proxy.counts == {Fault.BAD_GATEWAY_BEFORE: 1, Fault.DRIP: 1, Fault.RESET_AFTER: 1}
        assert proxy.requests == 5
