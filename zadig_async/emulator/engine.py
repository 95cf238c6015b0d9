"""Runs one task at a time through its stages and jobs, event by event.

Transitions: Zadig v4.1.0 workflowcontroller/stage.go:35-155, jobcontroller/job.go:124-294,
workflow.go:179-262, aggregation orders stage.go:117-126 and workflow.go:487-496.
"""

import math
from collections.abc import Callable

from zadig_async.emulator.agenda import Agenda
from zadig_async.emulator.approvals import ApprovalBook, approval_key
from zadig_async.emulator.archive import Archive
from zadig_async.emulator.directory import Directory
from zadig_async.emulator.joblog import JobLog, source_of
from zadig_async.emulator.jsoncopy import clone
from zadig_async.emulator.planning import finish_spec, start_spec
from zadig_async.emulator.queue import Slots
from zadig_async.emulator.script import Script
from zadig_async.emulator.state import ENDED_BADLY, JobTask, StageTask, Task

__all__ = ["ACK", "ARCHIVE_DELAY", "CANCEL_LAG", "RETRY_DELAY", "Engine"]

ACK = 0.5
"""Seconds between the end of a job and its stage noticing, and between the last stage and the task's end."""

CANCEL_LAG = 1.0
"""Seconds until the workers notice a cancel."""

RETRY_DELAY = 10.0
"""Seconds before an automatic retry (Zadig v4.1.0 jobcontroller/job.go:226)."""

ARCHIVE_DELAY = 2.0
"""Seconds between the end of a job and its log being in the archive."""

_STAGE_ORDER = ("cancelled", "timeout", "failed", "pause", "reject", "passed", "unstable", "skipped")
_TASK_ORDER = ("pause", "reject", "cancelled", "timeout", "failed", "passed", "unstable", "skipped")
_DONE = frozenset({"passed", "skipped", "unstable"})
_IM_APPROVALS = ("lark_approval", "dingtalk_approval", "workwx_approval")


def _first_of(order: tuple[str, ...], found: set[str]) -> str:
    return next((status for status in order if status in found), "")


