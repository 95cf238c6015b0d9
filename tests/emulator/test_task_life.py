"""How tasks, stages and jobs move: outcomes, error policies, aggregation, manual stages, exact moments."""

from typing import Any

import pytest

from tests.emulator.worlds import START, Bench, world_of


def statuses(task: Any) -> list[Any]:
    """Stage status and job statuses, stage by stage."""
    return [(stage.status, [job.status for job in stage.jobs]) for stage in task.stages]


def job(name: str, outcome: Any = "passed", policy: Any = None, **more: Any) -> dict[str, Any]:
    result: dict[str, Any] = {"name": name, "outcome": outcome, "prepare": 2, "duration": 10, **more}
    if policy is not None:
        result["error_policy"] = policy
    return result


async def test_the_moments_of_a_task() -> None:
    b = Bench.of(world_of(job("one"), job("two")))
    b.advance(1)
    task = await b.run("w")
    seen: list[tuple[float, tuple[str, ...]]] = []
    for step in range(140):
        moment = step * 0.25
        line = (task.status, *(item.status for stage in task.stages for item in stage.jobs))
        if not seen or seen[-1][1] != line:
            seen.append((moment, line))
        b.advance(0.25)
    assert seen == [
        (0.0, ("waiting", "", "")),
        (2.0, ("running", "", "")),  # the scheduler ticks every 3 s, the task came 1 s after a tick
        (2.5, ("running", "prepare", "")),
        (4.5, ("running", "running", "")),
        (14.5, ("running", "passed", "")),
        (15.0, ("running", "passed", "prepare")),
        (17.0, ("running", "passed", "running")),
        (27.0, ("running", "passed", "passed")),
        (28.0, ("passed", "passed", "passed")),
    ]
    assert (task.created, task.start, task.end) == (START + 1, START + 3, START + 29)


@pytest.mark.parametrize(
    ("jobs", "parallel", "stage", "task", "each"),
    [
        ([job("a"), job("b")], False, "passed", "passed", ["passed", "passed"]),
        ([job("a", "failed"), job("b")], False, "failed", "failed", ["failed", ""]),
        ([job("a", "timeout"), job("b")], False, "timeout", "timeout", ["timeout", ""]),
        ([job("a", "failed"), job("b")], True, "failed", "failed", ["failed", "passed"]),
        ([job("a", "failed"), job("b", "timeout")], True, "timeout", "timeout", ["failed", "timeout"]),
        ([job("a", "failed", "ignore_error"), job("b")], False, "passed", "passed", ["unstable", "passed"]),
        ([job("a", "failed", "ignore_error")], False, "unstable", "passed", ["unstable"]),
        (
            [job("a", "timeout", "ignore_error"), job("b", "failed")],
            True,
            "failed",
            "failed",
            ["unstable", "failed"],
        ),
        ([job("a", "failed", "stop")], False, "failed", "failed", ["failed"]),
    ],
)
async def test_aggregation(jobs: list[Any], parallel: bool, stage: str, task: str, each: list[str]) -> None:
    b = Bench.of(
        world_of(
            stages=[{"name": "s", "parallel": parallel, "jobs": jobs}, {"name": "t", "jobs": [job("z")]}]
        )
    )
    run = await b.run("w")
    b.advance(100)
    assert statuses(run)[0] == (stage, each)
    assert run.status == task
    later = "passed" if task == "passed" else ""
    assert statuses(run)[1] == (later, [later])


async def test_a_parallel_stage_holds_as_many_jobs_as_the_system_allows() -> None:
    jobs = [job(f"j{index}", duration=10 + index) for index in range(5)]
    b = Bench.of(world_of(stages=[{"name": "s", "parallel": True, "jobs": jobs}], build_concurrency=2))
    run = await b.run("w")
    most = 0
    for _ in range(400):
        b.advance(0.25)
        most = max(most, sum(item.status in ("prepare", "running") for item in run.stages[0].jobs))
    assert most == 2
    assert run.status == "passed"


@pytest.mark.parametrize(
    ("outcome", "maximum", "status", "retries"),
    [
        (["failed", "passed"], 1, "passed", 1),
        (["failed", "timeout", "passed"], 2, "passed", 2),
        (["failed", "failed", "passed"], 1, "failed", 1),
        (["failed"], 3, "failed", 3),
    ],
)
async def test_automatic_retry(outcome: list[str], maximum: int, status: str, retries: int) -> None:
    b = Bench.of(world_of(job("a", outcome, {"policy": "retry", "maximum_retry": maximum})))
    run = await b.run("w")
    b.advance(120)
    assert (run.status, b.job(run, "a").retry_count) == (status, retries)


async def test_automatic_retry_waits_ten_seconds_and_keeps_its_stage_open() -> None:
    jobs = [job("a", ["failed", "passed"], {"policy": "retry", "maximum_retry": 1}), job("b", duration=15)]
    b = Bench.of(world_of(stages=[{"name": "s", "parallel": True, "jobs": jobs}]))
    run = await b.run("w")
    b.advance(3.5 + 2 + 10)
    a = b.job(run, "a")
    assert (a.status, a.retry_count) == ("failed", 0)
    b.advance(9.5)
    assert (run.stages[0].status, [item.status for item in run.stages[0].jobs]) == (
        "running",
        ["failed", "passed"],
    )
    b.advance(0.5)
    assert (a.status, a.retry_count) == ("prepare", 1)


