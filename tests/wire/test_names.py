"""The table of names: no entry is stale, none hides another field, and specs use the server's names."""

import attrs
import pytest

from zadig_async.model import jobspec
from zadig_async.model.jobspec import Received
from zadig_async.wire import input_names, names, spec_names
from zadig_async.wire.names import renames_of

TABLES = [*names.RENAMES, *spec_names.RENAMES, *input_names.RENAMES]

WIRE_NAMES: dict[type[Received], str] = {
    jobspec.ApolloItem: "key val",
    jobspec.ApolloNamespace: "appID clusterID env namespace type kv original_config error",
    jobspec.ApolloSpec: "apolloID namespaceList detail",
    jobspec.ApprovalSpec: (
        "type timeout description approval_message native_approval lark_approval dingtalk_approval "
        "workwx_approval source job_name"
    ),
    jobspec.BlueGreenDeploySpec: "production env service events deploy_timeout",
    jobspec.BlueGreenReleaseSpec: "production env namespace service events deploy_timeout",
    jobspec.BlueGreenService: (
        "service_name blue_service_name blue_service_yaml blue_deployment_name blue_deployment_yaml "
        "green_service_name green_deployment_name service_and_image"
    ),
    jobspec.BlueKingParameter: "id name description type required value server",
    jobspec.BlueKingSpec: (
        "tool_id tool_name host business_id execution_plan_id parameters bk_job_status instance_id "
        "instance_name"
    ),
    jobspec.BuildSpec: "repos image package service_name service_module envs",
    jobspec.CanaryDeploySpec: (
        "image k8s_service_name cluster_name namespace container_name canary_replica events"
    ),
    jobspec.CanaryReleaseSpec: "image k8s_service_name cluster_name namespace container_name events",
    jobspec.CustomDeploySpec: "image target cluster_name namespace skip_check_run_status",
    jobspec.DeploySpec: (
        "env env_alias production service_type deploy_contents skip_check_run_status service_and_images "
        "yaml_content user_supplied_value variable_kvs origin_revision value_merge_strategy"
    ),
    jobspec.DeployedImage: "service_name service_module image",
    jobspec.DingTalkApproval: "timeout approval_id default_approval_initiator approval_nodes instance_code",
    jobspec.DingTalkNode: "type approve_users reject_or_approve",
    jobspec.DingTalkUser: "id name avatar reject_or_approve comment operation_time",
    jobspec.DistributeImageSpec: "distribute_target",
    jobspec.DistributedImage: "source_image target_image target_tag service_name service_module update_tag",
    jobspec.Event: "event_type time message",
    jobspec.GrafanaAlert: "id name status url",
    jobspec.GrafanaSpec: "id name check_time check_mode alerts",
    jobspec.GrayReleaseSpec: (
        "cluster_id cluster_name namespace workload_type workload_name container_name first_job image "
        "gray_workload_name gray_scale total_replica gray_replica events"
    ),
    jobspec.GrayRollbackSpec: (
        "cluster_id cluster_name namespace workload_type workload_name container_name image "
        "gray_workload_name total_replica events"
    ),
    jobspec.GuanceyunMonitor: "id name level status url",
    jobspec.GuanceyunSpec: "id name check_time check_mode monitors",
    jobspec.HelmChart: "release_name chart_repo chart_name chart_version values_yaml override_kvs",
    jobspec.HelmChartDeploySpec: "env env_alias production skip_check_run_status deploy_helm_charts",
    jobspec.IstioReleaseSpec: (
        "first_job cluster_id cluster_name namespace weight replica_percentage replicas targets event"
    ),
    jobspec.IstioRollbackSpec: "cluster_id cluster_name namespace image replicas targets",
    jobspec.IstioTarget: (
        "workload_name container_name virtual_service_name host image current_replica target_replica"
    ),
    jobspec.JenkinsJob: "job_name job_id job_output parameters",
    jobspec.JenkinsParameter: "name value type choices source",
    jobspec.JenkinsSpec: "id host job",
    jobspec.JiraIssue: "key name status link",
    jobspec.JiraSpec: "project_id jira_id issue_type issues target_status",
    jobspec.LarkApproval: (
        "timeout approval_id default_approval_initiator approval_nodes instance_code approve_users"
    ),
    jobspec.LarkGroup: "group_id group_name",
    jobspec.LarkNode: (
        "type approve_node_type approve_groups approve_users cc_users cc_groups reject_or_approve"
    ),
    jobspec.LarkUser: "id id_type name avatar is_executor reject_or_approve comment operation_time",
    jobspec.MeegoItem: "id name transition_id target_state_key target_state_name status",
    jobspec.MeegoNodeItem: "id name node_id node_name status",
    jobspec.MeegoSpec: (
        "link source project_key project_name meego_id work_item_type work_item_type_key work_items "
        "node_work_items"
    ),
    jobspec.MseGrayOfflineSpec: "production env gray_tag namespace offline_services events",
    jobspec.MseGrayReleaseSpec: (
        "production gray_tag base_env gray_env skip_check_run_status gray_service events timeout"
    ),
    jobspec.MseGrayService: "service_name replicas yaml service_and_image",
    jobspec.NacosConfig: (
        "data_id group description format content original_content namespace_id namespace_name error"
    ),
    jobspec.NacosSpec: "nacos_id nacos_addr type namespace_id namespace_name nacos_datas detail",
    jobspec.NativeApproval: "timeout approve_users needed_approvers reject_or_approve instance_code",
    jobspec.OfflineServiceSpec: "env_type env_name namespace service_events",
    jobspec.PatchItem: (
        "resource_name resource_kind resource_group resource_version patch_content params "
        "patch_strategy error"
    ),
    jobspec.PingCodeItem: "id identifier title type url status error",
    jobspec.PingCodeSpec: (
        "pingcode_address pingcode_client_id pingcode_client_secret project_id project_name board_id "
        "sprint_id workitem_type_id workitem_state_ids workitems detail"
    ),
    jobspec.PluginEnv: "name value",
    jobspec.PluginOutput: "name description",
    jobspec.PluginSpec: (
        "name is_offical category description repo_url version image args cmds envs inputs outputs"
    ),
    jobspec.RenderVariable: "key value type options desc use_global_variable is_reference_variable",
    jobspec.ResourcePatchSpec: "cluster_id namespace patch_items",
    jobspec.ScanSpec: (
        "scanning_type service_name service_module repos sonar_metrics is_has_artifact link_url "
        "scanning_name envs"
    ),
    jobspec.ServiceResult: "service_name status error",
    jobspec.SonarMetrics: "QualityGateStatus Ncloc Bugs Vulnerabilities CodeSmells Coverage",
    jobspec.SqlResult: "sql elapsed_time rows_affected status",
    jobspec.SqlSpec: "id type sql results detail",
    jobspec.TapdIteration: "iteration_id iteration_name start_date end_date error",
    jobspec.TapdSpec: (
        "tapd_address tapd_client_id tapd_client_secret tapd_company_id project_id project_name status "
        "iterations detail"
    ),
    jobspec.TestSpec: (
        "repos junit_report archive html_report project_name test_name test_type service_name "
        "service_module envs"
    ),
    jobspec.TriggeredWorkflow: (
        "project_name workflow_name workflow_display_name service_name service_module task_id status params"
    ),
    jobspec.VMDeploySpec: "env env_alias production service_and_vm_deploys",
    jobspec.VMDeployedService: "service_name service_module repos artifact_url image deploy_artifact_type",
    jobspec.WorkWXApproval: (
        "timeout approval_id creator_user approval_nodes approval_node_details instance_id"
    ),
    jobspec.WorkWXNode: "type apv_rel users user_id status sub_nodes",
    jobspec.WorkWXUser: "id name",
    jobspec.WorkWXVote: "user_info speech status timestamp",
    jobspec.WorkflowTriggerSpec: "trigger_type is_enable_check workflow_trigger_events",
}
"""What each class reads, compared with the Go structs of Zadig v4.1.0: `json` names for specs the server
types (workflow/service/workflow/workflow_task_v4.go:139-216), `bson` names for those it hands on as stored
(.../common/repository/models/wokflow_task_v4.go:199-700, workflow_v4.go:145-289)."""


def names_of(kind: type[attrs.AttrsInstance]) -> list[str]:
    return [renames_of(kind).get(field.name, field.alias or field.name) for field in attrs.fields(kind)]


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_every_renamed_field_exists_and_no_two_meet(kind: type[attrs.AttrsInstance]) -> None:
    renames = renames_of(kind)
    assert renames
    assert set(renames) <= {field.name for field in attrs.fields(kind)}
    assert all(name != wire_name for name, wire_name in renames.items())
    assert len(set(names_of(kind))) == len(names_of(kind))


@pytest.mark.parametrize("kind", WIRE_NAMES, ids=lambda kind: kind.__name__)
def test_a_spec_reads_the_names_the_server_writes(kind: type[Received]) -> None:
    assert sorted(names_of(kind)) == sorted([*WIRE_NAMES[kind].split(), "raw"])


def test_every_class_with_fields_is_compared() -> None:
    kinds = {getattr(jobspec, name) for name in jobspec.__all__ if name != "SPEC_OF"}
    assert set(WIRE_NAMES) == {kind for kind in kinds if len(attrs.fields(kind)) > 1}
