"""`zadig-async watch`: watch tasks that are already there, whoever started them."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import click

from zadig_async.cli import given as command_line
from zadig_async.cli import going_on, log_options, memory_options, policy_options
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.follow import Following
from zadig_async.cli.launchfile import LaunchFile, read_launch_file
from zadig_async.cli.log_options import LogChoice
from zadig_async.cli.memory_options import Memory
from zadig_async.cli.reading import known_tasks
from zadig_async.cli.render.board import Board
from zadig_async.cli.session import FILE, Session, complete, connection_options, pass_session
from zadig_async.model.ids import TaskRef
from zadig_async.model.outcome import Outcome
from zadig_async.orchestrator.orchestrator import Orchestrator
from zadig_async.orchestrator.policy import RunPolicy

_HELP = """\
Watch tasks that are already running, to their end.

REF is PROJECT/WORKFLOW#NUMBER, in quotes where your shell takes # for a comment.

\b
Examples:
    zadig-async watch 'shop/deploy-api#56'
    zadig-async watch 'shop/deploy-api#56' 'shop/deploy-web#12' --logs
    zadig-async watch 'shop/deploy-api#56' --logs --job build --tail 100 --log-dir logs
    zadig-async watch 'shop/deploy-api#56' --approve 'shop/deploy-api:staging-gate' --dry-run
    zadig-async watch 'shop/deploy-api#56' --gate-timeout 0     # exit code 4 if it waits for a person

Ctrl-C stops the watching, never the tasks.
"""


@click.command(help=_HELP)
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.option(
    "--file", "-f", type=FILE, metavar="FILE", help="Take approvals and policy from this launch file."
)
@click.option("--dry-run", is_flag=True, help="Say which gates would be approved; send nothing.")
@memory_options.audit_options
@policy_options.policy_options
@log_options.log_options
@connection_options
@pass_session
@click.pass_context
def command(
    ctx: click.Context,
    session: Session,
    *,
    refs: tuple[str, ...],
    file: str | None,
    dry_run: bool,
    audit: str | None,
    stop_file: str | None,
) -> int:
    """Watch tasks to their end."""
    given = read_launch_file(file) if file is not None else LaunchFile()
    tasks = [TaskRef.parse(text) for text in dict.fromkeys(refs)]
    options = command_line.given(ctx)
    log_options.check_use(options, log_options.JOB)
    logs = log_options.choice(options, shown=bool(options["logs"]))
    again = [*going_on.words(options, "watch"), *memory_options.again(audit, stop_file)]
    if file is not None:
        again += ["--file", file]
    if dry_run:
        again.append("--dry-run")
    policy = logs.asked_of(policy_options.policy(options, given.policy, dry_run=dry_run))
    opened = memory_options.opened(None, audit, stop_file)
    return complete(_watch(session, tasks, policy, logs, [*again, *session.again()], opened))


async def _watch(
    session: Session,
    refs: Sequence[TaskRef],
    policy: RunPolicy,
    logs: LogChoice,
    again: Sequence[str],
    opened: AbstractAsyncContextManager[Memory],
) -> ExitCode:
    async def work(orchestrator: Orchestrator) -> list[Outcome]:
        # Who asks for the tasks to be cancelled names them: they count as ours.
        runs = [orchestrator.attach(ref, own=policy.deadlines.cancel) for ref in refs]
        return await asyncio.gather(*(run.wait() for run in runs))

    async with session.connect() as zadig, opened as memory:
        following = Following(session, policy, Board(refs=refs), again, memory, logs)
        await known_tasks(zadig, refs)
        followed = await following.follow(zadig, work)
    return followed.code
