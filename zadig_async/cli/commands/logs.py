"""`zadig-async logs`: the logs of the jobs of tasks, archived or live."""

import asyncio
import difflib
from collections.abc import Sequence

import attrs
import click

from zadig_async.cli import given as command_line
from zadig_async.cli import log_options
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.log_desk import LogDesk
from zadig_async.cli.log_options import LogChoice
from zadig_async.cli.log_reading import LogReading
from zadig_async.cli.reading import known_task
from zadig_async.cli.render import words
from zadig_async.cli.render.renderer import json_lines, terminal_lines
from zadig_async.cli.screen import Screen
from zadig_async.cli.session import Session, coloured, complete, connection_options, pass_session
from zadig_async.cli.signals import Ladder
from zadig_async.client.client import ZadigClient
from zadig_async.errors import ConfigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.model.task import JobRun, Task
from zadig_async.orchestrator import events
from zadig_async.orchestrator.orchestrator import Orchestrator
from zadig_async.orchestrator.policy import LogPolicy, RunPolicy
from zadig_async.orchestrator.tracker import LIVE_LOG_TYPES, may_have_log
from zadig_async.sinks.lines import Labels
from zadig_async.sinks.terminal import safe

_HELP = """\
Print the logs of the jobs of tasks, one job after another.

Of a job that has ended the archived log is printed, of a running one what it has written so far. With
--follow the logs of all running tasks are printed as they come, until each has ended.

\b
Examples:
    zadig-async logs 'shop/deploy-api#56'
    zadig-async logs 'shop/deploy-api#56' --job build --tail 200
    zadig-async logs 'shop/deploy-api#56' 'shop/deploy-web#12' --follow --timestamps
    zadig-async logs 'shop/deploy-api#56' --follow --grep 'error|panic' --log-dir logs
"""


@click.command(help=_HELP)
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@click.option("--follow", is_flag=True, help="Go on until every task has ended.")
@click.option("--all-jobs", is_flag=True, help="Also name the jobs that have no log of their own.")
@log_options.log_options
@connection_options
@pass_session
@click.pass_context
def command(
    ctx: click.Context, session: Session, *, refs: tuple[str, ...], follow: bool, all_jobs: bool
) -> int:
    """Print logs."""
    tasks = [TaskRef.parse(text) for text in dict.fromkeys(refs)]
    choice = log_options.choice(command_line.given(ctx), shown=True)
    return complete(_logs(session, tasks, choice, follow=follow, all_jobs=all_jobs))


@attrs.frozen(eq=False)
class _Meant:
    """A task, and those of its jobs whose logs are meant."""

    ref: TaskRef
    task: Task
    jobs: Sequence[JobRun]


async def _logs(
    session: Session, refs: Sequence[TaskRef], choice: LogChoice, *, follow: bool, all_jobs: bool
) -> ExitCode:
    async with session.connect() as zadig:
        found = [(ref, await known_task(zadig, ref)) for ref in refs]
        meant = _meant(found, choice.policy.jobs, all_jobs=all_jobs)
        async with Screen() as screen:
            printer = _Printer(session, screen, choice, meant, named=all_jobs or bool(choice.policy.jobs))
            async with LogDesk.opened(choice, printer.show, screen.remark) as desk:
                code = await _printed(zadig, meant, choice.policy, printer, desk, follow=follow)
            if code is ExitCode.DETACHED or printer.unread:  # told to stop: of course it is not complete
                return code
            if desk.incomplete:
                await printer.note(f"Lines are or may be missing: {', '.join(desk.incomplete)}.")
    return ExitCode.TRY_LATER if desk.incomplete or desk.failed else code


async def _printed(
    zadig: ZadigClient,
    meant: Sequence[_Meant],
    policy: LogPolicy,
    printer: "_Printer",
    desk: LogDesk,
    *,
    follow: bool,
) -> ExitCode:
    """Print what there is of each log, and what comes where that is asked for."""
    running = [each for each in meant if follow and not each.task.status.final]
    reading = LogReading(zadig=zadig, take=desk, tail=policy.tail, remark=printer.remark)
    for each in meant:
        if each not in running:
            for job in each.jobs:
                await reading.read(each.ref, each.task, job)
    return await _follow(zadig, running, policy, printer, desk) if running else ExitCode.SUCCEEDED


def _meant(found: Sequence[tuple[TaskRef, Task]], names: Sequence[str], *, all_jobs: bool) -> list[_Meant]:
    """Return the jobs meant, by any of their names; without names every job with a log.

    Raises:
        ConfigError: No task has such a job.
    """
    jobs = {ref: list(task.jobs()) for ref, task in found}
    for name in names:
        if not any(_is_called(job, name) for each in jobs.values() for job in each):
            raise _no_such_job(name, jobs)
    return [
        _Meant(
            ref,
            task,
            [
                job
                for job in jobs[ref]
                if any(_is_called(job, name) for name in names)
                or (not names and (all_jobs or may_have_log(job.type)))
            ],
        )
        for ref, task in found
    ]


