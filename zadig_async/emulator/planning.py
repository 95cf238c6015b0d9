"""Turns the selected jobs of a workflow into the job tasks of one task, with the specs task detail shows.

Names and fan-out: Zadig v4.1.0 controller/job/utils.go:65-83; typed specs:
service/workflow/workflow_task_v4.go:2087-2526.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from zadig_async.emulator.directory import Directory
from zadig_async.emulator.joblog import stamp
from zadig_async.emulator.jsoncopy import clone
from zadig_async.emulator.shapes import Json, error_policy, key_value, manual_exec, param, with_head_commit
from zadig_async.emulator.state import JobDef, JobTask, StageTask, WorkflowDef
from zadig_async.emulator.typedspecs import TYPED, typed_spec

__all__ = ["PlanError", "finish_spec", "plan_stages", "start_spec"]


class PlanError(ValueError):
    """The selected jobs cannot become a task: 400 with code 6160, and the counter has already advanced."""


@attrs.define
class _Part:
    """One of the jobs that a configured job fans out into."""

    spec: Json
    key_parts: tuple[str, ...] = ()
    info: Json = attrs.field(factory=dict)


def plan_stages(
    workflow: WorkflowDef, task_id: int, directory: Directory, *, everything: bool = False
) -> list[StageTask]:
    """Plan the stages of a task.

    `workflow` is the task's own copy; its specs and those of the jobs may share parts. `everything` also
    runs what execute would have skipped (used for past tasks).

    Raises:
        PlanError: a force_run job is skipped, an environment or the approvers are missing, or nothing is
        left.
    """
    stages = []
    for stage_index, stage in enumerate(workflow.stages):
        jobs: list[JobTask] = []
        for job_index, job in enumerate(stage.jobs):
            if job.skipped and not everything:
                if job.run_policy == "force_run":
                    raise PlanError(f"job {job.name} skipped, but the run policy is set to force run")
                continue
            if job.run_policy == "skip" and not everything:
                continue
            parts = _fan_out(workflow, job, directory)
            jobs += [
                _job_task(job, (stage_index, job_index, index), part) for index, part in enumerate(parts)
            ]
        if jobs:
            stages.append(
                StageTask(
                    name=stage.name,
                    parallel=stage.parallel,
                    manual_exec=manual_exec(stage.manual_exec),
                    jobs=jobs,
                )
            )
    if not stages:
        raise PlanError(f"no stage found in workflow task: {workflow.key},taskID: {task_id}")
    return stages


def _job_task(job: JobDef, place: tuple[int, int, int], part: _Part) -> JobTask:
    typed = job.type in TYPED
    whole = {**part.spec, **clone(dict(job.script.task_spec))}
    spec: Json = typed_spec(job.type, whole) if typed else whole
    stage, index, sub = place
    names = (job.name, *part.key_parts)
    return JobTask(
        name=f"job-{stage}-{index}-{sub}-{job.name}",
        key=".".join(names),
        display_name="-".join(names),
        origin_name=job.name,
        type=job.type,
        spec=spec,
        raw=not typed,
        job_info={"job_name": job.name, **part.info},
        error_policy=error_policy(job.error_policy),
        script=job.script,
        fresh_spec=clone(spec),
    )


def _fan_out(workflow: WorkflowDef, job: JobDef, directory: Directory) -> list[_Part]:
    spec = job.spec
    match job.type:
        case "zadig-build":
            return [_build_part(item) for item in _selected_builds(spec)]
        case "zadig-deploy":
            return _deploy_parts(workflow, spec, directory)
        case "zadig-vm-deploy":
            return [
                _vm_part(spec, item, workflow, directory) for item in spec.get("service_and_vm_deploys") or ()
            ]
        case "zadig-test":
            return [_test_part(item) for item in spec.get("test_modules") or ()]
        case "zadig-scanning":
            return [_scan_part(item) for item in spec.get("scannings") or ()]
        case "custom-deploy":
            return [_custom_part(spec, item) for item in spec.get("targets") or ()]
        case "zadig-helm-chart-deploy":
            return [
                _Part({**spec, "deploy_helm_charts": [item]}) for item in spec.get("deploy_helm_charts") or ()
            ]
        case "freestyle":
            return [_Part({"repos": _repos(spec.get("repos")), "envs": _values(spec.get("envs"))})]
        case "plugin":
            return [_Part(_plugin_spec(spec.get("plugin") or {}))]
        case "approval":
            return [_Part(_approval_spec(spec, directory))]
        case "sql":
            statements = [
                {"sql": item, "elapsed_time": 0, "rows_affected": 0, "status": "not_exec"}
                for item in _statements(spec)
            ]
            return [
                _Part(
                    {
                        "detail": "",
                        "id": "",
                        "type": "mysql",
                        "sql": "",
                        **_without(spec, "source"),
                        "results": statements,
                    }
                )
            ]
        case "k8s-canary-deploy" | "k8s-gray-release" | "k8s-gray-rollback":
            return [_Part({**_without(spec, "targets"), **item}) for item in spec.get("targets") or ()]
        case "k8s-resource-patch":
            return [_Part(spec)] if spec.get("patch_items") else []
        case _:
            return [_Part(spec)]


def _without(spec: Json, *names: str) -> Json:
    return {key: value for key, value in spec.items() if key not in names}


def _repos(repos: Iterable[Mapping[str, Any]] | None) -> list[Json]:
    return [with_head_commit(item) for item in repos or ()]


def _values(values: Iterable[Mapping[str, Any]] | None) -> list[Json]:
    return [key_value(item) for item in values or ()]


def _selected_builds(spec: Json) -> list[Json]:
    return list(spec.get("service_and_builds") or spec.get("default_service_and_builds") or ())


def _build_part(item: Json) -> _Part:
    service, module = item.get("service_name", ""), item.get("service_module", "")
    return _Part(
        spec={
            "repos": _repos(item.get("repos")),
            "service_name": service,
            "service_module": module,
            "envs": _values(item.get("key_vals")),
        },
        key_parts=(service, module),
        info={"service_name": service, "service_module": module},
    )


def _environment(workflow: WorkflowDef, spec: Json, directory: Directory) -> Json:
    name = spec.get("env", "")
    found = directory.environment(workflow.project, name)
    if found is None:
        raise PlanError(
            f"failed to find env {name} in project {workflow.project}: mongo: no documents in result"
        )
    return {"env": found.name, "env_alias": found.alias, "production": found.production}


def _deploy_parts(workflow: WorkflowDef, spec: Json, directory: Directory) -> list[_Part]:
    environment = _environment(workflow, spec, directory)
    built: set[tuple[str, str]] | None = None
    services = list(spec.get("services") or ())
    if spec.get("source") == "fromjob":
        source = workflow.job(spec.get("job_name", ""))
        chosen = _selected_builds(source.spec) if source is not None and not source.skipped else []
        built = {(item.get("service_name", ""), item.get("service_module", "")) for item in chosen}
    parts = []
    for service in services:
        name = service.get("service_name", "")
        images = [
            {
                "service_name": name,
                "service_module": item.get("service_module", ""),
                "image": item.get("image", "") if built is None else "",  # rendered when the job starts
            }
            for item in service.get("modules") or ()
            if built is None or (name, item.get("service_module", "")) in built
        ]
        if images:
            parts.append(
                _Part(
                    spec={
                        **environment,
                        "service_type": spec.get("deploy_type") or "k8s",
                        "deploy_contents": spec.get("deploy_contents") or ["image"],
                        "skip_check_run_status": bool(spec.get("skip_check_run_status")),
                        "service_and_images": images,
                        "value_merge_strategy": service.get("value_merge_strategy", ""),
                    },
                    key_parts=(name,),
                    info={"service_name": name},
                )
            )
    return parts


def _vm_part(spec: Json, item: Json, workflow: WorkflowDef, directory: Directory) -> _Part:
    service, module = item.get("service_name", ""), item.get("service_module", "")
    deploy = typed_spec("vm-service", {**item, "repos": _repos(item.get("repos"))})
    return _Part(
        spec={**spec, **_environment(workflow, spec, directory), "service_and_vm_deploys": [deploy]},
        key_parts=(service,),
        info={"service_name": service, "service_module": module},
    )


def _test_part(item: Json) -> _Part:
    name = item.get("name", "")
    return _Part(
        spec={
            "repos": _repos(item.get("repos")),
            "project_name": item.get("project_name", ""),
            "test_name": name,
            "envs": _values(item.get("key_vals")),
        },
        key_parts=(name,),
        info={"testing_name": name},
    )


def _scan_part(item: Json) -> _Part:
    name = item.get("name", "")
    return _Part(
        spec={
            "repos": _repos(item.get("repos")),
            "scanning_name": name,
            "envs": _values(item.get("key_vals")),
        },
        key_parts=(name,),
        info={"scanning_name": name},
    )


def _custom_part(spec: Json, item: Json) -> _Part:
    return _Part(
        spec={
            "image": item.get("image", ""),
            "target": item.get("target", ""),
            "namespace": spec.get("namespace", ""),
            "skip_check_run_status": bool(spec.get("skip_check_run_status")),
        },
        info={"target": item.get("target", "")},
    )


def _plugin_spec(plugin: Json) -> Json:
    return {**plugin, "inputs": [param(item) for item in plugin.get("inputs") or ()]}


def _approval_spec(spec: Json, directory: Directory) -> Json:
    kept = ("approval_message", "description", "timeout", "type")
    result = {key: spec[key] for key in kept if spec.get(key) is not None}
    for kind in ("lark_approval", "dingtalk_approval", "workwx_approval"):
        if spec.get(kind) is not None:
            result[kind] = spec[kind]
            return result
    native = dict(spec.get("native_approval") or {})
    people: list[Json] = []
    for item in native.get("approve_users") or ():
        for person in (
            directory.members(item.get("group_name", "")) if item.get("type") == "group" else (item,)
        ):
            if person.get("type") != "task_creator" and person not in people:
                people.append(person)
    needed = int(native.get("needed_approvers") or 0)
    if not people:
        raise PlanError("num of approve-users is 0")
    if len(people) < needed:
        raise PlanError("all approve users should not less than needed approvers")
    native["approve_users"] = people
    result["native_approval"] = native
    return result


def _statements(spec: Json) -> list[str]:
    pieces = str(spec.get("sql") or "").split(";")
    return [f"{piece};".strip() for piece in pieces[:-1]] + [
        piece.strip() for piece in pieces[-1:] if piece.strip()
    ]


def start_spec(job: JobTask, stages: list[StageTask], workflow: WorkflowDef) -> None:
    """Fill in what the server renders when a job is about to run: the images that earlier jobs built."""
    if job.type != "zadig-deploy" or job.spec is None:
        return
    definition = workflow.job(job.origin_name)
    if definition is None or definition.spec.get("source") != "fromjob":
        return
    built = {
        (item.spec["service_name"], item.spec["service_module"]): item.spec["image"]
        for stage in stages
        for item in stage.jobs
        if item.type == "zadig-build" and item.spec is not None
    }
    for target in job.spec["service_and_images"]:
        target["image"] = built.get((target["service_name"], target["service_module"])) or target["image"]


def finish_spec(
    job: JobTask, task_id: int, moment: float, workflow: WorkflowDef, directory: Directory
) -> None:
    """Fill in what a passed job leaves behind: the image built, SQL results, test reports."""
    if job.spec is None:
        return
    if job.type == "zadig-build" and not job.spec["image"]:
        definition = workflow.job(job.origin_name)
        stored = definition.spec if definition is not None else {}
        prefix = directory.image_prefix(stored.get("docker_registry_id", ""))
        name = _image_name(stored, job.spec["service_name"], job.spec["service_module"])
        branch = job.spec["repos"][0]["branch"] if job.spec["repos"] else "main"
        compact = stamp(moment).replace("-", "").replace(":", "").replace(" ", "")
        job.spec["image"] = f"{prefix}/{name}:{compact}-{task_id}-{branch.replace('/', '-')}"
    elif job.type == "sql":
        for result in job.spec.get("results", ()):
            result.update(status="success", elapsed_time=12)
    elif job.type == "zadig-test":
        job.spec.update(junit_report=True, html_report=bool(job.spec["html_report"]))


def _image_name(stored: Json, service: str, module: str) -> str:
    for item in _selected_builds(stored):
        if (item.get("service_name"), item.get("service_module")) == (service, module):
            return str(item.get("image_name") or module)
    return module
