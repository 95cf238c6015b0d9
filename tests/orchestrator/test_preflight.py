"""A launch against the live definition: everything the server would do silently is said aloud."""

from typing import Any

import pytest

from zadig_async import ALL_JOBS, Launch, Workflow
from zadig_async.errors import PreflightError
from zadig_async.model.inputs import (
    BuildInput,
    BuildService,
    DeployInput,
    DeployService,
    RawInput,
    RepoParam,
    SqlInput,
)
from zadig_async.model.variable import Param
from zadig_async.model.workflow import Job, Registry, Stage, WorkflowSummary
from zadig_async.orchestrator import preflight
from zadig_async.wire.inputs import encode_parameters

REGISTRY = Registry(registry_id="r1", address="https://registry.example.com", namespace="shop")
LISTED = [WorkflowSummary(workflow_key="api")]
BUILD = Job(
    name="build",
    type="zadig-build",
    spec={
        "docker_registry_id": "r1",
        "default_service_and_builds": [{"service_name": "shop", "service_module": "api"}],
    },
)
GATE = Job(name="gate", type="approval")
DEPLOY = Job(
    name="deploy", type="zadig-deploy", spec={"env": "prod", "source": "fromjob", "job_name": "build"}
)
PARAMS = (
    Param(name="branch", type="string", value="main"),
    Param(name="mode", type="choice", value="a", choice_option=("a", "b")),
    Param(name="repo", type="repo"),
    Param(name="tags", type="multi-select"),
)


def workflow(*jobs: Job, **more: Any) -> Workflow:
    stages = tuple(Stage(name=f"s{index}", jobs=(job,)) for index, job in enumerate(jobs))
    return Workflow(workflow_key="api", project_key="shop", stages=stages, params=PARAMS, **more)


def findings(
    launch: Launch, definition: Workflow, listed: list[WorkflowSummary] | None = None
) -> tuple[str, ...]:
    with pytest.raises(PreflightError) as caught:
        preflight.plan(launch, definition, LISTED if listed is None else listed, [REGISTRY])
    return caught.value.findings


def test_jobs_run_as_they_are_configured_in_the_workflows_order() -> None:
    plan = preflight.plan(
        Launch("shop", "api", jobs=["deploy", "gate", "build"]),
        workflow(BUILD, GATE, DEPLOY),
        LISTED,
        [REGISTRY],
    )
    assert {name: encode_parameters(given) for name, given in plan.inputs.items()} == {
        "build": {
            "registry": "https://registry.example.com/shop",
            "service_list": [{"service_name": "shop", "service_module": "api"}],
        },
        "gate": {},
        "deploy": {"env_name": "prod", "service_list": [{"service_name": "shop", "service_module": "api"}]},
    }
    assert list(plan.inputs) == ["build", "gate", "deploy"]


def test_given_inputs_stand_in_for_what_is_configured() -> None:
    given = DeployInput(
        env_name="staging",
        services=[DeployService(service_name="shop", service_module="api", image_name="img:1")],
    )
    plan = preflight.plan(Launch("shop", "api", inputs={"deploy": given}), workflow(BUILD, DEPLOY), LISTED)
    assert plan.inputs == {"deploy": given}


def test_all_jobs_leaves_out_what_does_not_run_by_itself() -> None:
    spare = Job(name="spare", type="plugin", run_policy="default_not_run")
    mail = Job(name="mail", type="notification")
    plan = preflight.plan(
        Launch("shop", "api", jobs=ALL_JOBS), workflow(BUILD, GATE, DEPLOY, spare, mail), LISTED, [REGISTRY]
    )
    assert list(plan.inputs) == ["build", "gate", "deploy"]


def test_registries_are_only_asked_for_where_a_build_needs_them() -> None:
    given = BuildInput(registry="x", services=[BuildService(service_name="a", service_module="b")])
    definition = workflow(BUILD, DEPLOY)
    assert preflight.needs_registries(Launch("shop", "api", jobs=["build"]), definition)
    assert not preflight.needs_registries(Launch("shop", "api", jobs=["deploy"]), definition)
    assert not preflight.needs_registries(Launch("shop", "api", inputs={"build": given}), definition)


