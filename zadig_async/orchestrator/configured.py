"""A job's input as it is configured: what to send so that the server changes nothing.

The trigger has no way to say "as configured": it overwrites environments, services, SQL and
repositories with whatever the input holds, also with nothing (Zadig v4.1.0 workflow/service/workflow/
types.go:196-974). So the input is made from the live definition; where that does not hold enough, the
job is refused rather than run with holes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zadig_async.model.inputs import (
    INPUT_OF,
    RUNS_AS_CONFIGURED,
    BuildInput,
    BuildService,
    CustomDeployInput,
    DeployInput,
    DeployService,
    DeployTarget,
    FreestyleInput,
    JobInput,
    SqlInput,
)
from zadig_async.model.workflow import Job, Registry, Workflow


class NotConfiguredError(Exception):
    """The definition does not hold enough to run a job as configured; the text says what to give."""


def configured_input(
    job: Job, workflow: Workflow, registries: Sequence[Registry], others: Mapping[str, JobInput | None]
) -> JobInput:
    """Return the input that runs a job as it is configured.

    Args:
        job: The job.
        workflow: The workflow it is in, for jobs that take their services from another one.
        registries: The installation's registries, needed for builds.
        others: Every job of the launch by name, with the input given for it, or None where it runs as
            configured.

    Raises:
        NotConfiguredError: The definition does not hold enough.
    """
    spec = job.spec or {}
    match job.type:
        case "zadig-build":
            return _build(spec, registries)
        case "zadig-deploy":
            return _deploy(spec, workflow, others)
        case "freestyle":
            if any(_objects(spec.get("repos"))):
                raise NotConfiguredError(
                    "it checks out repositories, which servers before v4.2 drop unless they are named: "
                    "give a FreestyleInput with repos"
                )
            return FreestyleInput()
        case "custom-deploy":
            return _custom_deploy(spec)
        case "sql":
            return SqlInput(sql=_given(spec, "sql", "its SQL is not configured: give a SqlInput"))
    if job.type in RUNS_AS_CONFIGURED:
        return INPUT_OF[job.type]()
    raise NotConfiguredError(f"a job of type {job.type} cannot be run as configured: give its input")


def _build(spec: Mapping[str, Any], registries: Sequence[Registry]) -> BuildInput:
    wanted = spec.get("docker_registry_id")
    registry = next((known for known in registries if known.registry_id == wanted), None)
    if registry is None:
        raise NotConfiguredError("its image registry is not among the server's registries: give a BuildInput")
    services = [
        BuildService(service_name=service, service_module=module) for service, module in _build_services(spec)
    ]
    if not services:
        raise NotConfiguredError("no service is selected by default: give a BuildInput with services")
    return BuildInput(registry=registry.name, services=services)


def _build_services(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    for field in ("default_service_and_builds", "service_and_builds"):
        chosen = [
            (_text(entry.get("service_name")), _text(entry.get("service_module")))
            for entry in _objects(spec.get(field))
        ]
        if chosen:
            return chosen
    return []


def _deploy(
    spec: Mapping[str, Any], workflow: Workflow, others: Mapping[str, JobInput | None]
) -> DeployInput:
    env = _given(spec, "env", "its environment is not configured: give a DeployInput with env_name")
    if spec.get("source") == "fromjob":
        origin = _text(spec.get("origin_job_name")) or _text(spec.get("job_name"))
        source = workflow.job(origin)
        if source is None or source.type != "zadig-build":
            raise NotConfiguredError(
                f"it deploys what {origin!r} yields, which is no build job here: give a DeployInput"
            )
        if origin not in others:
            raise NotConfiguredError(
                f"it deploys what {origin!r} yields, which this launch leaves out: "
                "name that job too, or give a DeployInput"
            )
        given = others[origin]
        if given is None:
            built = _build_services(source.spec or {})
        elif isinstance(given, BuildInput):
            built = [(service.service_name, service.service_module) for service in given.services]
        else:
            raise NotConfiguredError(
                f"it deploys what {origin!r} yields, whose input is raw: give a DeployInput"
            )
        services = [DeployService(service_name=service, service_module=module) for service, module in built]
    else:
        services = [
            DeployService(
                service_name=_text(entry.get("service_name")),
                service_module=_text(module.get("service_module")),
                image_name=_text(module.get("image")),
            )
            for entry in _objects(spec.get("services"))
            for module in _objects(entry.get("modules"))
        ]
    if not services:
        raise NotConfiguredError("no service is selected by default: give a DeployInput with services")
    return DeployInput(env_name=env, services=services)


def _custom_deploy(spec: Mapping[str, Any]) -> CustomDeployInput:
    targets = [
        DeployTarget(
            workload_type=kind,
            workload_name=workload,
            container_name=container,
            image_name=_text(entry.get("image")),
        )
        for entry in _objects(spec.get("targets"))
        for kind, workload, container in _target(entry)
    ]
    if not targets:
        raise NotConfiguredError("no target is configured: give a CustomDeployInput with targets")
    return CustomDeployInput(targets=targets)


def _target(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    parts = _text(entry.get("target")).split("/")
    if len(parts) == 3:  # the server writes type/workload/container
        yield parts[0], parts[1], parts[2]


def _given(spec: Mapping[str, Any], field: str, otherwise: str) -> str:
    value = _text(spec.get(field))
    if not value:
        raise NotConfiguredError(otherwise)
    return value


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, Mapping))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
