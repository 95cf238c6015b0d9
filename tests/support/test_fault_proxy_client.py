"""Client, proxy and emulator together: what the client says, and what truly happened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import attrs
import pytest

from tests.emulator.worlds import until
from tests.support.canary import failure_of
from tests.support.fault_bench import NEVER, nth
from tests.support.fault_proxy import Choose, Dice, Exchange, Fault, FaultProxy, Spoil, cut_streams
from tests.support.peers import TOKEN
from tests.support.worlds import job, workflow, world
from zadig_async import ZadigClient
from zadig_async.client.logs import LogStream
from zadig_async.emulator import Emulator, ManualClock
from zadig_async.errors import ConnectError, OutcomeUnknownError, ServerError, TransportError, ZadigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.inputs import FreestyleInput
from zadig_async.model.secret import Secret
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Connection, Timeouts
from zadig_async.transport.retry import RetryPolicy

LOG = [{"text": f"line {number}", "at": number / 4} for number in range(1, 400)]
SHOP = world(workflow("build", [job("work", log=LOG, duration=100_000.0)]))
TRIGGER: Final = "/openapi/workflows/custom/task"
INPUTS = {"work": FreestyleInput()}


def trigger_only(spoil: Spoil) -> Choose:
    """Spoil triggers."""
    return lambda exchange: (
        spoil if exchange.method == "POST" and exchange.target.startswith(TRIGGER) else None
    )


@attrs.frozen
class Shop:
    """An emulator, a proxy before it, and a client of the proxy that tries everything once."""

    clock: ManualClock
    emulator: Emulator
    proxy: FaultProxy
    zadig: ZadigClient

    async def create(self) -> TaskRef:
        return await self.zadig.tasks.create("shop", "build", inputs=INPUTS)

    async def count(self) -> int:
        """How many tasks the client finds."""
        return (await self.zadig.tasks.page("shop", "build")).total

    @property
    def tasks(self) -> int:
        """How many tasks there truly are."""
        return len(self.emulator.ledger.tasks)


@asynccontextmanager
async def shop(choose: Choose | None, timeouts: Timeouts | None = None) -> AsyncIterator[Shop]:
    clock = ManualClock()
    async with Emulator(SHOP, clock=clock) as emulator, FaultProxy.before(emulator.url, choose) as proxy:
        once = RetryPolicy(attempts=1)
        if timeouts is None:
            client = ZadigClient.connect(proxy.url, token=TOKEN, retry=once)
        else:
            connection = Connection(proxy.url, Secret(TOKEN))
            client = ZadigClient.over(HttpCarrier(connection, timeouts=timeouts), retry=once)
        async with client as zadig:
            yield Shop(clock, emulator, proxy, zadig)


SHORT = Timeouts(poll_total=20, write_total=2.5)
WRITES: list[tuple[Spoil, type[ZadigError] | None, int, int]] = [
    (Spoil(Fault.RESET_BEFORE), OutcomeUnknownError, 0, 0),
    (Spoil(Fault.RESET_AFTER), OutcomeUnknownError, 1, 1),
    (Spoil(Fault.CUT, size=0), OutcomeUnknownError, 1, 1),
    (Spoil(Fault.CUT, size=40), OutcomeUnknownError, 1, 1),
    (Spoil(Fault.CUT, size=9999), OutcomeUnknownError, 1, 1),
    (Spoil(Fault.DELIVER_LATE, seconds=NEVER), OutcomeUnknownError, 0, 1),
    (Spoil(Fault.GATEWAY_TIMEOUT, seconds=NEVER), OutcomeUnknownError, 0, 1),
    (Spoil(Fault.BAD_GATEWAY_BEFORE), OutcomeUnknownError, 0, 0),
    (Spoil(Fault.BAD_GATEWAY_AFTER), OutcomeUnknownError, 1, 1),
    (Spoil(Fault.GARBAGE), OutcomeUnknownError, 1, 1),
    (Spoil(Fault.WRONG_LENGTH), OutcomeUnknownError, 1, 1),
    (Spoil(Fault.DELAY, seconds=0.01), None, 1, 1),
    (Spoil(Fault.DRIP, size=20), None, 1, 1),
    (Spoil(Fault.DUPLICATE, seconds=NEVER), None, 1, 2),
]


@pytest.mark.parametrize(
    ("spoil", "error", "at_once", "in_the_end"),
    WRITES,
    ids=[f"{row[0].kind} {row[0].size}" for row in WRITES],
)
async def test_a_trigger(spoil: Spoil, error: type[ZadigError] | None, at_once: int, in_the_end: int) -> None:
    async with shop(trigger_only(spoil)) as at:
        if error is None:
            assert (await at.create()).task_id == 1
        else:
            assert type(await failure_of(at.create())) is error
        assert at.tasks == at_once
        assert await at.count() == at_once
        at.proxy.hurry()
        await at.proxy.settled()
        assert at.tasks == in_the_end
        assert await at.count() == in_the_end
        assert [(exchange.method, done) for exchange, done in at.proxy.done] == [("POST", spoil)]


@pytest.mark.parametrize(
    ("spoil", "created"),
    [(Spoil(Fault.BLACK_HOLE), 0), (Spoil(Fault.BLACK_HOLE_AFTER), 1), (Spoil(Fault.HALF_OPEN, size=50), 1)],
    ids=str,
)
async def test_a_trigger_that_is_never_answered(spoil: Spoil, created: int) -> None:
    async with shop(trigger_only(spoil), SHORT) as at:
        assert type(await failure_of(at.create())) is OutcomeUnknownError
        await until(lambda: at.tasks >= created)
        await until(lambda: at.proxy._courier._tasks == set())
        assert at.tasks == created


async def test_a_delayed_trigger_that_its_client_gave_up() -> None:
    async with shop(trigger_only(Spoil(Fault.DELAY, seconds=NEVER)), SHORT) as at:
        assert type(await failure_of(at.create())) is OutcomeUnknownError
        await until(lambda: at.proxy._courier._late)
        assert at.tasks == 0
        at.proxy.hurry()
        await at.proxy.settled()
        assert at.tasks == 1


READS: list[tuple[Spoil, type[ZadigError] | None]] = [
    (Spoil(Fault.RESET_BEFORE), TransportError),
    (Spoil(Fault.RESET_AFTER), TransportError),
    (Spoil(Fault.CUT, size=60), TransportError),
    (Spoil(Fault.DELIVER_LATE, seconds=NEVER), TransportError),
    (Spoil(Fault.GATEWAY_TIMEOUT, seconds=NEVER), ServerError),
    (Spoil(Fault.BAD_GATEWAY_BEFORE), ServerError),
    (Spoil(Fault.BAD_GATEWAY_AFTER), ServerError),
    (Spoil(Fault.GARBAGE), TransportError),
    (Spoil(Fault.WRONG_LENGTH), TransportError),
    (Spoil(Fault.DELAY, seconds=0.01), None),
    (Spoil(Fault.DRIP, size=50), None),
    (Spoil(Fault.DUPLICATE), None),
]


@pytest.mark.parametrize(("spoil", "error"), READS, ids=[row[0].kind for row in READS])
async def test_a_poll_on_a_connection_that_was_used_before(
    spoil: Spoil, error: type[ZadigError] | None
) -> None:
    async with shop(nth({2: spoil})) as at:
        assert await at.count() == 0
        if error is None:
            assert await at.count() == 0
        else:
            assert type(await failure_of(at.count())) is error
        assert await at.count() == 0
        assert [exchange.number for exchange, _ in at.proxy.done] == [2]
        kept = error is None or error is ServerError
        assert at.proxy.connections == (1 if kept else 2)


async def test_refused_and_down() -> None:
    async with shop(None) as at:
        at.proxy.refuse(1)
        assert type(await failure_of(at.create())) is OutcomeUnknownError
        async with at.proxy.down():
            assert type(await failure_of(at.create())) is ConnectError
        assert at.emulator.ledger.requests == []
        assert (await at.create()).task_id == 1


async def follow(at: Shop, stream: LogStream, wanted: str) -> str:
    """Follow until a text has come, with the world moving meanwhile; return all that came."""
    heard = ""
    reading = aiter(stream)
    while wanted not in heard:
        step = asyncio.ensure_future(anext(reading))
        try:
            while not step.done():
                at.clock.advance(0.1)
                await asyncio.sleep(0.001)
            heard += "\n".join(line.text for line in step.result()) + "\n"
        finally:
            step.cancel()
    return heard


@asynccontextmanager
async def following(at: Shop) -> AsyncIterator[LogStream]:
    """Trigger, let the job begin, and open its log."""
    ref = await at.create()
    at.clock.advance(5.0)
    assert at.emulator.world.now == at.clock.now()
    async with at.zadig.logs.open(ref, "job-0-0-0-work") as stream:
        yield stream


async def test_a_live_log_passes_as_it_comes() -> None:
    async with shop(None) as at, following(at) as stream:
        heard = (await follow(at, stream, "line 80\n")).splitlines()
        numbered = [line for line in heard if line.startswith("line ")]
        assert numbered == [f"line {number}" for number in range(1, len(numbered) + 1)]


@pytest.mark.parametrize("choose", [cut_streams(seconds=NEVER), cut_streams(size=2000)], ids=["time", "size"])
async def test_a_live_log_is_cut(choose: Choose) -> None:
    async with shop(choose) as at:
        async with following(at) as stream:
            await follow(at, stream, "line 1")
            at.proxy.hurry()
            with pytest.raises(TransportError, match="cut its answer short"):
                await follow(at, stream, "no such line")
        assert [exchange.target.partition("?")[0] for exchange, _ in at.proxy.done] == [
            "/openapi/logs/sse/v4/workflow/build/1/job-0-0-0-work/0"
        ]


async def test_a_live_log_falls_silent() -> None:
    def choose(exchange: Exchange) -> Spoil | None:
        return Spoil(Fault.HALF_OPEN, size=1000) if "/logs/sse/" in exchange.target else None

    async with shop(choose) as at, following(at) as stream:
        await follow(at, stream, "line 1")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await follow(at, stream, "line 80")


NOT_PASSED_ON: Final = {Fault.RESET_BEFORE, Fault.BLACK_HOLE, Fault.BAD_GATEWAY_BEFORE}


async def test_the_log_accounts_for_every_task() -> None:
    dice = Dice(5, 0.4, list(Fault), matches=lambda exchange: exchange.method == "POST", seconds=(0, 0.2))
    async with shop(dice, SHORT) as at:

        async def trigger() -> None:
            for _ in range(12):
                try:
                    await at.create()
                except OutcomeUnknownError:
                    await at.zadig.tasks.page("shop", "build")

        await asyncio.gather(*(trigger() for _ in range(8)))
        await at.proxy.settled()
        counts = at.proxy.counts
        assert dice.matched == 96
        assert sum(counts.values()) > 25
        expected = 96 - sum(counts[kind] for kind in NOT_PASSED_ON) + counts[Fault.DUPLICATE]
        await until(lambda: at.tasks >= expected)
        await until(lambda: at.proxy._courier._tasks == set())
        assert at.tasks == expected
        assert at.proxy.undelivered == 0
