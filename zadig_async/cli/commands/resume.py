"""`zadig-async resume`: go on with what a journal says is not at its end."""

from collections.abc import Iterator, Mapping, Sequence

import attrs
import click

from zadig_async.cli import exits, going_on, log_options, memory_options, output, policy_options
from zadig_async.cli import given as command_line
from zadig_async.cli.commands.run import parse_params
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.follow import Following
from zadig_async.cli.launchfile import LaunchFile, read_input_file, read_launch_file
from zadig_async.cli.origin import Origin
from zadig_async.cli.render.board import Board
from zadig_async.cli.session import FILE, Session, complete, connection_options, pass_session
from zadig_async.errors import ConfigError
from zadig_async.journal.history import RunEntry, RunState
from zadig_async.journal.journal import Journal
from zadig_async.model.input import JobInput
from zadig_async.model.launch import ALL_JOBS, Launch
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.orchestrator.policy import RunPolicy
from zadig_async.sinks.terminal import safe

_HELP = """\
Go on with everything in a journal that has not come to its end.

Tasks that are known are watched on, tasks of triggers without an answer are looked for, and launches that
were never sent are sent. Nothing that may have been sent is sent again.

Options, rules and launch file are those of the run, unless given again. A journal holds no values: variables
given with --param, and a launch file that came from standard input, have to be given again where a launch was
never sent.

\b
Examples:
    zadig-async run --file release.yaml --journal release.journal
    zadig-async resume release.journal                 # after Ctrl-C, a crash, or a lost machine
    zadig-async resume release.journal --param branch=main
"""


@click.command(help=_HELP)
@click.argument("journal", type=FILE, metavar="JOURNAL")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="A variable of the run, given again."
)
@click.option("--input-file", type=FILE, metavar="FILE", help="The inputs of the run, given again.")
@click.option("--file", "-f", type=FILE, metavar="FILE", help="The launch file of the run, if it has moved.")
@click.option("--concurrency", type=click.IntRange(min=1), help="How many launches are under way at once.")
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
    journal: str,
    params: tuple[str, ...],
    input_file: str | None,
    file: str | None,
    concurrency: int | None,
    audit: str | None,
    stop_file: str | None,
) -> int:
    """Go on with a journal."""
    memory_options.must_exist(journal)
    again = Again(
        options=command_line.given(ctx),
        params=parse_params(params),
        input_file=input_file,
        file=file,
        concurrency=concurrency,
        audit=audit,
        stop_file=stop_file,
    )
    return complete(_resume(session, journal, again))


@attrs.frozen(kw_only=True)
class Again:
    """What the command line of `resume` gave.

    Attributes:
        options: Options of the policy.
        params: Variables.
        input_file: File of inputs, or None.
        file: Launch file, or None.
        concurrency: How many launches are under way at once, or None.
        audit: Audit file, or None.
        stop_file: Stop file, or None.
    """

    options: command_line.Given
    params: dict[str, str]
    input_file: str | None
    file: str | None
    concurrency: int | None
    audit: str | None
    stop_file: str | None

    def words(self) -> list[str]:
        """Return what was given, but for the policy's options and the variables, as words to give again."""
        words = memory_options.again(self.audit, self.stop_file)
        for option, value in (("--file", self.file), ("--input-file", self.input_file)):
            words += [] if value is None else [option, value]
        return words if self.concurrency is None else [*words, "--concurrency", str(self.concurrency)]


async def _resume(session: Session, path: str, again: Again) -> ExitCode:
    async with session.connect() as zadig:
        async with await Journal.open(path) as journal:
            entries = _unfinished(journal, zadig.server)
            if not entries:
                return _ended(journal, zadig.server)
            origin = Origin.read(entries[-1].origin)
            options = going_on.merged(going_on.parse(origin.words), again.options)
            logs = log_options.choice(options, shown=bool(options["logs"]))
            policy, launches = _as_then(again, origin, options, entries)
            batches = {entry.batch for entry in entries}
            board = Board(
                entry.scope.workflow for entry in journal.history.runs.values() if entry.batch in batches
            )
        audit, stop_file = again.audit or origin.audit or None, again.stop_file or origin.stop_file or None
        async with memory_options.opened(path, audit, stop_file) as memory:
            words = [*going_on.words(options, "resume"), *again.words(), *session.again()]
            following = Following(session, logs.asked_of(policy), board, words, memory, logs)
            followed = await following.follow(zadig, lambda orchestrator: orchestrator.resume(launches))
    return followed.code


def _ended(journal: Journal, server: str) -> ExitCode:
    """Say that there is nothing to go on with, and return the code the last batch ended with."""
    output.say(f"{journal.name}: everything in it has come to its end.")
    entries = [entry for entry in journal.history.runs.values() if entry.scope.server == server]
    return exits.of_outcomes(
        Outcome(workflow=entry.scope.workflow, verdict=Verdict(entry.verdict))
        for entry in entries
        if entry.batch == entries[-1].batch
    )


def _unfinished(journal: Journal, server: str) -> list[RunEntry]:
    """Return the runs to go on with, oldest first.

    Raises:
        ConfigError: There are only runs of other servers.
    """
    entries = list(journal.history.open_runs(server))
    others = {entry.scope.server for entry in journal.history.runs.values() if entry.open} - {server}
    if not entries and others:
        raise ConfigError(
            f"{journal.name}: its runs are on {', '.join(sorted(others))}, and not on {server}",
            hint="Connect to that server: --url, ZADIG_URL or --profile.",
        )
    return entries


def _as_then(
    again: Again, origin: Origin, options: command_line.Given, entries: Sequence[RunEntry]
) -> tuple[RunPolicy, list[Launch]]:
    """Return policy and launches as they were then, with what was given now on top of it."""
    file = again.file or origin.file
    if origin.stdin and not again.file:
        raise ConfigError(
            "the launch file of this run, with its rules, came from standard input",
            hint="Give it again: --file FILE, or --file - and the same input.",
        )
    if not again.file and origin.file_has_changed:
        output.remark(f"{safe(origin.file)} has changed since; its rules count as they are now.")
    given = read_launch_file(file) if file else LaunchFile()
    policy = policy_options.policy(options, given.policy)
    concurrency = again.concurrency or origin.concurrency
    if concurrency is not None:
        policy = attrs.evolve(policy, concurrency=concurrency)
    needed = any(entry.state is RunState.INTENDED and entry.recipe.get("inputs") for entry in entries)
    input_file = again.input_file or (origin.input_file if needed else "")
    inputs = read_input_file(input_file) if input_file else {}
    launches = [*given.launches, *_from_flags(entries, again.params, inputs)]
    return policy, launches


def _from_flags(
    entries: Sequence[RunEntry], params: Mapping[str, str], inputs: Mapping[str, JobInput]
) -> Iterator[Launch]:
    """Yield the launches that flags may have meant; the journal's digests tell which of them did."""
    for entry in entries:
        jobs = entry.recipe.get("jobs", ())
        if not jobs and not inputs:
            continue
        yield Launch(
            entry.scope.workflow.project,
            entry.scope.workflow.workflow,
            params=params,
            jobs=ALL_JOBS if jobs == "all" else jobs,
            inputs=inputs,
            allow_bypass=entry.recipe.get("allow_bypass", ()),
        )