class Engine:
    """The workers. `on_free` is called whenever a run ends and its task leaves its worker."""

    def __init__(
        self,
        agenda: Agenda,
        book: ApprovalBook,
        directory: Directory,
        slots: Slots,
        archive: Archive,
        script: Script,
        *,
        on_free: Callable[[Task], None],
    ) -> None:
        self._agenda = agenda
        self._book = book
        self._directory = directory
        self._slots = slots
        self._archive = archive
        self._release = script.release
        self._rotation = script.container_log_lines
        self._pool = script.build_concurrency
        self._key_delay = script.approval_key_delay
        self._on_free = on_free
        # by key, then by task and job: two jobs may share a key
        self._gates: dict[str, dict[tuple[int, str], tuple[Task, StageTask, JobTask]]] = {}

    def _plan(self, task: Task, seconds: float, action: Callable[[], None]) -> None:
        """Do something later, unless the task has been cancelled, retried or stopped meanwhile."""
        run = task.run
        self._agenda.after(seconds, lambda: action() if task.run == run else None)

    def _plan_for(self, task: Task, job: JobTask, seconds: float, action: Callable[[], None]) -> None:
        attempt = job.attempts
        self._plan(task, seconds, lambda: action() if job.attempts == attempt else None)

    def begin(self, task: Task) -> None:
        """Put a waiting task on a worker."""
        task.run += 1
        task.status = "running"
        self._slots.take(task)
        task.start = self._agenda.now
        self._plan(task, ACK, lambda: self._next_stage(task))

    def _next_stage(self, task: Task) -> None:
        for stage in task.stages:
            if stage.status in _DONE:
                continue
            manual = stage.manual_exec
            if manual is not None and manual["enabled"] and not manual.get("excuted"):
                stage.status = "pause"
                self._plan(task, ACK, lambda: self._finish(task))
                return
            stage.status = "running"
            stage.start, stage.end, stage.error = self._agenda.now, 0.0, ""
            self._fill_pool(task, stage)
            return
        self._plan(task, ACK, lambda: self._finish(task))

    def _fill_pool(self, task: Task, stage: StageTask) -> None:
        """Start as many jobs as may run; close the stage when nothing is left to run."""
        busy = sum(1 for job in stage.jobs if job.status and not self._settled(job))
        limit = self._pool if stage.parallel else 1
        stopped = not stage.parallel and any(job.status in ENDED_BADLY for job in stage.jobs)
        for job in stage.jobs:
            if busy >= limit or stopped:
                break
            if not job.status:
                busy += 1
                self._start_job(task, stage, job)
        if not busy:
            self._close_stage(task, stage)

    @staticmethod
    def _settled(job: JobTask) -> bool:
        return not job.retrying and (job.status in _DONE or job.status in ENDED_BADLY)

    def _close_stage(self, task: Task, stage: StageTask) -> None:
        stage.status = _first_of(_STAGE_ORDER, {job.status for job in stage.jobs}) or "passed"
        stage.end = self._agenda.now
        if stage.status in ENDED_BADLY:
            self._plan(task, ACK, lambda: self._finish(task))
        else:
            self._next_stage(task)

    def _finish(self, task: Task) -> None:
        status = _first_of(_TASK_ORDER, {stage.status for stage in task.stages}) or "passed"
        if status == "unstable":
            status = "passed"
        if not task.cancel_requested or task.workflow.survives_cancel:
            task.status = status
        task.cancel_requested = False
        task.end = self._agenda.now
        self._slots.leave(task)
        task.run += 1
        self._on_free(task)

    def _start_job(self, task: Task, stage: StageTask, job: JobTask) -> None:
        job.status = "prepare"
        job.start, job.end, job.error = self._agenda.now, 0.0, ""
        job.attempts += 1
        start_spec(job, task.stages, task.workflow)
        if job.type == "approval":
            self._wait_for_approval(task, stage, job)
        else:
            self._plan_for(task, job, job.script.prepare, lambda: self._run_job(task, stage, job))

    def _run_job(self, task: Task, stage: StageTask, job: JobTask) -> None:
        job.status = "running"
        job.log = JobLog.plan(
            source_of(job.type, self._release),
            job.type,
            job.script,
            self._agenda.now,
            job.script.container_log_lines or self._rotation,
        )
        job.logs.append(job.log)
        outcomes = job.script.outcome
        outcome = outcomes[min(job.attempts, len(outcomes)) - 1] if outcomes else "passed"
        if outcome != "never":
            self._plan_for(task, job, job.script.duration, lambda: self._end_job(task, stage, job, outcome))

    def _end_job(self, task: Task, stage: StageTask, job: JobTask, status: str, error: str = "") -> None:
        self._stop_job(task, job, status, error or (job.script.error if status != "passed" else ""))
        policy = job.error_policy or {}
        if status in ("failed", "timeout"):
            match policy.get("policy"):
                case "ignore_error":
                    job.status = "unstable"
                case "retry" if job.retry_count < policy["maximum_retry"]:
                    job.retrying = True
                    self._plan_for(task, job, RETRY_DELAY, lambda: self._retry_job(task, stage, job))
                    return
                case "manual_check":
                    job.status = "wait_for_manual_error_handling"
                    job.end = 0.0
                    return
                case _:
                    pass
        self._plan_for(task, job, ACK, lambda: self._fill_pool(task, stage))

    def _stop_job(self, task: Task, job: JobTask, status: str, error: str) -> None:
        now = self._agenda.now
        job.status, job.end, job.error = status, now, error
        if status == "passed":
            finish_spec(job, task.id, now, task.workflow, self._directory)
        if job.log is not None and job.log.ended is None:
            job.log.close(now, status)
            self._upload(task, job, job.log)

    def _upload(self, task: Task, job: JobTask, log: JobLog) -> None:
        source, key, text = log.source, task.workflow.key, log.text(self._agenda.now)
        if source is not None:
            self._agenda.after(
                ARCHIVE_DELAY, lambda: self._archive.upload(source, key, task.id, job.name, text)
            )

    def _retry_job(self, task: Task, stage: StageTask, job: JobTask) -> None:
        job.retrying = False
        job.retry_count += 1
        self._start_job(task, stage, job)

    def answer_error(
        self, task: Task, stage: StageTask, job: JobTask, *, ignore: bool, user_id: str, user_name: str
    ) -> None:
        """Answer a job that waits for manual error handling."""
        job.status = "unstable" if ignore else "failed"
        job.end = self._agenda.now
        job.handler_id, job.handler_name = user_id, user_name
        self._plan_for(task, job, ACK, lambda: self._fill_pool(task, stage))

    def _wait_for_approval(self, task: Task, stage: StageTask, job: JobTask) -> None:
        spec = job.spec or {}
        job.status = "wait_for_approval"
        minutes = float(spec.get("timeout") or 0) or 60.0
        self._plan_for(
            task,
            job,
            minutes * 60,
            lambda: self._end_approval(task, stage, job, "timeout", "workflow timeout"),
        )
        if any(kind in spec for kind in _IM_APPROVALS):
            return
        native = spec["native_approval"]
        key = approval_key(task.workflow.key, job.name, task.id)
        self._gates.setdefault(key, {})[task.serial, job.name] = (task, stage, job)

        def open_vote() -> None:
            self._book.open(key, native, self._agenda.now)
            self._watch_expiry(task, stage, job)

        if self._key_delay:
            self._plan_for(task, job, self._key_delay, open_vote)
        else:
            open_vote()

    def _watch_expiry(self, task: Task, stage: StageTask, job: JobTask) -> None:
        record = self._book.read(approval_key(task.workflow.key, job.name, task.id), self._agenda.now)
        if record is not None and record.expires is not None:
            seconds = record.expires - self._agenda.now
            self._plan_for(task, job, seconds, lambda: self._poll_approval(task, stage, job))

    def voted(self, key: str) -> None:
        """Somebody voted under `key`.

        Every job waiting on it sees that at its next poll, a second grid of its own.
        """
        now = self._agenda.now
        for task, stage, job in sorted(self._gates.get(key, {}).values(), key=lambda gate: gate[0].serial):
            # a run that was torn away leaves its gate behind
            if task.on_worker and job.status == "wait_for_approval":
                wait = math.floor(now - job.start) + 1 - (now - job.start)
                self._schedule_poll(task, stage, job, wait)

    def _schedule_poll(self, task: Task, stage: StageTask, job: JobTask, wait: float) -> None:
        self._plan_for(task, job, wait, lambda: self._poll_approval(task, stage, job))

    def _poll_approval(self, task: Task, stage: StageTask, job: JobTask) -> None:
        if job.status != "wait_for_approval" or job.spec is None:
            return
        key = approval_key(task.workflow.key, job.name, task.id)
        record = self._book.read(key, self._agenda.now)
        if record is None:
            error = "get approval status error: not found approval"
            self._end_approval(task, stage, job, "failed", error)
            return
        job.spec["native_approval"]["approve_users"] = clone(record.users)
        match record.verdict():
            case "reject":
                self._end_approval(task, stage, job, "reject", "")
            case "approve":
                self._end_approval(task, stage, job, "passed", "")
            case _:
                self._watch_expiry(task, stage, job)

    def _close_gate(self, task: Task, job: JobTask) -> None:
        """The job does not wait for votes any more."""
        key = approval_key(task.workflow.key, job.name, task.id)
        self._book.close(key)
        gates = self._gates.get(key, {})
        gates.pop((task.serial, job.name), None)
        if not gates:
            self._gates.pop(key, None)

    def _end_approval(self, task: Task, stage: StageTask, job: JobTask, status: str, error: str) -> None:
        self._close_gate(task, job)
        if status == "reject":
            job.status, job.end, job.error = status, self._agenda.now, error
            self._plan_for(task, job, ACK, lambda: self._fill_pool(task, stage))
        else:
            self._end_job(task, stage, job, status, error)

    def cancel(self, task: Task) -> None:
        """The cancel message goes out; the workers will notice a moment later."""
        if task.cancel_requested:
            return
        task.cancel_requested = True
        if not task.workflow.survives_cancel:
            self._plan(task, CANCEL_LAG, lambda: self._stop_everything(task))

    def _stop_everything(self, task: Task) -> None:
        task.run += 1  # whatever was planned for this run is void from here on
        for stage in task.stages:
            if stage.status != "running":
                continue
            for job in stage.jobs:
                if job.status and not self._settled(job):
                    approval = job.type == "approval"
                    if approval:
                        self._close_gate(task, job)
                    job.retrying = False
                    self._stop_job(task, job, "cancelled", "workflow was canceled" if approval else "")
            stage.status, stage.end = "cancelled", self._agenda.now
        self._plan(task, ACK, lambda: self._finish(task))

    def abandon(self, task: Task) -> None:
        """The worker died: nothing planned for the task will happen, and nobody writes its jobs any more."""
        task.run += 1
        self._slots.leave(task)
        task.cancel_requested = False
        for stage in task.stages:
            for job in stage.jobs:
                if job.log is not None and job.log.ended is None:
                    job.log.close(self._agenda.now, "cancelled")
