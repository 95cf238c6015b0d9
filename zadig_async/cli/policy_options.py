"""The options of `run` and `watch` that become a `RunPolicy`."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs
import click

from zadig_async.cli.durations import duration
from zadig_async.orchestrator.policy import ApprovalPolicy, ApprovalRule, RunPolicy

F = TypeVar("F", bound=Callable[..., Any])

_META: Final = "zadig_async.cli.policy_options"

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


def _put(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    ctx.meta.setdefault(_META, {})[param.name] = value


def _option(command: F, *names: str, text: str, **settings: Any) -> F:
    return click.option(*names, expose_value=False, callback=_put, help=text, **settings)(command)


def policy_options(command: F) -> F:
    """Add the options; `policy` reads them."""
    command = _option(
        command, "--poll-every", type=duration, metavar="TIME", text="Time between two reads of a task [3s]."
    )
    command = _option(
        command,
        "--cancel-on-timeout",
        is_flag=True,
        text="Cancel a task on the server when its time is up, instead of only watching no longer.",
    )
    for name, text in reversed(_DEADLINES):
        option = "--timeout" if name == "total" else f"--{name}-timeout"
        command = _option(command, option, name, type=duration, metavar="TIME", text=text)
    command = _option(
        command, "--logs/--no-logs", "logs", default=None, text="Print the logs of jobs as they come."
    )
    return _option(
        command,
        "--approve",
        multiple=True,
        type=parse_rule,
        metavar="PROJECT/WORKFLOW:GATE",
        text="Approve such gates without asking, once all jobs before them have passed; "
        "patterns with * may be used. May be given several times.",
    )


def policy(ctx: click.Context, base: RunPolicy) -> RunPolicy:
    """Return the policy the command line asks for.

    Args:
        ctx: The command's context.
        base: What a launch file says; flags win over it, and approval rules of both hold.
    """
    given = ctx.meta.get(_META, {})
    waits = {name: given[name] for name, _ in _DEADLINES if given.get(name) is not None}
    return attrs.evolve(
        base,
        approvals=ApprovalPolicy((*base.approvals.rules, *given.get("approve", ()))),
        deadlines=attrs.evolve(
            base.deadlines, cancel=bool(given.get("cancel_on_timeout")) or base.deadlines.cancel, **waits
        ),
        follow_logs=bool(given.get("logs")),
        poll_every=base.poll_every if given.get("poll_every") is None else given["poll_every"],
    )


def again(ctx: click.Context, file: str | None) -> list[str]:
    """Return the words that make `zadig-async watch` go on under the same rules.

    Args:
        ctx: The command's context.
        file: The launch file, or None.
    """
    given = ctx.meta.get(_META, {})
    words = []
    for rule in given.get("approve", ()):
        words += ["--approve", f"{rule.project}/{rule.workflow}:{rule.gate}"]
    if given.get("logs"):
        words.append("--logs")
    if file is not None and file != "-":
        words += ["--file", file]
    return words
