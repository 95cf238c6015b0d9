"""The names of `wire.names` for the inputs of a trigger."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zadig_async.model import inputs

_SERVICES: Final = MappingProxyType({"services": "service_list"})
_TARGETS: Final = MappingProxyType({"targets": "target_list"})
_REPOS: Final = MappingProxyType({"repos": "repo_info"})

RENAMES: Final[Mapping[type, Mapping[str, str]]] = MappingProxyType(
    {
        inputs.BuildInput: _SERVICES,
        inputs.BuildService: _REPOS,
        inputs.FreestyleInput: {**_REPOS, "inputs": "kv"},
        inputs.PluginInput: {"inputs": "kv"},
        inputs.DeployInput: _SERVICES,
        inputs.VMDeployInput: _SERVICES,
        inputs.CustomDeployInput: _TARGETS,
        inputs.TestInput: {"tests": "testing_list"},
        inputs.TestingInput: _REPOS,
        inputs.ScanInput: {"scans": "scanning_list"},
        inputs.ScanningInput: _REPOS,
        inputs.BlueGreenDeployInput: _SERVICES,
        inputs.CanaryDeployInput: _SERVICES,
        inputs.GrayReleaseInput: _TARGETS,
        inputs.GrayRollbackInput: _TARGETS,
        inputs.ResourcePatchInput: _TARGETS,
    }
)
"""Zadig's name of a field, by class and field name."""
