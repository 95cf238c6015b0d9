"""Inputs of jobs that put images, files or patches into an environment."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import attrs

from zadig_async.model.exact import exact
from zadig_async.model.input import InputValue, JobInput, key_values, refuse_twice


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
        refuse_twice("DeployInput.services", [f"{s.service_name}/{s.service_module}" for s in services])


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
        refuse_twice("VMDeployInput.services", [service.service_name for service in services])


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
    inputs: tuple[InputValue, ...] = attrs.field(default=(), converter=key_values)


@attrs.frozen(kw_only=True, field_transformer=exact)
class ResourcePatchInput(JobInput):
    """`k8s-resource-patch`: apply these of the configured patches.

    Attributes:
        targets: Which ones; the configured ones that are not named here are left alone.
    """

    job_type: ClassVar[str] = "k8s-resource-patch"
    targets: Sequence[PatchTarget]
