"""A machine that does anything to gates in any order, and an oracle that knows when a vote may be cast.

The world, the people in it and the network are moved by Hypothesis; the orchestrator does what it does. After
each step, every vote that left us since the step before is judged by rules written down here once more, from
what the world was at that moment, without any of the code that decides.
"""

import asyncio
import contextlib
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any, ClassVar

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.loopback import Loopback
from tests.support.meddling import Meddling
from tests.support.peers import TOKEN
from tests.support.virtual_time import START as LOOP_START
from tests.support.virtual_time import VirtualLoop
from tests.support.worlds import gate, job, workflow, world
from zadig_async import (
    ALL_JOBS,
    ApprovalPolicy,
    ApprovalRule,
    Freeze,
    Journal,
    KillSwitch,
    Launch,
    Orchestrator,
    ReconcilePolicy,
    Run,
    RunPolicy,
    TaskRef,
    Window,
    ZadigClient,
)
from zadig_async.emulator import Dialect, Fault, Faults, LoopClock, Script, World
from zadig_async.emulator.state import Task
from zadig_async.emulator.world import Refusal
from zadig_async.journal.memory import MemoryStore
from zadig_async.wire.call import AnyCall

START = 1_790_000_000.0
APPROVE = "/openapi/workflows/custom/task/approve"
DETAIL = "/openapi/workflows/custom/task"
HOUR = 3600.0
SEEN_BY_THEN = 7.0
"""Seconds after which an open gate has surely been seen, unless reads fail."""

_LINT = job("lint", duration=2.0, outcome="failed", error_policy={"policy": "ignore_error"})
WORLD = world(
    workflow("api", [job("build", duration=2.0)], [gate()], [job("deploy", duration=2.0)]),
    workflow("abc", [_LINT, job("build", duration=2.0)], [gate()], [job("deploy", duration=2.0)]),
    workflow("ask", [gate()], [job("deploy", duration=2.0, outcome="failed")]),
    workflow("web", [gate()], [job("deploy", duration=2.0)]),
    workflow("all", [gate(needed_approvers=2)], [job("deploy", duration=2.0)]),
)
WORKFLOWS = ("api", "abc", "ask", "web", "all")


@attrs.frozen(kw_only=True)
class Cast:
    """A vote that left us.

    Attributes:
        at: When, in seconds of the world.
        workflow: Whose gate.
        task: Which task.
        opened: When the gate had opened.
    """

    at: float
    workflow: str
    task: int
    opened: float


