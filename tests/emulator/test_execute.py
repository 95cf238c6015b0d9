"""Execute: who is selected, what each stored type does with its input, and the order of the refusals."""

import json
from typing import Any

import pytest

from tests.emulator.worlds import Bench, world_of
from zadig_async.emulator.exchange import Response

TARGET = "/openapi/workflows/custom/task"


def repo(name: str, branch: str = "main") -> dict[str, Any]:
    return {"codehost": "git", "namespace": "ns", "name": name, "branch": branch, "commit_id": "abc"}


def repo_input(name: str, **more: Any) -> dict[str, Any]:
    return {"codehost_name": "git", "repo_namespace": "ns", "repo_name": name, **more}


async def execute(b: Bench, *inputs: dict[str, Any], token: str | None = None, **more: Any) -> Response:
    body = {"workflow_key": "w", "project_key": "p", "inputs": list(inputs), **more}
    return await b.send("POST", TARGET, body, token=token)


async def specs(job: dict[str, Any], parameters: Any, **scenario: Any) -> list[Any]:
    """The specs of the job tasks that one job becomes; a second job keeps the task alive."""
    b = Bench.of(world_of(job, {"name": "other"}, **scenario))
    answer = await execute(b, {"job_name": job["name"], "parameters": parameters}, {"job_name": "other"})
    assert answer.status == 200, answer.body.decode()
    task = b.world.tasks[-1]
    return [item.spec for stage in task.stages for item in stage.jobs if item.origin_name == job["name"]]


async def refusal(job: dict[str, Any], parameters: Any, **scenario: Any) -> tuple[int, str]:
    b = Bench.of(world_of(job, {"name": "other"}, **scenario))
    answer = await execute(b, {"job_name": job["name"], "parameters": parameters}, {"job_name": "other"})
    assert not b.world.tasks
    return answer.status, json.loads(answer.body)["description"]


async def test_only_named_jobs_run_and_gates_are_no_exception() -> None:
    b = Bench.of(world_of({"name": "a"}, {"name": "gate", "approval": {"users": ["ann"]}}, {"name": "b"}))
    answer = await execute(
        b, {"job_name": "a"}, {"job_name": "nobody"}, {"job_name": "b", "job_type": "wrong"}
    )
    assert json.loads(answer.body) == {"project_name": "p", "workflow_name": "w", "task_id": 1}
    (task,) = b.world.tasks
    assert [job.name for stage in task.stages for job in stage.jobs] == ["job-0-0-0-a", "job-2-0-0-b"]
    b.advance(60)
    assert task.status == "passed"


async def test_the_last_input_of_a_name_wins() -> None:
    job = {"name": "a", "variables": {"k": "0"}}
    b = Bench.of(world_of(job))
    await execute(b, *({"job_name": "a", "parameters": {"kv": [{"key": "k", "value": x}]}} for x in "12"))
    spec = b.world.tasks[0].stages[0].jobs[0].spec
    assert spec is not None
    assert spec["envs"][0]["value"] == "2"


async def test_the_stored_workflow_is_not_changed_by_an_execution() -> None:
    b = Bench.of(world_of({"name": "a", "variables": {"k": "0"}}, params=[{"name": "P", "value": "old"}]))
    before = await b.json("GET", "/openapi/workflows/custom/w/detail?projectKey=p")
    parameters = [{"name": "P", "value": "new"}]
    await execute(
        b, {"job_name": "a", "parameters": {"kv": [{"key": "k", "value": "9"}]}}, parameters=parameters
    )
    assert await b.json("GET", "/openapi/workflows/custom/w/detail?projectKey=p") == before
    shown = await b.json("GET", f"{TARGET}?taskId=1&workflowKey=w")
    assert shown["params"][0]["value"] == "new"


PARAMS = [
    {"name": "s"},
    {"name": "t", "type": "text"},
    {"name": "c", "type": "choice", "choice_option": ["x", "y"], "value": "x"},
    {"name": "m", "type": "multi-select", "value": "kept"},
    {"name": "r", "type": "repo", "repo": repo("code")},
]


