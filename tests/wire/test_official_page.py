"""The examples of Zadig's own API page: its answers are read, its requests can be made.

Where the page is wrong about the server, the difference stands here.
"""

import json
from typing import Any

import pytest

from tests.support import golden
from zadig_async.errors import ApiError, ConflictError, NotFoundError, RejectedError, ServerError
from zadig_async.model.gate import Gate, GateKind
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.inputs import (
    ApprovalInput,
    BuildInput,
    BuildService,
    CustomDeployInput,
    DeployInput,
    DeployService,
    DeployTarget,
    FreestyleInput,
    JobInput,
    PluginInput,
    RepoInput,
    RepoParam,
    ScanInput,
    ScanningInput,
    SqlInput,
    TapdInput,
    TestingInput,
    TestInput,
)
from zadig_async.model.status import Phase
from zadig_async.model.ticket import Ticket
from zadig_async.wire import endpoints
from zadig_async.wire.call import AnyCall, Reply
from zadig_async.wire.inputs import encode_parameters


def page(name: str) -> Any:
    return golden.value(name, golden.PAGE)


def answer(name: str, status: int = 200) -> Reply:
    return Reply(status, {"content-type": golden.JSON_TYPE}, golden.body(name, golden.PAGE))


# Answers

SAYS_NO: dict[str, tuple[int, type[ApiError]]] = {
    # The page never names the HTTP status; a v4.1 server sends these.
    "approve-error-not-needed.json": (400, ConflictError),
    "cancel-error-not-found.json": (400, NotFoundError),
    "cancel-error-passed.json": (400, ConflictError),
    "delete-view-error-not-found.json": (400, NotFoundError),
    "retry-error-not-found.json": (400, NotFoundError),
    "task-list-error-name-required.json": (400, RejectedError),
    "task-not-found.json": (500, NotFoundError),
    "ticket-error.json": (500, ServerError),
}
DONE: dict[str, AnyCall] = {
    "approve-response.json": endpoints.decide_gate(
        TaskRef("p", "w", 1),
        Gate(kind=GateKind.STAGE_APPROVAL, stage="deploy", name="deploy", approve_name="deploy"),
        approve=True,
        comment="",
    ),
    "cancel-response.json": endpoints.cancel_task(TaskRef("p", "w", 1)),
    "create-view-response.json": endpoints.create_view("p", "v", []),
    "delete-view-response.json": endpoints.delete_view("p", "v"),
    "delete-workflow-response.json": endpoints.delete_workflow(WorkflowRef("p", "w")),
    "retry-response.json": endpoints.retry_task(TaskRef("p", "w", 1)),
    "ticket-response.json": endpoints.create_ticket(Ticket(project_key="p", approval_id="1")),
    "update-view-response.json": endpoints.update_view("p", "v", {}),
}
READ = {
    "execute-response.json",
    "task-detail.json",
    "task-list.json",
    "views-list.json",
    "workflow-detail.json",
} | {"workflow-list.json"}
REQUESTS = {"approve-request.json", "create-view-request.json", "create-workflow-request.json"} | {
    "execute-request.json",
    "update-view-request.json",
}


def test_every_example_is_used() -> None:
    inputs = {f"input-{name}.json" for name in INPUTS}
    assert set(golden.names(golden.PAGE)) == {*SAYS_NO, *DONE, *READ, *REQUESTS, *inputs}


@pytest.mark.parametrize("name", SAYS_NO)
def test_error(name: str) -> None:
    status, kind = SAYS_NO[name]
    for call in (endpoints.list_views("p"), endpoints.cancel_task(TaskRef("p", "w", 1))):
        with pytest.raises(ApiError) as caught:
            call.read(answer(name, status))
        assert type(caught.value) is kind
        assert (caught.value.code, caught.value.description) == (
            page(name)["code"],
            page(name)["description"],
        )


