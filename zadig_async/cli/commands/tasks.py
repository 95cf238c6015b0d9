"""`zadig-async tasks`: runs of workflows."""

import asyncio

import click

from zadig_async.cli import output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.reading import known_task, known_tasks
from zadig_async.cli.render import records, words
from zadig_async.cli.render.columns import GAP, aligned, table
from zadig_async.cli.render.words import clock_words
from zadig_async.cli.session import Session, complete, confirm, connection_options, declined, pass_session
from zadig_async.errors import ConfigError
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.task import Task, TaskSummary
from zadig_async.orchestrator.writes import finish
from zadig_async.sinks.terminal import safe, safe_block

_READ_BACKS = 5


@click.group(name="tasks")
def command() -> None:
    """List, read, cancel and retry tasks. REF is PROJECT/WORKFLOW#NUMBER."""


@command.command(name="list")
@click.argument("workflow", metavar="PROJECT/WORKFLOW")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@connection_options
@pass_session
def list_(session: Session, *, workflow: str, limit: int) -> None:
    """List the tasks of a workflow, newest first."""
    ref = WorkflowRef.parse(workflow)

    async def work() -> list[TaskSummary]:
        found: list[TaskSummary] = []
        async with session.connect() as zadig:
            async for task in zadig.tasks.list(ref.project, ref.workflow, size=min(limit, 50)):
                found.append(task)
                if len(found) == limit:
                    break
        return found

    found = complete(work())
    if session.json:
        output.say_document([records.task_summary_record(task, ref.project) for task in found])
        return
    rows = [
        (
            f"{ref}#{task.task_id}",
            safe(task.status),
            clock_words(task.created_at),
            clock_words(task.ended_at),
            safe(task.creator),
        )
        for task in found
    ]
    output.say_lines(table(("TASK", "STATUS", "MADE", "ENDED", "BY"), rows))
    if not found:
        output.remark("None. Zadig says the same of a workflow that is not in this project.")


@command.command(name="get")
@click.argument("ref")
@connection_options
@pass_session
def get(session: Session, *, ref: str) -> None:
    """Show a task: its jobs, errors, variables and open gates."""
    wanted = TaskRef.parse(ref)

    async def work() -> Task:
        async with session.connect() as zadig:
            return await known_task(zadig, wanted)

    task = complete(work())
    if session.json:
        output.say_document(records.task_record(task))
    else:
        _show(wanted, task)


def _show(ref: TaskRef, task: Task) -> None:
    output.say(f"{ref}  {safe(task.status)}  {safe(task.workflow_name)}")
    output.say(f"  made {clock_words(task.created_at)} by {safe(task.creator)}")
    if task.started_at is not None:
        ended = f", ended {clock_words(task.ended_at)}" if task.status.final else ""
        output.say(f"  started {clock_words(task.started_at)}{ended}")
    if task.remark:
        output.say(f"  remark: {safe(task.remark)}")
    for line in safe_block(task.error):
        output.say(f"  error: {line}")
    for param in task.params:
        output.say(f"  {safe(param.name)} = {safe(param.value)}")
    rows = [
        (
            f"  {safe(stage.name)}",
            words.job_word(job.name),
            safe(job.status) or "not started",
            clock_words(job.ended_at),
            safe(job.error),
        )
        for stage in task.stages
        for job in stage.jobs
    ]
    output.say_lines(GAP.join(cells).rstrip() for cells in aligned(rows))
    for gate in task.gates:
        output.say(f"  waits at gate {words.gate_words(gate)}")


@command.command(name="cancel")
@click.argument("ref")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@pass_session
def cancel(session: Session, *, ref: str, yes: bool) -> int:
    """Cancel a task that has not ended."""
    wanted = TaskRef.parse(ref)

    async def work() -> int:
        async with session.connect() as zadig:
            (seen,) = await known_tasks(zadig, [wanted])
            if seen.status.final:
                raise ConfigError(
                    f"{wanted}: it has ended as {safe(seen.status)!r}; nothing was sent",
                    hint="A cancel now would only overwrite how it ended.",
                )
            if not confirm(f"Cancel {wanted}, which is {safe(seen.status)!r}?", yes=yes):
                return declined()
            await finish(zadig.tasks.cancel(wanted))
            for _ in range(_READ_BACKS):
                seen = await zadig.tasks.status(wanted)
                if seen.status.final:
                    break
                await asyncio.sleep(1)
        output.remark(f"Zadig took the cancellation; {wanted} is now {safe(seen.status)!r}.")
        return ExitCode.SUCCEEDED

    return complete(work())


@command.command(name="retry")
@click.argument("ref")
@connection_options
@pass_session
def retry(session: Session, *, ref: str) -> None:
    """Run a failed, cancelled, rejected or timed-out task again, under the same number.

    Jobs that passed are kept; a rejected gate is asked again.
    """
    wanted = TaskRef.parse(ref)

    async def work() -> None:
        async with session.connect() as zadig:
            await known_tasks(zadig, [wanted])
            await finish(zadig.tasks.retry(wanted))
        output.remark(f"Retried. To watch it: zadig-async watch {words.shell_word(wanted)}")

    complete(work())


@command.command(name="remark")
@click.argument("ref")
@click.argument("text")
@connection_options
@pass_session
def remark(session: Session, *, ref: str, text: str) -> None:
    """Write the remark of a task that has ended."""
    wanted = TaskRef.parse(ref)

    async def work() -> None:
        async with session.connect() as zadig:
            (seen,) = await known_tasks(zadig, [wanted])
            if not seen.status.final:
                raise ConfigError(
                    f"{wanted}: it is {safe(seen.status)!r}; nothing was sent",
                    hint="Wait for its end: a remark on a running task can undo what Zadig writes meanwhile.",
                )
            await finish(zadig.tasks.remark(wanted, text))
        output.remark(f"Wrote the remark of {wanted}.")

    complete(work())
