"""A launch as a journal remembers it: everything but its values, and digests to know those again by."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from zadig_async.journal.digest import digest
from zadig_async.model.input import JobInput, RepoParam
from zadig_async.model.launch import ALL_JOBS, Launch
from zadig_async.model.variable import Param

_ALL = "all"


def recipe(launch: Launch, run: str) -> dict[str, Any]:
    """Return what a journal keeps of a launch.

    Args:
        launch: The launch.
        run: The run's id, which salts the digests.
    """
    return {
        "jobs": _ALL if launch.jobs is ALL_JOBS else list(launch.jobs),
        "allow_bypass": sorted(launch.allow_bypass),
        "params": {name: _param_digest(run, value) for name, value in launch.params.items()},
        "inputs": {job: _input_digest(run, given) for job, given in launch.inputs.items()},
    }


def rebuilt(
    project: str, workflow: str, kept: Mapping[str, Any], run: str, offered: Iterable[Launch] = ()
) -> Launch | None:
    """Make the launch anew, or return None where its values are not to be had.

    Args:
        project: Project key.
        workflow: Workflow key.
        kept: What the journal kept of it.
        run: The run's id.
        offered: Launches that may be it: one that agrees in everything is taken.
    """
    if not kept:
        return None  # a task that was taken over: there was no launch
    for launch in offered:
        if (launch.project, launch.workflow) == (project, workflow) and recipe(launch, run) == kept:
            return launch
    if kept["params"] or kept["inputs"]:
        return None
    return Launch(
        project,
        workflow,
        jobs=ALL_JOBS if kept["jobs"] == _ALL else kept["jobs"],
        allow_bypass=kept["allow_bypass"],
    )


def params_fit(kept: Mapping[str, Any], run: str, params: Iterable[Param]) -> bool:
    """Whether a task's variables have the values its launch has set, as far as a task shows them.

    Args:
        kept: What the journal kept of the launch.
        run: The run's id.
        params: The variables of the task.
    """
    shown = {param.name: param for param in params}
    for name, wanted in kept["params"].items():
        param = shown.get(name)
        if param is None:
            return False
        # A repository comes back with more in it than was sent, so it neither proves nor refutes.
        if param.type != "repo" and _param_digest(run, param.reveal()) != wanted:
            return False
    return True


def _param_digest(run: str, value: str | RepoParam) -> str:
    return digest(run, value if isinstance(value, str) else attrs.asdict(value))


def _input_digest(run: str, given: JobInput) -> str:
    return digest(run, {"type": given.job_type, **attrs.asdict(given)})