@pytest.mark.parametrize(
    ("given", "status", "expected"),
    [
        ({"name": "s", "value": "1"}, 200, {"s": "1"}),
        ({"name": "t", "value": "a\nb", "type": "nonsense"}, 200, {"t": "a\nb"}),
        ({"name": "c", "value": "y"}, 200, {"c": "y"}),
        ({"name": "m", "value": "ignored"}, 200, {"m": "kept"}),
        ({"name": "c", "value": "z"}, 500, "invalid choice value z for param c"),
        ({"name": "q", "value": "z"}, 500, "param q not found in workflow w"),
        (
            {"name": "s", "value": 1},
            400,
            "json: cannot unmarshal number into Go struct field value of type string",
        ),
        ({"name": "r", "repo": repo_input("code", branch="dev", prs=[3])}, 200, {"r": "dev"}),
        ({"name": "r", "repo": repo_input("other", branch="dev")}, 200, {"r": "main"}),
        ({"name": "r", "repo": {"codehost_name": "hub"}}, 500, "failed to find code host with name:hub"),
        ({"name": "r"}, 500, None),
    ],
)
async def test_workflow_variables(given: Any, status: int, expected: Any) -> None:
    b = Bench.of(world_of({"name": "a"}, params=PARAMS))
    answer = await execute(b, {"job_name": "a"}, parameters=[given])
    assert answer.status == status
    if status == 200:
        shown = {
            item["name"]: item["repo"]["branch"] if item["repo"] else item["value"]
            for item in b.world.tasks[0].params
        }
        assert expected.items() <= shown.items()
    elif expected is None:
        assert answer.body == b""  # the handler panics
    else:
        assert json.loads(answer.body)["description"] == expected


async def test_from_4_2_the_unknown_variable_loses_its_workflow() -> None:
    b = Bench.of(world_of({"name": "a"}, version="4.2.0"))
    answer = await execute(b, {"job_name": "a"}, parameters=[{"name": "q", "value": ""}])
    assert json.loads(answer.body)["description"] == "param q not found in workflow"


BUILD = {
    "name": "build",
    "type": "zadig-build",
    "services": [
        {"service": "s1", "module": "m1", "repos": [repo("one"), repo("two")], "variables": {"k": "0"}},
        {"service": "s2"},
    ],
}


async def test_build() -> None:
    parameters = {
        "registry": "https://hub.test/p",
        "service_list": [
            {
                "service_name": "s1",
                "service_module": "m1",
                "repo_info": [repo_input("one", branch="dev", prs=[4, 5]), repo_input("three", branch="x")],
                "inputs": [{"key": "k", "value": "1"}, {"key": "unknown", "value": "2"}],
            },
            {"service_name": "s1", "service_module": "unknown"},
        ],
    }
    (spec,) = await specs(BUILD, parameters)
    one, two = spec["repos"]
    assert (one["branch"], one["prs"], one["commit_id"] != "abc") == ("dev", [4, 5], True)
    assert (two["branch"], two["commit_id"]) == ("main", "abc")
    assert [(item["key"], item["value"]) for item in spec["envs"]] == [("k", "1")]


async def test_build_fans_out_per_module_and_names_the_image_when_done() -> None:
    b = Bench.of(world_of(BUILD))
    services = [
        {"service_name": "s1", "service_module": "m1"},
        {"service_name": "s2", "service_module": "s2"},
    ]
    parameters = {"registry": "https://hub.test/p", "service_list": services}
    await execute(b, {"job_name": "build", "parameters": parameters})
    jobs = b.world.tasks[0].stages[0].jobs
    assert [(job.name, job.key, job.display_name) for job in jobs] == [
        ("job-0-0-0-build", "build.s1.m1", "build-s1-m1"),
        ("job-0-0-1-build", "build.s2.s2", "build-s2-s2"),
    ]
    assert [job.spec["image"] for job in jobs if job.spec] == ["", ""]
    b.advance(100)
    assert jobs[0].spec is not None
    assert jobs[0].spec["image"].startswith("hub.test/p/m1:2026")
    assert jobs[0].spec["image"].endswith("-1-main")


