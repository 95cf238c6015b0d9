"""Verbs on workflows."""

from collections.abc import Mapping
from typing import Any

import attrs

from zadig_async.model.ids import WorkflowRef
from zadig_async.model.workflow import Workflow, WorkflowSummary
from zadig_async.transport.retry import Sender
from zadig_async.wire import endpoints


@attrs.frozen
class Workflows:
    """Workflows as they are configured.

    Every verb raises `TransportError` where no usable answer arrived, `ApiError` where Zadig said no,
    `DecodeError` where an answer cannot be read and `ConfigError` for keys Zadig cannot address. The
    verbs that change something raise `OutcomeUnknownError` where they may have taken effect.
    """

    _sender: Sender

    async def list(self, project: str, view: str | None = None) -> tuple[WorkflowSummary, ...]:
        """List a project's workflows; there are no pages.

        Args:
            project: Project key. An unknown project has no workflows.
            view: Name of a view to limit the list to. For a view that is unknown or empty the server
                returns every workflow of the project (Zadig v4.1.0 workflow/service/workflow/openapi.go:429).
        """
        return await self._sender.send(endpoints.list_workflows(project, view))

    async def get(self, project: str, workflow: str) -> Workflow:
        """Read a workflow's definition.

        Args:
            project: Project key. The server does not check that the workflow is in it.
            workflow: Workflow key.

        Raises:
            NotFoundError: There is no such workflow; the server says so with HTTP 500.
        """
        return await self._sender.send(endpoints.get_workflow(WorkflowRef(project, workflow)))

    async def create(self, definition: Mapping[str, Any], view: str | None = None) -> None:
        """Create a workflow.

        Args:
            definition: The full definition in the server's own format, as the YAML editor of Zadig
                shows it: `name`, `display_name`, `project`, `stages`, ... Send `concurrency_limit`: left
                out it is 0, and no task ever starts.
            view: Name of a view to put it into; the server ignores a view that is missing.

        Raises:
            ConflictError: The key is taken, in this or any other project.
            RejectedError: The definition does not pass the server's checks.
        """
        await self._sender.send(endpoints.create_workflow(definition, view))

    async def update(self, workflow: str, definition: Mapping[str, Any]) -> None:
        """Replace a workflow's whole definition: what is left out becomes empty, and the last write wins.

        Args:
            workflow: Workflow key as it is now; the definition's `name` may differ and renames it.
            definition: The full definition in the server's own format.

        Raises:
            NotFoundError: There is no such workflow.
        """
        await self._sender.send(endpoints.update_workflow(workflow, definition))

    async def delete(self, project: str, workflow: str) -> None:
        """Delete a workflow with its task list and task counter; the next task will be number 1 again.

        Running tasks go on, waiting ones wait for ever (Zadig v4.1.0 .../workflow_v4.go:307).

        Args:
            project: Project key, used for the permission check only.
            workflow: Workflow key.

        Raises:
            NotFoundError: There is no such workflow.
        """
        await self._sender.send(endpoints.delete_workflow(WorkflowRef(project, workflow)))
