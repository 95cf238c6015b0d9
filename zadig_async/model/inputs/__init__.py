"""Inputs: what a launch asks of a job, one class for each job type Zadig lets a trigger select.

In here: the classes by family, and which types there are. Not in here: JSON keys (`zadig_async.wire`),
reading from files (`zadig_async.model.input_reader`), and what a job of a run did
(`zadig_async.model.jobspec`).

Facts about the server are those of Zadig v4.1.0 workflow/service/workflow/types.go:196-974; each class
tells what the server makes of its fields, since that often differs from what the official page says.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zadig_async.model.input import InputValue, JobInput, RawInput, RepoInput, RepoParam
from zadig_async.model.inputs.build import (
    BuildInput,
    BuildService,
    FreestyleInput,
    PluginInput,
    ScanInput,
    ScanningInput,
    TestingInput,
    TestInput,
)
from zadig_async.model.inputs.deploy import (
    CustomDeployInput,
    DeployInput,
    DeployService,
    DeployTarget,
    PatchTarget,
    ResourcePatchInput,
    VMDeployInput,
    VMDeployService,
)
from zadig_async.model.inputs.outside import ApprovalInput, SqlInput, TapdInput
from zadig_async.model.inputs.rollout import (
    BlueGreenDeployInput,
    BlueGreenReleaseInput,
    CanaryDeployInput,
    CanaryReleaseInput,
    GrayReleaseInput,
    GrayRollbackInput,
    RollbackTarget,
    ServiceImage,
)

__all__ = [
    "INPUT_OF",
    "RUNS_AS_CONFIGURED",
    "SELECTABLE",
    "WITHOUT_EFFECT",
    "ApprovalInput",
    "BlueGreenDeployInput",
    "BlueGreenReleaseInput",
    "BuildInput",
    "BuildService",
    "CanaryDeployInput",
    "CanaryReleaseInput",
    "CustomDeployInput",
    "DeployInput",
    "DeployService",
    "DeployTarget",
    "FreestyleInput",
    "GrayReleaseInput",
    "GrayRollbackInput",
    "InputValue",
    "JobInput",
    "PatchTarget",
    "PluginInput",
    "RawInput",
    "RepoInput",
    "RepoParam",
    "ResourcePatchInput",
    "RollbackTarget",
    "ScanInput",
    "ScanningInput",
    "ServiceImage",
    "SqlInput",
    "TapdInput",
    "TestInput",
    "TestingInput",
    "VMDeployInput",
    "VMDeployService",
]

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
