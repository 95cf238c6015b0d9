"""Async client and orchestrator for Zadig: trigger, watch, approve by rule, read logs, many at once.

A name's module is imported when the name is first used: who only reads tasks does not wait for the rest.
"""

import typing as _typing

if _typing.TYPE_CHECKING:
    from zadig_async import errors
    from zadig_async.client.client import ZadigClient
    from zadig_async.errors import ZadigError
    from zadig_async.journal.audit import Audit
    from zadig_async.journal.journal import Journal
    from zadig_async.model import inputs
    from zadig_async.model.gate import Gate, GateKind
    from zadig_async.model.ids import TaskRef, WorkflowRef
    from zadig_async.model.launch import ALL_JOBS, Launch
    from zadig_async.model.log import LogGap, LogReport
    from zadig_async.model.outcome import Outcome, Verdict
    from zadig_async.model.secret import Secret
    from zadig_async.model.status import Phase, Status
    from zadig_async.model.task import Task, TaskStatus, TaskSummary
    from zadig_async.model.ticket import Ticket
    from zadig_async.model.workflow import Workflow
    from zadig_async.orchestrator import events
    from zadig_async.orchestrator.approval import ApprovalPolicy, ApprovalRule
    from zadig_async.orchestrator.calendar import Freeze, Window
    from zadig_async.orchestrator.logs.feed import LogFeed
    from zadig_async.orchestrator.orchestrator import Orchestrator
    from zadig_async.orchestrator.policy import Deadlines, LogPolicy, ReconcilePolicy, RunPolicy
    from zadig_async.orchestrator.run import Run
    from zadig_async.orchestrator.switch import KillSwitch
    from zadig_async.transport.retry import RequestRecord, RetryPolicy

__version__ = "0.1.0"

__all__ = [
    "ALL_JOBS",
    "ApprovalPolicy",
    "ApprovalRule",
    "Audit",
    "Deadlines",
    "Freeze",
    "Gate",
    "GateKind",
    "Journal",
    "KillSwitch",
    "Launch",
    "LogFeed",
    "LogGap",
    "LogPolicy",
    "LogReport",
    "Orchestrator",
    "Outcome",
    "Phase",
    "ReconcilePolicy",
    "RequestRecord",
    "RetryPolicy",
    "Run",
    "RunPolicy",
    "Secret",
    "Status",
    "Task",
    "TaskRef",
    "TaskStatus",
    "TaskSummary",
    "Ticket",
    "Verdict",
    "Window",
    "Workflow",
    "WorkflowRef",
    "ZadigClient",
    "ZadigError",
    "__version__",
    "errors",
    "events",
    "inputs",
]

if not _typing.TYPE_CHECKING:  # a checker would take every misspelt name for one found here
    _PLACES = {
        "client.client": ("ZadigClient",),
        "errors": ("ZadigError",),
        "journal.audit": ("Audit",),
        "journal.journal": ("Journal",),
        "model.gate": ("Gate", "GateKind"),
        "model.ids": ("TaskRef", "WorkflowRef"),
        "model.launch": ("ALL_JOBS", "Launch"),
        "model.log": ("LogGap", "LogReport"),
        "model.outcome": ("Outcome", "Verdict"),
        "model.secret": ("Secret",),
        "model.status": ("Phase", "Status"),
        "model.task": ("Task", "TaskStatus", "TaskSummary"),
        "model.ticket": ("Ticket",),
        "model.workflow": ("Workflow",),
        "orchestrator.approval": ("ApprovalPolicy", "ApprovalRule"),
        "orchestrator.calendar": ("Freeze", "Window"),
        "orchestrator.logs.feed": ("LogFeed",),
        "orchestrator.orchestrator": ("Orchestrator",),
        "orchestrator.policy": ("Deadlines", "LogPolicy", "ReconcilePolicy", "RunPolicy"),
        "orchestrator.run": ("Run",),
        "orchestrator.switch": ("KillSwitch",),
        "transport.retry": ("RequestRecord", "RetryPolicy"),
    }
    _PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}
    _MODULES = {"errors": "errors", "events": "orchestrator.events", "inputs": "model.inputs"}

    def __getattr__(name: str) -> object:
        from importlib import import_module  # noqa: PLC0415 - not a name of this package

        if name in _PLACE_OF:
            value = getattr(import_module(f"{__name__}.{_PLACE_OF[name]}"), name)
        elif name in _MODULES:
            value = import_module(f"{__name__}.{_MODULES[name]}")
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
