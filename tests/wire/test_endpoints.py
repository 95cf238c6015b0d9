"""The operations: the exact request of each, and which answers are believed."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

import attrs
import pytest

from tests.support import golden
from zadig_async.errors import ConfigError, DecodeError, NotFoundError, OutcomeUnknownError, UnauthorizedError
from zadig_async.model.gate import Gate, GateKind
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.inputs import (
    ApprovalInput,
    BuildInput,
    BuildService,
    DeployInput,
    DeployService,
    RawInput,
    RepoInput,
    RepoParam,
)
from zadig_async.model.ticket import Ticket, TicketService, TicketUser
from zadig_async.wire import endpoints
from zadig_async.wire.call import AnyCall, Lane, Reply

FLOW = WorkflowRef("mart", "mart-rollout")
TASK = TaskRef("mart", "mart-rollout", 41)
JOB = "job-0-0-0-build"
GATE = Gate(
    kind=GateKind.APPROVAL,
    stage="审批",
    job="job-1-0-0-go-live",
    name="go-live",
    approve_name="job-1-0-0-go-live",
)
DEFINITION = {
    "name": "mart-rollout",
    "display_name": "集市 <上线>",
    "project": "mart",
    "concurrency_limit": -1,
}
DEFINITION_BYTES = (
    '{"name":"mart-rollout","display_name":"集市 <上线>","project":"mart","concurrency_limit":-1}'
)
TICKET = Ticket(
    project_key="mart",
    approval_id="OA-88231",
    envs=["live-bj"],
    services=[TicketService(service_name="mart-api", service_module="core")],
    users=[TicketUser(name="周航", email="zhouhang@example.com")],
    window_start=datetime.fromtimestamp(1_790_000_000, UTC),
    window_end=datetime.fromtimestamp(1_790_007_200, timezone(timedelta(hours=8))),
)
TICKET_BYTES = (
    '{"project_key":"mart","approval_id":"OA-88231","status":1,"envs":["live-bj"],'
    '"services":[{"service_name":"mart-api","service_module":"core"}],'
    '"users":[{"name":"周航","email":"zhouhang@example.com"}],'
    '"execution_window_start":1790000000,"execution_window_end":1790007200}'
)
APPROVE_BYTES = (
    '{"task_id":41,"workflow_key":"mart-rollout",'
    '"stage_name":"job-1-0-0-go-live","approve":true,"comment":"好"}'
)


@attrs.frozen
class Expected:
    """The request of one operation."""

    make: Callable[[], AnyCall]
    method: str
    target: str
    body: str | None = None

    @property
    def is_read(self) -> bool:
        return self.method == "GET"


OPERATIONS: dict[str, Expected] = {
    "list workflows": Expected(
        lambda: endpoints.list_workflows("mart"), "GET", "/openapi/workflows?projectKey=mart"
    ),
    "list workflows of a view": Expected(
        lambda: endpoints.list_workflows("mart", "上线"),
        "GET",
        "/openapi/workflows?projectKey=mart&viewName=%E4%B8%8A%E7%BA%BF",
    ),
    "workflow detail": Expected(
        lambda: endpoints.get_workflow(FLOW),
        "GET",
        "/openapi/workflows/custom/mart-rollout/detail?projectKey=mart",
    ),
    "task list": Expected(
        lambda: endpoints.list_tasks(FLOW, 3, 50),
        "GET",
        "/openapi/workflows/custom/mart-rollout/tasks?projectKey=mart&pageNum=3&pageSize=50",
    ),
    "task detail": Expected(
        lambda: endpoints.get_task(TASK),
        "GET",
        "/openapi/workflows/custom/task?taskId=41&workflowKey=mart-rollout",
    ),
    "task status": Expected(
        lambda: endpoints.get_task_status(TASK),
        "GET",
        "/openapi/workflows/custom/task?taskId=41&workflowKey=mart-rollout",
    ),
    "execute": Expected(
        lambda: endpoints.create_task(FLOW, {"RELEASE": "2.4.1"}, {"go-live": ApprovalInput()}),
        "POST",
        "/openapi/workflows/custom/task",
        '{"project_key":"mart","workflow_key":"mart-rollout",'
        '"parameters":[{"name":"RELEASE","type":"string","value":"2.4.1"}],'
        '"inputs":[{"job_name":"go-live","job_type":"approval","parameters":{}}]}',
    ),
    "execute with a tag": Expected(
        lambda: endpoints.create_task(FLOW, {}, {}, tag="01JZ<tag>"),
        "POST",
        "/openapi/workflows/custom/task",
        '{"project_key":"mart","workflow_key":"mart-rollout","parameters":[],"inputs":[],'
        '"x_zadig_async_run":"01JZ<tag>"}',
    ),
    "cancel": Expected(
        lambda: endpoints.cancel_task(TASK),
        "DELETE",
        "/openapi/workflows/custom/task?taskId=41&workflowKey=mart-rollout",
    ),
    "retry": Expected(
        lambda: endpoints.retry_task(TASK),
        "POST",
        "/openapi/workflows/custom/mart-rollout/task/41?projectKey=mart",
    ),
    "remark": Expected(
        lambda: endpoints.remark_task(TASK, "发布 <完成>"),
        "PUT",
        "/openapi/workflows/custom/mart-rollout/task/41",
        '{"remark":"发布 <完成>"}',
    ),
    "approve": Expected(
        lambda: endpoints.decide_gate(TASK, GATE, approve=True, comment="好"),
        "POST",
        "/openapi/workflows/custom/task/approve",
        APPROVE_BYTES,
    ),
    "reject": Expected(
        lambda: endpoints.decide_gate(TASK, GATE, approve=False, comment="好"),
        "POST",
        "/openapi/workflows/custom/task/approve",
        APPROVE_BYTES.replace("true", "false"),
    ),
    "create workflow": Expected(
        lambda: endpoints.create_workflow(DEFINITION), "POST", "/api/aslan/workflow/v4", DEFINITION_BYTES
    ),
    "create workflow in a view": Expected(
        lambda: endpoints.create_workflow(DEFINITION, "a b"),
        "POST",
        "/api/aslan/workflow/v4?viewName=a%20b",
        DEFINITION_BYTES,
    ),
    "update workflow": Expected(
        lambda: endpoints.update_workflow("mart-rollout", DEFINITION),
        "PUT",
        "/api/aslan/workflow/v4/mart-rollout",
        DEFINITION_BYTES,
    ),
    "delete workflow": Expected(
        lambda: endpoints.delete_workflow(FLOW),
        "DELETE",
        "/openapi/workflows/custom?workflowKey=mart-rollout&projectKey=mart",
    ),
    "list views": Expected(
        lambda: endpoints.list_views("mart"), "GET", "/openapi/workflows/view?projectKey=mart"
    ),
    "create view": Expected(
        lambda: endpoints.create_view("mart", "上线", ["a", "b"]),
        "POST",
        "/openapi/workflows/view",
        '{"project_key":"mart","name":"上线","workflow_list":['
        '{"workflow_key":"a","workflow_type":"custom"},{"workflow_key":"b","workflow_type":"custom"}]}',
    ),
    "update view": Expected(
        lambda: endpoints.update_view("mart", "上线", {"a": True, "b": False}),
        "PUT",
        "/openapi/workflows/view/%E4%B8%8A%E7%BA%BF?projectKey=mart",
        '{"workflow_list":[{"workflow_key":"a","workflow_type":"custom","enabled":true},'
        '{"workflow_key":"b","workflow_type":"custom","enabled":false}]}',
    ),
    "delete view": Expected(
        lambda: endpoints.delete_view("mart", "上线"),
        "DELETE",
        "/openapi/workflows/view/%E4%B8%8A%E7%BA%BF?projectKey=mart",
    ),
    "ticket": Expected(
        lambda: endpoints.create_ticket(TICKET), "POST", "/openapi/ticket/approval", TICKET_BYTES
    ),
    "live log": Expected(
        lambda: endpoints.follow_log(TASK, JOB, 10),
        "GET",
        "/openapi/logs/sse/v4/workflow/mart-rollout/41/job-0-0-0-build/10",
    ),
    "full log": Expected(
        lambda: endpoints.fetch_log(TASK, "job-0-0-0-构建"),
        "GET",
        "/openapi/logs/log/v4/workflow/mart-rollout/41/job-0-0-0-%E6%9E%84%E5%BB%BA",
    ),
    "full log, as it comes": Expected(
        lambda: endpoints.stream_log_archive(TASK, "job-0-0-0-构建"),
        "GET",
        "/openapi/logs/log/v4/workflow/mart-rollout/41/job-0-0-0-%E6%9E%84%E5%BB%BA",
    ),
    "registries": Expected(endpoints.list_registries, "GET", "/openapi/system/registry"),
    "operation log": Expected(
        lambda: endpoints.list_operations("bot (上线)", 2, 50),
        "GET",
        "/openapi/system/operation?searchType=user"
        "&username=%5Ebot%5C%20%5C%28%E4%B8%8A%E7%BA%BF%5C%29%24&perPage=50&page=2",
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_request(name: str) -> None:
    expected = OPERATIONS[name]
    call = expected.make()
    assert (call.method, call.target) == (expected.method, expected.target)
    assert call.body == (None if expected.body is None else expected.body.encode())
    assert call.content_type == "application/json"
    assert call.repeatable == expected.is_read
    if name in ("live log", "full log, as it comes"):
        assert call.lane is Lane.STREAM
    else:
        assert call.lane is (Lane.POLL if expected.is_read else Lane.WRITE)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_label_can_be_logged(name: str) -> None:
    call = OPERATIONS[name].make()
    assert call.label.startswith(f"{call.method} /")
    for value in ("mart", "41", "上线", "job-", "%", "?", "OA-", "2.4.1"):
        assert value not in call.label
    for value in ("2.4.1", "OA-", "zhouhang", "好", "完成"):
        assert value not in repr(call)


@pytest.mark.parametrize("name", [name for name, expected in OPERATIONS.items() if expected.is_read])
def test_a_read_says_what_the_server_said(name: str) -> None:
    call = OPERATIONS[name].make()
    with pytest.raises(UnauthorizedError) as caught:
        call.read(Reply(401, {}, b""))
    assert caught.value.call == call.label


@pytest.mark.parametrize("name", [name for name, expected in OPERATIONS.items() if not expected.is_read])
def test_a_write_without_a_clear_answer_is_unknown(name: str) -> None:
    call = OPERATIONS[name].make()
    for reply in (Reply(200, {}, b""), Reply(200, {}, b"<html>"), Reply(200, {}, b"{}"), Reply(502, {}, b"")):
        with pytest.raises(OutcomeUnknownError) as caught:
            call.read(reply)
        assert caught.value.call == call.label
    with pytest.raises(NotFoundError):
        call.read(golden.reply("error-task-not-found.json"))


@pytest.mark.parametrize(
    "name",
    [name for name, expected in OPERATIONS.items() if not expected.is_read and "execute" not in name],
)
def test_a_write_that_was_done(name: str) -> None:
    assert OPERATIONS[name].make().read(golden.reply("success-message.json")) is None


def test_no_request_wakes_the_collaboration_filter() -> None:
    for expected in OPERATIONS.values():
        assert "projectName" not in expected.make().target


# Trigger


def rollout() -> AnyCall:
    repo = RepoInput(
        codehost_name="gitea", repo_namespace="bazaar", repo_name="mart-api", branch="release/2.4.1"
    )
    build = BuildInput(
        registry="https://hub.example.net/mart",
        services=[
            BuildService(
                service_name="mart-api", service_module="core", repos=[repo], inputs={"RUST_VERSION": "1.83"}
            )
        ],
    )
    service = DeployService(
        service_name="mart-api", service_module="core", image_name="hub.example.net/mart/mart-api:stable"
    )
    deploy = DeployInput(env_name="live-bj", services=[service])
    return endpoints.create_task(
        FLOW,
        {"RELEASE": "2.4.1", "MODE": "full"},
        {"build": build, "go-live": ApprovalInput(), "deploy": deploy},
    )


def test_the_trigger_says_what_the_golden_request_says() -> None:
    body = rollout().body
    assert body is not None
    sent = json.loads(body)
    for parameter in sent["parameters"]:
        assert parameter.pop("type") == "string"  # the page wants it, the server never reads it
    assert sent == golden.value("execute-request.json")
    assert b": " not in body
    assert b", " not in body


def test_the_trigger_byte_for_byte() -> None:
    assert rollout().body == (
        b'{"project_key":"mart","workflow_key":"mart-rollout","parameters":['
        b'{"name":"RELEASE","type":"string","value":"2.4.1"},{"name":"MODE","type":"string","value":"full"}],'
        b'"inputs":[{"job_name":"build","job_type":"zadig-build","parameters":{'
        b'"registry":"https://hub.example.net/mart","service_list":[{"service_name":"mart-api",'
        b'"service_module":"core","repo_info":[{"codehost_name":"gitea","repo_namespace":"bazaar",'
        b'"repo_name":"mart-api","branch":"release/2.4.1"}],"inputs":[{"key":"RUST_VERSION","value":"1.83"}]}]}},'
        b'{"job_name":"go-live","job_type":"approval","parameters":{}},'
        b'{"job_name":"deploy","job_type":"zadig-deploy","parameters":{"env_name":"live-bj",'
        b'"service_list":[{"service_name":"mart-api","service_module":"core",'
        b'"image_name":"hub.example.net/mart/mart-api:stable"}]}}]}'
    )


def test_a_repository_as_a_parameter() -> None:
    repo = RepoParam(codehost_name="gitlab", repo_namespace="ns", repo_name="r", branch="main", prs=[1, 2])
    body = endpoints.create_task(FLOW, {"code": repo}, {}).body
    assert body is not None
    assert json.loads(body)["parameters"] == [
        {
            "name": "code",
            "type": "repo",
            "repo": {
                "codehost_name": "gitlab",
                "repo_namespace": "ns",
                "repo_name": "r",
                "branch": "main",
                "prs": [1, 2],
            },
        }
    ]


def test_the_trigger_names_the_task() -> None:
    assert (
        rollout().read(golden.reply("execute-response.json")).task_id
        == golden.value("execute-response.json")["task_id"]
    )
    ref = rollout().read(
        Reply(200, {}, b'{"project_name":"mart","workflow_name":"mart-rollout","task_id":41}')
    )
    assert ref == TASK


@pytest.mark.parametrize(
    "answer",
    [
        b"{}",
        b"[]",
        b"58",
        b'"58"',
        b'{"task_id":0}',
        b'{"task_id":-1}',
        b'{"task_id":"58"}',
        b'{"task_id":true}',
        b'{"task_id":58.0}',
        b'{"task_id":null}',
        b'{"message":"success"}',
        b'{"task_id":1,"task_id":2}',
    ],
)
def test_a_trigger_answered_without_a_task_is_unknown(answer: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        rollout().read(Reply(200, {}, answer))


@pytest.mark.parametrize("value", [float("nan"), "\ud800", object()])
def test_a_trigger_json_cannot_carry_is_never_sent(value: Any) -> None:
    with pytest.raises(ConfigError):
        endpoints.create_task(FLOW, {}, {"j": RawInput(job_type="sql", parameters={"sql": value})})


# Approve


@pytest.mark.parametrize("approve", [True, False])
@pytest.mark.parametrize("comment", ["", "LGTM", "真"])
def test_the_decision_is_always_sent(approve: bool, comment: str) -> None:
    body = endpoints.decide_gate(TASK, GATE, approve=approve, comment=comment).body
    assert body is not None
    assert json.loads(body) == {
        "task_id": 41,
        "workflow_key": "mart-rollout",
        "stage_name": "job-1-0-0-go-live",
        "approve": approve,
        "comment": comment,
    }


@pytest.mark.parametrize("kind", GateKind)
def test_a_gate_the_call_cannot_pass_is_refused_before_any_call(kind: GateKind) -> None:
    closed = Gate(kind=kind, stage="s", name="lark-gate")
    for approve in (True, False):
        with pytest.raises(ConfigError, match=r"the gate 'lark-gate' .* cannot be decided"):
            endpoints.decide_gate(TASK, closed, approve=approve, comment="")


# Injection

HOSTILE = [
    "",
    ".",
    "..",
    "a/b",
    "../x",
    "%2e%2e",
    "a%2Fb",
    "a?b=c",
    "a#b",
    "a\nb",
    "a\x00",
    "a b",
    "名",
    "\ud800",
    "x" * 256,
]
HOSTILE_NAMES = [
    "",
    ".",
    "..",
    "a/b",
    "%2e%2e",
    "a%2Fb",
    "a?b=c",
    "a#b",
    "a\nb",
    "a\r\nX: y",
    "a\x00",
    "\ud800",
    "a\\b",
]

TAKES_A_KEY: dict[str, Callable[[str], AnyCall]] = {
    "list workflows": lambda text: endpoints.list_workflows(text),
    "workflow detail": lambda text: endpoints.get_workflow(WorkflowRef("mart", text)),
    "workflow detail, project": lambda text: endpoints.get_workflow(WorkflowRef(text, "w")),
    "task list": lambda text: endpoints.list_tasks(WorkflowRef("mart", text), 1, 1),
    "task list, project": lambda text: endpoints.list_tasks(WorkflowRef(text, "w"), 1, 1),
    "task detail": lambda text: endpoints.get_task(TaskRef("mart", text, 1)),
    "task status": lambda text: endpoints.get_task_status(TaskRef("mart", text, 1)),
    "execute": lambda text: endpoints.create_task(WorkflowRef("mart", text), {}, {}),
    "execute, project": lambda text: endpoints.create_task(WorkflowRef(text, "w"), {}, {}),
    "cancel": lambda text: endpoints.cancel_task(TaskRef("mart", text, 1)),
    "retry": lambda text: endpoints.retry_task(TaskRef("mart", text, 1)),
    "retry, project": lambda text: endpoints.retry_task(TaskRef(text, "w", 1)),
    "remark": lambda text: endpoints.remark_task(TaskRef("mart", text, 1), ""),
    "approve": lambda text: endpoints.decide_gate(TaskRef("mart", text, 1), GATE, approve=True, comment=""),
    "update workflow": lambda text: endpoints.update_workflow(text, DEFINITION),
    "delete workflow": lambda text: endpoints.delete_workflow(WorkflowRef("mart", text)),
    "delete workflow, project": lambda text: endpoints.delete_workflow(WorkflowRef(text, "w")),
    "list views": lambda text: endpoints.list_views(text),
    "create view": lambda text: endpoints.create_view("mart", "v", [text]),
    "create view, project": lambda text: endpoints.create_view(text, "v", []),
    "update view": lambda text: endpoints.update_view("mart", "v", {text: True}),
    "update view, project": lambda text: endpoints.update_view(text, "v", {}),
    "delete view, project": lambda text: endpoints.delete_view(text, "v"),
    "ticket": lambda text: endpoints.create_ticket(Ticket(project_key=text, approval_id="1")),
    "live log": lambda text: endpoints.follow_log(TaskRef("mart", text, 1), JOB, 0),
    "full log": lambda text: endpoints.fetch_log(TaskRef("mart", text, 1), JOB),
    "full log, as it comes": lambda text: endpoints.stream_log_archive(TaskRef("mart", text, 1), JOB),
}
TAKES_A_NAME: dict[str, Callable[[str], AnyCall]] = {
    "list workflows": lambda text: endpoints.list_workflows("mart", text),
    "create workflow": lambda text: endpoints.create_workflow(DEFINITION, text),
    "create view": lambda text: endpoints.create_view("mart", text, []),
    "update view": lambda text: endpoints.update_view("mart", text, {}),
    "delete view": lambda text: endpoints.delete_view("mart", text),
    "live log": lambda text: endpoints.follow_log(TASK, text, 0),
    "full log": lambda text: endpoints.fetch_log(TASK, text),
    "full log, as it comes": lambda text: endpoints.stream_log_archive(TASK, text),
}


@pytest.mark.parametrize("name", TAKES_A_KEY)
def test_a_hostile_key_makes_no_call(name: str) -> None:
    for text in HOSTILE:
        with pytest.raises(ConfigError):
            TAKES_A_KEY[name](text)
    TAKES_A_KEY[name]("mart-rollout")


@pytest.mark.parametrize("name", TAKES_A_NAME)
def test_a_hostile_name_makes_no_call(name: str) -> None:
    for text in HOSTILE_NAMES:
        with pytest.raises(ConfigError):
            TAKES_A_NAME[name](text)
    TAKES_A_NAME[name]("上线 1.0")


@pytest.mark.parametrize(
    ("number", "size"), [(0, 10), (-1, 10), (1, 0), (1, -1), (True, 1), (1.0, 1), ("1", 1)]
)
def test_a_page_counts_from_one(number: Any, size: Any) -> None:
    # The server takes 0 for "everything at once".
    with pytest.raises(ConfigError):
        endpoints.list_tasks(FLOW, number, size)


@pytest.mark.parametrize("tail", [-1, True, 1.5, "10"])
def test_a_tail_is_a_whole_number(tail: Any) -> None:
    with pytest.raises(ConfigError):
        endpoints.follow_log(TASK, JOB, tail)
    assert endpoints.follow_log(TASK, JOB, 0).target.endswith("/0")


@pytest.mark.parametrize("on", [None, 0, 1, "true", "false"])
def test_a_view_flag_is_never_guessed(on: Any) -> None:
    with pytest.raises(ConfigError, match="expected true or false"):
        endpoints.update_view("mart", "v", {"a": on})


def test_one_key_is_not_a_list_of_letters() -> None:
    with pytest.raises(ConfigError, match="expected a list"):
        endpoints.create_view("mart", "v", "abc")


@pytest.mark.parametrize("change", [{"name": ""}, {"name": 5}, {"project": None}, {"project": ""}])
@pytest.mark.parametrize("make", [endpoints.create_workflow, lambda d: endpoints.update_workflow("w", d)])
def test_a_definition_names_workflow_and_project(
    make: Callable[[dict[str, Any]], AnyCall], change: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="must be a string that is not empty"):
        make({**DEFINITION, **change})
    with pytest.raises(ConfigError):
        make({"name": "w"})


def test_an_unlimited_ticket() -> None:
    body = endpoints.create_ticket(Ticket(project_key="mart", approval_id="1", usable=False)).body
    assert body is not None
    assert json.loads(body) == {
        "project_key": "mart",
        "approval_id": "1",
        "status": 0,
        "envs": [],
        "services": [],
        "users": [],
        "execution_window_start": 0,
        "execution_window_end": 0,
    }


# Answers about something else


def detail_of(workflow: str, task_id: int, status: str = "running") -> Reply:
    document = {"task_id": task_id, "workflow_key": workflow, "status": status}
    return Reply(200, {}, golden.go_json(document))


@pytest.mark.parametrize("status", ["running", "passed"])
@pytest.mark.parametrize("make", [endpoints.get_task, endpoints.get_task_status])
def test_an_answer_about_another_task_is_refused(make: Callable[[TaskRef], AnyCall], status: str) -> None:
    call = make(TASK)
    assert call.read(detail_of("mart-rollout", 41, status)).task_id == 41
    for workflow, task_id, field in (("mart-rollout", 42, "task_id"), ("mart-Rollout", 41, "workflow_key")):
        with pytest.raises(DecodeError, match="another task") as caught:
            call.read(detail_of(workflow, task_id, status))
        assert caught.value.problems == (f"$.{field}: not the one asked for",)
        assert (caught.value.call, caught.value.status) == (call.label, 200)


def test_an_answer_about_another_workflow_is_refused() -> None:
    call = endpoints.get_workflow(FLOW)
    assert call.read(Reply(200, {}, b'{"workflow_key":"mart-rollout"}')).workflow_key == "mart-rollout"
    with pytest.raises(DecodeError, match="another workflow"):
        call.read(Reply(200, {}, b'{"workflow_key":"mart-sweep"}'))


# Logs


def test_an_archived_log_is_text_as_it_is() -> None:
    call = endpoints.fetch_log(TASK, JOB)
    assert call.max_reply == endpoints.FULL_LOG_CAP
    text = "a\r\n<html> b \x1b[31m\n"
    assert call.read(Reply(200, {"content-type": "text/plain; charset=utf-8"}, text.encode())) == text
    assert call.read(Reply(200, {}, b"")) == ""
    assert call.read(Reply(200, {}, b"half \xe5\xad")) == "half \ufffd"


@pytest.mark.parametrize(
    "kind", ["text/html", "text/html; charset=utf-8", "Text/HTML", "application/xhtml+xml"]
)
def test_a_login_page_is_no_log(kind: str) -> None:
    for call in (endpoints.fetch_log(TASK, JOB), endpoints.stream_log_archive(TASK, JOB)):
        with pytest.raises(DecodeError, match="an HTML page") as caught:
            call.read(Reply(200, {"content-type": kind}, b"<html>"))
        assert (caught.value.call, caught.value.status) == (call.label, 200)


@pytest.mark.parametrize(
    "call",
    [endpoints.follow_log(TASK, JOB, 5), endpoints.stream_log_archive(TASK, JOB)],
    ids=lambda c: c.label,
)
def test_a_log_that_keeps_coming_has_no_value_and_a_small_head(call: AnyCall) -> None:
    assert call.read(Reply(200, {}, b"")) is None
    assert call.max_reply <= 1024 * 1024


# The operation log


@pytest.mark.parametrize("name", ["bot", "a.b", "张三 (CI)", "x|y*", "^$", "a\\b", "-~#&"])
def test_a_user_is_found_by_exactly_that_name(name: str) -> None:
    query = dict(parse_qsl(endpoints.list_operations(name, 1, 50).target.partition("?")[2]))
    # the emulator and the server search for the text as a pattern
    assert re.search(query["username"], name)
    for other in (f"{name}x", f"x{name}", "x", "axb", name.upper() + "!"):
        assert not re.search(query["username"], other)


@pytest.mark.parametrize("name", ["", None, 1, "\ud800"])
def test_a_user_that_is_no_name_makes_no_call(name: Any) -> None:
    with pytest.raises(ConfigError):
        endpoints.list_operations(name, 1, 50)


@pytest.mark.parametrize(("number", "size"), [(0, 1), (1, 0), (True, 1), (1, "5")])
def test_a_page_of_the_operation_log_counts_from_one(number: Any, size: Any) -> None:
    with pytest.raises(ConfigError):
        endpoints.list_operations("bot", number, size)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("[]", "$: expected an object, got a list"),
        ('{"total":1}', "$.operation_logs: missing"),
        ('{"operation_logs":[]}', "$.total: expected a whole number, got null"),
        ('{"operation_logs":[],"total":"1"}', "$.total: expected a whole number, got a string"),
        (
            '{"operation_logs":[{"request_body":1}],"total":1}',
            "$.operation_logs[0].request_body: expected a string, got a whole number",
        ),
    ],
)
def test_an_operation_log_that_is_none(body: str, problem: str) -> None:
    call = endpoints.list_operations("bot", 1, 50)
    with pytest.raises(DecodeError) as caught:
        call.read(Reply(200, {}, body.encode()))
    assert list(caught.value.problems) == [problem]