def _is_called(job: JobRun, name: str) -> bool:
    return name in {job.name, job.origin_name, job.key, job.display_name}


def _no_such_job(name: str, jobs: dict[TaskRef, list[JobRun]]) -> ConfigError:
    known = list(dict.fromkeys(job.origin_name or job.name for each in jobs.values() for job in each))
    close = difflib.get_close_matches(name, known, n=1)
    return ConfigError(
        f"{', '.join(str(ref) for ref in jobs)}: there is no job {name!r}",
        hint=f"Did you mean {safe(close[0])!r}?"
        if close
        else f"There are: {', '.join(safe(job) for job in known)}.",
    )


class _Printer:
    """Prints events of logs as text or JSON, and remarks about them."""

    def __init__(
        self, session: Session, screen: Screen, choice: LogChoice, meant: Sequence[_Meant], *, named: bool
    ) -> None:
        """Prepare.

        Args:
            session: The command line.
            screen: Where to print.
            choice: How.
            meant: The logs.
            named: Whether jobs are named that are of a type without logs.
        """
        several = sum(len(each.jobs) for each in meant) > 1
        labels = Labels([each.ref.of for each in meant])
        self._screen = screen
        self._named = named
        self._only_printed = choice.directory is None
        self._json = session.json
        self._several_tasks = len(meant) > 1
        self._show = (
            json_lines(choice, screen.write)
            if session.json
            else terminal_lines(choice, screen.write, labels if several else None, coloured=coloured())
        )

    @property
    def unread(self) -> bool:
        """Whether nobody reads what is printed any more, and nothing is kept either."""
        return self._only_printed and self._screen.unread

    async def show(self, event: events.LogEvent) -> None:
        """Print an event.

        Raises:
            BrokenPipeError: Nobody reads what is printed any more, and nothing is kept either.
        """
        if self.unread:
            raise BrokenPipeError
        if not isinstance(event, events.LogUnavailable):
            await self._show(event)
        elif self._named or event.type in LIVE_LOG_TYPES:
            await (self._show(event) if self._json else self.remark(event, event.reason))

    async def remark(self, event: events.LogEvent, text: str) -> None:
        """Say something about a job to the person watching."""
        task = f"{safe(str(event.ref))} " if self._several_tasks else ""
        await self.note(f"{task}{words.job_word(event.job)}: {safe(text)}")

    def say(self, event: events.Event) -> None:
        """Say what happened to a task."""
        task = f"{safe(str(event.ref))}: " if self._several_tasks else ""
        self._screen.remark(f"{task}{words.event_words(event)}")

    async def note(self, text: str) -> None:
        """Say something of our own, after what was printed before."""
        await self._screen.in_order()
        self._screen.remark(text)


async def _follow(
    zadig: ZadigClient, running: Sequence[_Meant], policy: LogPolicy, printer: _Printer, desk: LogDesk
) -> ExitCode:
    """Print the logs as they come, until each task has ended, or each log that was asked for by name."""
    going_on = {(each.ref, job.name) for each in running for job in each.jobs if not job.status.final}
    refs = ", ".join(safe(str(each.ref)) for each in running)
    stopped = False

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.PollFailed | events.PollRecovered):
            printer.say(event)
        elif isinstance(event, events.JobChanged) and event.ref is not None and event.after.final:
            going_on.discard((event.ref, event.job))

    async def on_log(event: events.LogEvent) -> None:
        try:
            await desk(event)
        except BrokenPipeError:
            orchestrator.detach()
        if policy.jobs and isinstance(event, events.LogClosed) and not going_on and not desk.open:
            orchestrator.detach()

    def stop() -> None:
        nonlocal stopped
        stopped = True
        orchestrator.detach()

    # By the names the tasks themselves have for these jobs: a policy knows fewer than a task does.
    jobs = tuple({job.name for each in running for job in each.jobs}) if policy.jobs else ()
    logs = attrs.evolve(policy, jobs=jobs)
    orchestrator = Orchestrator(
        zadig, RunPolicy(follow_logs=True, logs=logs), on_event=on_event, on_log=on_log
    )
    outcomes: Sequence[Outcome] = ()
    with Ladder(stop, lambda: (f"Going on without us: {refs}", ExitCode.DETACHED)) as ladder:
        try:
            async with orchestrator:
                runs = [orchestrator.attach(each.ref) for each in running]
                outcomes = await asyncio.gather(*(run.wait() for run in runs))
                await desk.all_closed()
        except asyncio.CancelledError:
            if ladder.count < 2:
                raise
    if stopped:
        await printer.note(f"Stopped. Going on without us: {refs}")
        return ExitCode.DETACHED
    lost = [outcome for outcome in outcomes if outcome.verdict is Verdict.LOST]
    for outcome in lost:
        await printer.note(f"{words.ref_words(outcome)}: {words.outcome_words(outcome)}")
    return ExitCode.TRY_LATER if lost else ExitCode.SUCCEEDED
