"""The specs that task detail builds field by field: their order and zero values, one table per job type.

Source: Zadig v4.1.0 service/workflow/workflow_task_v4.go:2087-2526. Types not listed here show their raw
stored spec.
"""

from collections.abc import Mapping
from typing import Any

from zadig_async.emulator.jsoncopy import clone
from zadig_async.emulator.shapes import Json

__all__ = ["TYPED", "typed_spec"]

_BUILD: Json = {"repos": [], "image": "", "package": "", "service_name": "", "service_module": "", "envs": []}

_LAYOUTS: dict[str, Json] = {
    "zadig-build": _BUILD,
    "freestyle": _BUILD,
    "zadig-distribute-image": {"source_registry_id": "", "target_registry_id": "", "distribute_target": []},
    "zadig-test": {
        "repos": [],
        "junit_report": False,
        "archive": False,
        "html_report": False,
        "project_name": "",
        "test_name": "",
        "test_type": "",
        "service_name": "",
        "service_module": "",
        "envs": [],
    },
    "zadig-scanning": {
        "scanning_type": "",
        "service_name": "",
        "service_module": "",
        "repos": [],
        "sonar_metrics": None,
        "is_has_artifact": False,
        "link_url": "",
        "scanning_name": "",
        "envs": [],
    },
    "zadig-deploy": {
        "env": "",
        "env_alias": "",
        "production": False,
        "service_type": "k8s",
        "deploy_contents": [],
        "skip_check_run_status": False,
        "service_and_images": [],
        "yaml_content": "",
        "user_supplied_value": "",
        "variable_kvs": [],
        "origin_revision": 0,
        "value_merge_strategy": "",
    },
    "zadig-helm-chart-deploy": {
        "env": "",
        "production": False,
        "env_alias": "",
        "env_options": [],
        "env_source": "",
        "skip_check_run_status": False,
        "deploy_helm_charts": [],
    },
    "zadig-vm-deploy": {
        "env": "",
        "production": False,
        "env_alias": "",
        "env_options": [],
        "s3_storage_id": "",
        "docker_registry_id": "",
        "source": "",
        "job_name": "",
        "ref_repos": False,
        "service_and_vm_deploys": [],
    },
    "vm-service": {
        "repos": [],
        "service_name": "",
        "service_module": "",
        "artifact_url": "",
        "file_name": "",
        "image": "",
        "task_id": 0,
        "workflow_type": "",
        "workflow_name": "",
        "job_task_name": "",
        "deploy_artifact_type": "",
    },
    "plugin": {
        "name": "",
        "is_offical": False,
        "category": "",
        "description": "",
        "repo_url": "",
        "version": "",
        "image": "",
        "args": [],
        "cmds": [],
        "envs": [],
        "inputs": [],
        "outputs": [],
    },
    "custom-deploy": {
        "image": "",
        "target": "",
        "cluster_name": "",
        "namespace": "",
        "skip_check_run_status": False,
    },
    "k8s-canary-deploy": {
        "image": "",
        "k8s_service_name": "",
        "cluster_name": "",
        "namespace": "",
        "container_name": "",
        "canary_replica": 0,
        "events": [],
    },
    "k8s-canary-release": {
        "image": "",
        "k8s_service_name": "",
        "cluster_name": "",
        "namespace": "",
        "container_name": "",
        "events": [],
    },
}

TYPED = frozenset(_LAYOUTS) - {"vm-service"}
"""Job types with a typed spec."""


def typed_spec(job_type: str, values: Mapping[str, Any]) -> Json:
    """The spec of a typed job: every field of its struct, in order; unknown values are left out."""
    return {
        name: clone(absent) if values.get(name) is None else values[name]
        for name, absent in _LAYOUTS[job_type].items()
    }
