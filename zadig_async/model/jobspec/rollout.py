"""Specs of jobs that shift a workload step by step: canary, blue-green, gray, MSE gray, Istio.

Two time-outs are left in `raw` on purpose: `deploy_timeout` and `rollback_timeout` of the gray jobs
and `timeout` of the Istio ones. The server multiplies them by 60 in place while the job runs, some more
than once, so that nobody can tell minutes from seconds (Zadig v4.1.0
.../workflowcontroller/jobcontroller/job_gray_release.go:217, job_istio_release.go:581).
"""

import attrs

from zadig_async.model.spec import DeployedImage, Event, JobSpec, Received


@attrs.frozen(kw_only=True)
class CanaryDeploySpec(JobSpec):
    """`k8s-canary-deploy`.

    Attributes:
        image: Image the canary gets.
        k8s_service_name: Kubernetes service whose traffic is shared.
        cluster_name: Cluster; empty if Zadig no longer knows it.
        namespace: Namespace.
        container_name: Container.
        canary_replica: Pods of the canary.
        events: What happened so far.
    """

    image: str = ""
    k8s_service_name: str = ""
    cluster_name: str = ""
    namespace: str = ""
    container_name: str = ""
    canary_replica: int = 0
    events: tuple[Event, ...] = ()


@attrs.frozen(kw_only=True)
class CanaryReleaseSpec(JobSpec):
    """`k8s-canary-release`: the canary's image goes to the whole workload.

    Attributes:
        image: Image the workload gets.
        k8s_service_name: Kubernetes service whose traffic is shared.
        cluster_name: Cluster; empty if Zadig no longer knows it.
        namespace: Namespace.
        container_name: Container.
        events: What happened so far.
    """

    image: str = ""
    k8s_service_name: str = ""
    cluster_name: str = ""
    namespace: str = ""
    container_name: str = ""
    events: tuple[Event, ...] = ()


@attrs.frozen(kw_only=True)
class BlueGreenService(Received):
    """A service with its two sides; manifests are left out of repr.

    Attributes:
        service_name: Service.
        blue_service_name: Kubernetes service of the new side.
        blue_service_yaml: Its manifest.
        blue_deployment_name: Deployment of the new side.
        blue_deployment_yaml: Its manifest.
        green_service_name: Kubernetes service of the live side.
        green_deployment_name: Deployment of the live side.
        images: Images of the new side.
    """

    service_name: str = ""
    blue_service_name: str = ""
    blue_service_yaml: str = attrs.field(default="", repr=False)
    blue_deployment_name: str = ""
    blue_deployment_yaml: str = attrs.field(default="", repr=False)
    green_service_name: str = ""
    green_deployment_name: str = ""
    images: tuple[DeployedImage, ...] = ()


@attrs.frozen(kw_only=True)
class BlueGreenDeploySpec(JobSpec):
    """`k8s-blue-green-deploy`: the new side is started beside the live one.

    Attributes:
        production: Whether the environment is a production environment.
        env: Key of the environment.
        service: The service, or None.
        events: What happened so far.
        deploy_timeout_seconds: How long the new side may take to get ready.
    """

    production: bool = False
    env: str = ""
    service: BlueGreenService | None = None
    events: tuple[Event, ...] = ()
    deploy_timeout_seconds: int = 0


@attrs.frozen(kw_only=True)
class BlueGreenReleaseSpec(JobSpec):
    """`k8s-blue-green-release`: the traffic moves to the new side.

    Attributes:
        production: Whether the environment is a production environment.
        env: Key of the environment.
        namespace: Namespace.
        service: The service, or None.
        events: What happened so far.
        deploy_timeout_seconds: How long the workload may take to get ready.
    """

    production: bool = False
    env: str = ""
    namespace: str = ""
    service: BlueGreenService | None = None
    events: tuple[Event, ...] = ()
    deploy_timeout_seconds: int = 0


