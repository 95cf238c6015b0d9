"""What execute's `inputs` and `parameters` do to a workflow, one stored job type at a time.

Source: Zadig v4.1.0 workflow/service/workflow/openapi.go:40-135, 317-389 and types.go:196-974.
"""

from collections.abc import Callable
from typing import Any

import attrs

from zadig_async.emulator.directory import Directory
from zadig_async.emulator.gostruct import GoTypeError, boolean, integer, items, member, strings, struct, text
from zadig_async.emulator.shapes import Json, repository
from zadig_async.emulator.state import WorkflowDef

__all__ = ["HandlerPanic", "InputError", "apply_inputs", "apply_parameters"]


class InputError(ValueError):
    """The server answers 500 with this description, and no task comes to be."""


class HandlerPanic(Exception):  # noqa: N818 - a Go panic is not an error value
    """The handler dereferences a nil pointer; the recovery middleware turns the panic into an empty 500."""


@attrs.frozen
class _Scene:
    directory: Directory
    project: str
    release: tuple[int, int, int]


def apply_parameters(
    workflow: WorkflowDef, parameters: list[Json], directory: Directory, release: tuple[int, int, int]
) -> None:
    """Set workflow variables; only string, text, choice and repo are honoured.

    Raises:
        InputError: unknown name, choice outside the options, unknown code host.
    """
    known = {item["name"]: item for item in workflow.params}
    for given in parameters:
        name, value = text(given, "name"), text(given, "value")
        target = known.get(name)
        if target is None:
            place = "workflow" if release >= (4, 2, 0) else f"workflow {workflow.key}"
            raise InputError(f"param {name} not found in {place}")
        match target["type"]:
            case "string" | "text":
                target["value"] = value
            case "choice":
                if value not in target.get("choice_option", ()):
                    raise InputError(f"invalid choice value {value} for param {name}")
                target["value"] = value
            case "repo":
                _set_repo(target, member(given, "repo"), directory)
            case _:
                pass


def _set_repo(target: Json, given: Json | None, directory: Directory) -> None:
    if given is None:
        raise HandlerPanic
    stored = target["repo"] or {}
    _overwrite_repo([stored], [given], directory)
    if target["repo"] is not None:
        target["repo"] = repository(stored)


def _overwrite_repo(stored: list[Json], given: list[Json], directory: Directory) -> list[Json]:
    """Overwrite branch, pr, prs and commit of stored repositories; return those that matched."""
    matched: list[Json] = []
    for item in given:
        host = directory.codehost(text(item, "codehost_name"))
        if host is None:
            raise InputError(f"failed to find code host with name:{text(item, 'codehost_name')}")
        place = (host.id, text(item, "repo_namespace"), text(item, "repo_name"))
        for repo in stored:
            if place != (repo.get("codehost_id"), repo.get("repo_namespace"), repo.get("repo_name")):
                continue
            repo.update(
                branch=text(item, "branch"),
                pr=integer(item, "pr"),
                prs=list(item.get("prs") or ()),
                enable_commit=boolean(item, "enable_commit"),
                commit_id=text(item, "commit_id"),
                commit_message="",
                author_name="",
            )
            matched.append(repo)
    return matched


def _set_values(stored: list[Json], given: list[Json], key: str = "key") -> None:
    by_key = {item.get(key): item for item in stored}
    for item in given:
        name = text(item, "key")
        if name in by_key:
            by_key[name]["value"] = text(item, "value")


def apply_inputs(
    workflow: WorkflowDef, inputs: list[Json], directory: Directory, release: tuple[int, int, int]
) -> None:
    """Select and edit the jobs named in `inputs`; every other job is marked skipped, gates included.

    Raises:
        InputError: a job type that cannot be selected, or an updater's complaint.
    """
    by_name = {text(item, "job_name"): item for item in inputs}
    scene = _Scene(directory, workflow.project, release)
    for stage in workflow.stages:
        for job in stage.jobs:
            given = by_name.get(job.name)
            job.skipped = given is None
            if given is None:
                continue
            updater = _UPDATERS.get(job.type)
            if updater is None:
                raise InputError(f"undefined job type of type:{job.type}")
            try:
                updater(job.spec, struct(given.get("parameters"), "parameters"), scene)
            except (InputError, GoTypeError) as failure:
                raise InputError(f"failed to update jobspec for job: {job.name}, err: {failure}") from None


def _nothing(_spec: Json, _given: Json, _scene: _Scene) -> None:
    """The job runs as configured, whatever is sent."""


def _build(spec: Json, given: Json, scene: _Scene) -> None:
    registry = scene.directory.registry_named(text(given, "registry"))
    if registry is None:
        raise InputError("didn't find the specified image registry")
    spec["docker_registry_id"] = registry
    options: dict[tuple[str, str], Json] = {}
    for item in [*(spec.get("service_and_builds") or ()), *(spec.get("default_service_and_builds") or ())]:
        options.setdefault((item.get("service_name", ""), item.get("service_module", "")), item)
    selected = []
    for item in items(given, "service_list"):
        option = options.get((text(item, "service_name"), text(item, "service_module")))
        if option is None:
            continue
        _overwrite_repo(option.get("repos") or [], items(item, "repo_info"), scene.directory)
        _set_values(option.get("key_vals") or [], items(item, "inputs"))
        selected.append(option)
    spec["service_and_builds"] = selected
    spec["default_service_and_builds"] = []


