"""Inputs on the wire: the exact object for every selectable job type, written by hand."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.model.inputs import (
    SELECTABLE,
    ApprovalInput,
    BlueGreenDeployInput,
    BlueGreenReleaseInput,
    BuildInput,
    BuildService,
    CanaryDeployInput,
    CanaryReleaseInput,
    CustomDeployInput,
    DeployInput,
    DeployService,
    DeployTarget,
    FreestyleInput,
    GrayReleaseInput,
    GrayRollbackInput,
    JobInput,
    PatchTarget,
    PluginInput,
    RawInput,
    RepoInput,
    ResourcePatchInput,
    RollbackTarget,
    ScanInput,
    ScanningInput,
    ServiceImage,
    SqlInput,
    TapdInput,
    TestingInput,
    TestInput,
    VMDeployInput,
    VMDeployService,
)
from zadig_async.wire.inputs import encode_parameters


def repo(name: str, branch: str = "main") -> RepoInput:
    return RepoInput(codehost_name="koderover", repo_namespace="koderover", repo_name=name, branch=branch)


def repo_json(name: str, branch: str = "main") -> dict[str, str]:
    return {
        "codehost_name": "koderover",
        "repo_namespace": "koderover",
        "repo_name": name,
        "branch": branch,
    }


LOGIN = {"username": "admin", "password": "Zadig"}
LOGIN_JSON = [{"key": "username", "value": "admin"}, {"key": "password", "value": "Zadig"}]

OFFICIAL_PAGE: list[tuple[JobInput, dict[str, Any]]] = [
    (
        BuildInput(
            registry="https://koderover.example.com/test",
            services=[
                BuildService(
                    service_name="zadig", service_module="aslan", repos=[repo("zadig")], inputs=LOGIN
                ),
                BuildService(
                    service_name="zadig", service_module="zadig-portal", repos=[repo("zadig-portal")]
                ),
            ],
        ),
        {
            "registry": "https://koderover.example.com/test",
            "service_list": [
                {
                    "service_module": "aslan",
                    "service_name": "zadig",
                    "repo_info": [repo_json("zadig")],
                    "inputs": LOGIN_JSON,
                },
                {
                    "service_module": "zadig-portal",
                    "service_name": "zadig",
                    "repo_info": [repo_json("zadig-portal")],
                },
            ],
        },
    ),
    (
        DeployInput(
            env_name="dev",
            services=[
                DeployService(
                    service_name="zadig",
                    service_module="aslan",
                    image_name="koderover.example.com/test/aslan:main",
                    value_merge_strategy="reuse-values",
                ),
                DeployService(
                    service_name="zadig",
                    service_module="zadig-portal",
                    image_name="koderover.example.com/test/zadig-portal:main",
                    value_merge_strategy="override",
                ),
            ],
        ),
        {
            "env_name": "dev",
            "service_list": [
                {
                    "service_name": "zadig",
                    "service_module": "aslan",
                    "image_name": "koderover.example.com/test/aslan:main",
                    "value_merge_strategy": "reuse-values",
                },
                {
                    "service_name": "zadig",
                    "service_module": "zadig-portal",
                    "image_name": "koderover.example.com/test/zadig-portal:main",
                    "value_merge_strategy": "override",
                },
            ],
        },
    ),
    (
        CustomDeployInput(
            targets=[
                DeployTarget(
                    workload_type="Deployment",
                    workload_name="service2",
                    container_name="service2",
                    image_name="koderover.example.com/test/service2:0505",
                )
            ]
        ),
        {
            "target_list": [
                {
                    "workload_type": "Deployment",
                    "workload_name": "service2",
                    "container_name": "service2",
                    "image_name": "koderover.example.com/test/service2:0505",
                }
            ]
        },
    ),
    (
        FreestyleInput(
            inputs={"IssueID": "ZAD-10126", "FromStatus": "Testing", "TargetStatus": "ToBeReleased"},
            repos=[repo("zadig", "task-mgr")],
        ),
        {
            "kv": [
                {"key": "IssueID", "value": "ZAD-10126"},
                {"key": "FromStatus", "value": "Testing"},
                {"key": "TargetStatus", "value": "ToBeReleased"},
            ],
            "repo_info": [repo_json("zadig", "task-mgr")],
        },
    ),
    (
        TestInput(
            tests=[
                TestingInput(testing_name="unit-test", repos=[repo("zadig")], inputs=LOGIN),
                TestingInput(testing_name="integration-test", repos=[repo("zadig-portal")]),
            ]
        ),
        {
            "testing_list": [
                {"testing_name": "unit-test", "repo_info": [repo_json("zadig")], "inputs": LOGIN_JSON},
                {"testing_name": "integration-test", "repo_info": [repo_json("zadig-portal")]},
            ]
        },
    ),
    (
        ScanInput(
            scans=[
                ScanningInput(scanning_name="scan", repos=[repo("zadig")]),
                ScanningInput(scanning_name="scan-1", repos=[repo("zadig-portal")]),
            ]
        ),
        {
            "scanning_list": [
                {"scanning_name": "scan", "repo_info": [repo_json("zadig")]},
                {"scanning_name": "scan-1", "repo_info": [repo_json("zadig-portal")]},
            ]
        },
    ),
    (
        SqlInput(database_name="mysql", sql="show databases;"),
        {"database_name": "mysql", "sql": "show databases;"},
    ),
    (
        TapdInput(
            project_id="43976133",
            project_name="欢迎使用TAPD DEMO",
            status="open",
            iteration_ids=["1143976133001000001"],
        ),
        {
            "project_id": "43976133",
            "project_name": "欢迎使用TAPD DEMO",
            "status": "open",
            # The page shows `iterations` with objects; the server reads ids (types.go:910).
            "iteration_ids": ["1143976133001000001"],
        },
    ),
    (ApprovalInput(), {}),
    (PluginInput(inputs={"CONTENT": "hello world"}), {"kv": [{"key": "CONTENT", "value": "hello world"}]}),
]

ONLY_IN_THE_SERVER: list[tuple[JobInput, dict[str, Any]]] = [
    (
        VMDeployInput(
            env_name="prod-vm",
            services=[VMDeployService(service_name="shop-api", file_name="shop-api-56.tar.gz")],
        ),
        {
            "env_name": "prod-vm",
            "service_list": [{"service_name": "shop-api", "file_name": "shop-api-56.tar.gz"}],
        },
    ),
    (
        BlueGreenDeployInput(services=[ServiceImage(service_name="shop-api", image_name="r/shop-api:1.8")]),
        {"service_list": [{"service_name": "shop-api", "image_name": "r/shop-api:1.8"}]},
    ),
    (BlueGreenReleaseInput(), {}),
    (
        CanaryDeployInput(services=[ServiceImage(service_name="shop-api", image_name="r/shop-api:1.8")]),
        {"service_list": [{"service_name": "shop-api", "image_name": "r/shop-api:1.8"}]},
    ),
    (CanaryReleaseInput(), {}),
    (
        GrayReleaseInput(
            targets=[
                DeployTarget(
                    workload_type="Deployment",
                    workload_name="shop-api",
                    container_name="api",
                    image_name="r/shop-api:1.8",
                )
            ]
        ),
        {
            "target_list": [
                {
                    "workload_type": "Deployment",
                    "workload_name": "shop-api",
                    "container_name": "api",
                    "image_name": "r/shop-api:1.8",
                }
            ]
        },
    ),
    (
        GrayRollbackInput(targets=[RollbackTarget(workload_type="Deployment", workload_name="shop-api")]),
        {"target_list": [{"workload_type": "Deployment", "workload_name": "shop-api"}]},
    ),
    (
        ResourcePatchInput(
            targets=[
                PatchTarget(
                    resource_name="shop",
                    resource_kind="Ingress",
                    resource_group="networking.k8s.io",
                    resource_version="v1",
                    inputs={"HOST": "shop.example.com"},
                )
            ]
        ),
        {
            "target_list": [
                {
                    "resource_name": "shop",
                    "resource_kind": "Ingress",
                    "resource_group": "networking.k8s.io",
                    "resource_version": "v1",
                    "inputs": [{"key": "HOST", "value": "shop.example.com"}],
                }
            ]
        },
    ),
]


def test_the_tables_cover_every_selectable_type() -> None:
    assert {given.job_type for given, _ in OFFICIAL_PAGE + ONLY_IN_THE_SERVER} == SELECTABLE


@pytest.mark.parametrize(
    ("given", "wanted"), OFFICIAL_PAGE + ONLY_IN_THE_SERVER, ids=lambda item: getattr(item, "job_type", "")
)
def test_the_object_is_exactly_what_the_server_wants(given: JobInput, wanted: dict[str, Any]) -> None:
    made = encode_parameters(given)
    assert made == wanted
    assert json.loads(json.dumps(made)) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (
            RepoInput(
                codehost_name="g",
                repo_namespace="n",
                repo_name="r",
                branch="main",
                prs=[7, 9],
                commit_id="9f3c1e7",
            ),
            {
                "codehost_name": "g",
                "repo_namespace": "n",
                "repo_name": "r",
                "branch": "main",
                "prs": [7, 9],
                "commit_id": "9f3c1e7",
                "enable_commit": True,
            },
        ),
        (
            RepoInput(codehost_name="p4", view_mapping="//depot/...", changelist_id=12, shelve_id=13),
            {
                "codehost_name": "p4",
                "view_mapping": "//depot/...",
                "changelist_id": 12,
                "shelve_id": 13,
            },
        ),
        (
            RepoInput(codehost_name="p4", stream="//streams/main"),
            {"codehost_name": "p4", "stream": "//streams/main"},
        ),
    ],
)
def test_every_way_to_name_a_version(given: RepoInput, wanted: dict[str, Any]) -> None:
    assert encode_parameters(FreestyleInput(repos=[given])) == {"repo_info": [wanted]}


@pytest.mark.parametrize("given", [FreestyleInput(), PluginInput(), TestInput(), ScanInput()])
def test_what_may_be_left_out_is_left_out(given: JobInput) -> None:
    assert encode_parameters(given) == {}


def test_an_empty_value_is_sent() -> None:
    assert encode_parameters(PluginInput(inputs={"SUFFIX": ""})) == {"kv": [{"key": "SUFFIX", "value": ""}]}


def test_a_raw_input_is_sent_as_it_is_and_stays_its_own() -> None:
    given = RawInput(job_type="dms", parameters={"orders": [{"id": 0, "note": ""}]})
    made = encode_parameters(given)
    assert made == {"orders": [{"id": 0, "note": ""}]}
    made["more"] = 1
    assert given.parameters == {"orders": [{"id": 0, "note": ""}]}


@given(st.dictionaries(st.text(min_size=1).filter(str.strip), st.text()))
def test_every_variable_arrives_as_it_was_given(variables: dict[str, str]) -> None:
    made = encode_parameters(PluginInput(inputs=variables)).get("kv", [])
    assert {item["key"]: item["value"] for item in made} == variables
    assert [item["key"] for item in made] == list(variables)
