"""The options of `run`, `resume` and `watch` that become a `RunPolicy`."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final, TypeVar

import attrs
import click

from zadig_async.cli.durations import duration
from zadig_async.cli.given import Given, option
from zadig_async.orchestrator.policy import MARKER, ApprovalRule, RunPolicy

F = TypeVar("F", bound=Callable[..., Any])

_DEADLINES: Final = (
    ("queue", "Give up a task that has not started this long after its trigger."),
    ("run", "Give up a task that has not ended this long after its start."),
    ("gate", "Give up a task that waits this long at one gate for a person; 0 gives up at once."),
    ("total", "Give up a task that has not ended this long after its trigger."),
)


def parse_rule(text: str) -> ApprovalRule:
    """Read `PROJECT/WORKFLOW:GATE`, each an exact name or a pattern.

    Raises:
        click.BadParameter: It has another form.
    """
    where, colon, gate = text.partition(":")
    project, slash, workflow = where.partition("/")
    if not (colon and slash and project and workflow and gate) or "/" in workflow:
        raise click.BadParameter(
            f"{text!r}: write PROJECT/WORKFLOW:GATE, such as 'shop/deploy-*:staging-gate'."
        )
    return ApprovalRule(project=project, workflow=workflow, gate=gate)


def policy_options(command: F) -> F:
    """Add the options; `policy` reads what was given."""
    command = option(
        command, "--poll-every", type=duration, metavar="TIME", text="Time between two reads of a task [3s]."
    )
    command = option(
        command,
        "--cancel-on-timeout",
        is_flag=True,
        text="Cancel a task on the server when its time is up, instead of only watching no longer.",
    )
    for name, text in reversed(_DEADLINES):
        flag = "--timeout" if name == "total" else f"--{name}-timeout"
        command = option(command, flag, name, type=duration, metavar="TIME", text=text)
    command = option(
        command, "--logs/--no-logs", "logs", default=None, text="Print the logs of jobs as they come."
    )
    command = option(
        command,
        "--approve-own",
        is_flag=True,
        text="Let --approve also approve tasks that this very account has started: no four eyes.",
    )
    return option(
        command,
        "--approve",
        multiple=True,
        type=parse_rule,
        metavar="PROJECT/WORKFLOW:GATE",
        text="Approve such gates without asking, once all jobs before them have passed; "
        "patterns with * may be used. May be given several times.",
    )


def reconcile_options(command: F) -> F:
    """Add the options about a trigger whose answer is lost; `policy` reads what was given."""
    command = option(
        command,
        "--operation-log",
        is_flag=True,
        text="Also look into Zadig's operation log; needs a system administrator's token.",
    )
    command = option(
        command,
        "--retrigger",
        is_flag=True,
        text="Launch once more where a trigger without an answer provably came to nothing; only for "
        "workflows that declare the marker.",
    )
    command = option(
        command,
        "--reconcile-for",
        type=duration,
        metavar="TIME",
        text="How long to look for the task of a trigger without an answer; less than 2m is not safe [5m].",
    )
    return option(
        command,
        "--marker",
        metavar="NAME",
        text=f"Workflow variable that takes the run's id, so that its task is known for certain [{MARKER}].",
    )


def policy(options: Given, base: RunPolicy, *, dry_run: bool = False) -> RunPolicy:
    """Return the policy that options ask for.

    Args:
        options: What was given.
        base: What a launch file says; options win over it, and approval rules of both hold.
        dry_run: Whether nothing is to be written.
    """
    waits = {name: options[name] for name, _ in _DEADLINES if options.get(name) is not None}
    rules = [
        attrs.evolve(rule, own_tasks=bool(options.get("approve_own"))) for rule in options.get("approve", ())
    ]
    reconcile = base.reconcile
    if options.get("marker"):
        reconcile = attrs.evolve(reconcile, marker=options["marker"])
    if options.get("reconcile_for") is not None:
        reconcile = attrs.evolve(reconcile, window=options["reconcile_for"])
    if options.get("retrigger"):
        reconcile = attrs.evolve(reconcile, when_absent="retrigger")
    if options.get("operation_log"):
        reconcile = attrs.evolve(reconcile, operation_log=True)
    return attrs.evolve(
        base,
        approvals=attrs.evolve(base.approvals, rules=(*base.approvals.rules, *rules)),
        deadlines=attrs.evolve(
            base.deadlines, cancel=bool(options.get("cancel_on_timeout")) or base.deadlines.cancel, **waits
        ),
        follow_logs=bool(options.get("logs")),
        poll_every=base.poll_every if options.get("poll_every") is None else options["poll_every"],
        reconcile=reconcile,
        dry_run=dry_run,
    )


RECONCILE: Final = frozenset({"marker", "reconcile_for", "retrigger", "operation_log"})
"""The options about lost triggers, which a command has that starts something."""

FLAGS: Final = MappingProxyType(
    {  # by the name under which they are kept
        "approve_own": "--approve-own",
        "logs": "--logs",
        "cancel_on_timeout": "--cancel-on-timeout",
        "retrigger": "--retrigger",
        "operation_log": "--operation-log",
    }
)

VALUES: Final = MappingProxyType(
    {
        "queue": "--queue-timeout",
        "run": "--run-timeout",
        "gate": "--gate-timeout",
        "total": "--timeout",
        "poll_every": "--poll-every",
        "marker": "--marker",
        "reconcile_for": "--reconcile-for",
    }
)
