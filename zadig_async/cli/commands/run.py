"""`zadig-async run`: start launches from the command line or a file, and watch them to their end."""

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs
import click

from zadig_async.cli import exits, going_on, log_options, memory_options, output, policy_options
from zadig_async.cli import given as command_line
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.follow import Following
from zadig_async.cli.launchfile import LaunchFile, read_input_file, read_launch_file
from zadig_async.cli.log_options import LogChoice
from zadig_async.cli.memory_options import Memory
from zadig_async.cli.origin import origin_of
from zadig_async.cli.render import records
from zadig_async.cli.render.board import Board
from zadig_async.cli.render.plan import plan_lines, plan_record
from zadig_async.cli.session import FILE, Session, complete, connection_options, pass_session
from zadig_async.errors import ConfigError, JournalError, ZadigError
from zadig_async.journal.journal import Journal
from zadig_async.model.ids import WorkflowRef
from zadig_async.model.launch import ALL_JOBS, Launch
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.orchestrator.policy import RunPolicy
from zadig_async.orchestrator.preflight import Plan
from zadig_async.orchestrator.trigger import prepare
from zadig_async.sinks.terminal import safe

_PREPARED_AT_ONCE = 8

_HELP = """\
Start workflows and watch them to their end.

PROJECT and WORKFLOW are keys, not display names. Say what runs: --all-jobs, --job, or a file. Each launch
is checked against the live definition first: an unknown job, a gate that would be skipped or a wrong
variable is refused before anything is sent.

\b
Examples:
    zadig-async run shop/deploy-api --all-jobs
    zadig-async run shop/deploy-api shop/deploy-web --all-jobs --logs \\
        --approve 'shop/deploy-*:staging-gate' --approve-own
    zadig-async run shop/deploy-api --job build --job staging-gate --job deploy --param branch=main
    zadig-async run --file release.yaml --timeout 1h --logs --grep 'error|warn' --log-dir logs
    zadig-async run --file release.yaml --dry-run

\b
A file says the same for many:
    launches:
      - ref: shop/deploy-api
        all_jobs: true
        params: {branch: main}
        inputs:                       # instead of a job's configuration
          build: {type: zadig-build, registry: https://r.example.com/shop, services: [...]}
    approvals:
      - project: shop
        workflow: "deploy-*"
        gate: staging-gate
        own_tasks: true               # tasks this very account has started too
        windows: ["Mon-Thu 09:00-16:00 Europe/Berlin"]
        soak: 5m
    freezes: ["2026-12-23 .. 2027-01-04 Europe/Berlin: year's end"]
    policy:
      concurrency: 8
      approvals_per_hour: 20
      deadlines: {queue: 10m, run: 1h, gate: 30m, total: 2h, cancel: false}
      reconcile: {window: 5m, when_absent: stop}

Ctrl-C stops the watching, never the tasks, and prints the command that goes on. With --journal FILE that
works after any crash too: zadig-async resume FILE.

An answer that is lost never leads to a second trigger: the task it made is looked for.
"""


@click.command(help=_HELP)
@click.argument("workflows", nargs=-1, metavar="[PROJECT/WORKFLOW]...")
@click.option("--all-jobs", is_flag=True, help="Run every job that runs by default, gates included.")
@click.option(
    "--job", "jobs", multiple=True, metavar="NAME", help="Run this job as it is configured. Repeat for more."
)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a workflow variable (secrets: use a file). Repeat for more.",
)
@click.option("--input-file", type=FILE, metavar="FILE", help="YAML file with inputs by job name.")
@click.option(
    "--allow-bypass",
    multiple=True,
    metavar="GATE",
    help="Leave this gate out on purpose. Without it, a launch that would skip a gate is refused.",
)
@click.option(
    "--file", "-f", type=FILE, metavar="FILE", help="YAML file with launches, approvals and policy."
)
@click.option(
    "--concurrency", type=click.IntRange(min=1), help="How many launches are under way at once [16]."
)
@click.option("--dry-run", is_flag=True, help="Check and show what would run; start nothing.")
@click.option(
    "--journal",
    type=FILE,
    metavar="FILE",
    help="Write down what is meant before it is done, so that `zadig-async resume FILE` can go on after a "
    "crash without starting anything twice.",
)
@memory_options.audit_options
@policy_options.reconcile_options
@policy_options.policy_options
@log_options.run_log_options
@connection_options
@pass_session
@click.pass_context
def command(
    ctx: click.Context,
    session: Session,
    *,
    workflows: tuple[str, ...],
    all_jobs: bool,
    jobs: tuple[str, ...],
    params: tuple[str, ...],
    input_file: str | None,
    allow_bypass: tuple[str, ...],
    file: str | None,
    concurrency: int | None,
    dry_run: bool,
    journal: str | None,
    audit: str | None,
    stop_file: str | None,
) -> int:
    """Start workflows and watch them to their end."""
    given = read_launch_file(file) if file is not None else LaunchFile()
    options = command_line.given(ctx)
    log_options.check_use(options, log_options.LOG_JOB)
    logs = log_options.choice(options, shown=bool(options["logs"]))
    policy = logs.asked_of(policy_options.policy(options, given.policy))
    if concurrency is not None:
        policy = attrs.evolve(policy, concurrency=concurrency)
    refs = [WorkflowRef.parse(text) for text in workflows]
    if refs and not (all_jobs or jobs or input_file):
        raise click.UsageError("Say what runs: --all-jobs, --job NAME, or --input-file FILE.")
    if all_jobs and jobs:
        raise click.UsageError("--all-jobs and --job are both given: keep one.")
    inputs = read_input_file(input_file) if input_file is not None else {}
    launches = [
        Launch(
            ref.project,
            ref.workflow,
            params=parse_params(params),
            jobs=ALL_JOBS if all_jobs else jobs,
            inputs=inputs,
            allow_bypass=frozenset(allow_bypass),
        )
        for ref in refs
    ]
    launches += given.launches
    if not launches:
        raise click.UsageError("Nothing to run: name a PROJECT/WORKFLOW, or a file with --file.")
    if dry_run:
        return complete(_rehearse(session, launches, policy))
    origin = origin_of(
        going_on.words(options, "resume"),
        file=file,
        input_file=input_file,
        concurrency=concurrency,
        audit=audit,
        stop_file=stop_file,
    )
    again = going_on.words(options, "watch" if journal is None else "resume")
    again += memory_options.again(audit, stop_file)
    if file is not None and (journal is None or file == "-"):
        again += ["--file", file]
    opened = memory_options.opened(journal, audit, stop_file)
    return complete(_run(session, launches, policy, logs, [*again, *session.again()], origin, opened))


