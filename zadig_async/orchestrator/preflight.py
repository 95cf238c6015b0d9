"""A launch against the live definition: what will run, or every reason why it must not be sent.

The server skips jobs that are not named, gates included, and ignores names and values it does not know.
What it would do silently is refused here aloud, before anything is sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

import attrs

from zadig_async.errors import ConfigError, PreflightError
from zadig_async.model.inputs import SELECTABLE, JobInput, RawInput, RepoParam
from zadig_async.model.launch import ALL_JOBS, Launch
from zadig_async.model.variable import Param
from zadig_async.model.workflow import Job, Registry, Workflow, WorkflowSummary
from zadig_async.orchestrator.approve_key import collision
from zadig_async.orchestrator.configured import NotConfiguredError, configured_input

_TEXT_PARAMS: Final = frozenset({"string", "text", "choice"})


@attrs.frozen
class Plan:
    """What a launch will send.

    Attributes:
        launch: The launch.
        inputs: The input of every job that will run, by configured name, in the workflow's order.
        workflow: The definition it was compared with.
    """

    launch: Launch
    inputs: Mapping[str, JobInput]
    workflow: Workflow


def needs_registries(launch: Launch, workflow: Workflow) -> bool:
    """Whether the registries must be read to run this launch: a build runs as configured."""
    return any(
        job.type == "zadig-build" and job.name not in launch.inputs for job in _chosen(launch, workflow)
    )


def plan(
    launch: Launch, workflow: Workflow, listed: Sequence[WorkflowSummary], registries: Sequence[Registry] = ()
) -> Plan:
    """Compare a launch with the live definition.

    Args:
        launch: What to run.
        workflow: The definition as read just now.
        listed: The project's workflow list: the definition itself does not tell whose it is.
        registries: The installation's registries where `needs_registries` says so.

    Raises:
        PreflightError: With every finding.
    """
    findings = list(_findings(launch, workflow, listed))
    inputs: dict[str, JobInput] = {}
    others = {job.name: launch.inputs.get(job.name) for job in _chosen(launch, workflow)}
    for job in _chosen(launch, workflow):
        if job.type not in SELECTABLE:
            continue
        try:
            inputs[job.name] = launch.inputs.get(job.name) or configured_input(
                job, workflow, registries, others
            )
        except (NotConfiguredError, ConfigError) as error:
            findings.append(f"job {job.name!r}: {error}")
    if not inputs and not findings:
        findings.append("no job is left to run")
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise PreflightError(f"{launch.ref}: {findings[0]}{more}", findings=findings)
    return Plan(launch, inputs, workflow)


def _chosen(launch: Launch, workflow: Workflow) -> Iterator[Job]:
    """Yield the jobs a launch runs, in the workflow's order."""
    for job in workflow.jobs():
        if job.name in launch.inputs:
            yield job
        elif launch.jobs is ALL_JOBS:
            if job.type in SELECTABLE and job.run_policy not in {"default_not_run", "skip"}:
                yield job
        elif job.name in launch.jobs:
            yield job


def _findings(launch: Launch, workflow: Workflow, listed: Sequence[WorkflowSummary]) -> Iterator[str]:
    if launch.workflow not in {summary.workflow_key for summary in listed}:
        yield f"the workflow is not in the project {launch.project!r}: the server would not notice"
    if workflow.concurrency_limit == 0:
        yield "its concurrency limit is 0, so a task would wait for ever: set it in Zadig"
    yield from _unknown_jobs(launch, workflow)
    yield from _unfit_jobs(launch, workflow)
    yield from _left_out(launch, workflow)
    yield from _colliding_gates(launch, workflow, listed)
    yield from _unfit_params(launch, workflow)


def _unknown_jobs(launch: Launch, workflow: Workflow) -> Iterator[str]:
    known = [job.name for job in workflow.jobs()]
    named = () if launch.jobs is ALL_JOBS else launch.jobs
    for name in dict.fromkeys((*named, *launch.inputs)):
        if name not in known:
            yield f"there is no job {name!r}: the server would ignore it{_meant(name, known)}"
    for name in launch.allow_bypass:
        if name not in known:
            yield f"allow_bypass names {name!r}, and there is no such job{_meant(name, known)}"


def _unfit_jobs(launch: Launch, workflow: Workflow) -> Iterator[str]:
    for job in _chosen(launch, workflow):
        if job.type not in SELECTABLE:
            yield f"job {job.name!r} is of type {job.type}, which this API cannot run"
        given = launch.inputs.get(job.name)
        if given is not None and not isinstance(given, RawInput) and given.job_type != job.type:
            yield f"job {job.name!r} is of type {job.type}, but its input is for {given.job_type}"


def _left_out(launch: Launch, workflow: Workflow) -> Iterator[str]:
    runs = {job.name for job in _chosen(launch, workflow)}
    last = max((index for index, job in enumerate(workflow.jobs()) if job.name in runs), default=-1)
    for index, job in enumerate(workflow.jobs()):
        if job.name in runs:
            continue
        if job.run_policy == "force_run":
            yield f"job {job.name!r} must always run, and this launch leaves it out"
        elif job.type == "approval" and index < last and job.name not in launch.allow_bypass:
            yield (
                f"the gate {job.name!r} would be skipped: "
                "name it in jobs, or in allow_bypass if that is meant"
            )


def _colliding_gates(launch: Launch, workflow: Workflow, listed: Sequence[WorkflowSummary]) -> Iterator[str]:
    others = [summary.workflow_key for summary in listed]
    for number, stage in enumerate(workflow.stages):
        for place, job in enumerate(stage.jobs):
            if job.type != "approval":
                continue
            other = collision(launch.workflow, f"job-{number}-{place}-0-{job.name}", others)
            if other is not None:
                yield (
                    f"a vote at the gate {job.name!r} could count for a gate of {other!r}: "
                    "their names run together, so rename one of them"
                )


def _unfit_params(launch: Launch, workflow: Workflow) -> Iterator[str]:
    known = {param.name: param for param in workflow.params}
    for name, value in launch.params.items():
        param = known.get(name)
        if param is None:
            yield f"there is no workflow variable {name!r}{_meant(name, list(known))}"
        else:
            yield from _unfit_value(param, value)


def _unfit_value(param: Param, value: str | RepoParam) -> Iterator[str]:
    if param.type == "repo":
        if not isinstance(value, RepoParam):
            yield f"the variable {param.name!r} is a repository: give a RepoParam"
    elif param.type not in _TEXT_PARAMS:
        yield f"the variable {param.name!r} is of type {param.type}, which this API ignores"
    elif isinstance(value, RepoParam):
        yield f"the variable {param.name!r} takes text, not a repository"
    elif param.type == "choice" and value not in param.choice_option:
        yield f"the variable {param.name!r} takes one of: {', '.join(param.choice_option)}"


def _meant(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are: {', '.join(known)}" if known else ""
