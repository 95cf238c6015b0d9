"""Verbs on tasks."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Final

import attrs

from zadig_async.model.gate import Gate
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.input import JobInput, RepoParam
from zadig_async.model.task import Task, TaskPage, TaskStatus, TaskSummary
from zadig_async.transport.retry import Sender
from zadig_async.wire import endpoints

PAGE_SIZE: Final = 50
"""Tasks per page. The server's own default is 10, and it loads whole documents for every line."""


@attrs.frozen
class Tasks:
    """Runs of workflows.

    Every verb raises `TransportError` where no usable answer arrived, `ApiError` where Zadig said no,
    `DecodeError` where an answer cannot be read and `ConfigError` for keys Zadig cannot address. The
    verbs that change something raise `OutcomeUnknownError` where they may have taken effect.

    Any valid token can read, cancel, retry and approve tasks of every project: the server does not
    check more (Zadig v4.1.0 workflow/handler/openapi.go:215-324, 402-425).
    """

    _sender: Sender

    async def page(self, project: str, workflow: str, number: int = 1, size: int = PAGE_SIZE) -> TaskPage:
        """Read one page of a workflow's tasks, newest first.

        Args:
            project: Project key. With a wrong one the server answers an empty list, not an error.
            workflow: Workflow key.
            number: Page number from 1.
            size: Tasks per page from 1; the server sets no upper bound.
        """
        return await self._sender.send(endpoints.list_tasks(WorkflowRef(project, workflow), number, size))

    def list(self, project: str, workflow: str, *, size: int = PAGE_SIZE) -> "TaskList":
        """Iterate over all tasks of a workflow, newest first, page by page as they are needed.

        Args:
            project: Project key. With a wrong one there are no tasks.
            workflow: Workflow key.
            size: Tasks per request.
        """
        return TaskList(self, WorkflowRef(project, workflow), size)

    async def get(self, ref: TaskRef) -> Task:
        """Read a task in full.

        Raises:
            NotFoundError: There is no such task; the server says so with HTTP 500.
        """
        return await self._sender.send(endpoints.get_task(ref))

    async def status(self, ref: TaskRef) -> TaskStatus:
        """Read of a task only what a watch needs: states, times, errors and open gates.

        It is the same request as `get`, read much faster and kept much smaller.

        Raises:
            NotFoundError: There is no such task.
        """
        return await self._sender.send(endpoints.get_task_status(ref))

    async def create(
        self,
        project: str,
        workflow: str,
        *,
        inputs: Mapping[str, JobInput],
        params: Mapping[str, str | RepoParam] | None = None,
        before_send: Callable[[], None] | None = None,
        tag: str | None = None,
    ) -> TaskRef:
        """Trigger a workflow. This deploys.

        It is sent exactly as given: jobs that `inputs` does not name are skipped by the server, gates
        included, and names it does not know are ignored. `Orchestrator.start` checks a `Launch` against
        the live definition first; prefer it.

        Args:
            project: Project key. A wrong one works silently for administrators.
            workflow: Workflow key.
            inputs: Inputs by configured job name: what runs.
            params: Workflow variables by name.
            before_send: Called right before each attempt; what it raises is passed on, and nothing is sent.
            tag: Stands in the request under a name Zadig does not know, and so in its operation log only.

        Returns:
            The task, which is only queued so far.

        Raises:
            OutcomeUnknownError: It was sent and nothing proves what became of it. Read the task list
                before sending it again.
            RejectedError: The server refused it. After code 6160 look at the task list all the same: a
                task can exist (Zadig v4.1.0 .../workflowcontroller/queue.go:75).
        """
        call = endpoints.create_task(WorkflowRef(project, workflow), params or {}, inputs, tag=tag)
        return await self._sender.send(attrs.evolve(call, before_send=before_send))

    async def cancel(self, ref: TaskRef, *, before_send: Callable[[], None] | None = None) -> None:
        """Cancel a task. The server accepts it for ended tasks too and rewrites `failed` to `cancelled`.

        Args:
            ref: The task.
            before_send: Called right before each attempt; what it raises is passed on, and nothing is sent.

        Raises:
            ConflictError: The task has passed.
            NotFoundError: There is no such task.
        """
        await self._sender.send(attrs.evolve(endpoints.cancel_task(ref), before_send=before_send))

    async def retry(self, ref: TaskRef, *, before_send: Callable[[], None] | None = None) -> None:
        """Run a failed, timed-out, cancelled or rejected task again, under the same number.

        Jobs that passed are kept; a rejected gate is asked again; `ended_at` stays stale until the end.

        Args:
            ref: The task.
            before_send: Called right before each attempt; what it raises is passed on, and nothing is sent.

        Raises:
            ConflictError: The task is in another state.
            NotFoundError: There is no such task.
        """
        await self._sender.send(attrs.evolve(endpoints.retry_task(ref), before_send=before_send))

    async def approve(
        self,
        ref: TaskRef,
        gate: Gate,
        comment: str = "",
        *,
        before_send: Callable[[], None] | None = None,
    ) -> None:
        """Approve an open gate as the token's own user. Effect shows 1 to 2 seconds later.

        A success answer alone is no proof; read the task back.

        Args:
            ref: The task.
            gate: A gate of `Task.gates` or `TaskStatus.gates`.
            comment: Stored with the vote and shown in Zadig.
            before_send: Called right before each attempt; what it raises is passed on, and nothing is sent.

        Raises:
            ConfigError: The gate cannot be passed through the API.
            ConflictError: The gate is not open, or this user has voted before.
            ForbiddenError: This user is not among the approvers.
        """
        call = endpoints.decide_gate(ref, gate, approve=True, comment=comment)
        await self._sender.send(attrs.evolve(call, before_send=before_send))

    async def reject(self, ref: TaskRef, gate: Gate, comment: str = "") -> None:
        """Reject an open gate as the token's own user: one rejection ends the task as `reject`.

        Args:
            ref: The task.
            gate: A gate of `Task.gates` or `TaskStatus.gates`.
            comment: Stored with the vote and shown in Zadig.

        Raises:
            ConfigError: The gate cannot be decided through the API.
            ConflictError: The gate is not open, or this user has voted before.
            ForbiddenError: This user is not among the approvers.
        """
        await self._sender.send(endpoints.decide_gate(ref, gate, approve=False, comment=comment))

    async def remark(self, ref: TaskRef, text: str) -> None:
        """Write a task's remark. Only do it when the task has ended.

        The server reads the whole task and writes it back: a remark on a running task can undo a status
        written in between, and then the task never ends (Zadig v4.1.0 .../workflow_task_v4.go:2742).

        Raises:
            NotFoundError: There is no such workflow or task.
        """
        await self._sender.send(endpoints.remark_task(ref, text))


