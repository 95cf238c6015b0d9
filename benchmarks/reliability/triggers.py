"""Triggers through a network that breaks: how many tasks came of each, and what was said of it.

Every exchange between client and server may be spoiled, reads included, in eight ways, evenly:

    reset before, reset after, cut, black hole, deliver late, bad gateway before, bad gateway after, garbage

Time runs `SCALE` times faster than in production: the window, the time-outs and the delays of late deliveries
all alike. What is said is then compared with what the server's own records hold. A naive client, which sends
again after any error, does the same in the same network, to show that the network is as bad as it is said.
"""

import asyncio
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum, unique
from typing import Any, Final

import attrs

from benchmarks.reliability.other_side import TOKEN, OtherSide, Truth
from tests.support.fault_proxy import Fault
from tests.support.worlds import job, world
from zadig_async import (
    ALL_JOBS,
    Journal,
    KillSwitch,
    Launch,
    ReconcilePolicy,
    RetryPolicy,
    RunPolicy,
    Secret,
    ZadigClient,
    ZadigError,
    inputs,
)
from zadig_async.errors import OutcomeUnknownError
from zadig_async.journal import drafts
from zadig_async.journal.audit import NoAudit
from zadig_async.orchestrator.launcher import Launcher
from zadig_async.orchestrator.means import Means
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Connection, Limits, Timeouts

SCALE: Final = 60.0
"""How many times faster than in production everything is."""

WINDOW: Final = 300.0 / SCALE
"""Seconds for which the task of a trigger is looked for."""

_LATE: Final = (1.0 / SCALE, 200.0 / SCALE)
"""How late late deliveries are, in seconds: up to two thirds of the window; the rest is for busy machines."""

KINDS: Final = (
    Fault.RESET_BEFORE,
    Fault.RESET_AFTER,
    Fault.CUT,
    Fault.BLACK_HOLE,
    Fault.DELIVER_LATE,
    Fault.BAD_GATEWAY_BEFORE,
    Fault.BAD_GATEWAY_AFTER,
    Fault.GARBAGE,
)

_PROJECTS: Final = 25
_WORKFLOWS: Final = 10
"""In each project."""

_AT_ONCE: Final = 128
_NAIVE_ATTEMPTS: Final = 4
_NEVER_STARTS: Final = 1e9
"""Seconds between two steps of the queue: only triggers matter here, so no task is ever run."""

_PARAMS: Final = ({"name": "zadig_async_run", "type": "string"}, {"name": "number", "type": "string"})


@unique
class Said(StrEnum):
    """What a client said of one trigger."""

    OK = "ok"
    UNKNOWN = "unknown"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class Claim:
    """What a client said of one trigger.

    Attributes:
        number: Which trigger.
        said: What it said.
        task: Workflow and task number it named, or None.
    """

    number: int
    said: Said
    task: tuple[str, int] | None = None


@attrs.frozen(kw_only=True)
class Count:
    """One seed's figures.

    Attributes:
        duplicates: Tasks beyond the first one of a trigger.
        false_ok: Triggers said to be fine whose task is another one's, or is not there.
        silent: Triggers said to have failed that have a task.
        unknown: Triggers of which nothing could be said.
        failed: Triggers said to have failed.
    """

    duplicates: int
    false_ok: int
    silent: int
    unknown: int
    failed: int

    @classmethod
    def of(cls, claims: Sequence[Claim], truth: Truth) -> "Count":
        """Compare what was said with what is true."""
        tasks: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        for workflow, task, params in truth.tasks:
            tasks[int(params["number"])].append((workflow, task))
        said = Counter(claim.said for claim in claims)
        return cls(
            duplicates=sum(len(found) - 1 for found in tasks.values()),
            false_ok=sum(claim.said is Said.OK and claim.task not in tasks[claim.number] for claim in claims),
            silent=sum(claim.said is Said.FAILED and bool(tasks[claim.number]) for claim in claims),
            unknown=said[Said.UNKNOWN],
            failed=said[Said.FAILED],
        )


def _launches(count: int) -> Iterator[tuple[int, Launch]]:
    for number in range(count):
        project, rest = number % _PROJECTS, number // _PROJECTS
        key = f"w-{project}-{rest % _WORKFLOWS}"
        yield number, Launch(f"p-{project}", key, jobs=ALL_JOBS, params={"number": str(number)})


def _world() -> Mapping[str, Any]:
    stage = {"name": "build", "jobs": [job("build")]}
    old = [{"id": 1, "age": 86_400.0, "status": "passed"}]
    projects = [
        {
            "key": f"p-{project}",
            "workflows": [
                {"key": f"w-{project}-{number}", "stages": [stage], "params": list(_PARAMS), "tasks": old}
                for number in range(_WORKFLOWS)
            ],
        }
        for project in range(_PROJECTS)
    ]
    bot = {"name": "bot", "tokens": [TOKEN], "admin": True}
    return {**world(), "users": [bot], "projects": projects, "queue_tick": _NEVER_STARTS}


