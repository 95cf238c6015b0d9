"""`zadig-async views`: named groups of a project's workflows."""

import click

from zadig_async.cli import output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.render import records
from zadig_async.cli.render.columns import table
from zadig_async.cli.render.words import clock_words
from zadig_async.cli.session import Session, complete, confirm, connection_options, declined, pass_session
from zadig_async.orchestrator.writes import finish
from zadig_async.sinks.terminal import safe


@click.group(name="views")
def command() -> None:
    """List, create, update and delete views."""


@command.command(name="list")
@click.argument("project")
@connection_options
@pass_session
def list_(session: Session, *, project: str) -> None:
    """List the views of PROJECT with the workflows in them."""

    async def work() -> None:
        async with session.connect() as zadig:
            found = await zadig.views.list(project)
        if session.json:
            output.say_document([records.view_record(view) for view in found])
            return
        rows = [
            (
                safe(view.name),
                clock_words(view.updated_at),
                safe(view.updated_by),
                ", ".join(safe(workflow.workflow_key) for workflow in view.workflows),
            )
            for view in found
        ]
        output.say_lines(table(("VIEW", "CHANGED", "BY", "WORKFLOWS"), rows))

    complete(work())


@command.command(name="create")
@click.argument("project")
@click.argument("name")
@click.argument("workflows", nargs=-1, required=True, metavar="WORKFLOW...")
@connection_options
@pass_session
def create(session: Session, *, project: str, name: str, workflows: tuple[str, ...]) -> None:
    """Create the view NAME in PROJECT with these workflows, by their keys."""

    async def work() -> None:
        async with session.connect() as zadig:
            await finish(zadig.views.create(project, name, workflows))
        output.remark(f"Created the view {safe(name)!r}.")

    complete(work())


@command.command(name="update")
@click.argument("project")
@click.argument("name")
@click.option("--add", multiple=True, metavar="WORKFLOW", help="Put this workflow into it. Repeat for more.")
@click.option("--remove", multiple=True, metavar="WORKFLOW", help="Take this workflow out. Repeat for more.")
@connection_options
@pass_session
def update(
    session: Session, *, project: str, name: str, add: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    """Put workflows into a view or take them out; the others stay as they are."""
    if not add and not remove:
        raise click.UsageError("Nothing to change: give --add or --remove.")
    both = sorted(set(add) & set(remove))
    if both:
        raise click.UsageError(f"{both[0]} is both added and removed.")
    enabled = dict.fromkeys(add, True) | dict.fromkeys(remove, False)

    async def work() -> None:
        async with session.connect() as zadig:
            await finish(zadig.views.update(project, name, enabled=enabled))
        output.remark(f"Updated the view {safe(name)!r}.")

    complete(work())


@command.command(name="delete")
@click.argument("project")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@pass_session
def delete(session: Session, *, project: str, name: str, yes: bool) -> int:
    """Delete a view; its workflows stay."""
    if not confirm(f"Delete the view {safe(name)!r} of {safe(project)}?", yes=yes):
        return declined()

    async def work() -> None:
        async with session.connect() as zadig:
            await finish(zadig.views.delete(project, name))
        output.remark(f"Deleted the view {safe(name)!r}.")

    complete(work())
    return ExitCode.SUCCEEDED