@pytest.mark.parametrize("name", DONE)
def test_success(name: str) -> None:
    assert DONE[name].read(answer(name)) is None


def test_workflow_list() -> None:
    rows = endpoints.list_workflows("lilian-test").read(answer("workflow-list.json"))
    assert [(row.workflow_key, row.workflow_name, row.type) for row in rows] == [
        ("just-deploy", "just-deploy", "custom"),
        ("xiaxianfuwu", "下线服务", "custom"),
    ]


def test_workflow_detail() -> None:
    call = endpoints.get_workflow(WorkflowRef("lilian-test", "build-deploy"))
    workflow = call.read(answer("workflow-detail.json"))
    assert [(job.name, job.type) for job in workflow.jobs()] == [
        ("build", "zadig-build"),
        ("deploy", "zadig-deploy"),
        ("default", "plugin"),
    ]
    assert workflow.params[0].repo is not None
    assert workflow.params[0].repo.repo_name == "picture"
    approval = workflow.stages[0].approval
    assert approval is not None
    assert approval["native_approval"]["NeededApprovers"] == 0
    assert workflow.raw == page("workflow-detail.json")


def test_task_list() -> None:
    result = endpoints.list_tasks(WorkflowRef("lilian-test", "build-deploy"), 1, 50).read(
        answer("task-list.json")
    )
    assert result.total == 15
    (line,) = result.tasks
    assert (line.task_id, line.creator, line.status.phase) == (15, "webhook", Phase.SUCCEEDED)


def test_task_detail() -> None:
    ref = TaskRef("simple-service-demo", "build-images", 24)
    task = endpoints.get_task(ref).read(answer("task-detail.json"))
    assert task.ref == ref
    assert [(job.name, job.type, job.status) for job in task.jobs()] == [
        ("a-myapp-1-build-myapps", "zadig-build", "passed"),
        ("a-myapp-1-deploy-myapps", "zadig-deploy", "passed"),
        ("echo-hello", "freestyle", "passed"),
        ("say-hi", "plugin", "passed"),
    ]
    assert all(job.spec is not None and job.spec.raw for job in task.jobs())
    assert task.phase is Phase.RUNNING
    assert endpoints.get_task_status(ref).read(answer("task-detail.json")).phase is Phase.RUNNING


def test_views() -> None:
    (view,) = endpoints.list_views("lilian-test").read(answer("views-list.json"))
    assert (view.name, view.updated_by) == ("test-view", "admin")
    assert [(each.workflow_key, each.workflow_type) for each in view.workflows] == [("xiaxianfuwu", "custom")]


def test_execute() -> None:
    call = endpoints.create_task(WorkflowRef("simple-service-demo", "openapi-test"), {}, {})
    assert call.read(answer("execute-response.json")) == TaskRef("simple-service-demo", "openapi-test", 20)


# Requests


def repo(name: str, branch: str = "main") -> RepoInput:
    return RepoInput(codehost_name="koderover", repo_namespace="koderover", repo_name=name, branch=branch)


LOGIN = {"username": "admin", "password": "Zadig"}
ASLAN = BuildService(service_name="zadig", service_module="aslan", repos=[repo("zadig")], inputs=LOGIN)
PORTAL = BuildService(service_name="zadig", service_module="zadig-portal", repos=[repo("zadig-portal")])
ISSUE = {"IssueID": "ZAD-10126", "FromStatus": "Testing", "TargetStatus": "ToBeReleased"}
TARGET = DeployTarget(
    workload_type="Deployment",
    workload_name="service2",
    container_name="service2",
    image_name="koderover.***.com/test/service2:0505",
)
SQL = SqlInput(database_name="mysql", sql="show databases;")


def deploy(host: str, of_portal: str) -> DeployInput:
    aslan = DeployService(
        service_name="zadig",
        service_module="aslan",
        image_name=f"{host}/test/aslan:main",
        value_merge_strategy="reuse-values",
    )
    portal = DeployService(
        service_name="zadig",
        service_module="zadig-portal",
        image_name=f"{host}/test/zadig-portal:main",
        value_merge_strategy="override" if of_portal == "override" else "reuse-values",
    )
    return DeployInput(env_name="dev", services=[aslan, portal])


