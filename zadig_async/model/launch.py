"""`Launch`: what to run, said in full."""

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.ids import WorkflowRef
from zadig_async.model.input import JobInput, RepoParam


class _All(Enum):
    JOBS = "all jobs"

    def __repr__(self) -> str:
        return "ALL_JOBS"


ALL_JOBS: Final = _All.JOBS
"""Every selectable job of the live definition, gates included, `default_not_run` left out."""

AllJobs = Literal[_All.JOBS]


def _names(value: "Iterable[str] | AllJobs") -> "tuple[str, ...] | AllJobs":
    if value is ALL_JOBS:
        return value
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigError(
            f"Launch.jobs: expected a list of job names, got {type(value).__name__}",
            hint='Write jobs=["build"], or jobs=ALL_JOBS.',
        )
    names = tuple(value)
    for name in names:
        given: object = name
        if not isinstance(given, str) or not given:
            raise ConfigError(f"Launch.jobs: expected job names, got {type(given).__name__}")
    if len(set(names)) != len(names):
        raise ConfigError("Launch.jobs: a job is named twice")
    return names


def _bypass(value: "Iterable[str]") -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigError(
            f"Launch.allow_bypass: expected gate names, got {type(value).__name__}",
            hint='Write allow_bypass=["approve-prod"].',
        )
    return frozenset(value)


def _params(value: Mapping[str, str | RepoParam]) -> Mapping[str, str | RepoParam]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"Launch.params: expected a mapping of names to values, got {type(value).__name__}")
    for name, item in value.items():
        if not isinstance(name, str):
            raise ConfigError(f"Launch.params: expected names as strings, got {type(name).__name__}")
        if not isinstance(item, str | RepoParam):
            raise ConfigError(
                f"Launch.params[{name!r}]: expected a string or RepoParam, got {type(item).__name__}",
                hint="Zadig takes every value as text: write it as a string.",
            )
    return MappingProxyType(dict(value))


def _inputs(value: Mapping[str, JobInput]) -> Mapping[str, JobInput]:
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"Launch.inputs: expected a mapping of job names to inputs, got {type(value).__name__}"
        )
    for name, item in value.items():
        given: object = item
        if not isinstance(given, JobInput):
            raise ConfigError(f"Launch.inputs[{name!r}]: expected a JobInput, got {type(given).__name__}")
    return MappingProxyType(dict(value))


@attrs.frozen(kw_only=True)
class Launch:
    """One workflow to run, with everything that decides what will run.

    Zadig skips every job a trigger does not name, approval jobs included, and says nothing about names
    it does not know. So a launch says what runs, and the orchestrator checks it against the live
    definition before it sends anything.

    Attributes:
        project: Project key.
        workflow: Workflow key.
        params: Workflow variables by name. Zadig only applies those of type string, text, choice and repo.
        jobs: Configured names of jobs to run as they are configured, or `ALL_JOBS`.
        inputs: Typed inputs by configured job name; such a job runs with these instead.
        allow_bypass: Gates (configured job names of type approval) this launch leaves out on purpose.

    Raises:
        ConfigError: A field is of the wrong kind, or neither `jobs` nor `inputs` names a job.
    """

    project: str = attrs.field(kw_only=False)
    workflow: str = attrs.field(kw_only=False)
    params: Mapping[str, str | RepoParam] = attrs.field(
        factory=dict, converter=_params, repr=lambda v: repr(sorted(v))
    )
    jobs: tuple[str, ...] | AllJobs = attrs.field(default=(), converter=_names)
    inputs: Mapping[str, JobInput] = attrs.field(factory=dict, converter=_inputs)
    allow_bypass: frozenset[str] = attrs.field(default=frozenset(), converter=_bypass)

    def __attrs_post_init__(self) -> None:
        WorkflowRef(self.project, self.workflow)
        if not self.jobs and not self.inputs:
            raise ConfigError(
                f"{self.project}/{self.workflow}: this launch names no job, so Zadig would run nothing",
                hint="Give jobs=[...] to run as configured, inputs={...}, or jobs=ALL_JOBS.",
            )

    @property
    def ref(self) -> WorkflowRef:
        """The workflow to run."""
        return WorkflowRef(self.project, self.workflow)
