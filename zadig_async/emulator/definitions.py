"""Turns a scenario's workflows, and workflow definitions posted as YAML, into stored workflows and back."""

import re
from collections.abc import Mapping
from typing import Any

from zadig_async.emulator.directory import Directory
from zadig_async.emulator.script import (
    ApprovalScript,
    ErrorPolicyScript,
    JobScript,
    ParamScript,
    RepoScript,
    ServiceScript,
    StageScript,
    WorkflowScript,
)
from zadig_async.emulator.shapes import Json, notify_ctl, param, repository
from zadig_async.emulator.state import JobDef, StageDef, WorkflowDef

__all__ = ["DefinitionError", "from_document", "from_script", "to_document"]

_WORKFLOW_NAME = re.compile(r"[a-zA-Z0-9-]+")
_JOB_NAME = re.compile(r"[a-z\u4e00-\u9fa5][a-z0-9\u4e00-\u9fa5-]{0,31}")
_JOB_NAME_TEXT = "^[a-z\u4e00-\u9fa5][a-z0-9\u4e00-\u9fa5-]{0,31}$"


class DefinitionError(ValueError):
    """A posted definition is not acceptable; the text is the server's."""


def from_script(workflow: WorkflowScript, project: str, directory: Directory, now: float) -> WorkflowDef:
    """Store a workflow of the scenario."""
    month = 30 * 86_400
    created = int(now) - month if workflow.create_time is None else workflow.create_time
    return WorkflowDef(
        key=workflow.key,
        name=workflow.name,
        project=project,
        type=workflow.type,
        description=workflow.description,
        category=workflow.category,
        params=[_param(item, directory) for item in workflow.params],
        stages=[_stage(stage, directory) for stage in workflow.stages],
        notify_ctls=[dict(item) for item in workflow.notify_ctls],
        share_storages=[dict(item) for item in workflow.share_storages],
        concurrency_limit=workflow.concurrency_limit,
        disabled=workflow.disabled,
        enable_approval_ticket=workflow.enable_approval_ticket,
        created_by=workflow.created_by,
        create_time=created,
        updated_by=workflow.update_by,
        update_time=created if workflow.update_time is None else workflow.update_time,
        survives_cancel=workflow.survives_cancel,
    )


def _param(script: ParamScript, directory: Directory) -> Json:
    return param(
        {
            "name": script.name,
            "description": script.description,
            "type": script.type,
            "value": script.value,
            "repo": None if script.repo is None else _repo(script.repo, directory),
            "choice_option": script.choice_option,
            "choice_value": script.choice_value,
            "default": script.default,
            "is_credential": script.is_credential,
            "source": script.source,
        }
    )


def _repo(script: RepoScript, directory: Directory) -> Json:
    host = directory.codehost(script.codehost)
    return repository(
        {
            "source": host.type if host else "",
            "repo_owner": script.namespace,
            "repo_namespace": script.namespace,
            "repo_name": script.name,
            "branch": script.branch,
            "commit_id": script.commit_id,
            "commit_message": script.commit_message,
            "author_name": script.author,
            "is_primary": True,
            "codehost_id": host.id if host else 0,
            "oauth_token": script.token,
            "address": host.address if host else "",
        }
    )


def _variables(values: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value, "type": "string"} for key, value in values.items()]


def _stage(script: StageScript, directory: Directory) -> StageDef:
    manual: Json | None = None
    if script.manual_exec is not None:
        manual = {
            "enabled": script.manual_exec.enabled,
            "modify_params": script.manual_exec.modify_params,
            "manual_exec_users": [directory.wire_user(name) for name in script.manual_exec.users],
        }
    return StageDef(
        name=script.name,
        parallel=script.parallel,
        manual_exec=manual,
        jobs=[_job(job, directory) for job in script.jobs],
    )


def _job(script: JobScript, directory: Directory) -> JobDef:
    return JobDef(
        name=script.name,
        type=script.type,
        spec={**_default_spec(script, directory), **script.spec},
        run_policy=script.run_policy,
        error_policy=_error_policy(script.error_policy, directory),
        execute_policy=None if script.execute_policy is None else dict(script.execute_policy),
        script=script,
    )


def _error_policy(script: ErrorPolicyScript | None, directory: Directory) -> Json | None:
    if script is None:
        return None
    return {
        "policy": script.policy,
        "maximum_retry": script.maximum_retry,
        "approval_users": [directory.wire_user(name) for name in script.approval_users],
    }


