"""`zadig-async journal`: what a journal holds, and how to settle what it cannot know."""

from typing import Final

import click

from zadig_async.cli import memory_options, output
from zadig_async.cli.render import records
from zadig_async.cli.render.columns import aligned
from zadig_async.cli.session import FILE, Session, complete, output_options, pass_session
from zadig_async.errors import ConfigError
from zadig_async.journal import drafts
from zadig_async.journal.history import UNRESOLVED, RunEntry, RunState
from zadig_async.journal.journal import Journal
from zadig_async.model.outcome import Verdict
from zadig_async.sinks.terminal import safe

_HEADER = ("RUN", "WORKFLOW", "TASK", "STATE", "ENDED AS")


@click.group(help="Show what a journal holds, and settle what it cannot know.")
def command() -> None:
    """Hold the subcommands."""


@command.command(help="List the runs of a journal, oldest first.")
@click.argument("journal", type=FILE, metavar="JOURNAL")
@click.option("--open", "only_open", is_flag=True, help="Only runs that have not come to their end.")
@output_options
@pass_session
def show(session: Session, *, journal: str, only_open: bool) -> None:
    """List runs."""
    memory_options.must_exist(journal)
    complete(_show(session, journal, only_open=only_open))


async def _show(session: Session, path: str, *, only_open: bool) -> None:
    async with await Journal.open(path) as journal:
        entries = [entry for entry in journal.history.runs.values() if entry.open or not only_open]
    if session.json:
        output.say_document([records.run_entry_record(entry) for entry in entries])
        return
    output.say_lines("  ".join(cells).rstrip() for cells in aligned([_HEADER, *map(_cells, entries)]))


def _cells(entry: RunEntry) -> tuple[str, ...]:
    task = "" if entry.task is None else f"#{entry.task}"
    if entry.duplicates:
        task += f" (and {', '.join(f'#{number}' for number in sorted(entry.duplicates))})"
    return entry.run, safe(str(entry.scope)), task, entry.state, entry.verdict


_SETTLE = """\
Say what became of a run whose trigger got no answer, after having looked in Zadig; or that a run that was
never sent is not to be sent any more.

RUN is the id that `journal show` lists, or how it begins. Until a run without an answer is settled or
resumed, its workflow is not launched again from this journal.

\b
Examples:
    zadig-async journal settle release.journal 0193... --task 57     # that task is it: resume watches it
    zadig-async journal settle release.journal 0193... --nothing     # no task came of it
"""


@command.command(help=_SETTLE)
@click.argument("journal", type=FILE, metavar="JOURNAL")
@click.argument("run")
@click.option("--task", type=click.IntRange(min=1), help="Number of the task that came of it.")
@click.option("--nothing", is_flag=True, help="No task came of it, and none will.")
@output_options
@pass_session
def settle(session: Session, *, journal: str, run: str, task: int | None, nothing: bool) -> None:
    """Settle a run."""
    if (task is None) is not nothing:
        raise click.UsageError("Say what became of it: --task NUMBER, or --nothing.")
    memory_options.must_exist(journal)
    complete(_settle(session, journal, run, task))


async def _settle(session: Session, path: str, run: str, task: int | None) -> None:
    async with await Journal.open(path) as journal:
        entry = _meant(journal, run)
        await journal.hold([entry.scope])
        if entry.state not in _TO_SETTLE:
            raise _settled_meanwhile(run)
        draft = (
            drafts.settled(entry.run, Verdict.REFUSED)
            if task is None
            else drafts.adopted(entry.run, task, sure=False)
        )
        await journal.write(entry.scope, draft)
    if session.json:
        output.say_document(records.run_entry_record(entry))
    elif task is None:
        output.say(f"{safe(str(entry.scope))}: run {run} has come to nothing.")
    else:
        output.say(
            f"{safe(str(entry.scope))}: run {run} is #{task}. Watch it: zadig-async resume {safe(path)}"
        )


_TO_SETTLE: Final = UNRESOLVED | {RunState.INTENDED}


def _meant(journal: Journal, run: str) -> RunEntry:
    """Return the run meant by an id or the beginning of one.

    Raises:
        ConfigError: There is none, or several, or what became of it is known.
    """
    found = [entry for entry in journal.history.runs.values() if entry.run.startswith(run)]
    if len(found) != 1:
        count = "no run" if not found else f"{len(found)} runs"
        raise ConfigError(
            f"{journal.name}: {count} begin with {run!r}", hint="zadig-async journal show lists them."
        )
    if found[0].state not in _TO_SETTLE:
        raise _settled_meanwhile(run)
    return found[0]


def _settled_meanwhile(run: str) -> ConfigError:
    return ConfigError(f"run {run}: what became of it is known; there is nothing to settle")
