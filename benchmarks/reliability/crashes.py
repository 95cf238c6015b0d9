"""Killed anywhere, resumed everywhere: a driver dies at each failpoint, another brings its run to the end.

For every failpoint and as often as asked: one process starts a run and is killed there; a second one resumes
the journal. Counted against the server's own records: exactly one task, one vote, one cancellation, and the
end that a run has which nobody kills.
"""

import asyncio
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum, unique
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks.reliability.failpoints import (
    APPROVE,
    CANCEL,
    TRIGGER,
    Failpoint,
    Moment,
    MortalCarrier,
    MortalStore,
)
from benchmarks.reliability.other_side import TOKEN, OtherSide, Truth
from tests.support.worlds import gate, job, workflow, world
from zadig_async import (
    ALL_JOBS,
    ApprovalPolicy,
    ApprovalRule,
    Journal,
    Launch,
    Orchestrator,
    Outcome,
    ReconcilePolicy,
    RunPolicy,
    Secret,
    TaskRef,
    ZadigClient,
    events,
)
from zadig_async.journal.records import Act, Kind
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Connection

SPEED: Final = 100.0
"""World seconds per second of ours."""

_LANES: Final = 10
"""Drivers under way at a time; each lane has workflows of its own."""

_PATIENCE: Final = 60.0
"""Seconds after which a driver counts as hung."""

_MARKER: Final = {"name": "zadig_async_run", "type": "string", "value": ""}


@unique
class Scenario(StrEnum):
    """What a driver does."""

    APPROVE = "approve"
    """Builds, passes a gate, deploys."""
    LOST = "lost"
    """Loses the trigger's answer, and finds its task."""
    CANCEL = "cancel"
    """Cancels the task as soon as it runs."""


_EXPECTED: Final = {Scenario.APPROVE: "succeeded", Scenario.LOST: "succeeded", Scenario.CANCEL: "cancelled"}

_OF_RECORDS: Final = (Moment.BEFORE_WRITE, Moment.BEFORE_FSYNC, Moment.BEFORE_HEAD, Moment.AFTER_WRITE)
_OF_CALLS: Final = (Moment.BEFORE_SEND, Moment.AFTER_RECEIVE)

_RECORDS: Final[Mapping[Scenario, Sequence[tuple[Kind, Act]]]] = {
    Scenario.APPROVE: (
        (Kind.INTENT, Act.TRIGGER),
        (Kind.SENT, Act.TRIGGER),
        (Kind.RESULT, Act.TRIGGER),
        (Kind.NOTE, Act.APPROVE),
        (Kind.SENT, Act.APPROVE),
        (Kind.RESULT, Act.APPROVE),
        (Kind.APPROVED, Act.APPROVE),
        (Kind.FINISHED, Act.TRIGGER),
    ),
    Scenario.LOST: ((Kind.UNKNOWN, Act.TRIGGER), (Kind.ADOPTED, Act.TRIGGER)),
    Scenario.CANCEL: ((Kind.SENT, Act.CANCEL), (Kind.RESULT, Act.CANCEL), (Kind.CANCELLED, Act.CANCEL)),
}
_CALLS: Final = {
    Scenario.APPROVE: (TRIGGER, APPROVE),
    Scenario.LOST: (TRIGGER,),
    Scenario.CANCEL: (CANCEL,),
}


def failpoints() -> Iterator[tuple[Scenario, Failpoint]]:
    """Yield every place at which a driver is killed."""
    for scenario in Scenario:
        for kind, act in _RECORDS[scenario]:
            yield from ((scenario, Failpoint(moment, kind, act)) for moment in _OF_RECORDS)
        for call in _CALLS[scenario]:
            yield from ((scenario, Failpoint(moment, call=call)) for moment in _OF_CALLS)


def _key(scenario: Scenario, lane: int) -> str:
    return f"{scenario}-{lane}"


def _world() -> Mapping[str, Any]:
    old = [{"id": 1, "age": 86_400.0, "status": "passed"}]
    quick = {"duration": 1.0}
    shapes = {
        Scenario.APPROVE: ([job("build", **quick)], [gate()], [job("deploy", **quick)]),
        Scenario.LOST: ([job("build", **quick)],),
        Scenario.CANCEL: ([job("build", duration=3600.0)],),
    }
    made = [
        workflow(_key(scenario, lane), *stages, params=[_MARKER], tasks=old)
        for scenario, stages in shapes.items()
        for lane in range(_LANES)
    ]
    return world(*made, workflow_concurrency=1000)


