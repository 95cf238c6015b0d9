"""The names of `wire.names` for job specs, which are stored under BSON names of their own."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zadig_async.model import jobspec

_TIMEOUT: Final = MappingProxyType({"timeout_minutes": "timeout"})
_DECISION: Final = MappingProxyType({"decision": "reject_or_approve"})
_VOTE: Final = MappingProxyType({**_DECISION, "decided_at": "operation_time"})

RENAMES: Final[Mapping[type, Mapping[str, str]]] = MappingProxyType(
    {
        # Specs of jobs that make or check
        jobspec.DistributeImageSpec: {"targets": "distribute_target"},
        jobspec.TestSpec: {"project_key": "project_name"},
        jobspec.ScanSpec: {"has_artifact": "is_has_artifact"},
        jobspec.SonarMetrics: {
            "quality_gate_status": "QualityGateStatus",
            "lines_of_code": "Ncloc",
            "bugs": "Bugs",
            "vulnerabilities": "Vulnerabilities",
            "code_smells": "CodeSmells",
            "coverage": "Coverage",
        },
        jobspec.PluginSpec: {"is_official": "is_offical"},
        # Specs of jobs that deploy
        jobspec.RenderVariable: {"description": "desc"},
        jobspec.DeploySpec: {"images": "service_and_images", "variables": "variable_kvs"},
        jobspec.HelmChartDeploySpec: {"charts": "deploy_helm_charts"},
        jobspec.VMDeploySpec: {"services": "service_and_vm_deploys"},
        jobspec.ResourcePatchSpec: {"items": "patch_items"},
        jobspec.OfflineServiceSpec: {"services": "service_events"},
        jobspec.MseGrayOfflineSpec: {"services": "offline_services"},
        # Specs of jobs that shift step by step
        jobspec.BlueGreenService: {"images": "service_and_image"},
        jobspec.BlueGreenDeploySpec: {"deploy_timeout_seconds": "deploy_timeout"},
        jobspec.BlueGreenReleaseSpec: {"deploy_timeout_seconds": "deploy_timeout"},
        jobspec.MseGrayService: {"yaml_content": "yaml", "images": "service_and_image"},
        jobspec.MseGrayReleaseSpec: {"service": "gray_service", "timeout_seconds": "timeout"},
        jobspec.IstioReleaseSpec: {"target": "targets", "events": "event"},
        jobspec.IstioRollbackSpec: {"target": "targets"},
        # The spec of approval jobs
        jobspec.ApprovalSpec: {
            **_TIMEOUT,
            "kind": "type",
            "message": "approval_message",
            "native": "native_approval",
            "lark": "lark_approval",
            "dingtalk": "dingtalk_approval",
            "workwx": "workwx_approval",
        },
        jobspec.NativeApproval: {**_TIMEOUT, **_DECISION},
        jobspec.LarkApproval: _TIMEOUT,
        jobspec.LarkNode: _DECISION,
        jobspec.LarkUser: _VOTE,
        jobspec.DingTalkApproval: _TIMEOUT,
        jobspec.DingTalkNode: _DECISION,
        jobspec.DingTalkUser: _VOTE,
        jobspec.WorkWXApproval: _TIMEOUT,
        jobspec.WorkWXNode: {"relation": "apv_rel", "user_ids": "user_id"},
        jobspec.WorkWXVote: {"comment": "speech", "decided_at": "timestamp"},
        # Specs of jobs that change data and settings
        jobspec.SqlResult: {"elapsed_ms": "elapsed_time"},
        jobspec.NacosSpec: {"configs": "nacos_datas"},
        jobspec.ApolloSpec: {"apollo_id": "apolloID", "namespaces": "namespaceList"},
        jobspec.ApolloNamespace: {
            "app_id": "appID",
            "cluster_id": "clusterID",
            "items": "kv",
            "original_items": "original_config",
        },
        jobspec.ApolloItem: {"value": "val"},
        # Specs of jobs that move work items
        jobspec.TapdSpec: {
            "address": "tapd_address",
            "client_id": "tapd_client_id",
            "client_secret": "tapd_client_secret",
            "company_id": "tapd_company_id",
        },
        jobspec.PingCodeSpec: {
            "address": "pingcode_address",
            "client_id": "pingcode_client_id",
            "client_secret": "pingcode_client_secret",
            "item_type_id": "workitem_type_id",
            "item_state_ids": "workitem_state_ids",
            "items": "workitems",
        },
        jobspec.MeegoSpec: {"items": "work_items", "node_items": "node_work_items"},
        # Specs of jobs that act elsewhere
        jobspec.BlueKingSpec: {"job_status": "bk_job_status"},
        jobspec.TriggeredWorkflow: {
            "project_key": "project_name",
            "workflow_key": "workflow_name",
            "workflow_name": "workflow_display_name",
        },
        jobspec.WorkflowTriggerSpec: {
            "check_enabled": "is_enable_check",
            "workflows": "workflow_trigger_events",
        },
        jobspec.GrafanaSpec: {"check_minutes": "check_time"},
        jobspec.GuanceyunSpec: {"check_minutes": "check_time"},
    }
)
"""Zadig's name of a field, by class and field name."""
