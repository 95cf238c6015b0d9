"""The options of `run`, `resume` and `watch` that become a `RunPolicy`."""

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

import attrs
import click

from zadig_async.cli.durations import duration
from zadig_async.orchestrator.policy import MARKER, ApprovalRule, RunPolicy

F = TypeVar("F", bound=Callable[..., Any])

_META: Final = "zadig_async.cli.policy_options"

Given = dict[str, Any]
"""What was given, by the option's own name; None, False or empty where it was not."""

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
    command = _option(
        command,
        "--approve-own",
        is_flag=True,
        text="Let --approve also approve tasks that this very account has started: no four eyes.",
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


def reconcile_options(command: F) -> F:
    """Add the options about a trigger whose answer is lost; `policy` reads them."""
    command = _option(
        command,
        "--operation-log",
        is_flag=True,
        text="Also look into Zadig's operation log; needs a system administrator's token.",
    )
    command = _option(
        command,
        "--retrigger",
        is_flag=True,
        text="Launch once more where a trigger without an answer provably came to nothing; only for "
        "workflows that declare the marker.",
    )
    command = _option(
        command,
        "--reconcile-for",
        type=duration,
        metavar="TIME",
        text="How long to look for the task of a trigger without an answer; less than 2m is not safe [5m].",
    )
    return _option(
        command,
        "--marker",
        metavar="NAME",
        text=f"Workflow variable that takes the run's id, so that its task is known for certain [{MARKER}].",
    )


def given(ctx: click.Context) -> Given:
    """Return what the command line of a context gave."""
    return dict(ctx.meta.get(_META, {}))


def parse(words: Sequence[str]) -> Given:
    """Read the words that `again` has written.

    Raises:
        click.UsageError: They are not such words.
    """
    command = reconcile_options(policy_options(click.Command("again")))
    with command.make_context("again", list(words)) as ctx:
        return given(ctx)


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


def merged(then: Given, now: Given) -> Given:
    """Return options of an earlier command line with those of this one on top.

    Rules given now take the place of the earlier ones, and so does whether they waive four eyes.
    """
    given_now = {
        name: value
        for name, value in now.items()
        if value is not None and value != () and (value is not False or name == _THREE_STATES)
    }
    if "approve" in given_now:
        given_now.setdefault("approve_own", False)
    return {**then, **given_now}


_THREE_STATES: Final = "logs"
"""The flag that can be given as yes, as no, and not at all."""


def again(options: Given, *, reconcile: bool = True) -> list[str]:
    """Return the words by which another command goes on under the same options; `parse` reads them.

    Args:
        options: What was given.
        reconcile: Whether the other command has the options about lost triggers.
    """
    words = []
    for rule in options.get("approve", ()):
        words += ["--approve", f"{rule.project}/{rule.workflow}:{rule.gate}"]
    for name, word in _FLAGS.items():
        if options.get(name) and (reconcile or name not in _RECONCILE):
            words.append(word)
    if options.get(_THREE_STATES) is False:
        words.append("--no-logs")
    for name, word in _VALUES.items():
        if options.get(name) is not None and (reconcile or name not in _RECONCILE):
            words += [word, _spelt(options[name])]
    return words


def _spelt(value: str | float) -> str:
    """Write a value so that it is read as the same again: no exponent, no lost digit that matters."""
    return value if isinstance(value, str) else f"{value:.3f}".rstrip("0").rstrip(".")


_RECONCILE: Final = frozenset({"marker", "reconcile_for", "retrigger", "operation_log"})


_FLAGS: Final = MappingProxyType(
    {
        "approve_own": "--approve-own",
        "logs": "--logs",
        "cancel_on_timeout": "--cancel-on-timeout",
        "retrigger": "--retrigger",
        "operation_log": "--operation-log",
    }
)

_VALUES: Final = MappingProxyType(
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
