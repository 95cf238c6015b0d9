"""The public names as a caller would use them. Nothing here runs: mypy reads it with the other tests."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_type

from zadig_async import (
    ALL_JOBS,
    ApprovalPolicy,
    ApprovalRule,
    Audit,
    Deadlines,
    Freeze,
    Gate,
    GateKind,
    Journal,
    KillSwitch,
    Launch,
    LogFeed,
    LogGap,
    LogPolicy,
    LogReport,
    Orchestrator,
    Outcome,
    Phase,
    ReconcilePolicy,
    RequestRecord,
    RetryPolicy,
    Run,
    RunPolicy,
    Secret,
    Status,
    Task,
    TaskRef,
    TaskStatus,
    TaskSummary,
    Ticket,
    Verdict,
    Window,
    Workflow,
    WorkflowRef,
    ZadigClient,
    ZadigError,
    __version__,
    errors,
    events,
    inputs,
)
from zadig_async.model.task import JobRun, TaskPage
from zadig_async.model.user import User
from zadig_async.model.view import View
from zadig_async.wire.loglines import LogLine

VERSION: str = __version__


def on_request(record: RequestRecord) -> None:
    assert_type(record.seconds, float)
    assert_type(record.status, int | None)


def client() -> ZadigClient:
    return ZadigClient.connect(
        "https://zadig.example.net",
        token=Secret("token"),
        ca_file=Path("ca.pem"),
        retry=RetryPolicy(attempts=2),
        on_request=on_request,
    )


async def workflows(zadig: ZadigClient) -> None:
    for row in await zadig.workflows.list("shop", view="nightly"):
        assert_type(row.updated_at, datetime | None)
    workflow = await zadig.workflows.get("shop", "deploy")
    assert_type(workflow, Workflow)
    assert_type(workflow.ref, WorkflowRef)
    await zadig.workflows.create({"name": "deploy", "project": "shop"}, view="nightly")
    await zadig.workflows.update("deploy", {"name": "deploy", "project": "shop"})
    await zadig.workflows.delete("shop", "deploy")


async def tasks(zadig: ZadigClient, gate: Gate) -> None:
    service = inputs.DeployService(service_name="api", service_module="api", image_name="hub/api:1")
    ref = await zadig.tasks.create(
        "shop",
        "deploy",
        inputs={
            "gate": inputs.ApprovalInput(),
            "deploy": inputs.DeployInput(env_name="prod", services=[service]),
        },
        params={"branch": "main"},
    )
    assert_type(ref, TaskRef)
    async for line in zadig.tasks.list("shop", "deploy"):
        assert_type(line, TaskSummary)
        assert_type(line.status, Status)
        assert_type(line.status.phase, Phase)
    assert_type(await zadig.tasks.page("shop", "deploy", number=1, size=10), TaskPage)
    task = await zadig.tasks.get(ref)
    assert_type(task, Task)
    assert_type(task.job("job-0-0-0-build"), JobRun | None)
    assert_type(await zadig.tasks.status(ref), TaskStatus)
    for each in task.gates:
        assert_type(each, Gate)
        assert_type(each.kind, GateKind)
        assert_type(each.approvers, tuple[User, ...])
    await zadig.tasks.approve(ref, gate, comment="LGTM")
    await zadig.tasks.reject(ref, gate)
    await zadig.tasks.cancel(ref)
    await zadig.tasks.retry(ref)
    await zadig.tasks.remark(ref, "train 7")


async def the_rest(zadig: ZadigClient, ref: TaskRef) -> None:
    assert_type(await zadig.views.list("shop"), tuple[View, ...])
    await zadig.views.create("shop", "nightly", ["deploy"])
    await zadig.views.update("shop", "nightly", enabled={"deploy": False})
    await zadig.views.delete("shop", "nightly")
    await zadig.tickets.create(
        Ticket(project_key="shop", approval_id="OA-1", envs=["prod"], window_start=datetime.now(UTC))
    )
    assert_type(await zadig.logs.fetch(ref, "job-0-0-0-build"), str)
    async for line in zadig.logs.follow(ref, "job-0-0-0-build", tail=10):
        assert_type(line, LogLine)
    async with zadig.logs.open(ref, "job-0-0-0-build") as stream:
        async for batch in stream:
            assert_type(batch, list[LogLine])
    async with zadig.logs.open_archive(ref, "job-0-0-0-build") as archive:
        async for batch in archive:
            assert_type(batch, list[LogLine])
    assert_type(zadig.secrets, tuple[Secret, ...])
    for registry in await zadig.registries.list():
        assert_type(registry.name, str)


def say(event: events.Event) -> None:
    assert_type(event.workflow, WorkflowRef)
    assert_type(event.ref, TaskRef | None)


async def orchestrate(launches: list[Launch]) -> None:
    rule = ApprovalRule(project="shop", workflow="deploy-*", gate="staging-gate")
    policy = RunPolicy(
        concurrency=50, approvals=ApprovalPolicy([rule]), deadlines=Deadlines(total=3600, cancel=True)
    )
    async with client() as zadig, Orchestrator(zadig, policy, on_event=say) as orchestrator:
        launch = Launch("shop", "deploy-api", params={"branch": "main"}, jobs=["build", "deploy"])
        outcome = await orchestrator.run(launch)
        assert_type(outcome, Outcome)
        if not outcome.ok:
            assert_type(outcome.verdict, Verdict)
            assert_type(outcome.error, ZadigError | None)
            assert_type(outcome.first_failure, JobRun | None)
        everything = Launch("shop", "deploy-web", jobs=ALL_JOBS, allow_bypass=["old-gate"])
        run = await orchestrator.start(everything)
        assert_type(run, Run)
        assert_type(run.events(), AsyncGenerator[events.Event, None])
        assert_type(await run.wait(), Outcome)
        await run.cancel()
        attached = orchestrator.attach(TaskRef.parse("shop/deploy-api#56"))
        assert_type(attached.ref, TaskRef)
        assert_type(await orchestrator.run_all(launches), list[Outcome])


async def read_logs(zadig: ZadigClient, launches: list[Launch]) -> None:
    policy = RunPolicy(follow_logs=True, logs=LogPolicy(jobs=("build",), tail=100, silence=30.0))
    async with LogFeed(when_full="drop") as logs, Orchestrator(zadig, policy, on_log=logs) as orchestrator:
        running = asyncio.create_task(orchestrator.run_all(launches))
        async for event in logs.until(running):
            assert_type(event, events.LogEvent)
            match event:
                case events.LogLines():
                    assert_type(event.lines, tuple[LogLine, ...])
                    assert_type(event.fills, LogGap | None)
                case events.LogClosed():
                    assert_type(event.report, LogReport)
                    assert_type(event.report.complete, bool | None)
        assert_type(running.result(), list[Outcome])


async def go_on_after_a_crash(zadig: ZadigClient, approver: ZadigClient, launches: list[Launch]) -> None:
    rule = ApprovalRule(
        project="shop",
        workflow="deploy-*",
        gate="prod-gate",
        windows=[Window.parse("Mon-Thu 09:00-16:00 Europe/Berlin")],
        soak=300.0,
    )
    freeze = Freeze.parse("2026-12-23 .. 2027-01-04 Europe/Berlin: year's end")
    policy = RunPolicy(
        approvals=ApprovalPolicy([rule], freezes=[freeze], max_per_hour=20),
        reconcile=ReconcilePolicy(window=300.0, when_absent="retrigger"),
    )
    switch = KillSwitch(Path("STOP"))
    audit = await Audit.open(Path("release.audit.jsonl"))
    async with (
        await Journal.open("release.journal") as journal,
        Orchestrator(
            zadig, policy, journal=journal, audit=audit, switch=switch, voter=approver
        ) as orchestrator,
    ):
        assert_type(await orchestrator.resume(launches), list[Outcome])
        assert_type(await orchestrator.retry(TaskRef("shop", "deploy-api", 7), "flaky network"), Run)
        switch.pull("a person said stop")
        assert_type(switch.pulled(), str | None)
    await audit.close()


def why(error: ZadigError) -> int | None:
    match error:
        case errors.ApiError():
            assert_type(error.code, int | None)
            return error.status
        case errors.DecodeError():
            assert_type(error.problems, tuple[str, ...])
    return None
