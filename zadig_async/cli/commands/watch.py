"""`zadig-async watch`: watch tasks that are already there, whoever started them."""

import asyncio
from collections.abc import Sequence

import click

from zadig_async.cli import policy_options
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.follow import Following
from zadig_async.cli.launchfile import LaunchFile, read_launch_file
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
    zadig-async watch 'shop/deploy-api#56' --approve 'shop/deploy-api:staging-gate'
    zadig-async watch 'shop/deploy-api#56' --gate-timeout 0     # exit code 4 if it waits for a person

Ctrl-C stops the watching, never the tasks.
"""


@click.command(help=_HELP)
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.option(
    "--file", "-f", type=FILE, metavar="FILE", help="Take approvals and policy from this launch file."
)
@policy_options.policy_options
@connection_options
@pass_session
@click.pass_context
def command(ctx: click.Context, session: Session, *, refs: tuple[str, ...], file: str | None) -> int:
    """Watch tasks to their end."""
    given = read_launch_file(file) if file is not None else LaunchFile()
    tasks = [TaskRef.parse(text) for text in dict.fromkeys(refs)]
    again = [*policy_options.again(ctx, file), *session.again()]
    return complete(_watch(session, tasks, policy_options.policy(ctx, given.policy), again))


async def _watch(
    session: Session, refs: Sequence[TaskRef], policy: RunPolicy, again: Sequence[str]
) -> ExitCode:
    async def work(orchestrator: Orchestrator) -> list[Outcome]:
        runs = [orchestrator.attach(ref) for ref in refs]
        return await asyncio.gather(*(run.wait() for run in runs))

    following = Following(session, policy, Board(refs=refs), again)
    async with session.connect() as zadig:
        await known_tasks(zadig, refs)
        followed = await following.follow(zadig, work)
    return followed.code
