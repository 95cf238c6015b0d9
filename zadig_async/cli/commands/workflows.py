"""`zadig-async workflows`: workflows as they are configured."""

from collections.abc import Mapping
from typing import Any

import click

from zadig_async.cli import output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.render import records
from zadig_async.cli.render.columns import GAP, aligned, table
from zadig_async.cli.render.words import clock_words
from zadig_async.cli.session import (
    FILE,
    Session,
    complete,
    confirm,
    connection_options,
    declined,
    pass_session,
)
from zadig_async.cli.yamlfile import read_yaml
from zadig_async.errors import ConfigError
from zadig_async.model.ids import WorkflowRef
from zadig_async.model.inputs import SELECTABLE
from zadig_async.model.workflow import Workflow
from zadig_async.orchestrator.writes import finish
from zadig_async.sinks.terminal import safe


@click.group(name="workflows")
def command() -> None:
    """List, read, create, update and delete workflows."""


@command.command(name="list")
@click.argument("project")
@click.option("--view", help="Only those in this view. For an unknown view Zadig returns them all.")
@connection_options
@pass_session
def list_(session: Session, *, project: str, view: str | None) -> None:
    """List the workflows of PROJECT, by its key."""

    async def work() -> None:
        async with session.connect() as zadig:
            found = await zadig.workflows.list(project, view)
        if session.json:
            output.say_document([records.workflow_summary_record(item) for item in found])
            return
        output.say_lines(
            table(
                ("KEY", "TYPE", "CHANGED", "BY", "NAME"),
                [
                    (
                        safe(item.workflow_key),
                        safe(item.type),
                        clock_words(item.updated_at),
                        safe(item.updated_by),
                        safe(item.workflow_name),
                    )
                    for item in found
                ],
            )
        )
        if not found:
            output.remark(
                f"None. Zadig says the same of a project that does not exist: is {project!r} its key?"
            )

    complete(work())


@command.command(name="get")
@click.argument("workflow", metavar="PROJECT/WORKFLOW")
@connection_options
@pass_session
def get(session: Session, *, workflow: str) -> None:
    """Show a workflow's stages, jobs and variables: the names that `run` takes."""
    ref = WorkflowRef.parse(workflow)

    async def work() -> None:
        async with session.connect() as zadig:
            found = await zadig.workflows.get(ref.project, ref.workflow)
        if session.json:
            output.say_document(records.workflow_record(found, sorted(SELECTABLE)))
        else:
            _show(ref, found)

    complete(work())


def _show(ref: WorkflowRef, found: Workflow) -> None:
    output.say(f"{ref}  {safe(found.workflow_name)}")
    if found.description:
        output.say(f"  {safe(found.description)}")
    limit = "no limit" if found.concurrency_limit < 0 else str(found.concurrency_limit)
    output.say(f"  tasks at once: {limit}")
    jobs = [
        (
            f"  {safe(stage.name)}",
            safe(job.name),
            safe(job.type),
            safe(job.run_policy) if job.type in SELECTABLE else "cannot be run through the API",
        )
        for stage in found.stages
        for job in stage.jobs
    ]
    output.say("Jobs by stage:")
    output.say_lines(GAP.join(cells).rstrip() for cells in aligned(jobs))
    if found.params:
        output.say("Variables:")
        output.say_lines(
            GAP.join(cells).rstrip()
            for cells in aligned(
                [
                    (f"  {safe(param.name)}", safe(param.type), safe(param.value), safe(param.description))
                    for param in found.params
                ]
            )
        )


@command.command(name="create")
@click.argument("file", type=FILE)
@click.option("--view", help="Put it into this view; Zadig ignores a view that is missing.")
@connection_options
@pass_session
def create(session: Session, *, file: str, view: str | None) -> None:
    """Create a workflow from FILE (- for standard input).

    FILE holds the whole definition in Zadig's own format, as the YAML editor of Zadig shows it.
    """
    definition = _definition(file)

    async def work() -> None:
        async with session.connect() as zadig:
            await finish(zadig.workflows.create(definition, view))
        output.remark(f"Created {safe(definition['project'])}/{safe(definition['name'])}.")

    complete(work())


@command.command(name="update")
@click.argument("workflow", metavar="PROJECT/WORKFLOW")
@click.argument("file", type=FILE)
@click.option("--yes", is_flag=True, help="Do not ask before a workflow is renamed.")
@connection_options
@pass_session
def update(session: Session, *, workflow: str, file: str, yes: bool) -> int:
    """Replace the definition of PROJECT/WORKFLOW by FILE; what FILE leaves out becomes empty."""
    ref = WorkflowRef.parse(workflow)
    definition = _definition(file)
    if definition["project"] != ref.project:
        raise ConfigError(f"{file}: its project is {definition['project']!r}, not {ref.project!r}")
    name = definition["name"]
    if name != ref.workflow and not confirm(f"Rename {ref} to {safe(name)}?", yes=yes):
        return declined()

    async def work() -> None:
        async with session.connect() as zadig:
            await finish(zadig.workflows.update(ref.workflow, definition))
        output.remark(f"Updated {ref}.")

    complete(work())
    return ExitCode.SUCCEEDED


def _definition(file: str) -> Mapping[str, Any]:
    document = read_yaml(file)
    definition = document.value
    if not isinstance(definition, dict):
        raise ConfigError(f"{document.file}: expected a workflow definition, a mapping of keys to values")
    for key in ("name", "project"):
        if not isinstance(definition.get(key), str) or not definition[key]:
            raise ConfigError(f"{document.file}: {key!r} is missing or no text")
    if "concurrency_limit" not in definition:
        raise ConfigError(
            f"{document.file}: 'concurrency_limit' is missing; Zadig takes that for 0, and no task starts",
            hint="Write concurrency_limit: -1 for no limit, or a number.",
        )
    return definition


@command.command(name="delete")
@click.argument("workflow", metavar="PROJECT/WORKFLOW")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@pass_session
def delete(session: Session, *, workflow: str, yes: bool) -> int:
    """Delete a workflow with its task list; its running tasks go on."""
    ref = WorkflowRef.parse(workflow)

    async def work() -> int:
        async with session.connect() as zadig:
            found = await zadig.workflows.get(ref.project, ref.workflow)
            listed = await zadig.workflows.list(ref.project)
            if ref.workflow not in {item.workflow_key for item in listed}:
                raise ConfigError(
                    f"{ref}: the workflow is not in this project",
                    hint="Zadig would delete it all the same; name its own project.",
                )
            question = f"Delete {ref} ({safe(found.workflow_name)}) and the list of its tasks for ever?"
            if not confirm(question, yes=yes):
                return declined()
            await finish(zadig.workflows.delete(ref.project, ref.workflow))
        output.remark(f"Deleted {ref}.")
        return ExitCode.SUCCEEDED

    return complete(work())
