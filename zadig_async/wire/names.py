"""The names Zadig uses for what the model calls otherwise: the only places where the two meet.

A field that is not here has the same name on both sides. Three rules explain most of the rest: times
are `..._at` here and `..._time` there, units are part of the name here, and spelling mistakes of the
server stay on its side. Raw job specs use the names the server stores them under, which are not always
those of its JSON (Zadig v4.1.0 .../common/repository/models/wokflow_task_v4.go:199).

Those of job specs and inputs have tables of their own, `spec_names` and `input_names`: there are a
hundred such classes, and a program that watches tasks may need none of them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zadig_async.model.task import JobRun, ManualExec, StageRun, Task, TaskPage, TaskSummary
from zadig_async.model.user import User
from zadig_async.model.variable import KeyValue, Param
from zadig_async.model.view import View
from zadig_async.model.workflow import Workflow, WorkflowSummary

_SPAN: Final = MappingProxyType({"started_at": "start_time", "ended_at": "end_time"})
_RUN: Final = MappingProxyType({**_SPAN, "created_at": "create_time", "creator": "task_creator"})
_VOTE: Final = MappingProxyType({"decision": "reject_or_approve", "decided_at": "operation_time"})

RENAMES: Final[Mapping[type, Mapping[str, str]]] = MappingProxyType(
    {
        # Shared values. A private field is one the model shows through a property.
        User: _VOTE,
        KeyValue: {"_value": "value"},
        Param: {"_value": "value", "_default": "default"},
        # Workflows, tasks, views
        WorkflowSummary: {"updated_by": "update_by", "updated_at": "update_time"},
        Workflow: {"created_at": "create_time", "updated_at": "update_time"},
        View: {"updated_by": "update_by", "updated_at": "update_time"},
        TaskSummary: _RUN,
        TaskPage: {"tasks": "workflow_tasks"},
        Task: {**_RUN, "revoker": "task_revoker"},
        StageRun: _SPAN,
        ManualExec: {
            "executed": "excuted",
            "users": "manual_exec_users",
            "executor_id": "manual_exector_id",
            "executor_name": "manual_exector_name",
        },
        JobRun: {
            **_SPAN,
            "duration": "cost_seconds",
            "error_handler_id": "error_handler_user_id",
            "error_handler_name": "error_handler_username",
            "info": "job_info",
        },
    }
)
"""Zadig's name of a field, by class and field name."""


def renames_of(kind: type) -> Mapping[str, str]:
    """Return Zadig's names of a class's fields, of those that differ."""
    if kind.__module__.startswith(_SPECS):
        from zadig_async.wire import spec_names  # noqa: PLC0415 - see the module's text

        return spec_names.RENAMES.get(kind, _NONE)
    if kind.__module__.startswith(_INPUTS):
        from zadig_async.wire import input_names  # noqa: PLC0415 - see the module's text

        return input_names.RENAMES.get(kind, _NONE)
    return RENAMES.get(kind, _NONE)


_SPECS: Final = "zadig_async.model.jobspec"
_INPUTS: Final = "zadig_async.model.inputs"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