@pytest.mark.parametrize("registry", ["hub.test/p", "https://hub.test/p/", "https://hub.test", "", None])
async def test_build_wants_the_exact_registry(registry: str | None) -> None:
    text = "failed to update jobspec for job: build, err: didn't find the specified image registry"
    assert await refusal(BUILD, {"registry": registry}) == (500, text)
    assert await refusal(BUILD, None) == (500, text)


async def test_build_without_a_known_service_becomes_no_job() -> None:
    assert await specs(BUILD, {"registry": "https://hub.test/p", "service_list": []}) == []
    services = [{"service_name": "s9", "service_module": "s9"}]
    assert await specs(BUILD, {"registry": "https://hub.test/p", "service_list": services}) == []


FREE = {"name": "a", "repos": [repo("one"), repo("two")], "variables": {"k": "0"}}


@pytest.mark.parametrize(
    ("version", "parameters", "repos"),
    [
        ("4.1.0", {}, []),
        ("4.1.0", None, []),
        ("4.1.0", {"repo_info": [repo_input("two", branch="x")]}, ["two"]),
        ("4.2.0", {}, ["one", "two"]),
        ("4.2.0", {"repo_info": [repo_input("two", branch="x")]}, ["two"]),
    ],
)
async def test_freestyle_loses_repositories_that_are_not_named(
    version: str, parameters: Any, repos: list[str]
) -> None:
    (spec,) = await specs(FREE, parameters, version=version)
    assert [item["repo_name"] for item in spec["repos"]] == repos


async def test_freestyle_refuses_an_unknown_code_host() -> None:
    status, text = await refusal(FREE, {"repo_info": [{"codehost_name": "hub"}]})
    assert (status, text) == (
        500,
        "failed to update jobspec for job: a, err: failed to find code host with name:hub",
    )


async def test_plugin() -> None:
    (spec,) = await specs(
        {"name": "x", "type": "plugin", "variables": {"A": "1", "B": "2"}},
        {"kv": [{"key": "B", "value": "3"}]},
    )
    assert [(item["name"], item["value"]) for item in spec["inputs"]] == [("A", "1"), ("B", "3")]


DEPLOY = {"name": "deploy", "type": "zadig-deploy", "env": "prod", "services": ["s1/m1"]}


async def test_deploy_groups_by_service_and_always_overwrites_the_environment() -> None:
    services = [
        {"service_name": "a", "service_module": "x", "image_name": "i1"},
        {"service_name": "b", "service_module": "y", "image_name": "i2", "value_merge_strategy": "override"},
        {"service_name": "a", "service_module": "z", "image_name": "i3"},
    ]
    first, second = await specs(DEPLOY, {"env_name": "dev", "service_list": services})
    assert (first["env"], [item["image"] for item in first["service_and_images"]]) == ("dev", ["i1", "i3"])
    assert (second["env"], second["value_merge_strategy"]) == ("dev", "override")
    assert (await refusal(DEPLOY, {"service_list": services}))[0] == 400


async def test_deploy_to_an_environment_the_project_does_not_have() -> None:
    scenario = world_of(DEPLOY)
    scenario["projects"][0]["environments"] = ["dev"]
    b = Bench.of(scenario)
    answer = await execute(b, {"job_name": "deploy", "parameters": {"env_name": "moon"}})
    assert (answer.status, json.loads(answer.body)["code"]) == (400, 6160)


async def test_deploy_from_a_build_takes_its_images_when_it_starts() -> None:
    deploy = {"name": "deploy", "type": "zadig-deploy", "from_job": "build"}
    b = Bench.of(world_of(BUILD, deploy))
    service = {"service_name": "s2", "service_module": "s2"}
    build = {"job_name": "build", "parameters": {"registry": "https://hub.test/p", "service_list": [service]}}
    other = {"service_name": "s1", "service_module": "m1"}
    await execute(
        b, build, {"job_name": "deploy", "parameters": {"env_name": "dev", "service_list": [service, other]}}
    )
    task = b.world.tasks[0]
    spec = task.stages[1].jobs[0].spec
    assert spec is not None
    assert [item["image"] for item in spec["service_and_images"]] == [""]
    b.advance(100)
    assert spec["service_and_images"][0]["image"].startswith("hub.test/p/s2:")
    # without the build, and with an empty list, nothing is deployed
    answer = await execute(
        b, {"job_name": "deploy", "parameters": {"env_name": "dev", "service_list": [service]}}
    )
    assert json.loads(answer.body)["description"] == "no stage found in workflow task: w,taskID: 2"
    await execute(b, build, {"job_name": "deploy", "parameters": {"env_name": "dev"}})
    assert [stage.name for stage in b.world.tasks[1].stages] == ["stage-0"]


