"""Pre-approval tickets: a change record of another system that allows runs."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs

from zadig_async.errors import ConfigError


@attrs.frozen(kw_only=True)
class TicketService:
    """A service module the ticket is limited to."""

    service_name: str
    service_module: str


@attrs.frozen(kw_only=True)
class TicketUser:
    """A person the ticket is limited to.

    Attributes:
        name: Name to show.
        email: E-mail by which Zadig finds its own user.
    """

    name: str
    email: str


def _several(value: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(value, str):
        raise ConfigError(
            "Ticket: expected a list, got str", hint="Put it in a list, even if it is only one."
        )
    return tuple(value)


def _aware(_: object, attribute: "attrs.Attribute[datetime | None]", value: datetime | None) -> None:
    if value is not None and value.tzinfo is None:
        raise ConfigError(
            f"Ticket.{attribute.name}: a time without a zone",
            hint="Give it one, such as datetime.now(timezone.utc).",
        )


@attrs.frozen(kw_only=True)
class Ticket:
    """A pre-approval ticket to create. Needs the Professional licence on the server.

    Attributes:
        project_key: Project key; the project must exist.
        approval_id: Number of the ticket in the other system; unique.
        usable: Whether it can be used at once.
        envs: Environments it is limited to; none means all.
        services: Service modules it is limited to; none means all.
        users: People it is limited to; none means all.
        window_start: Earliest moment it can be used, or None.
        window_end: Latest moment it can be used, or None.
    """

    project_key: str
    approval_id: str
    usable: bool = True
    envs: tuple[str, ...] = attrs.field(default=(), converter=_several)
    services: tuple[TicketService, ...] = attrs.field(default=(), converter=_several)
    users: tuple[TicketUser, ...] = attrs.field(default=(), converter=_several)
    window_start: datetime | None = attrs.field(default=None, validator=_aware)
    window_end: datetime | None = attrs.field(default=None, validator=_aware)
