"""Verbs on image registries."""

import attrs

from zadig_async.model.workflow import Registry
from zadig_async.transport.retry import Sender
from zadig_async.wire import endpoints


@attrs.frozen
class Registries:
    """Image registries Zadig knows."""

    _sender: Sender

    async def list(self) -> tuple[Registry, ...]:
        """List them all. A build input must name its registry exactly as `Registry.name` does.

        Raises:
            TransportError: No usable answer arrived.
            ApiError: Zadig said no.
        """
        return await self._sender.send(endpoints.list_registries())