class TaskList:
    """All tasks of a workflow, newest first, read page by page.

    After an error in the middle, `async for` over the same object again goes on at the page that
    failed; nothing already yielded is asked for or yielded again. Tasks made meanwhile move the pages:
    a task is never yielded twice, and tasks made after the first page was read are left out.
    """

    def __init__(self, tasks: Tasks, of: WorkflowRef, size: int) -> None:
        self._tasks = tasks
        self._of = of
        self._size = size
        self._page = 1
        self._received = 0
        self._newest: datetime | None = None
        self._seen: set[int] = set()
        self._done = False

    async def __aiter__(self) -> AsyncIterator[TaskSummary]:
        while not self._done:
            page = await self._tasks.page(self._of.project, self._of.workflow, self._page, self._size)
            if self._newest is None:
                self._newest = max((task.created_at for task in page.tasks if task.created_at), default=None)
            for task in filter(self._wanted, page.tasks):
                self._seen.add(task.task_id)
                yield task
            self._page += 1
            # By what came and not by what was asked for: a server or gateway may cap the page size.
            self._received += len(page.tasks)
            self._done = not page.tasks or self._received >= page.total

    def _wanted(self, task: TaskSummary) -> bool:
        # By time and not by number: the server leaves tasks of one second in any order.
        made, newest = task.created_at, self._newest
        return task.task_id not in self._seen and (made is None or newest is None or made <= newest)
