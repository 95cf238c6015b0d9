"""Specs of jobs that make or check something: build, freestyle, image distribution, test, scan, plugin.

Typed by the server (Zadig v4.1.0 workflow/service/workflow/workflow_task_v4.go:139-216,2087-2320).
"""

import attrs

from zadig_async.model.repository import Repository
from zadig_async.model.spec import JobSpec, Received
from zadig_async.model.variable import KeyValue, Param


@attrs.frozen(kw_only=True)
class BuildSpec(JobSpec):
    """`zadig-build` and `freestyle`.

    Attributes:
        repos: The code that was used, with commits once the job has run.
        image: The image made; empty until then.
        package: Path of the package made; empty where there is none.
        service_name: Service built; empty for a freestyle job.
        service_module: Module built; empty for a freestyle job.
        envs: Variables of the job.
    """

    repos: tuple[Repository, ...] = ()
    image: str = ""
    package: str = ""
    service_name: str = ""
    service_module: str = ""
    envs: tuple[KeyValue, ...] = ()


@attrs.frozen(kw_only=True)
class DistributedImage(Received):
    """One image copied from registry to registry.

    Attributes:
        source_image: Where it came from.
        target_image: Where it went.
        target_tag: Tag it got.
        service_name: Service it belongs to.
        service_module: Module it belongs to.
        update_tag: Whether it got a new tag at all.
    """

    source_image: str = ""
    target_image: str = ""
    target_tag: str = ""
    service_name: str = ""
    service_module: str = ""
    update_tag: bool = False


@attrs.frozen(kw_only=True)
class DistributeImageSpec(JobSpec):
    """`zadig-distribute-image`. The registry ids stay in `raw`: the server never fills them."""

    targets: tuple[DistributedImage, ...] = ()


@attrs.frozen(kw_only=True)
class TestSpec(JobSpec):
    """`zadig-test`.

    Attributes:
        repos: The code that was tested.
        junit_report: Whether there is a JUnit report; false until the job has ended.
        archive: Whether there are archived results; false until the job has ended.
        html_report: Whether there is an HTML report; false until the job has ended.
        project_key: Project the test belongs to.
        test_name: Name of the test.
        test_type: Empty, or `service_test`.
        service_name: Service tested by a service test.
        service_module: Module tested by a service test.
        envs: Variables of the job.
    """

    __test__ = False  # pytest would take the class for a test case

    repos: tuple[Repository, ...] = ()
    junit_report: bool = False
    archive: bool = False
    html_report: bool = False
    project_key: str = ""
    test_name: str = ""
    test_type: str = ""
    service_name: str = ""
    service_module: str = ""
    envs: tuple[KeyValue, ...] = ()


@attrs.frozen(kw_only=True)
class SonarMetrics(Received):
    """What SonarQube measured; every figure is text, as Sonar writes it, and empty if not measured.

    Attributes:
        quality_gate_status: `OK`, `WARN`, `ERROR` or `None`.
        lines_of_code: Lines of code without comments.
        bugs: Number of bugs.
        vulnerabilities: Number of vulnerabilities.
        code_smells: Number of code smells.
        coverage: Test coverage in percent.
    """

    quality_gate_status: str = ""
    lines_of_code: str = ""
    bugs: str = ""
    vulnerabilities: str = ""
    code_smells: str = ""
    coverage: str = ""


@attrs.frozen(kw_only=True)
class ScanSpec(JobSpec):
    """`zadig-scanning`.

    Attributes:
        scanning_type: Empty, or `service_scanning`.
        service_name: Service scanned by a service scan.
        service_module: Module scanned by a service scan.
        repos: The code that was scanned.
        sonar_metrics: What SonarQube measured, or None.
        has_artifact: Whether the results can be downloaded.
        link_url: Where the results can be read.
        scanning_name: Name of the scan.
        envs: Variables of the job.
    """

    scanning_type: str = ""
    service_name: str = ""
    service_module: str = ""
    repos: tuple[Repository, ...] = ()
    sonar_metrics: SonarMetrics | None = None
    has_artifact: bool = False
    link_url: str = ""
    scanning_name: str = ""
    envs: tuple[KeyValue, ...] = ()


@attrs.frozen(kw_only=True)
class PluginEnv(Received):
    """An environment variable of a plugin; the value may be a credential, so repr leaves it out."""

    name: str = ""
    value: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class PluginOutput(Received):
    """A variable a plugin hands on."""

    name: str = ""
    description: str = ""


@attrs.frozen(kw_only=True)
class PluginSpec(JobSpec):
    """`plugin`: the plugin with the inputs it got.

    Attributes:
        name: Name of the plugin.
        is_official: Whether Zadig's makers publish it.
        category: Category.
        description: Free text.
        repo_url: Where its definition comes from.
        version: Version.
        image: Image it runs in.
        args: Arguments.
        cmds: Commands.
        envs: Environment.
        inputs: Inputs with their values.
        outputs: Variables it hands on.
    """

    name: str = ""
    is_official: bool = False
    category: str = ""
    description: str = ""
    repo_url: str = ""
    version: str = ""
    image: str = ""
    args: tuple[str, ...] = attrs.field(default=(), repr=False)
    cmds: tuple[str, ...] = attrs.field(default=(), repr=False)
    envs: tuple[PluginEnv, ...] = ()
    inputs: tuple[Param, ...] = ()
    outputs: tuple[PluginOutput, ...] = ()