async def test_vm_deploy() -> None:
    job = {"name": "vm", "type": "zadig-vm-deploy"}
    services = [{"service_name": "a", "file_name": "a.tgz"}, {"service_name": "b", "file_name": "b.tgz"}]
    first, _ = await specs(job, {"env_name": "dev", "service_list": services})
    assert first["service_and_vm_deploys"][0]["service_name"] == "a"
    text = "failed to update jobspec for job: vm, err: cannot deploy 2 same service"
    assert await refusal(job, {"env_name": "dev", "service_list": services[:1] * 2}) == (500, text)


async def test_custom_deploy() -> None:
    job = {"name": "cd", "type": "custom-deploy", "services": ["old"]}
    target = {"workload_type": "StatefulSet", "workload_name": "w", "container_name": "c", "image_name": "i"}
    (spec,) = await specs(job, {"target_list": [target]})
    assert (spec["target"], spec["image"]) == ("StatefulSet/w/c", "i")
    assert await specs(job, {}) == []


@pytest.mark.parametrize(
    ("kind", "names", "shown"),
    [("zadig-test", "testing", "test_name"), ("zadig-scanning", "scanning", "scanning_name")],
)
async def test_tests_and_scans_run_all_whatever_is_named(kind: str, names: str, shown: str) -> None:
    job = {
        "name": "t",
        "type": kind,
        "services": [{"service": "one", "repos": [repo("r")]}, {"service": "two"}],
    }
    given = {f"{names}_list": [{f"{names}_name": "one", "repo_info": [repo_input("r", branch="dev")]}]}
    first, second = await specs(job, given)
    assert (first[shown], second[shown], first["repos"][0]["branch"]) == ("one", "two", "dev")


async def test_sql_is_always_overwritten() -> None:
    job = {"name": "q", "type": "sql", "spec": {"sql": "select 1;", "id": "fixed", "source": "fixed"}}
    (spec,) = await specs(job, {"database_name": "db", "sql": "a; b ;c"})
    assert (spec["id"], spec["sql"], [item["sql"] for item in spec["results"]]) == (
        "fixed",
        "a; b ;c",
        ["a;", "b ;", "c"],
    )
    (spec,) = await specs(job, {})
    assert (spec["sql"], spec["results"]) == ("", [])
    (spec,) = await specs({**job, "spec": {"source": "runtime"}}, {"database_name": "db"})
    assert spec["id"] == "db"


async def test_tapd_wants_ids_not_objects() -> None:
    job = {"name": "t", "type": "tapd"}
    (spec,) = await specs(job, {"project_id": "1", "status": "done", "iteration_ids": ["7"]})
    assert (spec["project_id"], spec["iterations"][0]["iteration_id"]) == ("1", "7")
    (spec,) = await specs(job, {"iterations": [{"iteration_id": "7"}]})
    assert spec["iterations"] == []


async def test_kubernetes_types() -> None:
    targets = [{"workload_name": "a", "k8s_service_name": "a"}, {"workload_name": "b"}]
    given = {"target_list": [{"workload_name": "a"}], "service_list": [{"service_name": "a"}]}
    for kind, count in (("k8s-canary-deploy", 0), ("k8s-gray-release", 0), ("k8s-gray-rollback", 1)):
        found = await specs({"name": "k", "type": kind, "spec": {"targets": targets}}, given)
        assert len(found) == count, kind
    for kind in ("k8s-blue-green-deploy", "k8s-blue-green-release", "k8s-canary-release"):
        assert len(await specs({"name": "k", "type": kind, "spec": {"env": "x"}}, given)) == 1
    patch = {"resource_name": "n", "resource_kind": "k", "resource_group": "g", "resource_version": "v"}
    job = {"name": "k", "type": "k8s-resource-patch", "spec": {"patch_items": [{**patch, "params": []}]}}
    assert len(await specs(job, {"target_list": [patch]})) == 1
    assert await specs(job, {"target_list": [{**patch, "resource_group": ""}]}) == []


