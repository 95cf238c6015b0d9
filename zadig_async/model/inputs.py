"""Inputs: what a launch asks of a job, one class for each job type Zadig lets a trigger select.

Facts about the server are those of Zadig v4.1.0 workflow/service/workflow/types.go:196-974; each class
tells what the server makes of its fields, since that often differs from what the official page says.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.exact import exact
from zadig_async.model.secret import Secret


def _secret(value: str | Secret) -> Secret:
    if isinstance(value, str):
        return Secret(value)
    if not isinstance(value, Secret):
        raise ConfigError(
            f"expected a string, got {type(value).__name__}", hint="Put it in quotes: Zadig takes it as text."
        )
    return value


@attrs.frozen(kw_only=True, field_transformer=exact)
class InputValue:
    """One variable of a job and the value it gets; any value may be a password, so none is shown.

    Attributes:
        key: Name of the variable. One the job does not have is ignored by the server.
        value: Text, or a `Secret`; kept as a `Secret`.
    """

    key: str
    value: Secret = attrs.field(converter=_secret)


def _values(values: "Mapping[str, str | Secret] | Sequence[InputValue]") -> tuple[InputValue, ...]:
    given: object = values
    if isinstance(given, str | bytes) or not isinstance(given, Mapping | Sequence):
        raise ConfigError(
            f"expected a mapping of names to values, got {type(given).__name__}",
            hint='Write {"NAME": "value"}.',
        )
    if not isinstance(given, Mapping):
        return tuple(given)
    for key, value in given.items():
        if not isinstance(key, str):
            raise ConfigError(
                f"expected names as strings, got {type(key).__name__}", hint="Put it in quotes."
            )
        if not isinstance(value, str | Secret):
            raise ConfigError(
                f"{key!r}: expected a string, got {type(value).__name__}",
                hint="Put the value in quotes: Zadig takes every value as text.",
            )
    return tuple(InputValue(key=key, value=value) for key, value in given.items())


def _once(where: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{where}: {', '.join(twice)} stands twice", hint="Name each only once.")


@attrs.frozen(kw_only=True, field_transformer=exact)
class RepoParam:
    """The value of a workflow variable of type `repo`.

    Attributes:
        codehost_name: The code host's alias in Zadig; an unknown one is refused by the server.
        repo_namespace: Namespace. Together with `repo_name` it must be the variable's own repository:
            another one of the same code host is silently ignored.
        repo_name: Name.
        branch: Branch.
        prs: Pull requests to merge into it first.
    """

    codehost_name: str
    repo_namespace: str
    repo_name: str
    branch: str
    prs: Sequence[int] = ()


@attrs.frozen(kw_only=True, field_transformer=exact)
class RepoInput:
    """Which version of one repository a job uses.

    The server looks for a repository of the job with the same code host, namespace and name, and ignores
    an input that fits none. The one it finds loses branch, pull requests and commit for what is given
    here, so at least one of the three must be given. Tags cannot be set
    (Zadig v4.1.0 pkg/types/openapi.go:24).

    Attributes:
        codehost_name: The code host's alias in Zadig; an unknown one is refused by the server.
        repo_namespace: Namespace.
        repo_name: Name.
        branch: Branch.
        prs: Pull requests to merge into it first.
        commit_id: Commit to use, whatever the branch has by then.
        stream: Perforce stream; the four Perforce fields only count for a freestyle job.
        view_mapping: Perforce view of a local depot.
        changelist_id: Perforce change list.
        shelve_id: Perforce shelf.
        enable_commit: Follows from `commit_id`, which the server ignores without it.
    """

    codehost_name: str
    repo_namespace: str = ""
    repo_name: str = ""
    branch: str = ""
    prs: Sequence[int] = ()
    commit_id: str = ""
    stream: str = ""
    view_mapping: str = ""
    changelist_id: int = 0
    shelve_id: int = 0
    enable_commit: bool = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: bool(self.commit_id), takes_self=True)
    )

    def __attrs_post_init__(self) -> None:
        if self.stream or self.view_mapping or self.changelist_id or self.shelve_id:
            return
        for name in ("repo_namespace", "repo_name"):
            if not getattr(self, name).strip():
                raise ConfigError(
                    f"RepoInput.{name}: must not be empty", hint="Zadig finds the repository by it."
                )
        if not (self.branch or self.prs or self.commit_id):
            raise ConfigError(
                "RepoInput.branch: no branch, pull request or commit given",
                hint="Give one: Zadig would empty all three.",
            )


@attrs.frozen(kw_only=True)
class JobInput:
    """What a launch asks of one job; the subclass says of which type.

    The server never reads the type that is sent along: the job's stored type decides
    (Zadig v4.1.0 workflow/service/workflow/openapi.go:96), and an input of another shape is read as
    an empty one.

    Attributes:
        job_type: Zadig's job type string.
    """

    job_type: ClassVar[str]


@attrs.frozen(kw_only=True, field_transformer=exact)
class BuildService:
    """A service module to build.

    Attributes:
        service_name: Service.
        service_module: Module. A pair the job does not have is silently ignored.
        repos: Versions of its repositories; one not named here keeps its configured version.
        inputs: Variables of the build; one not named here keeps its configured value.
    """

    service_name: str
    service_module: str
    repos: Sequence[RepoInput] = ()
    inputs: tuple[InputValue, ...] = attrs.field(default=(), converter=_values)


@attrs.frozen(kw_only=True, field_transformer=exact)
class BuildInput(JobInput):
    """`zadig-build`: build these services, and only these.

    Attributes:
        registry: Registry for the images: `<address>/<namespace>`, with the scheme and letter by letter
            as Zadig stores it; anything else is refused.
        services: What to build. If no pair fits, the job silently makes nothing.
    """

    job_type: ClassVar[str] = "zadig-build"
    registry: str
    services: Sequence[BuildService] = attrs.field()

    @services.validator
    def _distinct(self, attribute: "attrs.Attribute[Any]", services: Sequence[BuildService]) -> None:
        _once("BuildInput.services", [f"{s.service_name}/{s.service_module}" for s in services])


@attrs.frozen(kw_only=True, field_transformer=exact)
class FreestyleInput(JobInput):
    """`freestyle`: a script with these variables and this code.

    Attributes:
        inputs: Variables; one not named here keeps its configured value.
        repos: The code. Before v4.2 a repository not named here is removed from the run, all of them if
            none is named; from v4.2 naming none keeps all, naming some removes the others.
    """

    job_type: ClassVar[str] = "freestyle"
    inputs: tuple[InputValue, ...] = attrs.field(default=(), converter=_values)
    repos: Sequence[RepoInput] = ()


@attrs.frozen(kw_only=True, field_transformer=exact)
class PluginInput(JobInput):
    """`plugin`.

    Attributes:
        inputs: Inputs of the plugin; one not named here keeps its configured value.
    """

    job_type: ClassVar[str] = "plugin"
    inputs: tuple[InputValue, ...] = attrs.field(default=(), converter=_values)


@attrs.frozen(kw_only=True, field_transformer=exact)
class DeployService:
    """A service module to deploy.

    Attributes:
        service_name: Service. Names are not checked against the definition.
        service_module: Module.
        image_name: Image with its tag. Where the job takes its images from a build job of the same run,
            the service must still be named, and the image given here is ignored.
        value_merge_strategy: Helm: `reuse-values` or `override`; empty is the server's default. With
            several modules of one service the last one decides.
    """

    service_name: str
    service_module: str
    image_name: str = ""
    value_merge_strategy: Literal["", "reuse-values", "override"] = ""


@attrs.frozen(kw_only=True, field_transformer=exact)
class DeployInput(JobInput):
    """`zadig-deploy`: deploy these services to this environment.

    Attributes:
        env_name: Key of the environment. It always replaces the configured one, even one the definition
            calls fixed, so name the right one.
        services: What to deploy. They replace the whole configured selection, its variable values
            included; without any the job silently deploys nothing
            (Zadig v4.1.0 .../controller/job/job_deploy.go:418).
    """

    job_type: ClassVar[str] = "zadig-deploy"
    env_name: str
    services: Sequence[DeployService] = attrs.field()

    @services.validator
    def _distinct(self, attribute: "attrs.Attribute[Any]", services: Sequence[DeployService]) -> None:
        _once("DeployInput.services", [f"{s.service_name}/{s.service_module}" for s in services])


@attrs.frozen(kw_only=True, field_transformer=exact)
class VMDeployService:
    """A service to deploy to machines.

    Attributes:
        service_name: Service.
        file_name: Artifact; it must be in the job's artifact store already.
    """

    service_name: str
    file_name: str


@attrs.frozen(kw_only=True, field_transformer=exact)
class VMDeployInput(JobInput):
    """`zadig-vm-deploy`: deploy these files to the machines of this environment.

    Attributes:
        env_name: Key of the environment; it always replaces the configured one.
        services: What to deploy; it replaces the whole configured selection. The server refuses a
            service that stands twice.
    """

    job_type: ClassVar[str] = "zadig-vm-deploy"
    env_name: str
    services: Sequence[VMDeployService] = attrs.field()

    @services.validator
    def _distinct(self, attribute: "attrs.Attribute[Any]", services: Sequence[VMDeployService]) -> None:
        _once("VMDeployInput.services", [service.service_name for service in services])


@attrs.frozen(kw_only=True, field_transformer=exact)
class DeployTarget:
    """A container and the image it gets.

    Attributes:
        workload_type: Kind of workload, such as `Deployment` or `StatefulSet`.
        workload_name: Workload.
        container_name: Container.
        image_name: Image with its tag.
    """

    workload_type: str
    workload_name: str
    container_name: str
    image_name: str


@attrs.frozen(kw_only=True, field_transformer=exact)
class CustomDeployInput(JobInput):
    """`custom-deploy`: give these containers these images.

    Attributes:
        targets: They replace all configured targets and are not checked against them. The cluster and
            namespace are the definition's.
    """

    job_type: ClassVar[str] = "custom-deploy"
    targets: Sequence[DeployTarget]


@attrs.frozen(kw_only=True, field_transformer=exact)
class TestingInput:
    """How one test is run.

    Attributes:
        testing_name: Test; one the job does not have is ignored.
        repos: Versions of its repositories; one not named here keeps its configured version.
        inputs: Variables; one not named here keeps its configured value.
    """

    __test__: ClassVar[bool] = False  # pytest would take the class for a test case

    testing_name: str
    repos: Sequence[RepoInput] = ()
    inputs: tuple[InputValue, ...] = attrs.field(default=(), converter=_values)


@attrs.frozen(kw_only=True, field_transformer=exact)
class TestInput(JobInput):
    """`zadig-test`.

    Attributes:
        tests: Changes to tests. Every configured test runs, named here or not.
    """

    __test__: ClassVar[bool] = False  # pytest would take the class for a test case

    job_type: ClassVar[str] = "zadig-test"
    tests: Sequence[TestingInput] = ()


@attrs.frozen(kw_only=True, field_transformer=exact)
class ScanningInput:
    """How one scan is run.

    Attributes:
        scanning_name: Scan; one the job does not have is ignored.
        repos: Versions of its repositories; one not named here keeps its configured version.
    """

    scanning_name: str
    repos: Sequence[RepoInput] = ()


@attrs.frozen(kw_only=True, field_transformer=exact)
class ScanInput(JobInput):
    """`zadig-scanning`.

    Attributes:
        scans: Changes to scans. Every configured scan runs, named here or not.
    """

    job_type: ClassVar[str] = "zadig-scanning"
    scans: Sequence[ScanningInput] = ()


@attrs.frozen(kw_only=True, field_transformer=exact)
class ServiceImage:
    """A Kubernetes service and the image its workload gets."""

    service_name: str
    image_name: str


@attrs.frozen(kw_only=True, field_transformer=exact)
class BlueGreenDeployInput(JobInput):
    """`k8s-blue-green-deploy`: without effect on v4.1.

    The server reads the job as an older kind of itself and so forgets its services
    (Zadig v4.1.0 workflow/service/workflow/types.go:492): expect the run to be refused.

    Attributes:
        services: Kubernetes services and their new images.
    """

    job_type: ClassVar[str] = "k8s-blue-green-deploy"
    services: Sequence[ServiceImage] = ()


@attrs.frozen(kw_only=True, field_transformer=exact)
class BlueGreenReleaseInput(JobInput):
    """`k8s-blue-green-release`: runs as configured; there is nothing to ask."""

    job_type: ClassVar[str] = "k8s-blue-green-release"


@attrs.frozen(kw_only=True, field_transformer=exact)
class CanaryDeployInput(JobInput):
    """`k8s-canary-deploy`: without effect on v4.1.

    The server empties the job's targets before it matches these services with them, so the job makes
    nothing (Zadig v4.1.0 .../controller/workflow.go:73, workflow/service/workflow/types.go:520).

    Attributes:
        services: Kubernetes services and their new images.
    """

    job_type: ClassVar[str] = "k8s-canary-deploy"
    services: Sequence[ServiceImage] = ()


@attrs.frozen(kw_only=True, field_transformer=exact)
class CanaryReleaseInput(JobInput):
    """`k8s-canary-release`: runs as configured; there is nothing to ask."""

    job_type: ClassVar[str] = "k8s-canary-release"


@attrs.frozen(kw_only=True, field_transformer=exact)
class GrayReleaseInput(JobInput):
    """`k8s-gray-release`: without effect on v4.1.

    The server empties the job's targets before it matches these with them, so the job makes nothing
    (Zadig v4.1.0 .../controller/workflow.go:80, workflow/service/workflow/types.go:647).

    Attributes:
        targets: Containers and their new images, matched by workload name.
    """

    job_type: ClassVar[str] = "k8s-gray-release"
    targets: Sequence[DeployTarget] = ()


@attrs.frozen(kw_only=True, field_transformer=exact)
class RollbackTarget:
    """A workload to roll back.

    Attributes:
        workload_type: Kind of workload; the server does not look at it.
        workload_name: Workload; it must be one of the configured ones.
    """

    workload_type: str = ""
    workload_name: str


@attrs.frozen(kw_only=True, field_transformer=exact)
class GrayRollbackInput(JobInput):
    """`k8s-gray-rollback`: roll back these of the configured workloads.

    Attributes:
        targets: Which ones; the configured ones that are not named here are left alone.
    """

    job_type: ClassVar[str] = "k8s-gray-rollback"
    targets: Sequence[RollbackTarget]


@attrs.frozen(kw_only=True, field_transformer=exact)
class PatchTarget:
    """A resource to patch; name, kind, group and version must all be those of a configured patch.

    Attributes:
        resource_name: Name.
        resource_kind: Kind.
        resource_group: API group; empty for the core group.
        resource_version: API version.
        inputs: Variables of the patch; one not named here keeps its configured value.
    """

    resource_name: str
    resource_kind: str
    resource_group: str = ""
    resource_version: str
    inputs: tuple[InputValue, ...] = attrs.field(default=(), converter=_values)


@attrs.frozen(kw_only=True, field_transformer=exact)
class ResourcePatchInput(JobInput):
    """`k8s-resource-patch`: apply these of the configured patches.

    Attributes:
        targets: Which ones; the configured ones that are not named here are left alone.
    """

    job_type: ClassVar[str] = "k8s-resource-patch"
    targets: Sequence[PatchTarget]


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


@attrs.frozen(kw_only=True, field_transformer=exact)
class RawInput(JobInput):
    """Parameters exactly as given, for what this version has no class for. Nothing in it is checked.

    Attributes:
        job_type: Zadig's job type string.
        parameters: The JSON object to send; it may hold credentials, so it is not shown.
    """

    job_type: str  # type: ignore[misc]  # the only input whose type is not fixed by its class
    parameters: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


INPUT_OF: Final[Mapping[str, type[JobInput]]] = MappingProxyType(
    {
        kind.job_type: kind
        for kind in (
            BuildInput,
            FreestyleInput,
            PluginInput,
            DeployInput,
            VMDeployInput,
            CustomDeployInput,
            TestInput,
            ScanInput,
            BlueGreenDeployInput,
            BlueGreenReleaseInput,
            CanaryDeployInput,
            CanaryReleaseInput,
            GrayReleaseInput,
            GrayRollbackInput,
            ResourcePatchInput,
            ApprovalInput,
            SqlInput,
            TapdInput,
        )
    }
)
"""The input class of every job type that has one."""

SELECTABLE: Final[frozenset[str]] = frozenset(INPUT_OF)
"""Job types a trigger can select at all; naming a job of another type makes the server refuse the launch
(Zadig v4.1.0 workflow/service/workflow/openapi.go:317-389)."""

RUNS_AS_CONFIGURED: Final[frozenset[str]] = frozenset(
    {
        "plugin",
        "zadig-test",
        "zadig-scanning",
        "approval",
        "k8s-blue-green-release",
        "k8s-canary-release",
    }
)
"""Job types that do what is configured when selected without parameters. Every other selectable type is
refused, makes nothing, or loses what is configured: `freestyle` its code before v4.2, `sql` its text."""

WITHOUT_EFFECT: Final[frozenset[str]] = frozenset(
    {"k8s-blue-green-deploy", "k8s-canary-deploy", "k8s-gray-release"}
)
"""Selectable job types whose input a v4.1 server throws away, configured targets included."""