class _Clock(LoopClock):
    """The world's clock, which can be read outside the event loop too."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__(start=START)
        self._virtual = loop

    def now(self) -> float:
        return START + self._virtual.time() - LOOP_START


class Steps:
    """What was done, over all machines.

    Attributes:
        steps: Steps taken.
        votes: Votes judged.
        pulled: How often the switch was pulled.
        judged: Votes by workflow.
    """

    steps = 0
    votes = 0
    pulled = 0
    judged: ClassVar[Counter[str]] = Counter()


class Approvals(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.clock = _Clock(self.loop)
        self.pulled_at: float | None = None
        self.changes: dict[tuple[str, int], list[float]] = {}
        self.cast: list[Cast] = []
        self.judged = 0
        self.runs: list[Run] = []
        self.reads_failed_at = 0.0

    @initialize(
        own_tasks=st.booleans(),
        after_passed=st.booleans(),
        unchanged=st.booleans(),
        soak=st.sampled_from([0.0, 0.0, 20.0, 90.0]),
        window=st.sampled_from([None, None, "14:14-14:40 UTC", "Mon 14:00-15:10 UTC"]),
        freeze=st.sampled_from([None, None, (60.0, 400.0)]),
        per_hour=st.sampled_from([None, None, 1, 2]),
    )
    def begin(
        self,
        own_tasks: bool,
        after_passed: bool,
        unchanged: bool,
        soak: float,
        window: str | None,
        freeze: tuple[float, float] | None,
        per_hour: int | None,
    ) -> None:
        self.rule = ApprovalRule(
            project="shop",
            workflow="a*",
            gate="gate",
            own_tasks=own_tasks,
            after_passed=after_passed,
            unchanged=unchanged,
            soak=soak,
            windows=[Window.parse(window)] if window else [],
        )
        self.freeze = freeze
        self.per_hour = per_hour
        self._do(self._open())

    def _do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _open(self) -> None:
        freezes = (
            [
                Freeze(
                    start=datetime.fromtimestamp(START + self.freeze[0], UTC),
                    end=datetime.fromtimestamp(START + self.freeze[1], UTC),
                )
            ]
            if self.freeze
            else []
        )
        self.faults = Faults()
        self.dialect = Dialect(World(Script.load(WORLD), self.clock.now()), self.clock, faults=self.faults)
        self.loopback = Loopback(self.dialect, TOKEN)
        self.zadig = ZadigClient.over(Meddling(self.loopback, self._note), account="bot")
        self.switch = KillSwitch()
        self.journal = Journal(MemoryStore(clock=self.clock.now), lease=float("inf"))
        self.orchestrator = Orchestrator(
            self.zadig,
            RunPolicy(
                approvals=ApprovalPolicy([self.rule], freezes=freezes, max_per_hour=self.per_hour),
                reconcile=ReconcilePolicy(window=60.0),
            ),
            journal=self.journal,
            switch=self.switch,
            wall=self.clock.now,
        )

    async def _note(self, call: AnyCall) -> None:
        """Take note of each vote as it leaves, and of the gate it is for."""
        if not call.target.startswith(APPROVE) or call.body is None:
            return
        body = json.loads(call.body)
        task = self.world.task(body["workflow_key"], body["task_id"])
        assert task is not None
        found = task.job(body["stage_name"])
        assert found is not None
        self.cast.append(
            Cast(
                at=self.clock.now(),
                workflow=body["workflow_key"],
                task=body["task_id"],
                opened=found[1].start,
            )
        )

    @property
    def world(self) -> World:
        """The world, moved to the present moment."""
        self.dialect.world.advance(self.clock.now())
        return self.dialect.world

    def _task(self, pick: int) -> Task | None:
        tasks = self.world.tasks
        return tasks[pick % len(tasks)] if tasks else None

    @precondition(lambda self: len(self.world.tasks) < 8)
    @rule(key=st.sampled_from(WORKFLOWS), then=st.sampled_from([1.0, 10.0, 14.0]))
    def launch(self, key: str, then: float) -> None:
        async def start() -> None:
            launched = asyncio.create_task(self.orchestrator.run(Launch("shop", key, jobs=ALL_JOBS)))
            launched.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.sleep(then)

        self._do(start())

    @precondition(lambda self: len(self.world.tasks) < 8)
    @rule(key=st.sampled_from(WORKFLOWS), then=st.sampled_from([1.0, 10.0, 14.0]))
    def somebody_else_launches(self, key: str, then: float) -> None:
        task = self.world.execute(key, [], self._inputs(key), self.world.script.users[1])

        async def attach() -> None:
            self.runs.append(self.orchestrator.attach(TaskRef("shop", key, task.id)))
            await asyncio.sleep(then)

        self._do(attach())

    def _inputs(self, key: str) -> list[dict[str, Any]]:
        script = next(each for each in self.world.script.projects[0].workflows if each.key == key)
        return [
            {"job_name": each.name, "job_type": "", "parameters": {}}
            for stage in script.stages
            for each in stage.jobs
        ]

    @rule(seconds=st.sampled_from([2.0, 5.0, 8.0, 12.0, 25.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self._do(asyncio.sleep(seconds))

    @rule()
    def a_task_moves_on(self) -> None:
        self._do(asyncio.sleep(9.0))

    @rule()
    def a_poll_passes(self) -> None:
        self._do(asyncio.sleep(4.0))

    @rule(pick=st.integers(0, 7))
    def something_changes(self, pick: int) -> None:
        waiting = [
            task
            for task in self.world.tasks
            if any(each.status == "wait_for_approval" for stage in task.stages for each in stage.jobs)
        ]
        if waiting:
            task = waiting[pick % len(waiting)]
            task.params.append({"name": "x", "type": "string", "value": str(len(task.params))})
            self.changes.setdefault((task.workflow.key, task.id), []).append(self.clock.now())

    @rule(pick=st.integers(0, 7), approve=st.booleans())
    def a_person_votes(self, pick: int, approve: bool) -> None:
        task = self._task(pick)
        waiting = [
            each.name
            for stage in (task.stages if task else ())
            for each in stage.jobs
            if each.status == "wait_for_approval"
        ]
        if task is not None and waiting:
            with contextlib.suppress(Refusal):  # alice may have voted before
                self.world.approve(
                    task.workflow.key,
                    waiting[0],
                    task.id,
                    self.world.script.users[1],
                    approve=approve,
                    comment="by hand",
                )

    @rule(pick=st.integers(0, 7))
    def a_person_retries(self, pick: int) -> None:
        task = self._task(pick)
        if task is not None and task.status in {"failed", "reject", "cancelled", "timeout"}:
            self.world.retry(task.workflow.key, task.id, "alice")

            async def attach() -> None:
                self.runs.append(self.orchestrator.attach(TaskRef("shop", task.workflow.key, task.id)))
                await asyncio.sleep(0.1)

            self._do(attach())

    @rule(pick=st.integers(0, 7))
    def a_person_cancels(self, pick: int) -> None:
        task = self._task(pick)
        if task is not None and task.status in {"running", "waiting"}:
            self.world.cancel(task.workflow.key, task.id, "alice")

    @rule(kind=st.sampled_from(["reset_before", "reset_after", "html", "delay"]))
    def votes_go_wrong(self, kind: str) -> None:
        self.faults.add(Fault(kind=kind, path=APPROVE, method="POST", seconds=3.0))

    @rule(times=st.integers(1, 6))
    def reads_go_wrong(self, times: int) -> None:
        self.faults.add(Fault(kind="status", status=502, path=DETAIL, method="GET", times=times))
        self.reads_failed_at = self.clock.now()

    @rule(chance=st.integers(0, 9))
    def the_switch_is_pulled(self, chance: int) -> None:
        if chance == 0 and self.pulled_at is None:
            self.switch.pull("a test")
            self.pulled_at = self.clock.now()
            Steps.pulled += 1

    @invariant()
    def every_vote_was_allowed(self) -> None:
        Steps.steps += 1
        for index in range(self.judged, len(self.cast)):
            Steps.votes += 1
            Steps.judged[self.cast[index].workflow] += 1
            vote, before = self.cast[index], self.cast[:index]
            wrong = [name for name, holds in self._oracle(vote, before).items() if not holds]
            assert not wrong, f"{vote} was cast although: {', '.join(wrong)}"
        self.judged = len(self.cast)

    def _oracle(self, vote: Cast, before: list[Cast]) -> dict[str, bool]:
        task = self.world.task(vote.workflow, vote.task)
        assert task is not None
        now = datetime.fromtimestamp(vote.at, UTC)
        minute = now.strftime("%H:%M")
        frozen = self.freeze and self.freeze[0] <= vote.at - START < self.freeze[1]
        own = task.creator == "bot"
        changed = any(
            vote.opened + SEEN_BY_THEN < at < vote.at and self.reads_failed_at + 120.0 < at
            for at in self.changes.get((vote.workflow, vote.task), ())
        )
        of_this_opening = [
            each
            for each in before
            if (each.workflow, each.task, each.opened) == (vote.workflow, vote.task, vote.opened)
        ]
        lately = [each for each in before if vote.at - HOUR <= each.at]
        window = str(self.rule.windows[0]).split()[-2] if self.rule.windows else ""
        return {
            "the switch was pulled": self.pulled_at is None or vote.at <= self.pulled_at,
            "no rule names the workflow": vote.workflow.startswith("a"),
            "a freeze holds": not frozen,
            "no window is open": not window or window[:5] <= minute < window[6:],
            "it has not soaked": vote.at - vote.opened >= self.rule.soak,
            "the task is our own": self.rule.own_tasks or not own,
            "an earlier job has not passed": not self.rule.after_passed or vote.workflow != "abc",
            "something has changed": not self.rule.unchanged or not changed,
            "there were enough votes this hour": self.per_hour is None or len(lately) < self.per_hour,
            "this gate had two votes of ours": len(of_this_opening) < 2,
        }

    def teardown(self) -> None:
        async def close() -> None:
            async with self.orchestrator:
                pass
            await self.journal.aclose()
            pending = asyncio.all_tasks() - {asyncio.current_task()}
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

        if hasattr(self, "orchestrator"):
            self._do(close())
        self.loop.close()
