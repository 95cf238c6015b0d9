"""The scenario: who and what exists in the emulated Zadig, and how every job will behave.

Plain frozen values. `Script.load` reads them from YAML or a mapping; everything has a default, so that a
scenario states only what matters to it. Times are world seconds unless the name says minutes.
"""

import os
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from zadig_async.emulator.loader import ScriptError, build, parse_yaml

__all__ = [
    "ApprovalScript",
    "CodeHostScript",
    "EnvironmentScript",
    "ErrorPolicyScript",
    "GroupScript",
    "JobScript",
    "LogLine",
    "ManualExecScript",
    "ParamScript",
    "ProjectScript",
    "RegistryScript",
    "RepoScript",
    "Script",
    "ScriptError",
    "ServiceScript",
    "StageScript",
    "TaskScript",
    "UserScript",
    "ViewScript",
    "WorkflowScript",
]

OUTCOMES = ("passed", "failed", "timeout", "never")
TASK_ENDS = ("passed", "failed", "timeout", "cancelled", "reject", "skipped")
ERROR_POLICIES = ("stop", "ignore_error", "retry", "manual_check")
RUN_POLICIES = ("", "default_not_run", "force_run", "skip")
PERMISSIONS = ("execute", "edit", "create", "admin")

_VERSION = re.compile(r"v?[0-9]+(\.[0-9]+){0,2}")

_NAMES = uuid.UUID("6d0f4a52-6d2a-4e0c-9b0e-2f1f6c2b7a11")


def stable_id(kind: str, name: str) -> str:
    """An identifier that looks random but is the same in every run: 24 hex digits, like a Mongo object id."""
    return uuid.uuid5(_NAMES, f"{kind}/{name}").hex[:24]


