"""Inputs of jobs that shift a workload step by step: blue-green, canary, gray."""

from collections.abc import Sequence
from typing import ClassVar

import attrs

from zadig_async.model.exact import exact
from zadig_async.model.input import JobInput
from zadig_async.model.inputs.deploy import DeployTarget


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