@pytest.mark.parametrize(
    ("launch", "definition", "finding"),
    [
        (
            Launch("shop", "api", jobs=["deploy", "build"]),
            workflow(BUILD, GATE, DEPLOY),
            "the gate 'gate' would be skipped: name it in jobs, or in allow_bypass if that is meant",
        ),
        (
            Launch("shop", "api", jobs=["build"], allow_bypass=["gaet"]),
            workflow(BUILD, GATE),
            "allow_bypass names 'gaet', and there is no such job; did you mean 'gate'?",
        ),
        (
            Launch("shop", "api", jobs=["build", "dpeloy"]),
            workflow(BUILD, DEPLOY),
            "there is no job 'dpeloy': the server would ignore it; did you mean 'deploy'?",
        ),
        (
            Launch("shop", "api", inputs={"build": SqlInput(sql="select 1")}),
            workflow(BUILD),
            "job 'build' is of type zadig-build, but its input is for sql",
        ),
        (
            Launch("shop", "api", jobs=["mail"]),
            workflow(Job(name="mail", type="notification")),
            "job 'mail' is of type notification, which this API cannot run",
        ),
        (
            Launch("shop", "api", jobs=["build"]),
            workflow(BUILD, Job(name="scan", type="zadig-scanning", run_policy="force_run")),
            "job 'scan' must always run, and this launch leaves it out",
        ),
        (
            Launch("shop", "api", jobs=["build"]),
            workflow(BUILD, concurrency_limit=0),
            "its concurrency limit is 0, so a task would wait for ever: set it in Zadig",
        ),
        (
            Launch("shop", "api", jobs=["build"], params={"brunch": "x"}),
            workflow(BUILD),
            "there is no workflow variable 'brunch'; did you mean 'branch'?",
        ),
        (
            Launch("shop", "api", jobs=["build"], params={"mode": "c"}),
            workflow(BUILD),
            "the variable 'mode' takes one of: a, b",
        ),
        (
            Launch("shop", "api", jobs=["build"], params={"repo": "main"}),
            workflow(BUILD),
            "the variable 'repo' is a repository: give a RepoParam",
        ),
        (
            Launch(
                "shop",
                "api",
                jobs=["build"],
                params={
                    "branch": RepoParam(codehost_name="g", repo_namespace="n", repo_name="r", branch="b")
                },
            ),
            workflow(BUILD),
            "the variable 'branch' takes text, not a repository",
        ),
        (
            Launch("shop", "api", jobs=["build"], params={"tags": "x"}),
            workflow(BUILD),
            "the variable 'tags' is of type multi-select, which this API ignores",
        ),
        (
            Launch("shop", "api", jobs=ALL_JOBS),
            workflow(Job(name="mail", type="notification")),
            "no job is left to run",
        ),
    ],
)
def test_what_does_not_fit_is_said(launch: Launch, definition: Workflow, finding: str) -> None:
    assert findings(launch, definition) == (finding,)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (Job(name="j", type="freestyle", spec={"repos": [{"repo_name": "r"}]}), "it checks out repositories"),
        (
            Job(name="j", type="zadig-build", spec={"docker_registry_id": "other"}),
            "its image registry is not among",
        ),
        (
            Job(name="j", type="zadig-build", spec={"docker_registry_id": "r1"}),
            "no service is selected by default",
        ),
        (Job(name="j", type="zadig-deploy", spec={"services": []}), "its environment is not configured"),
        (
            Job(name="j", type="zadig-deploy", spec={"env": "e", "services": []}),
            "no service is selected by default",
        ),
        (
            Job(name="j", type="zadig-deploy", spec={"env": "e", "source": "fromjob", "job_name": "x"}),
            "it deploys what 'x' yields, which is no build job here",
        ),
        (Job(name="j", type="sql", spec={}), "its SQL is not configured"),
        (
            Job(name="j", type="custom-deploy", spec={"targets": [{"target": "a/b"}]}),
            "no target is configured",
        ),
        (
            Job(name="j", type="k8s-canary-deploy"),
            "a job of type k8s-canary-deploy cannot be run as configured",
        ),
        (Job(name="j", type="zadig-vm-deploy"), "a job of type zadig-vm-deploy cannot be run as configured"),
    ],
)
def test_a_job_is_not_run_with_holes(job: Job, reason: str) -> None:
    (finding,) = findings(Launch("shop", "api", jobs=["j"]), workflow(job))
    assert finding.startswith(f"job 'j': {reason}")


