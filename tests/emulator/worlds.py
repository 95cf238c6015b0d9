"""Builds dialects on a clock that only the test moves, and speaks to them without sockets."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from zadig_async.emulator.clock import ManualClock
from zadig_async.emulator.dialect import Dialect
from zadig_async.emulator.exchange import Request, Response, Stream
from zadig_async.emulator.faults import Faults
from zadig_async.emulator.script import Script
from zadig_async.emulator.state import JobTask, Task
from zadig_async.emulator.world import World

START = 1_790_000_000.0


@attrs.define
class Bench:
    """A world, its dialect and its clock, with short words for the usual calls."""

    clock: ManualClock
    dialect: Dialect
    token: str

    @classmethod
    def of(cls, script: Script | Mapping[str, Any] | None = None, *, start: float = START) -> "Bench":
        loaded = Script.load(script)
        clock = ManualClock(start)
        dialect = Dialect(World(loaded, start), clock, faults=Faults())
        return cls(clock, dialect, loaded.users[0].tokens[0])

    @property
    def world(self) -> World:
        self.dialect.world.advance(self.clock.now())
        return self.dialect.world

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.dialect.world.advance(self.clock.now())

    async def advance_slowly(self, seconds: float, step: float = 0.25) -> None:
        """Advance in small steps and let every waiting reader run after each."""
        await _settle()
        for _ in range(round(seconds / step)):
            self.advance(step)
            await _settle()

    async def send(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if headers is None:
            headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        answer = await self.dialect.respond(Request(method=method, target=target, headers=headers, body=raw))
        assert isinstance(answer, Response)
        return answer

    async def json(self, method: str, target: str, body: Any = None, *, token: str | None = None) -> Any:
        answer = await self.send(method, target, body, token=token)
        assert answer.status == 200, answer.body.decode()
        return json.loads(answer.body)

    async def stream(self, target: str) -> Stream:
        answer = await self.dialect.respond(
            Request(method="GET", target=target, headers={"Authorization": f"Bearer {self.token}"})
        )
        assert isinstance(answer, Stream)
        return answer

    async def run(
        self, workflow: str, jobs: list[str] | None = None, *, project: str = "p", token: str | None = None
    ) -> Task:
        """Execute a workflow through the API with the named jobs, or with all of them."""
        stored = self.world.workflows[workflow]
        names = [job.name for stage in stored.stages for job in stage.jobs] if jobs is None else jobs
        body = {
            "workflow_key": workflow,
            "project_key": project,
            "inputs": [{"job_name": name, "parameters": {}} for name in names],
        }
        created = await self.json("POST", "/openapi/workflows/custom/task", body, token=token)
        task = self.world.task(workflow, created["task_id"])
        assert task is not None
        return task

    async def approve(
        self, task: Task, job: str, *, approve: bool = True, comment: str = "", token: str | None = None
    ) -> Response:
        body = {
            "task_id": task.id,
            "workflow_key": task.workflow.key,
            "stage_name": job,
            "approve": approve,
            "comment": comment,
        }
        return await self.send("POST", "/openapi/workflows/custom/task/approve", body, token=token)

    async def cancel(self, task: Task, *, token: str | None = None) -> Response:
        target = f"/openapi/workflows/custom/task?taskId={task.id}&workflowKey={task.workflow.key}"
        return await self.send("DELETE", target, token=token)

    async def retry(self, task: Task) -> Response:
        return await self.send("POST", f"/openapi/workflows/custom/{task.workflow.key}/task/{task.id}")

    def job(self, task: Task, name: str) -> JobTask:
        """The only job task of the job configured as `name`."""
        (found,) = [job for stage in task.stages for job in stage.jobs if job.origin_name == name]
        return found


async def until(condition: Callable[[], object], seconds: float = 2.0) -> None:
    """Wait in real time until something on the other end of a socket is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for belongs to the emulator, it sets no event
            await asyncio.sleep(0.001)


async def _settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


def world_of(*jobs: Mapping[str, Any], **workflow: Any) -> dict[str, Any]:
    """A scenario with project `p` and workflow `w`, one job per stage, short times, and three users."""
    stages = workflow.pop("stages", None) or [
        {"name": f"stage-{index}", "jobs": [job]} for index, job in enumerate(jobs)
    ]
    server = {key: workflow.pop(key) for key in list(workflow) if key in SERVER_KEYS}
    return {
        "users": [
            {"name": "root", "uid": "u-root", "admin": True, "tokens": ["root"]},
            {"name": "ann", "uid": "u-ann", "tokens": ["ann"], "projects": {"p": ["execute"]}},
            {"name": "bob", "uid": "u-bob", "tokens": ["bob"]},
        ],
        "registries": [{"address": "https://hub.test", "namespace": "p"}],
        "codehosts": [{"name": "git", "id": 4, "type": "gitlab"}],
        "projects": [{"key": "p", "workflows": [{"key": "w", "stages": stages, **workflow}]}],
        **server,
    }


SERVER_KEYS = frozenset(
    {
        "version",
        "workflow_concurrency",
        "build_concurrency",
        "queue_tick",
        "professional",
        "collaboration_pending",
        "approval_key_delay",
        "list_shuffles_ties",
        "list_page_cap",
        "list_hides_new",
        "list_hides_every",
        "groups",
        "container_log_lines",
    }
)
