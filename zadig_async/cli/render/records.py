"""Values as plain data for JSON: snake_case names, ISO 8601 times, no secret, never `raw`.

Texts are as the server sent them; `terminal.escape_json` makes the written document safe to look at.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from zadig_async.errors import ApiError, DecodeError, PreflightError, ZadigError
from zadig_async.journal.history import RunEntry
from zadig_async.model.gate import Gate
from zadig_async.model.outcome import Outcome
from zadig_async.model.task import JobRun, Task, TaskSummary
from zadig_async.model.user import User
from zadig_async.model.variable import Param
from zadig_async.model.view import View
from zadig_async.model.workflow import Job, Workflow, WorkflowSummary
from zadig_async.orchestrator import events
from zadig_async.sinks.jsonl import Record, event_head, log_details


def moment(value: datetime | None) -> str | None:
    """Return a time as ISO 8601 with its zone, or None."""
    return value.isoformat() if value is not None else None


def error_record(error: ZadigError) -> Record:
    """Return an error: its class name, words and, where Zadig answered, what it said."""
    record: Record = {"type": type(error).__name__, "message": str(error), "hint": error.hint}
    match error:
        case ApiError():
            record |= {"status": error.status, "code": error.code, "call": error.call}
        case DecodeError():
            record |= {"problems": list(error.problems), "call": error.call}
        case PreflightError():
            record |= {"findings": list(error.findings)}
    return record


def user_record(user: User) -> Record:
    """Return a person or group with the vote it cast."""
    return {
        "type": user.type,
        "name": user.user_name or user.group_name,
        "decision": user.decision,
        "comment": user.comment,
        "decided_at": moment(user.decided_at),
    }


def gate_record(gate: Gate) -> Record:
    """Return a gate."""
    return {
        "name": gate.name,
        "kind": str(gate.kind),
        "stage": gate.stage,
        "job": gate.job,
        "description": gate.description,
        "passable": gate.passable,
        "needed": gate.needed,
        "approvers": [user_record(user) for user in gate.approvers],
        "timeout": gate.timeout,
        "opened_at": moment(gate.opened_at),
    }


def outcome_record(outcome: Outcome) -> Record:
    """Return an outcome; values of parameters are left out, since any may be a password."""
    failure = outcome.first_failure
    return {
        "workflow": str(outcome.workflow),
        "task": str(outcome.ref) if outcome.ref else None,
        "verdict": str(outcome.verdict),
        "status": str(outcome.status),
        "seconds": round(outcome.seconds, 3),
        "gates": [gate_record(gate) for gate in outcome.gates],
        "first_failure": job_run_record(failure) if failure else None,
        "error": error_record(outcome.error) if outcome.error else None,
    }


def event_record(event: events.Event, at: datetime) -> Record:
    """Return an event seen at a time."""
    return event_head(event, at) | _details(event)


def _details(event: events.Event) -> Record:
    match event:
        case events.Launching():
            return {"jobs": list(event.jobs)}
        case events.TaskChanged():
            return {"before": str(event.before), "after": str(event.after), "phase": str(event.after.phase)}
        case events.JobChanged():
            return {
                "job": event.job,
                "stage": event.stage,
                "type": event.type,
                "before": str(event.before),
                "after": str(event.after),
                "phase": str(event.after.phase),
                "error": event.error,
            }
        case events.LogEvent():
            return log_details(event)
        case events.PollFailed():
            return {"error": error_record(event.error), "failing_for": round(event.failing_for, 3)}
        case events.PollRecovered():
            return {"failed_for": round(event.failed_for, 3)}
        case events.Cancelling() | events.Retrying() | events.LaunchUnanswered():
            return {"reason": event.reason}
        case events.Adopted():
            return {"sure": event.sure}
        case events.LaunchRepeated():
            return {"attempt": event.attempt}
        case events.DuplicateFound():
            return {
                "duplicate": str(event.duplicate),
                "cancelled": event.cancelled,
                "reason": event.reason,
            }
        case events.JournalFailed():
            return {"error": error_record(event.error)}
        case events.EventsDropped():
            return {"count": event.count}
        case events.Ended():
            return {"outcome": outcome_record(event.outcome)}
        case _:
            return _gate_details(event)


def _gate_details(event: events.Event) -> Record:
    match event:
        case events.GateOpened() | events.GateJudged():
            return {"gate": gate_record(event.gate), "allowed": event.allowed, "reason": event.reason}
        case events.GateApproving():
            return {"gate": gate_record(event.gate), "reason": event.reason}
        case events.GateApproved() | events.GateClosed():
            return {"gate": gate_record(event.gate)}
        case events.GateNotApproved():
            return {
                "gate": gate_record(event.gate),
                "error": error_record(event.error) if event.error else None,
                "reason": event.reason,
            }
    return {}


def run_entry_record(entry: RunEntry) -> Record:
    """Return a run as a journal has it."""
    return {
        "run": entry.run,
        "server": entry.scope.server,
        "workflow": str(entry.scope.workflow),
        "task": entry.task,
        "sure": entry.sure,
        "duplicates": sorted(entry.duplicates),
        "state": str(entry.state),
        "verdict": entry.verdict,
        "intended_at": moment(datetime.fromtimestamp(entry.intended_at, UTC)),
        "finished_at": None
        if entry.finished_at is None
        else moment(datetime.fromtimestamp(entry.finished_at, UTC)),
    }


def param_record(param: Param) -> Record:
    """Return a workflow variable; a credential is masked."""
    return {
        "name": param.name,
        "type": param.type,
        "value": param.value,
        "default": param.default,
        "choice_option": list(param.choice_option),
        "description": param.description,
        "is_credential": param.is_credential,
    }


def workflow_summary_record(summary: WorkflowSummary) -> Record:
    """Return a line of the workflow list."""
    return {
        "workflow_key": summary.workflow_key,
        "workflow_name": summary.workflow_name,
        "type": summary.type,
        "updated_by": summary.updated_by,
        "updated_at": moment(summary.updated_at),
    }


def workflow_record(workflow: Workflow, selectable: Sequence[str]) -> Record:
    """Return a workflow's definition without specs, which may hold credentials.

    Args:
        workflow: The definition.
        selectable: Job types a launch can run.
    """
    return {
        "workflow_key": workflow.workflow_key,
        "workflow_name": workflow.workflow_name,
        "project_key": workflow.project_key,
        "description": workflow.description,
        "created_by": workflow.created_by,
        "created_at": moment(workflow.created_at),
        "updated_at": moment(workflow.updated_at),
        "concurrency_limit": workflow.concurrency_limit,
        "params": [param_record(param) for param in workflow.params],
        "stages": [
            {
                "name": stage.name,
                "parallel": stage.parallel,
                "jobs": [_job_record(job, selectable) for job in stage.jobs],
            }
            for stage in workflow.stages
        ],
    }


def _job_record(job: Job, selectable: Sequence[str]) -> Record:
    return {
        "name": job.name,
        "type": job.type,
        "run_policy": job.run_policy,
        "skipped": job.skipped,
        "selectable": job.type in selectable,
    }


def task_summary_record(task: TaskSummary, project: str) -> Record:
    """Return a line of a task list."""
    return {
        "task": f"{project}/{task.workflow_key}#{task.task_id}",
        "task_id": task.task_id,
        "workflow_key": task.workflow_key,
        "status": str(task.status),
        "phase": str(task.status.phase),
        "creator": task.creator,
        "created_at": moment(task.created_at),
        "started_at": moment(task.started_at),
        "ended_at": moment(task.ended_at),
    }


def job_run_record(job: JobRun) -> Record:
    """Return a job of a run without its spec, which may hold credentials."""
    return {
        "name": job.name,
        "origin_name": job.origin_name,
        "type": job.type,
        "status": str(job.status),
        "phase": str(job.status.phase),
        "started_at": moment(job.started_at),
        "ended_at": moment(job.ended_at),
        "error": job.error,
    }


def task_record(task: Task) -> Record:
    """Return a task in full, credentials masked."""
    return {
        "task": str(task.ref) if task.project_key else None,
        "task_id": task.task_id,
        "workflow_key": task.workflow_key,
        "workflow_name": task.workflow_name,
        "project_key": task.project_key,
        "status": str(task.status),
        "phase": str(task.phase),
        "creator": task.creator,
        "remark": task.remark,
        "error": task.error,
        "created_at": moment(task.created_at),
        "started_at": moment(task.started_at),
        "ended_at": moment(task.ended_at),
        "params": [param_record(param) for param in task.params],
        "gates": [gate_record(gate) for gate in task.gates],
        "stages": [
            {
                "name": stage.name,
                "status": str(stage.status),
                "jobs": [job_run_record(job) for job in stage.jobs],
            }
            for stage in task.stages
        ],
    }


def view_record(view: View) -> Record:
    """Return a view."""
    return {
        "name": view.name,
        "project_key": view.project_key,
        "updated_at": moment(view.updated_at),
        "updated_by": view.updated_by,
        "workflows": [workflow.workflow_key for workflow in view.workflows],
    }
