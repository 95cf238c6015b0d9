"""Workflows as they are configured: summary, detail, stages, jobs and registries."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from zadig_async.model.ids import WorkflowRef
from zadig_async.model.repository import Repository
from zadig_async.model.user import User
from zadig_async.model.variable import Param


@attrs.frozen(kw_only=True)
class WorkflowSummary:
    """One line of a project's workflow list.

    Attributes:
        workflow_key: Id of the workflow.
        workflow_name: Display name.
        updated_by: Display name of who changed it last.
        updated_at: When it was changed last, or None.
        type: `custom`, or `product` for the legacy engine, which no other operation understands.
        raw: The object as received.
    """

    workflow_key: str
    workflow_name: str = ""
    updated_by: str = ""
    updated_at: datetime | None = None
    type: str = "custom"
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class ErrorPolicy:
    """What Zadig does when a job fails.

    Attributes:
        policy: `stop`, `ignore_error`, `retry` or `manual_check`.
        maximum_retry: How many automatic retries, 10 seconds apart.
        approval_users: Who may decide under `manual_check`.
        raw: The object as received.
    """

    policy: str = ""
    maximum_retry: int = 0
    approval_users: tuple[User, ...] = ()
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class ServiceModule:
    """A service module a job works on, with the code and artifacts it uses."""

    service_name: str = ""
    service_module: str = ""
    code_info: tuple[Repository, ...] = ()
    artifacts: tuple[str, ...] = ()
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Job:
    """A job as configured.

    Attributes:
        name: Configured job name: what a launch names, and `origin_name` of its runs.
        type: Zadig's job type string, such as `zadig-build`; new ones appear with new servers.
        skipped: Whether it is marked as skipped in the definition.
        spec: The stored spec as received; its shape depends on the type, null entries are dropped.
        run_policy: Empty, `default_not_run`, `force_run` or `skip`.
        error_policy: What happens when it fails, or None.
        execute_policy: The condition under which it runs at all, as received, or None.
        service_modules: Service modules it works on.
        raw: The object as received.
    """

    name: str
    type: str = ""
    skipped: bool = False
    spec: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    run_policy: str = ""
    error_policy: ErrorPolicy | None = None
    execute_policy: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    service_modules: tuple[ServiceModule, ...] = ()
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Stage:
    """A stage as configured: stages run one after another.

    Attributes:
        name: Name, unique in the workflow.
        parallel: Whether its jobs run at the same time.
        jobs: Its jobs.
        approval: The stage approval of older servers as received, or None. A server from v4 never
            sends or honours it: there a gate is a job of type `approval`.
        raw: The object as received.
    """

    name: str
    parallel: bool = False
    jobs: tuple[Job, ...] = ()
    approval: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Notification:
    """One notification rule of a workflow.

    Attributes:
        enabled: Whether it is on.
        webhook_type: Channel: dingding, feishu, feishu_person, feishu_app, wechat, msteams, mail, webhook.
        notify_type: Statuses it speaks on.
        raw: The object as received; it holds addresses and tokens in clear, so it is never shown.
    """

    enabled: bool = False
    webhook_type: str = ""
    notify_type: tuple[str, ...] = ()
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class ShareStorage:
    """A volume the jobs of a workflow share."""

    name: str = ""
    path: str = ""
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Workflow:
    """A workflow as it is configured now.

    Attributes:
        workflow_key: Id of the workflow.
        workflow_name: Display name.
        project_key: The project key of the *request*: the server echoes it and checks nothing
            (Zadig v4.1.0 workflow/service/workflow/openapi.go:395). Compare with the project's list.
        description: Free text.
        created_by: Display name.
        created_at: When it was made, or None.
        updated_by: Always empty on v4.1: the server never fills it.
        updated_at: When it was changed last, or None.
        params: Workflow variables.
        stages: Stages in order.
        notify_ctls: Notification rules.
        share_storages: Shared volumes.
        concurrency_limit: How many tasks may run at once; -1 without limit, 0 never any.
        raw: The object as received.
    """

    workflow_key: str
    workflow_name: str = ""
    project_key: str = ""
    description: str = ""
    created_by: str = ""
    created_at: datetime | None = None
    updated_by: str = ""
    updated_at: datetime | None = None
    params: tuple[Param, ...] = ()
    stages: tuple[Stage, ...] = ()
    notify_ctls: tuple[Notification, ...] = ()
    share_storages: tuple[ShareStorage, ...] = ()
    concurrency_limit: int = -1
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def ref(self) -> WorkflowRef:
        """The workflow by its keys, with the project key of the request."""
        return WorkflowRef(self.project_key, self.workflow_key)

    def jobs(self) -> Iterator[Job]:
        """Yield every job of every stage, in order."""
        for stage in self.stages:
            yield from stage.jobs

    def job(self, name: str) -> Job | None:
        """Return the job configured under this name, or None."""
        return next((job for job in self.jobs() if job.name == name), None)


@attrs.frozen(kw_only=True)
class Registry:
    """An image registry Zadig knows.

    Attributes:
        registry_id: Id, as build jobs store it.
        address: Address with its scheme.
        namespace: Namespace in it.
        provider: Kind of registry.
        region: Region, may be empty.
        is_default: Whether it is the installation's default.
        raw: The object as received.
    """

    registry_id: str
    address: str = ""
    namespace: str = ""
    provider: str = ""
    region: str = ""
    is_default: bool = False
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def name(self) -> str:
        """The exact text a build input names it by (Zadig v4.1.0 .../workflow/types.go:377)."""
        return f"{self.address}/{self.namespace}"