def parse_params(given: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VALUE` options.

    Raises:
        ConfigError: One has another form, or a name is given twice.
    """
    params: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError("--param: expected NAME=VALUE", hint="As in --param branch=main.")
        if name in params:
            raise ConfigError(f"--param {name}: given twice")
        params[name] = value
    return params


async def _run(
    session: Session,
    launches: Sequence[Launch],
    policy: RunPolicy,
    logs: LogChoice,
    again: Sequence[str],
    origin: Mapping[str, Any],
    opened: AbstractAsyncContextManager[Memory],
) -> ExitCode:
    async with session.connect() as zadig, opened as memory:
        if memory.journal is not None:
            refuse_unfinished(memory.journal, zadig.server)
        board = Board(launch.ref for launch in launches)
        following = Following(session, policy, board, again, memory, logs)
        followed = await following.follow(
            zadig, lambda orchestrator: orchestrator.run_all(launches, origin=origin)
        )
    return followed.code


def refuse_unfinished(journal: Journal, server: str) -> None:
    """Refuse to begin anything new in a journal with runs that have not come to their end.

    Raises:
        JournalError: There are such runs.
    """
    unfinished = [str(entry.scope.workflow) for entry in journal.history.open_runs(server)]
    if unfinished:
        raise JournalError(
            f"{journal.name}: it holds runs that have not come to their end: {', '.join(unfinished)}",
            hint=f"Go on with them: zadig-async resume {shlex.quote(journal.name)}; or use another file.",
        )


async def _rehearse(session: Session, launches: Sequence[Launch], policy: RunPolicy) -> ExitCode:
    """Check every launch against the live definitions, and show what would be sent."""
    slots = asyncio.Semaphore(_PREPARED_AT_ONCE)

    async with session.connect() as zadig:

        async def check(launch: Launch) -> Plan | ZadigError:
            async with slots:
                try:
                    return await prepare(zadig, launch)
                except ZadigError as error:
                    return error

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(check(launch)) for launch in launches]
    found = [task.result() for task in tasks]
    if session.json:
        output.say_document(
            [
                plan_record(item, policy)
                if isinstance(item, Plan)
                else {"workflow": str(launch.ref), "error": records.error_record(item)}
                for launch, item in zip(launches, found, strict=True)
            ]
        )
    else:
        for launch, item in zip(launches, found, strict=True):
            output.say_lines(plan_lines(item, policy) if isinstance(item, Plan) else _refusal(launch, item))
        output.say("Nothing was sent: this was a dry run.")
    return exits.of_outcomes(
        Outcome(workflow=launch.ref, verdict=Verdict.REFUSED, error=item)
        for launch, item in zip(launches, found, strict=True)
        if isinstance(item, ZadigError)
    )


def _refusal(launch: Launch, error: ZadigError) -> list[str]:
    findings: Sequence[str] = getattr(error, "findings", ()) or (str(error),)
    lines = [f"{safe(str(launch.ref))} would be refused:", *(f"  - {safe(finding)}" for finding in findings)]
    return [*lines, f"  {safe(error.hint)}"] if error.hint else lines