def _freestyle(spec: Json, given: Json, scene: _Scene) -> None:
    _set_values(spec.get("envs") or [], items(given, "kv"))
    if scene.release >= (4, 2, 0) and given.get("repo_info") is None:
        return
    spec["repos"] = _overwrite_repo(spec.get("repos") or [], items(given, "repo_info"), scene.directory)


def _plugin(spec: Json, given: Json, _scene: _Scene) -> None:
    _set_values((spec.get("plugin") or {}).get("inputs") or [], items(given, "kv"), key="name")


def _deploy(spec: Json, given: Json, _scene: _Scene) -> None:
    spec["env"] = text(given, "env_name")
    services: dict[str, Json] = {}
    for item in items(given, "service_list"):
        service = services.setdefault(
            text(item, "service_name"),
            {"service_name": text(item, "service_name"), "modules": [], "value_merge_strategy": ""},
        )
        service["modules"].append(
            {"service_module": text(item, "service_module"), "image": text(item, "image_name")}
        )
        service["value_merge_strategy"] = text(item, "value_merge_strategy")
    spec["services"] = list(services.values())


def _vm_deploy(spec: Json, given: Json, scene: _Scene) -> None:
    spec["env"] = text(given, "env_name")
    project = scene.directory.project(scene.project)
    artifacts = project.artifacts if project else ()
    selected: dict[str, Json] = {}
    for item in items(given, "service_list"):
        service, file_name = text(item, "service_name"), text(item, "file_name")
        if service in selected:
            raise InputError("cannot deploy 2 same service")
        if artifacts and file_name not in artifacts:
            raise InputError(f"failed to find file {file_name} in s3 storage")
        selected[service] = {"service_name": service, "service_module": service, "file_name": file_name}
    spec["service_and_vm_deploys"] = list(selected.values())


def _custom_deploy(spec: Json, given: Json, _scene: _Scene) -> None:
    spec["targets"] = [
        {
            "target": "/".join(
                text(item, part) for part in ("workload_type", "workload_name", "container_name")
            ),
            "image": text(item, "image_name"),
        }
        for item in items(given, "target_list")
    ]


def _edit_by_name(modules: list[Json], given: list[Json], name_field: str, scene: _Scene) -> None:
    by_name = {item.get("name"): item for item in modules}
    for item in given:
        module = by_name.get(text(item, name_field))
        if module is None:
            continue
        _overwrite_repo(module.get("repos") or [], items(item, "repo_info"), scene.directory)
        _set_values(module.get("key_vals") or [], items(item, "inputs"))


def _test(spec: Json, given: Json, scene: _Scene) -> None:
    _edit_by_name(spec.get("test_modules") or [], items(given, "testing_list"), "testing_name", scene)


def _scan(spec: Json, given: Json, scene: _Scene) -> None:
    _edit_by_name(spec.get("scannings") or [], items(given, "scanning_list"), "scanning_name", scene)


def _clear_targets(spec: Json, _given: Json, _scene: _Scene) -> None:
    """The server clears the targets before it looks for matches, so nothing is left to run."""
    spec["targets"] = []


def _gray_rollback(spec: Json, given: Json, _scene: _Scene) -> None:
    wanted = {text(item, "workload_name") for item in items(given, "target_list")}
    spec["targets"] = [item for item in spec.get("targets") or () if item.get("workload_name") in wanted]


def _resource_patch(spec: Json, given: Json, _scene: _Scene) -> None:
    names = ("resource_name", "resource_kind", "resource_group", "resource_version")
    kept = []
    for item in items(given, "target_list"):
        for patch in spec.get("patch_items") or ():
            if all(patch.get(name, "") == text(item, name) for name in names):
                _set_values(patch.get("params") or [], items(item, "inputs"), key="name")
                kept.append(patch)
    spec["patch_items"] = kept


def _sql(spec: Json, given: Json, _scene: _Scene) -> None:
    if spec.get("source") == "runtime":
        spec["id"] = text(given, "database_name")
    spec["sql"] = text(given, "sql")


def _tapd(spec: Json, given: Json, _scene: _Scene) -> None:
    spec.update(
        project_id=text(given, "project_id"),
        project_name=text(given, "project_name"),
        status=text(given, "status"),
        iterations=[
            {"iteration_id": item, "iteration_name": "", "start_date": "", "end_date": ""}
            for item in strings(given, "iteration_ids")
        ],
    )


_UPDATERS: dict[str, Callable[[Any, Json, _Scene], None]] = {
    "zadig-build": _build,
    "freestyle": _freestyle,
    "plugin": _plugin,
    "zadig-deploy": _deploy,
    "zadig-vm-deploy": _vm_deploy,
    "custom-deploy": _custom_deploy,
    "zadig-test": _test,
    "zadig-scanning": _scan,
    "k8s-blue-green-deploy": _nothing,
    "k8s-blue-green-release": _nothing,
    "k8s-canary-deploy": _clear_targets,
    "k8s-canary-release": _nothing,
    "k8s-gray-release": _clear_targets,
    "k8s-gray-rollback": _gray_rollback,
    "k8s-resource-patch": _resource_patch,
    "approval": _nothing,
    "sql": _sql,
    "tapd": _tapd,
}
"""The 18 job types that OpenAPI execute can select."""
