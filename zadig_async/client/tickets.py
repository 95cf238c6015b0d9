"""Verbs on pre-approval tickets."""

import attrs

from zadig_async.model.ticket import Ticket
from zadig_async.transport.retry import Sender
from zadig_async.wire import endpoints


@attrs.frozen
class Tickets:
    """Change records of another system that allow runs."""

    _sender: Sender

    async def create(self, ticket: Ticket) -> None:
        """Create a pre-approval ticket. The server returns no id.

        Workflows that demand a ticket cannot be triggered through this API at all; the ticket is for
        people in Zadig (Zadig v4.1.0 workflow/service/workflow/openapi.go:47).

        Raises:
            RejectedError: Unknown project, number taken, or no Professional licence on the server.
            TransportError: No usable answer arrived; `OutcomeUnknownError` where it may exist now.
        """
        await self._sender.send(endpoints.create_ticket(ticket))