@pytest.mark.parametrize(
    ("job", "parameters"),
    [
        (Job(name="j", type="freestyle", spec={"repos": []}), {}),
        (Job(name="j", type="plugin", spec=None), {}),
        (Job(name="j", type="sql", spec={"sql": "select 1"}), {"sql": "select 1"}),
        (
            Job(
                name="j",
                type="custom-deploy",
                spec={"targets": [{"target": "Deployment/web/main", "image": "img:1"}]},
            ),
            {
                "target_list": [
                    {
                        "workload_type": "Deployment",
                        "workload_name": "web",
                        "container_name": "main",
                        "image_name": "img:1",
                    }
                ]
            },
        ),
        (
            Job(
                name="j",
                type="zadig-deploy",
                spec={
                    "env": "e",
                    "services": [
                        {"service_name": "s", "modules": [{"service_module": "m", "image": "img:1"}]}
                    ],
                },
            ),
            {
                "env_name": "e",
                "service_list": [{"service_name": "s", "service_module": "m", "image_name": "img:1"}],
            },
        ),
    ],
)
def test_as_configured_is_written_out(job: Job, parameters: dict[str, Any]) -> None:
    plan = preflight.plan(Launch("shop", "api", jobs=["j"]), workflow(job), LISTED)
    assert encode_parameters(plan.inputs["j"]) == parameters


def test_a_gate_behind_everything_that_runs_is_not_bypassed() -> None:
    plan = preflight.plan(
        Launch("shop", "api", jobs=["build"]), workflow(BUILD, GATE, DEPLOY), LISTED, [REGISTRY]
    )
    assert list(plan.inputs) == ["build"]


def test_a_raw_input_goes_to_any_selectable_job() -> None:
    given = RawInput(job_type="whatever", parameters={"a": 1})
    plan = preflight.plan(Launch("shop", "api", inputs={"build": given}), workflow(BUILD), LISTED)
    assert plan.inputs == {"build": given}


def test_a_workflow_of_another_project_is_refused() -> None:
    launch = Launch("shop", "api", jobs=["build"])
    assert findings(launch, workflow(BUILD), []) == (
        "the workflow is not in the project 'shop': the server would not notice",
    )


def test_all_findings_are_told_at_once() -> None:
    launch = Launch("shop", "api", jobs=["x", "deploy"], params={"nope": "1"})
    assert len(findings(launch, workflow(BUILD, GATE, DEPLOY), [])) == 5


def test_a_deployment_of_what_a_build_yields_follows_the_build_of_this_launch() -> None:
    """Else it would deploy what was not built, or leave out what was."""
    given = BuildInput(
        registry=REGISTRY.name, services=[BuildService(service_name="shop", service_module="worker")]
    )
    plan = preflight.plan(
        Launch("shop", "api", jobs=["deploy"], inputs={"build": given}), workflow(BUILD, DEPLOY), LISTED
    )
    deploy = plan.inputs["deploy"]
    assert isinstance(deploy, DeployInput)
    assert [(service.service_name, service.service_module) for service in deploy.services] == [
        ("shop", "worker")
    ]


def test_a_deployment_of_what_nothing_builds_is_refused() -> None:
    assert findings(Launch("shop", "api", jobs=["deploy"]), workflow(BUILD, DEPLOY)) == (
        (
            "job 'deploy': it deploys what 'build' yields, which this launch leaves out: "
            "name that job too, or give a DeployInput"
        ),
    )


def test_a_deployment_of_what_a_raw_input_builds_must_be_said() -> None:
    launch = Launch("shop", "api", jobs=["deploy"], inputs={"build": RawInput(job_type="zadig-build")})
    assert findings(launch, workflow(BUILD, DEPLOY)) == (
        "job 'deploy': it deploys what 'build' yields, whose input is raw: give a DeployInput",
    )
