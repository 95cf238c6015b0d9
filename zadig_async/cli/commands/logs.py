"""`zadig-async logs`: the logs of a task's jobs, archived or live."""

import asyncio
import difflib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import click

from zadig_async.cli import output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.reading import known_task
from zadig_async.cli.render import records, words
from zadig_async.cli.session import Session, complete, connection_options, pass_session
from zadig_async.cli.signals import Ladder
from zadig_async.client.client import ZadigClient
from zadig_async.errors import ConfigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.task import JobRun, Task
from zadig_async.orchestrator import events
from zadig_async.orchestrator.orchestrator import Orchestrator
from zadig_async.orchestrator.policy import RunPolicy
from zadig_async.orchestrator.tracker import LIVE_LOG_STATUSES, LIVE_LOG_TYPES
from zadig_async.sinks.terminal import safe, safe_line
from zadig_async.wire.loglines import log_archive_lines

_FIRST_LINE = 10.0
"""Seconds to wait for the first line of a running job: Zadig answers nothing before there is one."""

_SILENCE = 2.0
"""Seconds without a line after which what a running job has written so far is taken to be printed."""

_HELP = """\
Print the logs of a task's jobs, one job after another.

Of a job that has ended the archived log is printed, of a running one what it has written so far. With
--follow the logs of all jobs are printed as they come, until the task ends.

\b
Examples:
    zadig-async logs 'shop/deploy-api#56'
    zadig-async logs 'shop/deploy-api#56' --job build
    zadig-async logs 'shop/deploy-api#56' --follow
"""


@click.command(help=_HELP)
@click.argument("ref")
@click.option("--job", "names", multiple=True, metavar="NAME", help="Only this job. Repeat for more.")
@click.option("--follow", is_flag=True, help="Go on until the task ends.")
@connection_options
@pass_session
def command(session: Session, *, ref: str, names: tuple[str, ...], follow: bool) -> int:
    """Print logs."""
    return complete(_logs(session, TaskRef.parse(ref), names, follow=follow))


async def _logs(session: Session, ref: TaskRef, names: Sequence[str], *, follow: bool) -> ExitCode:
    async with session.connect() as zadig:
        task = await known_task(zadig, ref)
        jobs = _chosen(task, names, ref)
        printer = _Printer(session, labelled=len(jobs) > 1)
        if follow and not task.status.final:
            return await _follow(zadig, ref, jobs, printer)
        for job in jobs:
            await _print(zadig, ref, job, printer.event)
    return printer.code


def _chosen(task: Task, names: Sequence[str], ref: TaskRef) -> list[JobRun]:
    """Return the jobs meant, by configured name or job task name; without names every job with a log.

    Raises:
        ConfigError: There is no such job.
    """
    jobs = list(task.jobs())
    if not names:
        return [job for job in jobs if job.type in LIVE_LOG_TYPES]
    chosen = []
    for name in names:
        meant = [job for job in jobs if name in {job.name, job.origin_name, job.key, job.display_name}]
        if not meant:
            known = list(dict.fromkeys(job.origin_name or job.name for job in jobs))
            close = difflib.get_close_matches(name, known, n=1)
            raise ConfigError(
                f"{ref}: there is no job {name!r}",
                hint=f"Did you mean {safe(close[0])!r}?"
                if close
                else f"There are: {', '.join(safe(job) for job in known)}.",
            )
        chosen += [job for job in meant if job not in chosen]
    return chosen


class _Printer:
    """Prints lines of logs as text or JSON; remembers whether any are known to be missing."""

    def __init__(self, session: Session, *, labelled: bool) -> None:
        self._json = session.json
        self._labelled = labelled
        self.code = ExitCode.SUCCEEDED

    def event(self, event: events.Event) -> None:
        """Print the event if it is about a log."""
        if isinstance(event, events.LogClosed) and event.complete is False:
            self.code = ExitCode.TRY_LATER
            output.remark(words.event_words(event) or "")
        if self._json:
            if isinstance(event, events.LogLines | events.LogClosed):
                output.say_record(records.event_record(event, datetime.now(UTC)))
        elif isinstance(event, events.LogLines):
            label = f"{words.job_word(event.job)} | " if self._labelled else ""
            for line in event.lines:
                output.say(f"{label}{safe_line(line.text)}{' (cut)' if line.truncated else ''}")


async def _print(zadig: ZadigClient, ref: TaskRef, job: JobRun, emit: Callable[[events.Event], None]) -> None:
    if job.type not in LIVE_LOG_TYPES:
        output.remark(f"{words.job_word(job.name)}: a job of type {safe(job.type)} has no log of its own.")
    elif job.status in LIVE_LOG_STATUSES:
        await _snapshot(zadig, ref, job.name, emit)
    elif not job.status.final:
        output.remark(f"{words.job_word(job.name)}: it is {safe(job.status) or 'not started'}.")
    else:
        lines = log_archive_lines(await zadig.logs.fetch(ref, job.name))
        if lines:
            emit(events.LogLines(workflow=ref.of, ref=ref, job=job.name, lines=tuple(lines)))
        else:
            output.remark(
                f"{words.job_word(job.name)}: Zadig has no archived log. It comes a few seconds after the "
                "job's end, and goes when it expires."
            )


async def _snapshot(zadig: ZadigClient, ref: TaskRef, job: str, emit: Callable[[events.Event], None]) -> None:
    """Print what a running job has written, until it is silent for a moment."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_FIRST_LINE) as patience, zadig.logs.open(ref, job) as stream:
            async for batch in stream:
                emit(events.LogLines(workflow=ref.of, ref=ref, job=job, lines=tuple(batch)))
                patience.reschedule(loop.time() + _SILENCE)
    except TimeoutError:
        output.remark(f"{words.job_word(job)}: still running; --follow goes on.")


async def _follow(zadig: ZadigClient, ref: TaskRef, jobs: Sequence[JobRun], printer: _Printer) -> ExitCode:
    """Print the logs as they come, until the task ends or the last of the jobs' logs does."""
    wanted = {job.name for job in jobs}
    waiting = set(wanted)
    stopped = False

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.LogLines | events.LogClosed) and event.job in wanted:
            printer.event(event)
            if isinstance(event, events.LogClosed):
                waiting.discard(event.job)
                if not waiting:
                    orchestrator.detach()
        elif isinstance(event, events.PollFailed | events.PollRecovered):
            output.remark(words.event_words(event) or "")

    def stop() -> None:
        nonlocal stopped
        stopped = True
        orchestrator.detach()

    orchestrator = Orchestrator(zadig, RunPolicy(follow_logs=True), on_event=on_event)
    with Ladder(stop, lambda: (f"The task {ref} goes on.", ExitCode.DETACHED)) as ladder:
        try:
            async with orchestrator:
                await orchestrator.attach(ref).wait()
        except asyncio.CancelledError:
            if ladder.count < 2:
                raise
    if stopped:
        output.remark(f"Stopped. The task {ref} goes on.")
        return ExitCode.DETACHED
    return printer.code
