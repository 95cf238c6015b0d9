"""The golden files are read as what they say; the emulator is held to the same files."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import golden
from zadig_async.errors import ConfigError, OutcomeUnknownError
from zadig_async.model.gate import GateKind
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.jobspec import ApprovalSpec, BuildSpec, DeploySpec
from zadig_async.model.status import Phase
from zadig_async.model.task import JobRun, Task, TaskStatus
from zadig_async.wire import endpoints
from zadig_async.wire.loglines import LogParser, is_end_marker, log_archive_lines, normalise_line

FLOW = WorkflowRef("mart", "mart-rollout")
TASK = TaskRef("mart", "mart-rollout", 41)

TASKS: dict[str, tuple[str, int, Phase, tuple[str, ...]]] = {
    # file: workflow, task, phase, job statuses
    "task-detail-created.json": ("mart-rollout", 41, Phase.QUEUED, ("", "", "")),
    "task-detail-prepare.json": ("mart-rollout", 41, Phase.RUNNING, ("prepare", "", "")),
    "task-detail-running.json": ("mart-rollout", 41, Phase.RUNNING, ("running", "", "")),
    "task-detail-waiting-approval.json": (
        "mart-rollout",
        41,
        Phase.ATTENTION,
        ("passed", "wait_for_approval", ""),
    ),
    "task-detail-passed.json": ("mart-rollout", 41, Phase.SUCCEEDED, ("passed", "passed", "passed")),
    "task-detail-failed.json": ("mart-broken", 1, Phase.FAILED, ("failed", "", "")),
    "task-detail-rejected.json": ("mart-rollout", 41, Phase.REJECTED, ("passed", "reject", "")),
    "task-detail-cancelled.json": ("mart-rollout", 41, Phase.CANCELLED, ("passed", "cancelled", "")),
    "task-detail-cancelled-while-waiting.json": ("mart-rollout", 42, Phase.CANCELLED, ("", "", "")),
    "task-detail-approval-timeout.json": ("mart-rollout", 41, Phase.TIMED_OUT, ("passed", "timeout", "")),
    "task-detail-paused.json": ("mart-paused", 1, Phase.ATTENTION, ("passed", "")),
    "task-detail-manual-error-handling.json": (
        "mart-delicate",
        1,
        Phase.ATTENTION,
        ("wait_for_manual_error_handling",),
    ),
    "task-detail-every-job.json": ("mart-museum", 1, Phase.SUCCEEDED, ("passed",) * 41),
}

OTHER = {
    "execute-request.json",  # what we send: tests/wire/test_endpoints.py
    "ticket-request.json",
    "execute-response.json",
    "full-log.txt",
    "full-log-empty.txt",
    "operation-log.json",
    "sse-stream.txt",
    "success-message.json",
    "redirect-301.json",
    "redirect-307.json",
    "task-list.json",
    "task-list-empty.json",
    "views-list.json",
    "workflow-detail.json",
    "workflow-list.json",
    "workflow-list-empty.json",
}


def test_every_golden_file_is_read_somewhere() -> None:
    files = {*golden.names(golden.GOLDEN), *golden.names(golden.GOLDEN, "*.txt")}
    errors = {name for name in files if name.startswith("error-")}  # tests/wire/test_reply.py
    assert files - errors == OTHER | set(TASKS)


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def task(name: str) -> Task:
    workflow, number, *_ = TASKS[name]
    return endpoints.get_task(TaskRef("mart", workflow, number)).read(golden.reply(name))


def polled(name: str) -> TaskStatus:
    workflow, number, *_ = TASKS[name]
    return endpoints.get_task_status(TaskRef("mart", workflow, number)).read(golden.reply(name))


def job(of: Task, name: str) -> JobRun:
    found = of.job(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", TASKS)
def test_task(name: str) -> None:
    workflow, number, phase, statuses = TASKS[name]
    for seen in (task(name), polled(name)):
        assert (seen.workflow_key, seen.task_id, seen.project_key) == (workflow, number, "mart")
        assert seen.phase is phase
        jobs = seen.jobs() if isinstance(seen, Task) else seen.jobs
        assert tuple(job.status for job in jobs) == statuses
    assert task(name).ref == TaskRef("mart", workflow, number)
    assert task(name).raw == golden.value(name)
    assert all(each.spec is not None for each in task(name).jobs())


def test_a_task_that_passed_in_full() -> None:
    made = task("task-detail-passed.json")
    assert (made.workflow_name, made.remark, made.creator, made.revoker) == (
        "集市上线",
        "train-7/wave-2",
        "周航",
        "周航",
    )
    assert (made.created_at, made.started_at, made.ended_at) == (
        at(1_790_000_000),
        at(1_790_000_003),
        at(1_790_000_193),
    )
    assert [stage.name for stage in made.stages] == ["构建", "审批", "部署"]
    assert [stage.parallel for stage in made.stages] == [True, False, False]
    assert [(param.name, param.value) for param in made.params] == [("RELEASE", "2.4.1"), ("MODE", "full")]

    build = job(made, "job-0-0-0-build")
    assert (build.origin_name, build.key, build.duration, build.retry_count) == (
        "build",
        "build.mart-api.core",
        100,
        0,
    )
    assert build.info == {"job_name": "build", "service_module": "core", "service_name": "mart-api"}
    assert isinstance(build.spec, BuildSpec)
    assert (build.spec.service_name, build.spec.service_module) == ("mart-api", "core")
    assert build.spec.image.startswith("hub.example.net/mart/mart-api:")
    assert build.spec.repos[0].repo_namespace == "bazaar"

    approval = job(made, "job-1-0-0-go-live").spec
    assert isinstance(approval, ApprovalSpec)
    assert (approval.kind, approval.timeout_minutes, approval.needed) == ("native", 45, 1)
    assert [user.decision for user in approval.approvers].count("approve") == 1

    deploy = job(made, "job-2-0-0-deploy")
    assert isinstance(deploy.spec, DeploySpec)
    assert (deploy.spec.env, deploy.spec.production) == ("live-bj", True)
    assert deploy.error_policy is not None
    assert (deploy.error_policy.policy, deploy.error_policy.maximum_retry) == ("retry", 1)


def test_a_task_that_waits_for_approval() -> None:
    (gate,) = task("task-detail-waiting-approval.json").gates
    assert (gate.kind, gate.stage, gate.name) == (GateKind.APPROVAL, "审批", "go-live")
    assert gate.approve_name == "job-1-0-0-go-live"
    assert (gate.needed, gate.timeout, gate.opened_at) == (1, 2700.0, at(1_790_000_104))
    assert [user.user_name for user in gate.approvers] == ["林岚", "许诺"]


def test_tasks_that_were_stopped() -> None:
    assert task("task-detail-cancelled.json").revoker == "林岚"
    assert job(task("task-detail-cancelled.json"), "job-1-0-0-go-live").error == "workflow was canceled"
    assert job(task("task-detail-approval-timeout.json"), "job-1-0-0-go-live").error == "workflow timeout"
    assert task("task-detail-cancelled-while-waiting.json").ended_at is None
    paused = task("task-detail-paused.json")
    assert paused.ended_at == at(1_790_000_018), "which is why an end time proves no end"
    assert paused.stages[1].manual_exec is not None
    assert [user.type for user in paused.stages[1].manual_exec.users] == ["user", "task_creator"]


def test_task_list() -> None:
    page = endpoints.list_tasks(FLOW, 1, 50).read(golden.reply("task-list.json"))
    assert page.total == 4
    assert [(line.task_id, line.status.phase, line.creator) for line in page.tasks] == [
        (42, Phase.QUEUED, "周航"),
        (41, Phase.RUNNING, "周航"),
        (40, Phase.SUCCEEDED, "林岚"),
        (37, Phase.REJECTED, "system"),
    ]
    assert (page.tasks[0].started_at, page.tasks[0].ended_at) == (at(1_790_000_030), None)
    empty = endpoints.list_tasks(FLOW, 1, 50).read(golden.reply("task-list-empty.json"))
    assert (empty.total, empty.tasks) == (0, ())


def test_workflow_list() -> None:
    rows = endpoints.list_workflows("mart").read(golden.reply("workflow-list.json"))
    assert len(rows) == 10
    assert (rows[0].workflow_key, rows[0].workflow_name, rows[0].updated_by) == (
        "mart-rollout",
        "集市上线",
        "林岚",
    )
    assert rows[0].updated_at == at(1_788_000_000)
    assert {row.type for row in rows} == {"custom", "product"}
    assert endpoints.list_workflows("x").read(golden.reply("workflow-list-empty.json")) == ()


def test_workflow_detail() -> None:
    workflow = endpoints.get_workflow(FLOW).read(golden.reply("workflow-detail.json"))
    assert workflow.ref == FLOW
    assert workflow.description == "构建 <镜像> & 审批 & 部署"
    assert (workflow.created_at, workflow.updated_at) == (at(1_770_000_000), at(1_788_000_000))
    assert (workflow.updated_by, workflow.concurrency_limit) == ("", 1)
    assert [param.choice_option for param in workflow.params] == [(), ("canary", "full")]
    assert [(each.name, each.type, each.run_policy) for each in workflow.jobs()] == [
        ("build", "zadig-build", ""),
        ("go-live", "approval", ""),
        ("deploy", "zadig-deploy", "force_run"),
    ]
    assert [stage.parallel for stage in workflow.stages] == [True, False, False]
    assert workflow.notify_ctls[0].notify_type == ("passed", "failed", "cancelled")
    assert "REDACTED" not in repr(workflow)
    assert [(each.name, each.path) for each in workflow.share_storages] == [("cargo", "/root/.cargo")]


def test_views() -> None:
    views = endpoints.list_views("mart").read(golden.reply("views-list.json"))
    assert [(view.name, view.updated_by) for view in views] == [("上线", "周航"), ("nightly", "admin")]
    assert [each.workflow_key for each in views[0].workflows] == ["mart-rollout"]
    assert views[1].workflows == ()


def test_the_operation_log() -> None:
    page = endpoints.list_operations("周航", 1, 50).read(golden.reply("operation-log.json"))
    assert page.total == 6
    assert [(each.username, each.method, each.detail, each.status) for each in page.operations] == [
        ("周航", "更新", "mart-nothing", 400),
        ("周航", "(OpenAPI)删除", "nightly", 200),
        ("过客", "新建", "mart-delicate", 403),
        ("周航", "OpenAPI重试", "mart-rollout", 200),
        ("周航", "新建", "mart-off", 400),
        ("周航", "新建", "mart-delicate", 200),
    ]
    first, last = page.operations[0], page.operations[-1]
    assert (first.body_type, last.body_type) == ("yaml", "json")
    assert (last.project_key, last.function, last.scene, last.targets) == ("mart", "工作流任务", "", ())
    assert (first.created_at, last.created_at) == (at(1_790_000_005), at(1_790_000_000))
    assert json.loads(last.request_body)["x_zadig_async_run"] == "01JZ0GOLDEN"
    assert last.raw == golden.value("operation-log.json")["operation_logs"][-1]
    assert "01JZ0GOLDEN" not in repr(page)


def test_execute() -> None:
    ref = endpoints.create_task(FLOW, {}, {}).read(golden.reply("execute-response.json"))
    assert ref == TaskRef("mart", "mart-rollout", golden.value("execute-response.json")["task_id"])


def test_logs_say_the_same_live_and_archived() -> None:
    archived = endpoints.fetch_log(TASK, "job-0-0-0-build").read(golden.reply("full-log.txt"))
    expected = [normalise_line(line.text) for line in log_archive_lines(archived)]
    live = [line.text for line in LogParser().feed(golden.reply("sse-stream.txt").body)]
    assert [normalise_line(text) for text in live] == expected
    assert len(expected) == 11
    assert is_end_marker(live[-1])
    assert endpoints.fetch_log(TASK, "x").read(golden.reply("full-log-empty.txt")) == ""


@pytest.mark.parametrize("name", ["redirect-301.json", "redirect-307.json"])
def test_redirects_are_not_followed(name: str) -> None:
    calls: dict[type[Exception], Any] = {
        ConfigError: endpoints.list_workflows("mart"),
        OutcomeUnknownError: endpoints.create_task(FLOW, {}, {}),
    }
    for kind, call in calls.items():
        with pytest.raises(kind, match="a redirect; it was not followed"):
            call.read(golden.reply(name))
