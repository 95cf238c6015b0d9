"""`zadig-async tickets`: pre-approval tickets."""

import re
from datetime import datetime

import click

from zadig_async.cli import output
from zadig_async.cli.session import Session, complete, connection_options, pass_session
from zadig_async.model.ticket import Ticket, TicketService, TicketUser
from zadig_async.orchestrator.writes import finish
from zadig_async.sinks.terminal import safe

_USER = re.compile(r"(?P<name>[^<>]+?)\s*<(?P<email>[^<>@\s]+@[^<>@\s]+)>")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r}: write a time such as 2025-01-31T18:00+08:00.") from None
    if moment.tzinfo is None:
        raise click.BadParameter(f"{text!r}: a time without a zone; write 2025-01-31T18:00+08:00.")
    return moment


def _service(text: str) -> TicketService:
    service, slash, module = text.partition("/")
    if not service or (slash and not module):
        raise click.BadParameter(f"{text!r}: write SERVICE/MODULE.")
    return TicketService(service_name=service, service_module=module or service)


def _user(text: str) -> TicketUser:
    match = _USER.fullmatch(text)
    if match is None:
        raise click.BadParameter(f"{text!r}: write 'Name <name@example.com>'.")
    return TicketUser(name=match["name"], email=match["email"])


@click.group(name="tickets")
def command() -> None:
    """Create pre-approval tickets. Zadig needs a Professional licence for them."""


@command.command(name="create")
@click.argument("project")
@click.argument("approval_id")
@click.option("--env", "envs", multiple=True, help="Limit it to this environment. Repeat for more.")
@click.option(
    "--service",
    "services",
    multiple=True,
    type=_service,
    metavar="SERVICE/MODULE",
    help="Limit it to this service module. Repeat for more.",
)
@click.option(
    "--user",
    "users",
    multiple=True,
    type=_user,
    metavar="'NAME <MAIL>'",
    help="Limit it to this person. Repeat for more.",
)
@click.option(
    "--from", "start", type=_moment, metavar="TIME", help="Earliest moment, such as 2025-01-31T18:00+08:00."
)
@click.option("--until", "end", type=_moment, metavar="TIME", help="Latest moment.")
@click.option("--unusable", is_flag=True, help="Create it so that it cannot be used yet.")
@connection_options
@pass_session
def create(
    session: Session,
    *,
    project: str,
    approval_id: str,
    envs: tuple[str, ...],
    services: tuple[TicketService, ...],
    users: tuple[TicketUser, ...],
    start: datetime | None,
    end: datetime | None,
    unusable: bool,
) -> None:
    """Create the ticket APPROVAL_ID in PROJECT: the record of another system that allows runs."""
    ticket = Ticket(
        project_key=project,
        approval_id=approval_id,
        usable=not unusable,
        envs=envs,
        services=services,
        users=users,
        window_start=start,
        window_end=end,
    )

    async def work() -> None:
        async with session.connect() as zadig:
            await finish(zadig.tickets.create(ticket))
        output.remark(f"Created the ticket {safe(approval_id)!r}.")

    complete(work())