def _one_of(allowed: tuple[str, ...]) -> Any:
    def check(_: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        for item in (value,) if isinstance(value, str) else value:
            if item not in allowed:
                raise ValueError(f"{attribute.name}: {item!r} is none of {', '.join(map(repr, allowed))}")

    return check


def _not_negative(_: Any, attribute: "attrs.Attribute[Any]", value: float | None) -> None:
    if value is not None and value < 0:
        raise ValueError(f"{attribute.name}: {value} is negative")


def _at_least_one(_: Any, attribute: "attrs.Attribute[Any]", value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError(f"{attribute.name}: {value} is not at least 1")


def _permissions(_: Any, attribute: "attrs.Attribute[Any]", value: Mapping[str, tuple[str, ...]]) -> None:
    for granted in value.values():
        for permission in granted:
            if permission not in PERMISSIONS:
                raise ValueError(f"{attribute.name}: {permission!r} is none of {', '.join(PERMISSIONS)}")


@attrs.frozen(kw_only=True)
class UserScript:
    """A person or a robot with API tokens. `projects` maps a project key, or `*`, to permissions."""

    name: str
    uid: str = attrs.field(default="")
    email: str = attrs.field(default="")
    admin: bool = False
    tokens: tuple[str, ...] = attrs.field(default=())
    projects: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, validator=_permissions)

    def __attrs_post_init__(self) -> None:
        if not self.uid:
            object.__setattr__(self, "uid", str(uuid.uuid5(_NAMES, f"user/{self.name}")))
        if not self.email:
            object.__setattr__(self, "email", f"{self.name}@example.com")
        if not self.tokens:
            object.__setattr__(self, "tokens", (f"{self.name}-token",))


@attrs.frozen(kw_only=True)
class GroupScript:
    """A user group that may be named as approver; `users` are user names."""

    name: str
    id: str = ""
    users: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class RegistryScript:
    """An image registry. Execute wants exactly `<address>/<namespace>`, scheme included."""

    address: str
    namespace: str
    id: str = ""


@attrs.frozen(kw_only=True)
class CodeHostScript:
    """A code host; `name` is what `codehost_name` of an input must equal."""

    name: str
    id: int = 1
    type: str = "gitlab"
    address: str = "https://git.example.com"


@attrs.frozen(kw_only=True)
class EnvironmentScript:
    """An environment of a project. A project without any accepts every non-empty environment name."""

    name: str
    alias: str = ""
    production: bool = False
    namespace: str = ""
    cluster: str = "local"

    @classmethod
    def from_text(cls, text: str) -> "EnvironmentScript":
        """Read the short form, a name."""
        return cls(name=text)


@attrs.frozen(kw_only=True)
class ViewScript:
    """A named list of workflow keys; those in `disabled` are in the list but switched off."""

    name: str
    workflows: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    update_by: str = "admin"
    update_time: int | None = None


@attrs.frozen(kw_only=True)
class RepoScript:
    """A repository of a job; `codehost` is the name of a code host."""

    codehost: str
    namespace: str
    name: str
    branch: str = "main"
    commit_id: str = ""
    commit_message: str = ""
    author: str = ""
    token: str = ""


@attrs.frozen(kw_only=True)
class ServiceScript:
    """One service module that a job builds, deploys, tests … Short form: `service/module` or `service`."""

    service: str
    module: str = ""
    image: str = ""
    build: str = ""
    repos: tuple[RepoScript, ...] = ()
    variables: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def from_text(cls, text: str) -> "ServiceScript":
        """Read the short form."""
        service, _, module = text.partition("/")
        return cls(service=service, module=module)

    def __attrs_post_init__(self) -> None:
        if not self.module:
            object.__setattr__(self, "module", self.service)


@attrs.frozen(kw_only=True)
class LogLine:
    """One line of a job's log, `at` seconds after the job began to run; without `at`, spread evenly.

    With `repeat` it is so many lines, in each of which `{n}` stands for its number, from 1.
    """

    text: str
    at: float | None = attrs.field(default=None, validator=_not_negative)
    repeat: int | None = attrs.field(default=None, validator=_at_least_one)

    @classmethod
    def from_text(cls, text: str) -> "LogLine":
        """Read the short form, the text alone."""
        return cls(text=text)

    def texts(self) -> Iterator[str]:
        """The lines it stands for."""
        if self.repeat is None:
            yield self.text
        else:
            yield from (self.text.replace("{n}", str(number)) for number in range(1, self.repeat + 1))


@attrs.frozen(kw_only=True)
class ApprovalScript:
    """A native approval gate. `users` and `groups` are names; both times are minutes.

    `key_timeout` is how long the server keeps the vote (the Redis key), `timeout` how long the job waits; the
    real server has two separate settings, here `key_timeout` follows `timeout` unless given.
    """

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    needed_approvers: int = 1
    timeout: int = 60
    key_timeout: int | None = None
    description: str = ""


@attrs.frozen(kw_only=True)
class ErrorPolicyScript:
    """What happens after a failed or timed-out job.

    `approval_users` are the names that may handle the error.
    """

    policy: str = attrs.field(default="stop", validator=_one_of(ERROR_POLICIES))
    maximum_retry: int = 0
    approval_users: tuple[str, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> "ErrorPolicyScript":
        """Read the short form, the policy alone."""
        return cls(policy=text)


@attrs.frozen(kw_only=True)
class ManualExecScript:
    """A stage that pauses until someone releases it; `users` are names, `task_creator` means the creator."""

    enabled: bool = True
    modify_params: bool = False
    users: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ParamScript:
    """A workflow variable."""

    name: str
    type: str = "string"
    value: str = ""
    default: str = ""
    description: str = ""
    choice_option: tuple[str, ...] = ()
    choice_value: tuple[str, ...] = ()
    is_credential: bool = False
    source: str = ""
    repo: RepoScript | None = None


def _outcomes(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen(kw_only=True)
class JobScript:
    """A job of a workflow and how it behaves.

    Definition: `type`, `run_policy`, `error_policy`, `execute_policy` and `spec`. `spec` is laid over the
    definition that follows from the shorthands `services`, `env`, `repos`, `variables` and `approval`.
    `task_spec` is laid over the spec that task detail shows, for fields a real run would fill in.

    Behaviour: `prepare` seconds of preparation, `duration` seconds of running, then `outcome`: one of
    passed, failed, timeout, never (it runs on until cancelled), or a list with one outcome per attempt
    whose last entry repeats. `container_log_lines` is as in `Script`, for this job alone.
    """

    name: str
    type: str = ""
    run_policy: str = attrs.field(default="", validator=_one_of(RUN_POLICIES))
    error_policy: ErrorPolicyScript | None = None
    execute_policy: Mapping[str, Any] | None = None
    spec: Mapping[str, Any] = attrs.field(factory=dict)
    task_spec: Mapping[str, Any] = attrs.field(factory=dict)
    prepare: float = attrs.field(default=2.0, validator=_not_negative)
    duration: float = attrs.field(default=10.0, validator=_not_negative)
    outcome: tuple[str, ...] = attrs.field(
        default=("passed",), converter=_outcomes, validator=_one_of(OUTCOMES), metadata={"text_or_list": True}
    )
    error: str = ""
    log: tuple[LogLine, ...] = ()
    container_log_lines: int | None = attrs.field(default=None, validator=_at_least_one)
    services: tuple[ServiceScript, ...] = ()
    repos: tuple[RepoScript, ...] = ()
    variables: Mapping[str, str] = attrs.field(factory=dict)
    env: str = ""
    from_job: str = ""
    approval: ApprovalScript | None = None

    def __attrs_post_init__(self) -> None:
        if not self.type:
            object.__setattr__(self, "type", "approval" if self.approval else "freestyle")


@attrs.frozen(kw_only=True)
class StageScript:
    """A stage: its jobs run one after another, or together when `parallel`."""

    name: str
    parallel: bool = False
    manual_exec: ManualExecScript | None = None
    jobs: tuple[JobScript, ...] = ()


@attrs.frozen(kw_only=True)
class TaskScript:
    """A task that had ended before the world began: created `age` seconds ago, it took `duration`."""

    id: int
    status: str = attrs.field(default="passed", validator=_one_of(TASK_ENDS))
    creator: str = "admin"
    age: float = 86_400.0
    duration: float = 120.0
    remark: str = ""


@attrs.frozen(kw_only=True)
class WorkflowScript:
    """A workflow: its definition, its history, and one switch for a server race.

    `survives_cancel`: the run goes on after a cancel and its last write puts the true end status back,
    which the real server does when the cancel message is lost (Zadig v4.1.0
    workflowcontroller/workflow.go:535).
    """

    key: str
    name: str = ""
    type: str = attrs.field(default="custom", validator=_one_of(("custom", "product")))
    description: str = ""
    category: str = ""
    params: tuple[ParamScript, ...] = ()
    stages: tuple[StageScript, ...] = ()
    concurrency_limit: int = -1
    disabled: bool = False
    enable_approval_ticket: bool = False
    notify_ctls: tuple[Mapping[str, Any], ...] = ()
    share_storages: tuple[Mapping[str, Any], ...] = ()
    created_by: str = "admin"
    create_time: int | None = None
    update_by: str = "admin"
    update_time: int | None = None
    next_task_id: int = 0
    tasks: tuple[TaskScript, ...] = ()
    survives_cancel: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.key)


@attrs.frozen(kw_only=True)
class ProjectScript:
    """A project with its environments, workflows and views."""

    key: str
    name: str = ""
    deploy_type: str = "k8s"
    environments: tuple[EnvironmentScript, ...] = ()
    artifacts: tuple[str, ...] = ()
    workflows: tuple[WorkflowScript, ...] = ()
    views: tuple[ViewScript, ...] = ()


def _default_users() -> tuple[UserScript, ...]:
    return (UserScript(name="admin", admin=True, tokens=("demo-token",)),)


@attrs.frozen(kw_only=True)
class Script:
    """The whole scenario.

    `workflow_concurrency` bounds running tasks in the installation, `build_concurrency` jobs of one
    parallel stage, `queue_tick` is the scheduler's period in seconds. `professional` is the licence.
    `collaboration_pending` makes the collaboration filter swallow requests that carry `projectName`.
    `approval_key_delay` is the gap in seconds between the status `wait_for_approval` and the moment a vote
    is accepted.

    Quirks of the task list: `list_shuffles_ties` puts tasks of one creation second in another order in every
    answer; `list_page_cap` is the largest page given, whatever was asked for (0: no cap); `list_hides_new`
    is for how many seconds a new task is missing from the list, and of the total, while its detail can be
    read already. `list_hides_every` chooses which: 1 all of them, 2 those whose id is even, so that a task
    shows up after a later one, and so on.

    `container_log_lines` is after how many lines the kubelet begins a new file for a container's log (none:
    never). Who follows the log sees every line; but a replay and the archive hold only the newest file, which
    is empty right after it was begun.
    """

    version: str = "4.1.0"
    workflow_concurrency: int = 2
    build_concurrency: int = 5
    queue_tick: float = 3.0
    professional: bool = True
    collaboration_pending: bool = False
    approval_key_delay: float = attrs.field(default=0.0, validator=_not_negative)
    list_shuffles_ties: bool = False
    list_page_cap: int = attrs.field(default=0, validator=_not_negative)
    list_hides_new: float = attrs.field(default=0.0, validator=_not_negative)
    list_hides_every: int = 1
    container_log_lines: int | None = attrs.field(default=None, validator=_at_least_one)
    users: tuple[UserScript, ...] = attrs.field(factory=_default_users)
    groups: tuple[GroupScript, ...] = ()
    registries: tuple[RegistryScript, ...] = ()
    codehosts: tuple[CodeHostScript, ...] = ()
    projects: tuple[ProjectScript, ...] = ()

    def __attrs_post_init__(self) -> None:
        if self.queue_tick <= 0:
            raise ValueError(f"queue_tick: {self.queue_tick} is not positive")
        if self.list_hides_every < 1:
            raise ValueError(f"list_hides_every: {self.list_hides_every} is not at least 1")
        if _VERSION.fullmatch(self.version) is None:
            raise ValueError(f"version: {self.version!r} is not a version such as 4.1.0")
        if not self.users:
            raise ValueError("users: nobody is named, so no token would be accepted")
        owners: dict[str, str] = {}
        for project in self.projects:
            for workflow in project.workflows:
                if workflow.key in owners:
                    raise ValueError(
                        f"projects: workflow {workflow.key!r} is in {owners[workflow.key]!r} and again in "
                        f"{project.key!r}; workflow keys are unique in the whole installation"
                    )
                owners[workflow.key] = project.key
                self._check_jobs(workflow)

    def _check_jobs(self, workflow: WorkflowScript) -> None:
        known = {"task_creator", *(user.name for user in self.users)}
        seen: set[str] = set()
        for stage in workflow.stages:
            for job in stage.jobs:
                where = f"workflow {workflow.key!r}, job {job.name!r}"
                if job.name in seen:
                    raise ValueError(f"projects: {where}: this name is used twice")
                seen.add(job.name)
                for name in job.approval.users if job.approval else ():
                    if name not in known:
                        raise ValueError(f"projects: {where}: approver {name!r} is not among the users")

    @property
    def release(self) -> tuple[int, int, int]:
        """The version as numbers."""
        parts = [int(part) for part in self.version.lstrip("v").split(".")[:3]]
        return (parts[0], parts[1] if len(parts) > 1 else 0, parts[2] if len(parts) > 2 else 0)

    @classmethod
    def load(cls, source: "Script | Mapping[str, Any] | str | os.PathLike[str] | None") -> "Script":
        """Read a scenario: a `Script` as it is, a mapping, the path of a YAML file, or None for the default.

        Raises:
            ScriptError: the file, line and path of what cannot be used, and what it should be.
        """
        if source is None:
            return cls.default()
        if isinstance(source, Script):
            return source
        if isinstance(source, Mapping):
            return build(cls, source, origin="scenario")
        path = Path(source)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as failure:
            raise ScriptError(f"{path}: cannot be read: {failure.strerror}") from failure
        except UnicodeDecodeError:
            raise ScriptError(f"{path}: it is not UTF-8 text") from None
        return cls.parse(text, origin=str(path))

    @classmethod
    def parse(cls, text: str, origin: str = "scenario") -> "Script":
        """Read a scenario from YAML (or JSON) text; `origin` names it in errors."""
        value, locate = parse_yaml(text, origin)
        return build(cls, value, origin=origin, locate=locate)

    @classmethod
    def default(cls) -> "Script":
        """The demo world: project `shop` with four small workflows."""
        text = Path(__file__).with_name("default.yaml").read_text(encoding="utf-8")
        return cls.parse(text, origin="default.yaml")