@attrs.frozen(kw_only=True)
class GrayReleaseSpec(JobSpec):
    """`k8s-gray-release`: one step of a gray release.

    Attributes:
        cluster_id: Id of the cluster.
        cluster_name: Its name.
        namespace: Namespace.
        workload_type: Kind of workload.
        workload_name: The workload.
        container_name: Container.
        first_job: Whether it is the first step.
        image: Image that is released.
        gray_workload_name: The workload with the new image.
        gray_scale: Share of pods with the new image after this step, in percent.
        total_replica: Pods in all.
        gray_replica: Pods with the new image.
        events: What happened so far.
    """

    cluster_id: str = ""
    cluster_name: str = ""
    namespace: str = ""
    workload_type: str = ""
    workload_name: str = ""
    container_name: str = ""
    first_job: bool = False
    image: str = ""
    gray_workload_name: str = ""
    gray_scale: int = 0
    total_replica: int = 0
    gray_replica: int = 0
    events: tuple[Event, ...] = ()


@attrs.frozen(kw_only=True)
class GrayRollbackSpec(JobSpec):
    """`k8s-gray-rollback`: the workload gets its former image and size back.

    Attributes:
        cluster_id: Id of the cluster.
        cluster_name: Its name.
        namespace: Namespace.
        workload_type: Kind of workload.
        workload_name: The workload.
        container_name: Container.
        image: Image it gets back.
        gray_workload_name: The workload that is removed.
        total_replica: Pods it gets back.
        events: What happened so far.
    """

    cluster_id: str = ""
    cluster_name: str = ""
    namespace: str = ""
    workload_type: str = ""
    workload_name: str = ""
    container_name: str = ""
    image: str = ""
    gray_workload_name: str = ""
    total_replica: int = 0
    events: tuple[Event, ...] = ()


@attrs.frozen(kw_only=True)
class MseGrayService(Received):
    """A service with its gray side; the manifest is left out of repr.

    Attributes:
        service_name: Service.
        replicas: Pods of the gray side.
        yaml_content: Its manifest.
        images: Its images.
    """

    service_name: str = ""
    replicas: int = 0
    yaml_content: str = attrs.field(default="", repr=False)
    images: tuple[DeployedImage, ...] = ()


@attrs.frozen(kw_only=True)
class MseGrayReleaseSpec(JobSpec):
    """`mse-gray-release`: a gray side that gets tagged traffic.

    Attributes:
        production: Whether the environments are production environments.
        gray_tag: Tag of the traffic.
        base_env: Environment of the live side.
        gray_env: Environment of the gray side.
        skip_check_run_status: Whether the job ends without waiting for the workload.
        service: The service, or None.
        events: What happened so far.
        timeout_seconds: How long the gray side may take to get ready.
    """

    production: bool = False
    gray_tag: str = ""
    base_env: str = ""
    gray_env: str = ""
    skip_check_run_status: bool = False
    service: MseGrayService | None = None
    events: tuple[Event, ...] = ()
    timeout_seconds: int = 0


@attrs.frozen(kw_only=True)
class IstioTarget(Received):
    """The workload whose traffic is split.

    Attributes:
        workload_name: Workload.
        container_name: Container.
        virtual_service_name: Istio virtual service.
        host: Host of the traffic.
        image: Image it gets.
        current_replica: Pods of the live side.
        target_replica: Pods of the new side.
    """

    workload_name: str = ""
    container_name: str = ""
    virtual_service_name: str = ""
    host: str = ""
    image: str = ""
    current_replica: int = 0
    target_replica: int = 0


@attrs.frozen(kw_only=True)
class IstioReleaseSpec(JobSpec):
    """`istio-release`: one step of a release by traffic weight.

    Attributes:
        first_job: Whether it is the first step.
        cluster_id: Id of the cluster.
        cluster_name: Its name.
        namespace: Namespace.
        weight: Traffic of the new side after this step, in percent.
        replica_percentage: Pods of the new side after this step, in percent.
        replicas: Pods of the new side after this step.
        target: The workload, or None.
        events: What happened so far.
    """

    first_job: bool = False
    cluster_id: str = ""
    cluster_name: str = ""
    namespace: str = ""
    weight: int = 0
    replica_percentage: int = 0
    replicas: int = 0
    target: IstioTarget | None = None
    events: tuple[Event, ...] = ()


@attrs.frozen(kw_only=True)
class IstioRollbackSpec(JobSpec):
    """`istio-rollback`: the workload gets its former image and size back.

    Attributes:
        cluster_id: Id of the cluster.
        cluster_name: Its name.
        namespace: Namespace.
        image: Image it gets back.
        replicas: Pods it gets back.
        target: The workload, or None.
    """

    cluster_id: str = ""
    cluster_name: str = ""
    namespace: str = ""
    image: str = ""
    replicas: int = 0
    target: IstioTarget | None = None
