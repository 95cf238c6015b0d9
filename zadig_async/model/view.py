"""Views: named groups of a project's workflows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class ViewWorkflow:
    """A workflow in a view.

    Attributes:
        workflow_key: Id of the workflow; the server does not check that it exists.
        workflow_type: `custom`, `product` or empty.
        raw: The object as received.
    """

    workflow_key: str
    workflow_type: str = "custom"
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class View:
    """A view and the workflows that are enabled in it.

    Attributes:
        name: Name, unique in the project.
        project_key: Project key.
        updated_at: When it was changed last, or None; the server loses it on every update.
        updated_by: Display name of who changed it last.
        workflows: The enabled workflows.
        raw: The object as received.
    """

    name: str
    project_key: str = ""
    updated_at: datetime | None = None
    updated_by: str = ""
    workflows: tuple[ViewWorkflow, ...] = ()
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)