@pytest.mark.parametrize(
    "kind",
    [
        "zadig-distribute-image",
        "zadig-helm-chart-deploy",
        "notification",
        "jira",
        "nacos",
        "apollo",
        "jenkins",
        "pingcode",
        "meego-transition",
        "workflow-trigger",
        "offline-service",
        "istio-release",
        "istio-rollback",
        "mse-gray-release",
        "mse-gray-offline",
        "grafana",
        "guanceyun-check",
        "blueking",
        "sae-deploy",
        "update-env-istio-config",
        "a-type-of-the-future",
    ],
)
async def test_other_types_cannot_be_selected(kind: str) -> None:
    assert await refusal({"name": "x", "type": kind}, {}) == (500, f"undefined job type of type:{kind}")


@pytest.mark.parametrize(
    ("parameters", "fragment"),
    [
        ("text", "cannot unmarshal string"),
        ([1], "cannot unmarshal array"),
        ({"kv": {}}, "cannot unmarshal object"),
    ],
)
async def test_parameters_of_the_wrong_shape(parameters: Any, fragment: str) -> None:
    status, text = await refusal({"name": "a"}, parameters)
    assert status == 500
    assert text.startswith("failed to update jobspec for job: a, err: json: ")
    assert fragment in text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"workflow_key":1}',
        b'{"inputs":{}}',
        b'{"inputs":[1]}',
        b'{"a":NaN}',
        b'{"parameters":[{"value":true}]}',
    ],
)
async def test_bodies_that_do_not_fit_are_bad_requests(body: bytes) -> None:
    answer = await Bench.of(world_of({"name": "a"})).send("POST", TARGET, body)
    value = json.loads(answer.body)
    assert (answer.status, value["code"], value["message"]) == (400, 400, "Bad Request")
    assert value["description"]


@pytest.mark.parametrize("policy", ["default_not_run", ""])
async def test_naming_a_job_runs_it_whatever_its_default(policy: str) -> None:
    assert len(await specs({"name": "a", "run_policy": policy}, {})) == 1


async def test_an_unlicensed_server_refuses_even_skipped_gates() -> None:
    b = Bench.of(
        world_of({"name": "a"}, {"name": "gate", "approval": {"users": ["ann"]}}, professional=False)
    )
    answer = await execute(b, {"job_name": "a"})
    value = json.loads(answer.body)
    assert (answer.status, value["code"], value["description"]) == (
        400,
        6545,
        "用户许可证不可用，请检查许可证后重试: ",
    )
    assert (
        await execute(Bench.of(world_of({"name": "a"}, professional=False)), {"job_name": "a"})
    ).status == 200


@pytest.mark.parametrize(
    ("token", "project", "status"),
    [("root", "p", 200), ("root", "wrong", 200), ("ann", "p", 200), ("ann", "wrong", 403), ("bob", "p", 403)],
)
async def test_permission_follows_the_project_that_was_sent(token: str, project: str, status: int) -> None:
    b = Bench.of(world_of({"name": "a"}))
    answer = await execute(b, {"job_name": "a"}, token=token, project_key=project)
    assert answer.status == status
    assert len(b.world.tasks) == (status == 200)


async def test_a_permission_in_one_project_runs_a_workflow_of_another() -> None:
    scenario = world_of({"name": "a"})
    scenario["projects"].append({"key": "q"})
    scenario["users"].append({"name": "eve", "tokens": ["eve"], "projects": {"q": ["execute"]}})
    b = Bench.of(scenario)
    answer = await execute(b, {"job_name": "a"}, token="eve", project_key="q")
    assert json.loads(answer.body)["project_name"] == "p"


async def test_every_post_is_a_task() -> None:
    b = Bench.of(world_of({"name": "a"}))
    for expected in (1, 2, 3):
        assert json.loads((await execute(b, {"job_name": "a"})).body)["task_id"] == expected