INPUTS: dict[str, JobInput] = {
    "zadig-build": BuildInput(registry="https://koderover.******.com/test", services=[ASLAN, PORTAL]),
    "zadig-deploy": deploy("koderover.***.com", "override"),
    "custom-deploy": CustomDeployInput(targets=[TARGET]),
    "freestyle": FreestyleInput(inputs=ISSUE, repos=[repo("zadig", "task-mgr")]),
    "zadig-test": TestInput(
        tests=[
            TestingInput(testing_name="unit-test", repos=[repo("zadig")], inputs=LOGIN),
            TestingInput(testing_name="integration-test", repos=[repo("zadig-portal")]),
        ]
    ),
    "zadig-scanning": ScanInput(
        scans=[
            ScanningInput(scanning_name="scan", repos=[repo("zadig")]),
            ScanningInput(scanning_name="scan-1", repos=[repo("zadig-portal")]),
        ]
    ),
    "sql": SQL,
    "tapd": TapdInput(
        project_id="43976133",
        project_name="欢迎使用TAPD DEMO",
        status="open",
        iteration_ids=["1143976133001000001"],
    ),
    "approval": ApprovalInput(),
    "plugin": PluginInput(inputs={"CONTENT": "hello world"}),
}


@pytest.mark.parametrize("job_type", INPUTS)
def test_input(job_type: str) -> None:
    example = page(f"input-{job_type}.json")
    assert INPUTS[job_type].job_type == example["job_type"] == job_type
    expected = example["parameters"]
    if job_type == "tapd":  # the server reads ids, not the objects the page shows
        iterations = expected.pop("iterations")
        expected["iteration_ids"] = [each["iteration_id"] for each in iterations]
    assert encode_parameters(INPUTS[job_type]) == expected


def sent(call: AnyCall) -> Any:
    assert call.body is not None
    return json.loads(call.body)


def test_execute_request() -> None:
    example = page("execute-request.json")
    code = RepoParam(
        codehost_name="gitlab", repo_namespace="kr-poc", repo_name="num_test", branch="master", prs=[1]
    )
    call = endpoints.create_task(
        WorkflowRef("helm", "test-openapi"),
        {"test": "zadig", "abc": "123", "repo1": code},
        {
            "build-myapps": BuildInput(registry="https://koderover.******.com/test", services=[ASLAN]),
            "deploy-myapps": deploy("koderover.******.com", "reuse-values"),
            "jira-issue-update": FreestyleInput(inputs=ISSUE),
            "deploy-my-app": CustomDeployInput(targets=[TARGET]),
            "sql": SQL,
        },
    )
    example["parameters"][1]["type"] = "string"  # a choice: the server takes the stored type, never this one
    assert sent(call) == example


def test_approve_request() -> None:
    gate = Gate(kind=GateKind.STAGE_APPROVAL, stage="deploy", name="deploy", approve_name="deploy")
    ref = TaskRef("infra", "infra-dev-workflow", 2)
    assert sent(endpoints.decide_gate(ref, gate, approve=True, comment="LGTM")) == page(
        "approve-request.json"
    )


def test_create_workflow_request() -> None:
    definition = page("create-workflow-request.json")
    assert sent(endpoints.create_workflow(definition)) == definition
    assert sent(endpoints.update_workflow("workflow-demo", definition)) == definition


def test_view_requests() -> None:
    created = endpoints.create_view("demo", "view-demo", ["dev", "nacos-config-update"])
    assert sent(created) == page("create-view-request.json")
    updated = endpoints.update_view("demo", "view-demo", {"build-deploy": True})
    assert sent(updated) == page("update-view-request.json")
