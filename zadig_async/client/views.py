"""Verbs on views."""

from collections.abc import Mapping, Sequence

import attrs

from zadig_async.model.view import View
from zadig_async.transport.retry import Sender
from zadig_async.wire import endpoints


@attrs.frozen
class Views:
    """Named groups of a project's workflows; changing them needs a project administrator.

    Every verb raises `TransportError` where no usable answer arrived, `ApiError` where Zadig said no,
    `DecodeError` where an answer cannot be read and `ConfigError` for names Zadig cannot address.
    """

    _sender: Sender

    async def list(self, project: str) -> tuple[View, ...]:
        """List a project's views, names descending, each with the workflows enabled in it."""
        return await self._sender.send(endpoints.list_views(project))

    async def create(self, project: str, name: str, workflows: Sequence[str]) -> None:
        """Create a view.

        Args:
            project: Project key.
            name: Name, unique in the project.
            workflows: Workflow keys; the server does not check that they exist.

        Raises:
            ConflictError: The name is taken.
        """
        await self._sender.send(endpoints.create_view(project, name, workflows))

    async def update(self, project: str, name: str, *, enabled: Mapping[str, bool]) -> None:
        """Put workflows into a view (true) or take them out (false); others stay as they are.

        Args:
            project: Project key.
            name: Name of the view.
            enabled: Whether each workflow, by key, is to be in the view.

        Raises:
            NotFoundError: There is no such view; the server says so with HTTP 500.
        """
        await self._sender.send(endpoints.update_view(project, name, enabled))

    async def delete(self, project: str, name: str) -> None:
        """Delete a view; its workflows stay.

        Raises:
            NotFoundError: There is no such view.
        """
        await self._sender.send(endpoints.delete_view(project, name))
