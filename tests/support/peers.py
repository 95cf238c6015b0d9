"""Two peers, one test body: the emulator without sockets in virtual time, and over a real socket.

    @both_peers(world())
    async def test_something(peer: Peer) -> None:
        task = await peer.zadig.tasks.get(...)

Over the socket the world runs `SPEED` times faster than we do, and the policy of `Peer.policy` polls so
much faster, so the same body sees the same things.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import attrs
import pytest

from tests.support import virtual_time
from tests.support.loopback import Loopback
from zadig_async import ApprovalPolicy, ApprovalRule, Deadlines, RunPolicy, Secret, ZadigClient
from zadig_async.emulator import Dialect, Emulator, Fault, Faults, Ledger, LoopClock, Script, World
from zadig_async.orchestrator.events import Event
from zadig_async.transport.retry import RetryPolicy

SPEED: Final = 40.0
TOKEN: Final = "bot-token"


@attrs.frozen
class Peer:
    """An emulated server, a client of it, and how fast its world runs.

    Attributes:
        zadig: The client.
        faults: Faults to order.
        ledger: What truly happened.
        world: The world itself.
        speed: World seconds per second of ours.
        carrier: The carrier, where there are no sockets.
        seen: Every event an orchestrator with `on_event=peer.seen.append` was told.
    """

    zadig: ZadigClient
    faults: Faults
    ledger: Callable[[], Ledger]
    world: Callable[[], World]
    speed: float
    carrier: Loopback | None = None
    seen: list[Event] = attrs.field(factory=list)

    def policy(
        self,
        *,
        approve: str | None = None,
        after_passed: bool = True,
        own_tasks: bool = True,
        follow_logs: bool = False,
        deadlines: Deadlines | None = None,
        concurrency: int = 16,
        outage: float = 600.0,
    ) -> RunPolicy:
        """Return a policy that is as quick as the world; seconds are the world's."""
        rules = (
            [
                ApprovalRule(
                    project="shop",
                    workflow="*",
                    gate=approve,
                    after_passed=after_passed,
                    own_tasks=own_tasks,
                )
            ]
            if approve is not None
            else []
        )
        return RunPolicy(
            concurrency=concurrency,
            approvals=ApprovalPolicy(rules),
            deadlines=self.scaled(deadlines or Deadlines()),
            follow_logs=follow_logs,
            poll_every=3.0 / self.speed,
            outage=outage / self.speed,
            settle=10.0 / self.speed,
            read_back=10.0 / self.speed,
        )

    def scaled(self, deadlines: Deadlines) -> Deadlines:
        """Return deadlines as quick as the world."""

        def quick(seconds: float | None) -> float | None:
            return None if seconds is None else seconds / self.speed

        return attrs.evolve(
            deadlines,
            queue=quick(deadlines.queue),
            run=quick(deadlines.run),
            gate=quick(deadlines.gate),
            total=quick(deadlines.total),
        )

    async def sleep(self, world_seconds: float) -> None:
        """Let time pass in the world."""
        await asyncio.sleep(world_seconds / self.speed)

    def fault(self, kind: str, path: str, **options: Any) -> None:
        """Order a fault."""
        self.faults.add(Fault(kind=kind, path=path, **options))

    def kinds(self) -> list[str]:
        """The names of the events seen so far."""
        return [type(event).__name__ for event in self.seen]


Body = Callable[[Peer], Coroutine[Any, Any, None]]


def both_peers(script: Mapping[str, Any]) -> Callable[[Body], Callable[[str], None]]:
    """Make of a test body two tests, one for each peer."""

    def decorate(body: Body) -> Callable[[str], None]:
        @pytest.mark.parametrize("peer", ["loopback", "socket"])
        def test(peer: str) -> None:
            if peer == "loopback":
                virtual_time.run(over_loopback(body, script))
            else:
                # With a factory the runner leaves the thread's current loop alone, as pytest-asyncio needs.
                with asyncio.Runner(debug=True, loop_factory=asyncio.new_event_loop) as runner:
                    runner.run(over_socket(body, script))

        test.__doc__ = body.__doc__
        return test

    return decorate


def in_virtual_time(script: Mapping[str, Any]) -> Callable[[Body], Callable[[], None]]:
    """Make of a test body one test, without sockets, for what takes hours of the world."""

    def decorate(body: Body) -> Callable[[], None]:
        def test() -> None:
            virtual_time.run(over_loopback(body, script))

        test.__doc__ = body.__doc__
        return test

    return decorate


async def over_loopback(body: Body, script: Mapping[str, Any]) -> None:
    """Run a body against the emulator without sockets."""
    clock = LoopClock(start=1_790_000_000.0)
    dialect = Dialect(World(Script.load(script), clock.now()), clock, faults=Faults())
    carrier = Loopback(dialect, TOKEN)

    def world() -> World:
        dialect.world.advance(clock.now())
        return dialect.world

    async with ZadigClient.over(carrier, secrets=(Secret(TOKEN),)) as zadig:
        await body(Peer(zadig, dialect.faults, lambda: dialect.ledger, world, speed=1.0, carrier=carrier))


async def over_socket(body: Body, script: Mapping[str, Any]) -> None:
    """Run a body against the emulator over a socket."""
    quick = RetryPolicy(first_delay=0.5 / SPEED, max_delay=10.0 / SPEED)
    async with (
        Emulator(script, speed=SPEED) as emulator,
        ZadigClient.connect(emulator.url, token=TOKEN, retry=quick) as zadig,
    ):
        await body(Peer(zadig, emulator.faults, lambda: emulator.ledger, lambda: emulator.world, speed=SPEED))
