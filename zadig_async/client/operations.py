"""Verbs on the operation log."""

from typing import Final

import attrs

from zadig_async.model.operation import OperationPage
from zadig_async.transport.retry import Sender
from zadig_async.wire import endpoints

PAGE_SIZE: Final = 50
"""Entries per page: the server's own default."""


@attrs.frozen
class Operations:
    """Zadig's operation log: every trigger with its whole body, noted before the server acts on it.

    Only system administrators may read it. It is evidence, not proof: the server goes on even if it could
    not write an entry (Zadig v4.1.0 pkg/shared/handler/base.go:308).
    """

    _sender: Sender

    async def page(self, username: str, number: int = 1, size: int = PAGE_SIZE) -> OperationPage:
        """Read one page of what one user asked for, newest first.

        Entries of one second come in any order, and new ones move the pages.

        Args:
            username: Display name of the user, exactly.
            number: Page number from 1.
            size: Entries per page from 1; the server sets no upper bound.

        Raises:
            ConfigError: The name is empty or no text.
            ForbiddenError: The account is no system administrator.
            TransportError: No usable answer arrived.
            DecodeError: The answer cannot be read.
        """
        return await self._sender.send(endpoints.list_operations(username, number, size))
