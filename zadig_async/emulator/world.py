"""The emulated Zadig's inside: resources, the queue, the operations on tasks. No asyncio, no sockets.

`advance` moves time; every other method acts at the moment the world has reached.
"""

from collections.abc import Callable, Mapping
from typing import Any

from zadig_async.emulator.agenda import Agenda
from zadig_async.emulator.approvals import ApprovalBook, VoteError, approval_key
from zadig_async.emulator.archive import Archive
from zadig_async.emulator.definitions import from_script
from zadig_async.emulator.directory import Directory
from zadig_async.emulator.engine import Engine
from zadig_async.emulator.inputs import apply_inputs, apply_parameters
from zadig_async.emulator.jsoncopy import clone
from zadig_async.emulator.ledger import Ledger
from zadig_async.emulator.listing import Listing
from zadig_async.emulator.operations import OperationLog
from zadig_async.emulator.planning import PlanError, finish_spec, plan_stages, start_spec
from zadig_async.emulator.queue import Queue, Slots
from zadig_async.emulator.script import (
    JobScript,
    ProjectScript,
    Script,
    TaskScript,
    UserScript,
    WorkflowScript,
)
from zadig_async.emulator.shelf import Shelf
from zadig_async.emulator.state import JobTask, StageTask, Task, Ticket, View, ViewEntry, WorkflowDef

__all__ = ["LICENCE_TEXT", "Refusal", "World"]

LICENCE_TEXT = "用户许可证不可用，请检查许可证后重试"
_NO_QUEUE = "connection(mongodb:27017[-57]) socket was unexpectedly closed: EOF"
_RETRYABLE = frozenset({"failed", "timeout", "cancelled", "reject"})