def _policy() -> RunPolicy:
    rule = ApprovalRule(project="shop", workflow="*", gate="gate", own_tasks=True)
    return RunPolicy(
        approvals=ApprovalPolicy([rule]),
        poll_every=0.03,
        settle=0.1,
        read_back=1.0,
        reconcile=ReconcilePolicy(window=1.5, when_absent="retrigger"),
    )


@attrs.frozen(kw_only=True)
class Drive:
    """What one driver process is to do.

    Attributes:
        url: The server.
        journal: The journal's file.
        scenario: What to do.
        lane: Which workflow.
        failpoint: Where to die, or None.
        resume: Whether to go on with the journal, instead of starting a run.
        naive: Whether there is no journal, and going on means to start again.
    """

    url: str
    journal: Path
    scenario: Scenario
    lane: int
    failpoint: Failpoint | None = None
    resume: bool = False
    naive: bool = False

    async def run(self) -> Outcome:
        """Do it."""
        carrier = MortalCarrier(
            HttpCarrier(Connection(self.url, Secret(TOKEN))),
            self.failpoint,
            loses=self.scenario is Scenario.LOST and not self.resume,
        )
        journal = (
            Journal.in_memory() if self.naive else Journal(await MortalStore.at(self.journal, self.failpoint))
        )
        await journal.refresh()
        cancelling: list[asyncio.Task[bool]] = []

        def on_event(event: events.Event) -> None:
            running = isinstance(event, events.TaskChanged) and event.after == "running"
            if self.scenario is Scenario.CANCEL and running and event.ref is not None:
                cancelling.append(asyncio.create_task(orchestrator.cancel(event.ref)))

        async with ZadigClient.over(carrier, server=self.url) as zadig, journal:
            orchestrator = Orchestrator(zadig, _policy(), on_event=on_event, journal=journal)
            async with orchestrator:
                if self.resume and journal.history.runs:
                    (outcome,) = await orchestrator.resume() or await self._as_it_ended(orchestrator, journal)
                else:
                    outcome = await orchestrator.run(
                        Launch("shop", _key(self.scenario, self.lane), jobs=ALL_JOBS)
                    )
            await asyncio.gather(*cancelling)
        return outcome

    async def _as_it_ended(self, orchestrator: Orchestrator, journal: Journal) -> list[Outcome]:
        """Look at the task of a run whose end was written down before the driver died."""
        (entry,) = journal.history.runs.values()
        if entry.task is None:
            raise AssertionError("a run that has ended had a task")
        return [await orchestrator.attach(TaskRef("shop", entry.scope.workflow.workflow, entry.task)).wait()]


@attrs.frozen(kw_only=True)
class Fate:
    """What became of one kill and its resumption.

    Attributes:
        scenario: What the driver did.
        failpoint: Where it died.
        problem: What went wrong, or empty.
        task: Workflow and number of the task, or None.
    """

    scenario: Scenario
    failpoint: Failpoint
    problem: str = ""
    task: tuple[str, int] | None = None