def _service(service: ServiceScript, directory: Directory) -> Json:
    return {
        "build_name": service.build or f"{service.service}-build",
        "image_name": service.image or service.module,
        "key_vals": _variables(service.variables),
        "repos": [_repo(item, directory) for item in service.repos],
        "service_module": service.module,
        "service_name": service.service,
    }


def _default_spec(script: JobScript, directory: Directory) -> Json:
    """The stored spec that follows from the shorthands of a job script."""
    services = [_service(item, directory) for item in script.services]
    source = {"source": "fromjob" if script.from_job else "runtime", "job_name": script.from_job}
    targets = [
        {"service_name": item.service, "service_module": item.module, "image": item.image}
        for item in script.services
    ]
    environment = {
        "env": script.env,
        "env_source": "fixed" if script.env else "runtime",
        "production": directory.is_production(script.env),
    }
    match script.type:
        case "approval":
            return _approval(script.approval or ApprovalScript(), directory)
        case "freestyle":
            return {
                "envs": _variables(script.variables),
                "freestyle_type": "",
                "repos": [_repo(item, directory) for item in script.repos],
                "runtime": {"build_os": "focal", "image_from": "koderover", "infrastructure": "kubernetes"},
                "script": "#!/bin/bash\nset -e",
                "script_type": "shell",
            }
        case "zadig-build":
            return {
                "docker_registry_id": directory.first_registry_id(),
                "origin_job_name": "",
                "ref_repos": False,
                "default_service_and_builds": services,
                "service_and_builds": [],
                "source": source["source"],
            }
        case "zadig-deploy":
            return {
                **environment,
                **source,
                "deploy_contents": ["image"],
                "deploy_type": "k8s",
                "origin_job_name": "",
                "services": _group_by_service(targets),
                "skip_check_run_status": False,
            }
        case "zadig-test":
            return {
                "test_type": "",
                "source": source["source"],
                "test_modules": [
                    {
                        "name": item.service,
                        "project_name": "",
                        "repos": [_repo(repo, directory) for repo in item.repos],
                        "key_vals": _variables(item.variables),
                    }
                    for item in script.services
                ],
            }
        case "zadig-scanning":
            return {
                "scanning_type": "",
                "scannings": [
                    {"name": item.service, "repos": [_repo(repo, directory) for repo in item.repos]}
                    for item in script.services
                ],
            }
        case "zadig-vm-deploy":
            return {**environment, "service_and_vm_deploys": targets}
        case "custom-deploy":
            return {
                "namespace": script.env or "default",
                "cluster_id": "",
                "docker_registry_id": directory.first_registry_id(),
                "skip_check_run_status": False,
                "source": "runtime",
                "targets": [
                    {"target": f"Deployment/{item.service}/{item.module}", "image": item.image}
                    for item in script.services
                ],
            }
        case "plugin":
            inputs = [
                {"name": key, "type": "string", "value": value, "default": value}
                for key, value in script.variables.items()
            ]
            return {
                "plugin": {
                    "name": script.name,
                    "is_offical": False,
                    "version": "v0.0.1",
                    "image": "alpine:3.20",
                    "inputs": inputs,
                }
            }
        case "sql":
            return {"id": "", "type": "mysql", "sql": "", "source": "runtime"}
        case _:
            return {}


def _group_by_service(targets: list[Json]) -> list[Json]:
    services: dict[str, Json] = {}
    for target in targets:
        entry = services.setdefault(
            target["service_name"], {"service_name": target["service_name"], "modules": []}
        )
        entry["modules"].append({"service_module": target["service_module"], "image": target["image"]})
    return list(services.values())


def _approval(script: ApprovalScript, directory: Directory) -> Json:
    key_timeout = script.timeout if script.key_timeout is None else script.key_timeout
    people = [directory.wire_user(name) for name in script.users]
    people += [directory.wire_group(name) for name in script.groups]
    return {
        "approval_message": "",
        "approval_message_source": "",
        "description": script.description,
        "job_name": "",
        "native_approval": {
            "approve_users": people,
            "instance_code": "",
            "needed_approvers": script.needed_approvers,
            "reject_or_approve": "",
            "timeout": key_timeout,
        },
        "origin_job_name": "",
        "source": "runtime",
        "timeout": script.timeout,
        "type": "native",
    }


