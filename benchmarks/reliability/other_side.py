"""The server of a reliability run, in a process of its own: the emulator, and what truly happened in it.

    async with OtherSide.begin(script, speed=100.0) as other: ...

Spoken over pipes, a line of JSON each way. `python -m benchmarks.reliability.other_side` is the far end.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from subprocess import PIPE, Popen
from typing import Any, Final

import attrs

from tests.support.fault_proxy import Choose, Dice, Fault, FaultProxy
from tests.support.log_weather import LogWeather
from zadig_async.emulator import Emulator

TOKEN: Final = "bot-token"  # noqa: S105 - of the emulator


@attrs.frozen(kw_only=True)
class Truth:
    """What truly happened.

    Attributes:
        tasks: Each task made: workflow, number, variables.
        votes: Each approval taken: workflow, task number.
        cancels: Each cancellation taken: workflow, task number, status before.
        spoiled: How many exchanges were spoiled, by kind.
        requests: How many requests came.
    """

    tasks: tuple[tuple[str, int, Mapping[str, str]], ...]
    votes: tuple[tuple[str, int], ...]
    cancels: tuple[tuple[str, int, str], ...]
    spoiled: Mapping[str, int]
    requests: int


@attrs.define
class OtherSide:
    """The far end, as it is seen from here.

    Attributes:
        url: Where it listens.
    """

    url: str
    _process: "Popen[str]"

    @classmethod
    @contextmanager
    def begin(cls, script: Mapping[str, Any], **options: Any) -> Iterator["OtherSide"]:
        """Start the far end, and end it with the context.

        Args:
            script: What the emulator plays.
            options: `speed` of the world, and of the proxy before it either `seed`, `rate`, `kinds` and
                `seconds`, or `weather`, the arguments of `LogWeather`.
        """
        argv = [sys.executable, "-m", "benchmarks.reliability.other_side"]
        with Popen(argv, stdin=PIPE, stdout=PIPE, text=True) as process:  # noqa: S603 - ourselves
            other = cls("", process)
            try:
                other.url = other._ask({"script": script, **options})["url"]
                yield other
            finally:
                process.kill()

    def truth(self) -> Truth:
        """Return what truly happened so far, after every late delivery."""
        told = self._ask({})
        return Truth(
            tasks=tuple((workflow, task, params) for workflow, task, params in told["tasks"]),
            votes=tuple((workflow, task) for workflow, task in told["votes"]),
            cancels=tuple((workflow, task, before) for workflow, task, before in told["cancels"]),
            spoiled=told["spoiled"],
            requests=told["requests"],
        )

    def logs(self) -> Mapping[tuple[str, int, str], Sequence[Sequence[str]]]:
        """Return what each attempt of each job has printed, by workflow, task number and job task name."""
        told = self._ask({"logs": True})
        return {(workflow, task, job): printed for workflow, task, job, printed in told["logs"]}

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("the far end is spoken to over pipes")
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    wanted = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(Emulator(wanted["script"], speed=wanted.get("speed", 1.0)))
        proxy: FaultProxy | None = None
        choose = _choose(wanted)
        if choose is not None:
            proxy = await stack.enter_async_context(FaultProxy.before(emulator.url, choose))
        gc.freeze()  # the world is large by now, and nothing of it is ever garbage
        gc.set_threshold(50_000)
        _say({"url": emulator.url if proxy is None else proxy.url})
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            if "logs" in json.loads(line):
                _say({"logs": _logs(emulator), "spoiled": {} if proxy is None else dict(proxy.counts)})
                continue
            if proxy is not None:
                await proxy.settled()
            ledger = emulator.ledger
            _say(
                {
                    "tasks": [(task.workflow, task.task_id, dict(task.params)) for task in ledger.tasks],
                    "votes": [(vote.workflow, vote.task_id) for vote in ledger.approvals if vote.approve],
                    "cancels": [(item.workflow, item.task_id, item.before) for item in ledger.cancels],
                    "spoiled": {} if proxy is None else dict(proxy.counts),
                    "requests": len(ledger.requests),
                }
            )


def _choose(wanted: Mapping[str, Any]) -> Choose | None:
    if "weather" in wanted:
        return LogWeather(**wanted["weather"])
    if "rate" not in wanted:
        return None
    kinds = [Fault(kind) for kind in wanted["kinds"]]
    return Dice(wanted["seed"], wanted["rate"], kinds, seconds=tuple(wanted["seconds"]))


def _logs(emulator: Emulator) -> list[tuple[str, int, str, list[list[str]]]]:
    return [
        (task.workflow.key, task.id, job.name, [[text for _, text in log.lines] for log in job.logs])
        for task in emulator.world.tasks
        for stage in task.stages
        for job in stage.jobs
    ]


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve())
