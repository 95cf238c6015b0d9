"""Specs of jobs that put images, charts, files or patches into an environment.

Manifests, Helm values and variables can hold credentials, so repr leaves them out.
"""

from typing import Any

import attrs

from zadig_async.model.repository import Repository
from zadig_async.model.spec import DeployedImage, Event, JobSpec, Received
from zadig_async.model.status import NOT_STARTED, Status
from zadig_async.model.variable import Param


@attrs.frozen(kw_only=True)
class RenderVariable(Received):
    """A variable of a service's manifests.

    Attributes:
        key: Name.
        value: Value: text, or a whole YAML structure as JSON.
        type: `string`, `bool`, `enum` or `yaml`.
        options: What an `enum` can be.
        description: Free text.
        use_global_variable: Whether the environment's global variable decides.
        is_reference_variable: Whether it refers to another one.
    """

    key: str = ""
    value: Any = attrs.field(default=None, repr=False)
    type: str = ""
    options: tuple[str, ...] = ()
    description: str = ""
    use_global_variable: bool = False
    is_reference_variable: bool = False


@attrs.frozen(kw_only=True)
class DeploySpec(JobSpec):
    """`zadig-deploy` of a Kubernetes or Helm service; one job for each service.

    The server shows `zadig-helm-deploy` under the same name, so `service_type` tells them apart
    (Zadig v4.1.0 workflow/service/workflow/workflow_task_v4.go:2347).

    Attributes:
        env: Key of the environment.
        env_alias: Its display name.
        production: Whether it is a production environment.
        service_type: `k8s` or `helm`.
        deploy_contents: What is deployed: `image`, `vars`, `config`.
        skip_check_run_status: Whether the job ends without waiting for the workload.
        images: The images deployed.
        yaml_content: Manifest or values deployed.
        user_supplied_value: Helm values the user gave.
        variables: Variables of a Kubernetes service.
        origin_revision: Revision before this deployment; what a rollback goes back to.
        value_merge_strategy: Helm: empty, `reuse-values` or `override`.
    """

    env: str = ""
    env_alias: str = ""
    production: bool = False
    service_type: str = ""
    deploy_contents: tuple[str, ...] = ()
    skip_check_run_status: bool = False
    images: tuple[DeployedImage, ...] = ()
    yaml_content: str = attrs.field(default="", repr=False)
    user_supplied_value: str = attrs.field(default="", repr=False)
    variables: tuple[RenderVariable, ...] = ()
    origin_revision: int = 0
    value_merge_strategy: str = ""


@attrs.frozen(kw_only=True)
class HelmChart(Received):
    """A chart and the values it is released with.

    Attributes:
        release_name: Name of the release.
        chart_repo: Chart repository.
        chart_name: Chart.
        chart_version: Version of the chart.
        values_yaml: Values as YAML.
        override_kvs: Values on top, as JSON text.
    """

    release_name: str = ""
    chart_repo: str = ""
    chart_name: str = ""
    chart_version: str = ""
    values_yaml: str = attrs.field(default="", repr=False)
    override_kvs: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class HelmChartDeploySpec(JobSpec):
    """`zadig-helm-chart-deploy`; one job for each release.

    `env_options` and `env_source` stay in `raw`: they describe the definition, not the run.
    """

    env: str = ""
    env_alias: str = ""
    production: bool = False
    skip_check_run_status: bool = False
    charts: tuple[HelmChart, ...] = ()


@attrs.frozen(kw_only=True)
class VMDeployedService(Received):
    """A service deployed to machines.

    Attributes:
        service_name: Service.
        service_module: Module.
        repos: Code used by the deployment script.
        artifact_url: Where the artifact is.
        image: Image, where one is deployed.
        deploy_artifact_type: `file`, `image` or `other`.
    """

    service_name: str = ""
    service_module: str = ""
    repos: tuple[Repository, ...] = ()
    artifact_url: str = ""
    image: str = ""
    deploy_artifact_type: str = ""


@attrs.frozen(kw_only=True)
class VMDeploySpec(JobSpec):
    """`zadig-vm-deploy`; always one service. Fields of the definition arrive empty and stay in `raw`."""

    env: str = ""
    env_alias: str = ""
    production: bool = False
    services: tuple[VMDeployedService, ...] = ()


@attrs.frozen(kw_only=True)
class CustomDeploySpec(JobSpec):
    """`custom-deploy`: one container of one workload.

    Attributes:
        image: Image it gets.
        target: `workload type/workload name/container name`.
        cluster_name: Cluster; empty if Zadig no longer knows it.
        namespace: Namespace.
        skip_check_run_status: Whether the job ends without waiting for the workload.
    """

    image: str = ""
    target: str = ""
    cluster_name: str = ""
    namespace: str = ""
    skip_check_run_status: bool = False


@attrs.frozen(kw_only=True)
class PatchItem(Received):
    """One patched resource.

    Attributes:
        resource_name: Name.
        resource_kind: Kind.
        resource_group: API group.
        resource_version: API version.
        patch_content: The patch.
        params: Variables rendered into it.
        patch_strategy: `strategic-merge`, `merge` or `json`.
        error: Why it failed, or empty.
    """

    resource_name: str = ""
    resource_kind: str = ""
    resource_group: str = ""
    resource_version: str = ""
    patch_content: str = attrs.field(default="", repr=False)
    params: tuple[Param, ...] = ()
    patch_strategy: str = ""
    error: str = ""


@attrs.frozen(kw_only=True)
class ResourcePatchSpec(JobSpec):
    """`k8s-resource-patch`."""

    cluster_id: str = ""
    namespace: str = ""
    items: tuple[PatchItem, ...] = ()


@attrs.frozen(kw_only=True)
class ServiceResult(Received):
    """How it went for one service that was taken offline.

    Attributes:
        service_name: Service.
        status: Its state.
        error: Why it failed, or empty.
    """

    service_name: str = ""
    status: Status = NOT_STARTED
    error: str = ""


@attrs.frozen(kw_only=True)
class OfflineServiceSpec(JobSpec):
    """`offline-service`.

    Attributes:
        env_type: Kind of environment, in Zadig's word.
        env_name: Key of the environment.
        namespace: Namespace.
        services: How it went for each service.
    """

    env_type: str = ""
    env_name: str = ""
    namespace: str = ""
    services: tuple[ServiceResult, ...] = ()


@attrs.frozen(kw_only=True)
class MseGrayOfflineSpec(JobSpec):
    """`mse-gray-offline`: the gray services of one tag are taken offline."""

    production: bool = False
    env: str = ""
    gray_tag: str = ""
    namespace: str = ""
    services: tuple[ServiceResult, ...] = ()
    events: tuple[Event, ...] = ()