def from_document(document: Any, directory: Directory, behaviour: Mapping[str, JobScript]) -> WorkflowDef:
    """Read a posted definition (already parsed from YAML); `behaviour` says how known jobs behave.

    Raises:
        DefinitionError: what the server's lint would say.
    """
    if not isinstance(document, Mapping):
        raise DefinitionError("yaml: unmarshal errors: cannot unmarshal into models.WorkflowV4")
    project = _text(document, "project")
    if not project:
        raise DefinitionError("project should not be empty")
    if not directory.has_project(project):
        raise DefinitionError(f"failed to find project {project}: mongo: no documents in result")
    key = _text(document, "name")
    if not _WORKFLOW_NAME.fullmatch(key):
        raise DefinitionError("工作流标识支持大小写字母、数字和中划线")
    workflow = WorkflowDef(
        key=key,
        name=_text(document, "display_name"),
        project=project,
        description=_text(document, "description"),
        category=_text(document, "category"),
        params=[param(item) for item in _mappings(document, "params")],
        notify_ctls=_mappings(document, "notify_ctls"),
        share_storages=_mappings(document, "share_storages"),
        concurrency_limit=_number(document, "concurrency_limit"),
        disabled=document.get("disabled") is True,
        enable_approval_ticket=document.get("enable_approval_ticket") is True,
        created_by=_text(document, "created_by"),
        create_time=_number(document, "create_time"),
    )
    stage_names: set[str] = set()
    job_names: set[str] = set()
    for stage in _mappings(document, "stages"):
        name = _text(stage, "name")
        if name in stage_names:
            raise DefinitionError(f"duplicated stage name: {name}")
        stage_names.add(name)
        manual = stage.get("manual_exec")
        workflow.stages.append(
            StageDef(
                name=name,
                parallel=stage.get("parallel") is True,
                manual_exec=dict(manual) if isinstance(manual, Mapping) else None,
                jobs=[_posted_job(job, job_names, behaviour) for job in _mappings(stage, "jobs")],
            )
        )
    return workflow


def _posted_job(job: Json, seen: set[str], behaviour: Mapping[str, JobScript]) -> JobDef:
    name = _text(job, "name")
    if not _JOB_NAME.fullmatch(name):
        raise DefinitionError(f"job name [{name}] did not match {_JOB_NAME_TEXT}")
    if name in seen:
        raise DefinitionError(f"duplicated job name: {name}")
    seen.add(name)
    job_type = _text(job, "type")
    spec, policy, execute = job.get("spec"), job.get("error_policy"), job.get("execute_policy")
    return JobDef(
        name=name,
        type=job_type,
        spec=dict(spec) if isinstance(spec, Mapping) else {},
        run_policy=_text(job, "run_policy"),
        error_policy=dict(policy) if isinstance(policy, Mapping) else None,
        execute_policy=dict(execute) if isinstance(execute, Mapping) else None,
        skipped=job.get("skipped") is True,
        script=behaviour.get(name) or JobScript(name=name, type=job_type or "freestyle"),
    )


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if isinstance(value, Mapping | list):
        raise DefinitionError(f"yaml: unmarshal errors: cannot unmarshal !!{name} into string")
    return "" if value is None else str(value)


def _number(document: Mapping[str, Any], name: str) -> int:
    value = document.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise DefinitionError(f"yaml: unmarshal errors: cannot unmarshal `{value}` into int")
    return value


def _mappings(document: Mapping[str, Any], name: str) -> list[Json]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise DefinitionError(f"yaml: unmarshal errors: cannot unmarshal {name}")
    return [dict(item) for item in value]


def to_document(workflow: WorkflowDef) -> Json:
    """The definition as `GET /api/aslan/workflow/v4/name/:name` writes it, before YAML."""
    return {
        "name": workflow.key,
        "display_name": workflow.name,
        "disabled": workflow.disabled,
        "category": workflow.category,
        "params": workflow.params,
        "stages": [
            {
                "name": stage.name,
                "parallel": stage.parallel,
                "manual_exec": stage.manual_exec,
                "jobs": [
                    {
                        "name": job.name,
                        "type": job.type,
                        "skipped": job.skipped,
                        "spec": job.spec,
                        "run_policy": job.run_policy,
                        "error_policy": job.error_policy,
                        "execute_policy": job.execute_policy,
                        "service_modules": [],
                    }
                    for job in stage.jobs
                ],
            }
            for stage in workflow.stages
        ],
        "project": workflow.project,
        "description": workflow.description,
        "created_by": workflow.created_by,
        "create_time": workflow.create_time,
        "updated_by": workflow.updated_by,
        "update_time": workflow.update_time,
        "multi_run": False,
        "notify_ctls": [notify_ctl(item) for item in workflow.notify_ctls],
        "share_storages": workflow.share_storages,
        "concurrency_limit": workflow.concurrency_limit,
        "enable_approval_ticket": workflow.enable_approval_ticket,
    }
