"""Inputs of jobs that make or check something: build, freestyle, plugin, test, scan."""

from collections.abc import Sequence
from typing import Any, ClassVar

import attrs

from zadig_async.model.exact import exact
from zadig_async.model.input import InputValue, JobInput, RepoInput, key_values, refuse_twice


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
    inputs: tuple[InputValue, ...] = attrs.field(default=(), converter=key_values)


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
        refuse_twice("BuildInput.services", [f"{s.service_name}/{s.service_module}" for s in services])


@attrs.frozen(kw_only=True, field_transformer=exact)
class FreestyleInput(JobInput):
    """`freestyle`: a script with these variables and this code.

    Attributes:
        inputs: Variables; one not named here keeps its configured value.
        repos: The code. Before v4.2 a repository not named here is removed from the run, all of them if
            none is named; from v4.2 naming none keeps all, naming some removes the others.
    """

    job_type: ClassVar[str] = "freestyle"
    inputs: tuple[InputValue, ...] = attrs.field(default=(), converter=key_values)
    repos: Sequence[RepoInput] = ()


@attrs.frozen(kw_only=True, field_transformer=exact)
class PluginInput(JobInput):
    """`plugin`.

    Attributes:
        inputs: Inputs of the plugin; one not named here keeps its configured value.
    """

    job_type: ClassVar[str] = "plugin"
    inputs: tuple[InputValue, ...] = attrs.field(default=(), converter=key_values)


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
    inputs: tuple[InputValue, ...] = attrs.field(default=(), converter=key_values)


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