@pytest.mark.parametrize(
    ("decision", "job_status", "task_status"),
    [("ignore", "unstable", "passed"), ("reject", "failed", "failed")],
)
async def test_manual_error_handling(decision: str, job_status: str, task_status: str) -> None:
    b = Bench.of(world_of(job("a", "failed", {"policy": "manual_check", "approval_users": ["ann"]})))
    run = await b.run("w")
    b.advance(1000)
    a = b.job(run, "a")
    assert (run.status, run.stages[0].status, a.status, a.end) == (
        "running",
        "running",
        "wait_for_manual_error_handling",
        0,
    )
    target = "/api/aslan/workflow/v4/workflowtask/handle/error"
    body = {"workflow_name": "w", "task_id": 1, "job_name": a.name, "decision": decision}
    assert (await b.send("POST", target, body, token="bob")).status == 400
    assert (await b.send("POST", target, {**body, "decision": "maybe"}, token="ann")).status == 400
    assert (await b.send("POST", target, body, token="ann")).status == 200
    b.advance(5)
    assert (a.status, a.handler_id, a.handler_name) == (job_status, "u-ann", "ann")
    assert run.status == task_status
    again = await b.send("POST", target, body, token="ann")
    assert (again.status, b"6169" in again.body) == (400, True)


MANUAL: list[dict[str, Any]] = [
    {"name": "build", "jobs": [job("a")]},
    {"name": "ship", "manual_exec": {"users": ["ann"]}, "jobs": [job("b")]},
]
RELEASE = "/api/aslan/workflow/v4/workflowtask/manualexec/workflow/w/task/1?stageName=ship&projectName=p"


async def test_a_manual_stage_pauses_frees_its_slot_and_goes_on_when_released() -> None:
    b = Bench.of(world_of(stages=MANUAL, workflow_concurrency=1))
    run = await b.run("w")
    b.advance(60)
    assert statuses(run) == [("passed", ["passed"]), ("pause", [""])]
    assert (run.status, run.end > 0, run.on_worker, run.stages[1].start) == ("pause", True, False, 0)
    other = await b.run("w")
    b.advance(10)
    assert other.status == "running"
    refused = await b.send("POST", RELEASE.replace("ship", "build"), {"jobs": []})
    assert refused.status == 500
    assert (await b.send("POST", RELEASE, {"jobs": []}, token="bob")).status == 403
    assert (await b.send("POST", RELEASE, {"jobs": []}, token="ann")).status == 200
    assert (run.status, run.end > 0) == ("waiting", True)
    b.advance(60)
    assert run.status == "passed"
    manual = run.stages[1].manual_exec
    assert manual is not None
    assert list(manual) == [
        "enabled",
        "modify_params",
        "manual_exec_users",
        "excuted",
        "manual_exector_id",
        "manual_exector_name",
    ]
    late = await b.send("POST", RELEASE, {"jobs": []})
    assert (late.status, "工作流任务状态无法手动执行" in late.body.decode()) == (500, True)


async def test_a_released_stage_does_not_pause_again_after_a_retry() -> None:
    stages = [MANUAL[0], {**MANUAL[1], "jobs": [job("b", ["failed", "passed"])]}]
    b = Bench.of(world_of(stages=stages))
    run = await b.run("w")
    b.advance(60)
    await b.send("POST", RELEASE, {"jobs": []})
    b.advance(60)
    assert run.status == "failed"
    await b.retry(run)
    b.advance(60)
    assert run.status == "passed"


@pytest.mark.parametrize(("version", "status"), [("4.3.0", 404), ("5.0.0", 200)])
async def test_the_open_manual_execution_came_with_version_5(version: str, status: int) -> None:
    b = Bench.of(world_of(stages=MANUAL, version=version))
    run = await b.run("w")
    b.advance(60)
    target = f"/openapi/workflows/custom/w/task/{run.id}/manual-exec"
    shown = await b.send("GET", target, token="ann")
    assert shown.status == status
    assert (await b.send("POST", target, {"stage_name": "ship"}, token="ann")).status == status
    if status == 200:
        assert b'"status":"pause","stage_name":"ship","can_execute":true' in shown.body
        b.advance(60)
        assert run.status == "passed"


async def test_a_job_that_never_ends_runs_until_cancelled() -> None:
    b = Bench.of(world_of(job("a", "never")))
    run = await b.run("w")
    b.advance(100_000)
    assert run.status == "running"
    await b.cancel(run)
    b.advance(5)
    assert b.job(run, "a").status == "cancelled"


async def test_advancing_at_once_and_in_small_steps_is_the_same() -> None:
    scenario = world_of(
        stages=[
            {
                "name": "s",
                "parallel": True,
                "jobs": [job("a", ["failed", "passed"], {"policy": "retry", "maximum_retry": 2}), job("b")],
            },
            {"name": "t", "jobs": [job("c"), job("d", "failed", "ignore_error")]},
        ]
    )
    ends = []
    for step in (0.1, 0.37, 500.0):
        b = Bench.of(scenario)
        tasks = [await b.run("w") for _ in range(4)]
        for _ in range(round(500 / step)):
            b.advance(step)
        ends.append([(task.status, task.end, statuses(task)) for task in tasks])
    assert ends[0] == ends[1] == ends[2]


async def test_what_one_run_fills_in_is_not_seen_in_the_next() -> None:
    results = [{"sql": "a;", "status": "not_exec"}]
    b = Bench.of(world_of({"name": "a", "type": "sql", "task_spec": {"results": results}}))
    first, second = await b.run("w"), await b.run("w")
    b.advance(100)
    third = await b.run("w")
    shown = [(b.job(task, "a").spec or {})["results"][0]["status"] for task in (first, second, third)]
    assert shown == ["success", "success", "not_exec"]
    assert results[0]["status"] == "not_exec"
