"""Inputs of jobs that reach people and other systems: approval, SQL, TAPD."""

from collections.abc import Sequence
from typing import ClassVar

import attrs

from zadig_async.model.exact import exact
from zadig_async.model.input import JobInput


@attrs.frozen(kw_only=True, field_transformer=exact)
class ApprovalInput(JobInput):
    """`approval`: ask as configured; approvers cannot be changed through the API.

    An approval job that a launch does not name is skipped, and what follows runs unapproved.
    """

    job_type: ClassVar[str] = "approval"


@attrs.frozen(kw_only=True, field_transformer=exact)
class SqlInput(JobInput):
    """`sql`: run this text; Zadig splits it after every `;`, quoted ones too.

    Attributes:
        sql: The text; it always replaces the configured one. It may hold credentials, so it is not shown.
        database_name: Name of the database in Zadig; only read where the job lets the launch choose.
    """

    job_type: ClassVar[str] = "sql"
    sql: str = attrs.field(repr=False)
    database_name: str = ""


@attrs.frozen(kw_only=True, field_transformer=exact)
class TapdInput(JobInput):
    """`tapd`: move iterations to a state. The server asks TAPD before it answers.

    Attributes:
        project_id: TAPD project; it replaces the configured one.
        status: The state to move to: `open`, `done`, or one of the project's own.
        iteration_ids: Iterations, in addition to the configured ones. The official page shows objects
            here; the server takes ids (Zadig v4.1.0 workflow/service/workflow/types.go:910).
        project_name: Not read by the server, which asks TAPD for the name.
    """

    job_type: ClassVar[str] = "tapd"
    project_id: str
    status: str
    iteration_ids: Sequence[str] = ()
    project_name: str = ""