def _forked(work: Callable[[], Mapping[str, Any]]) -> tuple[int, Path]:
    """Do work in a child process, which writes what it returns into a file."""
    handle, name = tempfile.mkstemp()
    pid = os.fork()
    if pid:
        os.close(handle)
        return pid, Path(name)
    try:
        os.write(handle, json.dumps(work()).encode())
    except BaseException as error:  # noqa: BLE001 - the child ends here, whatever came
        os.write(handle, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
    finally:
        os._exit(0)


def _drive(drive: Drive) -> Mapping[str, Any]:
    outcome = asyncio.run(asyncio.wait_for(drive.run(), _PATIENCE))
    return {
        "verdict": outcome.verdict,
        "task": None if outcome.ref is None else outcome.ref.task_id,
        "error": None if outcome.error is None else str(outcome.error),
    }


class _Lane:
    """One kill and its resumption after the other."""

    def __init__(
        self,
        number: int,
        url: str,
        folder: Path,
        todo: Iterator[tuple[Scenario, Failpoint]],
        *,
        naive: bool,
    ) -> None:
        self._naive = naive
        self._number = number
        self._url = url
        self._folder = folder
        self._todo = todo
        self._count = 0
        self.fates: list[Fate] = []

    def next(self) -> int | None:
        """Begin the next kill; return the process, or None where there is nothing left to do."""
        found = next(self._todo, None)
        if found is None:
            return None
        self._scenario, self._failpoint = found
        self._count += 1
        self._journal = self._folder / f"{self._number}-{self._count}"
        self._journal.mkdir()
        self._resuming = False
        return self._fork(self._failpoint)

    def _fork(self, failpoint: Failpoint | None) -> int:
        drive = Drive(
            url=self._url,
            journal=self._journal / "journal",
            scenario=self._scenario,
            lane=self._number,
            failpoint=failpoint,
            resume=failpoint is None,
            naive=self._naive,
        )
        pid, self._answer = _forked(lambda: _drive(drive))
        return pid

    def ended(self, status: int) -> int | None:
        """Take note of the end of our process; return the next one, or None where there is nothing left."""
        answer = self._answer.read_text() or "{}"
        self._answer.unlink()
        if not self._resuming:
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                self._resuming = True
                return self._fork(None)
            return self._done(f"never came to its failpoint: {answer}")
        told = json.loads(answer)
        if told.get("verdict") != _EXPECTED[self._scenario]:
            return self._done(f"ended otherwise: {answer}")
        return self._done("", (_key(self._scenario, self._number), told["task"]))

    def _done(self, problem: str, task: tuple[str, int] | None = None) -> int | None:
        self.fates.append(
            Fate(scenario=self._scenario, failpoint=self._failpoint, problem=problem, task=task)
        )
        shutil.rmtree(self._journal)
        return self.next()


def _fates(url: str, todo: Iterator[tuple[Scenario, Failpoint]], *, naive: bool) -> list[Fate]:
    with tempfile.TemporaryDirectory() as folder:
        lanes = [_Lane(number, url, Path(folder), todo, naive=naive) for number in range(_LANES)]
        working = {pid: lane for lane in lanes if (pid := lane.next()) is not None}
        while working:
            pid, status = os.wait()
            lane = working.pop(pid, None)  # the far end is a child of ours too
            following = None if lane is None else lane.ended(status)
            if lane is not None and following is not None:
                working[following] = lane
        return [fate for lane in lanes for fate in lane.fates]


def _doubles(fates: Sequence[Fate], truth: Truth) -> list[str]:
    """Say which writes happened more than once, or never."""
    good = [fate for fate in fates if fate.task is not None]
    problems = []
    made = Counter(params["zadig_async_run"] for _, _, params in truth.tasks)
    problems += [f"{count} tasks of the run {run}" for run, count in made.items() if count != 1]
    votes, cancels = Counter(truth.votes), Counter((workflow, task) for workflow, task, _ in truth.cancels)
    for name, scenario, counted in (
        ("votes", Scenario.APPROVE, votes),
        ("cancellations", Scenario.CANCEL, cancels),
    ):
        of = [fate.task for fate in good if fate.scenario is scenario and fate.task is not None]
        problems += [f"{counted[task]} {name} of {task}" for task in of if counted[task] != 1]
        problems += [f"{name} of {task}, which is no run's" for task in counted if task not in of]
    if len(truth.tasks) != len(fates):
        problems.append(f"{len(truth.tasks)} tasks of {len(fates)} runs")
    return problems


def _load() -> None:
    """Import what a driver would import when it first needs it, so that not every child does."""
    for name in ("model.inputs", "model.jobspec", "orchestrator.preflight"):
        importlib.import_module(f"zadig_async.{name}")


def run(runs: int, *, naive: bool = False) -> int:
    """Kill and resume a driver at every failpoint, and print what became of it.

    Args:
        runs: How often at each failpoint.
        naive: Whether to go on without a journal: to see that doubles are seen.

    Returns:
        0 where every run came to its end with every write made once; without a journal, where not.
    """
    _load()
    began = time.monotonic()
    places = [place for place in failpoints() if not naive or place[1].call]
    todo = [place for place in places for _ in range(runs)]
    with OtherSide.begin(_world(), speed=SPEED) as other:
        fates = _fates(other.url, iter(todo), naive=naive)
        truth = other.truth()
    doubles = _doubles(fates, truth)
    bad = Counter(f"{fate.scenario}: {fate.failpoint}: {fate.problem}" for fate in fates if fate.problem)
    print(f"failpoints            {len(places)}, each {runs} times")
    print(f"killed and resumed    {sum(not fate.problem for fate in fates)} of {len(fates)}")
    print(f"tasks, votes, cancels {len(truth.tasks)}, {len(truth.votes)}, {len(truth.cancels)}")
    print(f"double or lost writes {len(doubles)}")
    print(f"{time.monotonic() - began:.0f} s")
    for line, count in bad.most_common(20):
        print(f"WRONG {count} x {line}", file=sys.stderr)
    for line in doubles[:20]:
        print(f"WRONG {line}", file=sys.stderr)
    broken = bool(bad or doubles)
    return 1 if broken is not naive else 0