class Refusal(Exception):  # noqa: N818 - an answer of the server, not a fault of ours
    """The server says no. `code` None means a plain Go error (HTTP 500), else a coded one."""

    def __init__(self, code: int | None, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


class World:
    """Everything that exists and happens.

    Build it from a `Script` and the moment it begins, in Unix seconds.
    """

    def __init__(self, script: Script, start: float, ledger: Ledger | None = None) -> None:
        self.script = script
        self.start = start
        self.ledger = Ledger() if ledger is None else ledger
        self.directory = Directory(script)
        self.agenda = Agenda(start)
        self.book = ApprovalBook()
        self.workflows: dict[str, WorkflowDef] = {}
        self.views: list[View] = []
        self.tickets: dict[str, Ticket] = {}
        self.operations = OperationLog()
        self.archive = Archive()
        self._shelf = Shelf()
        self.listing = Listing(self._shelf, script)
        self._counters: dict[str, int] = {}
        self._behaviour: dict[str, dict[str, JobScript]] = {}
        self._slots = Slots()
        self._engine = Engine(
            self.agenda,
            self.book,
            self.directory,
            self._slots,
            self.archive,
            script,
            on_free=lambda task: self._queue.freed(task),  # noqa: PLW0108 - the queue comes a moment later
        )
        self._queue = Queue(
            self.agenda,
            self._slots,
            self.workflows,
            period=script.queue_tick,
            workers=script.workflow_concurrency,
            begin=self._engine.begin,
        )
        for project in script.projects:
            self._settle(project)

    def _settle(self, project: ProjectScript) -> None:
        for workflow in project.workflows:
            definition = from_script(workflow, project.key, self.directory, self.start)
            self.workflows[workflow.key] = definition
            self._behaviour[workflow.key] = {job.name: job for stage in workflow.stages for job in stage.jobs}
            self._counters[workflow.key] = max(
                workflow.next_task_id - 1, *(item.id for item in workflow.tasks), 0
            )
            for item in workflow.tasks:
                self._shelf.add(self._past_task(definition, workflow, item))
        for view in project.views:
            entries = [self._entry(key, enabled=True) for key in view.workflows]
            entries += [self._entry(key, enabled=False) for key in view.disabled]
            updated = int(self.start) - 86_400 if view.update_time is None else view.update_time
            self.views.append(
                View(
                    project=project.key,
                    name=view.name,
                    update_time=updated,
                    update_by=view.update_by,
                    workflows=entries,
                )
            )

    def _entry(self, key: str, *, enabled: bool) -> ViewEntry:
        known = self.workflows.get(key)
        return ViewEntry(workflow_key=key, workflow_type=known.type if known else "custom", enabled=enabled)

    def _past_task(self, definition: WorkflowDef, script: WorkflowScript, item: TaskScript) -> Task:
        created = self.start - item.age
        end = created + item.duration
        try:
            stages = plan_stages(definition.copy(), item.id, self.directory, everything=True)
        except PlanError:
            stages = []
        task = Task(
            id=item.id,
            workflow=definition,
            params=clone(definition.params),
            stages=stages,
            creator=item.creator,
            revoker=item.creator,
            created=created,
            start=created + 1,
            end=end,
            status=item.status,
            remark=item.remark,
        )
        _give_history(task, script, created + 1, end)
        for stage in task.stages:
            for job in stage.jobs:
                if job.status == "passed":
                    start_spec(job, task.stages, definition)
                    finish_spec(job, task.id, job.end, definition, self.directory)
        return task

    @property
    def tasks(self) -> list[Task]:
        """Every task there ever was, in the order they were created."""
        return self._shelf.tasks

    @property
    def now(self) -> float:
        """The moment the world has reached, in Unix seconds."""
        return self.agenda.now

    def advance(self, to: float) -> None:
        """Let everything happen that should have happened up to and including the moment `to`."""
        self.agenda.advance(to)

    def schedule(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something `seconds` from now, as part of the world."""
        self.agenda.after(seconds, action)

    def task(self, workflow_key: str, task_id: int) -> Task | None:
        """A task by workflow and id.

        After a delete and re-create the older one is found, as on the server.
        """
        return self._shelf.find(workflow_key, task_id)

    def behaviour(self, workflow_key: str) -> Mapping[str, JobScript]:
        """How the jobs of a workflow behave, by configured name."""
        return self._behaviour.get(workflow_key, {})

    def execute(
        self,
        workflow_key: str,
        parameters: list[dict[str, Any]],
        inputs: list[dict[str, Any]],
        user: UserScript,
        *,
        queued: bool = True,
    ) -> Task:
        """Create a task.

        Without `queued` the server stores it but cannot queue it, says so, and leaves it waiting for ever
        (Zadig v4.1.0 workflowcontroller/queue.go:75-103).

        Raises:
            Refusal: with the server's code and description.
            InputError: a parameter or input is refused (HTTP 500).
            HandlerPanic: the handler would have panicked.
        """
        stored = self.workflows.get(workflow_key)
        if stored is None or stored.type != "custom":
            raise Refusal(6542, "mongo: no documents in result")
        if stored.enable_approval_ticket:
            raise Refusal(
                6160, "workflow need approval ticket to run, which is not supported by openAPI right now."
            )
        workflow = stored.copy()
        apply_parameters(workflow, parameters, self.directory, self.script.release)
        apply_inputs(workflow, inputs, self.directory, self.script.release)
        if not self.script.professional and needs_licence(workflow):
            raise Refusal(6545, f"{LICENCE_TEXT}: ")
        if workflow.disabled:
            raise Refusal(6160, "workflow is disabled")
        task_id = self._counters.get(workflow_key, 0) + 1
        self._counters[workflow_key] = task_id
        try:
            stages = plan_stages(workflow, task_id, self.directory)
        except PlanError as failure:
            raise Refusal(6160, str(failure)) from None
        task = Task(
            id=task_id,
            workflow=workflow,
            params=workflow.params,
            stages=stages,
            creator=user.name,
            revoker=user.name,
            created=self.now,
            start=self.now,
        )
        self._shelf.add(task)
        if queued:
            self._queue.add(task)
        self.ledger.task_created(self.now, user.name, task)
        if not queued:
            raise Refusal(6160, _NO_QUEUE)
        return task

    def cancel(self, workflow_key: str, task_id: int, user_name: str) -> None:
        """Cancel a task in any state but passed; an already ended one is rewritten to cancelled."""
        task = self.task(workflow_key, task_id)
        if task is None:
            raise Refusal(6163, "mongo: no documents in result")
        if task.status == "passed":
            raise Refusal(6163, f"task: {workflow_key}:{task_id} is passed, cannot cancel")
        before = task.status
        task.status, task.revoker = "cancelled", user_name
        self._queue.remove(task)
        if task.on_worker:
            self._engine.cancel(task)
        self.ledger.task_cancelled(self.now, user_name, task, before)

    def retry(self, workflow_key: str, task_id: int, user_name: str) -> None:
        """Run the failed part of an ended task again, under the same id."""
        task = self.task(workflow_key, task_id)
        if task is None:
            raise Refusal(6161, "mongo: no documents in result")
        if task.status not in _RETRYABLE:
            raise Refusal(None, "工作流任务状态无法重试")
        before = task.status
        task.run += 1
        if task.on_worker:
            self._slots.leave(task)
            self._queue.freed(task)
        task.cancel_requested = False
        for stage in task.stages:
            if stage.status in ("passed", "skipped"):
                continue
            stage.status, stage.start, stage.end, stage.error = "", 0.0, 0.0, ""
            for job in stage.jobs:
                if job.status != "passed":
                    _reset(job)
        task.status, task.error = "waiting", ""
        task.start = self.now
        if self.script.release >= (5, 0, 0):
            task.end = 0.0
        self._queue.add(task)
        self.ledger.task_retried(self.now, user_name, task, before)

    def approve(
        self, workflow_key: str, job_name: str, task_id: int, user: UserScript, *, approve: bool, comment: str
    ) -> None:
        """Vote on a native approval; `job_name` is the job's task name."""
        if not workflow_key or not job_name or not task_id:
            description = (
                f"can not find approved workflow: {workflow_key}, taskID: {task_id},jobName: {job_name}"
            )
            raise Refusal(6169, description)
        key = approval_key(workflow_key, job_name, task_id)
        try:
            self.book.vote(key, user, approve=approve, comment=comment, now=self.now)
        except VoteError as failure:
            raise Refusal(6169, str(failure)) from None
        self._engine.voted(key)
        self.ledger.approval_given(
            self.now,
            user.name,
            workflow=workflow_key,
            task_id=task_id,
            job=job_name,
            approve=approve,
            comment=comment,
        )

    def remark(self, workflow_key: str, task_id: int, text: str, user_name: str) -> None:
        """Write a task's remark."""
        task = self.task(workflow_key, task_id)
        if task is None:
            raise Refusal(None, "mongo: no documents in result")
        task.remark = text
        self.ledger.remark_set(self.now, user_name, task, text)

    def release_stage(self, workflow_key: str, task_id: int, stage_name: str, user: UserScript) -> None:
        """Release a stage that waits for manual execution; the task goes back to the queue."""
        task = self.task(workflow_key, task_id)
        if task is None:
            raise Refusal(6161, "mongo: no documents in result")
        if task.status != "pause":
            raise Refusal(None, "工作流任务状态无法手动执行")
        stage = next((item for item in task.stages if item.status == "pause"), None)
        if stage is None or stage.name != stage_name or stage.manual_exec is None:
            raise Refusal(None, f"stage {stage_name} not found or not paused")
        allowed = stage.manual_exec["manual_exec_users"]
        if allowed and not user.admin and all(item.get("user_id") != user.uid for item in allowed):
            raise Refusal(None, f"用户 {user.name} 无权限执行该阶段")
        stage.manual_exec.update(excuted=True, manual_exector_id=user.uid, manual_exector_name=user.name)
        stage.status = ""
        task.status = "waiting"
        self._queue.add(task)
        self.ledger.stage_released(self.now, user.name, task, stage_name)

    def answer_error(
        self, workflow_key: str, task_id: int, job_name: str, user: UserScript, *, ignore: bool
    ) -> None:
        """Answer a failed job that waits for a person: ignore makes it unstable, otherwise it fails."""
        task = self.task(workflow_key, task_id)
        found = task.job(job_name) if task is not None else None
        if task is None or found is None:
            raise Refusal(6169, "mongo: no documents in result")
        stage, job = found
        if job.status != "wait_for_manual_error_handling":
            raise Refusal(6169, f"job {job_name} is not waiting for manual error handling")
        allowed = (job.error_policy or {}).get("approval_users") or []
        if all(item.get("user_id") != user.uid for item in allowed):
            raise Refusal(6169, f"user {user.name} is not authorized to perform error handling")
        self._engine.answer_error(task, stage, job, ignore=ignore, user_id=user.uid, user_name=user.name)
        self.ledger.error_answered(self.now, user.name, task, job_name, "ignore" if ignore else "reject")

    def restart(self) -> None:
        """The server restarts: every unfinished task is cancelled by `system`; a paused one survives."""
        for task in self.tasks:
            if task.status in ("waiting", "running") or task.on_worker:
                before = task.status
                self._engine.abandon(task)
                task.status, task.revoker = "cancelled", "system"
                self.ledger.task_cancelled(self.now, "system", task, before)
        self._queue.clear()

    def store_workflow(self, workflow: WorkflowDef, replaces: str | None, user_name: str) -> None:
        """Create a workflow, or replace (and perhaps rename) the one called `replaces`."""
        action = "create" if replaces is None else "update"
        if replaces is not None and replaces != workflow.key:
            del self.workflows[replaces]
            self._queue.definition_gone(replaces)
        self.workflows[workflow.key] = workflow
        self._queue.definitions_changed()
        self.ledger.resource_written(self.now, user_name, "workflow", action, workflow.key)

    def delete_workflow(self, workflow_key: str, user_name: str) -> None:
        """Remove a workflow: its tasks are hidden, its counter starts over, running tasks go on."""
        if self.workflows.pop(workflow_key, None) is None:
            raise Refusal(6543, "mongo: no documents in result")
        self._counters.pop(workflow_key, None)
        self._queue.definition_gone(workflow_key)
        self._shelf.hide(workflow_key)
        self.ledger.resource_written(self.now, user_name, "workflow", "delete", workflow_key)


def needs_licence(workflow: WorkflowDef) -> bool:
    """Whether a definition uses anything that only the Professional licence allows."""
    return workflow.concurrency_limit not in (-1, 1) or any(
        (stage.manual_exec or {}).get("enabled") or any(job.type == "approval" for job in stage.jobs)
        for stage in workflow.stages
    )


def _reset(job: JobTask) -> None:
    job.status, job.start, job.end, job.error = "", 0.0, 0.0, ""
    job.handler_id = job.handler_name = ""
    job.retry_count, job.retrying = 0, False
    job.log = None
    job.spec = clone(job.fresh_spec)


def _give_history(task: Task, script: WorkflowScript, start: float, end: float) -> None:
    """Spread the time of a past task over its stages; the last one carries a bad end."""
    ended_badly = script.type == "custom" and task.status in (*_RETRYABLE, "skipped")
    stages: list[StageTask] = task.stages
    share = (end - start) / max(len(stages), 1)
    for index, stage in enumerate(stages):
        last = index == len(stages) - 1
        stage.status = task.status if last and ended_badly else "passed"
        stage.start = start + share * index
        stage.end = start + share * (index + 1)
        for job in stage.jobs:
            job.status, job.start, job.end = stage.status, stage.start, stage.end
            job.attempts = 1