def _client(url: str) -> ZadigClient:
    carrier = HttpCarrier(
        Connection(url, Secret(TOKEN)),
        timeouts=Timeouts(connect=10.0, poll_total=60.0 / SCALE, write_total=180.0 / SCALE),
        limits=Limits(write=_AT_ONCE, poll=_AT_ONCE),
    )
    retry = RetryPolicy(first_delay=0.5 / SCALE, max_delay=10.0 / SCALE)
    return ZadigClient.over(carrier, retry=retry, server=url, account="bot")


class _Ours:
    """The part of an orchestrator that launches."""

    def __init__(self, zadig: ZadigClient, *, retrigger: bool) -> None:
        self._means = Means(
            zadig=zadig,
            voter=zadig,
            policy=RunPolicy(
                reconcile=ReconcilePolicy(
                    window=WINDOW, when_absent="retrigger" if retrigger else "stop", attempts=3
                )
            ),
            journal=Journal.in_memory(),
            audit=NoAudit(),
            switch=KillSwitch(),
            emit=lambda _: None,
            stop=asyncio.Event(),
            wall=time.time,
        )
        self._launcher = Launcher(self._means)

    async def trigger(self, number: int, launch: Launch) -> Claim:
        while True:
            (entry,) = await self._launcher.intend([launch], origin={})
            if not isinstance(entry, ZadigError):
                break
            # What became of another launch of this workflow is not known yet: as a person would, wait for it.
            await asyncio.sleep(1.0 / SCALE)
        try:
            ref = await self._launcher.launch(entry, launch)
        except OutcomeUnknownError:
            # Somebody looks into it, or nothing would be launched there any more.
            await self._means.journal.write(entry.scope, drafts.settled(entry.run, "refused"))
            return Claim(number=number, said=Said.UNKNOWN)
        except ZadigError:
            return Claim(number=number, said=Said.FAILED)
        finally:
            await self._launcher.release(entry)
        return Claim(number=number, said=Said.OK, task=(ref.workflow, ref.task_id))


class _Naive:
    """What one writes without thinking of it: any error, and the request is sent again."""

    def __init__(self, zadig: ZadigClient) -> None:
        self._zadig = zadig

    async def trigger(self, number: int, launch: Launch) -> Claim:
        for _ in range(_NAIVE_ATTEMPTS):
            try:
                ref = await self._zadig.tasks.create(
                    launch.project,
                    launch.workflow,
                    params=launch.params,
                    inputs={"build": inputs.FreestyleInput()},
                )
            except ZadigError:
                await asyncio.sleep(1.0 / SCALE)
            else:
                return Claim(number=number, said=Said.OK, task=(ref.workflow, ref.task_id))
        return Claim(number=number, said=Said.FAILED)


async def _all(client: "_Ours | _Naive", count: int) -> list[Claim]:
    todo = _launches(count)
    claims: list[Claim] = []

    async def work() -> None:
        for number, launch in todo:
            claims.append(await client.trigger(number, launch))

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(work())
    return claims


async def _claims(url: str, count: int, how: str) -> list[Claim]:
    async with _client(url) as zadig:
        client = _Naive(zadig) if how == "naive" else _Ours(zadig, retrigger=how == "retrigger")
        return await _all(client, count)


def _measure(how: str, count: int, rate: float, seed: int) -> tuple[Count, Truth, float]:
    began = time.monotonic()
    options = {"seed": seed, "rate": rate, "kinds": [kind.value for kind in KINDS], "seconds": _LATE}
    with OtherSide.begin(_world(), speed=1.0, **options) as other:
        claims = asyncio.run(_claims(other.url, count, how))
        truth = other.truth()
    return Count.of(claims, truth), truth, time.monotonic() - began


def run(count: int, seeds: int, rate: float) -> int:
    """Trigger, count, print.

    Args:
        count: Triggers for each seed.
        seeds: How many seeds.
        rate: Share of exchanges that are spoiled.

    Returns:
        0 where all promises were kept and the naive client has shown what happens without them.
    """
    print(f"{count} triggers a seed, {rate:.0%} of all exchanges spoiled in {len(KINDS)} ways")
    print(f"window {WINDOW:g} s, {SCALE:g} times faster than in production")
    print("client      seed  duplicates  false ok  silent loss  unknown  failed  spoiled  requests  seconds")
    broken = False
    for how, seed in [("retrigger", seed) for seed in range(seeds)] + [("stop", 0), ("naive", 0)]:
        found, truth, seconds = _measure(how, count, rate, seed)
        print(
            f"{how:10}  {seed:4}  {found.duplicates:10}  {found.false_ok:8}  {found.silent:11}  "
            f"{found.unknown:7}  {found.failed:6}  {sum(truth.spoiled.values()):7}  {truth.requests:8}  "
            f"{seconds:7.0f}",
            flush=True,
        )
        if how == "naive":
            broken |= found.duplicates < count * rate / 8
        else:
            broken |= bool(found.duplicates or found.false_ok or found.silent)
            broken |= how == "retrigger" and found.unknown > count / 100
    if broken:
        print(
            "WRONG: a promise was broken, or the naive client was too lucky to prove anything",
            file=sys.stderr,
        )
    return 1 if broken else 0
